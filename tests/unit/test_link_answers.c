/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "bridge/base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

/* Answers on their way over the link, and what of them must not come in. */
#define PB(name) Availbridge__Link__V1__##name

static struct fb_mailbox boxes[FB_MAX_MAILBOXES];
static struct fb_query q;
static struct buf packed;

static uint8_t *place(void *arg, size_t n)
{
	uint8_t *p;

	buf_reset(&packed);
	p = buf_reserve(&packed, n);
	buf_commit(&packed, n);
	return p;
}

/* What was packed is, byte by byte, what protobuf-c makes of what it reads there. */
static bool protobuf_c_agrees(void)
{
	PB(MailboxAnswer) *m = availbridge__link__v1__mailbox_answer__unpack(NULL, packed.len, buf_ptr(&packed));
	struct buf again;
	bool same;

	if (!m)
		return false;
	buf_init(&again, LINK_ANSWER_BYTES);
	same = wire_pack(&again, &m->base) == 0 && again.len == packed.len && memcmp(buf_ptr(&again), buf_ptr(&packed), packed.len) == 0;
	buf_free(&again);
	availbridge__link__v1__mailbox_answer__free_unpacked(m, NULL);
	return same;
}

static struct fb_answer *through(const struct fb_answer *a)
{
	const char *why = NULL;
	size_t i = 99;
	struct fb_answer *got;

	CHECK(link_answer_write(&q, 1, a, place, NULL) == 0);
	CHECK(protobuf_c_agrees());
	got = link_answer_read(buf_ptr(&packed), packed.len, &q, &i, &why);
	CHECK(got != NULL);
	CHECK_INT(i, 1);
	return got;
}

static void answers(void)
{
	struct fb_answer *a, *got;
	struct fb_event secret = {.start = 1772409600, .end = 1772413200, .busy = FB_OOF, .has_details = true, .flags = FB_PRIVATE | FB_MEETING,
	                          .subject = "Surgery", .location = "Ward 9"};
	char umlauts[2002];

	world_query(&q, boxes, 2);
	a = world_answer(1);
	fb_answer_add(a, &secret);
	a->hours = (struct fb_working_hours){.known = true, .zone = {3600, 7200, {10, 5, 0, 10800, 0}, {3, 5, 0, 7200, 0}}, .n = 1, .periods = {{62, 480, 1020}}};
	got = through(a);
	CHECK_INT(got->reason, FB_OK);
	CHECK_INT(got->n_events, 2);
	CHECK_STR(got->merged, a->merged);
	CHECK_STR(got->events[1].subject, "meeting 1");
	CHECK_INT(got->events[0].flags, FB_PRIVATE | FB_MEETING);
	CHECK_STR(got->events[0].subject, NULL);
	CHECK_STR(got->events[0].location, NULL);
	CHECK(memmem(buf_ptr(&packed), packed.len, "Surgery", 7) == NULL); /* not even on the wire */
	CHECK(got->hours.known);
	CHECK_INT(got->hours.zone.daylight_offset, 7200);
	CHECK_INT(got->hours.zone.to_daylight.month, 3);
	CHECK_INT(got->hours.periods[0].end, 1020);
	fb_answer_free(got);
	/* Without the right to details nothing of them travels, whatever the answer holds. */
	a->view = FB_VIEW_EVENTS;
	got = through(a);
	CHECK_INT(got->view, FB_VIEW_EVENTS);
	CHECK_STR(got->merged, NULL);
	CHECK(!got->events[1].has_details && !got->events[1].subject && !got->events[1].flags);
	CHECK(memmem(buf_ptr(&packed), packed.len, "meeting", 7) == NULL);
	fb_answer_free(got);
	/* A long text is cut between two characters, and what is no text is left out: the other end would have to refuse the whole. */
	*umlauts = 'a';
	for (int i = 0; i < 1000; i++)
		memcpy(umlauts + 1 + 2 * i, "\xc3\xa4", 3);
	a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	secret = (struct fb_event){.start = 1, .end = 2, .busy = FB_TENTATIVE, .has_details = true, .subject = umlauts, .location = umlauts + 1};
	fb_answer_add(a, &secret);
	secret = (struct fb_event){.start = 2, .end = 3, .busy = FB_TENTATIVE, .has_details = true, .subject = "\xff\xfe", .location = "Room 1"};
	fb_answer_add(a, &secret);
	got = through(a);
	CHECK_INT(strlen(got->events[0].subject), LINK_TEXT_BYTES - 1);
	CHECK(text_utf8_valid(got->events[0].subject, LINK_TEXT_BYTES - 1));
	CHECK_INT(strlen(got->events[0].location), LINK_TEXT_BYTES);
	CHECK_STR(got->events[1].subject, NULL);
	CHECK_STR(got->events[1].location, "Room 1");
	fb_answer_free(got);
	fb_answer_free(a);
	for (int r = 1; r < FB_REASONS; r++) {
		if (r == FB_OK)
			continue;
		a = world_answer(1);
		a->reason = (enum fb_reason)r;
		got = through(a);
		CHECK_INT(got->reason, r);
		CHECK_INT(got->n_events, 0);
		CHECK_STR(got->merged, NULL);
		fb_answer_free(got);
		fb_answer_free(a);
	}
	a = world_answer(1);
	for (int i = 0; i < FB_MAX_EVENTS; i++)
		fb_answer_add(a, &a->events[0]);
	got = through(a);
	CHECK_INT(got->reason, FB_TOO_BIG);
	fb_answer_free(got);
	fb_answer_free(a);
}

/* Every value that an answer can hold comes through, at its edges and at those of its length's bytes. */
static void edges(void)
{
	static const int64_t times[] = {-62135596800, -1, 0, 127, 128, 16384, INT32_MAX, 4294967296, 253402300799};
	char subject[LINK_TEXT_BYTES + 1];
	struct fb_answer *a, *got;

	world_query(&q, boxes, 2);
	for (size_t n = 1; n <= LINK_TEXT_BYTES; n += n < 160 ? 1 : 76) {
		a = world_answer(1);
		memset(subject, 'x', n);
		subject[n] = 0;
		for (size_t t = 0; t < sizeof times / sizeof *times; t++)
			fb_answer_add(a, &(struct fb_event){.start = times[t], .end = times[t], .busy = (enum fb_busy)(t % FB_BUSY_TYPES), .has_details = true,
			                                    .flags = (unsigned)t & 15, .subject = subject, .location = subject + n / 2});
		a->hours = (struct fb_working_hours){.known = true, .zone = {-86400, 86400, {12, 31, 6, 691200, 9999}, {0}}, .n = n % (FB_MAX_PERIODS + 1)};
		for (size_t i = 0; i < a->hours.n; i++)
			a->hours.periods[i] = (struct fb_working_period){(unsigned)i * 9, (int)i, 1440};
		fb_answer_sort(a);
		got = through(a);
		CHECK_INT(got->n_events, a->n_events);
		for (size_t i = 0; i < got->n_events; i++) {
			CHECK_INT(got->events[i].start, a->events[i].start);
			CHECK_INT(got->events[i].busy, a->events[i].busy);
			CHECK_INT(got->events[i].flags, a->events[i].flags);
			CHECK_STR(got->events[i].subject, a->events[i].subject);
			CHECK_STR(got->events[i].location, a->events[i].location);
		}
		CHECK(memcmp(&got->hours, &a->hours, sizeof a->hours) == 0);
		fb_answer_free(got);
		fb_answer_free(a);
	}
}

/* A message within a message, of any length; and a field in front of those that it needs. */
static void lengths_and_order(void)
{
	static const size_t lengths[] = {0, 1, 127, 128, 129, 16383, 16384, 20000};
	static uint8_t bytes[20000];
	struct fb_answer *a, *got;
	struct wire_bytes in;
	struct wire_field f;
	const char *why;
	struct buf b;
	size_t i, from;

	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		memset(bytes, (int)k + 1, sizeof bytes);
		buf_init(&b, 1 << 20);
		from = wire_begin(&b, 6);
		buf_add(&b, bytes, lengths[k]);
		wire_end(&b, from);
		wire_put(&b, 1, 7);
		in = (struct wire_bytes){buf_ptr(&b), b.len};
		CHECK(wire_next(&in, &f) && f.number == 6 && f.bytes.n == lengths[k] && memcmp(f.bytes.p, bytes, lengths[k]) == 0);
		CHECK(wire_next(&in, &f) && f.number == 1 && f.value == 7);
		CHECK(!wire_next(&in, &f));
		buf_free(&b);
	}
	world_query(&q, boxes, 2);
	a = world_answer(1);
	buf_init(&b, LINK_ANSWER_BYTES);
	from = wire_begin(&b, 6); /* an event before the view that says what of it may be shown */
	wire_put(&b, 1, (uint64_t)q.window.start);
	wire_put(&b, 2, (uint64_t)q.window.start + 60);
	wire_put(&b, 3, 2);
	wire_put(&b, 4, 1);
	wire_put_bytes(&b, 6, "early", 5);
	wire_end(&b, from);
	CHECK(link_answer_write(&q, 1, a, place, NULL) == 0);
	buf_add(&b, buf_ptr(&packed), packed.len);
	got = link_answer_read(buf_ptr(&b), b.len, &q, &i, &why);
	if (CHECK(got && got->n_events == 2))
		CHECK(!strcmp(got->events[0].subject, "early") || !strcmp(got->events[1].subject, "early"));
	fb_answer_free(got);
	fb_answer_free(a);
	buf_free(&b);
}

/* What protobuf-c does not take is not taken here: keys and lengths of more than five bytes; numbers may have ten. */
static void long_heads(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool taken;
	} rows[] = {
		{"\x88\x80\x80\x80\x00\x01", 6, true},          /* index: a key of five bytes, */
		{"\x88\x80\x80\x80\x80\x00\x01", 7, false},    /* of six */
		{"\x2a\x80\x80\x80\x80\x00", 6, true},          /* merged: a length of five, */
		{"\x2a\x80\x80\x80\x80\x80\x00", 7, false},    /* of six */
		{"\xfa\x06\x80\x80\x80\x80\x80\x00", 8, false}, /* the same of a field that we do not know */
		{"\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, true}, /* view: a number of ten */
	};
	PB(MailboxAnswer) *m;
	struct fb_answer *got;
	const char *why;
	struct buf b;
	size_t i;

	world_query(&q, boxes, 2);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		buf_init(&b, LINK_ANSWER_BYTES);
		wire_put_bytes(&b, 2, q.mailboxes[1].address, strlen(q.mailboxes[1].address));
		wire_put(&b, 3, FB_NO_ACCESS);
		if (k > 1)
			wire_put(&b, 1, 1);
		buf_add(&b, rows[k].bytes, rows[k].n);
		m = availbridge__link__v1__mailbox_answer__unpack(NULL, b.len, buf_ptr(&b));
		got = link_answer_read(buf_ptr(&b), b.len, &q, &i, &why);
		if (!CHECK((m != NULL) == rows[k].taken && (got != NULL) == rows[k].taken))
			fprintf(stderr, "\trow %zu: %d %d\n", k, m != NULL, got != NULL);
		fb_answer_free(got);
		if (m)
			availbridge__link__v1__mailbox_answer__free_unpacked(m, NULL);
		buf_free(&b);
	}
}

/* What was not asked is not taken, even if it comes. */
static void more_than_asked(void)
{
	struct fb_answer *a, *got;

	world_query(&q, boxes, 2);
	a = world_answer(1);
	q.view = FB_VIEW_MERGED;
	got = through(a);
	CHECK_INT(got->view, FB_VIEW_MERGED);
	CHECK_INT(got->n_events, 0);
	fb_answer_free(got);
	q.view = FB_VIEW_MERGED | FB_VIEW_EVENTS;
	got = through(a);
	CHECK_INT(got->n_events, 1);
	CHECK_STR(got->events[0].subject, NULL);
	CHECK(!got->events[0].has_details);
	fb_answer_free(got);
	fb_answer_free(a);
}

/* Events were asked for, and the calendar's server gives digits alone: they are less than events, and better than nothing. */
static void digits_instead_of_events(void)
{
	struct fb_answer *a, *got;

	world_query(&q, boxes, 2);
	a = world_answer(1);
	a->view = FB_VIEW_MERGED;
	q.view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	got = through(a);
	CHECK_INT(got->reason, FB_OK);
	CHECK_INT(got->view, FB_VIEW_MERGED);
	CHECK_STR(got->merged, a->merged);
	CHECK_INT(got->n_events, 0);
	fb_answer_free(got);
	a->view = FB_VIEW_EVENTS;
	q.view = FB_VIEW_MERGED;
	CHECK_INT((got = through(a))->reason, FB_PEER_FAILED); /* the other way round nothing could be worked out here */
	fb_answer_free(got);
	fb_answer_free(a);
}

int main(void)
{
	buf_init(&packed, LINK_ANSWER_BYTES);
	answers();
	edges();
	lengths_and_order();
	long_heads();
	more_than_asked();
	digits_instead_of_events();
	buf_free(&packed);
	return check_done();
}
