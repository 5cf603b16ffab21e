/* links: base availability address_space link gen */
#include "tests/unit/link_liar.h"

/* Answers as large as they get, of many questions at once. */

/* One answer, as large as they get, to each of several questions, one after the other; what is lacking comes when all of these are there. */
enum { LARGE = 8 };
static struct link_stream *half_answered[LARGE];
static size_t n_half;

static void say_large(struct link_stream *st)
{
	static PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[FB_MAX_EVENTS];
	static char text[701];
	PB(MailboxAnswer) m = truth(0);

	memset(text, 'x', 700);
	e.start = e.end = q.window.start;
	e.busy = AVAILBRIDGE__LINK__V1__BUSY_TYPE__BUSY_TIME;
	e.has_details = true;
	e.subject = e.location = text;
	for (size_t i = 0; i < FB_MAX_EVENTS; i++)
		list[i] = &e;
	m.events = list;
	m.n_events = FB_MAX_EVENTS;
	say(st, &m);
}

static void large_one_first(struct link_stream *st)
{
	say_large(st);
	half_answered[n_half++] = st;
}

static void say_the_rest(void)
{
	PB(MailboxAnswer) m = truth(1);

	for (size_t i = 0; i < LARGE; i++) {
		say(half_answered[i], &m);
		end_ok(half_answered[i]);
	}
}

/* The same to many questions that wait at once. */
enum { MANY = 40 };
static struct link_stream *asked[MANY];
static size_t n_asked;

static void large_ones_at_once(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(1);

	asked[n_asked++] = st;
	for (size_t i = 0; n_asked == got.wanted && i < n_asked; i++) {
		say_large(asked[i]);
		say(asked[i], &m);
		end_ok(asked[i]);
	}
}

/* What is read of an answer is held no more while its question waits for another. */
static void after_each(void)
{
	if (got.answers < LARGE)
		ask_for(8000);
	else if (got.answers == LARGE)
		say_the_rest();
}

static void one_after_the_other(void)
{
	liar_begin();
	listen_to(large_one_first, LARGE);
	heard = after_each;
	ask_for(8000);
	run();
	heard = NULL;
	CHECK_INT(got.dones, LARGE);
	CHECK_INT(got.ok, 2 * LARGE);
	CHECK_INT(got.reason, FB_OK);
	liar_end();
}

static void ask_many(size_t n)
{
	listen_to(large_ones_at_once, n);
	n_asked = 0;
	for (size_t i = 0; i < n; i++)
		ask_for(8000);
	run();
	CHECK_INT(got.dones, n);
}

static void at_once(void)
{
	liar_begin();
	ask_many(16); /* as a site with many users has it on a slow line */
	CHECK_INT(got.ok, 2 * 16);
	CHECK_INT(got.failed, 0);
	ask_many(MANY);
	CHECK(got.failed > 0 && got.failed < MANY);
	CHECK_STR(got.why, "too many large answers of the peer were under way at once");
	liar_end();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	one_after_the_other();
	at_once();
	return check_done();
}
