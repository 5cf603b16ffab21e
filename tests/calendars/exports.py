"""Random calendars in the clothes that real programs put on them: Outlook, Google, Apple, Thunderbird and others.

Each calendar is made twice: plain, as naive.py reads it, with IANA zones and nothing that has no part in time; and dressed, as a program would export
it or a bad gateway would mangle it: VTIMEZONEs under the program's own names, folds in the middle of characters, odd case and order, noise around it.
"""
import datetime as dt
import functools
import random
from zoneinfo import ZoneInfo

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
# name at Microsoft, standard and summer offset, and when each begins
RULED = {
    "Europe/Berlin": ("W. Europe Standard Time", "+0100", "+0200", "20001029T030000 FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "20000326T020000 FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
    "America/New_York": ("Eastern Standard Time", "-0500", "-0400", "20071104T020000 FREQ=YEARLY;BYDAY=1SU;BYMONTH=11", "20070311T020000 FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"),
    "America/Los_Angeles": ("Pacific Standard Time", "-0800", "-0700", "20071104T020000 FREQ=YEARLY;BYDAY=1SU;BYMONTH=11", "20070311T020000 FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"),
    "Australia/Sydney": ("AUS Eastern Standard Time", "+1000", "+1100", "20080406T030000 FREQ=YEARLY;BYDAY=1SU;BYMONTH=4", "20081005T020000 FREQ=YEARLY;BYDAY=1SU;BYMONTH=10"),
    "Asia/Kolkata": ("India Standard Time", "+0530", None, "20000101T000000 ", None),
    "Europe/London": ("GMT Standard Time", "+0000", "+0100", "20001029T020000 FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "20000326T010000 FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
}
ODD = ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin", "Antarctica/Troll", "America/St_Johns",
       "Pacific/Chatham", "Asia/Gaza", "America/Sao_Paulo", "Asia/Tehran", "Atlantic/Azores", "Pacific/Kiritimati", "Etc/GMT+11"]
CLIENTS = ["outlook", "outlook", "exchange", "google", "google", "apple", "thunderbird", "zimbra", "nextcloud"]


@functools.lru_cache(None)
def changes(name, first, last):
    """(instant as naive UTC, offset before, offset from then on) of each change of the clock."""
    zone, out = ZoneInfo(name), []
    at = dt.datetime(first, 1, 1, tzinfo=dt.timezone.utc)
    end = dt.datetime(last, 1, 1, tzinfo=dt.timezone.utc)
    while at < end:
        a, b = at.astimezone(zone).utcoffset(), (at + DAY).astimezone(zone).utcoffset()
        if a != b:
            low, high = at, at + DAY
            while high - low > dt.timedelta(seconds=1):
                mid = low + dt.timedelta(seconds=int((high - low).total_seconds() // 2))
                low, high = (mid, high) if mid.astimezone(zone).utcoffset() == a else (low, mid)
            out.append((high.replace(tzinfo=None), a, b))
        at += DAY
    return out, dt.datetime(first, 1, 1, tzinfo=dt.timezone.utc).astimezone(zone).utcoffset()


def offset(d):
    s = int(d.total_seconds())
    text = f"{'-' if s < 0 else '+'}{abs(s) // 3600:02}{abs(s) // 60 % 60:02}"
    return text + (f"{abs(s) % 60:02}" if abs(s) % 60 else "")


def form(t):
    return t.strftime("%Y%m%dT%H%M%S") if t.year > 999 else f"{t.year:04}" + t.strftime("%m%dT%H%M%S")


def observance(kind, start, before, after, *more):
    return [f"BEGIN:{kind}", f"DTSTART:{start}", f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}", *more, f"END:{kind}"]


def ruled(tzid, name, outlook):
    """Two parts with rules, as Outlook (from 1601) and Google write them."""
    _, std, summer, at_std, at_summer = RULED[name]
    out = ["BEGIN:VTIMEZONE", f"TZID:{tzid}"]
    for kind, at, before, after in (("STANDARD", at_std, summer or std, std), ("DAYLIGHT", at_summer, std, summer)):
        if at:
            start, rule = at.split(" ")
            if outlook:
                start = "16010101" + start[8:]
            out += observance(kind, start, before, after, *([f"RRULE:{rule}"] if rule else []))
    return out + ["END:VTIMEZONE"]


def historic(tzid, name, first, last, r):
    """One part for each change, or several with RDATE, as Apple does it."""
    out = ["BEGIN:VTIMEZONE", f"TZID:{tzid}", f"X-LIC-LOCATION:{name}"]
    found, initial = changes(name, first, last)
    parts = [observance("STANDARD", f"{first}0101T000000", offset(initial), offset(initial))]
    same = {}
    for at, a, b in found:
        same.setdefault((a, b), []).append(form(at + a))
    for (a, b), times in same.items():
        kind = "DAYLIGHT" if b > a else "STANDARD"
        if r.random() < 0.5:
            parts += [observance(kind, t, offset(a), offset(b), "TZNAME:X") for t in times]
        elif r.random() < 0.5:
            parts.append(observance(kind, times[0], offset(a), offset(b), *[f"RDATE:{t}" for t in times]))
        else:
            parts.append(observance(kind, times[0], offset(a), offset(b), "RDATE;VALUE=DATE-TIME:" + ",".join(times)))
    r.shuffle(parts)
    return out + [line for p in parts for line in p] + ["END:VTIMEZONE"]


class Maker:
    def __init__(self, seed):
        self.r = r = random.Random(f"exports {seed}")
        self.client = r.choice(CLIENTS)
        self.zone = r.choice(list(RULED) + ODD)
        self.year = r.choice([1971, 2011, 2012, 2016, 2023, 2024, 2025, 2026, 2026, 2026, 2027, 2028, 2099])
        self.base = dt.datetime(self.year, r.randint(1, 12), r.randint(1, 28), r.choice([0, 6, 8, 9, 13, 16, 22, 23]), r.choice([0, 0, 20, 30, 59]), r.choice([0, 0, 0, 1]))
        if r.random() < 0.35:  # near a night in which the clock of the event's zone changes
            found = changes(self.zone, self.year - 4, self.year + 4)[0]
            near = [c for c in found if c[0].year == self.year] or [(self.base, dt.timedelta(0), None)]
            at, a, _ = r.choice(near)
            self.base = at + a + dt.timedelta(minutes=r.choice([-1440, -60, -30, 0, 0, 15, 30, 60, 90]), days=r.choice([0, 0, -1, -7]))
        self.tzids = {}
        self.named = r.choice(list(RULED)) if r.random() < 0.15 else None  # X-WR-TIMEZONE: where times are that do not say it
        self.plain, self.dressed = [], []
        for i in range(r.choice([1, 1, 2, 3])):
            self.event(f"{i}-{seed}@exports.example")
        start = self.base + dt.timedelta(days=r.choice([-10, -1, 0, 0, 0, 1, 6, 28, 90, 365]), minutes=r.choice([0, 0, -300, 47, 1]))
        start = start.replace(tzinfo=dt.timezone.utc)
        length = r.choice([dt.timedelta(minutes=1), HOUR, DAY, 7 * DAY, 14 * DAY, 31 * DAY, 42 * DAY, 62 * DAY])
        self.window = start, start + length
        self.floating = r.choice([self.zone, "UTC"] + list(RULED) + ODD)

    # what is meant

    def stamp(self, name, wall, kind, *params):
        """(plain line, dressed line)"""
        extra = "".join(";" + p for p in params)
        if kind == "date":
            return (f"{name}{extra};VALUE=DATE:{wall:%Y%m%d}",) * 2
        if kind == "utc":
            return (f"{name}{extra}:{form(wall)}Z",) * 2
        if kind == "floating":
            return f"{name}{extra}{';TZID=' + self.named if self.named else ''}:{form(wall)}", f"{name}{extra}:{form(wall)}"
        tzid = self.tzid(kind)
        quoted = f'"{tzid}"' if any(c in tzid for c in ",;:") or self.r.random() < 0.3 else tzid
        typed = ["VALUE=DATE-TIME"] if self.r.random() < 0.2 else []
        dressed = [*params, f"TZID={quoted}", *typed]
        self.r.shuffle(dressed)
        return f"{name}{extra};TZID={kind}:{form(wall)}", f"{name};{';'.join(dressed)}:{form(wall)}"

    def tzid(self, name):
        if name in self.tzids:
            return self.tzids[name]
        r, modern, good = self.r, name in RULED and self.year > 2008, [name]
        if self.client in ("outlook", "exchange") and modern:
            hours = RULED[name][1]
            good = ["Customized Time Zone", RULED[name][0], RULED[name][0], f"(UTC{hours[:3]}:{hours[3:]}) Here, There; Elsewhere", "tzone://Microsoft/Custom"]
        elif self.client == "zimbra":
            good = [f"(GMT{'+01.00'}) {name}", name]
        elif self.client == "thunderbird":
            good = [f"/mozilla.org/20050126_1/{name}", name]
        used = set(self.tzids.values())
        self.tzids[name] = r.choice([g for g in good if g not in used] or [name])
        return self.tzids[name]

    def vtimezones(self):
        out = []
        for name, tzid in self.tzids.items():
            written = tzid.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
            known = tzid == name or tzid.endswith("/" + name) or (name in RULED and tzid == RULED[name][0])
            if known and self.r.random() < 0.25:
                continue
            if name in RULED and self.year > 2008 and self.r.random() < 0.8:
                out += ruled(written, name, self.client in ("outlook", "exchange"))
            else:
                out += historic(written, name, self.year - 6, self.year + 5, self.r)
        return out

    def add(self, plain, dressed, pair):
        plain.append(pair[0])
        dressed.append(pair[1])

    def event(self, uid):
        r = self.r
        kind = r.choice(["date", "utc", "floating"] + [self.zone] * 6 + [r.choice(list(RULED))])
        start = self.base + dt.timedelta(days=r.randint(-2, 2), minutes=r.choice([0, 0, 30]))
        if kind == "date":
            start = dt.datetime(start.year, start.month, start.day)
        rule = self.rule(start, kind) if r.random() < 0.75 else None
        plain, dressed = [f"UID:{uid}"], [f"UID:{uid}", "DTSTAMP:20260101T000000Z"]
        self.add(plain, dressed, self.stamp("DTSTART", start, kind))
        for pair in self.length(start, kind) + self.status():
            self.add(plain, dressed, pair)
        single = not rule or "BYHOUR" not in rule and "LY" in rule and not any(x in rule for x in ("HOURLY", "MINUTELY", "SECONDLY"))
        if rule:
            plain.append("RRULE:" + rule)
            parts = rule.split(";")
            if self.client in ("outlook", "exchange") and "WKST" not in rule and "INTERVAL" not in rule and "BYWEEKNO" not in rule:
                parts.append("WKST=SU")  # says nothing where neither weeks nor intervals count
            if r.random() < 0.3:
                r.shuffle(parts)
            dressed.append("RRULE:" + ";".join(parts))
        starts = self.starts(rule, start) if rule else [start]
        if r.random() < 0.25:
            for w in [start + dt.timedelta(days=r.randint(1, 40), minutes=r.choice([0, 0, 45])) for _ in range(r.choice([1, 2]))]:
                w = dt.datetime(w.year, w.month, w.day) if kind == "date" else w
                self.add(plain, dressed, self.stamp("RDATE", w, kind))
                starts.append(w)
        if rule and starts and r.random() < 0.5:
            for w in r.sample(starts, min(len(starts), r.choice([1, 2, 5]))):
                self.add(plain, dressed, self.stamp("EXDATE", w, kind))
        parts = [(plain, dressed)]
        if rule and starts and single and r.random() < 0.5:
            for w in sorted(r.sample(starts, min(len(starts), r.choice([1, 1, 2, 5])))):
                parts.append(self.override(uid, w, kind))
        if r.random() < 0.3:
            parts.reverse()
        for p, d in parts:
            self.plain += ["BEGIN:VEVENT", *p, "END:VEVENT"]
            self.dressed.append(d)

    def starts(self, rule, start):
        from dateutil.rrule import rrulestr
        out = []
        kept = ";".join(p for p in rule.split(";") if not p.startswith("UNTIL"))
        try:
            for i, w in enumerate(rrulestr(kept, dtstart=start)):
                if i == 40 or w > start + 400 * DAY:
                    break
                out.append(w)
        except ValueError:
            pass
        return out

    def length(self, start, kind):
        r = self.r
        if kind == "date":
            days = r.choice([0, 1, 1, 1, 2, 7])
            if not days:
                return []
            return [(f"DURATION:P{days}D",) * 2] if r.random() < 0.3 else [self.stamp("DTEND", start + days * DAY, kind)]
        minutes = r.choice([0, 5, 30, 30, 60, 60, 90, 600, 1440, 4000])
        if r.random() < 0.4:
            text = {0: "PT0S", 1440: r.choice(["P1D", "PT24H", "P1DT0H0M0S"]), 4000: "P2DT18H40M"}.get(minutes, r.choice([f"PT{minutes}M", f"PT{minutes // 60}H{minutes % 60}M0S"]))
            return [(f"DURATION:{text}",) * 2]
        if not minutes:
            return []
        zone = ZoneInfo({"utc": "UTC", "floating": "UTC"}.get(kind, kind))
        end = start + dt.timedelta(minutes=minutes)
        if kind == "floating" or end.replace(tzinfo=zone).astimezone(dt.timezone.utc) < start.replace(tzinfo=zone).astimezone(dt.timezone.utc):
            return [("DURATION:PT1H",) * 2]
        if kind not in ("utc",) and r.random() < 0.1:  # an end in another zone: a flight
            other = r.choice(list(RULED))
            there = end.replace(tzinfo=zone).astimezone(dt.timezone.utc).astimezone(ZoneInfo(other))
            if not there.fold:
                return [self.stamp("DTEND", there.replace(tzinfo=None), other)]
        return [self.stamp("DTEND", end, kind)]

    def status(self):
        r, out = self.r, []
        if self.client in ("outlook", "exchange"):
            if r.random() < 0.7:
                out.append("X-MICROSOFT-CDO-BUSYSTATUS:" + r.choice(["FREE", "TENTATIVE", "BUSY", "BUSY", "OOF", "WORKINGELSEWHERE"]))
            if r.random() < 0.4:
                out.append("TRANSP:" + r.choice(["OPAQUE", "TRANSPARENT"]))
        elif r.random() < 0.6:
            out.append("TRANSP:" + r.choice(["OPAQUE", "OPAQUE", "TRANSPARENT"]))
        if r.random() < 0.5:
            out.append("STATUS:" + r.choice(["CONFIRMED", "CONFIRMED", "TENTATIVE", "CANCELLED"]))
        return [(s, s) for s in out]

    def override(self, uid, wall, kind):
        r = self.r
        plain, dressed = [f"UID:{uid}"], [f"UID:{uid}"]
        future = ["RANGE=THISANDFUTURE"] if r.random() < 0.2 else []
        self.add(plain, dressed, self.stamp("RECURRENCE-ID", wall, kind, *future))
        moved = wall + r.choice([0 * DAY, 0 * DAY, DAY, -DAY, 7 * DAY, dt.timedelta(minutes=150), dt.timedelta(minutes=-45), 60 * DAY])
        other = kind
        if not future and r.random() < 0.25:
            other = r.choice(["date", "utc", self.zone])
            moved = moved.replace(hour=0, minute=0, second=0) if other == "date" else moved
        self.add(plain, dressed, self.stamp("DTSTART", moved, other))
        for pair in self.length(moved, other) + self.status():
            self.add(plain, dressed, pair)
        return plain, dressed

    def some(self, items, most):
        return ",".join(str(x) for x in self.r.sample(items, self.r.randint(1, most)))

    def rule(self, start, kind):
        r = self.r
        d = DAYS[start.weekday()]
        shapes = [
            lambda: f"FREQ=WEEKLY;INTERVAL=2;BYDAY={self.some(DAYS, 4)};WKST={r.choice(DAYS)}",
            lambda: f"FREQ=WEEKLY;BYDAY={self.some(DAYS, 7)}",
            lambda: f"FREQ=WEEKLY;INTERVAL={r.randint(1, 5)};WKST=SU;BYDAY={d}",
            lambda: "FREQ=DAILY",
            lambda: f"FREQ=DAILY;INTERVAL={r.randint(1, 15)};BYMONTH={self.some(range(1, 13), 6)}",
            lambda: f"FREQ=MONTHLY;BYDAY={r.choice([-5, -4, -1, 1, 5])}{r.choice(DAYS)}",
            lambda: f"FREQ=MONTHLY;BYDAY={self.some(DAYS, 3)};BYMONTHDAY={self.some(range(1, 32), 9)}",
            lambda: "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            lambda: "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            lambda: f"FREQ=MONTHLY;BYDAY={self.some(DAYS, 5)};BYMONTHDAY={self.some(range(1, 32), 15)};BYSETPOS={self.some([1, 2, 3, -1, -2], 2)}",
            lambda: f"FREQ=MONTHLY;BYMONTHDAY={self.some([1, 15, 28, 29, 30, 31, -1, -2, -31], 3)}",
            lambda: f"FREQ=MONTHLY;INTERVAL={r.choice([2, 3, 18])};BYDAY=2{d},-1{d}",
            lambda: "FREQ=YEARLY",
            lambda: f"FREQ=YEARLY;BYMONTH={self.some(range(1, 13), 3)};BYDAY={r.choice([-2, -1, 1, 2, 3])}{r.choice(DAYS)}",
            lambda: f"FREQ=YEARLY;BYDAY={r.choice([20, -1, 53, -53, 10])}{r.choice(DAYS)}",
            lambda: f"FREQ=YEARLY;BYWEEKNO={self.some([1, 5, 20, 36, 52, 53, -1, -53], 3)};BYDAY={self.some(DAYS, 3)};WKST={r.choice(['MO', 'SU'])}",
            lambda: f"FREQ=YEARLY;BYYEARDAY={self.some([1, 59, 60, 61, 100, 200, 365, 366, -1, -365, -366], 4)}",
            lambda: f"FREQ=YEARLY;BYMONTH={self.some(range(1, 13), 4)};BYMONTHDAY={self.some([1, 7, 13, 29, -1], 3)};BYDAY={self.some(DAYS, 5)}",
            lambda: f"FREQ=YEARLY;BYDAY={self.some(DAYS, 2)};BYMONTH={self.some(range(1, 13), 3)};BYSETPOS={self.some([1, 3, -1, -4], 2)}",
            lambda: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            lambda: "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        ]
        if kind != "date":
            shapes += [
                lambda: f"FREQ=HOURLY;INTERVAL={r.choice([1, 2, 5, 7, 25])}",
                lambda: f"FREQ=MINUTELY;INTERVAL={r.choice([15, 45, 90, 1441])};BYHOUR={self.some(range(24), 6)}",
                lambda: f"FREQ=SECONDLY;INTERVAL={r.choice([900, 3601, 43201])};BYDAY={self.some(DAYS, 3)}",
                lambda: f"FREQ=DAILY;BYHOUR={self.some(range(24), 3)};BYMINUTE={self.some(range(0, 60, 5), 3)}",
                lambda: f"FREQ=DAILY;BYHOUR={self.some(range(24), 4)};BYMINUTE=0,30;BYSETPOS={self.some([1, 2, -1], 2)}",
                lambda: f"FREQ=MONTHLY;BYMONTHDAY=1,-1;BYHOUR={self.some(range(24), 3)};BYSETPOS=-1,1",
            ]
        rule = r.choice(shapes)()
        limit = r.random()
        if limit < 0.25:
            return f"{rule};COUNT={r.choice([1, 1, 2, 5, 10, 52])}"
        if limit < 0.55:
            return f"{rule};UNTIL={self.until(start, kind)}"
        return rule

    def until(self, start, kind):
        r = self.r
        end = start + dt.timedelta(days=r.choice([-1, 0, 1, 7, 14, 28, 365]), seconds=r.choice([0, 0, 0, 1, -1]))
        if kind == "date":
            return f"{end:%Y%m%d}"
        if kind == "floating":
            return form(end)
        return form(end.replace(tzinfo=ZoneInfo("UTC" if kind == "utc" else kind)).astimezone(dt.timezone.utc)) + "Z"

    # how it is written

    def noise(self):
        r = self.r
        words = r.choice(["Besprechung", "Überprüfung der Pläne – größer, schöner", "会議 と 昼食", "🎉 party 🎊", "a\\, b\\; c\\nDTSTART:20260101T000000Z\\nEND:VEVENT", ""])
        lines = [
            f"SUMMARY;LANGUAGE=de:{words}", f"LOCATION:{words}", f"DESCRIPTION;ALTREP=\"cid:part1.0001@example.org\":{words * 9}",
            'ORGANIZER;CN="Doe, Jane: \'boss\'";SENT-BY="mailto:x@example.org":mailto:jane@example.org',
            "ATTENDEE;ROLE=REQ-PARTICIPANT;CN=\"RRULE:FREQ=DAILY\";PARTSTAT=ACCEPTED:mailto:bob@example.org", "SEQUENCE:0", "PRIORITY:5",
            "CREATED:20250101T000000Z", "LAST-MODIFIED:20250101T000000Z", "X-MICROSOFT-CDO-ALLDAYEVENT:FALSE", "X-MICROSOFT-CDO-INTENDEDSTATUS:FREE",
            "X-MICROSOFT-CDO-INSTTYPE:1", "X-MOZ-LASTACK:20260101T000000Z", "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
            "X-ALT-DESC;FMTTYPE=text/html:<html>\\n<body style=\"color:red\">DTEND:x</body></html>", "CATEGORIES:A,B", "CLASS:PUBLIC",
        ]
        lines = r.sample(lines, r.randint(0, 6))
        if r.random() < 0.3:
            lines += ["BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER;RELATED=START:-PT15M", "DURATION:PT5M", "REPEAT:2", "DESCRIPTION:REMINDER", "END:VALARM"]
        return lines

    def other(self):
        return self.r.choice([[], [], [
            "BEGIN:VTODO", "UID:todo", "DTSTART:20260301T000000Z", "DUE:20260310T000000Z", "RRULE:FREQ=DAILY", "STATUS:NEEDS-ACTION", "END:VTODO",
        ], ["BEGIN:VJOURNAL", "UID:journal", "DTSTART;VALUE=DATE:20260302", "SUMMARY:x", "END:VJOURNAL"], ["BEGIN:X-THING", "DTSTART:never", "END:X-THING"]])

    def lines(self):
        r = self.r
        head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{self.client}//EN", *r.choice([[], ["METHOD:PUBLISH"], ["METHOD:REQUEST"], ["X-WR-CALNAME:Ä", "CALSCALE:GREGORIAN"]])]
        head += [f"X-WR-TIMEZONE:{self.named}"] if self.named else []
        zones, out = self.vtimezones(), []
        calendars = r.choice([1, 1, 1, 2]) if len(self.dressed) > 1 else 1
        for i in range(calendars):
            inside = []
            for event in self.dressed[i::calendars]:
                event = list(event)
                if r.random() < 0.5:
                    r.shuffle(event)
                alarm = self.noise()
                inside += ["BEGIN:VEVENT", *event, *alarm, "END:VEVENT"]
            blocks = [zones, inside, self.other()]
            if r.random() < 0.2:
                blocks.reverse()  # a VTIMEZONE may stand behind its use
            out += head + [x for b in blocks for x in b] + ["END:VCALENDAR"]
        return out

    def text(self):
        r = self.r
        lower = r.random() < 0.15
        newline = r.choice(["\r\n", "\r\n", "\r\n", "\n", "\r", "mixed"])
        fold, blank = r.choice(["75", "75", "none", "random", "tab", "tiny"]), r.random() < 0.15

        def end():
            return (r.choice(["\r\n", "\n", "\r\r\n"]) if newline == "mixed" else newline).encode()
        out = b"\xef\xbb\xbf" if r.random() < 0.15 else b""
        for line in self.lines():
            if lower:
                name = line[:len(line) - len(line.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ-"))]
                line = name.lower() + line[len(name):]
            raw = line.encode()
            while fold != "none" and len(raw) > 1:
                n = {"75": 74, "random": r.randint(1, 90), "tab": r.randint(20, 75), "tiny": r.randint(1, 9)}[fold]
                if len(raw) <= n:
                    break
                out += raw[:n] + end() + (b"\t" if fold == "tab" else b" ")
                raw = raw[n:]
            out += raw + end() + (end() if blank and r.random() < 0.2 else b"")
        return out


def calendar(seed):
    """(dressed bytes, plain text, start and end of the window, zone of floating times)"""
    m = Maker(seed)
    plain = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *m.plain, "END:VCALENDAR", ""])
    return m.text(), plain, *m.window, m.floating
