/* links: base availability conf dns pki ews acl budget trace backend */
#include "tests/unit/caldav_server.h"

/* CalDAV: a person's events, from one calendar or all of a home. */

static void events(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)), NULL}),
	       FB_OK, NINE_BUSY);
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\nPROPFIND /c/anna/\n");
	/* an empty calendar is free; what is none is not */
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(""), NULL}), FB_OK, "");
	expect("anna@a.example", NO_RULES, FB_NO_ACCESS, "no such thing (404)");
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 207, MULTI(""), NULL}), FB_NO_ACCESS, "no such thing");
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/")), FB_NO_ACCESS, "404");
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 403, NULL, NULL}), FB_NO_ACCESS, "no right");
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 403, NULL, NULL}), FB_NO_ACCESS, "no right");
	/* what goes wrong is said, and is not free */
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 500, NULL, NULL}), FB_CALENDAR_FAILED, "status 500");
	CHECK_INT(health, FETCH_WORKS); /* it may be this mailbox alone */
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 503, NULL, "Retry-After: 7\r\n"}), FB_BUSY,
	       "busy (503)");
	CHECK_INT(health, FETCH_BUSY);
	CHECK_INT(health_pause, 7000);
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 502, NULL, NULL}), FB_CALENDAR_FAILED, "status 502");
	CHECK_INT(health, FETCH_DOWN);
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 401, NULL, NULL}), FB_CALENDAR_FAILED, "refuses our login");
	CHECK_INT(health, FETCH_REFUSED);
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 0, NULL, NULL}), FB_CALENDAR_FAILED, "");
	CHECK_INT(health, FETCH_DOWN);
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 200, "<html>Sign in</html>", NULL}), FB_CALENDAR_FAILED, "status 200");
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 207, "<html>Sign in</html>", NULL}), FB_CALENDAR_FAILED,
	       "multistatus cannot be read");
	expect("anna@a.example",
	       RULES(CALENDAR_RULE("/c/anna/"),
	             {"REPORT /c/anna/", 207, MULTI("<D:response><D:href>/c/anna/1.ics</D:href></D:response>"), NULL}),
	       FB_CALENDAR_FAILED, "without its calendar-data");
	/* what the account may not see may be left out of it, and only that it is there told */
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       DATA("/c/anna/2.ics", "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nEND:VCALENDAR\n")), NULL}),
	       FB_CALENDAR_FAILED, "2.ics with calendar-data in which there is nothing");
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       "<D:response><D:href>/c/anna/2.ics</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>"), NULL}), FB_OK, NINE_BUSY);
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       "<D:response><D:href>/c/anna/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>"), NULL}), FB_CALENDAR_FAILED, "507");
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       DATA("/c/anna/2.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\nDTSTART:20261302T090000Z\nEND:VEVENT\nEND:VCALENDAR\n")),
	       NULL}), FB_CALENDAR_FAILED, "line 4");
	ask_about("anna@a.example", RULES({"PROPFIND /c/anna/", -1, NULL, NULL}), 300);
	CHECK_INT(got.reason, FB_TIMEOUT);
	CHECK_INT(health, FETCH_WORKS); /* the asker had little time: that says nothing against the server */
}

/* All events are asked for, and cut to the window here: dates are in another zone than the server's, and rules are read otherwise by some. */
static void windows(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example",
	       RULES(CALENDAR_RULE("/c/anna/"),
	             {"REPORT /c/anna/\n<C:comp-filter name=\"VEVENT\"/>", 207,
	              MULTI(DATA("/1", EVENT("d", "20260301", "20260302", "")) DATA("/2", EVENT("e", "20260303", "20260304", ""))
	                    DATA("/3", EVENT("f", "20260304T000000Z", "20260305T000000Z", ""))), NULL}),
	       FB_OK, "2026-03-02T23:00:00Z/2026-03-03T23:00:00Z=Busy");
}

#define LISTED(href) PROPS(href, "<D:resourcetype/>")
#define LIST_RULES(status, missing, list) RULES( \
	{"PROPFIND /c/anna/", 207, MULTI(PROPS("/c/anna/", IS_CALENDAR) list), NULL}, \
	{"REPORT /c/anna/\ncalendar-query", 207, MULTI(DATA("/c/anna/1.ics", NINE)), NULL}, \
	{"REPORT /c/anna/\n<D:prop><C:calendar-data/></D:prop><D:href>/c/anna/&amp;2.ics</D:href></C:calendar-multiget>", \
	 status, missing, NULL})

/* What the server lists but does not give is asked for by name; a server that then keeps it to itself has failed. */
static void missing(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example",
	       LIST_RULES(207, MULTI(DATA("/c/anna/&amp;2.ics", EVENT("ten", "20260302T100000Z", "20260302T110000Z", ""))),
	       LISTED("/c/anna/1.ics") LISTED("/c/anna/&amp;2.ics") PROPS("/c/anna/more/", IS_HOME)), FB_OK,
	       NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Busy");
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\nPROPFIND /c/anna/\nREPORT /c/anna/\n");
	expect("anna@a.example", LIST_RULES(404, NULL, LISTED("/c/anna/1.ics")), FB_OK, NINE_BUSY); /* nothing is missing */
	expect("anna@a.example", LIST_RULES(404, NULL, LISTED("/c/anna/%31%2eics")), FB_OK, NINE_BUSY); /* nor is what is spelled otherwise */
	expect("anna@a.example", LIST_RULES(404, NULL, LISTED("/c/anna%2F1.ics")), FB_NO_ACCESS, ""); /* but that is another place */
	expect("anna@a.example", RULES({"PROPFIND /c/anna/", 207, MULTI(PROPS("/c/anna/", IS_CALENDAR) LISTED("/c/anna/%252F1.ics")), NULL},
	       {"REPORT /c/anna/\ncalendar-query", 207, MULTI(DATA("/c/anna/%2F1.ics", NINE)), NULL}), FB_NO_ACCESS, "");
	/* a task, and what is gone by now */
	expect("anna@a.example",
	       LIST_RULES(207, MULTI(DATA("/c/anna/&amp;2.ics", CALENDAR("BEGIN:VTODO\nUID:t\nDTSTART:20260302T120000Z\nEND:VTODO\n"))),
	       LISTED("/c/anna/&amp;2.ics")), FB_OK, NINE_BUSY);
	expect("anna@a.example",
	       LIST_RULES(207, MULTI("<D:response><D:href>/c/anna/&amp;2.ics</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>"),
	       LISTED("/c/anna/&amp;2.ics")), FB_OK, NINE_BUSY);
	expect("anna@a.example",
	       LIST_RULES(207, MULTI("<D:response><D:href>/c/anna/&amp;2.ics</D:href><D:status>HTTP/1.1 403 No</D:status></D:response>"),
	       LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED, "&2.ics without its calendar-data (status 403)");
	expect("anna@a.example", LIST_RULES(207, MULTI(""), LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED,
	       "of 1 events that the server lists it gives 0");
	expect("anna@a.example", LIST_RULES(500, NULL, LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED, "status 500");
	expect("anna@a.example",
	       LIST_RULES(207, MULTI(""),
	                  "<D:response><D:href>/c/anna/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>"),
	       FB_CALENDAR_FAILED, "does not list all");
}

#define STATUS(href, line) "<D:response><D:href>" href "</D:href><D:status>HTTP/1.1 " line "</D:status></D:response>"
#define HOME_RULES(members) {"PROPFIND /p/anna/", 207, MULTI(PROPS("/p/anna/", "<D:resourcetype><D:principal/></D:resourcetype>" \
                             "<C:calendar-home-set><D:href>/h/anna/</D:href></C:calendar-home-set>")), NULL}, \
                            {"PROPFIND /h/anna/", 207, MULTI(PROPS("/h/anna/", IS_HOME "<D:owner><D:href>/p/anna/</D:href></D:owner>") \
                             members), NULL}, \
                            CALENDAR_RULE("/h/anna/one/"), CALENDAR_RULE("/h/anna/two/"), \
                            {"REPORT /h/anna/one/", 207, MULTI(DATA("/1", NINE)), NULL}, \
                            {"REPORT /h/anna/two/", 207, \
                             MULTI(DATA("/2", EVENT("ten", "20260302T100000Z", "20260302T110000Z", "STATUS:TENTATIVE\n"))), NULL}

static void homes(void)
{
	open_engine(CONF_CALDAV_EVENTS, NULL, "/p/{user}/", NULL);
	expect("anna@a.example",
	       RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) PROPS("/h/anna/inbox/", IS_HOME) PROPS("/h/anna/two/", IS_CALENDAR))),
	       FB_OK, NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Tentative");
	CHECK_STR(seen, "PROPFIND /p/anna/\nPROPFIND /h/anna/\n"
	          "REPORT /h/anna/one/\nPROPFIND /h/anna/one/\nREPORT /h/anna/two/\nPROPFIND /h/anna/two/\n");
	/* transparent, for tasks, or another's: no part in this person's time */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR "<D:owner><D:href>/p/anna/</D:href></D:owner>")
	       PROPS("/h/anna/two/", IS_CALENDAR "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>")
	       PROPS("/h/anna/three/",
	             IS_CALENDAR "<C:supported-calendar-component-set><C:comp name=\"VTODO\"/></C:supported-calendar-component-set>")
	       PROPS("/h/anna/four/", IS_CALENDAR "<D:owner><D:href>/p/bob/</D:href></D:owner>"))), FB_OK, NINE_BUSY);
	/* the same owner, written in another way */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR "<D:owner><D:href>/p/anna/</D:href></D:owner>")
	       PROPS("/h/anna/two/", IS_CALENDAR "<D:owner><D:href>/p/anna</D:href></D:owner>"))), FB_OK,
	       NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Tentative");
	/* a copy in another calendar is no version of the same event */
	expect("anna@a.example", RULES(CALENDAR_RULE("/h/anna/one/"), CALENDAR_RULE("/h/anna/two/"),
	       {"REPORT /h/anna/two/", 207, MULTI(DATA("/2", EVENT("nine", "20260302T100000Z", "20260302T110000Z", "SEQUENCE:1\n"))), NULL},
	       HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) PROPS("/h/anna/two/", IS_CALENDAR))), FB_OK,
	       NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Busy");
	/* a home without a calendar that we may see: SOGo has such a one for people who do not exist */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/inbox/", IS_HOME))), FB_NO_ACCESS, "no calendar that our account may see");
	/* one of two calendars fails: the answer would have a hole */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) PROPS("/h/anna/gone/", IS_CALENDAR))), FB_NO_ACCESS,
	       "404");
	/* what may be a calendar and is not shown leaves a hole as well; what is gone does not */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/two/", "403 Forbidden"))),
	       FB_NO_ACCESS, "what it is (403)");
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/", "507 Insufficient Storage"))),
	       FB_CALENDAR_FAILED, "what it is (507)");
	expect("anna@a.example",
	       RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR)
	                        "<D:response><D:href>/h/anna/two/</D:href><D:propstat><D:prop><D:resourcetype/></D:prop>"
	                        "<D:status>HTTP/1.1 500 Oops</D:status></D:propstat></D:response>")),
	       FB_CALENDAR_FAILED, "what it is (500)");
	expect("anna@a.example", RULES(HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/two/", "404 Not Found"))), FB_OK,
	       NINE_BUSY);
	/* hrefs that lead elsewhere are not followed */
	expect("anna@a.example", RULES(HOME_RULES(PROPS("https://evil.example/h/", IS_CALENDAR))), FB_CALENDAR_FAILED,
	       "at another place: https://evil");
	expect("anna@a.example", RULES(HOME_RULES(PROPS("//evil.example/h/", IS_CALENDAR))), FB_CALENDAR_FAILED, "at another place");
	expect("anna@a.example", RULES(HOME_RULES(PROPS("one/", IS_CALENDAR))), FB_CALENDAR_FAILED, "at another place");
	expect("anna@a.example", RULES(HOME_RULES(PROPS("http://localhost/h/anna/one/", IS_CALENDAR))), FB_CALENDAR_FAILED,
	       "at another place");
}

/* Addresses are put into paths in one place, encoded. */
static void addresses(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{domain}/{user}/{address}/", NULL, NULL);
	expect("o'neil+%x?#&@a.example", NO_RULES, FB_NO_ACCESS, "404");
	CHECK_STR(seen, "PROPFIND /c/a.example/o%27neil%2B%25x%3F%23%26/o%27neil%2B%25x%3F%23%26@a.example/\n");
	expect("\xc3\xa4@a.example", NO_RULES, FB_NO_ACCESS, "404");
	CHECK_STR(seen, "PROPFIND /c/a.example/%C3%A4/%C3%A4@a.example/\n");
	/* a base with a placeholder is where a person's calendars are */
	static char base[64];
	open_engine(CONF_CALDAV_EVENTS, NULL, NULL, NULL);
	caldav_engine.close(engine);
	snprintf(base, sizeof base, "https://localhost:%d/b/{user}/", world_port);
	backend.url = base;
	engine = caldav_engine.open(&(struct fetch_site){.loop = world_loop, .http = http, .conf = &conf, .backend = &backend,
	                                                 .health = on_health}, NULL);
	expect("anna@a.example", RULES(CALENDAR_RULE("/b/anna/"), {"REPORT /b/anna/", 207, MULTI(DATA("/1", NINE)), NULL}), FB_OK,
	       NINE_BUSY);
	open_engine(CONF_CALDAV_EVENTS, "https://other.example/{user}/", NULL, NULL);
	expect("anna@a.example", NO_RULES, FB_CALENDAR_FAILED, "leads away from");
	CHECK_STR(seen, "");
}

int main(void)
{
	world_start(answer);
	events();
	windows();
	missing();
	homes();
	addresses();
	close_engine();
	world_end();
	return check_done();
}
