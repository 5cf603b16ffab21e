"""Random calendars that tell an instant in many forms, and what they come to, worked out beside the text and not from it.

Where generate.py and exports.py write a time as its series has it, here an end, an extra date, an EXDATE and a RECURRENCE-ID may be in UTC or in any
zone; zones are defined by rules that end and follow one another; events and overrides come in several versions in any order; an extra date may be the
second time that the clock shows it; and the years go from 1903 to 2399. Rules are those of rules.py.
"""
import collections
import datetime as dt
import random
from zoneinfo import ZoneInfo

import exports
import naive
import rules

UTC, DAY, HOUR = dt.timezone.utc, dt.timedelta(days=1), dt.timedelta(hours=1)
ZONES = """Europe/Berlin America/New_York Australia/Lord_Howe Africa/Casablanca Antarctica/Troll America/St_Johns Pacific/Chatham Asia/Kathmandu
Pacific/Apia Europe/Dublin Asia/Tehran Africa/Cairo America/Sao_Paulo Europe/Lisbon Europe/London America/Caracas Asia/Pyongyang
America/Havana""".split()
YEARS = [1903, 1938, 1943, 1947, 1969, 1972, 1999, 2006, 2007, 2011, 2015, 2016, 2020, 2024, 2026, 2026, 2026, 2026, 2027, 2028, 2037, 2038, 2060,
         2101, 2399]
form, changes = exports.form, exports.changes


def instant(wall, zone):
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def wall_of(at, zone):
    return at.astimezone(zone).replace(tzinfo=None)


def observance(wall, before, after, *more):
    return exports.observance("DAYLIGHT" if after > before else "STANDARD", form(wall), exports.offset(before), exports.offset(after), *more)


def runs(found):
    """Changes that one yearly rule tells of, for two years or more: (rule, its changes), longest first."""
    same = collections.defaultdict(list)
    for at, before, after in found:
        wall = at + before
        order, last = (wall.day - 1) // 7 + 1, (wall + 7 * DAY).month != wall.month
        for n in ([order] if order < 5 else []) + ([-1] if last else []):
            same[before, after, wall.month, wall.time(), f"{n}{exports.DAYS[wall.weekday()]}"].append((at, before, after))
    for (_, _, month, _, day), many in sorted(same.items(), key=lambda kv: -len(kv[1])):
        run = []
        for change in many + [None]:
            if run and (not change or (change[0] + change[1]).year != (run[-1][0] + run[-1][1]).year + 1):
                if len(run) > 1:
                    yield f"FREQ=YEARLY;BYMONTH={month};BYDAY={day}", run
                run = []
            run.append(change)


def vtimezone(r, tzid, name, first, last):
    found, initial = changes(name, first, last)
    parts = [observance(dt.datetime(first, 1, 1), initial, initial)]
    told, way = set(), r.choice(["rules", "rules", "dates", "one by one"])
    for rule, run in runs(found) if way == "rules" else []:
        if told & {at for at, _, _ in run}:
            continue
        told |= {at for at, _, _ in run}
        endless = run[-1][0].year == last - 1 and r.random() < 0.7
        limit = "" if endless else r.choice([f";UNTIL={form(run[-1][0])}Z", f";COUNT={len(run)}"])
        parts.append(observance(run[0][0] + run[0][1], *run[0][1:], f"RRULE:{rule}{limit}"))
    alike = collections.defaultdict(list)
    for i, (at, before, after) in enumerate(c for c in found if c[0] not in told):
        alike[before, after, 0 if way == "dates" else i].append(at)
    for (before, after, _), times in alike.items():
        more = [form(at + before) if r.random() < 0.8 else form(at) + "Z" for at in times[1:]]
        parts.append(observance(times[0] + before, before, after, *([f"RDATE:{','.join(more)}"] if more else [])))
    r.shuffle(parts)
    return ["BEGIN:VTIMEZONE", f"TZID:{tzid}", *(line for p in parts for line in p), "END:VTIMEZONE"]


class Maker:
    def __init__(self, seed):
        self.r = r = random.Random(f"forms {seed}")
        self.name, self.year = r.choice(ZONES), r.choice(YEARS)
        base = dt.datetime(self.year, r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.choice([0, 0, 15, 30, 59]), r.choice([0, 0, 0, 59]))
        near = changes(self.name, self.year, self.year + 1)[0]
        if near and r.random() < 0.5:
            at, before, after = r.choice(near)
            minutes = r.choice([-1440, -61, -60, -30, -1, 0, 0, 1, 29, 30, 60, 90])
            base = at + r.choice([before, after]) + dt.timedelta(minutes=minutes, days=r.choice([0, 0, -7, -28]))
        self.base, self.floating = base, r.choice([self.name] * 3 + ZONES)
        ahead = dt.timedelta(days=r.choice([-40, -3, -1, 0, 0, 0, 1, 6, 27, 364, 800]), minutes=r.choice([0, 0, -600, -37, 720]))
        self.start = (base + ahead).replace(tzinfo=UTC)
        self.end = self.start + r.choice([dt.timedelta(minutes=1), HOUR, DAY, 2 * DAY, 7 * DAY, 31 * DAY, 62 * DAY, 366 * DAY])
        self.tzids, self.events, self.spans = {}, [], []
        for i in range(r.choice([1, 1, 2])):
            self.series(f"{i}-{seed}@forms.example")

    def zone(self, kind):
        return UTC if kind == "utc" else ZoneInfo(self.floating if kind in ("floating", "date") else kind)

    def time(self, name, wall, kind):
        if kind == "date":
            return f"{name};VALUE=DATE:{form(wall)[:8]}"
        if kind in ("utc", "floating"):
            return f"{name}:{form(wall)}{'Z' if kind == 'utc' else ''}"
        if kind not in self.tzids:
            self.tzids[kind] = self.r.choice([kind, f"Zone of {kind.replace('/', ' ')}", f"/forms.example/x/{kind}"])
        return f"{name};TZID={self.tzids[kind]}:{form(wall)}"

    def told(self, name, at, kind):
        """The instant ${at}, as the series tells times or in any other form that names it."""
        kind = self.r.choice([kind, kind, "utc", self.name, self.r.choice(ZONES)])
        if instant(wall_of(at, self.zone(kind)), self.zone(kind)) != at:
            kind = "utc"
        return self.time(name, wall_of(at, self.zone(kind)), kind)

    def named(self, name, key, kind):
        """What of a series of that ${kind} the ${key} names."""
        return self.time(name, key, self.r.choice(["date", "floating", self.name])) if kind == "date" else self.told(name, key, kind)

    def status(self):
        words = ["FREE", "OOF"], ["TRANSPARENT", "OPAQUE"], ["TENTATIVE", "CANCELLED"]
        own, transp, status = (self.r.choice([None] * 4 + some) for some in words)
        lines = [f"{n}:{v}" for n, v in (("X-MICROSOFT-CDO-BUSYSTATUS", own), ("TRANSP", transp), ("STATUS", status)) if v]
        if status == "CANCELLED" or own == "FREE" or (not own and transp == "TRANSPARENT"):
            return lines, None
        return lines, own or status or "BUSY"

    def length(self, wall, kind):
        """(lines, days, exact time)"""
        r = self.r
        if kind == "date":
            days = r.choice([1, 1, 2, 5])
            told = [[f"DURATION:P{days}D"], [self.time("DTEND", wall + days * DAY, "date")], [f"DURATION:PT{24 * days}H"]] + [[]] * (days == 1)
            return r.choice(told), days, 0 * DAY
        days, hours, minutes, seconds = r.choice([0, 0, 0, 1, 7]), r.choice([0, 1, 1, 2, 25]), r.choice([0, 30, 45]), r.choice([0, 0, 1])
        exact = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if r.random() < 0.5:
            return [f"DURATION:P{days}DT{hours}H{minutes}M{seconds}S"], days, exact
        at = instant(wall, self.zone(kind))
        return [self.told("DTEND", at + days * DAY + exact, kind)], 0, days * DAY + exact

    def ends(self, wall, kind, days, exact, begins=None):
        return (instant(wall + days * DAY, self.zone(kind)) if days else begins or instant(wall, self.zone(kind))) + exact

    def rule(self, is_date):
        r, rule = self.r, {}
        unfit = {"SECONDLY", "MINUTELY"} | ({"HOURLY", "BYHOUR", "BYMINUTE", "BYSECOND"} if is_date else set())
        while not rule or unfit & {rule["FREQ"], *rule}:
            rule = {k: v for k, v in rules.random_rule(r).items() if k != "COUNT"}
        if r.random() < 0.4:
            rule = {"FREQ": r.choice(["DAILY", "WEEKLY", "MONTHLY"]), "INTERVAL": r.choice([1, 2, 3, 7])}
        if r.random() < 0.3:
            rule["COUNT"] = r.choice([1, 2, 3, 10, 60])
        return rule

    def until(self, found, kind):
        """(the part of the rule, what is left)"""
        last, shift, zone = self.r.choice(found[:60]), dt.timedelta(seconds=self.r.choice([0, 0, 1, -1])), self.zone(kind)
        if kind == "date":
            return f";UNTIL={form(last)[:8]}", [w for w in found if w <= last]
        if self.r.random() < 0.7:
            return f";UNTIL={form(wall_of(instant(last, zone) + shift, UTC))}Z", [w for w in found if instant(w, zone) <= instant(last, zone) + shift]
        return f";UNTIL={form(last + shift)}", [w for w in found if w <= last + shift]

    def extra_dates(self, near, kind, days, exact):
        """(line, key, wall time, start, end, is it a period) of each"""
        r, zone = self.r, self.zone(kind)
        for _ in range(r.choice([0, 0, 1, 2])):
            wall = r.choice(near) + dt.timedelta(days=r.choice([0, 0, 1, 3, 200]), minutes=0 if kind == "date" else r.choice([0, 30, 60]))
            at = wall.replace(tzinfo=zone, fold=r.choice([0, 1])).astimezone(UTC)
            at, wall = at if wall_of(at, zone) == wall else instant(wall, zone), wall_of(at, zone)
            if kind == "date":
                yield self.time("RDATE", wall, kind), wall, wall, instant(wall, zone), self.ends(wall, kind, days, exact), False
            elif r.random() < 0.4:
                length = r.choice([HOUR / 6, HOUR, 25 * HOUR])
                rest = form(wall_of(at + length, UTC)) + "Z" if r.random() < 0.5 else f"PT{int(length.total_seconds())}S"
                yield f"RDATE;VALUE=PERIOD:{form(wall_of(at, UTC))}Z/{rest}", at, wall, at, at + length, True
            else:
                yield self.told("RDATE", at, kind), at, wall, at, self.ends(wall, kind, days, exact, at), False

    def series(self, uid):
        r = self.r
        kind = r.choice(["date", "utc", "floating", r.choice(ZONES)] + [self.name] * 4)
        zone, start = self.zone(kind), self.base + dt.timedelta(days=r.choice([0, 0, -1, 2, -30]))
        start = dt.datetime(start.year, start.month, start.day) if kind == "date" else start
        lines, days, exact = self.length(start, kind)
        said, busy = self.status()
        body, rule, found = [self.time("DTSTART", start, kind), *lines, *said], self.rule(kind == "date"), []
        if r.random() < 0.75:
            found = rules.occurrences(rule, start, max(wall_of(self.end, zone), start) + 450 * DAY)
            text = rules.written(rule)
            if found and "COUNT" not in rule and r.random() < 0.5:
                limit, found = self.until(found, kind)
                text += limit
            body.append("RRULE:" + text)
        known = {}
        for wall in [start, *found]:
            known[wall if kind == "date" else instant(wall, zone)] = wall, instant(wall, zone), self.ends(wall, kind, days, exact), False
        near = [w for w in found if self.start - 40 * DAY <= instant(w, zone) <= self.end + 5 * DAY] or [start]
        for line, key, *one in self.extra_dates(near, kind, days, exact):
            body.append(line)
            if key not in known or (one[3], one[2] - one[1]) > (known[key][3], known[key][2] - known[key][1]):
                known[key] = tuple(one)
        gone = set(r.sample(sorted(known), min(len(known), r.choice([0, 0, 1, 3]))))
        body += [self.named("EXDATE", key, kind) for key in sorted(gone)]
        changed = self.overrides(uid, known, kind) if found and r.random() < 0.6 else {}
        newer = r.choice([0, 0, 3])
        self.events.append([f"UID:{uid}", f"SEQUENCE:{newer}", *body])
        if newer:
            self.events.append([f"UID:{uid}", "SEQUENCE:2", self.time("DTSTART", start + 2 * DAY, kind), "RRULE:FREQ=DAILY"])
        for key, (_, begins, ends, _) in known.items():
            if busy and key not in gone and key not in changed:
                self.spans.append((begins, ends, busy))
        self.spans += [span for span in changed.values() if span[2]]

    def overrides(self, uid, known, kind):
        """What became of an occurrence, and of an older version of that nothing."""
        r, changed = self.r, {}
        for key in r.sample(sorted(known), min(len(known), r.choice([1, 2, 5]))):
            wall, other = known[key][0], r.choice([kind, kind, "date", "utc", "floating", r.choice(ZONES)])
            moved = wall + r.choice([0 * DAY, DAY, -DAY, 40 * DAY, -300 * DAY, HOUR / 2])
            moved = dt.datetime(moved.year, moved.month, moved.day) if "date" in (kind, other) else moved
            named = self.named("RECURRENCE-ID", key, kind)
            for version in r.choice([[0], [0], [1, 2]]):
                at = moved + 3 * DAY * (version == 1)
                lines, days, exact = self.length(at, other)
                said, busy = self.status()
                self.events.append([f"UID:{uid}", f"SEQUENCE:{version}", named, self.time("DTSTART", at, other), *lines, *said])
                changed[key] = instant(at, self.zone(other)), self.ends(at, other, days, exact), busy
        return changed

    def text(self):
        first, last = min(self.year, self.start.year) - 3, max(self.year, self.end.year) + 4
        lines = []
        for name, tzid in self.tzids.items():
            if " " in tzid or self.r.random() < 0.5:
                lines += vtimezone(self.r, tzid, name, first, last)
        self.r.shuffle(self.events)
        for event in self.events:
            self.r.shuffle(event)
            lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
        return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""])


def calendar(seed):
    """(text, window start, window end, zone for floating times, what must come)"""
    m = Maker(seed)
    return m.text(), m.start, m.end, m.floating, naive.joined(m.spans, m.start, m.end)
