#include "bridge/availability/answer.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/arena.h"

const char *fb_busy_name(enum fb_busy b)
{
	static const char *const names[FB_BUSY_TYPES] = {"NoData", "Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"};

	return names[(unsigned)b < FB_BUSY_TYPES ? (unsigned)b : FB_NODATA];
}

struct fb_answer *fb_answer_new(enum fb_reason reason)
{
	struct arena *arena = arena_new(FB_ANSWER_BYTES);
	struct fb_answer *a = arena ? arena_alloc(arena, sizeof *a) : NULL;

	if (!a)
		return NULL;
	a->arena = arena;
	a->reason = reason;
	return a;
}

void fb_answer_free(struct fb_answer *a)
{
	if (a)
		arena_free(a->arena); /* it lives there itself */
}

/* Makes room for one more event. The arena keeps the outgrown arrays, which at most doubles what they cost. */
static int grow(struct fb_answer *a)
{
	if (a->n_events < a->cap_events)
		return 0;
	size_t cap = a->cap_events ? 2 * a->cap_events : 4;
	if (cap > FB_ANSWER_BYTES / sizeof *a->events)
		return -1;
	struct fb_event *e = arena_alloc(a->arena, cap * sizeof *e);
	if (!e)
		return -1;
	if (a->n_events)
		memcpy(e, a->events, a->n_events * sizeof *e);
	a->events = e;
	a->cap_events = cap;
	return 0;
}

int fb_answer_take(struct fb_answer *a, const struct fb_event *e)
{
	if (grow(a) < 0)
		return -1;
	a->events[a->n_events++] = *e;
	return 0;
}

int fb_answer_add(struct fb_answer *a, const struct fb_event *e)
{
	struct fb_event copy = *e;

	copy.subject = arena_strdup(a->arena, e->subject);
	copy.location = arena_strdup(a->arena, e->location);
	if ((e->subject && !copy.subject) || (e->location && !copy.location))
		return -1;
	return fb_answer_take(a, &copy);
}

static int by_time(const void *pa, const void *pb)
{
	const struct fb_event *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return (int)a->busy - (int)b->busy;
}

void fb_answer_sort(struct fb_answer *a)
{
	size_t i = 1;

	while (i < a->n_events && by_time(&a->events[i - 1], &a->events[i]) <= 0)
		i++;
	if (i < a->n_events) /* most are in order already */
		qsort(a->events, a->n_events, sizeof *a->events, by_time);
}
