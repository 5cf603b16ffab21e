/* links: base availability ews acl conf pki */
/* Writes answers and reads them again. With a folder as its argument it leaves each there as NAME.xml for tests/schema/answers.py. */
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"
#include "tests/unit/sax_events.h"
#include "bridge/ews/client.h"
#include "bridge/ews/response.h"

static void add(struct fb_answer *a, const char *start, const char *end, enum fb_busy busy, const char *subject, unsigned flags)
{
	struct fb_event e = {.start = at(start), .end = at(end), .busy = busy, .has_details = true, .flags = flags, .subject = subject, .location = "Room <1>"};

	CHECK_INT(fb_answer_add(a, &e), 0);
}

static struct fb_answer *ada(void)
{
	struct fb_answer *a = fb_answer_new(FB_OK);

	a->view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	add(a, "2026-03-24T08:40:00Z", "2026-03-24T09:10:00Z", FB_BUSY_TIME, "Budget & \"more\"", FB_MEETING | FB_REMINDER);
	add(a, "2026-03-25T11:00:00Z", "2026-03-25T13:00:00Z", FB_OOF, "Secret", FB_PRIVATE | FB_RECURRING);
	add(a, "2026-03-25T14:00:00Z", "2026-03-25T15:00:00Z", FB_ELSEWHERE, "At home", FB_EXCEPTION);
	a->hours = (struct fb_working_hours){.known = true, .zone = {.standard_offset = 3600, .daylight_offset = 7200,
		.to_standard = {.month = 10, .day_order = 5, .second = 10800}, .to_daylight = {.month = 3, .day_order = 5, .second = 7200}},
		.n = 2, .periods = {{.days = 0x3e, .start = 480, .end = 1020}, {.days = 0x40, .start = 600, .end = 720}}};
	return a;
}

static struct acl_released *release(const struct fb_answer *raw, enum fb_level level, const struct fb_query *q)
{
	const struct acl_verdict v = {.level = level, .reason = FB_OK, .rule = 1};

	return acl_release(raw, &v, q);
}

#define REQUEST(version, view) \
	SOAP("<t:RequestServerVersion Version=\"" version "\"/>", \
	     GUA(BERLIN BOXES(MAILBOX("ada@b.example") MAILBOX("bob@b.example") MAILBOX("nobody@b.example")) OPTIONS(MARCH INTERVAL("60") view)))

/* The answer for ada with ${level}, for bob a failure, for the third none at all. */
static const char *answer(const char *xml, enum fb_level level, const char *name)
{
	struct ews_request *r = read_text(xml);
	struct fb_answer *raw = ada();
	struct acl_released *list[3] = {release(raw, level, &r->query), acl_release_reason(FB_NO_ACCESS), NULL};
	bool plain = false;

	CHECK_STR(r->fault.code, NULL);
	buf_reset(&out);
	CHECK_INT(ews_write_availability(&out, r, list, "0123456789abcdef0123456789abcdef"), 0);
	CHECK(events_agree(buf_ptr(&out), out.len, &plain) && plain); /* another bridge needs no libxml2 to read it */
	for (int i = 0; i < 3; i++)
		acl_released_free(list[i]);
	fb_answer_free(raw);
	ews_request_free(r);
	return leave(name);
}

/* The five flags of one event, as the schema orders them. */
static void flags_are(const char *x, size_t event, const char *all)
{
	static const char *const tags[] = {"t:IsMeeting", "t:IsRecurring", "t:IsException", "t:IsReminderSet", "t:IsPrivate"};
	char got[64] = "";

	for (size_t i = 0; i < 5; i++)
		sprintf(got + strlen(got), i ? " %s" : "%s", inside(x, tags[i], event));
	CHECK_STR(got, all);
}

static void test_detailed(void)
{
	const char *x = answer(REQUEST("Exchange2016", VIEW("DetailedMerged")), FB_LEVEL_LIMITED_DETAILS, "detailed-merged");

	CHECK_INT(count(x, "<m:FreeBusyResponse>"), 3);
	CHECK_INT(count(x, "<t:CalendarEvent>"), 3);
	CHECK_STR(inside(x, "t:FreeBusyViewType", 0), "DetailedMerged");
	/* 48 hours of Berlin: 09:40 to 10:10 touches 9 and 10; 12 to 14 of the next day; working elsewhere is 0. */
	CHECK_STR(inside(x, "t:MergedFreeBusy", 0), "000000000220000000000000000000000000330000000000");
	CHECK_STR(inside(x, "t:StartTime", 0), "2026-03-24T09:40:00");
	CHECK_STR(inside(x, "t:EndTime", 0), "2026-03-24T10:10:00");
	CHECK_STR(inside(x, "t:BusyType", 2), "WorkingElsewhere");
	CHECK_STR(inside(x, "t:Subject", 0), "Budget &amp; &quot;more&quot;");
	CHECK_INT(count(x, "<t:CalendarEventDetails>"), 3);
	CHECK_INT(count(x, "Secret"), 0);
	CHECK_INT(count(x, "<t:Location>"), 2);
	CHECK_INT(count(x, "<t:ID>"), 0);
	flags_are(x, 0, "true false false true false");
	flags_are(x, 1, "false true false false true");
	flags_are(x, 2, "false false true false false");
	CHECK_STR(inside(x, "t:DayOfWeek", 2), "Monday Tuesday Wednesday Thursday Friday");
	CHECK_STR(inside(x, "t:StartTimeInMinutes", 1), "600");
	CHECK_STR(inside(x, "m:ResponseCode", 1), "ErrorNoFreeBusyAccess");
	CHECK_STR(inside(x, "m:ResponseCode", 2), "ErrorInternalServerError");
	CHECK_STR(inside(x, "t:FreeBusyViewType", 1), "None");
	CHECK(strstr(x, "<ExceptionCode xmlns=\"http://schemas.microsoft.com/exchange/services/2006/errors\">5037</ExceptionCode>"));
	CHECK_INT(count(x, "(request id 0123456789abcdef0123456789abcdef)"), 2);
	CHECK_INT(count(x, "ServerVersionInfo MajorVersion=\"15\""), 1);
}

static void test_levels_and_views(void)
{
	const char *x = answer(REQUEST("Exchange2016", VIEW("Detailed")), FB_LEVEL_AVAILABILITY_ONLY, "cut-to-times");

	CHECK_STR(inside(x, "t:FreeBusyViewType", 0), "FreeBusy");
	CHECK_INT(count(x, "CalendarEventDetails"), 0);
	CHECK_INT(count(x, "t:MergedFreeBusy>"), 0);
	CHECK_INT(count(x, "<t:WorkingHours>"), 1);
	x = answer(REQUEST("Exchange2016", VIEW("MergedOnly")), FB_LEVEL_LIMITED_DETAILS, "merged-only");
	CHECK_INT(count(x, "CalendarEventArray"), 0);
	CHECK_INT(count(x, "<t:WorkingHours>"), 0);
	CHECK_INT(count(x, "<t:MergedFreeBusy>"), 1);
	/* A requester of 2010 does not know working elsewhere. */
	x = answer(REQUEST("Exchange2010_SP2", VIEW("FreeBusyMerged")), FB_LEVEL_LIMITED_DETAILS, "old-version");
	CHECK_INT(count(x, "WorkingElsewhere"), 0);
	CHECK_STR(inside(x, "t:BusyType", 2), "Free");
}

static void test_empty_calendar(void)
{
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("eve@b.example")) OPTIONS(MARCH VIEW("FreeBusyMerged")))));
	struct fb_answer *raw = fb_answer_new(FB_OK);
	struct acl_released *one;
	const char *x;

	raw->view = FB_VIEW_EVENTS;
	one = release(raw, FB_LEVEL_AVAILABILITY_ONLY, &r->query);
	buf_reset(&out);
	CHECK_INT(ews_write_availability(&out, r, &one, "x"), 0);
	x = leave("empty-calendar");
	CHECK_INT(count(x, "<t:CalendarEventArray></t:CalendarEventArray>"), 1);
	CHECK_INT(strlen(inside(x, "t:MergedFreeBusy", 0)), 96);
	acl_released_free(one);
	fb_answer_free(raw);
	ews_request_free(r);
}

/* Unknown, hidden and denied are one reason; its bytes do not depend on the mailbox. */
static void test_same_bytes(void)
{
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("eve@b.example") MAILBOX("zoe.with.a.long.name@b.example")) OPTIONS(MARCH))));
	struct acl_released *two[2] = {acl_release_reason(FB_NO_ACCESS), acl_release_reason(FB_NO_ACCESS)};
	const char *x, *a, *b;

	buf_reset(&out);
	CHECK_INT(ews_write_availability(&out, r, two, "x"), 0);
	x = leave("two-denied");
	a = strstr(x, "<m:FreeBusyResponse>");
	b = strstr(a + 1, "<m:FreeBusyResponse>");
	CHECK(memcmp(a, b, (size_t)(b - a)) == 0);
	CHECK_INT(count(x, "eve@"), 0);
	for (int i = 0; i < 2; i++)
		acl_released_free(two[i]);
	ews_request_free(r);
}

/* Each reason of the list is a code that the schema knows. */
static void test_every_reason(void)
{
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("eve@b.example")) OPTIONS(MARCH))));

	for (int why = 0; why < FB_REASONS; why++) {
		struct acl_released *one = acl_release_reason((enum fb_reason)why);
		char name[32];

		snprintf(name, sizeof name, "reason-%d", why);
		buf_reset(&out);
		CHECK_INT(ews_write_availability(&out, r, &one, "x"), 0);
		const struct fb_reason_row *row = fb_reason_row((enum fb_reason)(why == FB_OK ? FB_NOT_COMPUTED : why)); /* ours lacks its answer then */
		const char *x = leave(name);

		CHECK_INT(count(x, "ResponseClass=\"Error\""), 1);
		CHECK(strstr(inside(x, "m:MessageText", 0), row->sentence));
		CHECK_STR(inside(x, "m:ResponseCode", 0), row->response_code);
		CHECK_STR(inside(x, "m:DescriptiveLinkKey", 0), "0");
		CHECK_INT(count(x, "<m:MessageXml>"), row->exception != NULL);
		CHECK_INT(count(x, "<ExceptionCode"), row->exception_code != 0);
		acl_released_free(one);
	}
	ews_request_free(r);
}

/* An answer larger than its buffer is told, not cut. */
static void test_full(void)
{
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("eve@b.example")) OPTIONS(MARCH))));
	struct acl_released *one = acl_release_reason(FB_BUSY);
	struct buf small;

	buf_init(&small, 300);
	CHECK_INT(ews_write_availability(&small, r, &one, "x"), -1);
	buf_free(&small);
	acl_released_free(one);
	ews_request_free(r);
}

/* What we write our own client reads, with the same times, flags and reasons. */
static void test_round_trip(void)
{
	struct fb_answer *got[4];
	struct ews_request *r;
	struct buf error;
	struct fb_mailbox boxes[2] = {{.asked = "ada@b.example", .address = "ada@b.example"}, {.asked = "not an address", .address = ""}};
	struct fb_query q = {.window = {at("2026-03-24T00:00:00Z"), at("2026-03-26T00:00:00Z")}, .interval = 15, .view = FB_VIEW_MERGED | FB_VIEW_EVENTS,
	                     .n = 2, .mailboxes = boxes};
	struct fb_zone_rule berlin = {.standard_offset = 3600, .daylight_offset = 7200, .to_standard = {.month = 10, .day_order = 5, .second = 10800},
	                              .to_daylight = {.month = 3, .day_order = 5, .second = 7200}};
	struct fb_zone *z = fb_zone_from_rule(&berlin);
	const char *x = answer(REQUEST("Exchange2016", VIEW("DetailedMerged")), FB_LEVEL_LIMITED_DETAILS, "round-trip");

	buf_init(&error, 4096);
	CHECK_INT(ews_client_read(x, strlen(x), z, got, 3, &error, NULL), 0);
	CHECK_INT(got[0]->reason, FB_OK);
	CHECK_INT(got[0]->n_events, 3);
	CHECK_INT(got[0]->events[0].start, at("2026-03-24T08:40:00Z"));
	CHECK_STR(got[0]->events[0].subject, "Budget & \"more\"");
	CHECK_STR(got[0]->events[0].location, "Room <1>");
	CHECK_INT(got[0]->events[0].flags, FB_MEETING | FB_REMINDER);
	CHECK_STR(got[0]->events[1].subject, NULL);
	CHECK_INT(got[0]->events[2].busy, FB_ELSEWHERE);
	CHECK(got[0]->hours.known);
	CHECK_INT(got[0]->hours.n, 2);
	CHECK_INT(got[0]->hours.zone.daylight_offset, 7200);
	CHECK_INT(got[1]->reason, FB_NO_ACCESS);
	CHECK_INT(got[2]->reason, FB_CALENDAR_FAILED);
	for (int i = 0; i < 3; i++)
		fb_answer_free(got[i]);
	CHECK_INT(ews_client_read(x, strlen(x), z, got, 4, &error, NULL), -1);
	CHECK(got[0] == NULL && got[3] == NULL);
	CHECK_INT(ews_client_read(x, strlen(x), z, got, 2, &error, NULL), -1);
	CHECK(got[0] == NULL && got[1] == NULL && error.len > 0);
	buf_reset(&out);
	CHECK_INT(ews_client_write(&out, &q, &berlin, 2016), 0);
	x = leave("our-request");
	r = read_text(x);
	CHECK_STR(r->fault.code, NULL);
	CHECK_INT(r->version, EWS_2016);
	CHECK_INT(r->query.window.start, q.window.start);
	CHECK_INT(r->query.window.end, q.window.end);
	CHECK_INT(r->query.view, q.view);
	CHECK_INT(r->query.interval, 15);
	CHECK_STR(r->query.mailboxes[0].address, "ada@b.example");
	CHECK_STR(r->query.mailboxes[1].address, "");
	CHECK_INT(fb_zone_offset(r->zone, at("2026-07-01T00:00:00Z")), 7200);
	ews_request_free(r);
	fb_zone_free(z);
	buf_free(&error);
}

/* An hour that the clock shows twice must not turn busy time into time that ends before it begins, which clients drop. */
static void test_twice_shown(void)
{
#define FROM_TO(start, end) "<t:StartTime>" start "</t:StartTime><t:EndTime>" end "</t:EndTime>"
	const struct acl_verdict v = {.level = FB_LEVEL_AVAILABILITY_ONLY, .reason = FB_OK, .rule = 1};
	struct ews_request *r = read_text(SOAP("", GUA(BERLIN BOXES(MAILBOX("ada@b.example"))
	                                               OPTIONS(WINDOW("2026-10-25T00:00:00", "2026-10-26T00:00:00") VIEW("FreeBusy")))));
	struct fb_answer *raw = fb_answer_new(FB_OK);
	struct acl_released *one;

	raw->view = FB_VIEW_EVENTS;
	add(raw, "2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z", FB_BUSY_TIME, NULL, 0); /* 2:30 summer time to 2:15 winter time */
	add(raw, "2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z", FB_BUSY_TIME, NULL, 0); /* to 2:45 winter time, which reads as if it were over an hour before */
	add(raw, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", FB_BUSY_TIME, NULL, 0); /* 2:00 to 3:00: no other 3:00 */
	add(raw, "2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z", FB_BUSY_TIME, NULL, 0); /* all in winter time */
	add(raw, "2026-10-25T10:00:00Z", "2026-10-25T10:00:00Z", FB_BUSY_TIME, NULL, 0);
	one = acl_release(raw, &v, &r->query);
	fb_answer_free(raw);
	buf_reset(&out);
	CHECK_INT(ews_write_availability(&out, r, &one, "x"), 0);
	CHECK(strstr(buf_cstr(&out), FROM_TO("2026-10-25T02:30:00", "2026-10-25T03:15:00")));
	CHECK(strstr(buf_cstr(&out), FROM_TO("2026-10-25T02:30:00", "2026-10-25T03:45:00")));
	CHECK(strstr(buf_cstr(&out), FROM_TO("2026-10-25T02:00:00", "2026-10-25T03:00:00")));
	CHECK(strstr(buf_cstr(&out), FROM_TO("2026-10-25T02:15:00", "2026-10-25T02:45:00")));
	CHECK(strstr(buf_cstr(&out), FROM_TO("2026-10-25T11:00:00", "2026-10-25T11:00:00")));
	CHECK_INT(count(buf_cstr(&out), "<t:CalendarEvent>"), 5);
#undef FROM_TO
	acl_released_free(one);
	ews_request_free(r);
}

static unsigned dice(unsigned below)
{
	static uint32_t state = 7;

	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

/* Text that has to be escaped or replaced: markup, forbidden characters, broken UTF-8. */
static const char *odd_text(void)
{
	static const char *const texts[] = {"", "]]>", "<a b='c'>&amp;", "\x01\x02\x1f", "\xff\xfe", "\xc3", "\xed\xa0\x80", "\xef\xbf\xbe", "\xf4\x90\x80\x80", "tab\tline\r\n", "\"'\x7f", "\xf0\x9f\x98\x80"};

	return texts[dice(sizeof texts / sizeof *texts)];
}

static struct fb_change odd_change(void)
{
	return (struct fb_change){.month = (int)dice(13), .day_order = 1 + (int)dice(5), .weekday = (int)dice(7), .second = (int)dice(86401), .year = dice(4) ? 0 : 2026};
}

static struct fb_answer *odd_answer(void)
{
	struct fb_answer *a = fb_answer_new(dice(4) ? FB_OK : (enum fb_reason)dice(FB_REASONS));

	a->view = dice(8);
	for (unsigned n = dice(12); n; n--) {
		int64_t start = at("2026-03-24T00:00:00Z") + (int64_t)dice(200000) - 20000;
		struct fb_event e = {.start = start, .end = start + (int64_t)dice(3) * dice(40000), .busy = (enum fb_busy)dice(FB_BUSY_TYPES + 1),
		                     .has_details = dice(2), .flags = dice(64), .subject = odd_text(), .location = dice(2) ? odd_text() : NULL};

		fb_answer_add(a, &e);
	}
	if (dice(2))
		a->merged = arena_strdup(a->arena, dice(2) ? "000000000000000000000000000000000000000000000000" : "0x");
	a->hours = (struct fb_working_hours){.known = dice(2), .n = dice(FB_MAX_PERIODS + 1), .zone = {.standard_offset = 60 * ((int)dice(1680) - 840),
		.daylight_offset = 60 * ((int)dice(1680) - 840), .to_standard = odd_change(), .to_daylight = odd_change()}};
	for (size_t i = 0; i < a->hours.n; i++)
		a->hours.periods[i] = (struct fb_working_period){.days = dice(256), .start = (int)dice(1441), .end = (int)dice(1441)};
	return a;
}

/* Whatever calendars hold, the answer is well formed and our own reader takes it; with a folder the schema judges it too. */
static void test_odd(void)
{
	static const char *const requests[] = {REQUEST("Exchange2007_SP1", VIEW("Detailed")), REQUEST("Exchange_SE", VIEW("DetailedMerged")),
		SOAP("", GUA(BERLIN BOXES(MAILBOX("a@b.example") MAILBOX("b@b.example") MAILBOX("x")) OPTIONS(MARCH VIEW("FreeBusyMerged"))
		"<t:SuggestionsViewOptions><t:MaximumNonWorkHourResultsByDay>9</t:MaximumNonWorkHourResultsByDay><t:DetailedSuggestionsWindow><t:StartTime>2026-03-20T00:10:00"
		"</t:StartTime><t:EndTime>2026-03-30T00:20:00</t:EndTime></t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>"))};
	struct buf error;

	buf_init(&error, 4096);
	for (unsigned i = 0; i < 60; i++) {
		struct ews_request *r = read_text(requests[i % 3]);
		struct acl_released *list[8] = {0};
		struct fb_answer *got[8];
		char name[32];

		CHECK_STR(r->fault.code, NULL);
		for (size_t k = 0; k < r->query.n; k++) {
			struct acl_verdict v = {.level = (enum fb_level)dice(FB_LEVEL_LIMITED_DETAILS + 1), .reason = FB_OK, .rule = 1};
			struct fb_answer *raw = odd_answer();

			list[k] = dice(8) ? acl_release(raw, &v, &r->query) : NULL;
			fb_answer_free(raw);
		}
		buf_reset(&out);
		CHECK_INT(ews_write_availability(&out, r, list, odd_text()), 0);
		snprintf(name, sizeof name, "odd-%u", i);
		leave(name);
		buf_reset(&error);
		if (CHECK_INT(ews_client_read(buf_ptr(&out), out.len, r->zone, got, r->query.n, &error, NULL), 0))
			for (size_t k = 0; k < r->query.n; k++) {
				CHECK(got[k]->reason != FB_OK || (list[k] && acl_released_view(list[k])->reason == FB_OK));
				fb_answer_free(got[k]);
			}
		else
			fprintf(stderr, "\t%s\n", buf_cstr(&error));
		for (size_t k = 0; k < r->query.n; k++)
			acl_released_free(list[k]);
		ews_request_free(r);
	}
	buf_free(&error);
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : NULL;
	buf_init(&out, 8 << 20);
	test_detailed();
	test_levels_and_views();
	test_empty_calendar();
	test_same_bytes();
	test_every_reason();
	test_full();
	test_round_trip();
	test_twice_shown();
	test_odd();
	buf_free(&out);
	return check_done();
}
