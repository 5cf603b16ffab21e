#include "bridge/availability/spans.h"
#include <stdlib.h>

static int by_status(const void *pa, const void *pb)
{
	const struct fb_span *a = pa, *b = pb;

	if (a->busy != b->busy)
		return (int)a->busy - (int)b->busy;
	return (a->start > b->start) - (a->start < b->start);
}

static int by_time(const void *pa, const void *pb)
{
	const struct fb_span *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return (int)a->busy - (int)b->busy;
}

/* Joins neighbours of one status that overlap or touch; returns how many are left. */
static size_t join(struct fb_span *s, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct fb_span *last = kept ? &s[kept - 1] : NULL;
		if (!last || last->busy != s[i].busy || s[i].start > last->end)
			s[kept++] = s[i];
		else if (s[i].end > last->end)
			last->end = s[i].end;
	}
	return kept;
}

struct fb_span *fb_spans(const struct fb_answer *a, struct fb_window w, size_t *n)
{
	struct fb_span *s = NULL;

	*n = 0;
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		struct fb_span span = {e->start > w.start ? e->start : w.start, e->end < w.end ? e->end : w.end, e->busy};
		if (e->busy == FB_FREE || span.end <= span.start)
			continue;
		if (!s && !(s = calloc(a->n_events - i, sizeof *s))) {
			*n = SIZE_MAX;
			return NULL;
		}
		s[(*n)++] = span;
	}
	if (!s)
		return NULL;
	qsort(s, *n, sizeof *s, by_status);
	*n = join(s, *n);
	qsort(s, *n, sizeof *s, by_time);
	return s;
}
