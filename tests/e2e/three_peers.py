"""One site that asks three others: each answer is that of its own mailbox, its own asker and the peer that owns it, while clients hang up and a
peer's bridge dies; and a question goes one hop, whatever the rows of the others say. ROUNDS=1400 hears of a million mailboxes. No process has a
second thread, which is looked at: so there is nothing that ThreadSanitizer could see."""
import base64
import contextlib
import http.client
import os
import random
import shutil
import signal
import socket
import struct
import threading

import sites
from sites import Site, check, codes, same, until

PEOPLE, BOXES = 30, 90
ROUNDS = int(os.environ.get("ROUNDS", "40"))  # of each of CLIENTS
CLIENTS = 8
DAY = dict(start="2026-03-02T00:00:00", end="2026-03-03T00:00:00", interval=15, view="DetailedMerged")
ROLES = ("@bridge", "@calendar-worker", "@login-worker")
FAILED = ("ErrorProxyRequestProcessingFailed", "ErrorTimeoutExpired")


def marker(peer, who):
    """The quarter of an hour in which person ${who} of peer ${peer} alone is busy."""
    return peer * PEOPLE + who


def address(peer, who):
    return f"p{who}@{'bcd'[peer]}.example"


def event(peer, who):
    at = marker(peer, who)
    start, end = (f"20260302T{m // 60:02}{m % 60:02}00Z" for m in (15 * at, 15 * at + 14))
    return start, end, {"SUMMARY": f"of {address(peer, who)}"}


def is_right(one, peer, who, detailed):
    """Digits, event and subject are this mailbox's own; the subject is there for who may see it, and for nobody else."""
    digits = "".join("2" if i == marker(peer, who) else "0" for i in range(96))
    subjects = [e.get("Subject") for e in one["events"]]
    return one["merged"] == digits and subjects == [f"of {address(peer, who)}" if detailed else None]


class Known:
    """Answers that were found right, so that the same bytes about the same mailbox for the same asker are not read again."""
    parts = set()

    @staticmethod
    def holds(user, asked, body):
        found = [part.partition(b"</m:FreeBusyResponse>")[0] for part in body.split(b"<m:FreeBusyResponse>")[1:]]
        return len(found) == len(asked) and all((user, a, part) in Known.parts for a, part in zip(asked, found)), found


class Client(threading.Thread):
    """Asks about people of all peers in one question after the other; every few times it hangs up before the answer."""

    def __init__(self, site, number):
        super().__init__()
        self.site, self.random, self.user = site, random.Random(number), ("anna", "ben")[number % 2]
        self.wrong, self.failed, self.right = [], [], 0
        word = base64.b64encode(f"{self.user}:{site.password}".encode()).decode()
        self.head = {"Content-Type": "text/xml", "Authorization": "Basic " + word}
        self.connection = None

    def hang_up(self, body):
        c = http.client.HTTPSConnection("localhost", self.site.front, context=self.site.context(), timeout=30)
        c.request("POST", "/EWS/Exchange.asmx", body=body, headers=self.head)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()

    def ask(self, body):
        if not self.connection:
            self.connection = http.client.HTTPSConnection("localhost", self.site.front, context=self.site.context(), timeout=30)
        self.connection.request("POST", "/EWS/Exchange.asmx", body=body, headers=self.head)
        return self.connection.getresponse().read()

    def hear(self, asked, body):
        known, parts = Known.holds(self.user, asked, body)
        if known:
            self.right += len(asked)
            return
        found = sites.answers(body)
        if not len(found) == len(asked) == len(parts):
            self.wrong.append((len(found), len(asked), len(parts)))
        for (peer, who), one, part in zip(asked, found, parts):
            if one["code"] != "NoError":
                self.failed.append((peer, one["code"], one["merged"], one["events"]))
            elif is_right(one, peer, who, self.user == "anna"):
                self.right += 1
                Known.parts.add((self.user, (peer, who), part))
            else:
                self.wrong.append((self.user, address(peer, who), one))

    def run(self):
        for i in range(ROUNDS):
            asked = [(self.random.randrange(3), self.random.randrange(PEOPLE)) for _ in range(BOXES)]
            body = sites.request([address(*a) for a in asked], **DAY).encode()
            if i % 5 == 4:
                self.hang_up(body)
            try:
                self.hear(asked, self.ask(body))
            except Exception as e:  # the hub itself stays up: no connection of it breaks
                self.wrong.append(repr(e))
                self.connection = None


def crossings(a, dying):
    clients = [Client(a, i) for i in range(CLIENTS)]
    for c in clients:
        c.start()
    deaths = 0
    while any(c.is_alive() for c in clients):
        for pid in dying.children("@bridge"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                deaths += 1
        until(lambda: dying.is_up(links=False) or not any(c.is_alive() for c in clients), "another bridge")
        for c in clients[:2]:
            c.join(1)
    for c in clients:
        c.join()
    failed = [f for c in clients for f in c.failed]
    right = sum(c.right for c in clients)
    print(f"{right} right, {len(failed)} failed, {deaths} bridges died", flush=True)
    same([w for c in clients for w in c.wrong][:3], [], "no answer is another's")
    check(right > CLIENTS * ROUNDS * BOXES // 2 and deaths > 0, f"most are answered: {right}")
    check(all(peer == 2 and code in FAILED and not merged and not events for peer, code, merged, events in failed),
          f"what failed is the dying peer's own, and never free: {failed[:3]}")


def one_hop(a, b, c):
    """Rows that point on from site to site, and in the end back: a question goes to the first of them and no further."""
    for site, forest, peer in ((a, "ring.example", "site-b"), (b, "ring.example", "site-c"), (c, "ring.example", "site-a"),
                               (a, "back.example", "site-b"), (b, "back.example", "site-a")):
        site.run("address-space", "add", "--forest-name", forest, "--peer", peer)
    for site in (a, b, c):
        site.run("reload")
    for site in (b, c):
        site.settled()
    until(lambda: codes(a.ask(address(0, 1), address(1, 1))) == ["NoError"] * 2, "links to the new generations")
    for who in ("x@ring.example", "x@back.example"):
        before = [len(s.lines("mailbox")) for s in (a, b, c)]
        same(codes(a.ask(who)), ["ErrorNoFreeBusyAccess"], f"{who}: refused by the first")
        until(lambda: any(f"target={who}" in line for line in b.lines("not-ours")), f"{who}: whose log says why")
        same(codes(a.ask(address(1, 1))), ["NoError"], "a question behind it")
        until(lambda: len(c.lines("mailbox")) > before[2], "which has arrived")

        def asked():
            return [len([line for line in s.lines("mailbox") if f"target={who} " in line]) for s in (a, b, c)]
        until(lambda: asked()[:2] == [1, 1], f"{who}: a line at a, and one at b")
        same(asked(), [1, 1, 0], f"{who}: lines at a, b and c")


folder = sites.ROOT / "build/e2e" / f"three_peers-{os.getpid()}"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
a, b, c, d = everybody = [Site(folder, f"site-{x}", f"{x}.example") for x in "abcd"]
with sites.ending(*everybody, folder=folder):
    a.account("ben", "user:ben@a.example")
    for peer, site in enumerate((b, c, d)):
        a.pair(site)
        site.pair(a)
        a.rule(site.name, "out", "ben@a.example", "*", "AvailabilityOnly")
        a.rule(site.name, "out", "*", "*", "LimitedDetails")
        site.rule("site-a", "in", "*", "*", "LimitedDetails")
        for who in range(PEOPLE):
            site.calendar(f"p{who}", event(peer, who))
    for site, other in ((b, c), (c, b), (c, d), (d, c)):
        site.pair(other)
    for site in everybody:
        site.start()
    for site in everybody:
        site.up()
    until(lambda: codes(a.ask(*(address(peer, 0) for peer in range(3)))) == ["NoError"] * 3, "all peers answer")
    crossings(a, d)
    until(lambda: set(ROLES) <= set(d.children().values()), "all processes that follow those which died", 40)
    for site in everybody:
        threads = {role: len(os.listdir(f"/proc/{pid}/task")) for pid, role in site.children().items() if role}
        same(threads, dict.fromkeys(ROLES, 1), f"{site.name}: one thread each")
    until(lambda: codes(a.ask(*(address(peer, 0) for peer in range(3)))) == ["NoError"] * 3, "all peers answer again")
    one_hop(a, b, c)
sites.finish()
