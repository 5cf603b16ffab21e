/* links: base availability ews acl conf pki */
/* Writes answers and reads them again. With a folder as its argument it leaves each there as NAME.xml for tests/schema/answers.py. */
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"
#include "tests/unit/sax_events.h"
#include "bridge/ews/client.h"
#include "bridge/ews/response.h"

/* What stands between the ${nth} (from 0) <tag> and its end, in a buffer that is overwritten by the next call. */
static const char *inside(const char *text, const char *tag, size_t nth)
{
	static char value[4096];
	char open[64], close[64];
	const char *end;

	snprintf(open, sizeof open, "<%s>", tag);
	snprintf(close, sizeof close, "</%s>", tag);
	for (text = strstr(text, open); text && nth; nth--)
		text = strstr(text + 1, open);
	if (!text || !(end = strstr(text, close)))
		return NULL;
	snprintf(value, sizeof value, "%.*s", (int)(end - text - (long)strlen(open)), text + strlen(open));
	return value;
}

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
	add(a, "2026-03-25T14:00:00Z", "2026-03-25T15:00:00Z", FB_ELSEWHERE, "At home", 0);
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
	CHECK_STR(inside(x, "t:IsPrivate", 1), "true");
	CHECK_STR(inside(x, "t:IsRecurring", 1), "true");
	CHECK_STR(inside(x, "t:IsMeeting", 0), "true");
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
		CHECK_INT(count(leave(name), "ResponseClass=\"Error\""), 1);
		acl_released_free(one);
	}
	ews_request_free(r);
}

static void test_faults(void)
{
	struct ews_request *r = read_text(SOAP("", GUA("<t:Wrong/>")));
	const char *x;

	buf_reset(&out);
	CHECK_INT(ews_write_fault(&out, &r->fault), 0);
	x = leave("fault-schema");
	CHECK_STR(inside(x, "t:LineNumber", 0), "1");
	CHECK(strstr(x, "<faultcode xmlns:a=\"http://schemas.microsoft.com/exchange/services/2006/types\">a:ErrorSchemaValidation</faultcode>"));
	ews_request_free(r);
	buf_reset(&out);
	CHECK_INT(ews_write_fault_code(&out, "ErrorServerBusy", "Too much & more."), 0);
	x = leave("fault-busy");
	CHECK_STR(inside(x, "faultstring xml:lang=\"en-US\"", 0), NULL);
	CHECK(strstr(x, "Too much &amp; more.</faultstring>"));
	CHECK_INT(count(x, "MessageXml"), 0);
}

static const char *other(const char *body, const char *name, int status)
{
	struct ews_request *r = read_text(body);

	CHECK_STR(r->fault.code, NULL);
	buf_reset(&out);
	CHECK_INT(ews_write_other(&out, r, "anna@a.example"), status);
	ews_request_free(r);
	return leave(name);
}

static void test_others(void)
{
	const char *x = other(SOAP("", "<m:ConvertId DestinationFormat=\"EntryId\"><m:SourceIds><t:AlternateId Id=\"A&amp;B\" Format=\"EwsId\" Mailbox=\"blah@blah.com\"/>"
	                               "</m:SourceIds></m:ConvertId>"), "convert-id", 200);

	CHECK(strstr(x, "Format=\"EntryId\" Id=\"A&amp;B\" Mailbox=\"anna@a.example\""));
	x = other(SOAP("", "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/>"
	                   "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>a@b</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
	                   "<t:DistinguishedFolderId Id=\"contacts\"/><t:DistinguishedFolderId Id=\"tasks\"/>"
	                   "<t:FolderId Id=\"AAMk\"/></m:FolderIds></m:GetFolder>"), "get-folder", 200);
	CHECK_INT(count(x, "ResponseClass=\"Success\""), 4);
	CHECK_INT(count(x, "ResponseClass=\"Error\""), 1);
	CHECK_INT(count(x, "<t:CalendarFolder>"), 1);
	x = other(SOAP("", "<m:SyncFolderItems><m:SyncFolderId><t:FolderId Id=\"\"/></m:SyncFolderId></m:SyncFolderItems>"), "sync-items", 200);
	CHECK_INT(count(x, "SyncFolderItemsResponseMessage ResponseClass=\"Error\""), 1);
	x = other(SOAP("", "<m:SyncFolderHierarchy/>"), "sync-hierarchy", 200);
	CHECK_INT(count(x, "SyncFolderHierarchyResponseMessage ResponseClass=\"Error\""), 1);
	x = other(SOAP("", "<m:GetMailTips><m:SendingAs><t:EmailAddress>a@b</t:EmailAddress></m:SendingAs><m:Recipients><t:Mailbox><t:EmailAddress>c@d</t:EmailAddress>"
	                   "</t:Mailbox></m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>"), "mail-tips", 200);
	CHECK_INT(count(x, "ErrorMailTipsDisabled"), 1);
	x = other(SOAP("", "<m:GetServiceConfiguration><m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName></m:RequestedConfiguration>"
	                   "</m:GetServiceConfiguration>"), "service-configuration", 200);
	CHECK_STR(inside(x, "t:MailTipsEnabled", 0), "false");
	x = other(SOAP("", "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>a@b</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"), "oof", 500);
	CHECK(strstr(x, "ErrorAccessDenied"));
	x = other(SOAP("", "<m:GetUserPhoto><m:Email>a@b</m:Email><m:SizeRequested>HR48x48</m:SizeRequested></m:GetUserPhoto>"), "photo", 200);
	CHECK_STR(inside(x, "m:ResponseCode", 0), "ErrorItemNotFound");
	CHECK(strstr(x, "<m:GetUserPhotoResponse ResponseClass=\"Error\">") && strstr(x, "<m:HasChanged>false</m:HasChanged>"));
	x = other(SOAP("", "<m:FindMessageTrackingReport><m:Scope>Organization</m:Scope><m:Domain>b</m:Domain></m:FindMessageTrackingReport>"), "find-tracking", 200);
	CHECK(strstr(x, "<m:FindMessageTrackingReportResponse ResponseClass=\"Error\">") && strstr(x, "ErrorMessageTrackingNoSuchDomain"));
	x = other(SOAP("", "<m:GetMessageTrackingReport><m:Scope>Organization</m:Scope></m:GetMessageTrackingReport>"), "get-tracking", 200);
	CHECK(strstr(x, "<m:GetMessageTrackingReportResponse ResponseClass=\"Error\">"));
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
	struct fb_mailbox boxes[2] = {{.asked = "ada@b.example", .address = "ada@b.example"}, {.asked = "not an address"}};
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

#define REPLY(inside) SOAP("", "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>" inside "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")
#define FINE "<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
#define ONE(inside) REPLY("<m:FreeBusyResponse>" inside "</m:FreeBusyResponse>")
#define SHOWN(view, rest) "<m:FreeBusyView><t:FreeBusyViewType>" view "</t:FreeBusyViewType>" rest "</m:FreeBusyView>"
#define EVENT(start, end, busy) "<t:CalendarEventArray><t:CalendarEvent><t:StartTime>" start "</t:StartTime><t:EndTime>" end "</t:EndTime>" \
	"<t:BusyType>" busy "</t:BusyType></t:CalendarEvent></t:CalendarEventArray>"

/* What a garbled answer becomes: that one mailbox's failure, never free. */
static void test_garbled(void)
{
	struct { const char *xml; enum fb_reason reason; } cases[] = {
		{ONE(FINE SHOWN("MergedOnly", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>")), FB_OK},
		{ONE(FINE SHOWN("FreeBusy", EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Busy"))), FB_OK},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_OK},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray/><t:WorkingHours><t:TimeZone><t:Bias>x</t:Bias></t:TimeZone></t:WorkingHours>")), FB_OK},
		{ONE(FINE SHOWN("FreeBusyMerged", "<t:CalendarEventArray/>")), FB_OK}, /* digits can be worked out from events */
		{ONE("<m:ResponseMessage ResponseClass=\"Success\"/>" SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_OK}, /* the code is optional */
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"/>" SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		/* a warning is of something that was not done, and nothing tells what: an array with a hole in it would be free time */
		{ONE("<m:ResponseMessage ResponseClass=\"Warning\"/>" SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Warning\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
		     SHOWN("MergedOnly", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>")), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Warning\"><m:ResponseCode>ErrorTimeoutExpired</m:ResponseCode></m:ResponseMessage>"), FB_TIMEOUT},
		{ONE("<m:ResponseMessage/>" SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusyMerged", "")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "NoData"))), FB_OK},
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>ErrorMailRecipientNotFound</m:ResponseCode></m:ResponseMessage>"), FB_NO_ACCESS},
		{ONE(FINE), FB_CALENDAR_FAILED},
		{ONE(""), FB_CALENDAR_FAILED},
		{ONE(SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("None", "")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("Something", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("MergedOnly", "")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("MergedOnly", "<t:MergedFreeBusy>0052</t:MergedFreeBusy>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", EVENT("2026-03-24T08:00:00", "yesterday", "Busy"))), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", EVENT("2026-03-24T08:00:00", "2026-03-24T07:00:00", "Busy"))), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Hurried"))), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>ErrorServerBusy</m:ResponseCode></m:ResponseMessage>"), FB_BUSY},
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>ErrorMadeUp</m:ResponseCode></m:ResponseMessage>"), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
		     SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>ErrorInternalServerError</m:ResponseCode></m:ResponseMessage>"
		     SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		/* an event by another name, in another namespace, one level down: not an empty array; and nil is none at all */
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray><t:Event/></t:CalendarEventArray>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray><m:CalendarEvent/></t:CalendarEventArray>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray><t:Day><t:CalendarEvent/></t:Day></t:CalendarEventArray>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("Detailed", "<t:Later/>" EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Busy</t:BusyType><t:Later/><t:BusyType>Busy"))), FB_OK},
	};
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 65536);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!CHECK_INT(ews_client_read(cases[i].xml, strlen(cases[i].xml), fb_zone_utc(), got, 1, &error, NULL), 0))
			fprintf(stderr, "\tcase %zu: %s\n", i, buf_cstr(&error));
		else if (!CHECK_INT(got[0]->reason, cases[i].reason))
			fprintf(stderr, "\tcase %zu\n", i);
		fb_answer_free(got[0]);
	}
	/* Who does not say whether an event is private may not have its subject shown. */
	for (int i = 0; i < 3; i++) {
		static const char *const says[] = {"", "<t:IsPrivate>false</t:IsPrivate>", "<t:IsPrivate>true</t:IsPrivate>"};
		char xml[4000];

		snprintf(xml, sizeof xml, ONE(FINE SHOWN("Detailed", "<t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-24T08:00:00</t:StartTime>"
		         "<t:EndTime>2026-03-24T09:00:00</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>Merger</t:Subject>%s"
		         "</t:CalendarEventDetails></t:CalendarEvent></t:CalendarEventArray>")), says[i]);
		CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 1, &error, NULL), 0);
		CHECK_INT(got[0]->events[0].flags & FB_PRIVATE, i == 1 ? 0 : FB_PRIVATE);
		fb_answer_free(got[0]);
	}
	buf_reset(&out);
	ews_write_fault_code(&out, "ErrorServerBusy", "Too much to do.");
	buf_reset(&error);
	struct ews_client_said said = {0};

	CHECK_INT(ews_client_read(buf_ptr(&out), out.len, fb_zone_utc(), got, 1, &error, &said), -1);
	CHECK(strstr(buf_cstr(&error), "Too much to do.") && strstr(buf_cstr(&error), "ErrorServerBusy"));
	CHECK_STR(said.fault, "ErrorServerBusy");
	CHECK_INT(said.back_off_ms, 0);
	const char *of_one = ONE("<m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>ErrorServerBusy</m:ResponseCode><m:MessageXml>"
	                         "<t:Value Name=\"BackOffMilliseconds\">7000</t:Value></m:MessageXml></m:ResponseMessage>");
	CHECK_INT(ews_client_read(of_one, strlen(of_one), fb_zone_utc(), got, 1, &error, &said), 0);
	CHECK_INT(got[0]->reason, FB_BUSY);
	CHECK_INT(said.back_off_ms, 7000);
	fb_answer_free(got[0]);
	CHECK_INT(ews_client_read("<html/>", 7, fb_zone_utc(), got, 1, &error, NULL), -1);
	CHECK_INT(ews_client_read("", 0, fb_zone_utc(), got, 1, &error, NULL), -1);
	buf_free(&error);
}

/* Events that a server leaves out are not taken for an empty calendar: then its digits are all there is. */
static void test_no_array(void)
{
	const char *xml = ONE(FINE SHOWN("FreeBusyMerged", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>"));
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 4096);
	CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 1, &error, NULL), 0);
	CHECK_INT(got[0]->reason, FB_OK);
	CHECK_INT(got[0]->view, FB_VIEW_MERGED);
	CHECK_STR(got[0]->merged, "0022");
	fb_answer_free(got[0]);
	buf_free(&error);
}

/* A server that gives more than its view's name says, and what it called each answer. */
static void test_more(void)
{
	const char *xml = REPLY("<m:FreeBusyResponse>" FINE SHOWN("MergedOnly", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>" EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Busy"))
		"</m:FreeBusyResponse><m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>ErrorMadeUp</m:ResponseCode></m:ResponseMessage>"
		"</m:FreeBusyResponse>");
	char codes[2][EWS_CLIENT_CODE_MAX];
	struct ews_client_said said = {.codes = codes};
	struct fb_answer *got[2];
	struct buf error;

	buf_init(&error, 4096);
	CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 2, &error, &said), 0);
	CHECK_INT(got[0]->view, FB_VIEW_MERGED | FB_VIEW_EVENTS);
	CHECK_INT(got[0]->n_events, 1);
	CHECK_STR(codes[0], "NoError");
	CHECK_STR(codes[1], "ErrorMadeUp");
	CHECK_STR(said.fault, "");
	fb_answer_free(got[0]);
	fb_answer_free(got[1]);
	buf_free(&error);
}

/* Exchange 2007 writes an offset that is not the requester's: the clock reading alone counts there. From others an offset is meant. */
static void test_offsets(void)
{
#define REPLY_OF(version, start, end) SOAP("<t:ServerVersionInfo MajorVersion=\"" version "\" MinorVersion=\"0\"/>", \
	"<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse>" FINE SHOWN("FreeBusy", EVENT(start, end, "Busy")) \
	"</m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")
	struct { const char *xml, *start; enum fb_reason reason; } cases[] = {
		{REPLY_OF("8", "2026-03-24T08:00:00-04:00", "2026-03-24T09:00:00-04:00"), "2026-03-24T08:00:00Z", FB_OK},
		{REPLY_OF("8", "2026-03-24T08:00:00.5+13:00", "2026-03-24T09:00:00Z"), "2026-03-24T08:00:00Z", FB_OK},
		{REPLY_OF("8", "2026-03-24T08:00:00", "2026-03-24T09:00:00"), "2026-03-24T08:00:00Z", FB_OK},
		{REPLY_OF("8", "2026-03-24T08:00:00+", "2026-03-24T09:00:00"), NULL, FB_CALENDAR_FAILED},
		{REPLY_OF("8", "Z", "Z"), NULL, FB_CALENDAR_FAILED},
		{REPLY_OF("14", "2026-03-24T08:00:00-04:00", "2026-03-24T09:00:00-04:00"), "2026-03-24T12:00:00Z", FB_OK},
	};
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(ews_client_read(cases[i].xml, strlen(cases[i].xml), fb_zone_utc(), got, 1, &error, NULL), 0);
		if (CHECK_INT(got[0]->reason, cases[i].reason) && cases[i].start)
			CHECK_INT(got[0]->events[0].start, at(cases[i].start));
		fb_answer_free(got[0]);
	}
	buf_free(&error);
}

/* To a login that has no mailbox each id comes back with the one that was named for it, unless that is longer than any: a request must not grow so. */
static void test_mailbox_of_ids(void)
{
	char xml[2000], mailbox[400] = "blah@blah.com", want[500];

	for (int i = 0; i < 2; i++) {
		struct ews_request *r;

		snprintf(xml, sizeof xml, SOAP("", "<m:ConvertId DestinationFormat=\"EntryId\"><m:SourceIds><t:AlternateId Id=\"a\" Mailbox=\"%s\"/></m:SourceIds>"
		                               "</m:ConvertId>"), mailbox);
		snprintf(want, sizeof want, "Id=\"a\" Mailbox=\"%s\"", i ? "unknown" : mailbox);
		r = read_text(xml);
		buf_reset(&out);
		CHECK_INT(ews_write_other(&out, r, ""), 200);
		CHECK(strstr(buf_cstr(&out), want));
		ews_request_free(r);
		memset(mailbox, 'x', 330);
	}
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

/* No truncation and no changed byte of an answer makes anything but an answer or an error (run under the sanitizers); a cut one is never free. */
static void test_mutations(void)
{
	char text[] = ONE(FINE SHOWN("FreeBusyMerged", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>" EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Busy")
		"<t:WorkingHours>" BERLIN "<t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>Monday</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes>"
		"<t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>"));
	static const char instead[] = {0, '<', '>', '&', '"', '/', '\x80', '\xff', '0', ' '};
	size_t n = strlen(text), refused = 0;
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 1 << 20);
	for (size_t i = 0; i < n; i++)
		refused += ews_client_read(text, i, fb_zone_utc(), got, 1, &error, NULL) < 0;
	CHECK_INT(refused, n);
	for (size_t i = 0; i < n; i++) {
		char kept = text[i];

		text[i] = instead[i % sizeof instead];
		buf_reset(&error);
		if (ews_client_read(text, n, fb_zone_utc(), got, 1, &error, NULL) == 0)
			fb_answer_free(got[0]);
		text[i] = kept;
	}
	CHECK_INT(ews_client_read(text, n, fb_zone_utc(), got, 1, &error, NULL), 0);
	CHECK_INT(got[0]->reason, FB_OK);
	CHECK(got[0]->hours.known);
	fb_answer_free(got[0]);
	buf_free(&error);
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
	test_faults();
	test_others();
	test_mailbox_of_ids();
	test_full();
	test_round_trip();
	test_garbled();
	test_no_array();
	test_more();
	test_offsets();
	test_twice_shown();
	test_odd();
	test_mutations();
	buf_free(&out);
	return check_done();
}
