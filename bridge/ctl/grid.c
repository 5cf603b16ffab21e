#include "bridge/ctl/grid.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "bridge/availability/clock.h"

enum { NAME_MAX_COLUMNS = 40, HOUR = 3600, DAY = 86400 };

/* What a slot shows, lowest first: the highest of a slot wins. */
static const struct look {
	char sign;
	const char *colour, *word;
} looks[] = {
	{'.', "", "free"},
	{'w', "\033[36m", "working elsewhere"},
	{'t', "\033[33m", "tentative"},
	{'#', "\033[31m", "busy"},
	{'O', "\033[35m", "out of office"},
	{'?', "\033[90m", "no data"},
};
enum { LOOKS = sizeof looks / sizeof *looks, LOOK_NO_DATA = LOOKS - 1 };

static int look_of_busy(enum fb_busy b)
{
	switch (b) {
	case FB_FREE: return 0;
	case FB_ELSEWHERE: return 1;
	case FB_TENTATIVE: return 2;
	case FB_BUSY_TIME: return 3;
	case FB_OOF: return 4;
	default: return LOOK_NO_DATA;
	}
}

static int look_of_digit(char c)
{
	return c == '0' ? 0 : c >= '1' && c <= '3' ? c - '1' + 2 : LOOK_NO_DATA;
}

/* What is seen in [${from}, ${to}): from the events if there are any, which know of working elsewhere, else from the digits. */
static int look_at(const struct fb_answer *a, size_t slot, int64_t from, int64_t to)
{
	int best = a->merged && slot < strlen(a->merged) ? look_of_digit(a->merged[slot]) : 0;

	if (!a->merged && !(a->view & FB_VIEW_EVENTS))
		return LOOK_NO_DATA;
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		bool touches = e->start == e->end ? e->start >= from && e->start < to : e->start < to && e->end > from;
		int look = touches ? look_of_busy(e->busy) : 0;

		if (look > best)
			best = look;
	}
	return best;
}

static void put_sign(struct buf *out, const struct grid *g, int look)
{
	if (g->colour && *looks[look].colour)
		buf_printf(out, "%s%c\033[0m", looks[look].colour, looks[look].sign);
	else
		buf_putc(out, looks[look].sign);
}

/* The slots [${first}, returned) that stand in one block: up to the next midnight, and as many as fit. */
static size_t block_end(const struct grid *g, size_t first, size_t all, size_t fit)
{
	int64_t day = fb_zone_wall(g->zone, g->window.start + (int64_t)first * g->interval * 60) / DAY;
	size_t i = first + 1;

	while (i < all && i - first < fit && fb_zone_wall(g->zone, g->window.start + (int64_t)i * g->interval * 60) / DAY == day)
		i++;
	return i;
}

/* The day, then the hours above the slots that begin them, as far apart as they need to be read. */
static void put_head(struct buf *out, const struct grid *g, int name, size_t first, size_t end)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int64_t start = g->window.start + (int64_t)first * g->interval * 60;
	struct fb_civil c = fb_civil_at(fb_zone_wall(g->zone, start));
	int offset = fb_zone_offset(g->zone, start);
	size_t column = first;
	char label[48];

	snprintf(label, sizeof label, "%s %04d-%02d-%02d %c%02d:%02d", days[c.weekday], c.year, c.month, c.day, offset < 0 ? '-' : '+',
	         abs(offset) / HOUR, abs(offset) / 60 % 60);
	buf_printf(out, "%-*s  ", name, label);
	for (size_t i = first; i < end; i++) {
		struct fb_civil at = fb_civil_at(fb_zone_wall(g->zone, g->window.start + (int64_t)i * g->interval * 60));

		if (column > i || at.minute != 0)
			continue;
		while (column < i) {
			buf_putc(out, ' ');
			column++;
		}
		buf_printf(out, "%02d ", at.hour);
		column += 3;
	}
	buf_putc(out, '\n');
}

static void put_person(struct buf *out, const struct grid *g, int name, const struct fb_mailbox *who, const struct fb_answer *a,
                       size_t first, size_t end)
{
	buf_printf(out, "%-*.*s  ", name, name, *who->address ? who->address : who->asked);
	if (a->reason != FB_OK)
		buf_printf(out, "(%s)", fb_reason_row(a->reason)->word);
	for (size_t i = first; a->reason == FB_OK && i < end; i++) {
		int64_t from = g->window.start + (int64_t)i * g->interval * 60, to = from + g->interval * 60;

		put_sign(out, g, look_at(a, i, from, to < g->window.end ? to : g->window.end));
	}
	buf_putc(out, '\n');
}

/* The legend: the signs, and each reason that somebody has no answer for, once. */
static void put_legend(struct buf *out, const struct grid *g, struct fb_answer *const *answers, size_t n)
{
	bool seen[FB_REASONS] = {false};

	for (size_t i = 0; i < LOOKS; i++) {
		put_sign(out, g, (int)i);
		buf_printf(out, " %s%s", looks[i].word, i + 1 < LOOKS ? "   " : "\n");
	}
	for (size_t i = 0; i < n; i++) {
		enum fb_reason r = answers[i]->reason;

		if (r == FB_OK || r >= FB_REASONS || seen[r])
			continue;
		seen[r] = true;
		buf_printf(out, "(%s) %s\n", fb_reason_row(r)->word, fb_reason_row(r)->sentence);
	}
}

int grid_put(struct buf *out, const struct grid *g, const struct fb_mailbox *people, struct fb_answer *const *answers, size_t n)
{
	size_t all = fb_merged_length(g->window, g->interval), fit;
	int name = 21; /* as long as the day in the head */

	for (size_t i = 0; i < n; i++) {
		int columns = (int)strlen(*people[i].address ? people[i].address : people[i].asked);

		if (columns > name)
			name = columns > NAME_MAX_COLUMNS ? NAME_MAX_COLUMNS : columns;
	}
	fit = g->width > name + 26 ? (size_t)(g->width - name - 2) : 24;
	for (size_t first = 0, end; first < all; first = end) {
		end = block_end(g, first, all, fit);
		put_head(out, g, name, first, end);
		for (size_t i = 0; i < n; i++)
			put_person(out, g, name, &people[i], answers[i], first, end);
		buf_putc(out, '\n');
	}
	put_legend(out, g, answers, n);
	return out->failed ? -1 : 0;
}

bool grid_wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

int grid_width(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 40 ? ws.ws_col : 100;
}
