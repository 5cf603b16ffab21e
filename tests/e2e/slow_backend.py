"""A crowd that asks about a hundred mailboxes behind slow backends multiplies nothing: each mailbox is asked about once, however many ask and however
they spell it, never more calls run than `concurrency` says, all answers come by one deadline, and who lives elsewhere does not wait. The backends are
one Python process that holds every call until it is told."""
import collections
import json
import re
import select
import threading
import time

import sites
from sites import check, codes, same, until

CALLS, CLIENTS, DEADLINE = 6, 12, 3
EWS, DAV = [[f"{kind}{i}@b.example" for i in range(50)] for kind in ("e", "d")]

ENVELOPE = (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{sites.M[1:-1]}" xmlns:t="{sites.T[1:-1]}">'
            "<s:Body><m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>%s</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>")
BOX = ('<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>'
       "<t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType><t:MergedFreeBusy>%s</t:MergedFreeBusy><t:CalendarEventArray/></m:FreeBusyView>"
       "</m:FreeBusyResponse>")
FREEBUSY = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:slow\r\nBEGIN:VFREEBUSY\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
            "DTSTART:20260302T080000Z\r\nDTEND:20260302T160000Z\r\n%sEND:VFREEBUSY\r\nEND:VCALENDAR\r\n")


class Slow(sites.Made):
    """Counts calls about each mailbox, and how many run at once; answers when ${go} is set."""
    go, lock = threading.Event(), threading.Lock()
    asked, running, most = collections.Counter(), {"ews": set(), "dav": set()}, collections.Counter()

    def given_up(self):
        return select.select([self.connection], [], [], 0)[0]

    def held(self, kind, mailboxes):
        with Slow.lock:
            Slow.asked.update(mailboxes)
            Slow.running[kind].add(self)
            Slow.most[kind] = max(Slow.most[kind], sum(not call.given_up() for call in Slow.running[kind]))
        while not Slow.go.wait(0.02) and not self.given_up():
            pass
        with Slow.lock:
            Slow.running[kind].remove(self)

    def say(self, kind, body):
        try:
            super().say(200, body, Content_Type=kind)
        except OSError:  # nobody waits for it any more
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        mailboxes = re.findall(r"Address>([^<]*@[^<]*)</", body)
        self.held("ews", mailboxes)
        boxes = "".join(BOX % digits(m) for m in mailboxes)
        self.say("text/xml", (ENVELOPE % boxes).encode())

    def do_GET(self):
        who = self.path.split("/")[2]
        self.held("dav", [f"{who}@b.example"])
        half_hours = [i for i, digit in enumerate(digits(f"{who}@b.example")) if digit == "2"]
        busy = "".join(f"FREEBUSY:20260302T{8 + i // 2:02}{30 * (i % 2):02}00Z/PT30M\r\n" for i in half_hours)
        self.say("text/calendar", (FREEBUSY % busy).encode())


def digits(mailbox):
    """Its own, by its number: eight hours in halves."""
    number = int(re.search(r"\d+", mailbox).group())
    return "".join("2" if (number + 1) >> i & 1 else "0" for i in range(16))


class Asker(threading.Thread):
    def __init__(self, site, mailboxes, **how):
        super().__init__()
        self.site, self.mailboxes, self.how, self.got, self.took = site, mailboxes, how, [], 0
        self.start()

    def run(self):
        began = time.monotonic()
        self.got = self.site.ask(*self.mailboxes, **self.how)
        self.took = time.monotonic() - began


def begin(hold):
    Slow.go.clear() if hold else Slow.go.set()
    with Slow.lock:
        Slow.asked.clear()
        Slow.most.clear()


def open_queries(site):
    return json.loads(site.run("status", "--json"))["bridge"]["open_queries"]


def a_crowd(a, b):
    """From both sites at once, in capitals, twice in one question: each mailbox is asked about once, and everybody hears."""
    begin(hold=True)
    ways = [EWS + DAV, [m.upper() for m in EWS + DAV], (EWS[:25] + DAV[:25]) * 2, list(reversed(EWS + DAV))]
    crowd = [Asker(site, ways[i % len(ways)]) for i in range(CLIENTS) for site in (a, b)]
    until(lambda: open_queries(b) == len(crowd) and len(Slow.running["dav"]) == CALLS, "all of them wait at B, and as many calls as may be run")
    Slow.go.set()
    for one in crowd:
        one.join()
        same([(g["code"], g["merged"]) for g in one.got], [("NoError", digits(m)) for m in one.mailboxes], "each mailbox's own")
    same(sorted(Slow.asked), sorted(EWS + DAV), "each was asked about")
    same(set(Slow.asked.values()), {1}, f"and once: {Slow.asked.most_common(3)}")
    check(Slow.most["dav"] == CALLS and Slow.most["ews"] <= CALLS, f"calls at once: {Slow.most}")


def many_windows(a):
    """Another time each is another question: as many run as may, and the others wait."""
    begin(hold=True)
    starts = [f"2026-03-02T{8 + i // 60:02}:{i % 60:02}:00" for i in range(60)]
    crowd = [Asker(a, [EWS[0], DAV[0]], start=s) for s in starts]
    until(lambda: open_queries(a) == len(crowd) and len(Slow.running["ews"]) == len(Slow.running["dav"]) == CALLS, "all wait, and as many calls as may be run")
    Slow.go.set()
    for one in crowd:
        one.join()
    check(Slow.most["ews"] == CALLS and Slow.most["dav"] == CALLS, f"calls at once: {Slow.most}")


def never(b):
    """Backends that hang: a question is answered by its deadline, each mailbox was asked about once at most, and the next questions ask no more."""
    b.set("query_deadline", f"{DEADLINE} s")
    b.run("reload")
    same(codes(b.ask(EWS[0], DAV[0])), ["NoError"] * 2, "they work, so that as many calls as may be will run")
    for turn in range(3):
        begin(hold=True)
        crowd = [Asker(b, [*EWS, *DAV[:49], "file@b.example"]) for _ in range(CLIENTS)]
        for one in crowd:
            one.join()
            same([g["code"] for g in one.got if g["code"] in ("NoError",)], ["NoError"], "who is a file is answered")
            check(all(g["merged"] is None and not g["events"] for g in one.got[:-1]), "and nobody else is free")
            check(one.took < DEADLINE + 6, f"by the deadline, and not by the usual one: {one.took:.1f} s")
        check(not Slow.asked or max(Slow.asked.values()) <= 1, f"turn {turn}: each once at most: {Slow.asked.most_common(3)}")
        check(max(Slow.most.values(), default=0) <= CALLS, f"calls at once: {Slow.most}")
        print(f"turn {turn}: {sum(Slow.asked.values())} asked about, {dict(Slow.most)} at once, {max(one.took for one in crowd):.1f} s", flush=True)
    Slow.go.set()
    until(lambda: codes(b.ask(EWS[0], DAV[0])) == ["NoError"] * 2, "and all is well again", 60)


with sites.pair({"query_deadline": "20 s"}, {"query_deadline": "20 s"}, start=False) as (a, b):
    b.calendar("file", ("20260302T090000Z", "20260302T100000Z"))
    base = f"https://localhost:{sites.https_server(Slow, b.dir)}"
    b.backend("exchange", "ews", EWS, url=f"{base}/ews", auth="none", ca_file=b.ca, concurrency=CALLS)
    b.backend("dav", "caldav", DAV, url=f"{base}/", method="url", freebusy_url=f"{base}/fb/{{user}}/{{start}}", auth="none", ca_file=b.ca,
              concurrency=CALLS)
    a.start(), b.start(), a.up(), b.up()
    begin(hold=False)
    for site in (a, b):
        got = site.ask(EWS[4], DAV[4])
        same([(g["code"], g["merged"]) for g in got], [("NoError", digits(EWS[4])), ("NoError", digits(DAV[4]))], f"one question of {site.name}")
    a_crowd(a, b)
    many_windows(a)
    never(b)
sites.finish()
