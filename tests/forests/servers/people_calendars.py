"""The calendars that every server is loaded with, in March and April 2026: what is easy to get wrong, around the change of the clock on 29 March."""

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19810329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


MICROSOFT_ZONE = ZONE.replace("Europe/Berlin", "W. Europe Standard Time")


def event(uid, start, end, *more, zone="Europe/Berlin"):
    """A VEVENT; times as 20260302T090000 in the zone, with Z, or as dates."""
    def at(name, t):
        return f"{name};VALUE=DATE:{t}" if len(t) == 8 else f"{name}:{t}" if t.endswith("Z") else f"{name};TZID={zone}:{t}"
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", at("DTSTART", start), at("DTEND", end), f"SUMMARY:{uid}", *more, "END:VEVENT"])


def resource(*events):
    return "\r\n".join("\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", ZONE, *events, "END:VCALENDAR", ""]).split("\n"))


# Of each person the resources, by name: one UID each, as CalDAV has it (RFC 4791 4.1).
CALENDARS = {
    "anna": {
        "weekly": resource(
            event("weekly", "20260302T090000", "20260302T100000", "RRULE:FREQ=WEEKLY;COUNT=8", "EXDATE;TZID=Europe/Berlin:20260316T090000"),
            event("weekly", "20260324T140000", "20260324T153000", "RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000"),
            event("weekly", "20260406T090000", "20260406T100000", "RECURRENCE-ID;TZID=Europe/Berlin:20260406T090000", "STATUS:CANCELLED")),
        "tentative": resource(event("tentative", "20260303T120000Z", "20260303T130000Z", "STATUS:TENTATIVE")),
        "transparent": resource(event("transparent", "20260304T080000", "20260304T180000", "TRANSP:TRANSPARENT")),
        "cancelled": resource(event("cancelled", "20260305T100000", "20260305T110000", "STATUS:CANCELLED")),
        "private": resource(event("private", "20260306T150000", "20260306T160000", "CLASS:PRIVATE")),
        "running": resource(event("running", "20260228T220000", "20260301T030000")),
        "last-moved": resource(
            event("last-moved", "20260309T160000", "20260309T170000", "RRULE:FREQ=DAILY;COUNT=2"),
            event("last-moved", "20260320T160000", "20260320T163000", "RECURRENCE-ID;TZID=Europe/Berlin:20260310T160000")),
    },
    "bob": {
        "all-day": resource(event("all-day", "20260318", "20260320")),
        "each-day": resource(event("each-day", "20260326T230000", "20260327T010000", "RRULE:FREQ=DAILY;UNTIL=20260331T220000Z")),
    },
    "carl": {
        "since-2019": resource(event("since-2019", "20190108T113000", "20190108T120000", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH")),
        "extra-dates": resource(event("extra-dates", "20260304T170000", "20260304T173000", "RDATE;TZID=Europe/Berlin:20260312T170000,20260402T170000")),
        "shorter": resource(
            event("shorter", "20260305T080000", "20260305T090000", "RRULE:FREQ=WEEKLY;COUNT=5"),
            event("shorter", "20260319T080000", "20260319T081500", "RECURRENCE-ID;TZID=Europe/Berlin:20260319T080000")),
        "by-microsoft": resource(MICROSOFT_ZONE, event("by-microsoft", "20260316T100000", "20260316T110000", "RRULE:FREQ=WEEKLY;COUNT=3", zone="W. Europe Standard Time")),
        "away": resource(event("away", "20260325T060000Z", "20260325T150000Z", "X-MICROSOFT-CDO-BUSYSTATUS:OOF")),
    },
    "empty": {},
}
