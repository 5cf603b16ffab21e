"""Three CalDAV servers behind one bridge, each asked in every way that it knows, beside a folder with the same calendars: the answers are the same wherever the server is
right, and where it is not (docs/caldav.md) they are wrong as told there."""
import datetime as dt
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "servers"), str(HERE.parent / "e2e")]
import sites  # noqa: E402
from cyrus import Cyrus  # noqa: E402
from people_calendars import CALENDARS, event, resource  # noqa: E402
from radicale import Radicale  # noqa: E402
from sites import check, finish, same  # noqa: E402
from sogo import SOGo  # noqa: E402

START, END = "2026-03-01T00:00:00", "2026-04-12T00:00:00"
# What a person's calendar comes to, worked out by hand: busy times in UTC. Nine in Berlin is 08:00Z until 28 March, then 07:00Z.
ANNA = [("03-01T00:00", "03-01T02:00", "Busy"), ("03-02T08:00", "03-02T09:00", "Busy"), ("03-03T12:00", "03-03T13:00", "Tentative"),
        ("03-06T14:00", "03-06T15:00", "Busy"), ("03-09T08:00", "03-09T09:00", "Busy"), ("03-09T15:00", "03-09T16:00", "Busy"),
        ("03-20T15:00", "03-20T15:30", "Busy"), ("03-24T13:00", "03-24T14:30", "Busy"), ("03-30T07:00", "03-30T08:00", "Busy")]
NIGHTS = [(f"03-{d}T22:00", f"03-{d + 1}T00:00", "Busy") for d in (26, 27, 28)] + [
    ("03-29T21:00", "03-29T23:00", "Busy"), ("03-30T21:00", "03-30T23:00", "Busy"), ("03-31T21:00", "03-31T23:00", "Busy")]
BOB = [("03-17T23:00", "03-19T23:00", "Busy"), *NIGHTS]
BOB_UTC = [("03-18T00:00", "03-20T00:00", "Busy"), *NIGHTS]
CARL = sorted([(f"{day}T{f}", f"{day}T{t}", "Busy") for f, t, days in (
    ("10:30", "11:00", ("03-10", "03-12", "03-24", "03-26")), ("09:30", "10:00", ("04-07", "04-09")),  # every other week since 2019
    ("16:00", "16:30", ("03-04", "03-12")), ("15:00", "15:30", ("04-02",)),                            # the extra dates
    ("07:00", "08:00", ("03-05", "03-12", "03-26")), ("07:00", "07:15", ("03-19",)), ("06:00", "07:00", ("04-02",)),
    ("09:00", "10:00", ("03-16", "03-23")), ("08:00", "09:00", ("03-30",))) for day in days] + [("03-25T06:00", "03-25T15:00", "OOF")])
CARL_BUSY = [(s, e, "Busy") for s, e, _ in CARL]
EXPECTED = {"anna": ANNA, "bob": BOB, "carl": CARL, "empty": []}
CYRUS_SHARED = {**EXPECTED, "anna": sorted([*ANNA, ("03-04T07:00", "03-04T17:00", "Busy")])}  # what is transparent to anna is not to others
CYRUS_ALONE = {**EXPECTED, "bob": BOB_UTC, "carl": CARL_BUSY}  # all-day events in UTC, Microsoft's words unread
# Tentative and cancelled are busy, an all-day event ends a second early.
SOGO_ALONE = {"anna": sorted([(s, e, "Busy") for s, e, _ in ANNA] + [("03-05T09:00", "03-05T10:00", "Busy"), ("04-06T07:00", "04-06T08:00", "Busy")]),
              "bob": [("03-17T23:00", "03-19T22:59:59", "Busy"), *NIGHTS], "carl": CARL_BUSY, "empty": []}
# What a server that works out recurrence by itself may leave out of a time-range, as (events, busy times in the window).
ODD = {
    "until-2045": ([event("until-2045", "20260305T120000Z", "20260305T130000Z", "RRULE:FREQ=YEARLY;COUNT=20")], [("03-05T12:00", "03-05T13:00", "Busy")]),
    "to-2050": ([event("to-2050", "20260411T220000Z", "20500101T000000Z")], [("04-11T22:00", "04-12T00:00", "Busy")]),
    "minutely": ([event("minutely", "20260216T060000Z", "20260216T061500Z", "RRULE:FREQ=MINUTELY;INTERVAL=20160;COUNT=2")], [("03-02T06:00", "03-02T06:15", "Busy")]),
    "extra-date": ([event("extra-date", "20260102T060000Z", "20260102T070000Z", "RDATE:20260303T060000Z")], [("03-03T06:00", "03-03T07:00", "Busy")]),
    "start-alone": ([event("start-alone", "20260310", "20260311", "RRULE:FREQ=YEARLY;BYMONTH=6;BYDAY=1SA;UNTIL=20260401")], [("03-09T23:00", "03-10T23:00", "Busy")]),
}
NO_DATA = [("03-01T00:00", "04-12T00:00", "NoData")]


def domain_of(server, method):
    """The outbox knows people by their addresses; in other ways any domain of ours does."""
    return server.domain if method == "outbox" else f"{method}.{server.domain}"


def backend(site, server, method, login=True, **settings):
    """One more backend of the site, which asks the server in one way, for a domain of its own."""
    name, domain = type(server).__name__.lower(), domain_of(server, method)
    secret = site.dir / f"{name}.password"
    secret.touch(mode=0o600)
    secret.write_text(server.passwords["bridge"])
    lines = {"type": "caldav", "url": server.url + server.base, "serves": domain, "ca-file": server.ca, "method": method, "auth": "basic" if login else "none"}
    if login:
        lines.update({"user": "bridge", "password-file": secret.name})
    lines.update({k.replace("_", "-"): v for k, v in settings.items()})
    (site.dir / "backends.d" / f"{name}-{method}.conf").write_text("".join(f"{k} {v}\n" for k, v in lines.items()))
    site.run("address-space", "add", "--forest-name", domain, "--peer", "local")


def short(t):
    t = t.rstrip("Z")[5:]
    return t.removesuffix(":00")


def clipped(answer):
    """(from, to, type) of what is not free, cut to the window, as months and minutes."""
    events = [(max(e["start"].rstrip("Z"), START), min(e["end"].rstrip("Z"), END), e["busy"]) for e in answer["events"] if e["busy"] != "Free"]
    return sorted((short(s), short(e), b) for s, e, b in events)


def ask(site, domain, expected, what):
    """Everybody in the domain at once: each is as expected, and who does not exist is without access. Returns the answers."""
    people = [*expected, "nobody"]
    found = dict(zip(people, site.ask(*(f"{p}@{domain}" for p in people), start=START, end=END)))
    for person, answer in found.items():
        if person == "nobody":
            same(answer["code"], "ErrorNoFreeBusyAccess", f"{what}: who does not exist")
        elif same(answer["code"], "NoError", f"{what}: {person}"):
            same(clipped(answer), expected[person], f"{what}: {person}")
    return found


def failing(site, domain, what):
    """Nobody is free where the server cannot be asked in this way."""
    for answer in site.ask(*(f"{p}@{domain}" for p in CALENDARS), start=START, end=END):
        check(answer["code"] not in ("NoError", "ErrorNoFreeBusyAccess") and not answer["events"], f"{what}: {answer}")


def subjects(answer):
    return {e.get("Subject") for e in answer["events"]}


def configure(site, cyrus, radicale, sogo):
    (site.dir / "backends.d").mkdir(mode=0o700)
    home, principal = "/dav/calendars/user/{user}/Default/", "/dav/principals/user/{user}/"
    backend(site, cyrus, "outbox", principal=principal)
    backend(site, cyrus, "report", calendar=home)
    backend(site, cyrus, "events", calendar=home)
    backend(site, cyrus, "auto", calendar=home)
    backend(site, cyrus, "url", login=False, freebusy_url="/freebusy/user/{user}?start={start}&end={end}")
    backend(site, radicale, "outbox")
    backend(site, radicale, "report", calendar="/{user}/calendar/")
    backend(site, radicale, "events", calendar="/{user}/calendar/")
    backend(site, radicale, "auto", principal="/{user}/")
    personal = "/SOGo/dav/{user}/Calendar/personal/"
    backend(site, sogo, "outbox")
    backend(site, sogo, "report", calendar=personal)
    backend(site, sogo, "events", calendar=personal)
    backend(site, sogo, "auto", calendar=personal)
    backend(site, sogo, "url", freebusy_url="/SOGo/dav/{user}/freebusy.ifb")
    for person, resources in CALENDARS.items():
        folder = site.calendars / f"{person}@{site.domain}"
        folder.mkdir()
        for name, text in resources.items():
            (folder / f"{name}.ics").write_text(text, newline="")


def compare(site, cyrus, radicale, sogo):
    folder = ask(site, site.domain, EXPECTED, "the folder of files")
    for server in (radicale, sogo):
        for method in ("events", "auto"):
            domain = domain_of(server, method)
            found = ask(site, domain, EXPECTED, domain)
            for person in EXPECTED:
                same(found[person]["merged"], folder[person]["merged"], f"{domain}: {person}'s digits are the folder's")
    check({"weekly", "tentative"} <= subjects(ask(site, domain_of(radicale, "events"), EXPECTED, "radicale")["anna"]), "events have details")
    for method in ("outbox", "report", "url", "auto"):
        found = ask(site, domain_of(cyrus, method), CYRUS_ALONE, f"cyrus {method}")
        same(found["anna"]["merged"], folder["anna"]["merged"], f"cyrus {method}: the digits are the folder's")
        same(subjects(found["anna"]), {None}, f"cyrus {method}: free/busy has no details")
    for answer in site.ask(*(f"{p}@{domain_of(cyrus, 'events')}" for p in CALENDARS), start=START, end=END):
        same(answer["code"], "ErrorNoFreeBusyAccess", "cyrus events without the right to read")
    ask(site, domain_of(sogo, "outbox"), SOGO_ALONE, "sogo outbox")
    ask(site, domain_of(sogo, "url"), {p: NO_DATA for p in EXPECTED}, "sogo url")
    for server, method in ((radicale, "outbox"), (radicale, "report"), (sogo, "report")):
        failing(site, domain_of(server, method), f"{server.domain} {method}, which it does not know")


def changes(site, cyrus, radicale, sogo):
    """What changes on a server is seen at the next question."""
    for person in CALENDARS:
        cyrus.share(person)
    for method in ("events", "auto"):
        ask(site, domain_of(cyrus, method), CYRUS_SHARED, f"cyrus {method} with the right to read")
    new = ("03-04T12:00", "03-04T13:00", "Busy")
    for server in (cyrus, radicale, sogo):
        server.put("empty", "new", resource(event("new", "20260304T120000Z", "20260304T130000Z")))
        usual = CYRUS_SHARED if server is cyrus else EXPECTED
        ask(site, domain_of(server, "events"), {**usual, "empty": [new]}, f"{server.domain}: a new event")
    ask(site, domain_of(cyrus, "outbox"), {**CYRUS_ALONE, "empty": [new]}, "cyrus outbox: a new event")
    soon = dt.datetime.now(dt.timezone.utc).replace(minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    at = [(soon + dt.timedelta(hours=h)).strftime("%Y%m%dT%H%M%SZ") for h in (0, 1)]
    sogo.put("empty", "soon", resource(event("soon", *at)))
    start, end = ((soon + dt.timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%S") for h in (-2, 3))
    answer, = site.ask(f"empty@{domain_of(sogo, 'url')}", start=start, end=end)
    same((answer["code"], answer["merged"]), ("NoError", "0000220000"), "sogo url: around today there is data")


def odd(site, cyrus, radicale, sogo):
    """No event is lost that the server reads otherwise than we do, nor moved by the definition that Radicale makes of a zone when none was sent."""
    new = ("03-04T12:00", "03-04T13:00", "Busy")
    for server in (cyrus, radicale, sogo):
        for name, (events, _) in ODD.items():
            server.put("empty", name, resource(*events))
        ask(site, domain_of(server, "events"), {"empty": sorted([new, *(t for _, busy in ODD.values() for t in busy)])}, f"{server.domain}: odd events")
    undefined = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", event("undefined", "20260311T113000", "20260311T123000", zone="Asia/Kolkata"), "END:VCALENDAR", ""])
    times = ("03-11T06:00", "03-11T07:00")
    for server in (cyrus, radicale, sogo):
        server.put("bob", "undefined", undefined)
        usual = CYRUS_SHARED if server is cyrus else EXPECTED
        ask(site, domain_of(server, "events"), {"bob": sorted([*usual["bob"], (*times, "Busy")])}, f"{server.domain}: Asia/Kolkata without a VTIMEZONE")


def unlisted(site, sogo):
    """SOGo leaves out of its lists what our account has no right to see at all: that is no access, and never free time."""
    domain = domain_of(sogo, "events")
    for roles, hidden in ((("PublicViewer", "ConfidentialDAndTViewer"), "private"), (("PublicDAndTViewer", "PrivateViewer"), "confidential"), (("ObjectCreator",), "public")):
        sogo.rights("carl", *roles)
        found = site.ask(f"carl@{domain}", f"anna@{domain}", start=START, end=END)
        same([a["code"] for a in found], ["ErrorNoFreeBusyAccess", "NoError"], f"{roles} at one calendar of two")
        sites.until(lambda: any(f"may not see its {hidden} events" in line for line in site.lines("backend-failed")), f"the log says that of {hidden} events", 5)
    sogo.rights("carl", "PublicResponder", "ConfidentialModifier", "PrivateDAndTViewer")
    answer, = site.ask(f"carl@{domain}", start=START, end=END)
    same((answer["code"], clipped(answer)), ("NoError", CARL), "with a right to see each class")


def broken(site, cyrus, radicale):
    """A server that is gone is an error for its people and for nobody else; it is found again when it is back."""
    domain = domain_of(radicale, "events")
    radicale.end(radicale.processes.pop())
    failing(site, domain, "radicale is gone")
    ask(site, domain_of(cyrus, "report"), {"anna": ANNA}, "cyrus while radicale is gone")
    radicale.serve()
    sites.until(lambda: site.ask(f"anna@{domain}", start=START, end=END)[0]["code"] == "NoError", "radicale is found again", 60)


def main():
    folder = sites.ROOT / "build/forests" / f"caldav-{os.getpid()}"
    folder.mkdir(parents=True)
    people = [*CALENDARS]
    site = sites.Site(folder, "site-a", "a.example")
    site.set("working_zone", "Europe/Berlin")
    site.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    with Cyrus(people, "cyrus.example") as cyrus, Radicale(people, "radicale.example") as radicale, SOGo(people, "sogo.example") as sogo:
        for server in (cyrus, radicale, sogo):
            server.load(CALENDARS)
        configure(site, cyrus, radicale, sogo)
        with sites.ending(site, folder=folder):
            site.start()
            site.up(links=False)
            compare(site, cyrus, radicale, sogo)
            changes(site, cyrus, radicale, sogo)
            odd(site, cyrus, radicale, sogo)
            unlisted(site, sogo)
            broken(site, cyrus, radicale)


main()
finish()
