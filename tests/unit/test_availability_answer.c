/* links: base availability */
#include "bridge/availability/answer.h"
#include "bridge/availability/spans.h"
#include "bridge/base/arena.h"
#include "tests/unit/check.h"

/* Minutes after a round instant, so that the tables below can be read. */
static const int64_t T0 = 1772438400; /* 2026-03-02T08:00:00Z */
enum { MIN = 60, HOUR = 3600 };

/* Always the same numbers (xorshift), so that a failure can be had again. */
static uint64_t seed = 88172645463325252u;
static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

static struct fb_window minutes(int64_t from, int64_t to)
{
	return (struct fb_window){T0 + from * MIN, T0 + to * MIN};
}

static void add(struct fb_answer *a, int64_t from, int64_t to, enum fb_busy busy)
{
	struct fb_event e = {.start = T0 + from * MIN, .end = T0 + to * MIN, .busy = busy};

	CHECK_INT(fb_answer_add(a, &e), 0);
}

static void merged_is(const struct fb_answer *a, struct fb_window w, int interval, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	CHECK_INT(fb_merged_put(&b, a, w, interval), 0);
	CHECK_STR(buf_cstr(&b), want);
	CHECK(fb_merged_valid(buf_cstr(&b), w, interval));
	buf_free(&b);
}

static void merged_lengths(void)
{
	CHECK_INT(fb_merged_length((struct fb_window){T0, T0 + 86399}, 60), 24); /* the published sample's window */
	CHECK_INT(fb_merged_length(minutes(0, 60), 60), 1);
	CHECK_INT(fb_merged_length(minutes(0, 61), 60), 2);
	CHECK_INT(fb_merged_length((struct fb_window){T0, T0 + 1}, 1440), 1);
	CHECK_INT(fb_merged_length((struct fb_window){T0, T0}, 30), 0);
	CHECK_INT(fb_merged_length((struct fb_window){T0 + 1, T0}, 30), 0);
	CHECK_INT(fb_merged_length(minutes(0, 60), 0), 0);
	CHECK_INT(fb_merged_length(minutes(0, 62 * 1440), 5), 17856);
	CHECK(!fb_merged_valid("00", minutes(0, 60), 60) && !fb_merged_valid("5", minutes(0, 60), 60));
	CHECK(!fb_merged_valid("", minutes(0, 60), 60));
	CHECK(fb_merged_valid("4", minutes(0, 60), 60) && !fb_merged_valid(NULL, minutes(0, 60), 60));
}

static void merged_digits(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	struct buf b;

	merged_is(a, minutes(0, 120), 30, "0000");
	add(a, 0, 60, FB_OOF); /* the documented example: 3220 */
	add(a, 60, 150, FB_BUSY_TIME);
	merged_is(a, minutes(0, 240), 60, "3220");
	/* slots follow the window's start, not the clock */
	merged_is(a, minutes(-80, 100), 60, "033");
	merged_is(a, minutes(45, 165), 30, "3222"); /* a second is enough */
	merged_is(a, minutes(60, 120), 60, "2");    /* and an end that touches is nothing */
	merged_is(a, minutes(150, 180), 30, "0");
	merged_is(a, minutes(-30, 0), 30, "0");
	merged_is(a, minutes(-30, 1), 30, "03");
	fb_answer_free(a);

	/* the published sample: 09:40-10:10 marks both hours of a day that ends a second before midnight */
	a = fb_answer_new(FB_OK);
	add(a, 9 * 60 + 40, 10 * 60 + 10, FB_BUSY_TIME);
	merged_is(a, (struct fb_window){T0, T0 + 86399}, 60, "000000000220000000000000");
	fb_answer_free(a);

	a = fb_answer_new(FB_OK);
	add(a, 0, 600, FB_ELSEWHERE);
	add(a, 0, 600, FB_FREE);
	merged_is(a, minutes(0, 120), 30, "0000");
	add(a, 30, 60, FB_TENTATIVE);
	add(a, 45, 75, FB_NODATA);
	add(a, 90, 90, FB_BUSY_TIME); /* no length: the slot that holds it */
	add(a, 120, 120, FB_BUSY_TIME);
	add(a, -1, -1, FB_BUSY_TIME);
	merged_is(a, minutes(0, 120), 30, "0442");
	add(a, 0, 30, FB_OOF); /* the event at the window's end must not count in any other row */
	merged_is(a, minutes(0, 120), 30, "3442");
	fb_answer_free(a);

	/* never free where nothing was computed */
	a = fb_answer_new(FB_TIMEOUT);
	merged_is(a, minutes(0, 120), 30, "4444");
	buf_init(&b, 3);
	CHECK_INT(fb_merged_put(&b, a, minutes(0, 120), 30), -1);
	buf_free(&b);
	fb_answer_free(a);
}

/* Slot by slot and event by event, as the definition reads. */
static char naive_digit(const struct fb_answer *a, struct fb_window w, int64_t from, int64_t to)
{
	static const char digits[FB_BUSY_TYPES] = {
		[FB_NODATA] = '4', [FB_FREE] = '0', [FB_TENTATIVE] = '1', [FB_BUSY_TIME] = '2', [FB_OOF] = '3', [FB_ELSEWHERE] = '0'};
	char top = '0';

	if (to > w.end)
		to = w.end;
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		bool hit = e->start == e->end && e->start >= from && e->start < to;
		for (int64_t m = from; m < to && !hit; m++)
			hit = m >= e->start && m < e->end;
		if (hit && digits[e->busy] > top)
			top = digits[e->busy];
	}
	return top;
}

static void merged_at_random(void)
{
	for (int round = 0; round < 300; round++) {
		struct fb_answer *a = fb_answer_new(FB_OK);
		struct fb_window w = {T0 - roll(1000), T0 + 1 + roll(12000)};
		int interval = 5 + (int)roll(round % 3 ? 30 : 200);
		for (unsigned n = roll(12); n > 0; n--) {
			struct fb_event e = {.start = T0 - 3000 + roll(18000), .busy = (enum fb_busy)roll(FB_BUSY_TYPES)};
			e.end = e.start + (roll(4) ? roll(4000) : roll(2));
			fb_answer_add(a, &e);
		}
		struct buf b;
		buf_init(&b, 10000);
		CHECK_INT(fb_merged_put(&b, a, w, interval), 0);
		const char *got = buf_cstr(&b);
		bool good = fb_merged_valid(got, w, interval);
		for (size_t i = 0; got[i] && good; i++) {
			int64_t from = w.start + (int64_t)i * interval * 60;
			good = got[i] == naive_digit(a, w, from, from + interval * 60);
		}
		CHECK(good);
		buf_free(&b);
		fb_answer_free(a);
	}
}

static void span_is(const struct fb_span *s, int64_t from, int64_t to, enum fb_busy busy)
{
	CHECK_INT((s->start - T0) / MIN, from);
	CHECK_INT((s->end - T0) / MIN, to);
	CHECK_INT(s->busy, busy);
}

static void spans(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	size_t n = 7;

	CHECK(fb_spans(a, minutes(0, 600), &n) == NULL && n == 0);
	add(a, 500, 700, FB_BUSY_TIME); /* cut at the window's end */
	add(a, 100, 130, FB_BUSY_TIME);
	add(a, 160, 190, FB_BUSY_TIME);
	add(a, 130, 160, FB_BUSY_TIME); /* touches both: one span */
	add(a, 110, 120, FB_BUSY_TIME); /* inside: does not shorten it */
	add(a, 100, 130, FB_OOF);       /* another status stands beside it */
	add(a, 120, 140, FB_TENTATIVE);
	add(a, 142, 150, FB_TENTATIVE); /* a hole stays a hole */
	add(a, -100, 10, FB_ELSEWHERE);
	add(a, 200, 300, FB_FREE);
	add(a, 400, 400, FB_BUSY_TIME);
	add(a, 600, 650, FB_OOF); /* begins where the window ends */
	add(a, -60, 0, FB_OOF);
	add(a, 350, 360, FB_NODATA);
	struct fb_span *s = fb_spans(a, minutes(0, 600), &n);
	CHECK_INT(n, 7);
	if (s && n == 7) {
		span_is(&s[0], 0, 10, FB_ELSEWHERE);
		span_is(&s[1], 100, 130, FB_OOF);
		span_is(&s[2], 100, 190, FB_BUSY_TIME);
		span_is(&s[3], 120, 140, FB_TENTATIVE);
		span_is(&s[4], 142, 150, FB_TENTATIVE);
		span_is(&s[5], 350, 360, FB_NODATA);
		span_is(&s[6], 500, 600, FB_BUSY_TIME);
	}
	free(s);
	fb_answer_free(a);
}

static void sorting(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);

	add(a, 10, 30, FB_BUSY_TIME);
	add(a, 10, 20, FB_OOF);
	add(a, 10, 20, FB_TENTATIVE);
	add(a, -5, 90, FB_FREE);
	fb_answer_sort(a);
	CHECK(a->events[0].busy == FB_FREE && a->events[1].busy == FB_TENTATIVE);
	CHECK(a->events[2].busy == FB_OOF && a->events[3].busy == FB_BUSY_TIME);
	CHECK_STR(fb_busy_name(FB_ELSEWHERE), "WorkingElsewhere");
	CHECK_STR(fb_busy_name((enum fb_busy)99), "NoData");
	fb_answer_free(a);
	fb_answer_free(NULL);
}

static struct fb_answer *full_answer(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	char subject[] = "Stra\xc3\x9f" "e <&>";
	struct fb_event e = {.start = T0, .end = T0 + HOUR, .busy = FB_OOF, .has_details = true,
		.flags = FB_MEETING | FB_PRIVATE, .subject = subject, .location = ""};

	a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	fb_answer_add(a, &e);
	subject[0] = 'X'; /* the answer holds a copy */
	add(a, 0, 0, FB_FREE);
	add(a, -100000, 5, FB_ELSEWHERE);
	a->merged = arena_strdup(a->arena, "01234");
	a->hours = (struct fb_working_hours){.known = true, .n = 2,
		.zone = {-3600, 7200, {10, 5, 0, 10800, 0}, {3, 29, 3, -3600, 2026}},
		.periods = {{0x3e, 480, 1020}, {0x41, 0, 1440}}};
	return a;
}

static void pack_round_trip(void)
{
	struct fb_answer *a = full_answer(), *c;
	struct buf b;
	struct unpack u;

	buf_init(&b, 100000);
	fb_answer_pack(&b, a);
	CHECK(!b.failed);
	u = unpack_start(buf_ptr(&b), b.len);
	c = fb_answer_unpack(&u);
	CHECK(c && unpack_done(&u));
	if (c) {
		CHECK(c->reason == FB_OK && c->view == a->view && c->n_events == 3);
		CHECK_STR(c->merged, "01234");
		CHECK_STR(c->events[0].subject, "Stra\xc3\x9f" "e <&>");
		CHECK_STR(c->events[0].location, "");
		CHECK_STR(c->events[1].subject, NULL);
		CHECK(c->events[0].has_details && !c->events[1].has_details && c->events[0].flags == (FB_MEETING | FB_PRIVATE));
		CHECK(c->events[2].start == T0 - 100000 * MIN && c->events[2].end == T0 + 5 * MIN && c->events[2].busy == FB_ELSEWHERE);
		CHECK(memcmp(&c->hours, &a->hours, sizeof a->hours) == 0);
	}
	fb_answer_free(c);
	/* every truncation is refused; every flipped bit is refused or gives an answer that can be packed again */
	uint8_t *copy = malloc(b.len);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *cut = malloc(n ? n : 1); /* its own block, so that the sanitizer sees a read past the end */
		memcpy(cut, buf_ptr(&b), n);
		u = unpack_start(cut, n);
		CHECK(fb_answer_unpack(&u) == NULL);
		free(cut);
	}
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		memcpy(copy, buf_ptr(&b), b.len);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		u = unpack_start(copy, b.len);
		c = fb_answer_unpack(&u);
		if (c) {
			struct buf again;
			buf_init(&again, 100000);
			fb_answer_pack(&again, c);
			CHECK(again.len + u.left == b.len && memcmp(buf_ptr(&again), copy, again.len) == 0);
			buf_free(&again);
		}
		fb_answer_free(c);
	}
	free(copy);
	buf_free(&b);
	fb_answer_free(a);
}

/* Packs ${a} and says whether it is taken back. */
static bool taken(const struct fb_answer *a)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	fb_answer_pack(&b, a);
	struct unpack u = unpack_start(buf_ptr(&b), b.len);
	struct fb_answer *c = fb_answer_unpack(&u);
	bool ok = c != NULL;
	fb_answer_free(c);
	buf_free(&b);
	return ok;
}

static void unpack_refuses(void)
{
	struct fb_answer *a = full_answer();

	CHECK(taken(a));
	a->reason = FB_REASONS;
	CHECK(!taken(a));
	a->reason = FB_OK;
	a->view = 8;
	CHECK(!taken(a));
	a->view = 0;
	a->merged[0] = '5';
	CHECK(!taken(a));
	a->merged = NULL;
	CHECK(taken(a));
	struct fb_event was = a->events[0];
	a->events[0].end = a->events[0].start - 1;
	CHECK(!taken(a));
	a->events[0] = was;
	a->events[0].busy = FB_BUSY_TYPES;
	CHECK(!taken(a));
	a->events[0] = was;
	a->events[0].end = INT64_MAX;
	CHECK(!taken(a));
	a->events[0] = was;
	a->events[0].subject = "\xff";
	CHECK(!taken(a));
	a->events[0] = was;
	a->hours.periods[0].end = 1441;
	CHECK(!taken(a));
	a->hours.periods[0].end = 1440;
	a->hours.zone.to_daylight.month = 13;
	CHECK(!taken(a));
	a->hours.known = false;
	CHECK(taken(a));
	fb_answer_free(a);
}

static void ceiling(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	static char text[1 << 20];
	struct fb_event e = {.start = T0, .end = T0 + 1, .busy = FB_BUSY_TIME, .subject = text};
	int n = 0;

	memset(text, 'x', sizeof text - 1);
	while (n < 100 && fb_answer_add(a, &e) == 0)
		n++;
	CHECK(n >= 14 && n <= 16);
	CHECK_INT(a->n_events, n);
	fb_answer_free(a);
}

int main(void)
{
	merged_lengths();
	merged_digits();
	merged_at_random();
	spans();
	sorting();
	pack_round_trip();
	unpack_refuses();
	ceiling();
	return check_done();
}
