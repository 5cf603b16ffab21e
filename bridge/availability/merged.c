#include <stdlib.h>
#include <string.h>
#include "bridge/availability/answer.h"

enum { FREE_DIGIT = 0, NO_DATA_DIGIT = 4, DIGITS, USUAL = 1024 /* digits of three weeks by half-hours */ };

static int digit_of(enum fb_busy b)
{
	static const int digits[FB_BUSY_TYPES] = {
		[FB_NODATA] = NO_DATA_DIGIT, [FB_TENTATIVE] = 1, [FB_BUSY_TIME] = 2, [FB_OOF] = 3,
		[FB_FREE] = FREE_DIGIT, [FB_ELSEWHERE] = FREE_DIGIT, /* 0 for compatibility, never 4 */
	};

	return (unsigned)b < FB_BUSY_TYPES ? digits[b] : NO_DATA_DIGIT;
}

size_t fb_merged_length(struct fb_window w, int interval)
{
	if (interval <= 0 || w.end <= w.start)
		return 0;
	uint64_t span = (uint64_t)w.end - (uint64_t)w.start, step = (uint64_t)interval * 60;
	return (size_t)(span / step + (span % step != 0));
}

/*
 * Counts where the events of the digit ${d} begin and end, so that the work is events plus slots and not events times slots:
 * a long calendar of long events must not cost more than that. False if there is none in the window.
 */
static bool count(int32_t *edges, int d, const struct fb_answer *a, struct fb_window w, int64_t step)
{
	bool any = false;

	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		int64_t start = e->start > w.start ? e->start : w.start, end = e->end < w.end ? e->end : w.end;
		bool point = e->start == e->end;

		if (digit_of(e->busy) != d || e->start >= w.end || (point ? e->start < w.start : end <= start))
			continue;
		edges[(start - w.start) / step]++;
		edges[(point ? start - w.start : end - 1 - w.start) / step + 1]--;
		any = true;
	}
	return any;
}

/* Writes the digit ${d} where one of its events is open, and leaves ${edges} empty. */
static void sweep(char *put, int32_t *edges, size_t slots, int d)
{
	int32_t open = 0;

	for (size_t i = 0; i < slots; i++) {
		open += edges[i];
		edges[i] = 0;
		if (open > 0)
			put[i] = (char)('0' + d);
	}
	edges[slots] = 0;
}

int fb_merged_write(char *to, const struct fb_answer *a, struct fb_window w, int interval)
{
	static int32_t usual[USUAL + 1]; /* all zero between two calls */
	size_t slots = fb_merged_length(w, interval);
	int32_t *edges = usual;

	if (a->reason == FB_OK && slots > USUAL && !(edges = calloc(slots + 1, sizeof *edges)))
		return -1; /* with nothing written: half an answer would say free */
	memset(to, '0' + (a->reason == FB_OK ? FREE_DIGIT : NO_DATA_DIGIT), slots); /* what was not answered is unknown, not free */
	if (a->reason != FB_OK)
		return 0;
	for (int d = FREE_DIGIT + 1; d < DIGITS; d++) /* the highest is the last, and so wins */
		if (count(edges, d, a, w, (int64_t)interval * 60))
			sweep(to, edges, slots, d);
	if (edges != usual)
		free(edges);
	return 0;
}

int fb_merged_put(struct buf *out, const struct fb_answer *a, struct fb_window w, int interval)
{
	size_t slots = fb_merged_length(w, interval);
	uint8_t *to = slots ? buf_reserve(out, slots) : NULL;

	if (slots == 0)
		return 0;
	if (!to || fb_merged_write((char *)to, a, w, interval) != 0)
		return -1;
	buf_commit(out, slots);
	return 0;
}

bool fb_merged_valid(const char *s, struct fb_window w, int interval)
{
	size_t n = fb_merged_length(w, interval);

	return s && strspn(s, "01234") == n && s[n] == '\0';
}
