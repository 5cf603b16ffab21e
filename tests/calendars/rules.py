"""Random recurrence rules, and what they come to by the table of RFC 5545 3.3.10, worked out one day at a time.

For the shapes that generate.py cannot ask naive.py about, as dateutil reads them otherwise or slowly: BYSETPOS of weeks, days and hours, numbers before
weekdays beside plain ones, BYWEEKNO alone, the finer rules with every part, and windows far behind DTSTART. All in UTC, so that only the rule counts.
"""
import calendar as civil
import datetime as dt
import random

DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
UNIT = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
FORM = "%Y-%m-%dT%H:%M:%SZ"


def week_one(year, first):
    """The week, from the weekday ${first} on, that holds 4 January."""
    fourth = dt.date(year, 1, 4)
    return fourth - (fourth.weekday() - first) % 7 * DAY


def numbered(value, length, wanted):
    """Is the ${value}th of ${length} named, from the front or from the back?"""
    return value in wanted or value - length - 1 in wanted


def week_fits(rule, day):
    first = rule.get("WKST", 0)
    year = max(y for y in (day.year - 1, day.year, day.year + 1) if week_one(y, first) <= day)
    begins, ends = week_one(year, first), week_one(year + 1, first)
    return numbered((day - begins).days // 7 + 1, (ends - begins).days // 7, rule["BYWEEKNO"])


def weekday_fits(rule, day):
    in_month = rule["FREQ"] == "MONTHLY" or "BYMONTH" in rule
    at, length = (day.day, civil.monthrange(day.year, day.month)[1]) if in_month else (day.timetuple().tm_yday, 365 + civil.isleap(day.year))
    own = {(at - 1) // 7 + 1, -((length - at) // 7 + 1), 0}
    return any(w == day.weekday() and (rule["FREQ"] not in ("MONTHLY", "YEARLY") or n in own) for n, w in rule["BYDAY"])


def day_fits(rule, day, start):
    freq = rule["FREQ"]
    if "BYMONTH" in rule and day.month not in rule["BYMONTH"]:
        return False
    if "BYMONTHDAY" in rule and not numbered(day.day, civil.monthrange(day.year, day.month)[1], rule["BYMONTHDAY"]):
        return False
    if "BYYEARDAY" in rule and not numbered(day.timetuple().tm_yday, 365 + civil.isleap(day.year), rule["BYYEARDAY"]):
        return False
    if "BYWEEKNO" in rule and not week_fits(rule, day):
        return False
    if "BYDAY" in rule and not weekday_fits(rule, day):
        return False
    if any(part in rule for part in ("BYMONTHDAY", "BYYEARDAY", "BYDAY")):
        return True
    if freq == "WEEKLY" or "BYWEEKNO" in rule:  # what no part says DTSTART does
        return day.weekday() == start.weekday()
    if freq == "MONTHLY" or freq == "YEARLY":
        return day.day == start.day and (freq == "MONTHLY" or "BYMONTH" in rule or day.month == start.month)
    return True


def periods(rule, start, end):
    """(the days of a period, its hour, minute or second or None) from that of DTSTART on."""
    freq, step, at = rule["FREQ"], rule.get("INTERVAL", 1), start.date()
    if freq in UNIT:
        now = start - dt.timedelta(seconds=(start - dt.datetime(start.year, start.month, start.day)).seconds % UNIT[freq])
        while now <= end:
            yield [now.date()], now
            now += UNIT[freq] * step * SECOND
        return
    if freq == "WEEKLY":
        at -= (at.weekday() - rule.get("WKST", 0)) % 7 * DAY
    elif freq != "DAILY":
        at = at.replace(day=1, month=1 if freq == "YEARLY" else at.month)
    while at <= end.date():
        if freq in ("DAILY", "WEEKLY"):
            following = at + (7 if freq == "WEEKLY" else 1) * DAY
            after = at + (following - at) * step
        else:
            months = 12 if freq == "YEARLY" else 1
            following, after = (dt.date(at.year + (at.month - 1 + n) // 12, (at.month - 1 + n) % 12 + 1, 1) for n in (months, months * step))
        yield [at + i * DAY for i in range((following - at).days)], None
        at = after


def clock(rule, freq, start, now):
    """The hours, minutes and seconds of one period: a finer part of the rule limits, any other makes more."""
    out = []
    for part, value, of_now, finer in (("BYHOUR", start.hour, now and now.hour, ("HOURLY", "MINUTELY", "SECONDLY")),
                                       ("BYMINUTE", start.minute, now and now.minute, ("MINUTELY", "SECONDLY")),
                                       ("BYSECOND", start.second, now and now.second, ("SECONDLY",))):
        if freq in finer:
            out.append([of_now] if of_now in rule.get(part, [of_now]) else [])
        else:
            out.append(sorted(set(rule.get(part, [value]))))
    return out


def occurrences(rule, start, end):
    out = []
    for days, now in periods(rule, start, end):
        hours, minutes, seconds = clock(rule, rule["FREQ"], start, now)
        found = [dt.datetime(d.year, d.month, d.day, h, m, s) for d in days if day_fits(rule, d, start) for h in hours for m in minutes for s in seconds]
        if "BYSETPOS" in rule:
            found = [t for i, t in enumerate(found, 1) if numbered(i, len(found), rule["BYSETPOS"])]
        for t in found:
            if start <= t <= end:
                out.append(t)
                if len(out) == rule.get("COUNT"):
                    return out
    return out


def written(rule):
    def value(part, v):
        if part == "WKST":
            return DAYS[v]
        if part == "BYDAY":
            return ",".join(f"{n or ''}{DAYS[w]}" for n, w in v)
        return ",".join(map(str, v)) if isinstance(v, list) else v
    return ";".join(f"{part}={value(part, v)}" for part, v in rule.items())


def random_rule(r):
    freq = r.choice(["YEARLY"] * 4 + ["MONTHLY"] * 4 + ["WEEKLY"] * 3 + ["DAILY"] * 2 + list(UNIT))
    rule = {"FREQ": freq}

    def signed(high, most):
        return sorted({r.randint(1, high) * r.choice([1, 1, -1]) for _ in range(r.randint(1, most))})

    def plain(low, high, most):
        return sorted({r.randint(low, high) for _ in range(r.randint(1, most))})
    if r.random() < 0.6:
        rule["INTERVAL"] = r.choice([1, 2, 3, 4] if freq == "YEARLY" else [1, 2, 3, 4, 5, 7, 12, 13, 25, 60, 100])
    if r.random() < 0.3:
        rule["BYMONTH"] = plain(1, 12, 5)
    if r.random() < 0.25 and freq != "WEEKLY":
        rule["BYMONTHDAY"] = signed(31, 8)
    if r.random() < 0.15 and freq not in ("DAILY", "WEEKLY", "MONTHLY"):
        rule["BYYEARDAY"] = signed(366, 60)
    if r.random() < 0.25 and freq == "YEARLY":
        rule["BYWEEKNO"] = signed(53, 12)
    if r.random() < 0.5:
        counted = freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in rule and r.random() < 0.6
        orders = [1, 2, 3, 4, 5, -1, -2, -5] if freq == "MONTHLY" or "BYMONTH" in rule else [1, 2, 10, 52, 53, -1, -20, -53]
        rule["BYDAY"] = sorted({(r.choice(orders) if counted and r.random() < 0.8 else 0, r.randint(0, 6)) for _ in range(r.randint(1, 5))})
    for part, high, most, chance in (("BYHOUR", 23, 6, 0.2), ("BYMINUTE", 59, 5, 0.15), ("BYSECOND", 59, 4, 0.1)):
        if r.random() < chance:
            rule[part] = plain(0, high, most)
    if r.random() < 0.25 and len(rule) > 2:
        rule["BYSETPOS"] = signed(r.choice([3, 5, 30, 366]), 4)
    if r.random() < 0.4:
        rule["WKST"] = r.randint(0, 6)
    if r.random() < 0.35:
        rule["COUNT"] = r.choice([1, 2, 3, 5, 10, 50, 300, 2000])
    return rule


def calendar(seed):
    """(text, window start, window end, the intervals that must come)"""
    r = random.Random(f"rules {seed}")
    rule = random_rule(r)
    freq, year = rule["FREQ"], r.choice([1999, 2020, 2024, 2025, 2026])
    start = dt.datetime(year, r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.choice([0, 15, 59]), r.choice([0, 0, 30]))
    if r.random() < 0.15:
        start = start.replace(month=r.choice([1, 12]), day=r.choice([1, 29, 30, 31]))
    far, length = {"HOURLY": ([0, 1, 30, 400], [1, 7, 30]), "MINUTELY": ([0, 0, 1, 3], [0.1, 1, 2]), "SECONDLY": ([0, 0, 0.1], [0.05])}.get(
        freq, ([-2, 0, 0, 10, 100, 400, 1500, 4000], [1, 7, 42, 62, 400]))
    begin = start + r.choice(far) * DAY
    end = begin + r.choice(length) * DAY
    spans = []
    for t in sorted({start, *occurrences(rule, start, end)}):
        if spans and spans[-1][1] == t:
            spans[-1][1] = t + SECOND
        elif begin <= t < end:
            spans.append([t, t + SECOND])
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", f"DTSTART:{start:%Y%m%dT%H%M%S}Z", "DURATION:PT1S", f"RRULE:{written(rule)}", "END:VEVENT",
                        "END:VCALENDAR", ""])
    want = [[a.strftime(FORM), min(b, end).strftime(FORM), "BUSY"] for a, b in spans]
    return text, begin.replace(tzinfo=dt.timezone.utc), end.replace(tzinfo=dt.timezone.utc), want
