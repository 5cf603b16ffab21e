#include "bridge/backend/value.h"
#include "bridge/availability/clock.h"

/* Reads exactly ${n} digits. */
static bool digits(const char *s, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*out = *out * 10 + (s[i] - '0');
	}
	return true;
}

/* The ${n} digits behind the T: an hour, and where they are given minutes and seconds. */
static bool read_time(const char *s, size_t n, struct fb_civil *c)
{
	if ((n != 2 && n != 4 && n != 6) || !digits(s, 2, &c->hour))
		return false;
	if ((n > 2 && !digits(s + 2, 2, &c->minute)) || (n > 4 && !digits(s + 4, 2, &c->second)))
		return false;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return false;
	c->second -= c->second == 60;
	return true;
}

bool ics_time_read(const char *s, size_t n, struct ics_time *t)
{
	struct fb_civil c = {0};
	bool has_time = n > 8, utc = has_time && (s[n - 1] == 'Z' || s[n - 1] == 'z');
	if (n < 8 || !digits(s, 4, &c.year) || !digits(s + 4, 2, &c.month) || !digits(s + 6, 2, &c.day))
		return false;
	if (c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > fb_month_days(c.year, c.month))
		return false;
	if (has_time && ((s[8] != 'T' && s[8] != 't') || !read_time(s + 9, n - 9 - utc, &c)))
		return false;
	*t = (struct ics_time){fb_civil_seconds(&c), !has_time, utc, utc ? fb_zone_utc() : NULL};
	return true;
}

bool ics_duration_read(const char *s, size_t n, struct ics_duration *d)
{
	static const struct {
		char unit;
		bool time;
		int64_t days, seconds;
	} units[] = {{'W', false, 7, 0}, {'D', false, 1, 0}, {'H', true, 0, 3600}, {'M', true, 0, 60}, {'S', true, 0, 1}};
	const char *end = s + n;
	int64_t sign = s < end && *s == '-' ? -1 : 1;
	bool time = false, any = false;
	size_t next = 0;
	*d = (struct ics_duration){0};
	if (s < end && (*s == '-' || *s == '+'))
		s++;
	if (s == end || *s++ != 'P')
		return false;
	while (s < end) {
		if (*s == 'T' && !time && s + 1 < end) {
			time = true;
			s++;
			continue;
		}
		int64_t v = 0;
		const char *start = s;
		for (; s < end && *s >= '0' && *s <= '9'; s++)
			if (s - start >= 12)
				return false;
			else
				v = v * 10 + (*s - '0');
		if (s == start || s == end)
			return false;
		while (next < 5 && (units[next].unit != *s || units[next].time != time))
			next++;
		if (next == 5 || v > 3652500 * (next < 2 ? 1 : (int64_t)86400))
			return false;
		d->days += sign * v * units[next].days;
		d->seconds += sign * v * units[next].seconds;
		any = true;
		next++;
		s++;
	}
	return any;
}

bool ics_offset_read(const char *s, size_t n, int *seconds)
{
	int h, m, sec = 0;
	bool minus = n && s[0] == '-';
	if (n && (s[0] == '-' || s[0] == '+'))
		s++, n--;
	if ((n != 4 && n != 6) || !digits(s, 2, &h) || !digits(s + 2, 2, &m) || (n == 6 && !digits(s + 4, 2, &sec)))
		return false;
	if (h > 23 || m > 59 || sec > 59)
		return false;
	*seconds = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

int64_t ics_instant(const struct ics_time *t, const struct fb_zone *floating)
{
	return t->is_utc ? t->wall : fb_zone_utc_of(t->zone ? t->zone : floating, t->wall);
}

int64_t ics_later(const struct fb_zone *zone, int64_t wall, struct ics_duration d)
{
	return fb_zone_utc_of(zone, wall + d.days * 86400) + d.seconds;
}
