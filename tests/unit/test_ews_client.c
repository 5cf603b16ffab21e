/* links: base availability ews acl conf pki */
#include "bridge/base/text.h"
#include "bridge/ews/client.h"
#include "bridge/ews/response.h"
#include "tests/unit/check.h"
#include "tests/unit/ews_help.h"

/* What a server's answers become when we are its client. */

#define REPLY(inside) SOAP("", "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>" inside "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")
#define FINE "<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
#define ONE(inside) REPLY("<m:FreeBusyResponse>" inside "</m:FreeBusyResponse>")
#define SHOWN(view, rest) "<m:FreeBusyView><t:FreeBusyViewType>" view "</t:FreeBusyViewType>" rest "</m:FreeBusyView>"
#define EVENT(start, end, busy) "<t:CalendarEventArray><t:CalendarEvent><t:StartTime>" start "</t:StartTime><t:EndTime>" end "</t:EndTime>" \
	"<t:BusyType>" busy "</t:BusyType></t:CalendarEvent></t:CalendarEventArray>"

/* What stands in a subject comes as it is, and costs nobody his answer: read as a blank what no XML may hold, all else as it was. */
static void test_mended(void)
{
	static const struct { const char *written, *read; } cases[] = {
		{"a&#x1F;b", "a b"}, {"&#31;a&#x0;", " a "}, {"a&#xD83D;&#xDE00;b", "a  b"}, {"a&#xFFFF;&#x110000;b", "a  b"}, {"a\x0b\xff" "b", "a  b"},
		{"a\xed\xa0\xbd" "b", "a   b"}, {"a\xef\xbf\xbe" "b", "a b"}, {"a&#x1F;&#x1F600;&amp;\xc3\xa4", "a \xf0\x9f\x98\x80&\xc3\xa4"},
		{"\x01<![CDATA[<\x02]]>", " < "}, {"a&#x9;&#10;\x01" "b", "a\t\n b"},
	};
	struct fb_answer *got[1];
	struct buf error;
	char xml[4000];

	buf_init(&error, 65536);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(xml, sizeof xml, ONE(FINE SHOWN("Detailed", "<t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-24T08:00:00</t:StartTime>"
		         "<t:EndTime>2026-03-24T09:00:00</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>x%sx</t:Subject>"
		         "<t:IsPrivate>false</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent></t:CalendarEventArray>")), cases[i].written);
		if (!CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 1, &error, NULL), 0))
			continue;
		if (CHECK_INT(got[0]->reason, FB_OK) && CHECK_INT(got[0]->n_events, 1)) {
			snprintf(xml, sizeof xml, "x%sx", cases[i].read);
			CHECK_STR(got[0]->events[0].subject, xml);
		}
		fb_answer_free(got[0]);
	}
	/* Where it stands in a tag or a reference it is as malformed as it was. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const broken[] = {"<\x01t:Subject/>", "<t:Sub\x01ject/>", "<t:Subject>&\x01" "amp;</t:Subject>"};

		snprintf(xml, sizeof xml, ONE(FINE SHOWN("FreeBusy", "%s<t:CalendarEventArray/>")), broken[i]);
		CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 1, &error, NULL), -1);
	}
	buf_free(&error);
}

/* What is too long is cut where a character ends: a subject that is no UTF-8 would not get over the link at all. */
static void test_cut(void)
{
	static char xml[70000 + 2000];
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 65536);
	for (int before = 65530; before < 65536; before++) {
		snprintf(xml, sizeof xml, ONE(FINE SHOWN("Detailed", "<t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-24T08:00:00</t:StartTime>"
		         "<t:EndTime>2026-03-24T09:00:00</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>%0*d\xf0\x9f\x98\x80\xc3\xa4..</t:Subject>"
		         "<t:IsPrivate>false</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent></t:CalendarEventArray>")), before, 0);
		if (!CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 1, &error, NULL), 0))
			continue;
		size_t n = strlen(got[0]->events[0].subject);

		CHECK_INT(n, before == 65530 ? 65536 : before <= 65532 ? before + 4 : before);
		CHECK(text_utf8_valid(got[0]->events[0].subject, n));
		fb_answer_free(got[0]);
	}
	buf_free(&error);
}

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
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\" true \"/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"false\"/>")), FB_OK},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray>\n \n</t:CalendarEventArray>")), FB_OK},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray>&lt;t:CalendarEvent/&gt;</t:CalendarEventArray>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("FreeBusy", "<t:CalendarEventArray> <![CDATA[<t:CalendarEvent/>]]></t:CalendarEventArray>")), FB_CALENDAR_FAILED},
		/* two messages, two codes, two views: nobody knows which of them is meant */
		{ONE("<m:ResponseMessage ResponseClass=\"Error\"/>" FINE SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE("<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>ErrorTimeoutExpired</m:ResponseCode><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
		     SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("MergedOnly", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>") SHOWN("FreeBusy", "<t:CalendarEventArray/>")), FB_CALENDAR_FAILED},
		{ONE(FINE SHOWN("Detailed", "<t:Later/>" EVENT("2026-03-24T08:00:00", "2026-03-24T09:00:00", "Busy</t:BusyType><t:Later/><t:BusyType>Busy"))), FB_OK},
	};
	struct fb_answer *got[1];
	struct buf error, fault;

	buf_init(&error, 65536);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!CHECK_INT(ews_client_read(cases[i].xml, strlen(cases[i].xml), fb_zone_utc(), got, 1, &error, NULL), 0))
			fprintf(stderr, "\tcase %zu: %s\n", i, buf_cstr(&error));
		else if (!CHECK_INT(got[0]->reason, cases[i].reason))
			fprintf(stderr, "\tcase %zu\n", i);
		fb_answer_free(got[0]);
	}
	buf_init(&fault, 4096);
	ews_write_fault_code(&fault, "ErrorServerBusy", "Too much to do.");
	buf_reset(&error);
	struct ews_client_said said = {0};

	CHECK_INT(ews_client_read(buf_ptr(&fault), fault.len, fb_zone_utc(), got, 1, &error, &said), -1);
	CHECK(strstr(buf_cstr(&error), "Too much to do.") && strstr(buf_cstr(&error), "ErrorServerBusy"));
	CHECK_STR(said.fault, "ErrorServerBusy");
	CHECK_INT(said.back_off_ms, 0);
	buf_free(&fault);
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

#define OF_EVENT(type, rest) "<t:CalendarEvent><t:StartTime>2026-03-24T08:00:00</t:StartTime><t:EndTime>2026-03-24T09:00:00</t:EndTime>" type rest "</t:CalendarEvent>"
#define BUSY "<t:BusyType>Busy</t:BusyType>"
#define ABOUT(flag) "<t:CalendarEventDetails><t:Subject>Merger</t:Subject>" flag "</t:CalendarEventDetails>"
#define PRIVATE(is) "<t:IsPrivate>" is "</t:IsPrivate>"
#define TWO(first, second) ONE(FINE SHOWN("Detailed", "<t:CalendarEventArray>" first second "</t:CalendarEventArray>"))

/*
 * What is said of one event says nothing of the next. Who does not say whether an event is private may not have its subject shown, and one of
 * which there is no telling how busy it is, or what it is, spoils the whole.
 */
static void test_each_event(void)
{
	static const struct {
		const char *xml;
		enum fb_reason reason;
		unsigned flags[2];
	} cases[] = {
		{TWO(OF_EVENT(BUSY, ABOUT("")), ""), FB_OK, {FB_PRIVATE}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("false"))), OF_EVENT(BUSY, ABOUT(""))), FB_OK, {0, FB_PRIVATE}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("true"))), OF_EVENT(BUSY, ABOUT(PRIVATE("false")))), FB_OK, {FB_PRIVATE, 0}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("1"))), OF_EVENT(BUSY, ABOUT(PRIVATE("0")))), FB_OK, {FB_PRIVATE, 0}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("true"))), OF_EVENT(BUSY, "")), FB_OK, {FB_PRIVATE, 0}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("no"))), ""), FB_CALENDAR_FAILED, {0}},
		{TWO(OF_EVENT(BUSY, ABOUT(PRIVATE("False"))), ""), FB_CALENDAR_FAILED, {0}},
		{TWO(OF_EVENT("", ""), ""), FB_CALENDAR_FAILED, {0}},
		{TWO(OF_EVENT(BUSY, ""), OF_EVENT("", "")), FB_CALENDAR_FAILED, {0}},
		{TWO(OF_EVENT(BUSY, ""), "<t:CalendarEvent>" BUSY "</t:CalendarEvent>"), FB_CALENDAR_FAILED, {0}},
	};
	struct fb_answer *got[1];
	struct buf error;

	buf_init(&error, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(ews_client_read(cases[i].xml, strlen(cases[i].xml), fb_zone_utc(), got, 1, &error, NULL), 0);
		if (!CHECK_INT(got[0]->reason, cases[i].reason))
			fprintf(stderr, "\tcase %zu\n", i);
		for (size_t k = 0; got[0]->reason == FB_OK && k < got[0]->n_events; k++)
			CHECK_INT(got[0]->events[k].flags & FB_PRIVATE, cases[i].flags[k]);
		fb_answer_free(got[0]);
	}
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
		"</m:FreeBusyResponse><m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>Its part <![CDATA[&]]> failed.</m:MessageText>"
		"<m:ResponseCode>ErrorMadeUp</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>");
	char codes[2][EWS_CLIENT_CODE_MAX], *texts[2] = {NULL, NULL};
	struct ews_client_said said = {.codes = codes, .texts = texts};
	struct fb_answer *got[2];
	struct buf error;

	buf_init(&error, 4096);
	CHECK_INT(ews_client_read(xml, strlen(xml), fb_zone_utc(), got, 2, &error, &said), 0);
	CHECK_INT(got[0]->view, FB_VIEW_MERGED | FB_VIEW_EVENTS);
	CHECK_INT(got[0]->n_events, 1);
	CHECK_STR(codes[0], "NoError");
	CHECK_STR(codes[1], "ErrorMadeUp");
	CHECK_STR(texts[0], NULL);
	CHECK_STR(texts[1], "Its part & failed.");
	free(texts[1]);
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

int main(void)
{
	test_mended();
	test_cut();
	test_garbled();
	test_each_event();
	test_no_array();
	test_more();
	test_offsets();
	test_mutations();
	return check_done();
}
