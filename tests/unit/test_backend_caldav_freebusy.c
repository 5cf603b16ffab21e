/* links: base availability conf dns pki ews acl budget trace backend */
#include "tests/unit/caldav_server.h"

/* CalDAV: VFREEBUSY, by a report, from a URL or through an outbox. */

#define REPORT_RULES(status, body, headers) RULES({"REPORT /c/anna/", status, body, headers})

static void reports(void)
{
	open_engine(CONF_CALDAV_REPORT, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY "FREEBUSY:20260302T090000Z/PT1H\n"
	       "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260302T110000Z/20260302T120000Z\n"
	       "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260302T130000Z/PT1H,20260302T150000Z/PT1H\n"
	       "FREEBUSY;FBTYPE=X-LUNCH:20260302T170000Z/PT1H\nFREEBUSY;FBTYPE=FREE:20260302T190000Z/PT1H\n"), TEXT), FB_OK,
	       NINE_BUSY " 2026-03-02T11:00:00Z/2026-03-02T12:00:00Z=Tentative 2026-03-02T13:00:00Z/2026-03-02T14:00:00Z=OOF "
	       "2026-03-02T15:00:00Z/2026-03-02T16:00:00Z=OOF 2026-03-02T17:00:00Z/2026-03-02T18:00:00Z=Busy "
	       "2026-03-02T19:00:00Z/2026-03-02T20:00:00Z=Free");
	CHECK(strstr(last_body, "<C:time-range start=\"20260302T000000Z\" end=\"20260303T000000Z\"/>"));
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), TEXT), FB_OK, "");
	/* of what it does not speak there is no data */
	expect("anna@a.example",
	       REPORT_RULES(200, FREEBUSY("DTSTART:20260302T060000Z\nDTEND:20260302T180000Z\nFREEBUSY:20260302T090000Z/PT1H\n"), TEXT),
	       FB_OK, "2026-03-02T00:00:00Z/2026-03-02T06:00:00Z=NoData " NINE_BUSY " 2026-03-02T18:00:00Z/2026-03-03T00:00:00Z=NoData");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("DTSTART:20260402T060000Z\nDTEND:20260402T180000Z\n"), TEXT), FB_OK,
	       "2026-03-02T00:00:00Z/2026-03-03T00:00:00Z=NoData");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("FREEBUSY:20260302T090000Z/PT1H\n"), TEXT), FB_CALENDAR_FAILED,
	       "does not say which time");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("DTSTART:20260302T000000\nDTEND:20260303T000000\n"), TEXT), FB_CALENDAR_FAILED,
	       "does not say which time");
	expect("anna@a.example", REPORT_RULES(200, CALENDAR(""), TEXT), FB_CALENDAR_FAILED, "no VFREEBUSY");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY "FREEBUSY:20260302T090000Z\n"), TEXT), FB_CALENDAR_FAILED, "no period");
	expect("anna@a.example", REPORT_RULES(200, "BEGIN:VCALENDAR\n", TEXT), FB_CALENDAR_FAILED, "cut off");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), "Content-Type: text/html\r\n"), FB_CALENDAR_FAILED,
	       "not text/calendar");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), NULL), FB_CALENDAR_FAILED, "not text/calendar");
	/* what does not know the report is no failure of the mailbox's, but with no other way left it is */
	expect("anna@a.example", REPORT_RULES(207, MULTI("<D:response><D:href>/c/anna/1.ics</D:href></D:response>"), XML),
	       FB_CALENDAR_FAILED, "does not know this report");
	expect("anna@a.example", REPORT_RULES(501, NULL, NULL), FB_CALENDAR_FAILED, "does not know this request (501)");
	expect("anna@a.example", REPORT_RULES(403, "<D:error xmlns:D=\"DAV:\"><D:supported-report/></D:error>", XML), FB_CALENDAR_FAILED,
	       "does not know this request");
	expect("anna@a.example", REPORT_RULES(403, NULL, NULL), FB_NO_ACCESS, "no right");
	/* the same host may send us on, and no other */
	expect("anna@a.example",
	       RULES({"REPORT /c/anna/", 301, NULL, "Location: /c/moved/\r\n"}, {"REPORT /c/moved/", 200, FREEBUSY(ALL_DAY), TEXT}),
	       FB_OK, "");
	expect("anna@a.example", REPORT_RULES(301, NULL, "Location: https://evil.example/\r\n"), FB_CALENDAR_FAILED, "");
}

static void urls(void)
{
	open_engine(CONF_CALDAV_URL, NULL, NULL, "/f/{user}.ifb?start={start}&end={end}");
	expect("anna@a.example", RULES({"GET /f/anna.ifb?start=2026-03-02T00%3A00%3A00Z&end=2026-03-03T00%3A00%3A00Z", 200,
	       FREEBUSY(ALL_DAY "ATTENDEE:MAILTO:Anna@a.example\nFREEBUSY:20260302T090000Z/PT1H\n"), TEXT}), FB_OK, NINE_BUSY);
	open_engine(CONF_CALDAV_URL, NULL, NULL, "/f/{user}.ifb");
	expect("anna@a.example", RULES({"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:bob@a.example\n"), TEXT}),
	       FB_CALENDAR_FAILED, "somebody else");
	expect("anna@a.example", RULES({"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:annabel@a.example\n"), TEXT}),
	       FB_CALENDAR_FAILED, "somebody else");
	expect("anna@a.example", RULES({"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:anna@corp.example\n"), TEXT}), FB_OK, "");
	/* SOGo, of people whom it does not know */
	expect("anna@a.example", RULES({"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:(null)\n"), TEXT}), FB_NO_ACCESS,
	       "about nobody");
	expect("anna@a.example", NO_RULES, FB_NO_ACCESS, "404");
}

static void outboxes(void)
{
	const char *nine = SCHEDULE(ANNA, "2.0;Success",
	                            CALENDAR_DATA(FREEBUSY(ALL_DAY "ATTENDEE:mailto:anna@a.example\nFREEBUSY:20260302T090000Z/PT1H\n")));
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", POST_RULES(nine), FB_OK, NINE_BUSY);
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /p/bridge/\nPOST /o/\n");
	CHECK(strstr(last_body, "METHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n"));
	CHECK(strstr(last_body, "\r\nDTSTART:20260302T000000Z\r\nDTEND:20260303T000000Z\r\n"
	                        "ORGANIZER:mailto:bridge@a.example\r\nATTENDEE:mailto:anna@a.example\r\n"));
	/* the outbox is known now */
	expect("anna@a.example", POST_RULES(nine), FB_OK, NINE_BUSY);
	CHECK_STR(seen, "POST /o/\n");
	/* it has moved: that is a failure once */
	expect("anna@a.example", RULES(PRINCIPAL_RULES("/new/"), {"POST /new/", 200, nine, XML}), FB_NO_ACCESS, "404");
	expect("anna@a.example", RULES(PRINCIPAL_RULES("/new/"), {"POST /new/", 200, nine, XML}), FB_OK, NINE_BUSY);
	open_engine(CONF_CALDAV_OUTBOX, NULL, "/p/{user}/", NULL);
	/* SOGo: no href */
	expect("anna@a.example", POST_RULES(SCHEDULE("mailto:Anna@A.example", "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)))), FB_OK, "");
	expect("anna@a.example", POST_RULES(SCHEDULE("mailto:bob@a.example", "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)))),
	       FB_CALENDAR_FAILED, "does not speak of the one");
	expect("anna@a.example",
	       POST_RULES(SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY "ATTENDEE:mailto:bob@a.example\n")))),
	       FB_CALENDAR_FAILED, "somebody else");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "2.0;Success", "")), FB_CALENDAR_FAILED, "no calendar-data");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "3.7;Invalid calendar user", "")), FB_NO_ACCESS, "3.7;Invalid");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "3.8;No authority", "")), FB_NO_ACCESS, "3.8");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "4.0;Odd", CALENDAR_DATA(FREEBUSY(ALL_DAY)))), FB_CALENDAR_FAILED, "4.0;Odd");
	expect("anna@a.example", POST_RULES("<C:schedule-response " NS "/>"), FB_CALENDAR_FAILED, "does not speak of the one");
	expect("anna@a.example", POST_RULES("<html/>"), FB_CALENDAR_FAILED, "schedule-response cannot be read");
	/* Cyrus says 5.1 of people who do not exist, who are told from failures by their principal */
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_NO_ACCESS, "no such person");
	expect("bob@a.example", POST_RULES(SCHEDULE("mailto:bob@a.example", "5.1;Service unavailable", "")), FB_CALENDAR_FAILED,
	       "who has a principal");
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_CALENDAR_FAILED, "were principal set");
	/* a long address is folded, not cut */
	expect("a-very-long-name.of-somebody.who-has-many-names.and-likes-to-be-called-by-all@long-domain.a.example",
	       POST_RULES("<html/>"), FB_CALENDAR_FAILED, "");
	CHECK(strstr(last_body, "ATTENDEE:mailto:a-very-long-name.of-somebody.who-has-many-names.and-likes-t\r\n"
	                        " o-be-called-by-all@long-domain.a.example\r\n"));
}

static void discovery(void)
{
	const char *free_day = SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)));
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", RULES(PRINCIPAL_RULES("https://evil.example/o/")), FB_CALENDAR_FAILED, "an outbox at another place");
	expect("anna@a.example", RULES({"PROPFIND /dav/", 502, NULL, NULL}), FB_CALENDAR_FAILED, "502");
	expect("anna@a.example", RULES({"PROPFIND /dav/", 401, NULL, NULL}), FB_CALENDAR_FAILED, "refuses our login");
	expect("anna@a.example", NO_RULES, FB_CALENDAR_FAILED, "neither the url nor /.well-known/caldav");
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /.well-known/caldav\n");
	/* our account may be unknown to the server: that says nothing of anna */
	expect("anna@a.example",
	       RULES({"PROPFIND /dav/", 207,
	              MULTI(PROPS("/dav/", "<D:current-user-principal><D:href>/gone/</D:href></D:current-user-principal>")), NULL}),
	              FB_CALENDAR_FAILED, "our account has no principal");
	expect("anna@a.example", RULES({"PROPFIND /.well-known/caldav", 301, NULL, "Location: /found/\r\n"},
	       {"PROPFIND /found/", 207,
	        MULTI(PROPS("/found/", "<D:current-user-principal><D:href>/me/</D:href></D:current-user-principal>")), NULL},
	       {"PROPFIND /me/", 207, MULTI(PROPS("/me/", "<C:schedule-outbox-URL><D:href>/o/</D:href></C:schedule-outbox-URL>")), NULL},
	       {"POST /o/", 200, free_day, XML}),
	       FB_OK, "");
	CHECK(strstr(last_body, "\r\nORGANIZER:/me/\r\n"));
}

int main(void)
{
	world_start(answer);
	reports();
	urls();
	outboxes();
	discovery();
	close_engine();
	world_end();
	return check_done();
}
