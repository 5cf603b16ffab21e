#include <stdio.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/client.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/zone_read.h"

/*
 * Another server's GetUserAvailabilityResponse (messages.xsd). What one FreeBusyResponse lacks or garbles spoils that one alone:
 * its functions set ${broken} and go on. Only the frame around them can fail the whole.
 */

enum { REPLY_ARENA = 64 << 20 };

struct answers {
	struct zone_reading zone; /* first: the working hours' zone */
	const struct fb_zone *requester;
	struct fb_answer **list;
	size_t n, at;             /* of the list; responses met */
	struct fb_answer *now;
	bool broken, success, viewed, listed, has_busy; /* listed: an array of events was there, empty or not */
	bool is_2007;
	enum fb_reason reason;
	struct fb_event event;
	struct fb_working_period period;
	const char *fault_code, *fault_text;
};

static struct answers *answers_of(struct soap *s)
{
	return s->arg;
}

static bool spoil(struct soap *s)
{
	answers_of(s)->broken = true;
	return true;
}

static bool response_open(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (a->at == a->n)
		return soap_fault(s, "ErrorInvalidRequest", "The server answered for more mailboxes than were asked.");
	a->now = fb_answer_new(FB_OK);
	if (!a->now)
		return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the answer.");
	a->list[a->at] = a->now;
	a->broken = a->success = a->viewed = a->listed = false;
	a->reason = FB_NOT_COMPUTED;
	return true;
}

/* Nothing is FB_OK but a Success with NoError and a view: never free by omission. */
static bool response_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);
	bool held = (a->now->view & FB_VIEW_MERGED) ? a->now->merged != NULL : a->listed;
	bool ok = a->success && a->reason == FB_OK && a->viewed && held && !a->broken;
	enum fb_reason why = a->success || a->reason == FB_OK || a->reason == FB_NOT_COMPUTED ? FB_CALENDAR_FAILED : a->reason;

	if (ok) {
		if (!a->listed)
			a->now->view &= FB_VIEW_MERGED; /* events that were left out are not an empty calendar */
		fb_answer_sort(a->now);
	} else {
		fb_answer_free(a->now);
		a->list[a->at] = a->now = fb_answer_new(why);
		if (!a->now)
			return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the answer.");
	}
	a->at++;
	return true;
}

static bool message_open(struct soap *s, const char *text)
{
	const char *class = soap_attribute(s, "ResponseClass");

	answers_of(s)->success = class && (strcmp(class, "Success") == 0 || strcmp(class, "Warning") == 0);
	return true;
}

static bool code(struct soap *s, const char *text)
{
	answers_of(s)->reason = fb_reason_of_code(text);
	return true;
}

static bool view_type(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

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

static bool events_open(struct soap *s, const char *text)
{
	return answers_of(s)->listed = true;
}

static bool event_open(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	a->event = (struct fb_event){.start = INT64_MAX, .end = INT64_MIN};
	a->has_busy = false;
	return true;
}

static bool event_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (a->event.start > a->event.end || !a->has_busy || fb_answer_add(a->now, &a->event))
		return spoil(s);
	return true;
}

static bool version_open(struct soap *s, const char *text)
{
	const char *major = soap_attribute(s, "MajorVersion");

	answers_of(s)->is_2007 = major && strcmp(major, "8") == 0;
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
	return flag(s, text, FB_PRIVATE);
}

static bool hours_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	/* Working hours that make no sense are none; they do not make the events doubtful. */
	a->now->hours.known = a->zone.serial.given && zone_serial_rule(&a->zone.serial, &a->now->hours.zone);
	a->zone.serial.given = false;
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
	struct fb_working_hours *h = &a->now->hours;

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

static bool fault_code(struct soap *s, const char *text)
{
	answers_of(s)->fault_code = arena_strdup(s->arena, text);
	return true;
}

static bool fault_text(struct soap *s, const char *text)
{
	answers_of(s)->fault_text = arena_strdup(s->arena, text);
	return true;
}

static const struct soap_row details_rows[] = {
	{NS_TYPES, "Subject", 0, NULL, NULL, subject},
	{NS_TYPES, "Location", 0, NULL, NULL, location},
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
static const struct soap_row view_rows[] = {
	{NS_TYPES, "FreeBusyViewType", 0, NULL, NULL, view_type},
	{NS_TYPES, "MergedFreeBusy", 0, NULL, NULL, merged},
	{NS_TYPES, "CalendarEventArray", SOAP_LAX, events_rows, events_open, NULL},
	{NS_TYPES, "WorkingHours", SOAP_LAX, hours_rows, NULL, hours_close},
	{0},
};
static const struct soap_row message_rows[] = {
	{NS_MESSAGES, "ResponseCode", 0, NULL, NULL, code},
	{0},
};
static const struct soap_row response_rows[] = {
	{NS_MESSAGES, "ResponseMessage", SOAP_LAX, message_rows, message_open, NULL},
	{NS_MESSAGES, "FreeBusyView", SOAP_LAX, view_rows, NULL, NULL},
	{0},
};
static const struct soap_row array_rows[] = {
	{NS_MESSAGES, "FreeBusyResponse", SOAP_LAX, response_rows, response_open, response_close},
	{0},
};
static const struct soap_row gua_rows[] = {
	{NS_MESSAGES, "FreeBusyResponseArray", SOAP_LAX, array_rows, NULL, NULL},
	{0},
};
static const struct soap_row detail_rows[] = {
	{NS_ERRORS, "ResponseCode", 0, NULL, NULL, fault_code},
	{0},
};
static const struct soap_row fault_rows[] = {
	{"", "faultstring", 0, NULL, NULL, fault_text},
	{"", "detail", SOAP_LAX, detail_rows, NULL, NULL},
	{0},
};
static const struct soap_row body_rows[] = {
	{NS_MESSAGES, "GetUserAvailabilityResponse", SOAP_LAX, gua_rows, NULL, NULL},
	{NS_SOAP, "Fault", SOAP_LAX, fault_rows, NULL, NULL},
	{0},
};
static const struct soap_row header_rows[] = {
	{NS_TYPES, "ServerVersionInfo", SOAP_LAX, (const struct soap_row[]){{0}}, version_open, NULL},
	{0},
};
static const struct soap_row envelope_rows[] = {
	{NS_SOAP, "Header", SOAP_LAX, header_rows, NULL, NULL},
	{NS_SOAP, "Body", SOAP_REQUIRED | SOAP_LAX, body_rows, NULL, NULL},
	{0},
};
static const struct soap_row roots[] = {
	{NS_SOAP, "Envelope", SOAP_REQUIRED, envelope_rows, NULL, NULL},
	{0},
};

static void forget(struct fb_answer **answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fb_answer_free(answers[i]);
		answers[i] = NULL;
	}
}

/* Reads the frame; false with a sentence in ${error}. */
static bool whole(struct soap *s, const struct answers *a, const void *p, size_t len, struct buf *error)
{
	if (!soap_read(s, p, len, SOAP_MAX_REPLY, roots))
		buf_printf(error, "The server's answer is no GetUserAvailabilityResponse: %s", s->fault.text);
	else if (a->fault_code || a->fault_text)
		buf_printf(error, "The server refused the request: %s (%s)", a->fault_text ? a->fault_text : "it gave no reason",
		           a->fault_code ? a->fault_code : "no code");
	else if (a->at != a->n)
		buf_printf(error, "The server answered for %zu mailboxes; %zu were asked.", a->at, a->n);
	else
		return true;
	return false;
}

int ews_client_read(const void *p, size_t len, const struct fb_zone *zone, struct fb_answer **answers, size_t n, struct buf *error)
{
	struct answers a = {.zone.serial.lenient = true, .requester = zone, .list = answers, .n = n};
	struct soap s = {.arg = &a, .arena = arena_new(REPLY_ARENA)};
	bool ok;

	memset(answers, 0, n * sizeof *answers);
	if (!s.arena) {
		buf_puts(error, "There was no memory to read the answer.");
		return -1;
	}
	ok = whole(&s, &a, p, len, error);
	arena_free(s.arena);
	if (!ok)
		forget(answers, n);
	return ok ? 0 : -1;
}
