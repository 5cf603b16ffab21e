/* links: base availability conf pki acl ews */
#include "bridge/ews/dav.h"
#include "tests/unit/check.h"

/* What CalDAV servers answer: shapes that Cyrus, Radicale and SOGo send, and what none should. */

static struct arena *arena;
static struct dav_multistatus m;
static struct dav_schedule s;
static struct buf why;

static bool multistatus(const char *xml)
{
	arena_free(arena);
	arena = arena_new(64 << 20);
	buf_reset(&why);
	return dav_multistatus_read(xml, strlen(xml), arena, &m, &why);
}

static bool schedule(const char *xml)
{
	arena_free(arena);
	arena = arena_new(64 << 20);
	buf_reset(&why);
	return dav_schedule_read(xml, strlen(xml), arena, &s, &why);
}

static bool says(const char *what)
{
	bool ok = strstr(buf_cstr(&why), what);
	if (!ok)
		fprintf(stderr, "why: %s\n", buf_cstr(&why));
	return ok;
}

#define MULTI "<D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">"
#define OK_STATUS "<D:status>HTTP/1.1 200 OK</D:status>"

static void properties(void)
{
	/* Cyrus: what is not there in a propstat of its own, calendar-data as CDATA */
	CHECK(multistatus("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" MULTI "<D:response><D:href>/dav/principals/user/bridge/</D:href><D:propstat><D:prop>"
	                  "<D:current-user-principal><D:href>/dav/principals/user/bridge/</D:href></D:current-user-principal>"
	                  "<C:calendar-home-set><D:href>/one/</D:href>\n<D:href>/two/</D:href></C:calendar-home-set>"
	                  "<C:schedule-outbox-URL><D:href>\n /dav/Outbox/ </D:href></C:schedule-outbox-URL><D:resourcetype><D:principal/></D:resourcetype>"
	                  "<C:calendar-user-address-set><D:href>/dav/principals/x/</D:href><D:href>mailto:bridge@a.example</D:href><D:href>mailto:second@a.example</D:href>"
	                  "</C:calendar-user-address-set></D:prop>" OK_STATUS "</D:propstat><D:propstat><D:prop><D:owner><D:href>/no/</D:href></D:owner></D:prop>"
	                  "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response></D:multistatus>"));
	CHECK_INT(m.n, 1);
	const struct dav_response *r = &m.list[0];
	CHECK_STR(r->href, "/dav/principals/user/bridge/");
	CHECK_STR(r->principal, "/dav/principals/user/bridge/");
	CHECK_STR(r->outbox, "/dav/Outbox/");
	CHECK_STR(r->mail, "bridge@a.example");
	CHECK_STR(r->owner, NULL);
	CHECK_INT(r->n_homes, 2);
	CHECK_STR(r->homes[1], "/two/");
	CHECK_INT(r->types, DAV_PRINCIPAL);
	CHECK_INT(r->refused, 404);
	CHECK_INT(r->status, 0);
}

static void types(void)
{
	/* SOGo: the status before the properties, its own types beside ours */
	CHECK(multistatus("<D:multistatus xmlns:D=\"DAV:\" xmlns:a=\"urn:ietf:params:xml:ns:caldav\"><D:response><D:href>/a/</D:href><D:propstat>" OK_STATUS
	                  "<D:prop><D:resourcetype><D:collection/><calendar xmlns=\"urn:ietf:params:xml:ns:caldav\"/>"
	                  "<vevent-collection xmlns=\"http://groupdav.org/\"/><schedule-outbox xmlns=\"urn:ietf:params:xml:ns:caldav\"/></D:resourcetype>"
	                  "<a:schedule-calendar-transp><a:opaque/></a:schedule-calendar-transp><a:supported-calendar-component-set><a:comp name=\"VTODO\"/>"
	                  "<a:comp name=\"VEVENT\"/></a:supported-calendar-component-set></D:prop></D:propstat></D:response>"
	                  "<D:response><D:href>/b/</D:href><D:propstat>" OK_STATUS "<D:prop><D:resourcetype><D:collection/><a:calendar><D:x/></a:calendar></D:resourcetype>"
	                  "<a:schedule-calendar-transp><a:transparent/></a:schedule-calendar-transp>"
	                  "<a:supported-calendar-component-set><a:comp name=\"VTODO\"/></a:supported-calendar-component-set></D:prop></D:propstat></D:response>"
	                  "<D:response><D:href>/c/</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response></D:multistatus>"));
	CHECK_INT(m.n, 3);
	CHECK_INT(m.list[0].types, DAV_COLLECTION | DAV_CALENDAR);
	CHECK(!m.list[0].transparent && !m.list[0].no_events);
	CHECK(m.list[1].transparent && m.list[1].no_events);
	CHECK_INT(m.list[1].types, DAV_COLLECTION | DAV_CALENDAR);
	CHECK_INT(m.list[2].status, 403);
	CHECK_INT(m.list[2].types, 0);
}

/* What SOGo 5.8 says of an account that sees public events, and the date and time of private ones. */
static void rights_by_class(void)
{
	CHECK(multistatus(MULTI "<D:response><D:href>/a/</D:href><D:propstat>" OK_STATUS
	                  "<D:prop><D:current-user-privilege-set xmlns:n2=\"urn:inverse:params:xml:ns:inverse-dav\"><D:privilege><D:read/></D:privilege><D:privilege>"
	                  "<n2:viewwhole-public-records/></D:privilege><D:privilege><n2:viewdant-private-records/></D:privilege><D:privilege>"
	                  "<D:viewdant-confidential-records/></D:privilege></D:current-user-privilege-set></D:prop></D:propstat></D:response></D:multistatus>"));
	CHECK_INT(m.list[0].classes, DAV_PUBLIC | DAV_PRIVATE);
}

static void calendar_data(void)
{
	/* Radicale: another prefix, text instead of CDATA */
	CHECK(multistatus("<?xml version='1.0' encoding='utf-8'?><multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><response><href>/anna/calendar/one.ics</href>"
	                  "<propstat><prop><C:calendar-data>BEGIN:VCALENDAR\nSUMMARY:a &lt; b &amp; c\nEND:VCALENDAR\n</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat>"
	                  "</response><response><href>/anna/calendar/two.ics</href></response></multistatus>"));
	CHECK_INT(m.n, 2);
	CHECK_STR(m.list[0].data, "BEGIN:VCALENDAR\nSUMMARY:a < b & c\nEND:VCALENDAR");
	CHECK_STR(m.list[1].data, NULL);
	CHECK(multistatus("<multistatus xmlns=\"DAV:\" />"));
	CHECK_INT(m.n, 0);
	/* data of a propstat that failed, or that has no status, counts for nothing */
	CHECK(multistatus(MULTI "<D:response><D:href>/x</D:href><D:propstat><D:prop><C:calendar-data>BEGIN:VCALENDAR</C:calendar-data></D:prop></D:propstat>"
	                  "<D:propstat><D:prop><C:calendar-data>BEGIN:VCALENDAR</C:calendar-data></D:prop><D:status>HTTP/1.1 403 No</D:status></D:propstat></D:response></D:multistatus>"));
	CHECK_STR(m.list[0].data, NULL);
	CHECK_INT(m.list[0].refused, 500);
	/* in another namespace it is something else */
	CHECK(multistatus(MULTI "<D:response><D:href>/x</D:href><D:propstat><D:prop><D:calendar-data>BEGIN:VCALENDAR</D:calendar-data></D:prop>" OK_STATUS
	                  "</D:propstat></D:response></D:multistatus>"));
	CHECK_STR(m.list[0].data, NULL);
}

static void schedules(void)
{
	CHECK(schedule("<C:schedule-response xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\"><C:response><C:recipient>\n <D:href>mailto:anna@a.example</D:href>\n"
	               "</C:recipient><C:request-status>2.0;Success</C:request-status><C:calendar-data content-type=\"text/calendar\"><![CDATA[BEGIN:VCALENDAR\n]]>END</C:calendar-data>"
	               "</C:response><C:response><C:recipient><D:href>mailto:x@b.example</D:href></C:recipient><C:request-status>5.1;Service unavailable</C:request-status>"
	               "</C:response></C:schedule-response>"));
	CHECK_INT(s.n, 2);
	CHECK_STR(s.list[0].who, "mailto:anna@a.example");
	CHECK_STR(s.list[0].status, "2.0;Success");
	CHECK_STR(s.list[0].data, "BEGIN:VCALENDAR\nEND");
	CHECK_STR(s.list[1].who, "mailto:x@b.example");
	CHECK_STR(s.list[1].data, NULL);
	/* SOGo: no href */
	CHECK(schedule("<n1:schedule-response xmlns:n1=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\"><n1:response><n1:recipient>mailto:anna@a.example</n1:recipient>"
	               "<n1:request-status>3.7;Invalid Calendar User</n1:request-status></n1:response></n1:schedule-response>"));
	CHECK_STR(s.list[0].who, "mailto:anna@a.example");
	CHECK_STR(s.list[0].status, "3.7;Invalid Calendar User");
	CHECK(!schedule("<schedule-response xmlns=\"DAV:\"/>"));
	CHECK(says("schedule-response"));
}

/* A character that no XML may hold, in one event of a calendar: the others are worth as much as before. */
static void mended(void)
{
	CHECK(multistatus(MULTI "<D:response><D:href>/a</D:href><D:propstat><D:prop><C:calendar-data xmlns:C=\"urn:ietf:params:xml:ns:caldav\">SUMMARY:a&#x1;b\x0b\xff\n&#x1;END"
	                  "</C:calendar-data></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"));
	CHECK_STR(m.list[0].data, "SUMMARY:a?b??\n?END");
}

static void refused(void)
{
	static const struct {
		const char *xml, *why;
	} cases[] = {
		{"", "no XML document"},
		{"<html><body>Sign in</body></html>", "html"},
		{"<multistatus xmlns=\"urn:x\"/>", "another namespace"},
		{"<multistatus/>", "another namespace"},
		{MULTI "<D:response>", "well-formed"},
		{MULTI "</D:multistatus>trailing", "well-formed"},
		{"<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" MULTI "<D:response><D:href>&b;</D:href></D:response></D:multistatus>", "document type"},
		{MULTI "<D:response><D:href>&file;</D:href></D:response></D:multistatus>", "file"},
		{MULTI "<D:response><D:href>/a<b/></D:href></D:response></D:multistatus>", "not expected here"},
		{"<?xml version=\"1.0\" encoding=\"cp037\"?>" MULTI "</D:multistatus>", "encoding"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(!multistatus(cases[i].xml));
		if (!CHECK(says(cases[i].why)))
			fprintf(stderr, "of %s\n", cases[i].xml);
		CHECK_INT(m.n, 0);
	}
}

/* ${n} times ${one} between ${head} and ${foot}. */
static const char *many(struct buf *b, const char *head, const char *one, size_t n, const char *foot)
{
	buf_reset(b);
	buf_puts(b, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(b, one);
	buf_puts(b, foot);
	return buf_cstr(b);
}

static void hostile(void)
{
	struct buf b;
	buf_init(&b, 128 << 20);
	CHECK(multistatus(many(&b, MULTI, "<D:response/>", DAV_MAX_RESPONSES, "</D:multistatus>")));
	CHECK_INT(m.n, DAV_MAX_RESPONSES);
	CHECK(!multistatus(many(&b, MULTI, "<D:response/>", 1000 * 1000, "</D:multistatus>")));
	CHECK(says("more than 20000 responses"));
	CHECK(!multistatus(many(&b, MULTI, "<D:response><D:href>/x</D:href></D:response>", 1000 * 1000, "</D:multistatus>")));
	CHECK(says("over 16777216 bytes"));
	CHECK(!multistatus(many(&b, MULTI, "<D:response>", 10000, "")));
	CHECK(says("nested more than"));
	CHECK(!multistatus(many(&b, MULTI "<D:response><D:href>", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 400 * 1000, "</D:href></D:response></D:multistatus>")));
	CHECK(says("over 8388608 bytes"));
	/* with more homes than we go to one would be left out, and its calendars with it */
	static const char homes[] = MULTI "<D:response><D:propstat><D:prop><C:calendar-home-set>",
	                  more[] = "</C:calendar-home-set></D:prop>" OK_STATUS "</D:propstat><D:propstat><D:prop><C:calendar-home-set><D:href>/h/</D:href>",
	                  end[] = "</C:calendar-home-set></D:prop>" OK_STATUS "</D:propstat></D:response></D:multistatus>";
	CHECK(multistatus(many(&b, homes, "<D:href>/h/</D:href>", DAV_MAX_HOMES, end)));
	CHECK_INT(m.list[0].n_homes, DAV_MAX_HOMES);
	CHECK(!multistatus(many(&b, homes, "<D:href>/h/</D:href>", DAV_MAX_HOMES + 1, end)));
	CHECK(says("more than 4 calendar homes"));
	CHECK(!multistatus(many(&b, homes, more, DAV_MAX_HOMES + 1, end)));
	CHECK(says("more than 4 calendar homes"));
	/* the arena bounds what is kept */
	struct arena *small = arena_new(4096);
	const char *xml = many(&b, MULTI, "<D:response><D:href>/xxxxxxxxxxxxxxxxxxxxxxxxxxx</D:href></D:response>", 1000, "</D:multistatus>");
	CHECK(!dav_multistatus_read(xml, strlen(xml), small, &m, &why));
	CHECK(says("memory"));
	arena_free(small);
	buf_free(&b);
}

int main(void)
{
	buf_init(&why, 4096);
	properties();
	types();
	rights_by_class();
	calendar_data();
	schedules();
	mended();
	refused();
	hostile();
	arena_free(arena);
	buf_free(&why);
	return check_done();
}
