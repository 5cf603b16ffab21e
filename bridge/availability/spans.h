#ifndef BRIDGE_AVAILABILITY_SPANS_H
#define BRIDGE_AVAILABILITY_SPANS_H
#include "bridge/availability/answer.h"

/* Busy time of one kind, clipped to a window. */
struct fb_span {
	int64_t start, end;
	enum fb_busy busy;
};

/*
 * The busy time in ${a} inside ${w}: spans of one status that overlap or touch are joined, different statuses are
 * listed independently; free time and events of no length are left out; sorted by start, end, status.
 * Returns a malloc'd array (caller frees) with its length in ${n}; NULL with *n = 0 when empty, with *n =
 * SIZE_MAX when out of memory.
 */
struct fb_span *fb_spans(const struct fb_answer *a, struct fb_window w, size_t *n);
#endif
