"""The embedded calendars against calendar servers: the same person with 60 events, a week asked about, CPU for each answer of all of a server's processes."""
import base64
import contextlib
import datetime
import http.client
import pathlib
import re
import ssl
import sys

import bridged
import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "forests/servers"))
import cyrus  # noqa: E402
import radicale  # noqa: E402
import sites  # noqa: E402
import sogo  # noqa: E402

WHO, EVENTS = "anna", 60
WEEK = (datetime.datetime(2026, 3, 2), datetime.datetime(2026, 3, 9))
STAMP = "%Y%m%dT%H%M%SZ"
WHEN = [WEEK[0] + datetime.timedelta(days=i % 7, hours=8 + i // 7) for i in range(EVENTS)]
HALF_HOUR = datetime.timedelta(minutes=30)
RANGE = f'<C:time-range start="{WEEK[0].strftime(STAMP)}" end="{WEEK[1].strftime(STAMP)}"/>'
FREE_BUSY = f'<?xml version="1.0" encoding="utf-8"?><C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">{RANGE}</C:free-busy-query>'
ITS_EVENTS = ('<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
              f'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{RANGE}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>')


def event(i):
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{i}@bench", "DTSTAMP:20260101T000000Z", f"DTSTART:{WHEN[i].strftime(STAMP)}",
                        f"DTEND:{(WHEN[i] + HALF_HOUR).strftime(STAMP)}", f"SUMMARY:Review no {i}", "END:VEVENT"])


def calendar(*events):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN", *events, "END:VCALENDAR", ""])


def busy_by_periods(text):
    """Is what a VFREEBUSY says the thirty hours of the events?"""
    total = datetime.timedelta()
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        for period in line.split(":", 1)[1].split(",") if line.startswith("FREEBUSY") else ():
            start, end = period.split("/")
            first = datetime.datetime.strptime(start, STAMP)
            hours, minutes = (int((re.search(rf"(\d+){unit}", end) or [0, 0])[1]) for unit in "HM")
            total += datetime.timedelta(hours=hours, minutes=minutes) if end.startswith("P") else datetime.datetime.strptime(end, STAMP) - first
    return total == EVENTS * HALF_HOUR


def busy_by_events(text):
    return text.count("BEGIN:VEVENT") == EVENTS


def busy_by_ews(text):
    [answer] = sites.answers(text)
    return [e["start"] for e in answer["events"]] == sorted(w.strftime("%Y-%m-%dT%H:%M:%S") for w in WHEN)


class Way:
    """One way to ask one server."""

    def __init__(self, name, port, pids, login, request, right, folder):
        self.name, self.port, self.pids, self.request, self.right = name, port, pids, request, right
        self.login = "Basic " + base64.b64encode(login.encode()).decode() if login else ""
        self.body = folder / f"{name}.xml"
        self.body.write_text(request[2])
        self.length = len(self.ask())

    def ask(self):
        """The answer, which must be right."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=60)
        head = {"Content-Type": "text/xml; charset=utf-8", "Depth": "1", **({"Authorization": self.login} if self.login else {})}
        with contextlib.closing(connection):
            method, path, body = self.request
            connection.request(method, path, body=body or None, headers=head)
            r = connection.getresponse()
            text = r.read().decode()
        if r.status not in (200, 207) or not self.right(text):
            raise RuntimeError(f"{self.name}: {r.status} {text[:1000]}")
        return text

    def run(self, seconds):
        method, path, _ = self.request
        return measure.load(self.name, self.port, self.pids, "one.lua", 4, seconds, METHOD=method, URLPATH=path, BODY=str(self.body), LOGIN=self.login,
                            LENGTH=str(self.length))[0]


def ways_of(kind, server, folder):
    pids, login = [p.pid for p in server.processes], f"{WHO}:{server.passwords[WHO]}"
    collection = server.collection(WHO)
    if kind != "cyrus":
        return [Way(kind, server.port, pids, login, ("REPORT", collection, ITS_EVENTS), busy_by_events, folder)]
    url = f"/freebusy/user/{WHO}?start={WEEK[0].isoformat()}Z&end={WEEK[1].isoformat()}Z"
    return [Way("cyrus-report", server.port, pids, login, ("REPORT", collection, FREE_BUSY), busy_by_periods, folder),
            Way("cyrus-url", server.port, pids, None, ("GET", url, ""), busy_by_periods, folder)]


def against(plan):
    def prepare(a, b):
        b.calendar(WHO, text=calendar(*map(event, range(EVENTS))))
        b.run("rule", "add", "--peer", "local", "--direction", "in", "--requester", "*", "--target", "*", "--level", "LimitedDetails")

    folder = plan.place("calendars")
    with bridged.pair(prepare) as (_, b):
        question = sites.request([f"{WHO}@{b.domain}"], WEEK[0].isoformat(), WEEK[1].isoformat(), view="FreeBusy")
        ours = Way("bridge", b.front, [b.process.pid], f"anna:{b.password}", ("POST", "/EWS/Exchange.asmx", question), busy_by_ews, folder)
        fastest = None
        for kind, maker in (("cyrus", cyrus.Cyrus), ("radicale", radicale.Radicale), ("sogo", sogo.SOGo)):
            with maker([WHO], b.domain) as server:
                for i in range(EVENTS):
                    server.put(WHO, f"e{i}", calendar(event(i)))
                for way in ways_of(kind, server, folder):
                    measure.in_turns([way, ours], 1, lambda w: w.run(1))
                    seen = measure.in_turns([way, ours], plan.rounds, lambda w: w.run(plan.seconds))
                    median, least = measure.ratio(seen[way.name], seen["bridge"])
                    plan.note(f"calendars-{way.name}", median, least, f"times the bridge's CPU of {min(seen['bridge']):.0f} us an answer")
                    fastest = min(fastest or (median, least), (median, least))
        plan.note("calendars-fastest", *fastest, "the least of these")
