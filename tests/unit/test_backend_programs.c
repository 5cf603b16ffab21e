/* links: base availability conf dns pki ews acl budget trace backend */
#include "tests/unit/ics_help.h"

/*
 * What real programs write that few expect, or that the RFC does not know: no calendar is refused for it that all others show, and nothing in it
 * is lost.
 */

#define TUE "2026-03-03T08:00:00Z/2026-03-03T09:00:00Z Busy"
#define WED "2026-03-04T08:00:00Z/2026-03-04T09:00:00Z Busy"

static void test_rules(void)
{
	/* Exchange 2003 */
	CHECK_STR(event(AT "RRULE:FREQ=DAILY;UNTIL=20260304T080000Z;INTERVAL=1;BYDAY=MO, TU,\tWE , TH\n ;WKST=SU\n"), AS("Busy") ", " TUE ", " WED);
	/* Outlook 2013 */
	CHECK_STR(event(AT "RRULE:FREQ=WEEKLY;COUNT=3;INTERVAL=0;BYDAY=MO,TU,WE\n"), AS("Busy") ", " TUE ", " WED);
	/* GroupWise */
	CHECK_STR(event("DTSTART:20260329T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=255SU;COUNT=2\n"),
	          "2026-03-29T08:00:00Z/2026-03-29T09:00:00Z Busy");
	/* macOS, Android */
	CHECK_STR(event(AT "RRULE:FREQ=DAILY;COUNT=0;UNTIL=20260304T080000Z\n"), AS("Busy") ", " TUE ", " WED);
	CHECK_STR(event(AT "RRULE:FREQ=DAILY;UNTIL=20260304T080000Z;COUNT=-1;INTERVAL=1\n"), AS("Busy") ", " TUE ", " WED);
	/* but not where the guess would make time free */
	CHECK(strstr(event(AT "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY;COUNT=0\n"), "this rule makes time free"));
	CHECK(strstr(event(AT "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY;COUNT=-1\n"), "this rule makes time free"));
	CHECK(strstr(event(AT "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY;INTERVAL=0\n"), "this rule makes time free"));
	CHECK(strstr(event(AT "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=MONTHLY;BYDAY=255MO\n"), "this rule makes time free"));
	/* Google */
	CHECK_STR(event("DTSTART" BERLIN "20260302T09\nDTEND" BERLIN "20260302T1000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE" BERLIN "20260303T09\n"),
	          AS("Busy") ", " WED);
	/* a list that ends with a comma, of what is left out alone: what an RDATE meant there would be free */
	CHECK_STR(event(AT "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260303T080000Z,\n"), AS("Busy") ", " WED);
	CHECK_STR(event(AT "RDATE:20260303T080000Z,\n"), "line 7: this RDATE is no date or time: it must look like 20260302 or 20260302T080000Z");
	/* Exchange, of a series by the Hijri or a lunar calendar */
	CHECK_STR(event(AT "X-MICROSOFT-RRULE:FREQ=MONTHLY;BYMONTHDAY=12\n"),
	          "line 7: this series recurs by another calendar than the Gregorian, which is not known here");
	CHECK_STR(event(AT "X-MICROSOFT-RRULE:FREQ=MONTHLY;BYMONTHDAY=12\nRRULE:FREQ=DAILY;COUNT=2\n"), AS("Busy") ", " TUE);
}

static void test_zones(void)
{
	/* names with a ':' and without quotes */
	CHECK_STR(march(IN("GMT+01:00")), AS("Busy"));
	CHECK_STR(march(ZONE("(UTC+01:00) Here", "+0100") IN("(UTC+01:00) Here")), AS("Busy"));
	CHECK_STR(event("DTSTART;TZID=GMT+01:00:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=GMT+01:00:20260303T090000\n"
	                "RDATE;VALUE=PERIOD;TZID=GMT+01:00:20260303T090000/PT1H\n"), AS("Busy") ", " WED);
	/* names that are an offset; of one digit they would be POSIX's, whose sign is the other way round */
	CHECK_STR(march(IN("GMT+0100")), AS("Busy"));
	CHECK_STR(march(IN("UTC-0530")), "2026-03-02T14:30:00Z/2026-03-02T15:30:00Z Busy");
	CHECK_STR(march(IN("UTC+01")), AS("Busy"));
	CHECK_STR(march(ZONE("GMT+0100", "+0300") IN("GMT+0100")), "2026-03-02T06:00:00Z/2026-03-02T07:00:00Z Busy");
	CHECK(strstr(march(IN("GMT+1")), "is not known") && strstr(march(IN("GMT+01")), "is not known"));
	CHECK(strstr(march(IN("GMT+0160")), "is not known") && strstr(march(IN("GMT+01.00")), "is not known"));
	/* Exchange, with no VTIMEZONE */
	CHECK_STR(march(IN("\"tzone://Microsoft/Utc\"")), "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z Busy");
	CHECK_STR(march(IN("tzone://Microsoft/Utc")), "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z Busy");
	CHECK_STR(march(IN("")), AS("Busy")); /* floating */
	CHECK_STR(march(ZONE(" Ours ", "+0100") "BEGIN:VEVENT\nDTSTART;TZID=Ours: 20260302T090000\nDURATION: PT1H\nEND:VEVENT\n"), AS("Busy"));
}

#define FLOATING(more) "BEGIN:VEVENT\nUID:1\nDTSTART:20260302T090000\nDTEND:20260302T100000\n" more "END:VEVENT\n"

/* A calendar that says in which zone its times are if they do not say it: sports fixtures, Apple's first. A day is whoever's day it is. */
static void test_calendar_zone(void)
{
	static const char noon[] = "2026-03-02T14:00:00Z/2026-03-02T15:00:00Z Busy", later[] = "2026-03-09T13:00:00Z/2026-03-09T14:00:00Z Busy";
	char both[256];
	snprintf(both, sizeof both, "%s, %s", noon, later);
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" FLOATING("")), noon);
	CHECK_STR(march("X-WR-TIMEZONE;VALUE=TEXT:US/Eastern\n" FLOATING("")), noon);
	CHECK_STR(march("X-WR-TIMEZONE:\"America/New_York\"\n" FLOATING("")), noon);
	CHECK_STR(march("X-WR-TIMEZONE:UTC\n" FLOATING("")), "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z Busy");
	CHECK_STR(march("X-WR-TIMEZONE:Ours\n" ZONE("Ours", "-0500") FLOATING("")), noon);
	/* all that belongs to it, over a change of the clock */
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" FLOATING("RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE:20260316T090000\nEXDATE:20260323T130000Z\n")), both);
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" FLOATING("RRULE:FREQ=WEEKLY;UNTIL=20260309T130000Z\n")), both);
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" FLOATING("RDATE:20260309T090000\n")), both);
	/* a period lasts as long as it does there, in a night when Berlin's clocks change and in one when New York's do */
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\nBEGIN:VEVENT\nDTSTART:20250302T090000\n"
	                "RDATE;VALUE=PERIOD:20260329T013000/20260329T043000\nEND:VEVENT\n"),
	          "2026-03-29T05:30:00Z/2026-03-29T08:30:00Z Busy");
	CHECK_STR(march("BEGIN:VEVENT\nDTSTART;TZID=America/New_York:20250302T090000\nRDATE;VALUE=PERIOD:20260308T013000/20260308T043000\nEND:VEVENT\n"),
	          "2026-03-08T06:30:00Z/2026-03-08T08:30:00Z Busy");
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" FLOATING("RRULE:FREQ=WEEKLY;COUNT=2\n")
	                "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260309T090000\nDTSTART:20260310T090000\nDURATION:PT1H\nEND:VEVENT\n"),
	          "2026-03-02T14:00:00Z/2026-03-02T15:00:00Z Busy, 2026-03-10T13:00:00Z/2026-03-10T14:00:00Z Busy");
	/* not what says where it is, nor days, nor other calendars; and a zone that nobody knows is none */
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" IN("Europe/Berlin")), AS("Busy"));
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\n" "BEGIN:VEVENT\n" AT "END:VEVENT\n"), AS("Busy"));
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\nBEGIN:VEVENT\nDTSTART" BERLIN "20260302T090000\nDTEND:20260302T100000\nEND:VEVENT\n"), AS("Busy"));
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260302\nEND:VEVENT\n"),
	          "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(march("X-WR-TIMEZONE:America/New_York\nEND:VCALENDAR\nBEGIN:VCALENDAR\n" FLOATING("")), AS("Busy"));
	buf_reset(&error);
	CHECK_STR(march("X-WR-TIMEZONE:Mars\n" FLOATING("")), AS("Busy"));
	CHECK_STR(march("X-WR-TIMEZONE:Ours\n" ZONE("Ours", "+1") FLOATING("")), AS("Busy"));
	CHECK_STR(march("X-WR-TIMEZONE:\n" FLOATING("")), AS("Busy"));
	CHECK_STR(buf_cstr(&error), "");
	CHECK_STR(march("X-WR-TIMEZONE:Mars\nBEGIN:VEVENT\nDTSTART:20260302T090000\nDTEND:20260302T080000\nEND:VEVENT\n"),
	          "line 6: this event ends before it starts");
}

/* Definitions that are not all there. */
static void test_definitions(void)
{
	CHECK_STR(march(ZONE("Ours", "0100") IN("Ours")), AS("Busy"));
	CHECK_STR(march("BEGIN:VTIMEZONE\nX-LIC-LOCATION:Europe/Berlin\nEND:VTIMEZONE\n" IN("Europe/Berlin")), AS("Busy"));
	/* two that run into one */
	CHECK_STR(march("BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:20260101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\n"
	                "TZID:America/New_York\nBEGIN:STANDARD\nDTSTART:20260201T000000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0500\nEND:STANDARD\nEND:VTIMEZONE\n"
	                IN("Europe/Berlin")), AS("Busy"));
	/* of a place that everybody knows the name is enough */
	CHECK_STR(march("BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
	                IN("Europe/Berlin")), AS("Busy"));
	CHECK_STR(buf_cstr(&error), "");
	CHECK_STR(march(ZONE("Ours", "+1") IN("Ours")), "line 7: this part of a VTIMEZONE has an offset that is none");
}

#define MARS(lines) "BEGIN:VEVENT\nUID:s\nDTSTART;TZID=Mars:" lines "END:VEVENT\nBEGIN:VEVENT\nUID:1\n" AT "END:VEVENT\n"

#define SWAPPED(start, rest) "BEGIN:VEVENT\nUID:s\nDTSTART:" start "\n" rest "END:VEVENT\nBEGIN:VEVENT\nUID:1\n" AT "END:VEVENT\n"

/* Every day ${n} times from 2 January 2025 on: that a date has no times of a day is no reason to count each of its days as four. */
#define DAYS(n) \
	"BEGIN:VEVENT\nUID:s\nDTSTART;VALUE=DATE:20250102\nRRULE:FREQ=DAILY;COUNT=" n ";BYHOUR=0,6,12,18\nEXDATE;TZID=Mars:20250103T000000\nEND:VEVENT\n"

#define MOVED(from, to) "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID" from "\nDTSTART" to "\n"

/* Where a zone is that nobody knows, or which of start and end comes first, does not matter of what is long over however it is meant. */
static void test_long_over(void)
{
	static const char *const over[] = {
		MARS("20150302T080000\nDTEND;TZID=Mars:20150302T090000\n"), MARS("20260225T080000\nDURATION:PT1H\n"), MARS("20260404T080000\nDURATION:P400D\n"),
		MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nEXDATE;TZID=Mars:20150309T080000\n"),
		MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=500\n"), MARS("20150501T080000\nRRULE:FREQ=YEARLY\n"),
		MARS("20150302T080000\nDURATION:P1D\nRDATE;TZID=Mars:20150304T080000,20170304T080000\nRDATE:20260224T080000Z\n"),
		"BEGIN:VEVENT\nUID:s\nDTSTART:20150302T080000Z\nDTEND;TZID=Mars:20150302T090000\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\n" AT "END:VEVENT\n",
		SWAPPED("20190302T090000Z", "DTEND:20190302T080000Z\n"), SWAPPED("20190302T090000Z", "DTEND:20180302T080000Z\n"),
		SWAPPED("20270302T090000Z", "DTEND:20260410T080000Z\n"), SWAPPED("20190302T090000Z", "DURATION:-P1D\n"),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nEXDATE;TZID=Mars:20150309T080000\n"),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nEXDATE:soon\n"),
		SWAPPED("20190302T090000Z", "DTEND:20190302T080000Z\nRRULE:FREQ=DAILY;UNTIL=20200101T000000Z\n"), ZONE("Mars", "+1") MARS("20150302T080000\n"),
		MARS("20150302T080000\nRECURRENCE-ID:20260303T080000Z\n"), MARS("20150302T080000\nRECURRENCE-ID;TZID=Mars:20150302T080000\n"),
		MARS("20150302T080000\nRRULE:FREQ=DAILY;COUNT=5\nEND:VEVENT\n" MOVED(";TZID=Mars:20150303T080000", ";TZID=Mars:20150303T090000")),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nEXDATE:soon\nEND:VEVENT\n"
		        MOVED(":20150309T090000Z", ":20150310T090000Z")),
		SWAPPED("20260303T090000Z", "END:VEVENT\n" MOVED(":20260303T090000Z", ";TZID=Mars:20150310T090000")),
		MARS("20260303T080000\nSTATUS:CANCELLED\n"), SWAPPED("20260303T090000Z", "DTEND:20260303T080000Z\nSTATUS:CANCELLED\n"),
		SWAPPED("20260303T090000Z", "END:VEVENT\n" MOVED(":20260303T090000Z", ";TZID=Mars:20260303T090000") "STATUS:CANCELLED\n"),
		MARS("20150302T080000\nEND:VEVENT\nBEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Mars:20150302T080000\nSTATUS:CANCELLED\n"),
		MARS("20150302T080000\nRRULE:FREQ=DAILY;COUNT=5\nEND:VEVENT\n"
		     MOVED(";RANGE=THISANDFUTURE;TZID=Mars:20150303T080000", ";TZID=Mars:20150303T080000") "STATUS:CANCELLED\n"),
		DAYS("400") "BEGIN:VEVENT\nUID:1\n" AT "END:VEVENT\n",
	};
	static const char *const may_touch[] = {
		SWAPPED("20260303T090000Z", "DTEND:20190302T080000Z\n"), SWAPPED("20270302T090000Z", "DTEND:20260302T080000Z\n"),
		SWAPPED("20270302T090000Z", "DTEND:20190302T080000Z\n"), SWAPPED("20270302T090000Z", "DURATION:-P350D\n"),
		ZONE("Mars", "+1") MARS("20260302T080000\n"), SWAPPED("20190302T090000Z", "DTEND:20190302T080000Z\nRRULE:FREQ=DAILY\n"),
		MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=600\n"), MARS("20150303T080000\nRRULE:FREQ=YEARLY\n"),
		MARS("20150501T080000\nDURATION:P310D\nRRULE:FREQ=YEARLY\n"), MARS("20150302T080000\nRDATE;VALUE=PERIOD:20150304T080000Z/P5000D\n"),
		MARS("20150302T080000\nDURATION:P1D\nRDATE:20260226T080000Z\n"), MARS("20150302T080000\nRDATE:20150303T080000Z,2026\n"),
		SWAPPED("20190302T090000Z", "DTEND:2019\n"), SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nRDATE:soon\n"),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY\nEXDATE:soon\n"),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301;BYDAY=X\n"),
		SWAPPED("20150302T090000Z", "DURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nEXDATE:soon\nEND:VEVENT\n"
		        MOVED(":20150309T090000Z", ":20260310T090000Z")),
		MARS("20150302T080000\nRRULE:FREQ=DAILY;COUNT=5\nEND:VEVENT\n" MOVED(";TZID=Mars:20150303T080000", ":20260303T090000Z")),
		MARS("20150302T080000\nRRULE:FREQ=DAILY\nEND:VEVENT\n" MOVED(";TZID=Mars:20150303T080000", ";TZID=Mars:20150303T090000")),
		MARS("20150302T080000\nRRULE:FREQ=DAILY;COUNT=5\nEND:VEVENT\n" MOVED(";RANGE=THISANDFUTURE;TZID=Mars:20150303T080000", ":20150303T090000Z")),
		MARS("20150302T080000\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
		     MOVED(";RANGE=THISANDFUTURE;TZID=Mars:20150303T080000", ";TZID=Mars:20150303T080000") "STATUS:CANCELLED\n"),
		MARS("20260227T080000\nDURATION:PT1H\n"), MARS("20260402T080000\nDURATION:PT1H\n"), MARS("20150302T080000\nDURATION:P4020D\n"),
		MARS("20150302T080000\nDTEND:20260228T000000\n"), MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\n"),
		MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260227\n"), MARS("20150302T080000\nRDATE:20260303T080000Z\n"),
		MARS("20150302T080000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=2016\n"),
		MARS("20150302T080000\nRRULE:FREQ=WEEKLY;UNTIL=20160301\nRRULE:FREQ=DAILY\n"),
		MARS("20150302T080000\nX-MICROSOFT-RRULE:FREQ=DAILY\n"),
		SWAPPED("20260303T090000Z", "END:VEVENT\n" MOVED(";TZID=Mars:20260303T090000", ":20260303T090000Z") "STATUS:CANCELLED\n"), DAYS("430"),
		"BEGIN:VEVENT\nUID:s\nDTSTART;VALUE=DATE:20240331T220000Z\nRRULE:FREQ=MONTHLY;INTERVAL=23\nEXDATE:soon\nEND:VEVENT\n",
	};
	for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
		buf_reset(&error);
		CHECK_STR(march(over[i]), AS("Busy"));
		CHECK_STR(buf_cstr(&error), "");
	}
	for (size_t i = 0; i < sizeof may_touch / sizeof *may_touch; i++)
		CHECK(strncmp(march(may_touch[i]), "line ", 5) == 0);
	/* but what changes it may be moved, and the newer version of what counts is none */
	CHECK_STR(march("BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;RANGE=THISANDFUTURE:20150302T080000Z\nDTSTART:20260302T080000Z\nEND:VEVENT\n"
	                MARS("20150302T080000\nRRULE:FREQ=DAILY;UNTIL=20150401\n")),
	          "line 8: when this is cannot be told, so neither can what others of its UID change");
	CHECK_STR(march(SWAPPED("20260303T090000Z", "END:VEVENT\n" MOVED(";TZID=Mars:20150303T080000", ":20150303T090000Z"))),
	          "line 9: the time zone \"Mars\" is not known: there is no VTIMEZONE for it, and it is no IANA or Windows name");
	CHECK_STR(march("BEGIN:VEVENT\nUID:s\nDTSTART:20260303T080000Z\nDURATION:PT1H\nEND:VEVENT\n" MARS("20150302T080000\nSEQUENCE:1\n")), AS("Busy"));
}

/* ${n} times what is long over in a zone that nobody knows, each in a VCALENDAR of its own if ${apart}. */
static void put_long_over(const char *zone, int n, bool apart)
{
	buf_reset(&error);
	buf_reset(&text);
	buf_printf(&text, "BEGIN:VCALENDAR\n%s", zone);
	for (int i = 0; i < n; i++)
		buf_printf(&text, "%sBEGIN:VEVENT\nDTSTART;TZID=Mars:20150302T080000\nEND:VEVENT\n", apart ? "END:VCALENDAR\nBEGIN:VCALENDAR\n" : "");
}

/* What a zone is that nobody knows is looked for once, however many events are in it; each that matters gets the sentence. */
static void test_many_long_over(void)
{
	static const struct {
		const char *zone;
		bool apart;
		const char *sentence;
	} cases[] = {
		{ZONE("Mars", "+1"), false, "line 6: this part of a VTIMEZONE has an offset that is none"},
		{"", false, "line 183003: the time zone \"Mars\" is not known: there is no VTIMEZONE for it, and it is no IANA or Windows name"},
		{"", true, "line 305003: the time zone \"Mars\" is not known: there is no VTIMEZONE for it, and it is no IANA or Windows name"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put_long_over(cases[i].zone, 61000, cases[i].apart);
		size_t len = text.len;
		buf_puts(&text, "BEGIN:VEVENT\n" AT "END:VEVENT\nEND:VCALENDAR\n");
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK_STR(buf_cstr(&error), "");
		CHECK(a && a->n_events == 1);
		fb_answer_free(a);
		text.len = len;
		buf_puts(&text, "BEGIN:VEVENT\nDTSTART;TZID=Mars:20260302T080000\nEND:VEVENT\nEND:VCALENDAR\n");
		CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
		CHECK_STR(buf_cstr(&error), cases[i].sentence);
	}
}

/* Many calendars in one file, as `cat` makes it of single events; what a zone is in the last is what it is in the first. */
static void test_many_calendars(void)
{
	static const char *const each[] = {
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=America/New_York:", "BEGIN:VCALENDAR\nX-WR-TIMEZONE:America/New_York\nBEGIN:VEVENT\nDTSTART:",
		"BEGIN:VCALENDAR\n" ZONE("Ours", "+0100") ZONE("Theirs", "+0100") "BEGIN:VEVENT\nDTSTART;TZID=America/New_York:",
	};
	static const int many[] = {101000, 101000, 20000};
	for (size_t k = 0; k < sizeof each / sizeof *each; k++) {
		buf_reset(&error);
		buf_reset(&text);
		for (int i = 0; i <= many[k]; i++)
			buf_printf(&text, "%s%s\nEND:VEVENT\nEND:VCALENDAR\n", each[k], i < many[k] ? "20250302T090000" : "20260302T090000\nDURATION:PT1H");
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK_STR(buf_cstr(&error), "");
		CHECK(a && a->n_events == 1 && a->events[0].start == 1772460000); /* 14:00 UTC */
		fb_answer_free(a);
	}
}

static void test_lengths(void)
{
	/* 29 March has 23 hours, 25 October has 25: a day is a day however its length is told */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260329\nDURATION:PT24H\n"), "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDURATION:P1DT1S\n"), "2026-03-01T23:00:00Z/2026-03-03T23:00:00Z Busy");
	/* a midnight that is called a date is one */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302T000000\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=date:20260302T000000\nDTEND;VALUE=DATE:20260304T000000\n"), "2026-03-01T23:00:00Z/2026-03-03T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260301T230000Z\nDTEND;VALUE=DATE:20260301T230000Z\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302T093000\nDURATION:PT1H\n"), "2026-03-02T08:30:00Z/2026-03-02T09:30:00Z Busy");
	/* days that end at a midnight: that of the mailbox in UTC, or any other */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND:20260303T230000Z\n"), "2026-03-01T23:00:00Z/2026-03-03T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND:20260303T000000Z\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND;TZID=America/New_York:20260303T000000\n"), "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
	/* of a time, a date begins with the first midnight that it can mean */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND:20260303T093000Z\n"), "2026-03-01T23:00:00Z/2026-03-03T09:30:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nDTEND;TZID=Asia/Tokyo:20260302T093000\n"), "2026-03-01T15:00:00Z/2026-03-02T00:30:00Z Busy");
	CHECK_STR(events_in("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261025\nDURATION:PT1440M\nEND:VEVENT\n", "2026-10-20", "2026-11-01", "Europe/Berlin"),
	          "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z Busy");
}

#define AUTUMN(lines) "BEGIN:VEVENT\nUID:1\nDTSTART" BERLIN "20261020T023000\nDURATION:PT1H\n" lines "END:VEVENT\n"
#define IN_AUTUMN(lines) events_in(AUTUMN(lines), "2026-10-21", "2026-11-01", "UTC")

/* An extra date in UTC may be the second half past two of the night in which the clock goes back. */
static void test_extra_dates(void)
{
	CHECK_STR(IN_AUTUMN("RDATE:20261025T013000Z\n"), "2026-10-25T01:30:00Z/2026-10-25T02:30:00Z Busy");
	CHECK_STR(IN_AUTUMN("RDATE;VALUE=PERIOD:20261025T013000Z/PT10M\n"), "2026-10-25T01:30:00Z/2026-10-25T01:40:00Z Busy");
	CHECK_STR(IN_AUTUMN("RDATE:20261025T003000Z,20261025T013000Z\nEXDATE:20261025T003000Z\n"), "2026-10-25T01:30:00Z/2026-10-25T02:30:00Z Busy");
	CHECK_STR(IN_AUTUMN("RDATE" BERLIN "20261025T023000\n"), "2026-10-25T00:30:00Z/2026-10-25T01:30:00Z Busy");
	/* half past two is left out, and half past three by another name */
	CHECK_STR(event("DTSTART" BERLIN "20260329T023000\nDURATION:P1D\nRDATE" BERLIN "20260329T033000\n"),
	          "2026-03-29T01:30:00Z/2026-03-30T01:30:00Z Busy");
	CHECK_STR(event("DTSTART" BERLIN "20260329T033000\nDURATION:P1D\nRDATE" BERLIN "20260329T023000\n"),
	          "2026-03-29T01:30:00Z/2026-03-30T01:30:00Z Busy");
	/* and where they are moved on as from the night before, each goes its way */
	CHECK_STR(events_in("BEGIN:VEVENT\nUID:1\nDTSTART" BERLIN "20260328T230000\nDURATION:PT1H\nRRULE:FREQ=HOURLY;COUNT=6\nEND:VEVENT\n"
	                    "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE" BERLIN "20260328T230000\nDTSTART" BERLIN "20260329T020000\n"
	                    "DURATION:PT1H\nEND:VEVENT\n", "2026-03-29T02:30:00", "2026-03-29T04:30:00", "UTC"),
	          "2026-03-29T02:00:00Z/2026-03-29T03:00:00Z Busy, 2026-03-29T03:00:00Z/2026-03-29T04:00:00Z Busy, "
	          "2026-03-29T04:00:00Z/2026-03-29T05:00:00Z Busy");
	/* a period among days is no whole day */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nRDATE;VALUE=PERIOD:20260305T080000Z/PT3H\n"),
	          "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T11:00:00Z Busy");
	/* nor does it take the place of the day in which it lies */
	CHECK_STR(event("DTSTART;VALUE=DATE:20260305\nRDATE;VALUE=PERIOD:20260305T080000Z/PT3H\n"),
	          "2026-03-04T23:00:00Z/2026-03-05T23:00:00Z Busy, 2026-03-05T08:00:00Z/2026-03-05T11:00:00Z Busy");
	CHECK_STR(event("DTSTART;VALUE=DATE:20260302\nRDATE;VALUE=PERIOD:20260305T080000Z/PT3H\nEXDATE:20260305T080000Z\n"),
	          "2026-03-01T23:00:00Z/2026-03-02T23:00:00Z Busy");
}

/* What the bridge gets of the texts of ${lines} from its worker: subject, place. */
static const char *texts_of(const char *lines)
{
	struct buf packed;
	buf_init(&packed, 1 << 20);
	buf_reset(&out);
	buf_reset(&text);
	buf_printf(&text, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" AT "%sEND:VEVENT\nEND:VCALENDAR\n", lines);
	struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC"), *b = NULL;
	if (CHECK(a)) {
		fb_answer_pack(&packed, a);
		struct unpack u = unpack_start(buf_ptr(&packed), packed.len);
		b = fb_answer_unpack(&u);
	}
	if (CHECK(b && b->n_events == 1))
		buf_printf(&out, "%s, %s", b->events[0].subject, b->events[0].location);
	fb_answer_free(a);
	fb_answer_free(b);
	buf_free(&packed);
	return buf_cstr(&out);
}

/* Texts in Latin 1, cut within a character or otherwise none: they cost their own letters, and not the mailbox its answer. */
static void test_texts(void)
{
	CHECK_STR(texts_of("SUMMARY:Caf\xc3\xa9\nLOCATION:M\xc3\xbcnchen\n"), "Caf\xc3\xa9, M\xc3\xbcnchen");
	CHECK_STR(texts_of("SUMMARY:Caf\xe9 a\nLOCATION:M\xfcnchen\n"), "Caf\xef\xbf\xbd a, M\xef\xbf\xbdnchen");
	CHECK_STR(texts_of("SUMMARY:\xe2\x82\nLOCATION:\xed\xa0\x80\n"), "\xef\xbf\xbd\xef\xbf\xbd, \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	char lines[4096] = "LOCATION:x\nSUMMARY:";
	memset(lines + strlen(lines), 0xe9, 3000);
	strcpy(lines + strlen(lines), "\n");
	CHECK_INT(strlen(texts_of(lines)) % 3, 0); /* whole characters, and ", x" */
	CHECK(out.len > 1000 && out.len < 2000);
}

/* Behind the calendar there may be what a cache wrote there; before it such words say that it is none. */
static void test_around(void)
{
	static const char *const behind[] = {"X-CACHE:hit\n", "<!-- cached: 1.2.2026 -->\n", "\x1a", "\n--\nA footer;\n"};
	for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
		buf_reset(&error);
		calendar("BEGIN:VEVENT\n" AT "END:VEVENT\n");
		buf_puts(&text, behind[i]);
		struct fb_answer *a = expand("2026-03-01", "2026-04-01", "UTC");
		CHECK(a && a->n_events == 1);
		CHECK_STR(buf_cstr(&error), "");
		fb_answer_free(a);
	}
	static const char *const wrong[] = {"END:VCALENDAR\n", "BEGIN:VEVENT\n" AT "END:VEVENT\n", AT, "BEGIN:VCALENDAR\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		calendar("");
		buf_puts(&text, wrong[i]);
		CHECK(!expand("2026-03-01", "2026-04-01", "UTC"));
	}
}

int main(void)
{
	help_start();
	test_rules();
	test_zones();
	test_calendar_zone();
	test_definitions();
	test_long_over();
	test_many_long_over();
	test_many_calendars();
	test_lengths();
	test_extra_dates();
	test_texts();
	test_around();
	return help_end();
}
