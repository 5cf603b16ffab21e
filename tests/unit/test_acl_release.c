/* links: base availability conf pki acl */
#include "bridge/acl/release.h"
#include "bridge/availability/reason.h"
#include "bridge/base/arena.h"
#include "tests/unit/check.h"

/* A verdict comes from acl_decide() alone, so the tests ask for theirs by a rule, about somebody of whom ${facts} are known. */
static struct acl_verdict verdict_about(enum fb_level level, struct fb_facts facts)
{
	struct conf_rule rule = {.in = true, .requester = (char *)"*", .target = (char *)"*", .level = level};
	struct conf_peer peer = {.name = (char *)"p",
	                         .enabled = true,
	                         .access_enabled = true,
	                         .access_level = FB_LEVEL_LIMITED_DETAILS,
	                         .rules = &rule,
	                         .n_rules = 1};
	struct fb_requester who = {.is_person = true, .name = "bob@b.example"};

	conf_index_rules(&peer);
	struct acl_verdict v = acl_decide(&(struct acl_question){
		.peer = &peer, .in = true, .requester = &who, .target = "anna@a.example", .facts = facts});

	conf_unindex_rules(&peer);
	return v;
}

static struct acl_verdict verdict_of(enum fb_level level)
{
	return verdict_about(level, (struct fb_facts){FB_YES, FB_NO});
}

enum { DAY = 86400, HOUR = 3600, START = 1772409600 }; /* 2026-03-02T00:00:00Z */

static struct fb_query query_of(unsigned view)
{
	return (struct fb_query){.window = {START, START + DAY}, .interval = 60, .view = view};
}

static void add(struct fb_answer *a, int64_t start, int64_t end, enum fb_busy busy, unsigned flags, const char *text)
{
	struct fb_event e = {.start = START + start,
	                     .end = START + end,
	                     .busy = busy,
	                     .has_details = text != NULL,
	                     .flags = flags,
	                     .subject = text,
	                     .location = text ? "SECRET-place" : NULL};

	if (fb_answer_add(a, &e) < 0)
		abort();
}

/* 08-09 busy, 09-10 out of office and private, 10:30-10:40 tentative, and neighbours that are outside the window. */
static struct fb_answer *raw_answer(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);

	a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	add(a, 8 * HOUR, 9 * HOUR, FB_BUSY_TIME, FB_MEETING, "SECRET-open");
	add(a, 9 * HOUR, 10 * HOUR, FB_OOF, FB_PRIVATE | FB_REMINDER, "SECRET-private");
	add(a, 10 * HOUR + 1800, 10 * HOUR + 2400, FB_TENTATIVE, 0, NULL);
	add(a, -HOUR, 0, FB_BUSY_TIME, 0, "SECRET-before");
	add(a, DAY, DAY + HOUR, FB_BUSY_TIME, 0, "SECRET-after");
	a->hours.known = true;
	a->hours.n = 1;
	return a;
}

static void look_at_events(const struct fb_answer *a, enum fb_level level, unsigned view)
{
	bool details = level == FB_LEVEL_LIMITED_DETAILS && view & FB_VIEW_DETAILS;

	CHECK_INT(a->n_events, view & FB_VIEW_EVENTS ? 3 : 0);
	CHECK_INT(a->hours.known, (view & FB_VIEW_EVENTS) != 0);
	if (a->n_events != 3)
		return;
	CHECK_INT(a->events[0].start, START + 8 * HOUR);
	CHECK_INT(a->events[0].end, START + 9 * HOUR);
	CHECK_INT(a->events[0].busy, FB_BUSY_TIME);
	CHECK_INT(a->events[1].busy, FB_OOF);
	CHECK_INT(a->events[0].has_details, details);
	CHECK_INT(a->events[0].flags, details ? FB_MEETING : 0);
	CHECK_STR(a->events[0].subject, details ? "SECRET-open" : NULL);
	CHECK_STR(a->events[0].location, details ? "SECRET-place" : NULL);
	/* a private one keeps its time and its flags */
	CHECK_INT(a->events[1].flags, details ? FB_PRIVATE | FB_REMINDER : 0);
	CHECK(!a->events[1].subject && !a->events[1].location);
	CHECK(!a->events[2].has_details && !a->events[2].subject && !a->events[2].location);
}

static void every_view_and_level(void)
{
	static const unsigned views[] = {FB_VIEW_MERGED, FB_VIEW_EVENTS, FB_VIEW_EVENTS | FB_VIEW_MERGED,
	                                 FB_VIEW_EVENTS | FB_VIEW_DETAILS, FB_VIEW_EVENTS | FB_VIEW_DETAILS | FB_VIEW_MERGED};
	struct fb_answer *raw = raw_answer();

	for (size_t v = 0; v < sizeof(views) / sizeof(views[0]); v++)
		for (int level = FB_LEVEL_NONE; level <= FB_LEVEL_LIMITED_DETAILS; level++) {
			struct acl_verdict verdict = verdict_of((enum fb_level)level);
			struct fb_query q = query_of(views[v]);
			struct acl_released *r = acl_release(raw, &verdict, &q);
			const struct fb_answer *a = acl_released_view(r);

			if (level == FB_LEVEL_NONE) {
				CHECK_INT(a->reason, FB_NO_ACCESS);
				CHECK(a->n_events == 0 && !a->merged && a->view == 0 && !a->hours.known);
			} else {
				CHECK_INT(a->reason, FB_OK);
				CHECK_INT(a->view, fb_view_cut(views[v], (enum fb_level)level));
				look_at_events(a, (enum fb_level)level, views[v]);
				CHECK_STR(a->merged, views[v] & FB_VIEW_MERGED ? "000000002310000000000000" : NULL);
			}
			acl_released_free(r);
		}
	fb_answer_free(raw);
}

static enum fb_reason reason_of(const struct fb_answer *raw, unsigned view)
{
	struct acl_verdict verdict = verdict_of(FB_LEVEL_LIMITED_DETAILS);
	struct fb_query q = query_of(view);
	struct acl_released *r = acl_release(raw, &verdict, &q);
	enum fb_reason reason = acl_released_view(r)->reason;

	acl_released_free(r);
	return reason;
}

static void over_a_thousand(void)
{
	struct fb_answer *raw = fb_answer_new(FB_OK);

	raw->view = FB_VIEW_EVENTS;
	for (int i = 0; i < FB_MAX_EVENTS; i++)
		add(raw, i, i + 60, FB_BUSY_TIME, 0, NULL);
	for (int i = 0; i < 500; i++)
		add(raw, DAY + i, DAY + i + 60, FB_BUSY_TIME, 0, NULL);
	/* a thousand inside the window are allowed, whatever lies outside */
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), FB_OK);
	add(raw, 5, 6, FB_FREE, 0, NULL);
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), FB_TOO_BIG);
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS | FB_VIEW_MERGED), FB_TOO_BIG);
	CHECK_INT(reason_of(raw, FB_VIEW_MERGED), FB_OK);
	fb_answer_free(raw);
}

/* What the other side computed is passed on as it is, if it is possible at all. */
static void digits(void)
{
	struct fb_answer *raw = raw_answer();
	struct acl_verdict verdict = verdict_of(FB_LEVEL_AVAILABILITY_ONLY);
	struct fb_query q = query_of(FB_VIEW_MERGED);
	struct acl_released *r;

	raw->merged = arena_strdup(raw->arena, "444444444444444444444444");
	r = acl_release(raw, &verdict, &q);
	CHECK_STR(acl_released_view(r)->merged, "444444444444444444444444");
	acl_released_free(r);
	static const char *const wrong[] = {
		"", "0", "00000000000000000000000", "0000000000000000000000000", "00000000000000000000000x", "000000000000000000000005"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		raw->merged = arena_strdup(raw->arena, wrong[i]);
		r = acl_release(raw, &verdict, &q);
		CHECK_STR(acl_released_view(r)->merged, "000000002310000000000000");
		acl_released_free(r);
		raw->view = 0;
		CHECK_INT(reason_of(raw, FB_VIEW_MERGED), FB_CALENDAR_FAILED);
		raw->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	}
	fb_answer_free(raw);
}

/* An answer with digits alone gives digits alone, and never events out of nothing. */
static void digits_alone(void)
{
	struct fb_answer *raw = fb_answer_new(FB_OK);
	struct acl_verdict verdict = verdict_of(FB_LEVEL_LIMITED_DETAILS);
	struct fb_query q = query_of(FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	struct acl_released *r;

	raw->view = FB_VIEW_MERGED;
	raw->merged = arena_strdup(raw->arena, "000000002220000000000000");
	add(raw, 8 * HOUR, 9 * HOUR, FB_BUSY_TIME, 0, "SECRET-unannounced");
	r = acl_release(raw, &verdict, &q);
	CHECK_INT(acl_released_view(r)->reason, FB_OK);
	CHECK_INT(acl_released_view(r)->view, FB_VIEW_MERGED);
	CHECK_INT(acl_released_view(r)->n_events, 0);
	CHECK_STR(acl_released_view(r)->merged, "000000002220000000000000");
	acl_released_free(r);
	fb_answer_free(raw);
}

static void never_free_out_of_nothing(void)
{
	struct fb_answer *raw = fb_answer_new(FB_OK);

	/* said to be all right, and holds nothing */
	CHECK_INT(reason_of(raw, FB_VIEW_MERGED), FB_CALENDAR_FAILED);
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), FB_CALENDAR_FAILED);
	raw->view = FB_VIEW_MERGED;
	CHECK_INT(reason_of(raw, FB_VIEW_MERGED), FB_CALENDAR_FAILED);
	raw->merged = arena_strdup(raw->arena, "000000002220000000000000");
	CHECK_INT(reason_of(raw, FB_VIEW_NONE), FB_NOT_COMPUTED);
	raw->merged = NULL;
	raw->view = FB_VIEW_EVENTS;
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), FB_OK);
	CHECK_INT(reason_of(raw, FB_VIEW_NONE), FB_NOT_COMPUTED);
	CHECK_INT(reason_of(NULL, FB_VIEW_EVENTS), FB_NOT_COMPUTED);
	fb_answer_free(raw);
	for (int i = 0; i < FB_REASONS; i++) {
		raw = fb_answer_new((enum fb_reason)i);
		raw->view = FB_VIEW_EVENTS;
		CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), i);
		fb_answer_free(raw);
		struct acl_released *r = acl_release_reason((enum fb_reason)i);

		CHECK_INT(acl_released_view(r)->reason, i == FB_OK ? FB_NOT_COMPUTED : i);
		acl_released_free(r);
	}
	struct acl_released *r = acl_release_reason((enum fb_reason)FB_REASONS);

	CHECK_INT(acl_released_view(r)->reason, FB_NOT_COMPUTED);
	acl_released_free(r);
}

/* Details that an answer does not claim to have are none, whatever its events hold. */
static void unclaimed_details(void)
{
	struct fb_answer *raw = raw_answer();
	struct acl_verdict verdict = verdict_of(FB_LEVEL_LIMITED_DETAILS);
	struct fb_query q = query_of(FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	struct acl_released *r;

	raw->view = FB_VIEW_EVENTS;
	r = acl_release(raw, &verdict, &q);
	CHECK_INT(acl_released_view(r)->view, FB_VIEW_EVENTS);
	look_at_events(acl_released_view(r), FB_LEVEL_LIMITED_DETAILS, FB_VIEW_EVENTS);
	acl_released_free(r);
	fb_answer_free(raw);
}

/* What could not be told is said as such, and is no refusal. */
static void verdicts_that_show_nothing(void)
{
	static const struct {
		struct fb_facts facts;
		enum fb_reason reason;
	} cases[] = {{{FB_COULD_NOT_TELL, FB_NO}, FB_DIRECTORY_FAILED}, {{FB_YES, FB_COULD_NOT_TELL}, FB_DIRECTORY_FAILED},
	             {{FB_NO, FB_NO}, FB_NO_ACCESS}, {{FB_YES, FB_YES}, FB_NO_ACCESS}};
	struct fb_query q = query_of(FB_VIEW_EVENTS);
	struct fb_answer *raw = raw_answer();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct acl_verdict verdict = verdict_about(FB_LEVEL_LIMITED_DETAILS, cases[i].facts);
		struct acl_released *r = acl_release(raw, &verdict, &q);

		CHECK_INT(acl_released_view(r)->reason, cases[i].reason);
		CHECK_INT(acl_released_view(r)->n_events, 0);
		acl_released_free(r);
	}
	fb_answer_free(raw);
}

/* The window's edge: whole events, those that only touch it left out, an instant counted where it lies. */
static void edges(void)
{
	static const struct {
		int64_t start, end;
		size_t n;
	} cases[] = {{-HOUR, 1, 1}, {-HOUR, 0, 0},      {DAY - 1, DAY + HOUR, 1}, {DAY, DAY + 1, 0}, {0, 0, 1},
	             {DAY, DAY, 0}, {-DAY, 2 * DAY, 1}, {HOUR, HOUR, 1},          {-1, -1, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fb_answer *raw = fb_answer_new(FB_OK);
		struct acl_verdict verdict = verdict_of(FB_LEVEL_AVAILABILITY_ONLY);
		struct fb_query q = query_of(FB_VIEW_EVENTS);

		raw->view = FB_VIEW_EVENTS;
		add(raw, cases[i].start, cases[i].end, FB_BUSY_TIME, 0, NULL);
		struct acl_released *r = acl_release(raw, &verdict, &q);
		const struct fb_answer *a = acl_released_view(r);

		CHECK_INT(a->n_events, cases[i].n);
		if (a->n_events == 1)
			CHECK(a->events[0].start == START + cases[i].start && a->events[0].end == START + cases[i].end);
		acl_released_free(r);
		fb_answer_free(raw);
	}
}

static void odd_events(void)
{
	struct fb_answer *raw = fb_answer_new(FB_OK);
	struct acl_verdict verdict = verdict_of(FB_LEVEL_LIMITED_DETAILS);
	struct fb_query q = query_of(FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	struct acl_released *r;

	raw->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	add(raw, HOUR, 2 * HOUR, (enum fb_busy)77, 0xffff, "x");
	add(raw, 2 * HOUR, 3 * HOUR, FB_BUSY_TYPES, 0, NULL);
	r = acl_release(raw, &verdict, &q);
	CHECK_INT(acl_released_view(r)->events[0].busy, FB_NODATA);
	CHECK_INT(acl_released_view(r)->events[1].busy, FB_NODATA);
	CHECK_INT(acl_released_view(r)->events[0].flags, 31);
	CHECK(!acl_released_view(r)->events[0].subject);
	acl_released_free(r);
	raw->events[0].end = raw->events[0].start - 1;
	CHECK_INT(reason_of(raw, FB_VIEW_EVENTS), FB_CALENDAR_FAILED);
	fb_answer_free(raw);
	acl_released_free(NULL);
}

/* Events that are not all go out beside the digits, which tell the rest; alone they would show free time that is none. */
static void events_short(void)
{
	static const struct {
		unsigned asked, shown;
	} cases[] = {{FB_VIEW_EVENTS, FB_VIEW_MERGED}, {FB_VIEW_EVENTS | FB_VIEW_DETAILS, FB_VIEW_MERGED}, {FB_VIEW_MERGED, FB_VIEW_MERGED},
	             {FB_VIEW_EVENTS | FB_VIEW_MERGED, FB_VIEW_EVENTS | FB_VIEW_MERGED}};
	struct acl_verdict verdict = verdict_of(FB_LEVEL_LIMITED_DETAILS);
	struct fb_answer *raw = raw_answer();

	raw->events_short = true;
	raw->view |= FB_VIEW_MERGED;
	raw->merged = arena_strdup(raw->arena, "000000002310200000000000");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fb_query q = query_of(cases[i].asked);
		struct acl_released *r = acl_release(raw, &verdict, &q);

		CHECK_INT(acl_released_view(r)->view, cases[i].shown);
		CHECK_STR(acl_released_view(r)->merged, raw->merged);
		CHECK_INT(acl_released_view(r)->n_events, cases[i].shown & FB_VIEW_EVENTS ? 3 : 0);
		acl_released_free(r);
	}
	fb_answer_free(raw);
}

int main(void)
{
	every_view_and_level();
	over_a_thousand();
	digits();
	digits_alone();
	never_free_out_of_nothing();
	edges();
	odd_events();
	events_short();
	unclaimed_details();
	verdicts_that_show_nothing();
	return check_done();
}
