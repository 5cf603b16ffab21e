#include <stdlib.h>
#include <string.h>
#include "bridge/availability/answer.h"

enum { DIGITS = 5, FREE_DIGIT = 0, NO_DATA_DIGIT = 4 };

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
 * Counts for each digit where its events begin and end, so that the work is events plus slots and not events times slots:
 * a long calendar of long events must not cost more than that.
 */
static void count(int32_t *edges, size_t slots, const struct fb_answer *a, struct fb_window w, int64_t step)
{
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		int64_t start = e->start > w.start ? e->start : w.start, end = e->end < w.end ? e->end : w.end;
		bool point = e->start == e->end;
		int d = digit_of(e->busy);

		if (d == FREE_DIGIT || e->start >= w.end || (point ? e->start < w.start : end <= start))
			continue;
		int32_t *row = edges + (size_t)d * (slots + 1);
		row[(start - w.start) / step]++;
		row[(point ? start - w.start : end - 1 - w.start) / step + 1]--;
	}
}

int fb_merged_put(struct buf *out, const struct fb_answer *a, struct fb_window w, int interval)
{
	size_t slots = fb_merged_length(w, interval);
	uint8_t *put = slots ? buf_reserve(out, slots) : NULL;

	if (slots == 0)
		return 0;
	if (!put)
		return -1;
	memset(put, '0' + NO_DATA_DIGIT, slots); /* what was not answered is unknown, not free */
	if (a->reason == FB_OK) {
		int32_t *edges = calloc(DIGITS * (slots + 1), sizeof *edges), open[DIGITS] = {0};
		if (!edges)
			return -1;
		count(edges, slots, a, w, (int64_t)interval * 60);
		for (size_t i = 0; i < slots; i++) {
			int top = FREE_DIGIT;
			for (int d = 1; d < DIGITS; d++) {
				open[d] += edges[(size_t)d * (slots + 1) + i];
				if (open[d] > 0)
					top = d;
			}
			put[i] = (uint8_t)('0' + top);
		}
		free(edges);
	}
	buf_commit(out, slots);
	return 0;
}

bool fb_merged_valid(const char *s, struct fb_window w, int interval)
{
	size_t n = fb_merged_length(w, interval);

	return s && strspn(s, "01234") == n && s[n] == '\0';
}
