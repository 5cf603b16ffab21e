"""The same question put to python3-recurring-ical-events, which is somebody else's engine.

Where it is known to differ from RFC 5545 a calendar is not put to it; deviates() says which those are and why.
"""
import datetime as dt
import re
from importlib import metadata
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

import naive

NEWER = int(metadata.version("recurring-ical-events").split(".")[0]) >= 3


def ends_early(event):
    start, until = re.search(r"^DTSTART((?:;[^:]*)?):(\w+)", event, re.M), re.search(r"UNTIL=(\w+)", event)
    if not start or not until:
        return False
    first = naive.Time(start[2], dict(p.split("=", 1) for p in start[1].split(";")[1:]))
    return naive.Time(until[1], {}).instant(first.zone or naive.UTC) < first.instant(naive.UTC)


def instants(name, event):
    """What all properties of that ${name} in the event say, as instants."""
    found = set()
    for params, values in re.findall(rf"^{name}((?:;[^:\r\n]*)?):([^\r\n]+)", event, re.M):
        given = dict(p.split("=", 1) for p in params.split(";")[1:])
        for value in values.split(","):
            time = naive.Time(value, given)
            found.add(time.instant(time.zone or naive.UTC))
    return found


def excludes_override(text):
    """Does an EXDATE name an occurrence that another event of the same UID stands in for?"""
    excluded, overridden = {}, {}
    for event in re.findall(r"BEGIN:VEVENT.*?END:VEVENT", text, re.S):
        uid = re.search(r"^UID:(.*)$", event, re.M)
        excluded.setdefault(uid and uid[1].strip(), set()).update(instants("EXDATE", event))
        overridden.setdefault(uid and uid[1].strip(), set()).update(instants("RECURRENCE-ID", event))
    return any(excluded[uid] & overridden[uid] for uid in excluded)


def lasts_overnight(event):
    """Does it repeat, and end at a time of another day?"""
    days = [re.search(rf"^{name}(?:;TZID=[^:]*)?:(\d{{8}})T", event, re.M) for name in ("DTSTART", "DTEND")]
    return re.search("^R(RULE|DATE)", event, re.M) and all(days) and days[0][1] != days[1][1]


def deviates(text, end):
    """Why versions 2.0.1 and 3.3.3 cannot be the judge of this calendar, or None."""
    if end.year >= 2037:
        return "pytz knows no change of the clock after 2037"
    if "RANGE=THISANDFUTURE" in text:
        return "RANGE=THISANDFUTURE is not read"
    if "RDATE;VALUE=PERIOD" in text:
        return "RDATE periods are not read"
    if re.search(r"DURATION:P\d+[DW]", text) and "VALUE=DATE:" not in text:
        return "a day of DURATION counts 24 hours even where the clock changes"
    if re.search(r"^DTSTART:\d{8}T\d{6}\r?$", text, re.M) and re.search(r"DURATION:P\w*T(\d{2,}H|\d{3,}M)", text):
        return "hours of a time without a zone count by the wall clock even where it changes"
    if re.search(r"T0[12]\d{4}|TZID=(?!Europe|America/New|America/Los|Asia/Kol|Australia/S)[^:]*:\d{8}T(00|03|23)", text):
        return "of a time that the clock shows twice the second is taken, not the first"
    if re.search(r"FREQ=(HOURLY|MINUTELY|SECONDLY)|BYHOUR|BYMINUTE", text):
        return "overrides are matched by day, so a day may have only one occurrence"
    if "VFREEBUSY" in text:
        return "VFREEBUSY is not read"
    if any(map(ends_early, re.findall(r"BEGIN:VEVENT.*?END:VEVENT", text, re.S))):
        return "with UNTIL before DTSTART there is no occurrence, where RFC 5545 3.8.5.3 has DTSTART in every set"
    if "/freeassociation" in text or "Standard Time" in text:
        return "prefixed and Windows names of zones are read as floating"
    if NEWER and excludes_override(text):
        return "of an occurrence that EXDATE names the override is left out, too, from version 3 on"
    if NEWER and any(map(lasts_overnight, re.findall(r"BEGIN:VEVENT.*?END:VEVENT", text, re.S))):
        return "from version 3 on DTEND goes by the wall clock, where RFC 5545 3.8.5.3 has the same exact duration"
    return None


def tame(text):
    """An all-day event without DTEND lasts its day (RFC 5545 3.6.1); the engine gives it no length, so it is told."""
    def end(m):
        event = m.group(0)
        start = re.search(r"DTSTART;VALUE=DATE:(\d{8})", event)
        if not start or "DTEND" in event or "DURATION" in event:
            return event
        next_day = dt.datetime.strptime(start.group(1), "%Y%m%d") + dt.timedelta(days=1)
        return event.replace("END:VEVENT", f"DTEND;VALUE=DATE:{next_day:%Y%m%d}\r\nEND:VEVENT")
    return re.sub(r"BEGIN:VEVENT.*?END:VEVENT", end, text, flags=re.S)


def status(event):
    if str(event.get("STATUS")) == "CANCELLED":
        return None
    own = event.get("X-MICROSOFT-CDO-BUSYSTATUS")
    if own is not None:
        return naive.BUSYSTATUS[str(own)]
    if str(event.get("TRANSP")) == "TRANSPARENT":
        return None
    return "TENTATIVE" if str(event.get("STATUS")) == "TENTATIVE" else "BUSY"


def freebusy(text, start, end, zone):
    floating = ZoneInfo(zone)

    def instant(t):
        if not isinstance(t, dt.datetime):
            t = dt.datetime(t.year, t.month, t.day)
        return naive.instant(t, floating) if t.tzinfo is None else t.astimezone(naive.UTC)

    calendar = icalendar.Calendar.from_ical(tame(text))
    margin = dt.timedelta(days=2)
    found = recurring_ical_events.of(calendar).between(start - margin, end + margin)
    spans = [(instant(e["DTSTART"].dt), instant(e["DTEND"].dt), status(e)) for e in found]
    return naive.joined([s for s in spans if s[2]], start, end)
