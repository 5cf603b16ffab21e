/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/job.h"
#include "tests/unit/ics_help.h"

static void test_lengths(void)
{
	CHECK_STR(event("DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\n"), "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000\nDTEND:20260302T090000\n"), "2026-03-02T07:00:00Z/2026-03-02T08:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260302\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330\n"), "2026-03-27T23:00:00Z/2026-03-29T22:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z \t\nDURATION:PT1H \nRRULE:FREQ=DAILY;COUNT=1; \n"), "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=HOURLY;INTERVAL=16;COUNT=3\n"),
	          "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy, 2026-03-02T23:00:00Z/2026-03-03T23:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\n"), "2026-03-02T08:00:00Z/2026-03-02T08:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302\nDURATION:P1W\n"), "2026-03-01T23:00:00Z/2026-03-08T23:00:00Z Busy");
	/* a day of DURATION is the calendar's, 24 hours are 24 hours */
	CHECK_STR(event("DTSTART" BERLIN "20260328T120000\nDURATION:P1D\n"), "2026-03-28T11:00:00Z/2026-03-29T10:00:00Z Busy");
	CHECK_STR(event("DTSTART" BERLIN "20260328T120000\nDURATION:PT24H\n"), "2026-03-28T11:00:00Z/2026-03-29T11:00:00Z Busy");
	/* DTEND gives all occurrences the same exact length (RFC 5545 3.8.5.3): 8 hours, also over the change */
	CHECK_STR(event("DTSTART" BERLIN "20260327T220000\nDTEND" BERLIN "20260328T060000\nRRULE:FREQ=DAILY;COUNT=2\n"),
	          "2026-03-27T21:00:00Z/2026-03-28T05:00:00Z Busy, 2026-03-28T21:00:00Z/2026-03-29T05:00:00Z Busy");
	/* it began before the window */
	CHECK_STR(event("DTSTART:20250101T000000Z\nDTEND:20260301T000001Z\n"), "2025-01-01T00:00:00Z/2026-03-01T00:00:01Z Busy");
	CHECK_STR(event("DTSTART:20250101T000000Z\nDTEND:20260301T000000Z\n"), "");
	CHECK_STR(event("DTSTART:20260401T000000Z\nDTEND:20260401T010000Z\n"), "");
}

static void test_gaps_and_folds(void)
{
	/* 02:30 is not there on the 29th: read by the offset before it */
	CHECK_STR(event("DTSTART" BERLIN "20260328T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n"),
	          "2026-03-28T01:30:00Z/2026-03-28T02:30:00Z Busy, 2026-03-29T01:30:00Z/2026-03-29T02:30:00Z Busy, "
	          "2026-03-30T00:30:00Z/2026-03-30T01:30:00Z Busy");
	CHECK_STR(events_in("BEGIN:VEVENT\nUID:1\nDTSTART" BERLIN "20261025T023000\nDURATION:PT1H\nEND:VEVENT\n", "2026-10-01", "2026-11-01", "UTC"),
	          "2026-10-25T00:30:00Z/2026-10-25T01:30:00Z Busy");
	CHECK_STR(event("DTSTART" BERLIN "20260329T023000\nDTEND" BERLIN "20260329T030000\n"), "2026-03-29T01:30:00Z/2026-03-29T02:00:00Z Busy");
}

static void test_sets(void)
{
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260303T080000Z\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-04T08:00:00Z/2026-03-04T09:00:00Z Busy"); /* EXDATE uses up its COUNT */
	CHECK_STR(event("DTSTART" BERLIN "20260302T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260302T070000Z\n"),
	          "2026-03-03T07:00:00Z/2026-03-03T08:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nEXDATE:\n"), "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy");
	/* a date names no occurrence of a series with times */
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nEXDATE;VALUE=DATE:20260302\n"), "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260303T000000\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRDATE:20260302T080000Z,20260305T080000Z\nRDATE:20260305T080000Z\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T09:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260305T080000Z/PT3H,20260306T080000Z/20260306T083000Z\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T11:00:00Z Busy, "
	          "2026-03-06T08:00:00Z/2026-03-06T08:30:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260305T080000Z/PT1H,20260305T080000Z/PT3H,20260305T080000Z/PT2H\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T11:00:00Z Busy");
	/* a date among times is that day at the time of the series: KDE */
	CHECK_STR(event("DTSTART" BERLIN "20260327T090000\nDURATION:PT1H\nRDATE;VALUE=DATE:20260330,20260327\n"),
	          "2026-03-27T08:00:00Z/2026-03-27T09:00:00Z Busy, 2026-03-30T07:00:00Z/2026-03-30T08:00:00Z Busy");
	/* DTSTART is a member of its set even where the rule leaves it out */
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20260305T000000Z\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY;INTERVAL=2;COUNT=2\n"),
	          "2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy");
}

static void test_until(void)
{
	/* the last occurrence may start at UNTIL itself, which is UTC; 08:00 in Berlin is 06:00Z from the 29th on */
	CHECK_STR(event("DTSTART" BERLIN "20260328T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260329T060000Z\n"),
	          "2026-03-28T07:00:00Z/2026-03-28T08:00:00Z Busy, 2026-03-29T06:00:00Z/2026-03-29T07:00:00Z Busy");
	CHECK_STR(event("DTSTART" BERLIN "20260328T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260329T055959Z\n"), "2026-03-28T07:00:00Z/2026-03-28T08:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;UNTIL=20260303\n"),
	          "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy, 2026-03-02T23:00:00Z/2026-03-03T23:00:00Z Busy");
	/* a day in a series with times: Evolution shows Tuesday's, libical does not */
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260303\n"),
	          "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy, 2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy");
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXRULE:FREQ=DAILY;UNTIL=20260303\n"),
	          "2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy");
}

#define DAY(first, last) "2026-03-" first "T23:00:00Z/2026-03-" last "T23:00:00Z Busy"
#define DAYS "BEGIN:VEVENT\nUID:s\nDTSTART;VALUE=DATE:20260302\n"

/* Whole days whose ends, exceptions and overrides are told as times: Exchange means the day that begins then where the mailbox is. */
static void test_days_told_as_times(void)
{
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T230000Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("02", "03") ", " DAY("03", "04"));
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T225959Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("02", "03"));
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T235959Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("02", "03"));
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T000000Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("02", "03"));
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260302T230000Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("03", "04"));
	CHECK_STR(march(DAYS "RDATE:20260303T230000Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("03", "04"));
	CHECK_STR(march(DAYS "RRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n" "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260302T230000Z\nDTSTART;VALUE=DATE:20260310\nEND:VEVENT\n"),
	          DAY("01", "02") ", " DAY("03", "04") ", " DAY("09", "10"));
	/* the mailbox is elsewhere: one day more, and none less */
#define UTC_DAY(first, last) "2026-03-" first "T00:00:00Z/2026-03-" last "T00:00:00Z Busy"
#define IN_UTC(body) events_in(body, "2026-03-01T00:00:00", "2026-04-01T00:00:00", "UTC")
	CHECK_STR(IN_UTC(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T230000Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("03", "04") ", " UTC_DAY("04", "05"));
	CHECK_STR(IN_UTC(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T050000Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("03", "04"));
	CHECK_STR(IN_UTC(DAYS "RRULE:FREQ=DAILY;UNTIL=20260303T225959Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("03", "04"));
	CHECK_STR(IN_UTC(DAYS "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY;UNTIL=20260302T230000Z\nEND:VEVENT\n"), UTC_DAY("03", "04") ", " UTC_DAY("04", "05"));
	CHECK_STR(IN_UTC(DAYS "RRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n" "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260302T230000Z\nDTSTART;VALUE=DATE:20260310\nEND:VEVENT\n"),
	          UTC_DAY("02", "03") ", " UTC_DAY("03", "04") ", " UTC_DAY("10", "11"));
	/* an extra day is one of two, both are shown; what is told of the hour of another zone, or of none, is the day that it says */
	CHECK_STR(IN_UTC(DAYS "RDATE:20260309T230000Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("09", "10") ", " UTC_DAY("10", "11"));
	CHECK_STR(IN_UTC(DAYS "RDATE:20260309T100000Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("09", "10") ", " UTC_DAY("10", "11"));
	CHECK_STR(IN_UTC(DAYS "RDATE:20260309T050000Z\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("09", "10"));
	CHECK_STR(IN_UTC(DAYS "RDATE:20260309T230000\nEND:VEVENT\n"), UTC_DAY("02", "03") ", " UTC_DAY("09", "10"));
	CHECK_STR(march(DAYS "RDATE:20260309T230000Z\nEND:VEVENT\n"), DAY("01", "02") ", " DAY("09", "10"));
	/* the rest of a series goes by the day that is meant: a Monday told by Berlin, by New York, by Auckland and by Honolulu */
	static const char *const told[] = {"20260308T230000Z", "20260309T040000Z", "20260308T110000Z", "20260309T100000Z"};
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		char body[512];
		snprintf(body, sizeof body, DAYS "RRULE:FREQ=WEEKLY;COUNT=4\nEND:VEVENT\nBEGIN:VEVENT\nUID:s\nRECURRENCE-ID;RANGE=THISANDFUTURE:%s\n"
		         "DTSTART;VALUE=DATE:20260310\nEND:VEVENT\n", told[i]);
		CHECK(strstr(IN_UTC(body), UTC_DAY("17", "18") ", " UTC_DAY("24", "25")));
	}
}

#define SERIES "BEGIN:VEVENT\nUID:s\nDTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n"
#define CHANGE(rid, rest) "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID" rid "\n" rest "END:VEVENT\n"
#define MON "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z Busy"
#define TUE "2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy"
#define WED "2026-03-04T08:00:00Z/2026-03-04T09:00:00Z Busy"

static void test_overrides(void)
{
	CHECK_STR(march(SERIES), MON ", " TUE ", " WED);
	CHECK_STR(march(SERIES CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")), MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, " WED);
	CHECK_STR(march(CHANGE(":20260303T080000Z", "DTSTART:20260501T100000Z\nDURATION:PT30M\n") SERIES), MON ", " WED); /* out of the window */
	CHECK_STR(march(SERIES CHANGE(":20260303T080000Z", "DTSTART:20260303T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED\n")), MON ", " WED);
	CHECK_STR(march(SERIES CHANGE(":20260303T080000Z", "STATUS:CANCELLED\n")), MON ", " WED);
	CHECK_STR(march(SERIES CHANGE(BERLIN "20260303T090000", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")), MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, " WED);
	CHECK_STR(march(SERIES CHANGE(";VALUE=DATE:20260303", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")), MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, " WED);
	/* the newest SEQUENCE wins, wherever it stands */
	CHECK_STR(march(SERIES CHANGE(":20260303T080000Z", "SEQUENCE:2\nDTSTART:20260303T120000Z\nDURATION:PT1H\n")
	                CHANGE(":20260303T080000Z", "SEQUENCE:1\nDTSTART:20260303T100000Z\nDURATION:PT1H\n")), MON ", 2026-03-03T12:00:00Z/2026-03-03T13:00:00Z Busy, " WED);
	CHECK_STR(march(CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\n")), "2026-03-03T10:00:00Z/2026-03-03T11:00:00Z Busy"); /* no series */
	/* no series, but what it says of more occurrences than its own: Lotus Notes */
	CHECK_STR(march(CHANGE(";RANGE=THISANDFUTURE:20260302T080000Z", "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\n"
	                       "RDATE;VALUE=PERIOD:20260302T080000Z/20260302T090000Z,20260304T080000Z/20260304T090000Z\n")), MON ", " WED);
	CHECK_STR(march(CHANGE(":20260203T080000Z", "DTSTART:20260203T080000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20260310T080000Z\nEXDATE:20260310T080000Z\n")), TUE);
	CHECK_STR(march(CHANGE(":20260303T080000Z", "DTSTART:20260303T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260303T080000Z\n")), TUE ", " WED);
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDPRIOR:20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")),
	          "line 11: this RECURRENCE-ID has a RANGE other than THISANDFUTURE, so it is not known which occurrences it changes");
	/* an empty UID is none: what has one is no version of anything */
	CHECK_STR(march("BEGIN:VEVENT\nUID:\nDTSTART:20260302T080000Z\nDURATION:PT1H\nEND:VEVENT\n"
	                "BEGIN:VEVENT\nUID:\nSEQUENCE:1\nDTSTART:20260303T080000Z\nDURATION:PT1H\nEND:VEVENT\n"), MON ", " TUE);
	/* moved into the window from far outside */
	CHECK_STR(march("BEGIN:VEVENT\nUID:s\nDTSTART:20250302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n"
	                CHANGE(":20250303T080000Z", "DTSTART:20260303T080000Z\nDURATION:PT1H\n")), TUE);
}

static void test_this_and_future(void)
{
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDFUTURE:20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")),
	          MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, 2026-03-04T10:00:00Z/2026-03-04T10:30:00Z Busy");
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDFUTURE;VALUE=DATE:20260303", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")),
	          MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, 2026-03-04T10:00:00Z/2026-03-04T10:30:00Z Busy");
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDFUTURE:20260303T080000Z", "STATUS:CANCELLED\n")), MON);
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDFUTURE:20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT30M\n")
	                CHANGE(":20260304T080000Z", "DTSTART:20260305T080000Z\nDURATION:PT1H\n")),
	          MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T09:00:00Z Busy");
	/* told in the mailbox's zone, all of it is there */
	CHECK_STR(march(SERIES CHANGE(";RANGE=THISANDFUTURE:20260303T080000Z", "DTSTART:20260303T110000\nDURATION:PT30M\n")),
	          MON ", 2026-03-03T10:00:00Z/2026-03-03T10:30:00Z Busy, 2026-03-04T10:00:00Z/2026-03-04T10:30:00Z Busy");
	/* two hours later stays two hours later by the clock when the clock changes */
	CHECK_STR(march("BEGIN:VEVENT\nUID:s\nDTSTART" BERLIN "20260327T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=3;COUNT=2\nEND:VEVENT\n"
	                CHANGE(";RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260327T080000", "DTSTART" BERLIN "20260327T100000\nDURATION:PT1H\n")),
	          "2026-03-27T09:00:00Z/2026-03-27T10:00:00Z Busy, 2026-03-30T08:00:00Z/2026-03-30T09:00:00Z Busy");
	/* moved by a year into the window */
	CHECK_STR(march("BEGIN:VEVENT\nUID:s\nDTSTART:20250302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n"
	                CHANGE(";RANGE=THISANDFUTURE:20250303T080000Z", "DTSTART:20260303T080000Z\nDURATION:PT1H\n")), TUE ", " WED);
}


static void test_status(void)
{
	CHECK_STR(event(AT "STATUS:CONFIRMED\nTRANSP:OPAQUE\n"), AS("Busy"));
	CHECK_STR(event(AT "STATUS:tentative\n"), AS("Tentative"));
	CHECK_STR(event(AT "STATUS:TENTATIVE\nTRANSP:TRANSPARENT\n"), AS("Free"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:OOF\nTRANSP:TRANSPARENT\n"), AS("OOF"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\n"), AS("WorkingElsewhere"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:FREE\n"), AS("Free"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:BUSY\nSTATUS:TENTATIVE\n"), AS("Busy"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:ODD\nSTATUS:TENTATIVE\n"), AS("Tentative"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-INTENDEDSTATUS:OOF\n"), AS("Busy"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:BUSY\nSTATUS:CANCELLED\n"), "");
	/* of two that differ the one counts that takes more time, in either order */
	CHECK_STR(event(AT "STATUS:CONFIRMED\nSTATUS:CANCELLED\n"), AS("Busy"));
	CHECK_STR(event(AT "STATUS:CANCELLED\nSTATUS:CONFIRMED\n"), AS("Busy"));
	CHECK_STR(event(AT "STATUS:CANCELLED\nSTATUS:TENTATIVE\nSTATUS:CANCELLED\n"), AS("Tentative"));
	CHECK_STR(event(AT "STATUS:TENTATIVE\nSTATUS:CONFIRMED\nSTATUS:TENTATIVE\n"), AS("Busy"));
	CHECK_STR(event(AT "STATUS:CANCELLED\nSTATUS:Cancelled\n"), "");
	CHECK_STR(event(AT "TRANSP:OPAQUE\nTRANSP:TRANSPARENT\n"), AS("Busy"));
	CHECK_STR(event(AT "TRANSP:TRANSPARENT\nTRANSP:OPAQUE\n"), AS("Busy"));
	CHECK_STR(event(AT "X-MICROSOFT-CDO-BUSYSTATUS:FREE\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\n"), AS("Busy"));
	CHECK_STR(march("BEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260302T080000Z/PT1H\nEND:VFREEBUSY\n"), AS("OOF"));
	CHECK_STR(march("BEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=X-ODD:20260302T080000Z/20260302T090000Z\nEND:VFREEBUSY\n"), AS("Busy"));
	CHECK_STR(march("BEGIN:VFREEBUSY\nFREEBUSY:20260303T080000Z/PT1H,20260302T080000Z/PT1H\nEND:VFREEBUSY\n"), MON ", " TUE);
	/* of what it does not cover there is no data, unless events tell of all time */
	CHECK_STR(march("BEGIN:VFREEBUSY\nDTSTART:20260302T000000Z\nDTEND;TZID=Europe/Berlin:20260303T010000\nFREEBUSY:20260302T080000Z/PT1H\nEND:VFREEBUSY\n"),
	          "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z NoData, " MON ", 2026-03-03T00:00:00Z/2026-04-01T00:00:00Z NoData");
	CHECK_STR(march("BEGIN:VFREEBUSY\nDTSTART:20260401T000000Z\nDTEND:20260501T000000Z\nEND:VFREEBUSY\n"), "2026-03-01T00:00:00Z/2026-04-01T00:00:00Z NoData");
	CHECK_STR(march("BEGIN:VFREEBUSY\nDTSTART:20260202T000000Z\nEND:VFREEBUSY\n"), "");
	CHECK_STR(march("BEGIN:VFREEBUSY\nDTSTART:20260401T000000Z\nEND:VFREEBUSY\nBEGIN:VEVENT\n" AT "END:VEVENT\n"), MON);
	CHECK_STR(march("BEGIN:VTODO\nDTSTART:20260302T080000Z\nDURATION:PT1H\nEND:VTODO\n"), "");
}

static void test_details(void)
{
	calendar("BEGIN:VEVENT\nUID:1\n" AT "SUMMARY:Plan\\, part\n  2\\nmore\nLOCATION:Room \xc3\xa4\nCLASS:CONFIDENTIAL\n"
	         "ATTENDEE;CN=\"A: b\":mailto:a@b.example\nRRULE:FREQ=DAILY;COUNT=2\nBEGIN:VALARM\nTRIGGER:-PT5M\nDURATION:bad\nEND:VALARM\nEND:VEVENT\n");
	struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
	if (CHECK(a && a->n_events == 2)) {
		CHECK_STR(a->events[0].subject, "Plan, part 2\nmore");
		CHECK_STR(a->events[0].location, "Room \xc3\xa4");
		CHECK_INT(a->events[0].flags, FB_MEETING | FB_RECURRING | FB_REMINDER | FB_PRIVATE);
		CHECK(a->events[0].has_details);
	}
	fb_answer_free(a);
	calendar(SERIES CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\n"));
	a = expand("2026-03-01", "2026-04-01", "UTC");
	if (CHECK(a && a->n_events == 3)) {
		CHECK_INT(a->events[0].flags, FB_RECURRING);
		CHECK_INT(a->events[1].flags, FB_RECURRING | FB_EXCEPTION);
		CHECK_STR(a->events[1].subject, NULL);
	}
	fb_answer_free(a);
}

/* How many events of ${body} in March are private. */
static size_t hidden_in(const char *body)
{
	calendar(body);
	struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
	size_t n = 0;
	for (size_t i = 0; CHECK(a) && i < a->n_events; i++)
		n += (a->events[i].flags & FB_PRIVATE) != 0;
	fb_answer_free(a);
	return n;
}

/* How many events there are in March of the VEVENTs ${one} in a collection and ${other} in another one; *${hidden} of them are private. */
static size_t in_two_collections(const char *one, const char *other, size_t *hidden)
{
	const char *const both[] = {one, other};
	struct ics_options o = {.floating = fb_zone_utc()};
	struct fb_answer *a = fb_answer_new(FB_OK);
	struct buf files[2];
	struct ics_job j;
	CHECK(!ics_job_start(&j, (struct fb_window){1772323200, 1775001600}, &o, a, &error));
	for (unsigned i = 0; i < 2; i++) {
		buf_init(&files[i], 4096);
		buf_printf(&files[i], "BEGIN:VCALENDAR\n%sEND:VCALENDAR\n", both[i]);
		j.collection = i;
		CHECK(!ics_job_read(&j, buf_cstr(&files[i]), files[i].len));
	}
	CHECK(!ics_job_finish(&j, NULL));
	size_t n = a->n_events;
	*hidden = 0;
	for (size_t i = 0; i < n; i++)
		*hidden += (a->events[i].flags & FB_PRIVATE) != 0;
	ics_job_free(&j);
	for (unsigned i = 0; i < 2; i++)
		buf_free(&files[i]);
	fb_answer_free(a);
	return n;
}

/* An override is none of another collection's series, and yet as private. */
static void test_private_collections(void)
{
	static const char series[] = "BEGIN:VEVENT\nUID:s\n" AT "RRULE:FREQ=DAILY;COUNT=3\n";
	static const char moved[] = CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\n");
	char lines[1024];
	size_t hidden;
	snprintf(lines, sizeof lines, "%sCLASS:PRIVATE\nEND:VEVENT\n", series);
	CHECK_INT(in_two_collections(lines, moved, &hidden), 4);
	CHECK_INT(hidden, 4);
	/* what one has as private is in the other one as it is in the first, or one of its series */
	snprintf(lines, sizeof lines, "%sEND:VEVENT\n", series);
	CHECK_INT(in_two_collections(lines, CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nCLASS:PRIVATE\n"), &hidden), 4);
	CHECK_INT(hidden, 4);
	CHECK_INT(in_two_collections(lines, moved, &hidden), 4);
	CHECK_INT(hidden, 0);
}

static void test_private(void)
{
	/* an override is as private as its series */
	CHECK_INT(hidden_in("BEGIN:VEVENT\nUID:s\n" AT "RRULE:FREQ=DAILY;COUNT=3\nCLASS:PRIVATE\nEND:VEVENT\n"
	                    CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\n") "BEGIN:VEVENT\nUID:t\n" AT "END:VEVENT\n"), 3);
	CHECK_INT(hidden_in(SERIES CHANGE(":20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\nCLASS:PRIVATE\n")), 1);
	/* and as the rest of its series */
	CHECK_INT(hidden_in(SERIES CHANGE(";RANGE=THISANDFUTURE:20260303T080000Z", "DTSTART:20260303T100000Z\nDURATION:PT1H\nCLASS:PRIVATE\n")
	                    CHANGE(":20260304T080000Z", "DTSTART:20260304T110000Z\nDURATION:PT1H\n")), 3);
	/* Apple's calendar server says it once for all */
	CHECK_INT(hidden_in("X-CALENDARSERVER-ACCESS:RESTRICTED\n" SERIES), 3);
	CHECK_INT(hidden_in("X-CALENDARSERVER-ACCESS:Public\n" SERIES), 0);
	CHECK_INT(hidden_in("X-CALENDARSERVER-ACCESS:PRIVATE\nEND:VCALENDAR\nBEGIN:VCALENDAR\n" SERIES), 0);
}

#define OUTLOOK "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:+0200\n" \
	"TZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n" \
	"TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n"

static void test_zones(void)
{
	CHECK_STR(march(IN("Europe/Berlin")), AS("Busy"));
	CHECK_STR(march(IN("W. Europe Standard Time")), AS("Busy"));
	CHECK_STR(march(IN("\"/freeassociation.sourceforge.net/Europe/Berlin\"")), AS("Busy"));
	CHECK_STR(march(ZONE("Ours", "+0100") IN("Ours")), AS("Busy"));
	CHECK_STR(march(IN("Ours") ZONE("Ours", "+0100")), AS("Busy"));
	CHECK_STR(march(ZONE("America/New_York", "+0100") IN("America/New_York")), AS("Busy")); /* the file's own word counts */
	/* but not that of a program which knows whole hours only */
	CHECK_STR(march(ZONE("Asia/Kolkata", "+0500") IN("Asia/Kolkata")), "2026-03-02T03:30:00Z/2026-03-02T04:30:00Z Busy");
	CHECK_STR(march(ZONE("America/St_Johns", "-0300") IN("America/St_Johns")), "2026-03-02T12:30:00Z/2026-03-02T13:30:00Z Busy");
	CHECK_STR(march(ZONE("Asia/Kolkata", "+0600") IN("Asia/Kolkata")), "2026-03-02T03:00:00Z/2026-03-02T04:00:00Z Busy");
	CHECK_STR(march(ZONE("Asia/Kolkata", "+0500") IN("Asia/Kolkata") ZONE("Asia/Tashkent", "+0500") IN("Asia/Tashkent")),
	          "2026-03-02T03:30:00Z/2026-03-02T04:30:00Z Busy, 2026-03-02T04:00:00Z/2026-03-02T05:00:00Z Busy");
	CHECK_STR(march(IN("Mars/Olympus")),
	          "line 5: the time zone \"Mars/Olympus\" is not known: there is no VTIMEZONE for it, and it is no IANA or Windows name");
	CHECK_STR(march(ZONE("Ours", "+99") IN("Ours")), "line 7: this part of a VTIMEZONE has an offset that is none");
	/* Outlook's way: rules from 1601, no DTSTART of our time */
	CHECK_STR(march(OUTLOOK "BEGIN:VEVENT\nDTSTART;TZID=X:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;INTERVAL=4;COUNT=2\nEND:VEVENT\n"),
	          AS("Busy") ", 2026-03-30T07:00:00Z/2026-03-30T08:00:00Z Busy");
	CHECK_STR(events_in(OUTLOOK "BEGIN:VEVENT\nDTSTART;TZID=X:19600704T090000\nDURATION:PT1H\nEND:VEVENT\n", "1960-07-01", "1960-08-01", "UTC"),
	          "1960-07-04T07:00:00Z/1960-07-04T08:00:00Z Busy");
	/* a name is text in its VTIMEZONE and quoted elsewhere, as Exchange does it */
	CHECK_STR(march(ZONE("(UTC+01:00) A\\, B\\; C", "+0100") IN("\"(UTC+01:00) A, B; C\"")), AS("Busy"));
	CHECK_STR(march(ZONE("(UTC+01:00) A\\, B", "+0100") IN("\"(UTC+01:00) A\\, B\"")), AS("Busy"));
	CHECK_STR(march(ZONE("\"Ours\" ", "+0100") IN("\"Ours\"")), AS("Busy"));
	/* a name counts in its own VCALENDAR first, then in the others of the file */
	CHECK_STR(march(ZONE("Ours", "+0100") IN("Ours") "END:VCALENDAR\nBEGIN:VCALENDAR\n" ZONE("Ours", "-0800")), AS("Busy"));
	CHECK_STR(march(ZONE("Ours", "-0800") "END:VCALENDAR\nBEGIN:VCALENDAR\n" ZONE("Ours", "+0100") IN("Ours")), AS("Busy"));
	CHECK_STR(march(ZONE("Ours", "+0100") "END:VCALENDAR\nBEGIN:VCALENDAR\n" IN("Ours")), AS("Busy"));
	CHECK_STR(march(ZONE("Ours", "+0100") "BEGIN:VEVENT\nUID:1\n" "DTSTART;TZID=Ours:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\n"
	                "EXDATE;TZID=Ours:20260303T090000\nEND:VEVENT\nEND:VCALENDAR\nBEGIN:VCALENDAR\n" ZONE("Ours", "-0800")), AS("Busy"));
	/* the change itself is told in the time before it: 02:00 is 01:00Z */
	CHECK_STR(march("BEGIN:VTIMEZONE\nTZID:X\nBEGIN:DAYLIGHT\nDTSTART:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
	                "BEGIN:VEVENT\nDTSTART;TZID=X:20260329T013000\nDURATION:PT1H\nRDATE;TZID=X:20260329T033000\nEND:VEVENT\n"),
	          "2026-03-29T00:30:00Z/2026-03-29T01:30:00Z Busy, 2026-03-29T01:30:00Z/2026-03-29T02:30:00Z Busy");
}

#define PART(kind, start, from, to) "BEGIN:" kind "\nDTSTART:" start "\nTZOFFSETFROM:" from "\nTZOFFSETTO:" to "\nEND:" kind "\n"
#define YEARS(id, spring) "BEGIN:VTIMEZONE\nTZID:" id "\n" PART("STANDARD", "20220101T000000", "+0100", "+0100") PART("DAYLIGHT", "2022" spring, "+0100", "+0200") \
	PART("STANDARD", "20221030T030000", "+0200", "+0100") PART("DAYLIGHT", "20230326T020000", "+0100", "+0200") \
	PART("STANDARD", "20231029T030000", "+0200", "+0100") "END:VTIMEZONE\n"
#define SUMMER(id) "BEGIN:VEVENT\nDTSTART;TZID=" id ":20230706T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nEND:VEVENT\n"
#define IN_SUMMER(body) events_in(body, "2026-07-02T00:00:00", "2026-07-03T00:00:00", "UTC")

/* The changes of a few years and no rule: beyond them a well-known zone goes on, if they were its own. */
static void test_zones_written_out(void)
{
	CHECK_STR(IN_SUMMER(YEARS("Europe/Berlin", "0327T020000") SUMMER("Europe/Berlin")), "2026-07-02T07:00:00Z/2026-07-02T08:00:00Z Busy");
	CHECK_STR(IN_SUMMER(YEARS("W. Europe Standard Time", "0327T020000") SUMMER("W. Europe Standard Time")), "2026-07-02T07:00:00Z/2026-07-02T08:00:00Z Busy");
	CHECK_STR(IN_SUMMER(YEARS("Europe/Berlin", "0328T020000") SUMMER("Europe/Berlin")), "2026-07-02T08:00:00Z/2026-07-02T09:00:00Z Busy");
	CHECK_STR(IN_SUMMER(YEARS("Ours", "0327T020000") SUMMER("Ours")), "2026-07-02T08:00:00Z/2026-07-02T09:00:00Z Busy");
	CHECK_STR(IN_SUMMER(YEARS("Ours", "0327T020000") YEARS("Europe/Berlin", "0327T020000") SUMMER("Ours") SUMMER("Europe/Berlin")),
	          "2026-07-02T07:00:00Z/2026-07-02T08:00:00Z Busy, 2026-07-02T08:00:00Z/2026-07-02T09:00:00Z Busy");
	/* one offset that was written is one offset that was meant */
	CHECK_STR(IN_SUMMER(ZONE("Europe/Berlin", "+0100") SUMMER("Europe/Berlin")), "2026-07-02T08:00:00Z/2026-07-02T09:00:00Z Busy");
}

/* A fault is a sentence with the right line, and the calendar then counts for nothing. */
static void test_faults(void)
{
	CHECK_STR(event("DTSTART:20261302T080000Z\n"), "line 5: this DTSTART is no date or time: it must look like 20260302 or 20260302T080000Z");
	CHECK_STR(event("SUMMARY:folded\n  twice\n  here\nDTSTART:20260302T080000Z\nDTEND:20260302T070000Z\n"), "line 9: this event ends before it starts");
	CHECK_STR(event(AT "RRULE:FREQ=DAILY;COUNT=x\n"), "line 7: this recurrence rule cannot be read: COUNT is not a value it may have");
	CHECK_STR(event(AT "EXDATE:20260302T080000Z,2026030,20260303T080000Z\n"), "line 7: this EXDATE is no date or time: it must look like 20260302 or 20260302T080000Z");
	CHECK_STR(event("SUMMARY:x\n"), "line 3: this VEVENT has no DTSTART");
	CHECK_STR(event(AT "DTSTART:20260303T080000Z\n"), "line 7: this event has another DTSTART on line 5: which one counts nobody can tell");
	CHECK_STR(event(AT "DTEND;X=1:20260302T090000Z\n"), "line 7: this event has another DTEND on line 6: which one counts nobody can tell");
	CHECK_STR(event(AT "DTSTART:20260302T080000Z\nSUMMARY:a\nSUMMARY:b\n"), AS("Busy"));
	CHECK_STR(event("DTSTART 20260302T080000Z\n"), "line 5: this line has no ':' behind the property's name");
	CHECK_STR(event(AT "some text broken\nwithout folding\nB\nEn route\n"), AS("Busy"));
	CHECK_STR(event("Begin: 9:00\nEnd: 17:00\nEND: of it\nEnd of all\n" AT), AS("Busy"));
	CHECK_STR(event(AT "END VEVENT\n"), "line 7: this line has no ':' behind the property's name");
	CHECK_STR(event(AT "End: soon\n"), "line 7: this END has no BEGIN that it belongs to");
	CHECK_STR(march("CALSCALE:HEBREW\nBEGIN:VEVENT\n" AT "END:VEVENT\n"), "line 3: the calendar counts its days by another scale than GREGORIAN");
	CHECK_STR(march("CALSCALE:Gregorian\nBEGIN:VEVENT\n" AT "END:VEVENT\n"), AS("Busy"));
	CHECK_STR(event(AT "DURATION:-PT1H\n"), AS("Busy")); /* beside DTEND it says nothing */
	CHECK_STR(event("DTSTART:20260302T080000Z\nDURATION:-PT1H\n"), "line 6: this event ends before it starts: its DURATION is negative");
	CHECK_STR(march("BEGIN:VEVENT\n" AT), "line 6: this END has no BEGIN that it belongs to");
	CHECK_STR(march("BEGIN:VEVENT\n" AT "RRULE:FREQ=SECONDLY\nEND:VEVENT\n"), "line 3: this series has more occurrences in this window than one answer may hold");
	CHECK_STR(event("DTSTART:19700101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;COUNT=2147483647;BYHOUR=0\n"),
	          "line 7: working out this recurrence takes more steps than one calendar may cost");
}

/* What stands where nobody reads it is not lost without a word. */
static void test_nesting(void)
{
	static const char inner[] = "BEGIN:VEVENT\n" AT "END:VEVENT\n";
	static const char *const around[][2] = {{"BEGIN:VCALENDAR\n", "END:VCALENDAR\n"}, {"BEGIN:VEVENT\n" AT, "END:VEVENT\n"},
		{"BEGIN:VFREEBUSY\n", "END:VFREEBUSY\n"}, {"BEGIN:VTIMEZONE\nTZID:X\n", "END:VTIMEZONE\n"}};
	static const char *const sentences[] = {"line 3: this may not begin inside of what begins on line 1, whose END is perhaps missing",
		"line 6: this may not begin inside of what begins on line 3, whose END is perhaps missing",
		"line 4: this may not begin inside of what begins on line 3, whose END is perhaps missing",
		"line 5: this may not begin inside of what begins on line 3, whose END is perhaps missing"};
	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		char body[512];
		snprintf(body, sizeof body, "%s%s%s", around[i][0], inner, around[i][1]);
		CHECK_STR(march(body), sentences[i]);
	}
	CHECK_STR(march("BEGIN:VTODO\nBEGIN:VEVENT\n" AT "END:VEVENT\nEND:VTODO\n"), ""); /* of a component that we do not know nothing is (RFC 5545 3.6) */
}

static void test_not_calendars(void)
{
	static const char *const texts[] = {"", "\n\n", "hello\n", "BEGIN:VCARD\nEND:VCARD\n", "BEGIN:VCALENDAR\n", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\n",
	                                    "BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", "<html></html>\n", "BEGIN:VCALENDAR\nEND VCALENDAR\nEND:VCALENDAR\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_reset(&text);
		buf_puts(&text, texts[i]);
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK(!a && error.len > 10);
		fb_answer_free(a);
	}
	/* in an editor it looks as it should */
	for (int big = 0; big < 2; big++) {
		buf_reset(&text);
		buf_add(&text, big ? "\xfe\xff\0B\0E" : "\xff\xfe" "B\0E\0", 6);
		CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
		CHECK_STR(buf_cstr(&error), "line 1: this file is in UTF-16, and iCalendar is in UTF-8: have it written so");
	}
	buf_reset(&text);
	buf_puts(&text, "\xef\xbb\xbf" "begin:vcalendar\r\nend:vcalendar\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR");
	struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
	CHECK(a && a->n_events == 0);
	fb_answer_free(a);
}

/* What bad gateways do to lines: as few as possible of these may cost a mailbox its answer. */
static void test_lines(void)
{
	static const char *const texts[] = {
		"BEGIN:VCALENDAR\rBEGIN:VEVENT\rDTSTART:20260302T080000Z\rDURATION:PT\r 1H\rEND:VEVENT\rEND:VCALENDAR\r",
		"BEGIN:VCALENDAR\r\r\nBEGIN:VEVENT\n\n\r\nDTSTART:20260302T080000Z\rDURATION:PT1H\nEND:VEVENT\r\nEND:VCALENDAR",
		"BEGIN:VCALENDAR\r\n\r\nBEGIN:VEVENT\r\nDTSTART:202603\r\n\r\n 02T080000Z\r\nDURA\n\n\tTION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n",
		"  \t\r\n\nBEGIN:VCALENDAR\r\n \r\nBEGIN:VEVENT\r\nDTSTART:20260302T080000Z\r\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n \n",
		"BEGIN:VCALENDAR\nEND:VCALENDAR\n\xef\xbb\xbf" "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE: FREQ=DAILY ; COUNT=1\n"
		"END:VEVENT\nEND:VCALENDAR\n\xef\xbb\xbf",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_reset(&text);
		buf_reset(&error);
		buf_puts(&text, texts[i]);
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK_STR(buf_cstr(&error), "");
		CHECK(a && a->n_events == 1 && a->events[0].end - a->events[0].start == 3600);
		fb_answer_free(a);
	}
	/* blanks around names are not part of them: such a rule must not pass for a property of no account */
	CHECK_STR(event("DTSTART ; TZID = Europe/Berlin ;X=1:20260302T090000\nDTEND\t:20260302T090000Z \nRRULE :FREQ=DAILY;COUNT=3\n"
	                "EXDATE ;TZID= \"Europe/Berlin\" :20260303T090000\n"), AS("Busy") ", 2026-03-04T08:00:00Z/2026-03-04T09:00:00Z Busy");
	CHECK_STR(march("BEGIN :VEVENT\nDTSTART:20260302T080000Z\nDURATION:PT1H\nEND\t:VEVENT\n"), AS("Busy"));
	CHECK_STR(march("BEGIN:VEVENT\n\n\nSUMMARY:a\n\n b\n\nDTSTART:soon\nEND:VEVENT\n"),
	          "line 10: this DTSTART is no date or time: it must look like 20260302 or 20260302T080000Z");
}

static void test_limits(void)
{
	buf_reset(&text);
	buf_puts(&text, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" AT "SUMMARY:");
	for (int i = 0; i < 11 << 20; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\nEND:VEVENT\nEND:VCALENDAR\n");
	CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
	CHECK_STR(buf_cstr(&error), "line 5: this line is longer than 1048576 bytes");
	/* what is not needed may be of any length, such as a picture inside the calendar */
	for (int folded = 0; folded < 2; folded++) {
		buf_reset(&text);
		buf_reset(&error);
		buf_puts(&text, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" "ATTACH;ENCODING=BASE64;VALUE=BINARY:");
		for (int i = 0; i < 3 << 20; i++)
			buf_puts(&text, folded && i % 64 == 0 ? "\n A" : "A");
		buf_puts(&text, "\n" AT "END:VEVENT\nEND:VCALENDAR\n");
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK(a && a->n_events == 1);
		CHECK_STR(buf_cstr(&error), "");
		fb_answer_free(a);
	}
	CHECK_STR(march("BEGIN:VEVENT\nX-A:b\n c\n\n d\nDTSTART:soon\nEND:VEVENT\n"),
	          "line 8: this DTSTART is no date or time: it must look like 20260302 or 20260302T080000Z");
	buf_reset(&text);
	buf_puts(&text, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < 9; i++)
		buf_puts(&text, "BEGIN:X-DEEP\n");
	CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
	CHECK_STR(buf_cstr(&error), "line 8: components are nested more than 8 deep");
}

/* Each place in a name at which a well-known one may begin is looked for among the files of zones, and costs work. */
static void test_costly_names(void)
{
	char name[100];
	memset(name, 0, sizeof name);
	for (int i = 0; i < 40; i++)
		memcpy(name + 2 * i, "/A", 2);
	buf_reset(&text);
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "BEGIN:VCALENDAR\n" ZONE("/%d%s", "+0100") IN("/%d%s") "END:VCALENDAR\n", i, name, i, name);
	CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
	CHECK(strstr(buf_cstr(&error), "takes more steps than one calendar may cost"));
}

#define HOURS(rest) "BEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nDTSTART;TZID=Europe/Berlin:20260105T093000\nDTEND;TZID=Europe/Berlin:20260105T173000\n" rest "END:AVAILABLE\nEND:VAVAILABILITY\n"

static void test_working_hours(void)
{
	calendar(HOURS("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,FR\n"));
	struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
	if (CHECK(a && a->hours.known && a->hours.n == 1)) {
		CHECK_INT(a->hours.periods[0].days, 1 << 1 | 1 << 2 | 1 << 5);
		CHECK_INT(a->hours.periods[0].start, 9 * 60 + 30);
		CHECK_INT(a->hours.periods[0].end, 17 * 60 + 30);
		CHECK_INT(a->hours.zone.standard_offset, 3600);
		CHECK_INT(a->hours.zone.to_daylight.month, 3);
	}
	fb_answer_free(a);
	calendar(HOURS("RRULE:FREQ=MONTHLY\n"));
	a = expand("2026-03-01", "2026-04-01", "UTC");
	CHECK(a && !a->hours.known);
	fb_answer_free(a);
}

/* Hours that are no such pattern for what else their rule says: nothing that it leaves out may be open. */
static void test_limited_hours(void)
{
	static const char *const rules[] = {"BYMONTHDAY=2", "BYYEARDAY=61", "BYWEEKNO=10", "BYMINUTE=45", "BYSECOND=1", "BYMONTH=3"};
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		char lines[512];
		snprintf(lines, sizeof lines, HOURS("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,FR;%s\n"), rules[i]);
		calendar(lines);
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK(a && !a->hours.known && a->n_events);
		fb_answer_free(a);
	}
	CHECK(strstr(march(HOURS("RRULE:FREQ=WEEKLY;INTERVAL=0\n")), "this rule makes time free"));
	CHECK(strstr(march(HOURS("RRULE:FREQ=WEEKLY;COUNT=0\n")), "this rule makes time free"));
}

#define AVAILABLE(lines) "BEGIN:AVAILABLE\n" lines "END:AVAILABLE\n"
#define AVAILABILITY(lines) "BEGIN:VAVAILABILITY\n" lines "END:VAVAILABILITY\n"
#define BOUNDS "DTSTART:20260302T000000Z\nDTEND:20260304T000000Z\n"

/* What no working hours can say is busy where nothing is AVAILABLE (RFC 7953). */
static void test_unavailable(void)
{
	CHECK_STR(march(AVAILABILITY(BOUNDS)), "2026-03-02T00:00:00Z/2026-03-04T00:00:00Z OOF");
	CHECK_STR(march(AVAILABILITY("DTSTART" BERLIN "20260302T010000\nDURATION:P2D\nBUSYTYPE:BUSY\n")), "2026-03-02T00:00:00Z/2026-03-04T00:00:00Z Busy");
	CHECK_STR(march(AVAILABILITY("DTEND:20260304T000000Z\nBUSYTYPE:BUSY-TENTATIVE\n" AVAILABLE("DTSTART:20260209T000000Z\nDURATION:P3W\n"))),
	          "2026-03-02T00:00:00Z/2026-03-04T00:00:00Z Tentative");
	CHECK_STR(march(AVAILABILITY(BOUNDS AVAILABLE("DTSTART" BERLIN "20260223T090000\nDTEND" BERLIN "20260223T170000\nRRULE:FREQ=WEEKLY\n")
	                             AVAILABLE("DTSTART:20260303T120000Z\nDURATION:PT30M\n"))),
	          "2026-03-02T00:00:00Z/2026-03-02T08:00:00Z OOF, 2026-03-02T16:00:00Z/2026-03-03T12:00:00Z OOF, 2026-03-03T12:30:00Z/2026-03-04T00:00:00Z OOF");
	CHECK_STR(march(HOURS("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,FR\n")), "");
	/* a pattern that ends in the window, or begins in it, is none of the whole window */
	CHECK_STR(march(HOURS("RRULE:FREQ=WEEKLY;UNTIL=20260309T083000Z\n")),
	          "2026-03-01T00:00:00Z/2026-03-02T08:30:00Z OOF, 2026-03-02T16:30:00Z/2026-03-09T08:30:00Z OOF, 2026-03-09T16:30:00Z/2026-04-01T00:00:00Z OOF");
	CHECK_STR(march(HOURS("RRULE:FREQ=WEEKLY;UNTIL=20260501T000000Z\n")), "");
	/* a day is not all of that day where it is about time that is free */
	CHECK_STR(march(HOURS("RRULE:FREQ=WEEKLY;UNTIL=20260309\n")), "2026-03-01T00:00:00Z/2026-03-02T08:30:00Z OOF, 2026-03-02T16:30:00Z/2026-04-01T00:00:00Z OOF");
	CHECK_STR(march(AVAILABILITY(AVAILABLE("DTSTART:20260325T080000Z\nDURATION:PT8H\nRRULE:FREQ=WEEKLY\n"))),
	          "2026-03-01T00:00:00Z/2026-03-25T08:00:00Z OOF, 2026-03-25T16:00:00Z/2026-04-01T00:00:00Z OOF");
	CHECK_STR(march(AVAILABILITY(AVAILABLE("DTSTART:20260302T080000Z\nDURATION:PT8H\nRRULE:FREQ=WEEKLY\n"))), "");
	/* from Thursday on, so on Monday not yet; a Sunday is no day of it */
#define FROM(day, start) events_in(AVAILABILITY(AVAILABLE("DTSTART:" day "T080000Z\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\n")), start, "2026-03-07", "UTC")
	CHECK_STR(FROM("20260305", "2026-03-01"),
	          "2026-03-01T00:00:00Z/2026-03-05T08:00:00Z OOF, 2026-03-05T16:00:00Z/2026-03-06T08:00:00Z OOF, 2026-03-06T16:00:00Z/2026-03-07T00:00:00Z OOF");
	CHECK_STR(FROM("20260305", "2026-03-05"), "");
	CHECK_STR(FROM("20260302", "2026-03-01"), "");
	CHECK_STR(march(HOURS("RRULE:FREQ=MONTHLY;COUNT=3\n") SERIES),
	          "2026-03-01T00:00:00Z/2026-03-05T08:30:00Z OOF, " MON ", " TUE ", " WED ", 2026-03-05T16:30:00Z/2026-04-01T00:00:00Z OOF");
	CHECK_STR(march(AVAILABILITY("DTSTART:20260501T000000Z\n")), "");
	CHECK_STR(march(AVAILABILITY(BOUNDS AVAILABLE("SUMMARY:x\n"))), "line 6: this AVAILABLE has no DTSTART");
	CHECK_STR(march(AVAILABILITY("DTSTART:soon\n")), "line 4: this DTSTART is no date or time: it must look like 20260302 or 20260302T080000Z");
}

int main(void)
{
	help_start();
	test_lengths();
	test_gaps_and_folds();
	test_sets();
	test_until();
	test_days_told_as_times();
	test_overrides();
	test_this_and_future();
	test_status();
	test_details();
	test_private();
	test_private_collections();
	test_zones();
	test_zones_written_out();
	test_faults();
	test_nesting();
	test_not_calendars();
	test_lines();
	test_limits();
	test_costly_names();
	test_working_hours();
	test_limited_hours();
	test_unavailable();
	return help_end();
}
