#include "bridge/acl/release.h"
#include <string.h>
#include "bridge/base/arena.h"

struct acl_released {
	struct fb_answer *answer;
};

/* One more failure than there are reasons: memory ran out while building. */
enum { NO_MEMORY = FB_REASONS };

static struct acl_released *wrap(struct fb_answer *answer)
{
	struct acl_released *r = answer ? arena_alloc(answer->arena, sizeof(*r)) : NULL; /* they live and end together */

	if (!r) {
		fb_answer_free(answer);
		return NULL;
	}
	r->answer = answer;
	return r;
}

struct acl_released *acl_release_reason(enum fb_reason reason)
{
	return wrap(fb_answer_new(reason == FB_OK || (unsigned)reason >= FB_REASONS ? FB_NOT_COMPUTED : reason));
}

/* Overlap of the half-open window; an event of no length counts by its instant. */
static bool is_inside(const struct fb_event *e, struct fb_window w)
{
	return e->start < w.end && (e->end > w.start || (e->start == e->end && e->start == w.start));
}

/* A new event with what ${view} shows of ${e}: whatever is not named here does not leave. */
static struct fb_event show(const struct fb_event *e, unsigned view)
{
	struct fb_event out = {.start = e->start, .end = e->end, .busy = FB_NODATA};

	if (e->busy > FB_NODATA && e->busy < FB_BUSY_TYPES)
		out.busy = e->busy;
	if (!(view & FB_VIEW_DETAILS) || !e->has_details)
		return out;
	out.has_details = true;
	out.flags = e->flags & (FB_MEETING | FB_RECURRING | FB_EXCEPTION | FB_REMINDER | FB_PRIVATE);
	if (!(e->flags & FB_PRIVATE)) {
		out.subject = e->subject;
		out.location = e->location;
	}
	return out;
}

/* Builds the events of the window. FB_OK, the reason why not, or NO_MEMORY. */
static int build_events(struct fb_answer *out, const struct fb_answer *raw, const struct fb_query *q, unsigned view)
{
	for (size_t i = 0; i < raw->n_events; i++) {
		const struct fb_event *e = &raw->events[i];

		if (e->start > e->end)
			return FB_CALENDAR_FAILED;
		if (!is_inside(e, q->window))
			continue;
		if (out->n_events == FB_MAX_EVENTS)
			return FB_TOO_BIG;
		struct fb_event shown = show(e, view);

		if (fb_answer_add(out, &shown) < 0)
			return NO_MEMORY;
	}
	fb_answer_sort(out);
	if (view & FB_VIEW_EVENTS && raw->hours.known)
		out->hours = raw->hours;
	return FB_OK;
}

/* The other side's digits as they are, else what its events give. */
static int build_digits(struct fb_answer *out, const struct fb_answer *raw, const struct fb_query *q)
{
	char *digits;

	if (raw->merged && fb_merged_valid(raw->merged, q->window, q->interval)) {
		out->merged = arena_strdup(out->arena, raw->merged);
		return out->merged ? FB_OK : NO_MEMORY;
	}
	if (!(raw->view & FB_VIEW_EVENTS))
		return FB_CALENDAR_FAILED;
	digits = arena_alloc(out->arena, fb_merged_length(q->window, q->interval) + 1);
	if (!digits || fb_merged_write(digits, raw, q->window, q->interval) != 0)
		return NO_MEMORY;
	out->merged = digits;
	return FB_OK;
}

/*
 * min(asked, allowed, what ${raw} holds): without events there are digits still, and events that are not all go out beside digits
 * alone. Zero if there is nothing.
 */
static unsigned view_of(const struct fb_answer *raw, unsigned asked, enum fb_level level)
{
	unsigned view = fb_view_cut(asked, level);

	if (!(raw->view & FB_VIEW_EVENTS) || (raw->events_short && !(view & FB_VIEW_MERGED)))
		return view ? FB_VIEW_MERGED : 0;
	return raw->view & FB_VIEW_DETAILS ? view : view & ~(unsigned)FB_VIEW_DETAILS;
}

static int build(struct fb_answer *out, const struct fb_answer *raw, const struct acl_verdict *verdict, const struct fb_query *q)
{
	int reason = FB_OK;

	out->view = view_of(raw, q->view, verdict->level);
	if (!out->view)
		return FB_NOT_COMPUTED; /* nothing was asked for */
	if (out->view & FB_VIEW_EVENTS)
		reason = build_events(out, raw, q, out->view);
	if (reason == FB_OK && out->view & FB_VIEW_MERGED)
		reason = build_digits(out, raw, q);
	return reason;
}

struct acl_released *acl_release(const struct fb_answer *raw, const struct acl_verdict *verdict, const struct fb_query *q)
{
	struct fb_answer *out;
	int reason;

	if (verdict->level == FB_LEVEL_NONE || verdict->reason != FB_OK)
		return acl_release_reason(verdict->reason == FB_OK ? FB_NO_ACCESS : verdict->reason);
	if (!raw || raw->reason != FB_OK)
		return acl_release_reason(raw ? raw->reason : FB_NOT_COMPUTED);
	out = fb_answer_new(FB_OK);
	if (!out)
		return NULL;
	reason = build(out, raw, verdict, q);
	if (reason == FB_OK)
		return wrap(out);
	fb_answer_free(out);
	return reason == NO_MEMORY ? NULL : acl_release_reason((enum fb_reason)reason);
}

void acl_released_free(struct acl_released *r)
{
	if (r)
		fb_answer_free(r->answer);
}

const struct fb_answer *acl_released_view(const struct acl_released *r)
{
	return r->answer;
}
