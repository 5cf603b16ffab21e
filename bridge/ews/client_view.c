#include <stdio.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/client_reading.h"

static bool view_type(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (a->viewed)
		spoil(s); /* the response has two views */
	a->viewed = fb_view_named(text, &a->now->view) && a->now->view;
	return true;
}

static bool merged(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (text[strspn(text, "01234")])
		return spoil(s);
	a->now->merged = arena_strdup(a->now->arena, text);
	return a->now->merged || spoil(s);
}

/* One that is nil, or may be meant so, is none: not empty, but left out. */
static bool events_open(struct soap *s, const char *text)
{
	answers_of(s)->listed = !soap_may_be_nil(s);
	return true;
}

static bool event_open(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	a->event = (struct fb_event){.start = INT64_MAX, .end = INT64_MIN};
	a->has_busy = a->has_private = false;
	return true;
}

static bool event_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (a->event.has_details && !a->has_private)
		a->event.flags |= FB_PRIVATE; /* who does not say that it is not gets no subject shown */
	if (a->event.start > a->event.end || !a->has_busy || fb_answer_add(a->now, &a->event))
		return spoil(s);
	return true;
}

/* Exchange 2007 writes the offset of the machine that answers to a clock reading of the requester: it is dropped. */
static bool event_time(struct soap *s, const char *text, int64_t *out)
{
	char wall[20];

	if (!fb_time_parse_in(text, answers_of(s)->requester, out))
		return spoil(s);
	if (!answers_of(s)->is_2007)
		return true;
	snprintf(wall, sizeof wall, "%s", text);
	return fb_time_parse_in(wall, answers_of(s)->requester, out) || spoil(s);
}

static bool event_start(struct soap *s, const char *text)
{
	return event_time(s, text, &answers_of(s)->event.start);
}

static bool event_end(struct soap *s, const char *text)
{
	return event_time(s, text, &answers_of(s)->event.end);
}

static bool busy_type(struct soap *s, const char *text)
{
	for (int b = FB_NODATA; b < FB_BUSY_TYPES; b++)
		if (strcmp(fb_busy_name((enum fb_busy)b), text) == 0) {
			answers_of(s)->event.busy = (enum fb_busy)b;
			answers_of(s)->has_busy = true;
			return true;
		}
	return spoil(s);
}

static bool details_open(struct soap *s, const char *text)
{
	answers_of(s)->event.has_details = true;
	return true;
}

static bool subject(struct soap *s, const char *text)
{
	return (answers_of(s)->event.subject = arena_strdup(s->arena, text)) || spoil(s);
}

static bool location(struct soap *s, const char *text)
{
	return (answers_of(s)->event.location = arena_strdup(s->arena, text)) || spoil(s);
}

static bool flag(struct soap *s, const char *text, unsigned bit)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		answers_of(s)->event.flags |= bit;
	else if (strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return spoil(s);
	return true;
}

static bool is_meeting(struct soap *s, const char *text)
{
	return flag(s, text, FB_MEETING);
}

static bool is_recurring(struct soap *s, const char *text)
{
	return flag(s, text, FB_RECURRING);
}

static bool is_exception(struct soap *s, const char *text)
{
	return flag(s, text, FB_EXCEPTION);
}

static bool is_reminder(struct soap *s, const char *text)
{
	return flag(s, text, FB_REMINDER);
}

static bool is_private(struct soap *s, const char *text)
{
	answers_of(s)->has_private = true;
	return flag(s, text, FB_PRIVATE);
}

static bool hours_open(struct soap *s, const char *text)
{
	answers_of(s)->hours = (struct fb_working_hours){0};
	answers_of(s)->zone.serial.given = false;
	return true;
}

static bool hours_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	/* Working hours that make no sense are none; they do not make the events doubtful. Those that come again are as they were read. */
	if (text)
		a->hours.known = a->zone.serial.given && zone_serial_rule(&a->zone.serial, &a->hours.zone);
	a->now->hours = a->hours;
	return true;
}

static bool period_open(struct soap *s, const char *text)
{
	answers_of(s)->period = (struct fb_working_period){0};
	return true;
}

static bool period_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);
	struct fb_working_hours *h = &a->hours;

	if (h->n < FB_MAX_PERIODS && a->period.days && a->period.start <= a->period.end)
		h->periods[h->n++] = a->period;
	return true;
}

static bool period_days(struct soap *s, const char *text)
{
	char *list = arena_strdup(s->arena, text), *save = NULL;

	for (char *word = list ? strtok_r(list, " \t\r\n", &save) : NULL; word; word = strtok_r(NULL, " \t\r\n", &save))
		for (unsigned day = 0; day < 7; day++)
			if (strcmp(word, zone_weekdays[day]) == 0)
				answers_of(s)->period.days |= 1u << day;
	return true;
}

static bool minutes(const char *text, int *out)
{
	int64_t v;

	if (text_int(text, 0, 1440, &v))
		*out = (int)v;
	return true;
}

static bool period_start(struct soap *s, const char *text)
{
	return minutes(text, &answers_of(s)->period.start);
}

static bool period_end(struct soap *s, const char *text)
{
	return minutes(text, &answers_of(s)->period.end);
}

static const struct soap_row details_rows[] = {
	{NS_TYPES, "Subject", SOAP_CUT, NULL, NULL, subject},
	{NS_TYPES, "Location", SOAP_CUT, NULL, NULL, location},
	{NS_TYPES, "IsMeeting", 0, NULL, NULL, is_meeting},
	{NS_TYPES, "IsRecurring", 0, NULL, NULL, is_recurring},
	{NS_TYPES, "IsException", 0, NULL, NULL, is_exception},
	{NS_TYPES, "IsReminderSet", 0, NULL, NULL, is_reminder},
	{NS_TYPES, "IsPrivate", 0, NULL, NULL, is_private},
	{0},
};
static const struct soap_row event_rows[] = {
	{NS_TYPES, "StartTime", 0, NULL, NULL, event_start},
	{NS_TYPES, "EndTime", 0, NULL, NULL, event_end},
	{NS_TYPES, "BusyType", 0, NULL, NULL, busy_type},
	{NS_TYPES, "CalendarEventDetails", SOAP_LAX, details_rows, details_open, NULL},
	{0},
};
static const struct soap_row events_rows[] = {
	{NS_TYPES, "CalendarEvent", SOAP_LAX, event_rows, event_open, event_close},
	{0},
};

void client_view_unknown(struct soap *s, const struct soap_row *in)
{
	if (in->inside == events_rows)
		spoil(s);
}

static const struct soap_row period_rows[] = {
	{NS_TYPES, "DayOfWeek", 0, NULL, NULL, period_days},
	{NS_TYPES, "StartTimeInMinutes", 0, NULL, NULL, period_start},
	{NS_TYPES, "EndTimeInMinutes", 0, NULL, NULL, period_end},
	{0},
};
static const struct soap_row periods_rows[] = {
	{NS_TYPES, "WorkingPeriod", SOAP_LAX, period_rows, period_open, period_close},
	{0},
};
static const struct soap_row hours_rows[] = {
	{NS_TYPES, "TimeZone", SOAP_LAX, zone_serial_lenient_rows, zone_serial_open, NULL},
	{NS_TYPES, "WorkingPeriodArray", SOAP_LAX, periods_rows, NULL, NULL},
	{0},
};
const struct soap_row client_view_rows[] = {
	{NS_TYPES, "FreeBusyViewType", 0, NULL, NULL, view_type},
	{NS_TYPES, "MergedFreeBusy", 0, NULL, NULL, merged},
	{NS_TYPES, "CalendarEventArray", SOAP_LAX, events_rows, events_open, NULL},
	{NS_TYPES, "WorkingHours", SOAP_LAX | SOAP_AGAIN, hours_rows, hours_open, hours_close},
	{0},
};
