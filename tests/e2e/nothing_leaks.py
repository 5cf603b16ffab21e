"""Words of calendars go to those who may read them and nowhere else: every text of files and backends, right and broken, says SECRET-, and what asks about them
sees it at one level alone, of two properties. No other answer, log, audit, recording, state file or verb has it, nor the memory of a site that was not sent it."""
import contextlib
import http.server
import pathlib
import re

import sites
from sites import T, M, check, same, until

SHOWN = {"SUMMARY": "SECRET-shown-subject", "LOCATION": "SECRET-shown-place"}
HIDDEN = {"DESCRIPTION": "SECRET-description", "ORGANIZER;CN=SECRET-organizer": "mailto:SECRET-boss@b.example", "ATTENDEE;CN=SECRET-guest": "mailto:SECRET-guest@b.example",
          "CATEGORIES": "SECRET-category", "COMMENT": "SECRET-comment", "CONTACT": "SECRET-contact", "RESOURCES": "SECRET-beamer", "URL": "https://SECRET-url.example/",
          "ATTACH": "https://SECRET-attach.example/", "RELATED-TO": "SECRET-related", "X-ALT-DESC;FMTTYPE=text/html": "<b>SECRET-html</b>", "X-SECRET-NAME": "SECRET-x",
          "CONFERENCE;VALUE=URI": "https://SECRET-conference.example/"}
START, END = "20260302T090000Z", "20260302T100000Z"


def event(*lines, summary="SECRET-shown-subject"):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:SECRET-program", "X-WR-CALNAME:SECRET-name", "BEGIN:VEVENT", "UID:SECRET-uid", "DTSTAMP:20260101T000000Z",
                        *([f"SUMMARY:{summary}"] if summary else []), *lines, "END:VEVENT", "END:VCALENDAR", ""])


TIMES = (f"DTSTART:{START}", f"DTEND:{END}")
# Whole texts that cannot be read, or hardly: what is wrong is always beside, or in, something secret.
BROKEN = {
    "start": event("DTSTART:SECRET-start", f"DTEND:{END}"), "end": event(f"DTSTART:{START}", "DTEND:SECRET-end"), "no-start": event("LOCATION:SECRET-place"),
    "rule": event(*TIMES, "RRULE:FREQ=SECRET-freq"), "rule-part": event(*TIMES, "RRULE:FREQ=DAILY;SECRET-part=1"), "rule-value": event(*TIMES, "RRULE:FREQ=DAILY;BYDAY=SECRET-day"),
    "until": event(*TIMES, "RRULE:FREQ=DAILY;UNTIL=SECRET-until"), "zone": event("DTSTART;TZID=SERVER-zone:20260302T090000", "DTEND;TZID=SERVER-zone:20260302T100000"),
    "exdate": event(*TIMES, "RRULE:FREQ=DAILY", "EXDATE:SECRET-exdate"), "rdate": event(*TIMES, "RDATE;VALUE=PERIOD:SECRET-period"), "id": event(*TIMES, "RECURRENCE-ID:SECRET-id"),
    "duration": event(f"DTSTART:{START}", "DURATION:SECRET-duration"), "value": event(f"DTSTART;VALUE=SECRET-value:{START}", f"DTEND:{END}"), "no-colon": event(*TIMES, "SECRET-line"),
    "quote": event(*TIMES, 'X-A;B="SECRET-quote:1'), "bytes": event(*TIMES, "SUMMARY:SECRET-shown-subject\udcff\udcfe"), "nul": event(*TIMES, "DESCRIPTION:SECRET-\0nul"),
    "long": event(*TIMES, "DESCRIPTION:" + "SECRET-long " * 100000), "no-end": event(*TIMES).replace("END:VEVENT", "END:SECRET-END"), "cut": event(*TIMES, "DESCRIPTION:SECRET-cut")[:-60],
    "nested": event(*TIMES, "BEGIN:SECRET-COMPONENT", "SUMMARY:SECRET-nested", "END:SECRET-COMPONENT"), "html": "<html><title>SECRET-title</title></html>",
    "timezone": event("DTSTART;TZID=SECRET-own:20260302T090000", "DTEND;TZID=SECRET-own:20260302T100000").replace(
        "BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:SECRET-own\r\nBEGIN:STANDARD\r\nDTSTART:SECRET-zone-start\r\nTZOFFSETFROM:SECRET-from\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
        "END:VTIMEZONE\r\nBEGIN:VEVENT", 1),
    "status": event(*TIMES, "STATUS:SECRET-status", "TRANSP:SECRET-transp", "CLASS:SECRET-class"), "geo": event(*TIMES, "SEQUENCE:SECRET-sequence", "PRIORITY:SECRET-priority"),
    "method": event(*TIMES).replace("VERSION:2.0", "VERSION:SECRET-version\r\nMETHOD:SECRET-method\r\nCALSCALE:SECRET-scale"),
}
HEAD = (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{M[1:-1]}" xmlns:t="{T[1:-1]}"><s:Body><m:GetUserAvailabilityResponse>'
        "<m:FreeBusyResponseArray><m:FreeBusyResponse>")
TAIL = "</m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>"
FINE = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'


def view(busy="Busy", private="false", start="2026-03-02T09:00:00", subject="SECRET-shown-subject", digits="0022000000000000"):
    return (f"<m:FreeBusyView><t:FreeBusyViewType>DetailedMerged</t:FreeBusyViewType><t:MergedFreeBusy>{digits}</t:MergedFreeBusy><t:CalendarEventArray><t:CalendarEvent>"
            f"<t:StartTime>{start}</t:StartTime><t:EndTime>2026-03-02T10:00:00</t:EndTime><t:BusyType>{busy}</t:BusyType><t:CalendarEventDetails><t:ID>SECRET-id</t:ID>"
            f"<t:Subject>{subject}</t:Subject><t:Location>{subject.replace('subject', 'place')}</t:Location><t:IsMeeting>true</t:IsMeeting><t:IsRecurring>false</t:IsRecurring>"
            f"<t:IsException>false</t:IsException><t:IsReminderSet>false</t:IsReminderSet><t:IsPrivate>{private}</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent>"
            "</t:CalendarEventArray></m:FreeBusyView>")


# (status, headers, body) by the backend's path
REPLIES = {
    "good": (200, {}, HEAD + FINE + view() + TAIL), "private": (200, {}, HEAD + FINE + view(private="true", subject="SECRET-private-subject") + TAIL),
    "busy-type": (200, {}, HEAD + FINE + view(busy="SERVER-busy") + TAIL), "time": (200, {}, HEAD + FINE + view(start="SERVER-time") + TAIL),
    "digits": (200, {}, HEAD + FINE + view(digits="SERVER-digits") + TAIL), "flag": (200, {}, HEAD + FINE + view(private="SERVER-flag", subject="SECRET-flagged") + TAIL),
    "element": (200, {}, HEAD + FINE + "<m:SERVER-element/><SERVER-none>" + view() + TAIL), "broken": (200, {}, HEAD + FINE + view(subject="SECRET-<&") + TAIL),
    "cut": (200, {}, (HEAD + FINE + view())[:-150]), "error": (200, {}, HEAD + '<m:ResponseMessage ResponseClass="Error"><m:MessageText>SERVER-text</m:MessageText>'
                                                         "<m:ResponseCode>ErrorSERVER-code</m:ResponseCode></m:ResponseMessage>" + TAIL),
    "fault": (500, {}, '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>SERVER-code</faultcode><faultstring>SERVER-fault'
              "</faultstring></s:Fault></s:Body></s:Envelope>"),
    "page": (403, {}, "<html>SERVER-page</html>"), "words": (503, {"X-SERVER": "SERVER-header", "Retry-After": "SERVER-after"}, "SERVER-body"),
    "away": (302, {"Location": "https://localhost/SERVER-location"}, "SERVER-moved"), "login": (401, {"WWW-Authenticate": 'Basic realm="SERVER-realm"'}, "SERVER-login"),
    "coded": (200, {"Content-Encoding": "SERVER-coding"}, HEAD + FINE + view() + TAIL), "doctype": (200, {}, '<!DOCTYPE SERVER-type [<!ENTITY a "SECRET-entity">]><a>&a;</a>'),
}


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = REPLIES[self.path.strip("/")]
        self.say(status, headers, body, "text/xml")

    def do_GET(self):
        self.say(200, {}, BROKEN.get(self.path.strip("/")).encode("utf-8", "surrogateescape").decode("latin-1"), "text/calendar")

    def say(self, status, headers, body, kind):
        self.send_response(status, "SERVER-reason")
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body.encode("latin-1"))), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode("latin-1"))


def furnish(b):
    """Everybody who has something to hide; their addresses."""
    b.calendar("full", text=event(*TIMES, *(f"{k}:{v}" for k, v in {**SHOWN, **HIDDEN}.items()), "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:SECRET-alarm",
                                  "END:VALARM", summary=None))
    b.calendar("private", text=event(*TIMES, "CLASS:PRIVATE", "LOCATION:SECRET-private-place", summary="SECRET-private-subject"))
    for name, text in BROKEN.items():
        (b.calendars / f"f-{name}@{b.domain}.ics").write_bytes(text.encode("utf-8", "surrogateescape"))
    port = sites.https_server(Backend, b.dir)
    for name in REPLIES:
        b.backend(f"e-{name}", "ews", [f"e-{name}@{b.domain}"], url=f"https://localhost:{port}/{name}", auth="none", ca_file=b.ca)
    for name in BROKEN:
        b.backend(f"u-{name}", "caldav", [f"u-{name}@{b.domain}"], url=f"https://localhost:{port}/", method="url", freebusy_url=f"https://localhost:{port}/{name}",
                  auth="none", ca_file=b.ca)
    return [f"{n}@{b.domain}" for n in ("full", "private", *(f"f-{n}" for n in BROKEN), *(f"e-{n}" for n in REPLIES), *(f"u-{n}" for n in BROKEN))]


def told(text, also=b""):
    """The words in it that only calendars have (and those of backends, which logs and recordings may have, and answers not)."""
    return sorted(set(re.findall(rb"SECRET-[\w-]*" + also, text if isinstance(text, bytes) else text.encode("utf-8", "replace"))))


def answers(a, b, people):
    """Each level, each view, at the other site and at their own."""
    for site in (a, b):
        for user, may in (("none", []), ("times", []), ("details", [b"SECRET-shown-place", b"SECRET-shown-subject"])):
            seen = set()
            for how in ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"):
                status, headers, body = site.http(sites.request(people, view=how), user=user)
                same(status, 200, f"{user} at {site.name}, {how}")
                seen |= set(told(body + str(headers).encode(), rb"|SERVER-[\w-]*"))
                codes = [one["code"] for one in sites.answers(body)]
                same((len(codes), "NoError" in codes), (len(people), user != "none"), f"{user} at {site.name}, {how}: an answer each")
            same(sorted(seen), may, f"{user} at {site.name} reads")


def everything_else(a, b, people):
    """What is written, kept or said by anything but an answer."""
    for site in (a, b):
        for verb in (["status"], ["status", "--json"], ["doctor"], ["audit", "show"], ["audit", "show", "--json"], ["explain", "--requester", "times@a.example", people[0]]):
            said = site.run(*verb, code=None)
            same(told(said + site.stderr), [], f"{site.name}: {verb}")
        window = ["--start", "2026-03-02T08:00:00Z", "--end", "2026-03-02T16:00:00Z", "--json"]
        said = site.run("query", "--requester", "times@a.example" if site is a else "times@b.example", *window, *people[:90], code=None)
        check(len(said) > 1000, "query as a verb")
        same(told(said + site.stderr), [], f"{site.name}: query as a verb")
        for file in site.dir.rglob("*"):
            if file.is_file() and site.calendars not in file.parents:
                same(told(file.read_bytes()), [], f"{file.relative_to(site.dir)}")
        same(told(site.log_path.read_bytes()), [], f"the log of {site.name}")


def in_memory(pid):
    found = set()
    with open(f"/proc/{pid}/mem", "rb") as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "rw" in line.split()[1] and not line.endswith("[vvar]"):
                with contextlib.suppress(OSError):
                    mem.seek(start)
                    found |= set(told(mem.read(end - start)))
    return sorted(found)


with sites.pair(start=False, rules=False) as (a, b):
    for site, other in ((a, b), (b, a)):
        for user in ("none", "times", "details"):
            site.account(user, f"user:{user}@{site.domain}")
        site.set("log_level", "debug")
        for peer, direction, domain in ((other.name, "in", other.domain), ("local", "in", site.domain)):
            for user, level in (("none", "None"), ("times", "AvailabilityOnly"), ("details", "LimitedDetails")):
                site.rule(peer, direction, f"{user}@{domain}", "*", level, "--position", "1")
        site.rule(other.name, "out", "*", "*", "LimitedDetails")
    a.run("address-space", "remove", "b.example")
    a.run("address-space", "add", "--forest-name", "b.example", "--peer", "site-b", "--access-method", "PerUserFB")
    people = furnish(b)
    for site in (a, b):
        (site.dir / "trace").mkdir()
        site.start("--trace", str(site.dir / "trace/file"))
    a.up(), b.up()
    half = len(people) // 2
    body = a.http(sites.request(people[:half]), user="times")[2] + a.http(sites.request(people[half:]), user="times")[2]
    same(told(body), [], "who may see times alone")
    if sites.may_look_into() and "asan" not in sites.PROGRAM:  # whose memory has no end
        same({role: in_memory(pid) for pid, role in a.children().items() if in_memory(pid)}, {}, "a site that asks for them is not even sent more")
        check(any(in_memory(pid) for pid in b.children()), "as can be seen in whoever reads calendars")
    answers(a, b, people)
    everything_else(a, b, people)
sites.finish()
