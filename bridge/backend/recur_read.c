#include "bridge/backend/recur.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct part {
	const char *name;
	bool (*read)(struct recur_rule *r, const char *v, size_t n);
};

/* A whole number with an optional sign, at most nine digits. */
static bool number(const char *s, size_t n, int *out)
{
	bool minus = n && *s == '-';
	if (n && (*s == '-' || *s == '+'))
		s++, n--;
	if (!n || n > 9)
		return false;
	*out = 0;
	for (; n; s++, n--) {
		if (*s < '0' || *s > '9')
			return false;
		*out = *out * 10 + (*s - '0');
	}
	*out = minus ? -*out : *out;
	return true;
}

/* Leaves out the blanks around the ${*n} bytes at ${*s}. */
static void trim(const char **s, size_t *n)
{
	while (*n && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		--*n;
	for (; *n && (**s == ' ' || **s == '\t'); --*n)
		++*s;
}

/* Calls ${take} for each item of a comma-separated list; false if one is refused. Exchange writes "MO, TU, WE". */
static bool each(struct recur_rule *r, const char *v, size_t n, bool (*take)(struct recur_rule *r, const char *v, size_t n))
{
	for (;;) {
		const char *comma = memchr(v, ',', n), *item = v;
		size_t len = comma ? (size_t)(comma - v) : n, left = len;
		trim(&item, &left);
		if (!take(r, item, left))
			return false;
		if (!comma)
			return true;
		v = comma + 1;
		n -= len + 1;
	}
}

static bool ranged(const char *v, size_t n, int min, int max, int *out)
{
	return number(v, n, out) && *out >= min && *out <= max;
}

/* A number from 1 to ${max}, or back from the end. */
static bool signed_range(const char *v, size_t n, int max, int *out)
{
	return ranged(v, n, -max, max, out) && *out;
}

static bool weekday(const char *v, size_t n, int *out)
{
	static const char days[] = "SUMOTUWETHFRSA";
	for (*out = 0; n == 2 && *out < 7; ++*out)
		if (!strncasecmp(days + 2 * *out, v, 2))
			return true;
	return false;
}

static bool read_freq(struct recur_rule *r, const char *v, size_t n)
{
	static const char *const names[] = {"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"};
	for (int i = 0; i < 7; i++)
		if (strlen(names[i]) == n && !strncasecmp(names[i], v, n))
			r->freq = RECUR_YEARLY + i;
	return r->freq != RECUR_NONE;
}

/* Outlook 2013 writes 0 of what recurs each time, and is read so by others. */
static bool read_interval(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!ranged(v, n, 0, 999999999, &i))
		return false;
	r->interval = i ? i : 1;
	r->guessed |= !i;
	return true;
}

/* macOS Calendar writes 0 of what has no end, or ends by UNTIL, an Android calendar -1. */
static bool read_count(struct recur_rule *r, const char *v, size_t n)
{
	r->count = 0;
	if (n == 2 && !memcmp(v, "-1", 2))
		return r->guessed = true;
	for (size_t i = 0; i < n && i < 12; i++) {
		if (v[i] < '0' || v[i] > '9')
			return false;
		r->count = r->count * 10 + (v[i] - '0');
	}
	r->guessed |= !r->count;
	return n > 0 && n <= 12;
}

static bool read_until(struct recur_rule *r, const char *v, size_t n)
{
	r->has_until = true;
	return ics_time_read(v, n, &r->until);
}

static bool read_wkst(struct recur_rule *r, const char *v, size_t n)
{
	return weekday(v, n, &r->wkst);
}

static bool read_rscale(struct recur_rule *r, const char *v, size_t n)
{
	(void)r;
	return n == 9 && !strncasecmp(v, "GREGORIAN", n);
}

static bool read_skip(struct recur_rule *r, const char *v, size_t n)
{
	static const char *const names[] = {[RECUR_OMIT] = "OMIT", [RECUR_BACKWARD] = "BACKWARD", [RECUR_FORWARD] = "FORWARD"};
	int i = RECUR_OMIT;
	while (i <= RECUR_FORWARD && (strlen(names[i]) != n || strncasecmp(names[i], v, n)))
		i++;
	r->skip = i;
	return i <= RECUR_FORWARD;
}

static bool one_second(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!ranged(v, n, 0, 60, &i))
		return false;
	r->seconds |= 1ULL << (i == 60 ? 59 : i); /* no leap seconds here (RFC 5545 3.3.12) */
	return true;
}

static bool one_minute(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!ranged(v, n, 0, 59, &i))
		return false;
	r->minutes |= 1ULL << i;
	return true;
}

static bool one_hour(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!ranged(v, n, 0, 23, &i))
		return false;
	r->hours |= 1U << i;
	return true;
}

static bool one_month(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!ranged(v, n, 1, 12, &i))
		return false;
	r->months |= 1U << i;
	return true;
}

static bool one_day(struct recur_rule *r, const char *v, size_t n)
{
	int day, nth;
	if (n < 2 || !weekday(v + n - 2, 2, &day))
		return false;
	if (n == 2) {
		r->weekdays |= 1U << day;
		return true;
	}
	if (number(v, n - 2, &nth) && nth == 255) { /* GroupWise means the last one */
		nth = -1;
		r->guessed = true;
	} else if (!signed_range(v, n - 2, 53, &nth))
		return false;
	for (size_t i = 0; i < r->n_nth; i++)
		if (r->nth[i].n == nth && r->nth[i].weekday == day)
			return true;
	if (r->n_nth == RECUR_MAX_NTH)
		return false;
	r->nth[r->n_nth++] = (struct recur_nth){nth, day};
	return true;
}

static bool one_month_day(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!signed_range(v, n, 31, &i))
		return false;
	*(i > 0 ? &r->month_days : &r->month_days_back) |= 1U << (i > 0 ? i : -i);
	return true;
}

static bool one_year_day(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!signed_range(v, n, 366, &i))
		return false;
	uint8_t *bits = i > 0 ? r->year_days : r->year_days_back;
	i = i > 0 ? i : -i;
	bits[i / 8] |= (uint8_t)(1 << i % 8);
	r->by_year_day = true;
	return true;
}

static bool one_week(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!signed_range(v, n, 53, &i))
		return false;
	*(i > 0 ? &r->weeks : &r->weeks_back) |= 1ULL << (i > 0 ? i : -i);
	return true;
}

static bool one_setpos(struct recur_rule *r, const char *v, size_t n)
{
	int i;
	if (!signed_range(v, n, 366, &i) || r->n_setpos == RECUR_MAX_SETPOS)
		return false;
	r->setpos[r->n_setpos++] = i;
	return true;
}

#define LIST(what) static bool read_##what(struct recur_rule *r, const char *v, size_t n) { return each(r, v, n, one_##what); }
LIST(second) LIST(minute) LIST(hour) LIST(day) LIST(month_day) LIST(year_day) LIST(week) LIST(month) LIST(setpos)

static const struct part parts[] = {
	{"FREQ", read_freq}, {"INTERVAL", read_interval}, {"COUNT", read_count}, {"UNTIL", read_until}, {"WKST", read_wkst},
	{"RSCALE", read_rscale}, {"SKIP", read_skip},
	{"BYSECOND", read_second}, {"BYMINUTE", read_minute}, {"BYHOUR", read_hour}, {"BYDAY", read_day}, {"BYMONTHDAY", read_month_day},
	{"BYYEARDAY", read_year_day}, {"BYWEEKNO", read_week}, {"BYMONTH", read_month}, {"BYSETPOS", read_setpos}, {NULL, NULL},
};

/* One NAME=VALUE. X- parts say nothing about time; an unknown part might, so it is refused. */
static bool read_part(struct recur_rule *r, unsigned *seen, const char *s, size_t n, char *why, size_t why_size)
{
	const char *eq = memchr(s, '=', n);
	size_t name = eq ? (size_t)(eq - s) : n;
	const struct part *p = parts;
	while (p->name && (strlen(p->name) != name || strncasecmp(p->name, s, name)))
		p++;
	unsigned bit = 1U << (p - parts);
	if (!p->name && eq && (s[0] == 'X' || s[0] == 'x'))
		return true;
	if (eq && p->name && !(*seen & bit) && p->read(r, eq + 1, n - name - 1)) {
		*seen |= bit;
		return true;
	}
	snprintf(why, why_size, "%s is %s", p->name ? p->name : "one part",
	         !p->name ? "no part of a rule that is known here" : (*seen & bit) ? "there twice" : "not a value it may have");
	return false;
}

bool recur_read(const char *s, size_t n, struct recur_rule *r, char *why, size_t why_size)
{
	unsigned seen = 0;
	*r = (struct recur_rule){.interval = 1, .wkst = 1};
	while (n) {
		const char *semicolon = memchr(s, ';', n);
		size_t len = semicolon ? (size_t)(semicolon - s) : n;
		const char *part = s;
		trim(&part, &len);
		if (len && !read_part(r, &seen, part, len, why, why_size))
			return false;
		len = semicolon ? (size_t)(semicolon - s) + 1 : n;
		s += len;
		n -= len;
	}
	bool skips = r->skip && (r->by_year_day || r->weeks || r->weeks_back || r->month_days_back >> 29);
	if (r->freq == RECUR_NONE)
		snprintf(why, why_size, "it has no FREQ");
	else if (skips)
		snprintf(why, why_size, "SKIP is not known here together with BYYEARDAY, BYWEEKNO or days far from the end of a month");
	return r->freq != RECUR_NONE && !skips;
}

bool recur_forget_times(struct recur_rule *r)
{
	bool any = r->freq <= RECUR_DAILY && (r->hours || r->minutes || r->seconds);
	if (any) {
		r->hours = 0;
		r->minutes = r->seconds = 0;
	}
	return any;
}
