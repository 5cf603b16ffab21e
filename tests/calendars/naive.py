"""Free/busy of one iCalendar text, worked out the slow and plain way: dateutil for the rules, zoneinfo for the zones, sets for the rest.

It shares no code with the program under test, and it reads only what tests/calendars/generate.py writes: it is an oracle, not a parser.
"""
import datetime as dt
import re
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
WINDOWS = {"W. Europe Standard Time": "Europe/Berlin", "Eastern Standard Time": "America/New_York"}
BUSYSTATUS = {"FREE": None, "TENTATIVE": "TENTATIVE", "BUSY": "BUSY", "OOF": "OOF", "WORKINGELSEWHERE": "WORKINGELSEWHERE"}
FBTYPE = {"FREE": None, "BUSY-TENTATIVE": "TENTATIVE", "BUSY-UNAVAILABLE": "OOF"}


def zone_named(name):
    name = WINDOWS.get(name, name)
    if name.startswith("/"):
        name = "/".join(name.split("/")[2:])
    return ZoneInfo({"Custom Berlin": "Europe/Berlin"}.get(name, name))


class Time:
    """A DATE or DATE-TIME: the digits, and how they are meant."""

    def __init__(self, digits, params):
        self.is_date = len(digits) == 8
        self.is_utc = digits.endswith("Z")
        self.wall = dt.datetime.strptime(digits.rstrip("Z"), "%Y%m%d" if self.is_date else "%Y%m%dT%H%M%S")
        self.zone = UTC if self.is_utc else zone_named(params["TZID"]) if "TZID" in params and not self.is_date else None

    def instant(self, floating):
        return instant(self.wall, self.zone or floating)


def instant(wall, zone):
    """RFC 5545 3.3.5: the first of two, and the offset before a gap: what fold=0 means."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def duration(text):
    m = re.fullmatch(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    w, d, h, mi, s = (int(x or 0) for x in m.groups())
    return dt.timedelta(days=7 * w + d), dt.timedelta(hours=h, minutes=mi, seconds=s)


def properties(text):
    """(component path, name, parameters, value) of each line."""
    path = []
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        head, value = line.split(":", 1)
        name, *params = head.split(";")
        if name == "BEGIN":
            path.append((value, object()))
            yield tuple(path), "BEGIN", {}, value
        elif name == "END":
            path.pop()
        else:
            yield tuple(path), name, dict(p.split("=", 1) for p in params), value


class Event:
    def __init__(self):
        self.p = {}
        self.rules, self.rdates, self.exdates = [], [], []

    def add(self, name, params, value):
        if name == "RRULE":
            self.rules.append(value)
        elif name == "EXDATE":
            self.exdates += [Time(v, params) for v in value.split(",")]
        elif name == "RDATE":
            for v in value.split(","):
                start, _, rest = v.partition("/")
                self.rdates.append((Time(start, params), rest, params))
        elif name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            self.p[name] = Time(value, params)
            self.future = self.__dict__.get("future") or params.get("RANGE") == "THISANDFUTURE"
        else:
            self.p[name] = value

    def prepare(self, floating):
        self.start = self.p["DTSTART"]
        self.zone = self.start.zone or floating
        self.floating = floating
        self.days, self.exact = DAY * 0, dt.timedelta(0)
        end = self.p.get("DTEND")
        if end and self.start.is_date:
            self.days = end.wall - self.start.wall
        elif end:
            self.exact = end.instant(floating) - self.start.instant(floating)
        elif "DURATION" in self.p:
            self.days, self.exact = duration(self.p["DURATION"])
        elif self.start.is_date:
            self.days = DAY

    def status(self):
        if self.p.get("STATUS") == "CANCELLED":
            return None
        own = self.p.get("X-MICROSOFT-CDO-BUSYSTATUS")
        if own in BUSYSTATUS:
            return BUSYSTATUS[own]
        if self.p.get("TRANSP") == "TRANSPARENT":
            return None
        return "TENTATIVE" if self.p.get("STATUS") == "TENTATIVE" else "BUSY"

    def end_of(self, wall):
        return instant(wall + self.days, self.zone) + self.exact

    def starts(self, horizon):
        """Wall starts of the whole recurrence set up to ${horizon}, EXDATE applied, with the end that an RDATE period gives."""
        found = {self.start.wall: None}
        for rule in self.rules:
            found.update((w, None) for w in self.rule_starts(rule, horizon))
        for t, rest, params in self.rdates:
            wall = t.wall if t.zone is None or self.start.is_date else t.instant(self.floating).astimezone(self.zone).replace(tzinfo=None)
            end = None
            if rest.startswith("P"):
                days, exact = duration(rest)
                end = instant(wall + days, self.zone) + exact
            elif rest:
                end = Time(rest, params).instant(self.floating)
            found[wall] = end
        gone = {self.key(t) for t in self.exdates}
        return {w: e for w, e in found.items() if self.key_of(w) not in gone}

    def rule_starts(self, rule, horizon):
        parts = dict(p.split("=", 1) for p in rule.split(";"))
        until = parts.pop("UNTIL", None)
        if until:
            t = Time(until, {})
            horizon = min(horizon, t.wall + 2 * DAY)
        try:
            for wall in rrulestr(";".join(f"{k}={v}" for k, v in parts.items()), dtstart=self.start.wall):
                if wall > horizon:
                    return
                if until and (instant(wall, self.zone) > t.instant(UTC) if t.is_utc and not self.start.is_date else wall > t.wall):
                    continue
                yield wall
        except ValueError:  # dateutil's way to say that INTERVAL and BYxxx never meet
            return

    def key_of(self, wall):
        return wall if self.start.is_date else instant(wall, self.zone)

    def key(self, t):
        """What an EXDATE or RECURRENCE-ID names in this series."""
        return t.wall if self.start.is_date else t.instant(self.zone)


def expand_group(events, floating, horizon):
    """(start, end, status) of all occurrences of one UID."""
    series = [e for e in events if "RECURRENCE-ID" not in e.p]
    newest = max((int(e.p.get("SEQUENCE", 0)) for e in series), default=0)
    overrides = {}
    lead = series[0] if series else None
    for e in events:
        if "RECURRENCE-ID" not in e.p:
            continue
        rid = e.p["RECURRENCE-ID"]
        key = lead.key(rid) if lead else rid.instant(floating)
        if key not in overrides or int(e.p.get("SEQUENCE", 0)) >= int(overrides[key].p.get("SEQUENCE", 0)):
            overrides[key] = e
    for e in series:
        if int(e.p.get("SEQUENCE", 0)) < newest:
            continue
        for wall, end in e.starts(horizon).items():
            key = e.key_of(wall)
            if key in overrides:
                continue
            ranged = [k for k, o in overrides.items() if o.future and k <= key]
            if ranged:
                o = overrides[max(ranged)]
                moved = wall + (o.start.wall - o.p["RECURRENCE-ID"].wall)
                yield instant(moved, o.zone), o.end_of(moved), o.status()
            else:
                yield instant(wall, e.zone), end or e.end_of(wall), e.status()
    for o in overrides.values():
        yield o.start.instant(floating), o.end_of(o.start.wall), o.status()


def occurrences(text, end, zone):
    floating = ZoneInfo(zone)
    events, order = {}, []
    for path, name, params, value in properties(text):
        kind, ident = path[-1]
        if kind == "VEVENT":
            if ident not in events:
                events[ident] = Event()
            if name != "BEGIN":
                events[ident].add(name, params, value)
        elif kind == "VFREEBUSY" and name == "FREEBUSY":
            for period in value.split(","):
                first, rest = period.split("/")
                start = Time(first, {}).instant(UTC)
                stop = start + sum(duration(rest), dt.timedelta(0)) if rest.startswith("P") else Time(rest, {}).instant(UTC)
                yield start, stop, FBTYPE.get(params.get("FBTYPE"), "BUSY")
    groups = {}
    for e in events.values():
        e.future = e.__dict__.get("future", False)
        e.prepare(floating)
        groups.setdefault(e.p["UID"], []).append(e)
    horizon = end.replace(tzinfo=None) + 40 * DAY
    for group in groups.values():
        yield from expand_group(group, floating, horizon)


def joined(spans, start, end):
    """Clipped to the window; spans of one status that overlap or touch joined; [start, end, status] in UTC, sorted."""
    out = []
    for status in ("TENTATIVE", "BUSY", "OOF", "WORKINGELSEWHERE"):
        last = None
        for s, e, st in sorted(x for x in spans if x[2] == status):
            s, e = max(s, start), min(e, end)
            if s >= e:
                continue
            if last and s <= last[1]:
                last[1] = max(last[1], e)
            else:
                last = [s, e, status]
                out.append(last)
    form = "%Y-%m-%dT%H:%M:%SZ"
    return sorted([s.strftime(form), e.strftime(form), status] for s, e, status in out)


def digits(intervals, start, end, minutes):
    """0 free or working elsewhere, 1 tentative, 2 busy, 3 out of office; any overlap counts, the highest wins."""
    step = dt.timedelta(minutes=minutes)
    value = {"TENTATIVE": 1, "BUSY": 2, "OOF": 3, "WORKINGELSEWHERE": 0}
    cells = [0] * -((start - end) // step)
    for s, e, status in intervals:
        s, e = (dt.datetime.strptime(x, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) for x in (s, e))
        for i in range((s - start) // step, -((start - e) // step)):
            cells[i] = max(cells[i], value[status])
    return "".join(map(str, cells))


def freebusy(text, start, end, zone):
    return joined([x for x in occurrences(text, end, zone) if x[2]], start, end)
