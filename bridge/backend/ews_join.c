#include <stdlib.h>
#include <string.h>
#include "bridge/backend/ews_own.h"
#include "bridge/base/arena.h"

enum { MINUTE = 60, DAY = 86400, JOINED_MAX = 10 * FB_MAX_EVENTS /* events, of which no client is given more than a tenth */ };

size_t ews_split(struct fb_window w, int interval, int days, struct fb_window out[EWS_PARTS_MAX])
{
	int64_t step = (int64_t)interval * MINUTE, most = (int64_t)days * DAY / step * step;
	size_t n = 0;

	while (w.end - w.start > most && n + 1 < EWS_PARTS_MAX) {
		out[n++] = (struct fb_window){w.start, w.start + most};
		w.start += most;
	}
	out[n++] = w;
	return n;
}

/* The codes of a front name what became of a question on its way; of ours, this backend's, only the calendar can have failed. */
static enum fb_reason own_reason(enum fb_reason r)
{
	switch (r) {
	case FB_NO_ACCESS:
	case FB_TIMEOUT:
	case FB_TOO_BIG:
	case FB_DIRECTORY_FAILED:
	case FB_BUSY: return r;
	default: return FB_CALENDAR_FAILED;
	}
}

static void replace(struct fb_answer **a, enum fb_reason reason)
{
	fb_answer_free(*a);
	*a = fb_answer_new(reason);
	if (!*a)
		abort();
}

/* Touching is not overlapping; an event of no length counts by its instant. */
static bool is_inside(const struct fb_event *e, struct fb_window w)
{
	return e->start < w.end && (e->end > w.start || (e->start == e->end && e->start == w.start));
}

static bool takes_time(const struct fb_event *e)
{
	return e->busy != FB_FREE && e->busy != FB_ELSEWHERE;
}

static bool any_takes_time(const struct fb_answer *x)
{
	bool taken = false;

	for (size_t i = 0; i < x->n_events; i++)
		taken |= takes_time(&x->events[i]);
	return taken;
}

/* One digit for each interval: 2 where an event takes time, 1 where others are alone, 0 where there is none. */
static void put_touched(struct buf *out, const struct fb_answer *x, struct fb_window w, int interval)
{
	struct fb_answer all = {.reason = FB_OK, .n_events = x->n_events, .events = calloc(x->n_events + 1, sizeof *x->events)};

	if (!all.events)
		abort();
	for (size_t i = 0; i < x->n_events; i++) {
		const struct fb_event *e = &x->events[i];

		all.events[i] = (struct fb_event){.start = e->start, .end = e->end, .busy = takes_time(e) ? FB_BUSY_TIME : FB_TENTATIVE};
	}
	if (fb_merged_put(out, &all, w, interval) != 0)
		abort();
	free(all.events);
}

/*
 * Do the digits, which are for this very window and interval, tell of what the events leave out? Then the array is not all of it,
 * and would be taken for free time by whoever looks at it alone. Where no event takes time at all, or data is missing and no event
 * says so, it is worth nothing; else it goes out beside the digits only, which tell the rest (and may be an hour off behind a change of
 * the clock, as far as anybody knows of Exchange).
 */
static void weigh(struct fb_answer *x, struct fb_window w, int interval)
{
	bool taken = any_takes_time(x);
	struct buf touched;

	buf_init(&touched, fb_merged_length(w, interval) + 1);
	put_touched(&touched, x, w, interval);
	for (size_t i = 0; x->merged[i]; i++) {
		char digit = x->merged[i], seen = (char)buf_ptr(&touched)[i];

		if ((digit == '4' && seen == '0') || (digit != '0' && digit != '4' && !taken))
			x->view = FB_VIEW_MERGED;
		else if (digit != '0' && digit != '4' && seen != '2')
			x->events_short = true;
	}
	buf_free(&touched);
}

/* Digits of which nobody knows the times, since their length is another, but of another opinion than an array in which nothing takes time. */
static bool is_contradicted(const struct fb_answer *x)
{
	return x->merged && x->merged[strspn(x->merged, "0")] && !any_takes_time(x);
}

void ews_tidy(struct fb_answer **a, struct fb_window w, int interval)
{
	struct fb_answer *x = *a;
	size_t kept = 0;

	if (x->reason != FB_OK) {
		if (own_reason(x->reason) != x->reason)
			replace(a, own_reason(x->reason));
		return;
	}
	for (size_t i = 0; i < x->n_events; i++)
		if (is_inside(&x->events[i], w))
			x->events[kept++] = x->events[i];
	x->n_events = kept;
	if (!fb_merged_valid(x->merged, w, interval)) {
		if (is_contradicted(x))
			x->view &= ~(unsigned)FB_VIEW_EVENTS;
		x->merged = NULL;
	}
	if (!(x->view & FB_VIEW_EVENTS)) {
		if (!x->merged)
			replace(a, FB_CALENDAR_FAILED); /* neither events nor digits that can be used */
		else if (!x->merged[strspn(x->merged, "0")])
			x->view |= FB_VIEW_EVENTS; /* where every digit is 0 an array that is left out is an empty one */
		return;
	}
	if (x->merged && x->merged[strspn(x->merged, "0")])
		weigh(x, w, interval);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_event(const struct fb_event *a, const struct fb_event *b)
{
	return a->start == b->start && a->end == b->end && a->busy == b->busy && a->flags == b->flags && same_text(a->subject, b->subject) &&
	       same_text(a->location, b->location);
}

/* An event that began before ${w} was in the answer before as well; but one that was not is not lost. */
static bool add_events(struct fb_answer *out, const struct fb_answer *part, struct fb_window w)
{
	size_t before = out->n_events;

	for (size_t i = 0; i < part->n_events; i++) {
		const struct fb_event *e = &part->events[i];
		bool known = false;

		for (size_t k = 0; e->start < w.start && k < before && !known; k++)
			known = same_event(e, &out->events[k]);
		if (!known && fb_answer_add(out, e) < 0)
			return false;
	}
	return true;
}

static bool join_digits(struct fb_answer *out, const struct ews_part *parts, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (!parts[i].answer->merged)
			return true;
		len += strlen(parts[i].answer->merged);
	}
	out->merged = arena_alloc(out->arena, len + 1);
	if (!out->merged)
		return false;
	for (size_t i = 0; i < n; i++)
		strcat(out->merged, parts[i].answer->merged);
	return true;
}

struct fb_answer *ews_join(const struct ews_part *parts, size_t n)
{
	struct fb_answer *out;
	size_t events = 0;
	unsigned view = ~0u;
	bool events_short = false;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].answer->reason != FB_OK)
			return fb_answer_new(parts[i].answer->reason);
		view &= parts[i].answer->view;
		events_short |= parts[i].answer->events_short;
		events += parts[i].answer->n_events;
	}
	if (events > JOINED_MAX)
		return fb_answer_new(FB_TOO_BIG);
	out = fb_answer_new(FB_OK);
	if (!out)
		return NULL;
	if (!join_digits(out, parts, n))
		goto too_big;
	out->view = view;
	out->events_short = events_short;
	out->hours = parts[0].answer->hours;
	for (size_t i = 0; view & FB_VIEW_EVENTS && i < n; i++)
		if (!add_events(out, parts[i].answer, parts[i].window))
			goto too_big;
	if ((events_short || !(view & FB_VIEW_EVENTS)) && !out->merged)
		out->reason = FB_CALENDAR_FAILED; /* here events, there digits: together nothing */
	fb_answer_sort(out);
	return out;
too_big:
	fb_answer_free(out);
	return fb_answer_new(FB_TOO_BIG);
}
