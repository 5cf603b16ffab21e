#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/zone_inside.h"

/* Far outside any calendar, near enough that a year still fits an int. */
static const int64_t FAR = INT64_C(100000) * 366 * ZONE_DAY;

/* The day (since 1970) that ${w} means in ${year}. */
static int64_t day_of(const struct zone_when *w, int year)
{
	int64_t first, last;

	switch (w->kind) {
	case ZONE_DATE:
		return fb_days(year, w->month, w->day);
	case ZONE_JULIAN:
		return fb_days(year, 1, w->day) + (w->day > 59 && fb_month_days(year, 2) == 29);
	case ZONE_DAY_OF_YEAR:
		return fb_days(year, 1, w->day + 1);
	case ZONE_WEEKDAY:
		break;
	}
	first = fb_days(year, w->month, 1);
	last = fb_days(year, w->month + 1, 1) - 1;
	int weekday = (int)(((first + 4) % 7 + 7) % 7);
	first += (w->weekday - weekday + 7) % 7 + (w->order - 1) * 7;
	while (first > last) /* order 5 is the last one, be it the fourth */
		first -= 7;
	return first;
}

int zone_yearly_changes(const struct zone_yearly *y, int year, struct fb_zone_transition out[2])
{
	struct fb_zone_transition on = {0, y->daylight}, off = {0, y->standard};
	int n = 0;

	if (!y->changes)
		return 0;
	if (y->to_daylight.year == 0 || y->to_daylight.year == year) {
		on.utc = day_of(&y->to_daylight, year) * ZONE_DAY + y->to_daylight.second - y->standard;
		out[n++] = on;
	}
	if (y->to_standard.year == 0 || y->to_standard.year == year) {
		off.utc = day_of(&y->to_standard, year) * ZONE_DAY + y->to_standard.second - y->daylight;
		if (n == 1 && off.utc < on.utc) {
			out[0] = off;
			out[1] = on;
			return 2;
		}
		out[n++] = off;
	}
	return n;
}

void zone_yearly_settle(struct zone_yearly *y)
{
	struct fb_zone_transition this[2], next[2];

	if (!y->changes)
		y->daylight = y->standard;
	if (y->standard == y->daylight)
		y->changes = false;
	if (!y->changes || y->to_standard.year || y->to_daylight.year)
		return;
	/* RFC 8536 3.3.1: a year's end of daylight at or behind the next year's begin means daylight all the time. */
	zone_yearly_changes(y, 2001, this);
	zone_yearly_changes(y, 2002, next);
	if (this[1].offset == y->daylight || this[1].utc < next[0].utc)
		return;
	y->standard = y->daylight;
	y->changes = false;
}

/* The year to look around in for ${utc}. */
static int year_near(int64_t utc)
{
	if (utc > FAR)
		utc = FAR;
	if (utc < -FAR)
		utc = -FAR;
	return fb_civil_at(utc).year;
}

int zone_yearly_offset(const struct zone_yearly *y, int64_t utc)
{
	struct fb_zone_transition c[2];

	if (!y->changes)
		return y->standard;
	/* A time of day may be up to a week off, so a change of the next year can be past already. */
	int year = year_near(utc);
	for (int i = year + 1; i >= year - 2; i--)
		for (int n = zone_yearly_changes(y, i, c); n > 0; n--)
			if (c[n - 1].utc <= utc)
				return c[n - 1].offset;
	return y->standard;
}

bool zone_yearly_next(const struct zone_yearly *y, int64_t utc, struct fb_zone_transition *out)
{
	struct fb_zone_transition c[2];

	if (!y->changes || utc > FAR)
		return false;
	int now = zone_yearly_offset(y, utc), year = year_near(utc);
	for (int i = year - 1; i <= year + 2; i++) {
		int n = zone_yearly_changes(y, i, c);
		for (int k = 0; k < n; k++)
			if (c[k].utc > utc && c[k].offset != now) {
				*out = c[k];
				return true;
			}
	}
	return false;
}

void zone_lay_out(struct fb_zone *z, size_t room, int end)
{
	int64_t at = z->n ? z->t[z->n - 1].utc : fb_days(ZONE_FIRST_YEAR, 1, 1) * ZONE_DAY, stop = fb_days(end, 1, 1) * ZONE_DAY;
	struct fb_zone_transition t;

	z->yearly_before = z->n == 0;
	while (z->n < room && at < stop && zone_yearly_next(&z->yearly, at, &t)) {
		z->t[z->n++] = t;
		at = t.utc;
	}
}

/* Reads a decimal of at most three digits, in [${min},${max}], and moves on. */
static bool number(const char **s, int min, int max, int *out)
{
	int v = 0, n = 0;

	for (; n < 3 && **s >= '0' && **s <= '9'; n++, (*s)++)
		v = v * 10 + (**s - '0');
	*out = v;
	return n > 0 && v >= min && v <= max;
}

static bool over(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool clock_time(const char **s, int max_hours, int *out)
{
	int sign = 1, h, m = 0, sec = 0;

	if (over(s, '-'))
		sign = -1;
	else
		over(s, '+');
	if (!number(s, 0, max_hours, &h))
		return false;
	if (over(s, ':') && (!number(s, 0, 59, &m) || (over(s, ':') && !number(s, 0, 59, &sec))))
		return false;
	*out = sign * (h * 3600 + m * 60 + sec);
	return true;
}

/* An abbreviation, of which only the end is wanted. */
static bool name(const char **s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	bool quoted = over(s, '<');
	size_t n = strspn(*s, quoted ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-" : letters);

	*s += n;
	return n >= 3 && (!quoted || over(s, '>'));
}

static bool when(const char **s, struct zone_when *w)
{
	memset(w, 0, sizeof *w);
	if (over(s, 'M')) {
		w->kind = ZONE_WEEKDAY;
		if (!number(s, 1, 12, &w->month) || !over(s, '.') || !number(s, 1, 5, &w->order) ||
		    !over(s, '.') || !number(s, 0, 6, &w->weekday))
			return false;
	} else if (over(s, 'J')) {
		w->kind = ZONE_JULIAN;
		if (!number(s, 1, 365, &w->day))
			return false;
	} else {
		w->kind = ZONE_DAY_OF_YEAR;
		if (!number(s, 0, 365, &w->day))
			return false;
	}
	w->second = 2 * 3600;
	return !over(s, '/') || clock_time(s, 167, &w->second);
}

bool zone_yearly_parse(const char *s, struct zone_yearly *out)
{
	int west;

	memset(out, 0, sizeof *out);
	if (!name(&s) || !clock_time(&s, 24, &west))
		return false;
	out->standard = out->daylight = -west;
	if (*s == '\0')
		return true;
	if (!name(&s))
		return false;
	out->daylight = out->standard + 3600;
	if (*s != ',') {
		if (!clock_time(&s, 24, &west))
			return false;
		out->daylight = -west;
	}
	out->changes = true;
	if (!over(&s, ',') || !when(&s, &out->to_daylight) || !over(&s, ',') || !when(&s, &out->to_standard) || *s)
		return false;
	zone_yearly_settle(out);
	return true;
}
