"""Our time zones against Python's zoneinfo: `zones.py PROBE` (see tests/unit/test_availability_zone_probe.c)."""
import datetime
import random
import subprocess
import sys
import zoneinfo

ZONES = """Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Monrovia America/Anchorage America/Asuncion
America/Caracas America/Chicago America/Havana America/Los_Angeles America/New_York America/Nuuk America/Phoenix
America/Santiago America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Almaty Asia/Amman Asia/Beirut Asia/Gaza
Asia/Jerusalem Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Adelaide
Australia/Lord_Howe Australia/Sydney Etc/GMT+12 Etc/UTC Europe/Amsterdam Europe/Berlin Europe/Chisinau Europe/Dublin
Europe/Istanbul Europe/Lisbon Europe/London Europe/Moscow Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Easter
Pacific/Kiritimati Pacific/Norfolk""".split()
EPOCH = datetime.datetime(1970, 1, 1)
SECOND = datetime.timedelta(seconds=1)


def offset(zone, utc):
    at = (EPOCH + utc * SECOND).replace(tzinfo=datetime.timezone.utc).astimezone(zone)
    return at.utcoffset() // SECOND


def year_offsets(zone, year):
    """The offsets of a year in their order, as seen every six hours."""
    seen = []
    start = (datetime.datetime(year, 1, 1) - EPOCH) // SECOND - offset(zone, (datetime.datetime(year, 1, 1) - EPOCH) // SECOND)
    for hours in range(0, 8760, 6):
        now = offset(zone, start + hours * 3600)
        if not seen or seen[-1] != now:
            seen.append(now)
    return seen


def changes(zone, first, last):
    """Every instant where the offset changes between two years, by halving."""
    step = 5 * 86400  # no zone of these changes twice within it
    low = (datetime.datetime(first, 1, 1) - EPOCH) // SECOND
    end = (datetime.datetime(last, 1, 1) - EPOCH) // SECOND
    before = offset(zone, low)
    while low < end:
        now = offset(zone, low + step)
        if now != before:
            a, b = low, low + step
            while b - a > 1:
                mid = (a + b) // 2
                a, b = (mid, b) if offset(zone, mid) == before else (a, mid)
            yield b
        before = now
        low += step


def questions(name):
    zone = zoneinfo.ZoneInfo(name)
    dice = random.Random(name)
    instants = [dice.randrange(-2208988800, 7258118400) for _ in range(400)]
    for change in changes(zone, 2008, 2040):
        instants += [change - 1, change, change + 1] + [change + dice.randrange(-8000, 8000) for _ in range(4)]
    for utc in instants:
        now = offset(zone, utc)
        yield f"offset {name} {utc}", now
        wall = EPOCH + (utc + now) * SECOND
        for shift in (0, 1800, -1800, 5400):
            shown = wall + shift * SECOND
            # PEP 495, fold=0: the first of two, and before a gap the offset that was in force: what RFC 5545 wants
            yield f"wall {name} {(shown - EPOCH) // SECOND}", (shown - EPOCH) // SECOND - shown.replace(tzinfo=zone).utcoffset() // SECOND
    for year in (2016, 2019, 2024, 2026, 2027, 2035):
        seen = year_offsets(zone, year)
        if len(seen) > 3 or (len(seen) == 3 and seen[0] != seen[2]):
            continue  # more than one rule can say
        for _ in range(60):
            utc = (datetime.datetime(year, 1, 2) - EPOCH) // SECOND + dice.randrange(363 * 86400)
            yield f"rule {name} {utc}", offset(zone, utc)


def main():
    zoneinfo.reset_tzpath(["/usr/share/zoneinfo"])
    asked = [pair for name in ZONES for pair in questions(name)]
    run = subprocess.run([sys.argv[1], "--probe"], input="\n".join(q for q, _ in asked) + "\n", capture_output=True, text=True, check=True)
    answers = run.stdout.split()
    wrong = [(q, want, got) for (q, want), got in zip(asked, answers) if str(want) != got]
    for q, want, got in wrong[:20]:
        print(f"zones.py: {q}: got {got}, expected {want}", file=sys.stderr)
    failed = len(wrong) + abs(len(asked) - len(answers))
    print(f"test_availability_zone_probe.c: {len(asked) - failed} passed, {failed} failed")
    return 1 if failed or not asked else 0


sys.exit(main())
