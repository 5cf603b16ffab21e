/* links: base availability ews acl conf pki */
/* Meeting times. With a folder as its argument it leaves the answers there for tests/schema/answers.py. */
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"
#include "bridge/ews/response.h"

#define SUGGEST(options, start, end) \
	"<t:SuggestionsViewOptions>" options "<t:DetailedSuggestionsWindow><t:StartTime>" start "</t:StartTime><t:EndTime>" end "</t:EndTime>" \
	"</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>"
#define PERSON(address, exclude) "<t:MailboxData><t:Email><t:Address>" address "</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>" \
	"<t:ExcludeConflicts>" exclude "</t:ExcludeConflicts></t:MailboxData>"
#define MANY "<t:MaximumResultsByDay>48</t:MaximumResultsByDay>"

static struct fb_answer *person(unsigned view)
{
	struct fb_answer *a = fb_answer_new(FB_OK);

	a->view = view;
	return a;
}

static void add(struct fb_answer *a, const char *start, const char *end, enum fb_busy busy)
{
	struct fb_event e = {.start = at(start), .end = at(end), .busy = busy};

	CHECK_INT(fb_answer_add(a, &e), 0);
}

/* The answer to ${xml} by the ${n} raw answers (freed here; NULL = no access). */
static const char *answer(const char *xml, struct fb_answer **raw, size_t n, const char *name)
{
	const struct acl_verdict v = {.level = FB_LEVEL_AVAILABILITY_ONLY, .reason = FB_OK, .rule = 1};
	struct ews_request *r = read_text(xml);
	struct acl_released *list[100] = {0};

	CHECK_STR(r->fault.code, NULL);
	CHECK_INT(r->query.n, n);
	for (size_t i = 0; i < n; i++) {
		list[i] = raw[i] ? acl_release(raw[i], &v, &r->query) : acl_release_reason(FB_NO_ACCESS);
		fb_answer_free(raw[i]);
	}
	buf_reset(&out);
	CHECK_INT(ews_write_availability(&out, r, list, "x"), 0);
	for (size_t i = 0; i < n; i++)
		acl_released_free(list[i]);
	ews_request_free(r);
	return leave(name);
}

/* The suggestion at ${when}, up to its end; NULL if there is none. */
static const char *slot(const char *x, const char *when)
{
	static char text[4096];
	char find[64];
	const char *p, *end;

	snprintf(find, sizeof find, "<t:MeetingTime>%s</t:MeetingTime>", when);
	p = strstr(x, find);
	end = p ? strstr(p, "</t:Suggestion>") : NULL;
	if (!end)
		return NULL;
	snprintf(text, sizeof text, "%.*s", (int)(end - p), p);
	return text;
}

/* Four people on Tuesday 2026-03-24, UTC: the share that is free makes the quality. */
static void test_quality(void)
{
	struct fb_answer *who[4];
	const char *x, *s;

	for (int i = 0; i < 4; i++)
		who[i] = person(FB_VIEW_EVENTS);
	add(who[0], "2026-03-24T10:00:00Z", "2026-03-24T11:00:00Z", FB_TENTATIVE);
	add(who[0], "2026-03-24T11:00:00Z", "2026-03-24T12:00:00Z", FB_BUSY_TIME);
	add(who[1], "2026-03-24T11:00:00Z", "2026-03-24T12:00:00Z", FB_OOF);
	add(who[0], "2026-03-24T12:00:00Z", "2026-03-24T13:00:00Z", FB_BUSY_TIME);
	add(who[1], "2026-03-24T12:00:00Z", "2026-03-24T13:00:00Z", FB_BUSY_TIME);
	add(who[2], "2026-03-24T12:00:00Z", "2026-03-24T13:00:00Z", FB_BUSY_TIME);
	add(who[3], "2026-03-24T13:00:00Z", "2026-03-24T14:00:00Z", FB_ELSEWHERE);
	x = answer(SOAP("", GUA(BOXES(PERSON("a@b.example", "false") PERSON("b@b.example", "false") PERSON("c@b.example", "false") PERSON("d@b.example", "false"))
	                        SUGGEST("<t:GoodThreshold>25</t:GoodThreshold>" MANY, "2026-03-24T00:00:00", "2026-03-25T00:00:00"))), who, 4, "suggestions");
	CHECK_INT(count(x, "FreeBusyResponseArray"), 0);
	CHECK_INT(count(x, "<t:SuggestionDayResult>"), 1);
	CHECK(strstr(x, "<t:Date>2026-03-24T00:00:00</t:Date><t:DayQuality>Excellent</t:DayQuality>"));
	/* 8:00 to 16:00 are the starts of an hour's work time; 11:30, 12:00 and 12:30 have only a quarter free: below the minimum Fair. */
	CHECK_INT(count(x, "<t:Suggestion>"), 17 - 3);
	s = slot(x, "2026-03-24T10:00:00");
	CHECK(s && strstr(s, "Quality>Good<") && strstr(s, "<t:IsWorkTime>true<"));
	CHECK(s && strstr(s, "<t:AttendeeConflictDataArray><t:IndividualAttendeeConflictData><t:BusyType>Tentative<"));
	s = slot(x, "2026-03-24T11:00:00");
	CHECK(s && strstr(s, "Quality>Fair<") && strstr(s, "BusyType>Busy<") && strstr(s, "BusyType>OOF<"));
	CHECK(slot(x, "2026-03-24T12:00:00") == NULL);
	s = slot(x, "2026-03-24T13:00:00");
	CHECK(s && strstr(s, "Quality>Excellent<") && count(s, "BusyType>Free<") == 4);
	CHECK(slot(x, "2026-03-24T16:30:00") == NULL);
	/* Best first: the last Excellent stands before the first Good. */
	CHECK(strstr(x, "<t:MeetingTime>2026-03-24T16:00:00") < strstr(x, "<t:MeetingTime>2026-03-24T09:30:00"));
}

/* One whose times are not known is not counted as free. */
static void test_unknown(void)
{
	struct fb_answer *who[2] = {person(FB_VIEW_EVENTS), NULL};
	const char *x = answer(SOAP("", GUA(BOXES(PERSON("a@b.example", "false") PERSON("b@b.example", "false"))
	                                    OPTIONS(MARCH VIEW("FreeBusy")) SUGGEST("<t:MaximumResultsByDay>3</t:MaximumResultsByDay>", "2026-03-24T00:00:00", "2026-03-27T00:00:00"))),
	                       who, 2, "suggestions-unknown");

	CHECK_INT(count(x, "<m:FreeBusyResponse>"), 2);
	CHECK_INT(count(x, "<t:SuggestionDayResult>"), 3);
	CHECK_INT(count(x, "<t:Suggestion>"), 6);
	CHECK_INT(count(x, "<t:SuggestionQuality>Fair<"), 6);
	CHECK_INT(count(x, "<t:UnknownAttendeeConflictData/>"), 6);
	/* The third day lies beyond what was fetched: nobody is known to be free. */
	CHECK(strstr(x, "<t:Date>2026-03-26T00:00:00</t:Date><t:DayQuality>Poor</t:DayQuality><t:SuggestionArray></t:SuggestionArray>"));
}

/* Digits do where there are no events; one who must not be in conflict rules a time out. */
static void test_digits(void)
{
	struct fb_answer *who[3] = {person(FB_VIEW_MERGED), person(FB_VIEW_EVENTS), person(FB_VIEW_EVENTS | FB_VIEW_MERGED)};
	char digits[49];
	const char *x;

	memset(digits, '0', 48);
	digits[48] = 0;
	digits[20] = '2';
	digits[22] = '4';
	who[0]->merged = arena_strdup(who[0]->arena, digits);
	add(who[2], "2026-03-24T14:00:00Z", "2026-03-24T15:00:00Z", FB_TENTATIVE);
	/* digits that know of 15:30 what no event says */
	memset(digits, '0', 48);
	digits[28] = digits[29] = '1';
	digits[31] = '2';
	who[2]->merged = arena_strdup(who[2]->arena, digits);
	x = answer(SOAP("", GUA(BOXES(PERSON("a@b.example", "false") PERSON("b@b.example", "false") PERSON("c@b.example", "true"))
	                        SUGGEST(MANY "<t:MeetingDurationInMinutes>30</t:MeetingDurationInMinutes>", "2026-03-24T00:00:00", "2026-03-25T00:00:00"))),
	           who, 3, "suggestions-digits");
	CHECK(strstr(slot(x, "2026-03-24T10:00:00"), "BusyType>Busy<"));
	CHECK(strstr(slot(x, "2026-03-24T11:00:00"), "UnknownAttendee"));
	CHECK(strstr(slot(x, "2026-03-24T10:30:00"), "Excellent"));
	CHECK(slot(x, "2026-03-24T13:30:00") && !slot(x, "2026-03-24T14:00:00") && !slot(x, "2026-03-24T14:30:00") && slot(x, "2026-03-24T15:00:00"));
	CHECK(slot(x, "2026-03-24T15:30:00") == NULL);
}

/* Working hours of the attendee count in the attendee's zone; Berlin's requester, New York's attendee. */
static void test_hours(void)
{
	struct fb_answer *who[1] = {person(FB_VIEW_EVENTS)};
	const char *x;

	who[0]->hours = (struct fb_working_hours){.known = true, .n = 1, .periods = {{.days = 0x3e, .start = 540, .end = 1020}},
		.zone = {.standard_offset = -18000, .daylight_offset = -14400, .to_standard = {.month = 11, .day_order = 1, .second = 7200},
		         .to_daylight = {.month = 3, .day_order = 2, .second = 7200}}};
	/* A Saturday to a Monday over the European change: 9:00 in New York is 15:00 in Berlin from Sunday the 29th on. */
	x = answer(SOAP("", GUA(BERLIN BOXES(PERSON("a@b.example", "false"))
	                        SUGGEST("<t:MaximumResultsByDay>2</t:MaximumResultsByDay>", "2026-03-28T00:00:00", "2026-03-31T00:00:00"))), who, 1, "suggestions-hours");
	CHECK_INT(count(x, "<t:SuggestionDayResult>"), 3);
	CHECK_INT(count(x, "<t:Suggestion>"), 2);
	CHECK(slot(x, "2026-03-30T15:00:00") && slot(x, "2026-03-30T15:30:00"));
	/* Outside the hours when that is asked for: the day of the change has no 02:00 and 02:30. */
	who[0] = person(FB_VIEW_EVENTS);
	x = answer(SOAP("", GUA(BERLIN BOXES(PERSON("a@b.example", "false"))
	                        SUGGEST(MANY "<t:MaximumNonWorkHourResultsByDay>48</t:MaximumNonWorkHourResultsByDay><t:MeetingDurationInMinutes>30</t:MeetingDurationInMinutes>",
	                                "2026-03-29T00:00:00", "2026-03-30T00:00:00"))), who, 1, "suggestions-night");
	CHECK_INT(count(x, "<t:Suggestion>"), 46);
	CHECK(slot(x, "2026-03-29T01:30:00") && !slot(x, "2026-03-29T02:00:00") && !slot(x, "2026-03-29T02:30:00") && slot(x, "2026-03-29T03:00:00"));
	CHECK_INT(count(x, "IsWorkTime>true"), 0);
}

/*
 * The clock goes back inside the window, which then ends on an earlier reading than it begins: at midnight itself (Havana puts back from 1:00 to 0:00), or
 * the day before (a clock put back by a day). It is one day all the same.
 */
static void test_clock_back(void)
{
	static const char *const zones[][3] = {
		{ZONE("300", HALF("StandardTime", "0", "01:00:00", "1", "11", "Sunday"), HALF("DaylightTime", "-60", "00:00:00", "2", "3", "Sunday")),
		 "2026-11-01T04:30:00Z", "2026-11-01T05:00:00Z"},
		{ZONE("0", HALF("StandardTime", "0", "13:00:00", "1", "11", "Sunday"), HALF("DaylightTime", "-1440", "00:00:00", "2", "3", "Sunday")),
		 "2026-10-31T12:30:00Z", "2026-10-31T13:00:00Z"},
	};
	char xml[4096];

	for (size_t i = 0; i < 2; i++) {
		struct fb_answer *who[1] = {person(FB_VIEW_EVENTS)};

		snprintf(xml, sizeof xml, SOAP("", GUA("%s" BOXES(PERSON("a@b.example", "false"))
		                                       SUGGEST("<t:MeetingDurationInMinutes>30</t:MeetingDurationInMinutes>", "%s", "%s"))), zones[i][0], zones[i][1], zones[i][2]);
		CHECK_INT(count(answer(xml, who, 1, i ? "suggestions-day-back" : "suggestions-hour-back"), "<t:SuggestionDayResult>"), 1);
	}
	CHECK(strstr(buf_cstr(&out), "<t:Date>2026-11-01T00:00:00</t:Date>"));
}

/* A hundred people and 62 days with all 48 times a day would be 45 MB: every day gets the same share of 50,000 conflicts. */
static void test_many(void)
{
	static const char begin[] = "<t:MailboxData><t:Email><t:Address>p", end[] = "@b.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>";
	struct fb_answer *who[100];
	struct buf boxes, xml;
	const char *x;

	buf_init(&boxes, 1 << 20);
	buf_init(&xml, 1 << 20);
	for (int i = 0; i < 100; i++) {
		buf_printf(&boxes, "%s%d%s", begin, i, end);
		who[i] = person(FB_VIEW_EVENTS);
		who[i]->hours = (struct fb_working_hours){.known = true, .n = 1, .periods = {{.days = 0x3e, .start = 540, .end = 1020}},
			.zone = {.standard_offset = 3600, .daylight_offset = 7200, .to_standard = {.month = 10, .day_order = 5, .second = 10800},
			         .to_daylight = {.month = 3, .day_order = 5, .second = 7200}}};
	}
	buf_printf(&xml, SOAP("", GUA(BOXES("%s") SUGGEST(MANY "<t:MaximumNonWorkHourResultsByDay>48</t:MaximumNonWorkHourResultsByDay>",
	                                                 "2026-03-01T00:00:00", "2026-05-02T00:00:00"))), buf_cstr(&boxes));
	x = answer(buf_cstr(&xml), who, 100, "suggestions-many");
	CHECK_INT(count(x, "<t:SuggestionDayResult>"), 62);
	CHECK_INT(count(x, "<t:Suggestion>"), 62 * (50000 / 6200));
	CHECK_INT(count(x, "<t:BusyType>"), 62 * (50000 / 6200) * 100);
	buf_free(&boxes);
	buf_free(&xml);
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : NULL;
	buf_init(&out, 8 << 20);
	test_quality();
	test_unknown();
	test_digits();
	test_hours();
	test_clock_back();
	test_many();
	buf_free(&out);
	return check_done();
}
