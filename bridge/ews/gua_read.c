#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/reading.h"

/* GetUserAvailabilityRequest ([MS-OXWAVLS], messages.xsd) and the documented limits. */

static struct reading *reading_of(struct soap *s)
{
	return s->arg;
}

/* The mailbox at hand; only while the limit is not passed. */
static struct fb_mailbox *mailbox_now(struct reading *g)
{
	return &g->r->query.mailboxes[g->n_mailboxes - 1];
}

static bool no_memory(struct soap *s)
{
	return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the request.");
}

/* Room for as many mailboxes as the request has: most have few. */
static bool make_room(struct soap *s)
{
	struct reading *g = reading_of(s);
	struct ews_request *r = g->r;
	size_t room = g->room ? 4 * g->room : 2, had = g->room;
	struct fb_mailbox *mailboxes;
	enum ews_attendee *attendees;
	bool *exclude;

	room = room < FB_MAX_MAILBOXES ? room : FB_MAX_MAILBOXES;
	mailboxes = arena_alloc(s->arena, room * sizeof *mailboxes);
	attendees = arena_alloc(s->arena, room * sizeof *attendees);
	exclude = arena_alloc(s->arena, room * sizeof *exclude);
	if (!mailboxes || !attendees || !exclude)
		return no_memory(s);
	if (had) {
		memcpy(mailboxes, r->query.mailboxes, had * sizeof *mailboxes);
		memcpy(attendees, r->attendees, had * sizeof *attendees);
		memcpy(exclude, r->exclude, had * sizeof *exclude);
	}
	r->query.mailboxes = mailboxes;
	r->attendees = attendees;
	r->exclude = exclude;
	g->room = room;
	return true;
}

static bool mailbox_open(struct soap *s, const char *text)
{
	struct reading *g = reading_of(s);

	g->n_mailboxes++;
	g->address = "";
	g->routing = "";
	if (g->n_mailboxes > FB_MAX_MAILBOXES)
		return true;
	if (g->n_mailboxes > g->room && !make_room(s))
		return false;
	*mailbox_now(g) = (struct fb_mailbox){"", ""};
	return true;
}

/* What fits of ${text}, no UTF-8 character cut in two: that itself, or a copy (NULL when out of memory). */
static const char *cut(struct arena *arena, const char *text)
{
	if (strnlen(text, FB_ADDRESS_MAX + 1) <= FB_ADDRESS_MAX)
		return text;
	return arena_strndup(arena, text, text_utf8_whole(text, FB_ADDRESS_MAX));
}

static bool address(struct soap *s, const char *text)
{
	struct reading *g = reading_of(s);
	const char *asked;

	g->address = arena_strdup(s->arena, text);
	asked = g->address ? cut(s->arena, g->address) : NULL;
	if (!asked)
		return no_memory(s);
	if (g->n_mailboxes <= FB_MAX_MAILBOXES)
		mailbox_now(g)->asked = asked;
	return true;
}

static bool routing(struct soap *s, const char *text)
{
	reading_of(s)->routing = text_ieq(text, "smtp") || !*text ? "" : "other";
	return true;
}

static bool attendee_type(struct soap *s, const char *text)
{
	static const char *const words[] = {"Organizer", "Required", "Optional", "Room", "Resource", NULL};
	struct reading *g = reading_of(s);
	int i = soap_word(s, "AttendeeType", text, words);

	if (i >= 0 && g->n_mailboxes <= FB_MAX_MAILBOXES)
		g->r->attendees[g->n_mailboxes - 1] = (enum ews_attendee)i;
	return i >= 0;
}

static bool exclude(struct soap *s, const char *text)
{
	struct reading *g = reading_of(s);
	bool yes;

	if (!soap_bool(s, "ExcludeConflicts", text, &yes))
		return false;
	if (g->n_mailboxes <= FB_MAX_MAILBOXES)
		g->r->exclude[g->n_mailboxes - 1] = yes;
	return true;
}

static bool mailbox_close(struct soap *s, const char *text)
{
	struct reading *g = reading_of(s);
	char normal[FB_ADDRESS_MAX + 1];

	if (g->n_mailboxes > FB_MAX_MAILBOXES)
		return true;
	/* An EX address or one that is no SMTP address stays "": that mailbox alone gets its error later. */
	if (!*g->routing && fb_address_normal(g->address, normal))
		mailbox_now(g)->address = strcmp(normal, g->address) == 0 ? g->address : arena_strdup(s->arena, normal);
	g->r->query.n = g->n_mailboxes;
	return mailbox_now(g)->address || no_memory(s);
}

static bool window_open(struct soap *s, const char *text)
{
	reading_of(s)->now = &reading_of(s)->window;
	return true;
}

static bool suggested_open(struct soap *s, const char *text)
{
	reading_of(s)->now = &reading_of(s)->suggested;
	return true;
}

static bool check_time(struct soap *s, const char *what, const char *text, const char **out)
{
	int64_t t;

	if (fb_time_parse(text, &t) == FB_TIME_BAD)
		return soap_violation(s, "%s is %.40s; it must be a date and time.", what, *text ? text : "empty");
	return (*out = arena_strdup(s->arena, text)) || no_memory(s);
}

static bool start_time(struct soap *s, const char *text)
{
	return check_time(s, "StartTime", text, &reading_of(s)->now->start);
}

static bool end_time(struct soap *s, const char *text)
{
	return check_time(s, "EndTime", text, &reading_of(s)->now->end);
}

static bool current_time(struct soap *s, const char *text)
{
	const char *unused;

	return check_time(s, "CurrentMeetingTime", text, &unused);
}

static bool options_open(struct soap *s, const char *text)
{
	reading_of(s)->r->wants_free_busy = true;
	return true;
}

static bool interval(struct soap *s, const char *text)
{
	return soap_int(s, "MergedFreeBusyIntervalInMinutes", text, INT32_MIN, INT32_MAX, &reading_of(s)->r->query.interval);
}

/* RequestedView is an xs:list; more than one word, or None, is no view. */
static bool requested_view(struct soap *s, const char *text)
{
	static const char *const words[] = {"None", "MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged", NULL};
	struct reading *g = reading_of(s);
	char *list = arena_strdup(s->arena, text), *save = NULL, *word;
	size_t n = 0;

	for (word = list ? strtok_r(list, " \t\r\n", &save) : NULL; word; word = strtok_r(NULL, " \t\r\n", &save), n++)
		if (soap_word(s, "RequestedView", word, words) < 0)
			return false;
	g->view_given = true;
	g->one_view = n == 1 && fb_view_named(text, &g->r->query.view) && g->r->query.view;
	return true;
}

static bool suggestions_open(struct soap *s, const char *text)
{
	reading_of(s)->r->suggestions.asked = true;
	return true;
}

/* A number of SuggestionsViewOptions: any xs:int is of the schema, one out of range is a bad argument. */
static bool option(struct soap *s, const char *what, const char *text, int min, int max, int *out)
{
	if (!soap_int(s, what, text, INT32_MIN, INT32_MAX, out))
		return false;
	if (*out < min || *out > max)
		return soap_fault(s, "ErrorInvalidArgument", "%s is %d; it must be from %d to %d.", what, *out, min, max);
	return true;
}

static bool good_threshold(struct soap *s, const char *text)
{
	return option(s, "GoodThreshold", text, 0, 50, &reading_of(s)->r->suggestions.good_threshold);
}

static bool max_by_day(struct soap *s, const char *text)
{
	return option(s, "MaximumResultsByDay", text, 0, 48, &reading_of(s)->r->suggestions.max_by_day);
}

static bool max_non_work(struct soap *s, const char *text)
{
	return option(s, "MaximumNonWorkHourResultsByDay", text, 0, 48, &reading_of(s)->r->suggestions.max_non_work_by_day);
}

static bool duration(struct soap *s, const char *text)
{
	return option(s, "MeetingDurationInMinutes", text, 30, 1440, &reading_of(s)->r->suggestions.duration);
}

static bool minimum_quality(struct soap *s, const char *text)
{
	static const char *const words[] = {"Excellent", "Good", "Fair", "Poor", NULL};
	int i = soap_word(s, "MinimumSuggestionQuality", text, words);

	reading_of(s)->r->suggestions.minimum = (enum ews_quality)(i < 0 ? 0 : i);
	return i >= 0;
}

static const struct soap_row window_rows[] = {
	{NS_TYPES, "StartTime", SOAP_REQUIRED, NULL, NULL, start_time},
	{NS_TYPES, "EndTime", SOAP_REQUIRED, NULL, NULL, end_time},
	{0},
};
static const struct soap_row email_rows[] = {
	{NS_TYPES, "Name", 0, NULL, NULL, NULL},
	{NS_TYPES, "Address", SOAP_REQUIRED, NULL, NULL, address},
	{NS_TYPES, "RoutingType", 0, NULL, NULL, routing},
	{0},
};
static const struct soap_row mailbox_rows[] = {
	{NS_TYPES, "Email", SOAP_REQUIRED, email_rows, NULL, NULL},
	{NS_TYPES, "AttendeeType", SOAP_REQUIRED, NULL, NULL, attendee_type},
	{NS_TYPES, "ExcludeConflicts", 0, NULL, NULL, exclude},
	{0},
};
static const struct soap_row array_rows[] = {
	{NS_TYPES, "MailboxData", SOAP_MANY | SOAP_NILLABLE, mailbox_rows, mailbox_open, mailbox_close},
	{0},
};
static const struct soap_row options_rows[] = {
	{NS_TYPES, "TimeWindow", SOAP_REQUIRED, window_rows, window_open, NULL},
	{NS_TYPES, "MergedFreeBusyIntervalInMinutes", 0, NULL, NULL, interval},
	{NS_TYPES, "RequestedView", 0, NULL, NULL, requested_view},
	{0},
};
static const struct soap_row suggestions_rows[] = {
	{NS_TYPES, "GoodThreshold", 0, NULL, NULL, good_threshold},
	{NS_TYPES, "MaximumResultsByDay", 0, NULL, NULL, max_by_day},
	{NS_TYPES, "MaximumNonWorkHourResultsByDay", 0, NULL, NULL, max_non_work},
	{NS_TYPES, "MeetingDurationInMinutes", 0, NULL, NULL, duration},
	{NS_TYPES, "MinimumSuggestionQuality", 0, NULL, NULL, minimum_quality},
	{NS_TYPES, "DetailedSuggestionsWindow", 0, window_rows, suggested_open, NULL},
	{NS_TYPES, "CurrentMeetingTime", 0, NULL, NULL, current_time},
	{NS_TYPES, "GlobalObjectId", 0, NULL, NULL, NULL},
	{0},
};
const struct soap_row gua_rows[] = {
	{NS_TYPES, "TimeZone", 0, zone_serial_rows, zone_serial_open, NULL},
	{NS_MESSAGES, "MailboxDataArray", SOAP_REQUIRED, array_rows, NULL, NULL},
	{NS_TYPES, "FreeBusyViewOptions", 0, options_rows, options_open, NULL},
	{NS_TYPES, "SuggestionsViewOptions", 0, suggestions_rows, suggestions_open, NULL},
	{0},
};

/* t:TimeZone, else the TimeZoneContext header, else UTC. */
static bool find_zone(struct soap *s)
{
	struct reading *g = reading_of(s);
	struct fb_zone_rule rule;

	g->r->zone = fb_zone_utc();
	if (g->zone.serial.given) {
		if (zone_serial_rule(&g->zone.serial, &rule))
			g->r->own_zone = fb_zone_from_rule(&rule);
		g->r->zone = g->r->own_zone;
		return g->r->zone || soap_fault(s, "ErrorTimeZone", "The TimeZone of the request does not make sense.");
	}
	if (g->zone.context)
		g->r->zone = zone_context_zone(s, g->zone.context, &g->r->own_zone);
	return g->r->zone;
}

/* 62 days of the requester's clock: with the end of daylight time among them they are an hour more. */
static bool is_too_long(const struct fb_window *w, const struct fb_zone *z)
{
	int64_t most = FB_MAX_WINDOW_DAYS * 86400LL, length = w->end - w->start;

	return length > most + 3600 || (length > most && fb_zone_wall(z, w->end) - fb_zone_wall(z, w->start) > most);
}

static bool find_window(struct soap *s, const char *start, const char *end, struct fb_window *w)
{
	const struct fb_zone *z = reading_of(s)->r->zone;

	if (!fb_time_parse_in(start, z, &w->start) || !fb_time_parse_in(end, z, &w->end) || w->start >= w->end)
		return soap_fault(s, "ErrorInvalidTimeInterval", "The time window ends before it begins: StartTime must be earlier than EndTime.");
	if (is_too_long(w, z))
		return soap_fault(s, "ErrorTimeIntervalTooBig", "The time window is longer than %d days; ask for less time at once.", FB_MAX_WINDOW_DAYS);
	return true;
}

static bool check_mailboxes(struct soap *s)
{
	size_t n = reading_of(s)->n_mailboxes;

	if (n == 0)
		return soap_fault(s, "ErrorMailboxDataArrayEmpty", "The request names no mailbox.");
	if (n > FB_MAX_MAILBOXES)
		return soap_fault(s, "ErrorMailboxDataArrayTooBig", "The request names %zu mailboxes; %d are the most at once.", n, FB_MAX_MAILBOXES);
	return true;
}

static bool check_view(struct soap *s)
{
	struct reading *g = reading_of(s);
	struct fb_query *q = &g->r->query;

	if (!g->r->wants_free_busy && !g->r->suggestions.asked)
		return soap_fault(s, "ErrorInvalidFreeBusyViewType", "The request has neither FreeBusyViewOptions nor SuggestionsViewOptions.");
	if (g->view_given && !g->one_view)
		return soap_fault(s, "ErrorInvalidFreeBusyViewType", "RequestedView must be exactly one view, and not None.");
	if (!g->r->wants_free_busy)
		q->view = FB_VIEW_MERGED | FB_VIEW_EVENTS;
	else if (!g->view_given)
		q->view = FB_VIEW_MERGED;
	if (q->interval < FB_MIN_INTERVAL || q->interval > FB_MAX_INTERVAL)
		return soap_fault(s, "ErrorInvalidMergedFreeBusyInterval", "MergedFreeBusyIntervalInMinutes is %d; it must be from %d to %d.", q->interval,
		                  FB_MIN_INTERVAL, FB_MAX_INTERVAL);
	return true;
}

bool gua_finish(struct soap *s)
{
	struct reading *g = reading_of(s);
	struct ews_request *r = g->r;

	if (!check_mailboxes(s) || !check_view(s) || !find_zone(s))
		return false;
	if (r->wants_free_busy && !find_window(s, g->window.start, g->window.end, &r->query.window))
		return false;
	if (r->suggestions.asked && !g->suggested.start) {
		if (!r->wants_free_busy)
			return soap_violation(s, "Element DetailedSuggestionsWindow is missing in SuggestionsViewOptions.");
		r->suggestions.window = r->query.window;
	} else if (r->suggestions.asked && !find_window(s, g->suggested.start, g->suggested.end, &r->suggestions.window))
		return false;
	if (!r->wants_free_busy)
		r->query.window = r->suggestions.window;
	return true;
}
