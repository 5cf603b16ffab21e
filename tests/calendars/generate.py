"""Random calendars, the same ones for the same seed. Each has a few events of every shape that RFC 5545 allows for time."""
import datetime as dt
import random
from zoneinfo import ZoneInfo

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo", "Pacific/Auckland", "UTC", "Asia/Tehran"]
TZIDS = ZONES[:6] + ["Custom Berlin", "W. Europe Standard Time", "/freeassociation.sourceforge.net/Europe/Berlin"]
CUSTOM = """BEGIN:VTIMEZONE
TZID:Custom Berlin
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19810329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
"""
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DAY = dt.timedelta(days=1)


def wall_form(t):
    return t.strftime("%Y%m%dT%H%M%S")


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        r = self.r
        self.zone = r.choice(ZONES)
        year = r.choice([1975, 1999, 2016, 2024, 2025, 2026, 2026, 2026, 2032, 2090])
        self.base = dt.datetime(year, r.randint(1, 12), r.randint(1, 28), r.choice([0, 7, 8, 9, 12, 17, 22, 23]), r.choice([0, 0, 15, 30]))
        self.custom = False
        if r.random() < 0.08:  # the nights in which clocks change, in Berlin and in New York
            day = r.choice([(2026, 3, 29), (2026, 10, 25), (2026, 3, 8), (2026, 11, 1), (2025, 10, 26)])
            self.base = dt.datetime(*day, r.choice([1, 2, 2, 3]), r.choice([0, 30]))
        start = self.base + dt.timedelta(days=r.choice([-3, 0, 0, 1, 10, 30, 90, 400, 1500]), hours=r.choice([0, 0, 5, -9]))
        start = start.replace(tzinfo=dt.timezone.utc)
        self.window = start, start + dt.timedelta(days=r.choice([1, 1, 2, 7, 7, 14, 35, 42]))
        events = "".join(self.event(i) for i in range(r.choice([1, 1, 1, 2, 3, 5])))
        if r.random() < 0.04:
            events += self.freebusy()
        self.text = ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//random//EN\n" + (CUSTOM if self.custom else "") + events +
                     "END:VCALENDAR\n").replace("\n", "\r\n")

    def stamp(self, name, wall, kind, extra=""):
        if kind == "date":
            return f"{name}{extra};VALUE=DATE:{wall:%Y%m%d}\n"
        if kind == "utc":
            return f"{name}{extra}:{wall_form(wall)}Z\n"
        if kind == "floating":
            return f"{name}{extra}:{wall_form(wall)}\n"
        return f"{name}{extra};TZID={kind}:{wall_form(wall)}\n"

    def event(self, number):
        r = self.r
        kind = r.choice(["date", "utc", "floating"] + [r.choice(TZIDS)] * 6)
        if kind == "Custom Berlin" and self.base.year < 1997:
            kind = "Europe/Berlin"
        self.custom |= kind == "Custom Berlin"
        start = self.base + dt.timedelta(days=r.randint(-3, 3), minutes=r.choice([0, 0, 60, 45]))
        if kind == "date":
            start = start.replace(hour=0, minute=0)
        head = f"UID:{number}@random.example\nDTSTAMP:20260101T000000Z\n"
        body = self.stamp("DTSTART", start, kind) + self.length(start, kind) + self.status()
        rule = self.rule(start, kind) if r.random() < 0.8 else ""
        many = any(x in rule for x in ("HOURLY", "MINUTELY", "BYHOUR"))
        extra = rule
        if r.random() < 0.25:
            extra += self.rdates(start, kind)
        starts = self.some_starts(rule, start)
        out = ""
        if rule and starts and r.random() < 0.35:
            for w in r.sample(starts, min(len(starts), r.choice([1, 1, 3]))):
                extra += self.exdate(w, kind)
        if rule and starts and not many and r.random() < 0.35:
            for w in sorted(r.sample(starts, min(len(starts), r.choice([1, 1, 2, 4])))):
                out += self.override(head, w, kind)
        if r.random() < 0.02:
            extra += "SEQUENCE:1\n"
        out = f"BEGIN:VEVENT\n{head}{body}{extra}END:VEVENT\n" + out
        return out

    def length(self, start, kind):
        r = self.r
        if kind == "date":
            days = r.choice([0, 1, 1, 2, 5, 16])
            if not days:
                return ""
            return f"DURATION:P{days}D\n" if r.random() < 0.3 else self.stamp("DTEND", start + days * DAY, kind)
        minutes = r.choice([0, 15, 30, 60, 60, 90, 480, 1440, 3000])
        if r.random() < 0.3:
            text = {0: "PT0S", 1440: r.choice(["P1D", "PT24H"]), 3000: "P2DT2H"}.get(minutes, f"PT{minutes // 60}H{minutes % 60}M")
            return f"DURATION:{text}\n"
        if not minutes and r.random() < 0.5:
            return ""
        end = start + dt.timedelta(minutes=minutes)
        zone = {"Custom Berlin": "Europe/Berlin", "W. Europe Standard Time": "Europe/Berlin", "utc": "UTC", "floating": self.zone}
        z = ZoneInfo(zone.get(kind, kind.split("sourceforge.net/")[-1]))
        if end.replace(tzinfo=z).astimezone(dt.timezone.utc) < start.replace(tzinfo=z).astimezone(dt.timezone.utc):
            return "DURATION:PT1H\n"
        return self.stamp("DTEND", end, kind)

    def status(self):
        r = self.r
        out = ""
        if r.random() < 0.25:
            out += "STATUS:" + r.choice(["TENTATIVE", "TENTATIVE", "CONFIRMED", "CANCELLED"]) + "\n"
        if r.random() < 0.2:
            out += "TRANSP:" + r.choice(["TRANSPARENT", "OPAQUE"]) + "\n"
        if r.random() < 0.2:
            out += "X-MICROSOFT-CDO-BUSYSTATUS:" + r.choice(["FREE", "TENTATIVE", "BUSY", "OOF", "WORKINGELSEWHERE"]) + "\n"
        return out

    def pick(self, items, most):
        return sorted(self.r.sample(items, self.r.randint(1, most)), key=items.index)

    def numbers(self, low, high, most, negative=True):
        r = self.r
        values = {r.randint(low, high) * (r.choice([1, 1, -1]) if negative else 1) for _ in range(r.randint(1, most))}
        return ",".join(map(str, sorted(values - {0} if low else values)))

    def rule(self, start, kind):
        r = self.r
        shapes = ["DAILY", "WEEKLY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"]
        freq = r.choice(shapes + (["HOURLY", "MINUTELY"] if kind != "date" else []))
        parts = [f"FREQ={freq}"]
        if r.random() < 0.5:
            parts.append(f"INTERVAL={r.choice([1, 2, 2, 3, 5, 11]) * (13 if freq == 'MINUTELY' else 1)}")
        elif freq == "MINUTELY":
            parts.append("INTERVAL=47")
        parts += getattr(self, freq.lower())()
        if kind != "date" and freq not in ("HOURLY", "MINUTELY") and r.random() < 0.08:
            parts.append("BYHOUR=" + self.numbers(0, 23, 3, False))
        if r.random() < 0.3:
            parts.append("WKST=" + r.choice(DAYS))
        limit = r.random()
        if limit < 0.25:
            parts.append(f"COUNT={r.choice([1, 2, 3, 7, 20, 100, 400])}")
        elif limit < 0.55:
            parts.append("UNTIL=" + self.until(start, kind))
        return "RRULE:" + ";".join(parts) + "\n"

    def until(self, start, kind):
        r = self.r
        end = max(start, start + dt.timedelta(days=r.choice([0, 1, 6, 7, 28, 89, 364, 1600]), minutes=r.choice([0, 0, 1, -1])))
        if kind == "date":
            return f"{end:%Y%m%d}"
        if kind in ZoneInfoNames:  # mostly the very instant of an occurrence
            end = end.replace(tzinfo=ZoneInfo(kind)).astimezone(dt.timezone.utc)
        elif kind not in ("utc", "floating"):
            end += DAY
        return wall_form(end) + ("" if kind == "floating" else "Z")

    def daily(self):
        r = self.r
        out = []
        if r.random() < 0.2:
            out.append("BYDAY=" + ",".join(self.pick(DAYS, 5)))
        if r.random() < 0.15:
            out.append("BYMONTH=" + self.numbers(1, 12, 4, False))
        if r.random() < 0.1:
            out.append("BYMONTHDAY=" + self.numbers(1, 31, 6))
        return out

    def weekly(self):
        out = ["BYDAY=" + ",".join(self.pick(DAYS, 5))] if self.r.random() < 0.75 else []
        if self.r.random() < 0.1:
            out.append("BYMONTH=" + self.numbers(1, 12, 6, False))
        return out

    def monthly(self):
        r = self.r
        out, shape = [], r.random()
        if shape < 0.3:
            out.append("BYMONTHDAY=" + self.numbers(1, 31, 4))
        elif shape < 0.6:
            out.append("BYDAY=" + ",".join(f"{r.choice([1, 2, 3, 4, 5, -1, -2])}{d}" for d in self.pick(DAYS, 2)))
        elif shape < 0.8:
            out.append("BYDAY=" + ",".join(self.pick(DAYS, 5)))
            out.append("BYSETPOS=" + self.numbers(1, 4, 2))
        elif shape < 0.85:
            out += ["BYMONTHDAY=13", "BYDAY=FR"]
        if r.random() < 0.1:
            out.append("BYMONTH=" + self.numbers(1, 12, 5, False))
        return out

    def yearly(self):
        r = self.r
        shape = r.random()
        if shape < 0.2:
            return ["BYMONTH=" + self.numbers(1, 12, 3, False)]
        if shape < 0.35:
            return ["BYMONTH=" + self.numbers(1, 12, 3, False), f"BYDAY={r.choice([1, 2, 4, 5, -1])}{r.choice(DAYS)}"]
        if shape < 0.45:
            return ["BYYEARDAY=" + self.numbers(1, 366, 6)]
        if shape < 0.55:
            return ["BYWEEKNO=" + self.numbers(1, 53, 6), "BYDAY=" + ",".join(self.pick(DAYS, 3))]
        if shape < 0.65:
            return [f"BYDAY={r.choice([1, 20, 52, 53, -1, -30])}{r.choice(DAYS)}"]
        if shape < 0.75:
            return ["BYMONTHDAY=" + self.numbers(1, 31, 3), "BYMONTH=" + self.numbers(1, 12, 4, False)]
        if shape < 0.8:
            return ["BYMONTHDAY=" + self.numbers(1, 31, 2), "BYSETPOS=" + self.numbers(1, 12, 2)]
        return []

    def hourly(self):
        r = self.r
        out = []
        if r.random() < 0.4:
            out.append("BYHOUR=" + self.numbers(0, 23, 8, False))
        if r.random() < 0.3:
            out.append("BYMINUTE=" + self.numbers(0, 59, 3, False))
        if r.random() < 0.3:
            out.append("BYDAY=" + ",".join(self.pick(DAYS, 4)))
        return out

    minutely = hourly

    def some_starts(self, rule, start):
        """Starts that the rule is likely to have; a wrong guess is a case too (an EXDATE or RECURRENCE-ID that names nothing)."""
        r = self.r
        step = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}.get(rule.partition("FREQ=")[2].split(";")[0].strip(), 1)
        near = (self.window[0].replace(tzinfo=None) - start).days // step * step
        return [start + DAY * (k * step) for k in (0, 1, 2)] + [start + DAY * (near + k * step) for k in range(0, 4) if near > 3 * step] + \
               [start + DAY * (near + k) for k in range(7) if near > 3 * step and r.random() < 0.3]

    def rdates(self, start, kind):
        r = self.r
        near = self.window[0].replace(tzinfo=None).replace(hour=start.hour, minute=start.minute)
        times = [r.choice([near, start]) + r.randint(0, 20) * DAY for _ in range(r.choice([1, 2, 3]))] + [start] * (r.random() < 0.2)
        if kind == "utc" and r.random() < 0.4:
            periods = [f"{wall_form(t)}Z/" + r.choice(["PT2H", wall_form(t + dt.timedelta(minutes=95)) + "Z"]) for t in dict.fromkeys(times)]
            return "RDATE;VALUE=PERIOD:" + ",".join(periods) + "\n"
        line = self.stamp("RDATE", times[0], kind).rstrip("\n")
        form = {"date": "%Y%m%d", "utc": "%Y%m%dT%H%M%SZ"}.get(kind, "%Y%m%dT%H%M%S")
        return ",".join([line] + [t.strftime(form) for t in times[1:]]) + "\n"

    def exdate(self, wall, kind):
        if kind in ZoneInfoNames and self.r.random() < 0.3:
            return self.stamp("EXDATE", wall.replace(tzinfo=ZoneInfo(kind)).astimezone(dt.timezone.utc), "utc")
        return self.stamp("EXDATE", wall, kind)

    def override(self, head, wall, kind):
        r = self.r
        extra = ";RANGE=THISANDFUTURE" if r.random() < 0.12 else ""
        moved = wall + (dt.timedelta(days=r.choice([0, 0, 1, -1, 3, 60])) if kind == "date" else
                        dt.timedelta(minutes=r.choice([0, 0, 30, -60, 180, 1440, 20 * 1440])))
        body = self.stamp("RECURRENCE-ID", wall, kind, extra) + self.stamp("DTSTART", moved, kind) + self.length(moved, kind) + self.status()
        return f"BEGIN:VEVENT\n{head}{body}END:VEVENT\n"

    def freebusy(self):
        r = self.r
        out = "BEGIN:VFREEBUSY\nUID:fb@random.example\nDTSTAMP:20260101T000000Z\n"
        for _ in range(r.randint(1, 4)):
            t = self.window[0] + dt.timedelta(hours=r.randint(-5, 60))
            kind = r.choice(["", ";FBTYPE=BUSY", ";FBTYPE=BUSY-TENTATIVE", ";FBTYPE=BUSY-UNAVAILABLE", ";FBTYPE=FREE", ";FBTYPE=X-OTHER"])
            out += f"FREEBUSY{kind}:{wall_form(t)}Z/PT90M,{wall_form(t)}Z/{wall_form(t + dt.timedelta(hours=3))}Z\n"
        return out + "END:VFREEBUSY\n"


ZoneInfoNames = set(ZONES)


def calendar(seed):
    """(text, window start, window end, zone for floating times)"""
    m = Maker(seed)
    return m.text, m.window[0], m.window[1], m.zone
