/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "bridge/base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

/* What a peer may say and we do not write: an answer belongs to the mailbox that it names, and nothing in it is taken that cannot be. */
#define PB(name) Availbridge__Link__V1__##name

static struct fb_mailbox boxes[FB_MAX_MAILBOXES];
static struct fb_query q;

/* One busy hour of the first mailbox; the tests spoil it. */
struct said {
	PB(MailboxAnswer) m;
	PB(Event) e, *list[1];
};

static struct said *good(void)
{
	static struct said s;

	world_query(&q, boxes, 2);
	s.m = (PB(MailboxAnswer))AVAILBRIDGE__LINK__V1__MAILBOX_ANSWER__INIT;
	s.e = (PB(Event))AVAILBRIDGE__LINK__V1__EVENT__INIT;
	s.list[0] = &s.e;
	s.e.start = q.window.start;
	s.e.end = s.e.start + 3600;
	s.e.busy = AVAILBRIDGE__LINK__V1__BUSY_TYPE__BUSY_TIME;
	s.m.mailbox = (char *)q.mailboxes[0].address;
	s.m.reason = AVAILBRIDGE__LINK__V1__REASON__OK;
	s.m.view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	s.m.events = s.list;
	s.m.n_events = 1;
	return &s;
}

/* What is read of it; caller frees. */
static struct fb_answer *taken(struct said *s, size_t *i, const char **why)
{
	struct fb_answer *got;
	struct buf b;

	buf_init(&b, LINK_ANSWER_BYTES);
	wire_pack(&b, &s->m.base);
	got = link_answer_read(buf_ptr(&b), b.len, &q, i, why);
	buf_free(&b);
	return got;
}

static void of_another_mailbox(void)
{
	static const struct {
		uint32_t index;
		const char *mailbox;
		bool right;
	} cases[] = {{0, "p0@b.example", true}, {1, "p1@b.example", true}, {0, "p1@b.example", false}, {1, "p0@b.example", false}, {2, "p0@b.example", false},
	             {2, "", false}, {UINT32_MAX, "p0@b.example", false}, {0, "", false}, {0, "p", false}, {0, "p0@b.exampl", false}, {0, "p0@b.example.", false},
	             {0, "P0@b.example", false}};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct said *s = good();
		const char *why = NULL;
		struct fb_answer *got;
		size_t i = 99;

		s->m.index = cases[k].index;
		s->m.mailbox = (char *)cases[k].mailbox;
		got = taken(s, &i, &why);
		CHECK_INT(got != NULL, cases[k].right);
		CHECK_STR(why, cases[k].right ? NULL : "the answer is about a mailbox that was not asked");
		if (got)
			CHECK(i == cases[k].index && got->n_events == 1);
		fb_answer_free(got);
	}
}

/* An event that cannot be makes the mailbox a failure: without it there would be free time. */
static void events_that_cannot_be(void)
{
	static const struct {
		int64_t start, end;
		int busy;
		bool right;
	} cases[] = {{0, 1, FB_BUSY_TYPES - 1, true}, {5, 5, FB_BUSY_TIME, true}, {6, 5, FB_BUSY_TIME, false}, {0, 1, FB_BUSY_TYPES, false}, {0, 1, -1, false},
	             {-62135596800, 253402300799, FB_OOF, true}, {-62135596801, 1, FB_OOF, false}, {0, 253402300800, FB_OOF, false}};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct said *s = good();
		const char *why = NULL;
		struct fb_answer *got;
		size_t i;

		s->e.start = cases[k].start;
		s->e.end = cases[k].end;
		s->e.busy = (PB(BusyType))cases[k].busy;
		got = taken(s, &i, &why);
		if (CHECK(got != NULL))
			CHECK_INT(got->reason, cases[k].right ? FB_OK : FB_PEER_FAILED);
		CHECK_STR(why, cases[k].right ? NULL : "an event has a busy type or times that cannot be");
		fb_answer_free(got);
	}
}

/* Flags are details, and there are five of them. */
static void flags(void)
{
	for (int details = 0; details < 2; details++) {
		struct said *s = good();
		struct fb_answer *got;
		const char *why;
		size_t i;

		s->e.has_details = details;
		s->e.flags = 0xffff & ~(unsigned)FB_PRIVATE;
		s->e.subject = (char *)"Merger";
		got = taken(s, &i, &why);
		if (CHECK(got && got->n_events == 1)) {
			CHECK_INT(got->events[0].has_details, details);
			CHECK_INT(got->events[0].flags, details ? FB_MEETING | FB_RECURRING | FB_EXCEPTION | FB_REMINDER : 0);
			CHECK_STR(got->events[0].subject, details ? "Merger" : NULL);
		}
		fb_answer_free(got);
	}
}

/* A peer that forgets to leave the words of a private event out does not get them shown. */
static void private_words_are_dropped(void)
{
	struct said *s = good();
	struct fb_answer *got;
	const char *why;
	size_t i;

	s->e.has_details = true;
	s->e.flags = FB_PRIVATE;
	s->e.subject = (char *)"Surgery";
	s->e.location = (char *)"Ward 9";
	got = taken(s, &i, &why);
	if (CHECK(got && got->n_events == 1)) {
		CHECK_INT(got->events[0].flags, FB_PRIVATE);
		CHECK_STR(got->events[0].subject, NULL);
		CHECK_STR(got->events[0].location, NULL);
	}
	fb_answer_free(got);
}

int main(void)
{
	of_another_mailbox();
	events_that_cannot_be();
	flags();
	private_words_are_dropped();
	return check_done();
}
