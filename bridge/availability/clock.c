#include "bridge/availability/clock.h"
#include <stdio.h>
#include "bridge/availability/zone.h"

enum { DAY = 86400 };

/* Days from civil: years that begin in March put the leap day last, so a month's first day is a straight line. */
int64_t fb_days(int year, int month, int day)
{
	int64_t m = (int64_t)month - 1, y = year;
	int64_t carry = m >= 0 ? m / 12 : -((11 - m) / 12);

	y += carry;
	m -= carry * 12;
	m = (m + 10) % 12; /* March is 0 */
	y -= m >= 10;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year = (153 * m + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

int64_t fb_civil_seconds(const struct fb_civil *c)
{
	return fb_days(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

struct fb_civil fb_civil_at(int64_t seconds)
{
	struct fb_civil c;
	int64_t days = seconds / DAY, left = seconds % DAY;

	if (left < 0) {
		left += DAY;
		days--;
	}
	c.hour = (int)(left / 3600);
	c.minute = (int)(left / 60 % 60);
	c.second = (int)(left % 60);
	c.weekday = (int)(((days + 4) % 7 + 7) % 7);

	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t in_era = z - era * 146097;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;
	c.day = (int)(in_year - (153 * m + 2) / 5 + 1);
	c.month = (int)(m < 10 ? m + 3 : m - 9);
	c.year = (int)(y + era * 400 + (c.month <= 2));
	return c;
}

int fb_month_days(int year, int month)
{
	return (int)(fb_days(year, month + 1, 1) - fb_days(year, month, 1));
}

/* Reads exactly ${n} digits at *s and moves on; -1 if they are not there. */
static int digits(const char **s, int n)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

/* Moves over the one character ${c}, in either case. */
static bool over(const char **s, char c)
{
	if (**s != c && **s != (c | 0x20))
		return false;
	(*s)++;
	return true;
}

static bool read_date(const char **s, struct fb_civil *c)
{
	c->year = digits(s, 4);
	if (c->year < 1 || !over(s, '-'))
		return false;
	c->month = digits(s, 2);
	if (c->month < 1 || c->month > 12 || !over(s, '-'))
		return false;
	c->day = digits(s, 2);
	return c->day >= 1 && c->day <= fb_month_days(c->year, c->month);
}

static bool read_time(const char **s, struct fb_civil *c)
{
	c->hour = digits(s, 2);
	if (c->hour < 0 || c->hour > 24 || !over(s, ':'))
		return false;
	c->minute = digits(s, 2);
	if (c->minute < 0 || c->minute > 59 || !over(s, ':'))
		return false;
	c->second = digits(s, 2);
	if (c->second < 0 || c->second > 59)
		return false;
	bool whole = c->minute == 0 && c->second == 0;
	if (over(s, '.')) {
		if (**s < '0' || **s > '9')
			return false;
		for (; **s >= '0' && **s <= '9'; (*s)++)
			whole &= **s == '0';
	}
	return c->hour < 24 || whole;
}

/* Reads Z or an offset, which must be all that is left. */
static bool read_offset(const char *s, int *east)
{
	int sign = *s == '-' ? -1 : 1;

	*east = 0;
	if (over(&s, 'Z'))
		return *s == '\0';
	if (*s != '+' && *s != '-')
		return false;
	s++;
	int h = digits(&s, 2);
	if (h < 0 || h > 23)
		return false;
	if (*s == ':')
		s++;
	int m = digits(&s, 2);
	if (m < 0 || m > 59 || *s)
		return false;
	*east = sign * (h * 3600 + m * 60);
	return true;
}

enum fb_time_kind fb_time_parse(const char *s, int64_t *out)
{
	struct fb_civil c = {0};
	enum fb_time_kind kind = FB_TIME_WALL;
	int east = 0;

	if (!s || !read_date(&s, &c))
		return FB_TIME_BAD;
	if (*s) {
		if (!over(&s, 'T') || !read_time(&s, &c))
			return FB_TIME_BAD;
		if (*s) {
			if (!read_offset(s, &east))
				return FB_TIME_BAD;
			kind = FB_TIME_UTC;
		}
	}
	int64_t v = fb_civil_seconds(&c) - east;
	/* 24:00 and an offset may push the result over the edge of the years that we can write again. */
	if (v < fb_days(1, 1, 1) * DAY || v >= fb_days(10000, 1, 1) * DAY)
		return FB_TIME_BAD;
	*out = v;
	return kind;
}

bool fb_time_parse_in(const char *s, const struct fb_zone *z, int64_t *utc)
{
	int64_t v;
	enum fb_time_kind kind = fb_time_parse(s, &v);

	if (kind == FB_TIME_BAD)
		return false;
	*utc = kind == FB_TIME_WALL ? fb_zone_utc_of(z, v) : v;
	return true;
}

/* A day as it is written, its years beyond 0000..9999 too; borrowed until other days are asked for. Those of one answer are few. */
static const char *date_of(int64_t days)
{
	static struct {
		int64_t days;
		char text[40]; /* "" = nothing yet */
	} kept[8];
	size_t i = (size_t)days % (sizeof kept / sizeof *kept);

	if (kept[i].days != days || !*kept[i].text) {
		const struct fb_civil c = fb_civil_at(days * DAY);

		snprintf(kept[i].text, sizeof kept[i].text, "%04d-%02d-%02d", c.year, c.month, c.day);
		kept[i].days = days;
	}
	return kept[i].text;
}

static void put_two(char *to, int64_t v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
}

static int put(struct buf *b, int64_t seconds, bool utc)
{
	char text[] = "T00:00:00Z";
	int64_t days = seconds / DAY, left = seconds % DAY;

	if (left < 0) {
		left += DAY;
		days--;
	}
	put_two(text + 1, left / 3600);
	put_two(text + 4, left / 60 % 60);
	put_two(text + 7, left % 60);
	buf_puts(b, date_of(days));
	return buf_add(b, text, sizeof text - (utc ? 1 : 2));
}

int fb_time_put_wall(struct buf *b, int64_t wall)
{
	return put(b, wall, false);
}

int fb_time_put_utc(struct buf *b, int64_t utc)
{
	return put(b, utc, true);
}
