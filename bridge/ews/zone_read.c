#include "bridge/ews/zone_read.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"

const char *const zone_weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", NULL};

static struct zone_serial *serial_of(struct soap *s)
{
	return s->arg;
}

bool zone_serial_open(struct soap *s, const char *text)
{
	*serial_of(s) = (struct zone_serial){.given = true, .lenient = serial_of(s)->lenient};
	return true;
}

static bool number(struct soap *s, const char *what, const char *text, int min, int max, int *out)
{
	int64_t v;

	if (serial_of(s)->lenient) {
		if (text_int(text, min, max, &v))
			*out = (int)v;
		else
			serial_of(s)->bad = true;
		return true;
	}
	/* Any number is of the schema; one out of range makes no zone. */
	if (!soap_int(s, what, text, INT32_MIN, INT32_MAX, out))
		return false;
	return (*out >= min && *out <= max) || soap_fault(s, "ErrorTimeZone", "%s is %d; it must be from %d to %d.", what, *out, min, max);
}

static bool outer_bias(struct soap *s, const char *text)
{
	return number(s, "TimeZone/Bias", text, -1440, 1440, &serial_of(s)->bias);
}

static bool standard_open(struct soap *s, const char *text)
{
	serial_of(s)->now = &serial_of(s)->standard;
	serial_of(s)->halves |= 1;
	return true;
}

static bool daylight_open(struct soap *s, const char *text)
{
	serial_of(s)->now = &serial_of(s)->daylight;
	serial_of(s)->halves |= 2;
	return true;
}

static bool inner_bias(struct soap *s, const char *text)
{
	return number(s, "Bias", text, -1440, 1440, &serial_of(s)->now->bias);
}

static bool two_digits(const char *s, int max, int *out)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*out = (s[0] - '0') * 10 + s[1] - '0';
	return *out <= max;
}

/* "hh:mm:ss", with a fraction that is rounded (Windows knows zones that change at 23:59:59.999). */
static bool clock_time(struct soap *s, const char *text)
{
	int h = 0, m = 0, sec = 0;
	bool ok = strlen(text) >= 8 && two_digits(text, 24, &h) && text[2] == ':' && two_digits(text + 3, 59, &m) && text[5] == ':' &&
	          two_digits(text + 6, 59, &sec) && (!text[8] || text[8] == '.');
	int second = h * 3600 + m * 60 + sec + (ok && text[8] && text[9] >= '5' && text[9] <= '9');

	if (!ok || second > 86400) {
		serial_of(s)->bad = true;
		return serial_of(s)->lenient || soap_fault(s, "ErrorTimeZone", "Time is %.40s; it must be hh:mm:ss.", text);
	}
	serial_of(s)->now->second = second;
	return true;
}

static bool day_order(struct soap *s, const char *text)
{
	return number(s, "DayOrder", text, 0, 31, &serial_of(s)->now->day_order);
}

static bool month(struct soap *s, const char *text)
{
	return number(s, "Month", text, 0, 12, &serial_of(s)->now->month);
}

static bool weekday(struct soap *s, const char *text)
{
	static const char *const words[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",  "Thursday", "Friday",
	                                    "Saturday", "Day",    "Weekday", "WeekendDay", NULL};
	int i = 0;

	while (words[i] && strcmp(words[i], text) != 0)
		i++;
	serial_of(s)->now->weekday = i > 6 ? -1 : i;
	serial_of(s)->now->has_weekday = true;
	return words[i] || serial_of(s)->lenient || soap_word(s, "DayOfWeek", text, words) >= 0;
}

static bool year(struct soap *s, const char *text)
{
	int64_t v = 0;

	if (!*text || text_int(text, 0, 9999, &v)) {
		serial_of(s)->now->year = (int)v;
		return true;
	}
	serial_of(s)->bad = true;
	return serial_of(s)->lenient || soap_fault(s, "ErrorTimeZone", "Year is %.40s; it must be a year.", text);
}

/*
 * The EWS Managed API, told to speak as to Exchange 2007, leaves the weekday out where it gives a year: of changes on a date, and of zones that had
 * daylight once and have none now.
 */
static bool half_close(struct soap *s, const char *text)
{
	const struct zone_half *h = serial_of(s)->now;

	if (h->has_weekday || h->year)
		return true;
	serial_of(s)->bad |= h->month != 0;
	return serial_of(s)->lenient || soap_violation(s, "Element DayOfWeek is missing in StandardTime or DaylightTime.");
}

/* Zimbra sends a StandardTime without a Month: not required here. */
static const struct soap_row half_rows[] = {
	{NS_TYPES, "Bias", SOAP_REQUIRED, NULL, NULL, inner_bias},
	{NS_TYPES, "Time", SOAP_REQUIRED, NULL, NULL, clock_time},
	{NS_TYPES, "DayOrder", SOAP_REQUIRED, NULL, NULL, day_order},
	{NS_TYPES, "Month", 0, NULL, NULL, month},
	{NS_TYPES, "DayOfWeek", 0, NULL, NULL, weekday},
	{NS_TYPES, "Year", 0, NULL, NULL, year},
	{0},
};
#define SERIAL_ROWS(flags)                                                                         \
	{                                                                                          \
		{NS_TYPES, "Bias", SOAP_REQUIRED, NULL, NULL, outer_bias},                         \
		{NS_TYPES, "StandardTime", (flags), half_rows, standard_open, half_close},         \
		{NS_TYPES, "DaylightTime", (flags), half_rows, daylight_open, half_close},         \
		{0},                                                                               \
	}
const struct soap_row zone_serial_rows[] = SERIAL_ROWS(SOAP_REQUIRED);
const struct soap_row zone_serial_lenient_rows[] = SERIAL_ROWS(SOAP_LAX);

static bool half_change(const struct zone_half *h, struct fb_change *out)
{
	*out = (struct fb_change){.month = h->month, .day_order = h->day_order, .weekday = h->weekday, .second = h->second, .year = h->year};
	if (h->year)
		return h->day_order >= 1 && h->day_order <= 31 && (out->weekday = 0, true);
	return h->day_order >= 1 && h->day_order <= 5 && h->weekday >= 0;
}

bool zone_same_change(const struct fb_change *a, const struct fb_change *b)
{
	return a->month == b->month && a->day_order == b->day_order && a->weekday == b->weekday && a->second == b->second && a->year == b->year;
}

bool zone_serial_rule(const struct zone_serial *z, struct fb_zone_rule *out)
{
	bool changes = z->standard.month && z->daylight.month && z->standard.bias != z->daylight.bias;

	if (z->bad || z->halves != 3)
		return false;
	*out = (struct fb_zone_rule){.standard_offset = -60 * (z->bias + z->standard.bias), .daylight_offset = -60 * (z->bias + z->daylight.bias)};
	if (abs(out->standard_offset) > 86400 || abs(out->daylight_offset) > 86400)
		return false;
	if (!changes) {
		out->daylight_offset = out->standard_offset;
		return true;
	}
	return half_change(&z->standard, &out->to_standard) && half_change(&z->daylight, &out->to_daylight) &&
	       !zone_same_change(&out->to_standard, &out->to_daylight);
}

static void half_put(struct buf *out, const char *tag, int bias, const struct fb_change *c)
{
	int second = !c->month || c->second < 0 ? 0 : c->second > 86399 ? 86399 : c->second;
	char time[] = "00:00:00", year[] = "0000";

	text_digits(time, 2, (unsigned)(second / 3600));
	text_digits(time + 3, 2, (unsigned)(second / 60 % 60));
	text_digits(time + 6, 2, (unsigned)(second % 60));
	buf_puts(out, "<t:");
	buf_puts(out, tag);
	buf_putc(out, '>');
	soap_put_int(out, "t:Bias", bias);
	soap_put(out, "t:Time", time);
	soap_put_int(out, "t:DayOrder", c->month ? c->day_order : 0);
	soap_put_int(out, "t:Month", c->month);
	soap_put(out, "t:DayOfWeek", zone_weekdays[c->weekday >= 0 && c->weekday < 7 ? c->weekday : 0]);
	if (c->month && c->year) {
		text_digits(year, 4, (unsigned)c->year);
		soap_put(out, "t:Year", year);
	}
	buf_puts(out, "</t:");
	buf_puts(out, tag);
	buf_putc(out, '>');
}

void zone_serial_put(struct buf *out, const struct fb_zone_rule *rule)
{
	static const struct fb_change never;
	bool changes = rule->to_standard.month && rule->to_daylight.month && rule->standard_offset != rule->daylight_offset;

	soap_put_int(out, "t:Bias", -rule->standard_offset / 60);
	half_put(out, "StandardTime", 0, changes ? &rule->to_standard : &never);
	half_put(out, "DaylightTime", changes ? -(rule->daylight_offset - rule->standard_offset) / 60 : 0, changes ? &rule->to_daylight : &never);
}
