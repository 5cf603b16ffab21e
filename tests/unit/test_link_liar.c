/* links: base availability address_space link gen */
#include "tests/unit/link_liar.h"

/* What our client does not believe, and for how long it waits. */

static const char *lie_status;

static void wrong_mailbox(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.mailbox = (char *)boxes[1].address;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void index_out_of_range(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.index = 4000000000u;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void twice(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);

	say(st, &m);
	m.reason = AVAILBRIDGE__LINK__V1__REASON__NO_ACCESS;
	say(st, &m);
	end_ok(st);
}

static void unknown_reason(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.reason = (PB(Reason))99;
	n.reason = AVAILBRIDGE__LINK__V1__REASON__NOT_COMPUTED;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void unknown_busy(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);
	PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[1] = {&e};

	e.start = q.window.start;
	e.end = q.window.start + 3600;
	e.busy = (PB(BusyType))77;
	m.n_events = 1;
	m.events = list;
	say(st, &m);
	end_ok(st);
}

static void bad_digits(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);
	char five[49], shorter[48];

	memset(five, '0', 48);
	five[48] = 0;
	five[10] = '5';
	memset(shorter, '0', 47);
	shorter[47] = 0;
	m.merged = five;
	n.merged = shorter;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void nothing_given(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);

	m.view = 0;
	say(st, &m);
	end_ok(st);
}

static void no_message(struct link_stream *st)
{
	uint8_t *to = link_stream_put(st, 3);

	memcpy(to, "\xff\xff\xff", 3);
	end_ok(st);
}

static void too_many_events(struct link_stream *st)
{
	static PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[FB_MAX_EVENTS + 1];
	PB(MailboxAnswer) m = truth(0);

	e.start = e.end = q.window.start;
	e.busy = AVAILBRIDGE__LINK__V1__BUSY_TYPE__BUSY_TIME;
	for (size_t i = 0; i <= FB_MAX_EVENTS; i++)
		list[i] = &e;
	m.events = list;
	m.n_events = FB_MAX_EVENTS + 1;
	say(st, &m);
	end_ok(st);
}

static void oversize(struct link_stream *st)
{
	uint8_t *to = link_stream_put(st, LINK_ANSWER_BYTES + 1);

	memset(to, 0, LINK_ANSWER_BYTES + 1);
	link_stream_send(st);
}

static void status_only(struct link_stream *st)
{
	link_stream_end(st, atoi(lie_status), "as they say");
}

static void just_http(struct link_stream *st)
{
	link_stream_end_http(st, lie_status);
}

/* Answers about nobody, as many as the connection takes: 5 bytes each. */
static void without_end(struct link_stream *st)
{
	uint8_t *to;

	for (int i = 0; i < 20000 && (to = link_stream_put(st, 0)); i++)
		;
	link_stream_send(st);
}

/* Only after the reset does it take the question; before, it has not looked at it. */
static int refusals;
static void refuse_once(struct link_stream *st)
{
	if (refusals++ == 0) {
		link_stream_reset(st, NGHTTP2_REFUSED_STREAM);
		l_closed(NULL, st, 0);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		PB(MailboxAnswer) m = truth(i);

		say(st, &m);
	}
	end_ok(st);
}

/* It looks at nothing, however often it is asked. */
static void refuse_always(struct link_stream *st)
{
	refusals++;
	link_stream_reset(st, NGHTTP2_REFUSED_STREAM);
	l_closed(NULL, st, 0);
}

static void hear_within(void (*said)(struct link_stream *st), const char *status, int64_t deadline_ms)
{
	listen_to(said, 1);
	lie_status = status;
	ask_for(deadline_ms);
	run();
	CHECK_INT(got.dones, 1);
}

static void hear(void (*said)(struct link_stream *st), const char *status)
{
	hear_within(said, status, 5000);
}

static void what_our_client_refuses(void)
{
	int64_t began;
	FILE *logged;

	liar_begin();
	hear(wrong_mailbox, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reasons[1], FB_OK);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(index_out_of_range, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(twice, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reasons[0], FB_OK);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(unknown_reason, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.reasons[0], FB_PEER_FAILED);
	CHECK_INT(got.reasons[1], FB_PEER_FAILED);
	hear(unknown_busy, NULL);
	CHECK_INT(got.ok, 0);
	hear(bad_digits, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.answers, 2);
	hear(nothing_given, NULL);
	CHECK_INT(got.ok, 0);
	hear(no_message, NULL);
	CHECK_INT(got.answers, 0);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(too_many_events, NULL);
	CHECK_INT(got.ok, 0);
	hear(oversize, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(status_only, "7");
	CHECK_INT(got.reason, FB_NOT_ALLOWED);
	hear(status_only, "8");
	CHECK_INT(got.reason, FB_BUSY);
	hear(status_only, "4");
	CHECK_INT(got.reason, FB_TIMEOUT);
	hear(status_only, "14");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	CHECK_STR(got.why, "UNAVAILABLE: as they say");
	hear(status_only, "0");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(just_http, "503");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(just_http, "200");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	began = loop_ms();
	logged = tmpfile();
	log_setup(fileno(logged), false, LOG_LEVEL_WARN, "test");
	hear_within(without_end, NULL, 9000);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	CHECK(strstr(got.why, "without end") != NULL);
	CHECK(loop_ms() - began < 8500); /* not at its deadline */
	CHECK_INT(log_lines(logged, "link-answer-refused"), 2);
	fclose(logged);
	hear(refuse_once, NULL);
	CHECK_INT(got.ok, 2);
	CHECK_INT(got.reason, FB_OK);
	refusals = 0;
	hear(refuse_always, NULL);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	CHECK_INT(refusals, 2);
	liar_end();
}

/* It falls silent before it has said all: late is no refusal, and what was said stays. */
static void half_an_answer(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(1);

	say(st, &m);
}

static void no_last_word(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);

	say(st, &m);
	half_an_answer(st);
}

static void what_is_late(void)
{
	int64_t began;

	liar_begin();
	began = loop_ms();
	hear_within(no_last_word, NULL, 9000);
	CHECK_INT(got.ok, 2);
	CHECK_INT(got.reason, FB_OK);
	CHECK(loop_ms() - began < 8500);
	listen_to(half_an_answer, 1);
	ask_for(300);
	run();
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reasons[1], FB_OK);
	CHECK_INT(got.reason, FB_TIMEOUT);
	CHECK_STR(got.why, "no full answer until the deadline");
	liar_end();
}

static void silence(struct link_stream *st)
{
}

/* So many questions wait for one peer, and no more. */
static void too_many_at_once(void)
{
	enum { WAITING = 1024, MORE = 5 };

	liar_begin();
	listen_to(silence, MORE);
	for (int i = 0; i < WAITING + MORE; i++)
		ask_for(8000);
	run();
	CHECK_INT(got.failed, MORE);
	CHECK_INT(got.reason, FB_BUSY);
	CHECK_STR(got.why, "too many questions wait for this peer");
	liar_end();
	refusals = 1; /* from now on it answers; those that have ended wait no more */
	liar_begin();
	for (int i = 0; i < WAITING + MORE; i++)
		hear(refuse_once, NULL);
	CHECK_INT(got.ok, 2);
	CHECK_INT(got.reason, FB_OK);
	liar_end();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	what_our_client_refuses();
	what_is_late();
	too_many_at_once();
	return check_done();
}
