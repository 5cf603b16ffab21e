/* links: base availability ews acl conf pki */
/* Zones in requests, and GetServerTimeZones whose answer is read back as a TimeZoneContext. With a folder as its argument it leaves the answers there. */
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"
#include "bridge/ews/response.h"

#define REST BOXES(MAILBOX("a@b.example")) OPTIONS(MARCH)

/* Seconds east at ${when} in the zone of the request ${xml}; or its fault as text on stderr and INT32_MIN. */
static int offset(const char *xml, const char *when)
{
	struct ews_request *r = read_text(xml);
	int east = r->fault.code ? INT32_MIN : fb_zone_offset(r->zone, at(when));

	if (r->fault.code)
		fprintf(stderr, "\t%s: %s\n", r->fault.code, r->fault.text);
	ews_request_free(r);
	return east;
}

static bool fault_is(const char *xml, const char *code)
{
	struct ews_request *r = read_text(xml);
	bool ok = r->fault.code && strcmp(r->fault.code, code) == 0;

	ews_request_free(r);
	return ok;
}

static void test_serializable(void)
{
	/* No daylight: Month 0 (evolution), or equal biases with odd rules (DavMail). */
	const char *evolution = SOAP("", GUA(ZONE("-330", HALF("StandardTime", "0", "00:00:00", "0", "0", "Sunday"),
	                                          HALF("DaylightTime", "0", "00:00:00", "0", "0", "Sunday")) REST));
	const char *davmail = SOAP("", GUA(ZONE("0", HALF("StandardTime", "0", "02:00:00", "1", "3", "Sunday"),
	                                        HALF("DaylightTime", "0", "02:00:00", "1", "10", "Sunday")) REST));
	/* South of the equator: daylight from October to April. */
	const char *sydney = SOAP("", GUA(ZONE("-600", HALF("StandardTime", "0", "03:00:00", "1", "4", "Sunday"),
	                                       HALF("DaylightTime", "-60", "02:00:00", "1", "10", "Sunday")) REST));
	/* Pacific: 480 west; an inner bias of standard time counts too. */
	const char *pacific = SOAP("", GUA(ZONE("420", HALF("StandardTime", "60", "02:00:00", "1", "11", "Sunday"),
	                                        HALF("DaylightTime", "0", "02:00:00", "2", "3", "Sunday")) REST));

	CHECK_INT(offset(evolution, "2026-07-01T00:00:00Z"), 19800);
	CHECK_INT(offset(davmail, "2026-07-01T00:00:00Z"), 0);
	CHECK_INT(offset(sydney, "2026-01-15T00:00:00Z"), 39600);
	CHECK_INT(offset(sydney, "2026-07-01T00:00:00Z"), 36000);
	CHECK_INT(offset(sydney, "2026-04-04T15:59:59Z"), 39600);
	CHECK_INT(offset(sydney, "2026-04-04T16:00:00Z"), 36000);
	CHECK_INT(offset(pacific, "2026-01-15T00:00:00Z"), -28800);
	CHECK_INT(offset(pacific, "2026-03-08T10:00:00Z"), -25200);
	CHECK_INT(offset(pacific, "2026-03-08T09:59:59Z"), -28800);
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", HALF("StandardTime", "0", "03:00:00", "9", "10", "Sunday"), HALF("DaylightTime", "-60", "02:00:00", "5", "3", "Sunday")) REST)),
	               "ErrorTimeZone"));
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", HALF("StandardTime", "0", "03:00:00", "5", "10", "Weekday"), HALF("DaylightTime", "-60", "02:00:00", "5", "3", "Sunday")) REST)),
	               "ErrorTimeZone"));
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", HALF("StandardTime", "0", "3am", "5", "10", "Sunday"), HALF("DaylightTime", "-60", "02:00:00", "5", "3", "Sunday")) REST)),
	               "ErrorTimeZone"));
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", HALF("StandardTime", "0", "03:00:00", "5", "10", "Someday"), HALF("DaylightTime", "-60", "02:00:00", "5", "3", "Sunday")) REST)),
	               "ErrorSchemaValidation"));
	/* Daylight that begins when it ends is no rule; where it changes nothing it is no daylight. */
	CHECK(fault_is(SOAP("", GUA(ZONE("-180", HALF("StandardTime", "0", "00:00:00", "1", "1", "Sunday"), HALF("DaylightTime", "-60", "00:00:00", "1", "1", "Sunday")) REST)),
	               "ErrorTimeZone"));
	CHECK_INT(offset(SOAP("", GUA(ZONE("-180", HALF("StandardTime", "0", "00:00:00", "1", "1", "Sunday"), HALF("DaylightTime", "0", "00:00:00", "1", "1", "Sunday")) REST)),
	                 "2026-07-01T00:00:00Z"), 10800);
}

#define YEAR_HALF(name, bias, time, day, month, year) \
	"<t:" name "><t:Bias>" bias "</t:Bias><t:Time>" time "</t:Time><t:DayOrder>" day "</t:DayOrder><t:Month>" month \
	"</t:Month><t:DayOfWeek>Monday</t:DayOfWeek><t:Year>" year "</t:Year></t:" name ">"

/* With a Year the DayOrder is a day of the month. */
static void test_year(void)
{
	const char *x = SOAP("", GUA(ZONE("-60", YEAR_HALF("StandardTime", "0", "03:00:00", "20", "9", "2026"),
	                                  YEAR_HALF("DaylightTime", "-60", "02:00:00", "10", "4", "2026")) REST));

	CHECK_INT(offset(x, "2026-04-10T00:59:59Z"), 3600);
	CHECK_INT(offset(x, "2026-04-10T01:00:00Z"), 7200);
	CHECK_INT(offset(x, "2026-09-20T00:59:59Z"), 7200);
	CHECK_INT(offset(x, "2026-09-20T01:00:00Z"), 3600);
}

#define NO_WEEKDAY(name, bias, day, month, year) \
	"<t:" name "><t:Bias>" bias "</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>" day "</t:DayOrder><t:Month>" month "</t:Month>" year "</t:" name ">"

/* What .NET makes of Moscow and of fixed dates for Exchange 2007: a year, and no weekday. Without either nobody knows the day. */
static void test_managed_api(void)
{
	CHECK_INT(offset(SOAP("", GUA(ZONE("-180", NO_WEEKDAY("StandardTime", "0", "1", "1", "<t:Year>2026</t:Year>"),
	                                   NO_WEEKDAY("DaylightTime", "0", "1", "1", "<t:Year>2026</t:Year>")) REST)), "2026-07-01T00:00:00Z"), 10800);
	CHECK_INT(offset(SOAP("", GUA(ZONE("-60", NO_WEEKDAY("StandardTime", "0", "20", "9", "<t:Year>2026</t:Year>"),
	                                   NO_WEEKDAY("DaylightTime", "-60", "10", "4", "<t:Year>2026</t:Year>")) REST)), "2026-07-01T00:00:00Z"), 7200);
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", NO_WEEKDAY("StandardTime", "0", "5", "10", ""), NO_WEEKDAY("DaylightTime", "-60", "5", "3", "")) REST)), "ErrorSchemaValidation"));
	CHECK(fault_is(SOAP("", GUA(ZONE("-60", NO_WEEKDAY("StandardTime", "0", "5", "10", "<t:Year>0</t:Year>"),
	                                 NO_WEEKDAY("DaylightTime", "-60", "5", "3", "<t:Year>0</t:Year>")) REST)), "ErrorSchemaValidation"));
}

#define CONTEXT(definition) SOAP("<t:TimeZoneContext>" definition "</t:TimeZoneContext>", GUA(REST))

static void test_context(void)
{
	const char *named = CONTEXT("<t:TimeZoneDefinition Id=\"W. Europe Standard Time\" Name=\"(UTC+01:00) Berlin\"/>");

	CHECK_INT(offset(named, "2026-07-01T00:00:00Z"), 7200);
	CHECK_INT(offset(CONTEXT("<t:TimeZoneDefinition Id=\"America/New_York\"></t:TimeZoneDefinition>"), "2026-07-01T00:00:00Z"), -14400);
	CHECK(fault_is(CONTEXT("<t:TimeZoneDefinition Id=\"Nowhere Standard Time\"/>"), "ErrorTimeZone"));
	CHECK(fault_is(CONTEXT("<t:TimeZoneDefinition Name=\"x\"/>"), "ErrorTimeZone"));
	/* The element in the body counts before the header. */
	CHECK_INT(offset(SOAP("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"Tokyo Standard Time\"/></t:TimeZoneContext>", GUA(BERLIN REST)), "2026-01-01T00:00:00Z"), 3600);
	/* Neither: UTC. */
	CHECK_INT(offset(SOAP("", GUA(REST)), "2026-07-01T00:00:00Z"), 0);
	/* One period. */
	CHECK_INT(offset(CONTEXT("<t:TimeZoneDefinition Id=\"Own\"><t:Periods><t:Period Bias=\"-P0DT5H45M0.0S\" Name=\"Standard\" Id=\"a\"/></t:Periods>"
	                         "<t:Transitions><t:Transition><t:To Kind=\"Period\">a</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>"),
	                 "2026-07-01T00:00:00Z"), 20700);
	CHECK(fault_is(CONTEXT("<t:TimeZoneDefinition Id=\"Own\"><t:Periods><t:Period Bias=\"PT1H\" Id=\"a\"/></t:Periods><t:Transitions><t:Transition>"
	                       "<t:To Kind=\"Period\">b</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>"), "ErrorTimeZone"));
	CHECK(fault_is(CONTEXT("<t:TimeZoneDefinition Id=\"Own\"><t:Periods><t:Period Bias=\"1h\" Id=\"a\"/></t:Periods></t:TimeZoneDefinition>"), "ErrorSchemaValidation"));
}

#define PERIODS "<t:Periods><t:Period Bias=\"PT8H\" Name=\"Standard\" Id=\"s\"/><t:Period Bias=\"PT7H\" Name=\"Daylight\" Id=\"d\"/></t:Periods>"
#define DAY_CHANGE(to, month, occurrence) "<t:RecurringDayTransition><t:To Kind=\"Period\">" to "</t:To><t:TimeOffset>PT2H</t:TimeOffset><t:Month>" month \
	"</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>" occurrence "</t:Occurrence></t:RecurringDayTransition>"
#define DATE_CHANGE(to, month, day) "<t:RecurringDateTransition><t:To Kind=\"Period\">" to "</t:To><t:TimeOffset>PT2H</t:TimeOffset><t:Month>" month \
	"</t:Month><t:Day>" day "</t:Day></t:RecurringDateTransition>"
#define GROUP(id, inside) "<t:TransitionsGroup Id=\"" id "\">" inside "</t:TransitionsGroup>"

/* The United States: April to October until 2006, March to November from 2007. */
static void test_full_definition(void)
{
	const char *x = CONTEXT("<t:TimeZoneDefinition Id=\"Own\">" PERIODS "<t:TransitionsGroups>" GROUP("0", DAY_CHANGE("d", "4", "1") DAY_CHANGE("s", "10", "-1"))
	                        GROUP("1", DAY_CHANGE("d", "3", "2") DAY_CHANGE("s", "11", "1")) GROUP("2", DATE_CHANGE("d", "5", "3") DATE_CHANGE("s", "8", "30"))
	                        "</t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">0</t:To></t:Transition>"
	                        "<t:AbsoluteDateTransition><t:To Kind=\"Group\">1</t:To><t:DateTime>2007-01-01T00:00:00</t:DateTime></t:AbsoluteDateTransition>"
	                        "<t:AbsoluteDateTransition><t:To Kind=\"Group\">2</t:To><t:DateTime>2030-01-01T00:00:00Z</t:DateTime></t:AbsoluteDateTransition>"
	                        "</t:Transitions></t:TimeZoneDefinition>");

	CHECK_INT(offset(x, "2005-04-03T09:59:59Z"), -28800);
	CHECK_INT(offset(x, "2005-04-03T10:00:00Z"), -25200);
	CHECK_INT(offset(x, "2005-10-30T08:59:59Z"), -25200);
	CHECK_INT(offset(x, "2005-10-30T09:00:00Z"), -28800);
	CHECK_INT(offset(x, "2026-03-08T10:00:00Z"), -25200);
	CHECK_INT(offset(x, "2026-11-01T08:59:59Z"), -25200);
	CHECK_INT(offset(x, "2026-11-01T09:00:00Z"), -28800);
	CHECK_INT(offset(x, "2031-05-03T09:59:59Z"), -28800);
	CHECK_INT(offset(x, "2031-05-03T10:00:00Z"), -25200);
	CHECK_INT(offset(x, "2031-08-30T09:00:00Z"), -28800);
}

/* A zone whose changes follow the moon has a group for each year, as Windows has them up to 2088; of two changes in a month either may be written first. */
static void test_every_year(void)
{
	struct buf xml;

	buf_init(&xml, 1 << 20);
	buf_puts(&xml, "<s:Envelope" XMLNS "><s:Header><t:TimeZoneContext><t:TimeZoneDefinition Id=\"Own\"><t:Periods><t:Period Bias=\"-PT1H\" Id=\"s\"/>");
	for (int y = 2008; y <= 2088; y++)
		buf_printf(&xml, "<t:Period Bias=\"PT0S\" Id=\"d/%d\"/>", y);
	buf_puts(&xml, "</t:Periods><t:TransitionsGroups>");
	for (int y = 2008; y <= 2088; y++)
		buf_printf(&xml, GROUP("%d", DATE_CHANGE("s", "5", "%d") DATE_CHANGE("d/%d", "5", "%d")), y, y % 10 + 20, y, y % 10 + 2);
	buf_puts(&xml, "</t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">2008</t:To></t:Transition>");
	for (int y = 2009; y <= 2088; y++)
		buf_printf(&xml, "<t:AbsoluteDateTransition><t:To Kind=\"Group\">%d</t:To><t:DateTime>%d-01-01T00:00:00</t:DateTime></t:AbsoluteDateTransition>", y, y);
	buf_puts(&xml, "</t:Transitions></t:TimeZoneDefinition></t:TimeZoneContext></s:Header><s:Body>" GUA(REST) "</s:Body></s:Envelope>");
	CHECK_INT(offset(buf_cstr(&xml), "2026-05-08T00:59:59Z"), 3600);
	CHECK_INT(offset(buf_cstr(&xml), "2026-05-08T01:00:00Z"), 0);
	CHECK_INT(offset(buf_cstr(&xml), "2026-05-26T01:59:59Z"), 0);
	CHECK_INT(offset(buf_cstr(&xml), "2026-05-26T02:00:00Z"), 3600);
	CHECK_INT(offset(buf_cstr(&xml), "2087-05-08T12:00:00Z"), 3600);
	CHECK_INT(offset(buf_cstr(&xml), "2087-05-09T12:00:00Z"), 0);
	buf_free(&xml);
}

/* The answer to GetServerTimeZones for ${id}, in out. */
static const char *zones(const char *id, const char *name)
{
	char xml[2048];
	struct ews_request *r;

	snprintf(xml, sizeof xml, "<s:Envelope" XMLNS "><s:Body><m:GetServerTimeZones ReturnFullTimeZoneData=\"true\">%s%s%s</m:GetServerTimeZones></s:Body></s:Envelope>",
	         id ? "<m:Ids><t:Id>" : "", id ? id : "", id ? "</t:Id></m:Ids>" : "");
	r = read_text(xml);
	CHECK_STR(r->fault.code, NULL);
	buf_reset(&out);
	CHECK_INT(ews_write_other(&out, r, ""), 200);
	ews_request_free(r);
	return leave(name);
}

/* What the server tells of a zone, read back as a request's TimeZoneContext, is the zone: every three hours of twenty years. */
static void test_round_trip(const char *id)
{
	char name[64], *slash;
	const char *x, *start, *end;
	const struct fb_zone *z = fb_zone_named(id);
	struct ews_request *r;
	struct buf xml;
	long wrong = 0;

	snprintf(name, sizeof name, "%s", id);
	if ((slash = strchr(name, '/')) != NULL)
		*slash = ' ';
	x = zones(id, name);
	start = strstr(x, "<t:TimeZoneDefinition ");
	end = strstr(x, "</m:TimeZoneDefinitions>");
	if (!CHECK(start && end && z))
		return;
	buf_init(&xml, 1 << 20);
	buf_puts(&xml, "<s:Envelope" XMLNS "><s:Header><t:TimeZoneContext>");
	buf_add(&xml, start, (size_t)(end - start));
	buf_puts(&xml, "</t:TimeZoneContext></s:Header><s:Body>" GUA(REST) "</s:Body></s:Envelope>");
	r = ews_read(buf_ptr(&xml), xml.len);
	if (!CHECK_STR(r->fault.code, NULL))
		fprintf(stderr, "\t%s: %s\n", id, r->fault.text);
	else
		for (int64_t t = at("2015-01-02T00:00:00Z"); t < at("2035-12-30T00:00:00Z"); t += 3 * 3600)
			wrong += fb_zone_offset(z, t) != fb_zone_offset(r->zone, t);
	if (!CHECK_INT(wrong, 0))
		fprintf(stderr, "\t%s\n", id);
	ews_request_free(r);
	buf_free(&xml);
}

static void test_server_zones(void)
{
	const char *x;

	test_round_trip("W. Europe Standard Time");
	test_round_trip("Europe/Berlin");
	test_round_trip("Pacific Standard Time");
	test_round_trip("AUS Eastern Standard Time");
	test_round_trip("India Standard Time");
	test_round_trip("Nepal Standard Time");
	test_round_trip("UTC");
	test_round_trip("GMT Standard Time");
	test_round_trip("Newfoundland Standard Time");
	/* The last Sunday is -1, the only word for it that clients know; a period's Bias is what is added to local time to get UTC. */
	x = strstr(zones("Pacific Standard Time", "pacific"), "<t:TransitionsGroup Id=\"01\">");
	CHECK(x && strstr(x, "<t:TimeOffset>PT2H0M</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>2</t:Occurrence>"));
	CHECK(strstr(buf_cstr(&out), "Bias=\"PT8H0M\" Name=\"Standard\""));
	x = zones("W. Europe Standard Time", "berlin");
	CHECK(strstr(x, "<t:TimeOffset>PT3H0M</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence>"));
	CHECK(strstr(x, "Bias=\"-PT1H0M\" Name=\"Standard\""));
	x = zones("Nowhere Standard Time", "unknown-zone");
	CHECK(strstr(x, "ResponseClass=\"Error\"") && strstr(x, "ErrorTimeZone"));
	x = zones(NULL, "all-zones");
	CHECK(strstr(x, "Id=\"Tokyo Standard Time\"") && strstr(x, "Id=\"Morocco Standard Time\""));
	CHECK(!out.failed);
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : NULL;
	buf_init(&out, 8 << 20);
	test_serializable();
	test_year();
	test_managed_api();
	test_context();
	test_full_definition();
	test_every_year();
	test_server_zones();
	buf_free(&out);
	return check_done();
}
