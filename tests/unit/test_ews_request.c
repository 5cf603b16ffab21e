/* links: base availability ews acl conf pki */
#include <dirent.h>
#include "tests/unit/check.h"
#include "tests/unit/ews_help.h"
#include "bridge/base/file.h"

static bool fault_is(const char *xml, const char *code)
{
	struct ews_request *r = read_text(xml);
	bool ok = r && (code ? r->fault.code && strcmp(r->fault.code, code) == 0 : !r->fault.code);

	if (!ok)
		fprintf(stderr, "\tfault %s (%s), expected %s\n", r->fault.code ? r->fault.code : "none", r->fault.text ? r->fault.text : "",
		        code ? code : "none");
	ews_request_free(r);
	return ok;
}

/* A schema violation whose words hold ${words}: that the right limit caught it. */
static bool fault_says(const char *xml, const char *words)
{
	struct ews_request *r = read_text(xml);
	bool ok = r->fault.violation && strstr(r->fault.violation, words);

	if (!ok)
		fprintf(stderr, "\tfault: %s\n", r->fault.text ? r->fault.text : "none");
	ews_request_free(r);
	return ok;
}

#define GOOD_OPTIONS OPTIONS(MARCH INTERVAL("60") VIEW("DetailedMerged"))
#define ASK(options) SOAP("", GUA(BERLIN BOXES(MAILBOX("ada@b.example")) options))

static void test_plain(void)
{
	struct ews_request *r = read_text(
		SOAP("<t:RequestServerVersion Version=\"Exchange2010\"/>",
		     GUA(BERLIN BOXES("<t:MailboxData><t:Email><t:Name>Ada</t:Name><t:Address> Ada@B.example </t:Address><t:RoutingType>SMTP</t:RoutingType>"
		                      "</t:Email><t:AttendeeType>Organizer</t:AttendeeType><t:ExcludeConflicts>1</t:ExcludeConflicts></t:MailboxData>"
		                      "<t:MailboxData><t:Email><t:Address>/o=First/cn=bob</t:Address><t:RoutingType>EX</t:RoutingType></t:Email>"
		                      "<t:AttendeeType>Room</t:AttendeeType></t:MailboxData>") GOOD_OPTIONS)));

	CHECK_STR(r->fault.code, NULL);
	CHECK_INT(r->operation, EWS_GET_USER_AVAILABILITY);
	CHECK_INT(r->version, EWS_2010);
	CHECK(r->wants_free_busy && !r->suggestions.asked);
	CHECK_INT(r->query.n, 2);
	CHECK_STR(r->query.mailboxes[0].address, "ada@b.example");
	CHECK_STR(r->query.mailboxes[0].asked, "Ada@B.example");
	CHECK_STR(r->query.mailboxes[1].address, "");
	CHECK_STR(r->query.mailboxes[1].asked, "/o=First/cn=bob");
	CHECK_INT(r->attendees[0], EWS_ORGANIZER);
	CHECK_INT(r->attendees[1], EWS_ROOM);
	CHECK(r->exclude[0] && !r->exclude[1]);
	CHECK_INT(r->query.interval, 60);
	CHECK_INT(r->query.view, FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	CHECK_INT(r->query.window.start, at("2026-03-23T23:00:00Z"));
	CHECK_INT(r->query.window.end, at("2026-03-25T23:00:00Z"));
	CHECK_INT(fb_zone_offset(r->zone, at("2026-07-01T00:00:00Z")), 7200);
	CHECK_INT(fb_zone_offset(r->zone, at("2026-12-01T00:00:00Z")), 3600);
	ews_request_free(r);
}

static void test_views(void)
{
	struct { const char *xml; unsigned view; } cases[] = {
		{ASK(OPTIONS(MARCH VIEW("MergedOnly"))), FB_VIEW_MERGED},
		{ASK(OPTIONS(MARCH VIEW("FreeBusy"))), FB_VIEW_EVENTS},
		{ASK(OPTIONS(MARCH VIEW("FreeBusyMerged"))), FB_VIEW_EVENTS | FB_VIEW_MERGED},
		{ASK(OPTIONS(MARCH VIEW(" Detailed\n"))), FB_VIEW_EVENTS | FB_VIEW_DETAILS},
		{ASK(OPTIONS(MARCH)), FB_VIEW_MERGED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ews_request *r = read_text(cases[i].xml);

		CHECK_STR(r->fault.code, NULL);
		CHECK_INT(r->query.view, cases[i].view);
		CHECK_INT(r->query.interval, 30);
		ews_request_free(r);
	}
}

static void test_limits(void)
{
	static char many[200000];
	const char *end = "</m:MailboxDataArray>" GOOD_OPTIONS "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>";

	for (int n = 100; n <= 101; n++) {
		strcpy(many, "<s:Envelope" XMLNS "><s:Body><m:GetUserAvailabilityRequest><m:MailboxDataArray>");
		for (int i = 0; i < n; i++)
			strcat(many, MAILBOX("a@b.example"));
		strcat(many, end);
		CHECK(fault_is(many, n == 100 ? NULL : "ErrorMailboxDataArrayTooBig"));
	}
	CHECK(fault_is(SOAP("", GUA(BOXES("") GOOD_OPTIONS)), "ErrorMailboxDataArrayEmpty"));
	CHECK(fault_is(ASK(""), "ErrorInvalidFreeBusyViewType"));
	CHECK(fault_is(ASK(OPTIONS(MARCH VIEW("None"))), "ErrorInvalidFreeBusyViewType"));
	CHECK(fault_is(ASK(OPTIONS(MARCH VIEW("FreeBusy Detailed"))), "ErrorInvalidFreeBusyViewType"));
	CHECK(fault_is(ASK(OPTIONS(MARCH VIEW(""))), "ErrorInvalidFreeBusyViewType"));
	CHECK(fault_is(ASK(OPTIONS(MARCH VIEW("Everything"))), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(MARCH INTERVAL("4"))), "ErrorInvalidMergedFreeBusyInterval"));
	CHECK(fault_is(ASK(OPTIONS(MARCH INTERVAL("1441"))), "ErrorInvalidMergedFreeBusyInterval"));
	CHECK(fault_is(ASK(OPTIONS(MARCH INTERVAL("5"))), NULL));
	CHECK(fault_is(ASK(OPTIONS(MARCH INTERVAL("1440"))), NULL));
	CHECK(fault_is(ASK(OPTIONS(MARCH INTERVAL("x"))), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-03-26T00:00:00", "2026-03-26T00:00:00"))), "ErrorInvalidTimeInterval"));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-03-26T00:00:00", "2026-03-25T00:00:00"))), "ErrorInvalidTimeInterval"));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-01-01T00:00:00Z", "2026-03-04T00:00:00Z"))), NULL));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-01-01T00:00:00Z", "2026-03-04T00:00:01Z"))), "ErrorTimeIntervalTooBig"));
	/* 62 days of Berlin's clock over the end of summer time are an hour more. */
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-10-01T00:00:00", "2026-12-02T00:00:00"))), NULL));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("2026-10-01T00:00:00", "2026-12-02T00:00:01"))), "ErrorTimeIntervalTooBig"));
	CHECK(fault_is(ASK(OPTIONS(WINDOW("tomorrow", "2026-03-04T00:00:01Z"))), "ErrorSchemaValidation"));
}

static void test_lenient(void)
{
	/* Zimbra: an offset in the window, a StandardTime without a Month. */
	CHECK(fault_is(SOAP("", GUA("<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder>"
	                            "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>" HALF("DaylightTime", "0", "00:00:00", "0", "0", "Sunday")
	                            "</t:TimeZone>" BOXES(MAILBOX("a@b.example")) OPTIONS(WINDOW("2026-03-24T00:00:00.000+01:00", "2026-03-25T00:00:00.123Z")))), NULL));
	/* The types' prefix as the default namespace, blanks and comments between. */
	CHECK(fault_is("<?xml version='1.0'?>\n<!-- x --><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\n"
	               "<GetUserAvailabilityRequest xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\"> <MailboxDataArray>"
	               "<MailboxData xmlns=\"http://schemas.microsoft.com/exchange/services/2006/types\"><Email><Address><![CDATA[a@b.example]]></Address></Email>"
	               "<!-- x --><AttendeeType>Required</AttendeeType></MailboxData></MailboxDataArray><FreeBusyViewOptions "
	               "xmlns=\"http://schemas.microsoft.com/exchange/services/2006/types\"><TimeWindow><StartTime>2026-03-24T00:00:00</StartTime>"
	               "<EndTime>2026-03-25T00:00:00</EndTime></TimeWindow></FreeBusyViewOptions></GetUserAvailabilityRequest></e:Body></e:Envelope>", NULL));
	/* A string of .NET sent as UTF-8, which says UTF-16 of itself. */
	CHECK(fault_is("<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n" SOAP("", GUA(BOXES(MAILBOX("\xc3\xa4@b.example")) OPTIONS(MARCH))), NULL));
	CHECK(fault_is("\xef\xbb\xbf" SOAP("<x:Own xmlns:x=\"urn:x\"><x:In/></x:Own>", GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH))), NULL));
	CHECK(fault_is(SOAP("<t:ProxyRequestTypeHeader s:mustUnderstand=\"1\">CrossForest</t:ProxyRequestTypeHeader>",
	                    GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH))), NULL));
	CHECK(fault_is(SOAP("<w:To xmlns:w=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" s:mustUnderstand=\"1\">https://a/EWS/Exchange.asmx</w:To>"
	                    "<w:Action xmlns:w=\"http://www.w3.org/2005/08/addressing\" s:mustUnderstand=\"1\">x</w:Action>",
	                    GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH))), NULL));
	CHECK(fault_is(SOAP("<x:Own xmlns:x=\"urn:x\" s:mustUnderstand=\"1\"/>", GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH))), "ErrorInvalidRequest"));
}

/* A MailboxData may be nil: it keeps its place and fails alone. What is not nil must be whole, and what is nil must be empty. */
static void test_nil(void)
{
#define NIL(value, inside) "<t:MailboxData xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"" value "\">" inside "</t:MailboxData>"
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("a@b.example") NIL("true", "") NIL("1", " <!-- x --> ") MAILBOX("c@b.example")) OPTIONS(MARCH))));

	CHECK_STR(r->fault.code, NULL);
	if (CHECK_INT(r->query.n, 4)) {
		CHECK_STR(r->query.mailboxes[1].address, "");
		CHECK_STR(r->query.mailboxes[1].asked, "");
		CHECK_STR(r->query.mailboxes[3].address, "c@b.example");
	}
	ews_request_free(r);
	CHECK(fault_is(SOAP("", GUA(BOXES(NIL("false", "")) OPTIONS(MARCH))), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES("<t:MailboxData nil=\"true\"/>") OPTIONS(MARCH))), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES(NIL("true", "<t:AttendeeType>Room</t:AttendeeType>")) OPTIONS(MARCH))), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES(NIL("true", "x")) OPTIONS(MARCH))), "ErrorSchemaValidation"));
}

static void test_utf16(void)
{
	const char *text = SOAP("", GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH)));
	const char *declared = "<?xml version=\"1.0\" encoding=\"utf-16\"?>";
	char wide[8192] = "\xff\xfe", big[8192] = "\xfe\xff";
	size_t n = 2;
	struct ews_request *r;

	for (const char *part = declared; part; part = part == declared ? text : NULL)
		for (const char *p = part; *p; p++, n += 2) {
			wide[n] = *p;
			big[n + 1] = *p;
		}
	for (int i = 0; i < 2; i++) {
		r = ews_read(i ? big : wide, n);
		CHECK_STR(r->fault.code, NULL);
		CHECK_INT(r->query.n, 1);
		ews_request_free(r);
	}
	r = ews_read(wide, n - 1);
	CHECK_STR(r->fault.code, "ErrorSchemaValidation");
	ews_request_free(r);
}

static void test_schema(void)
{
	CHECK(fault_is(ASK(OPTIONS(VIEW("FreeBusy") MARCH)), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(MARCH MARCH)), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS("<t:TimeWindow><t:StartTime>2026-03-26T00:00:00</t:StartTime></t:TimeWindow>")), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(VIEW("FreeBusy"))), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(MARCH "words")), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(OPTIONS(MARCH "<m:RequestedView>FreeBusy</m:RequestedView>")), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(GOOD_OPTIONS)), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES("<t:MailboxData><t:Email><t:Address>a@b.example</t:Address></t:Email></t:MailboxData>") GOOD_OPTIONS)), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES("<t:MailboxData><t:Email><t:Address>a@b.example</t:Address></t:Email><t:AttendeeType>Guest</t:AttendeeType></t:MailboxData>") GOOD_OPTIONS)),
	               "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(BOXES("<t:MailboxData><t:Email><t:Address>a@b.example</t:Address></t:Email><t:AttendeeType>Room</t:AttendeeType>"
	                                  "<t:ExcludeConflicts>yes</t:ExcludeConflicts></t:MailboxData>") GOOD_OPTIONS)), "ErrorSchemaValidation"));
	CHECK(fault_is("<s:Envelope" XMLNS "></s:Envelope>", "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", ""), "ErrorInvalidRequest"));
	CHECK(fault_is(SOAP("", "<m:DeleteItem/>"), "ErrorInvalidRequest"));
	CHECK(fault_is(SOAP("", "<m:GetFolder/><m:GetFolder/>"), "ErrorSchemaValidation"));
	CHECK(fault_is("", "ErrorSchemaValidation"));
	CHECK(fault_is("hello", "ErrorSchemaValidation"));
	CHECK(fault_is("<a>", "ErrorSchemaValidation"));
}

/* The place of the violation is told: line and column of the element that should not be there. */
static void test_place(void)
{
	struct ews_request *r = read_text("<s:Envelope" XMLNS ">\n<s:Body>\n\n <m:GetUserAvailabilityRequest><t:Wrong/></m:GetUserAvailabilityRequest></s:Body></s:Envelope>");

	CHECK_STR(r->fault.code, "ErrorSchemaValidation");
	CHECK_INT(r->fault.line, 4);
	CHECK(r->fault.column > 30 && r->fault.column < 50);
	CHECK(r->fault.violation && strstr(r->fault.violation, "Wrong"));
	ews_request_free(r);
}

static void test_bombs(void)
{
	static char big[1100000];
	size_t n;

	CHECK(fault_says("<!DOCTYPE s [<!ENTITY a \"b\">]>" SOAP("", ""), "document type"));
	CHECK(fault_says("<!DOCTYPE s SYSTEM \"file:///etc/passwd\">" SOAP("", ""), "document type"));
	CHECK(fault_is(SOAP("", GUA(BOXES(MAILBOX("&undeclared;")) GOOD_OPTIONS)), "ErrorSchemaValidation"));
	CHECK(fault_says("<?xml version=\"1.0\" encoding=\"EBCDIC-US\"?>" SOAP("", ""), "encoding is not supported"));
	CHECK(fault_is(SOAP("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"../../../etc/passwd\"/></t:TimeZoneContext>", GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH))),
	               "ErrorTimeZone"));
	strcpy(big, "<s:Envelope" XMLNS "><s:Header>");
	for (int i = 0; i < 64; i++)
		strcat(big, "<a>");
	CHECK(fault_says(big, "nested more than 64 deep"));
	/* A start tag of very many attributes would cost libxml2 the square of their number. */
	n = (size_t)sprintf(big, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"");
	for (int i = 0; n < 500000; i++)
		n += (size_t)sprintf(big + n, " a%d='>'", i);
	strcpy(big + n, "/>");
	CHECK(fault_says(big, "too many attributes"));
	n = (size_t)sprintf(big, "<s:Envelope" XMLNS ">");
	for (int d = 0; d < 5; d++) {
		n += (size_t)sprintf(big + n, "<s:Header");
		for (int i = 0; i < 60; i++)
			n += (size_t)sprintf(big + n, " xmlns:n%d='u'", d * 60 + i);
		n += (size_t)sprintf(big + n, ">");
	}
	CHECK(fault_says(big, "more than 256 namespaces"));
	CHECK(fault_is(SOAP("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"UTC\"/><t:TimeZoneDefinition Id=\"UTC\"/></t:TimeZoneContext>", "<m:GetFolder/>"),
	               "ErrorSchemaValidation"));
	memset(big, ' ', sizeof big - 1);
	CHECK(fault_says(big, "over 524288 bytes"));
	/* One text over its cap. */
	n = (size_t)sprintf(big, "<s:Envelope" XMLNS "><s:Body>" "<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Name>");
	memset(big + n, 'x', 70000);
	strcpy(big + n + 70000, "</t:Name></t:Email>");
	CHECK(fault_says(big, "text of element Name is over 65536 bytes"));
}

/* What a request that was broken off in its middle had declared is nothing to the next one. */
static void test_apart(void)
{
	const char *stranger = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>" GUA(BERLIN BOXES(MAILBOX("ada@b.example")) GOOD_OPTIONS)
	                       "</s:Body></s:Envelope>";

	CHECK(fault_says(stranger, "not well-formed"));
	CHECK(fault_is("<s:Envelope" XMLNS "><s:Body>", "ErrorSchemaValidation"));
	CHECK(fault_says("<s:Envelope" XMLNS "><s:Body><m:GetUserAvailabilityRequest><t:Wrong/>", "Wrong"));
	CHECK(fault_says(stranger, "not well-formed"));
}

static void test_suggestions(void)
{
	struct ews_request *r = read_text(SOAP("", GUA(BERLIN BOXES(MAILBOX("a@b.example"))
		"<t:SuggestionsViewOptions><t:MaximumResultsByDay>3</t:MaximumResultsByDay><t:MeetingDurationInMinutes>30</t:MeetingDurationInMinutes>"
		"<t:DetailedSuggestionsWindow><t:StartTime>2026-03-30T00:00:00</t:StartTime><t:EndTime>2026-03-31T00:00:00</t:EndTime>"
		"</t:DetailedSuggestionsWindow><t:GlobalObjectId/></t:SuggestionsViewOptions>")));

	CHECK_STR(r->fault.code, NULL);
	CHECK(!r->wants_free_busy && r->suggestions.asked);
	CHECK_INT(r->suggestions.good_threshold, 25);
	CHECK_INT(r->suggestions.max_by_day, 3);
	CHECK_INT(r->suggestions.max_non_work_by_day, 0);
	CHECK_INT(r->suggestions.duration, 30);
	CHECK_INT(r->suggestions.minimum, EWS_FAIR);
	CHECK_INT(r->query.window.start, at("2026-03-29T22:00:00Z"));
	CHECK_INT(r->query.window.end, at("2026-03-30T22:00:00Z"));
	CHECK_INT(r->query.view, FB_VIEW_MERGED | FB_VIEW_EVENTS);
	ews_request_free(r);
	CHECK(fault_is(ASK("<t:SuggestionsViewOptions/>"), "ErrorSchemaValidation"));
	CHECK(fault_is(ASK(GOOD_OPTIONS "<t:SuggestionsViewOptions><t:MeetingDurationInMinutes>7</t:MeetingDurationInMinutes></t:SuggestionsViewOptions>"),
	               "ErrorInvalidArgument"));
}

/* Every recorded request is read: those of Exchange.asmx without a fault. */
static void test_captures(void)
{
	DIR *dir = opendir("tests/captures");
	size_t met = 0;

	CHECK(dir != NULL);
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		char path[512];
		struct buf b;
		const char *text, *body;
		struct ews_request *r;

		buf_init(&b, 1 << 20);
		snprintf(path, sizeof path, "tests/captures/%s", e->d_name);
		if (e->d_name[0] != '.' && CHECK(file_read(path, &b) == FILE_OK) && (text = buf_cstr(&b)) && strncasecmp(text, "POST /ews/", 10) == 0 &&
		    (body = strstr(text, "\r\n\r\n") ? strstr(text, "\r\n\r\n") + 4 : strstr(text, "\n\n") ? strstr(text, "\n\n") + 2 : NULL) && *body == '<') {
			met++;
			r = read_text(body);
			if (!CHECK(r->operation != EWS_UNKNOWN && !r->fault.code))
				fprintf(stderr, "\t%s: %s\n", e->d_name, r->fault.text);
			ews_request_free(r);
		}
		buf_free(&b);
	}
	CHECK(met > 40);
	if (dir)
		closedir(dir);
}

/* No truncation and no single changed byte does anything but give a request or a fault (run under the sanitizers). */
static void test_mutations(void)
{
	char text[] = SOAP("<t:RequestServerVersion Version=\"Exchange2013\"/><t:TimeZoneContext><t:TimeZoneDefinition Id=\"x\"><t:Periods><t:Period Bias=\"PT1H\" Id=\"a\"/>"
	                   "</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id=\"0\"><t:Transition><t:To Kind=\"Period\">a</t:To></t:Transition></t:TransitionsGroup>"
	                   "</t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition></t:TimeZoneContext>",
	                   GUA(BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH INTERVAL("30") VIEW("FreeBusy"))));
	size_t n = strlen(text), answered = 0;
	static const char instead[] = {0, '<', '>', '&', '"', '/', '\x80', '\xff', '0', ' '};

	for (size_t i = 0; i < n; i++) {
		struct ews_request *r = ews_read(text, i);

		answered += r->fault.code != NULL;
		ews_request_free(r);
	}
	CHECK_INT(answered, n);
	for (size_t i = 0; i < n; i++) {
		char kept = text[i];

		text[i] = instead[i % sizeof instead];
		ews_request_free(ews_read(text, n));
		text[i] = kept;
	}
	CHECK(fault_is(text, NULL));
}

/* For tests/schema/requests.py: what we say to each file, "none" being no fault. */
static int judge(char **files)
{
	for (; *files; files++) {
		struct buf xml;
		struct ews_request *r;

		buf_init(&xml, 1 << 20);
		if (file_read(*files, &xml) != FILE_OK)
			return 1;
		r = ews_read(buf_ptr(&xml), xml.len);
		printf("%s %s %s\n", *files, r->fault.code ? r->fault.code : "none", r->fault.text ? r->fault.text : "");
		ews_request_free(r);
		buf_free(&xml);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return judge(argv + 1);
	test_plain();
	test_views();
	test_limits();
	test_lenient();
	test_nil();
	test_utf16();
	test_schema();
	test_place();
	test_bombs();
	test_apart();
	test_suggestions();
	test_captures();
	test_mutations();
	return check_done();
}
