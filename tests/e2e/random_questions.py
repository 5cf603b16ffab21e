"""Random questions of clients in many zones, against a second reading of what a calendar holds: digits, events and errors of each mailbox, in the order asked.
SEED=N repeats a run; ROUNDS=N sets its length."""
import datetime
import os
import random
import zoneinfo

import sites
from sites import check, same

seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
rnd = random.Random(seed)
print(f"SEED={seed}")
UTC, MINUTE, SECOND = datetime.timezone.utc, datetime.timedelta(minutes=1), datetime.timedelta(seconds=1)
WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
DIGIT = {"Free": 0, "Tentative": 1, "Busy": 2, "OOF": 3, "WorkingElsewhere": 0}
# What else a client may call the zone; minutes west and the change to standard and to daylight time: month, which, weekday, time.
ZONES = {
    "Europe/Berlin": ("W. Europe Standard Time", -60, ((10, 5, 0, "03:00:00"), (3, 5, 0, "02:00:00"), -60)),
    "America/New_York": ("Eastern Standard Time", 300, ((11, 1, 0, "02:00:00"), (3, 2, 0, "02:00:00"), -60)),
    "Australia/Sydney": ("AUS Eastern Standard Time", -600, ((4, 1, 0, "03:00:00"), (10, 1, 0, "02:00:00"), -60)),
    "Australia/Lord_Howe": ("Lord Howe Standard Time", -630, ((4, 1, 0, "02:00:00"), (10, 1, 0, "02:00:00"), -30)),
    "America/St_Johns": ("Newfoundland Standard Time", 210, ((11, 1, 0, "02:00:00"), (3, 2, 0, "02:00:00"), -60)),
    "Asia/Kathmandu": ("Nepal Standard Time", -345, None), "Pacific/Kiritimati": ("Line Islands Standard Time", -840, None), "Etc/GMT+12": ("Dateline Standard Time", 720, None),
    "Etc/UTC": ("tzone://Microsoft/Utc", 0, None), "Europe/Madrid": (None, None, None), "America/Adak": (None, None, None), "Antarctica/Troll": (None, None, None),
}
CHANGES = [datetime.datetime(2026, month, day, hour, tzinfo=UTC) for month, day, hour in ((3, 8, 8), (3, 29, 1), (4, 4, 15), (10, 3, 16), (10, 25, 1), (11, 1, 6))]


def half(name, bias, change):
    month, which, weekday, time = change or (0, 0, 0, "00:00:00")
    return (f"<t:{name}><t:Bias>{bias}</t:Bias><t:Time>{time}</t:Time><t:DayOrder>{which}</t:DayOrder><t:Month>{month}</t:Month>"
            f"<t:DayOfWeek>{WEEKDAYS[weekday]}</t:DayOfWeek></t:{name}>")


def spelled(name):
    """The zone as a header or as an element of the request: one of the two is empty."""
    other, west, changes = ZONES[name]
    if west is None or rnd.random() < 0.5:
        word = rnd.choice([name, other or name])
        return f'<t:TimeZoneContext><t:TimeZoneDefinition Id="{word}"/></t:TimeZoneContext>', ""
    to_standard, to_daylight, bias = changes or (None, None, 0)
    return "", f"<t:TimeZone><t:Bias>{west}</t:Bias>{half('StandardTime', 0, to_standard)}{half('DaylightTime', bias, to_daylight)}</t:TimeZone>"


def wall(at, zone):
    return at.astimezone(zone).replace(tzinfo=None)


def is_plain(at, zone):
    """Does its wall clock reading mean this instant and no other?"""
    read = wall(at, zone)
    return {read.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)} == {at}


def time(at, zone):
    kind = rnd.randrange(4)
    if kind < 2 and is_plain(at, zone):
        return f"{wall(at, zone):%Y-%m-%dT%H:%M:%S}" + rnd.choice(["", ".0000000"])
    if kind == 3:
        return f"{at + 345 * MINUTE:%Y-%m-%dT%H:%M:%S}+05:45"
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def random_calendar():
    events = []
    for _ in range(rnd.randrange(30)):
        start = rnd.choice(CHANGES) + rnd.randrange(-3000, 3000) * MINUTE
        events.append((start, start + rnd.choice([0, 10, 30, 60, 600, 1440, 20000]) * MINUTE, rnd.choice(list(DIGIT))))
    return sorted(events)


def touches(event, start, end):
    return event[0] < end and (event[1] > start or event[0] == event[1] == start)


def digits(events, start, end, interval):
    slots = -(-(end - start) // (interval * MINUTE))
    found = [0] * slots
    for event in events:
        for i in range(slots):
            begin = start + i * interval * MINUTE
            if touches(event, begin, min(end, begin + interval * MINUTE)):
                found[i] = max(found[i], DIGIT[event[2]])
    return "".join(map(str, found))


def asked_for(people):
    """One mailbox as it is written, and what must come of it: a calendar or an error."""
    who = rnd.choice(list(people))
    if rnd.random() < 0.2:
        return rnd.choice([("nobody@b.example", "ErrorNoFreeBusyAccess"), ("x@c.example", "ErrorAddressSpaceNotFound"), ("/o=Org/ou=Unit/cn=bob", "ErrorAddressSpaceNotFound")])
    return rnd.choice([who, who.upper(), "SMTP:" + who, f"\n\t{who} "]), people[who]


def one_round(site, people):
    name = rnd.choice(list(ZONES))
    zone, version = zoneinfo.ZoneInfo(name), rnd.choice([None, "Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013", "Exchange2016", "Exchange2031"])
    start = rnd.choice(CHANGES) + rnd.choice([0, rnd.randrange(-3000, 3000)]) * MINUTE + rnd.choice([0, 0, 17]) * SECOND
    end = start + rnd.choice([30, 1380, 1440, 1500, 10080, rnd.randrange(1, 61 * 1440)]) * MINUTE - rnd.choice([0, 1]) * SECOND
    interval, view = rnd.choice([5, 6, 30, 60, 1440, rnd.randrange(15, 1440)]), rnd.choice(["MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"])
    boxes = [asked_for(people) for _ in range(rnd.choice([1, 2, 6]))]
    header, element = spelled(name)
    text = sites.request([address for address, _ in boxes], time(start, zone), time(end, zone), interval, view, version)
    text = text.replace(sites.UTC, element).replace("<s:Header>", "<s:Header>" + header)
    if not version:
        text = text.replace('<t:RequestServerVersion Version="None"/>', "")
    status, _, body = site.http(text)
    if not same(status, 200, f"{name}: {text}\n{body[:900]}"):
        return
    for (address, truth), got in zip(boxes, sites.answers(body), strict=True):
        what = f"{name}, {start} to {end} by {interval}, {view}, {version}: {address.strip()}"
        if isinstance(truth, str):
            same((got["code"], got["view"], got["merged"], got["events"]), (truth, "None", None, []), what)
            continue
        same((got["code"], got["view"]), ("NoError", view), what)
        same(got["merged"], digits(truth, start, end, interval) if "Merged" in view else None, what)
        inside = [e for e in truth if touches(e, start, end)] if view != "MergedOnly" else []
        old = not version or version < "Exchange2013"
        # The end of what crosses a change of the clock may be told later than it reads: it is compared where all readings are plain.
        same(sorted((e["start"], e["busy"]) for e in got["events"]),
             sorted((f"{wall(e[0], zone):%Y-%m-%dT%H:%M:%S}", "Free" if old and e[2] == "WorkingElsewhere" else e[2]) for e in inside), what)
        if all(is_plain(at, zone) for e in inside for at in e[:2]):
            same(sorted(e["end"] for e in got["events"]), sorted(f"{wall(e[1], zone):%Y-%m-%dT%H:%M:%S}" for e in inside), what)
        check(all(e["start"] <= e["end"] for e in got["events"]), f"{what}: ends behind its start")
        check(all(("IsPrivate" in e) == view.startswith("Detailed") for e in got["events"]), f"{what}: details")


with sites.pair(start=False) as (a, b):
    people = {}
    for name in ("ulf", "vera", "willi"):
        people[f"{name}@b.example"] = random_calendar()
        form = "%Y%m%dT%H%M%SZ"
        b.calendar(name, *[(f"{s:{form}}", f"{e:{form}}", {"X-MICROSOFT-CDO-BUSYSTATUS": busy.upper()}) for s, e, busy in people[f"{name}@b.example"]])
    a.start(), b.start(), a.up(), b.up()
    for _ in range(int(os.environ.get("ROUNDS", 250))):
        one_round(a, people)
sites.finish()
