"""Each kind of process killed again and again, faster than it can settle, while somebody asks: it is back each time within seconds, no death costs more than
the question that it was at, and in the end nobody holds a descriptor more than before. KILLS: how many times."""
import json
import os
import signal
import threading

import sites
from sites import check, codes, descriptors, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
RIGHT = "0022000000000000"
KILLS = int(os.environ.get("KILLS", "8"))
ASKED = ["anna@a.example", "bob@b.example", "hub@a.example"]
ROLES = {"@calendar-worker": "calendar", "@login-worker": "login", "@backend-worker": "backend hub", "@bridge": None}  # and the pools that they are in


class Asker(threading.Thread):
    """Asks as fast as it is answered; a connection that breaks and an answer that is an error are lost alike."""

    def __init__(self, a):
        super().__init__()
        self.a, self.stop, self.right, self.lost, self.wrong = a, threading.Event(), 0, 0, []

    def run(self):
        while not self.stop.is_set():
            try:
                found = self.a.ask(*ASKED, timeout=20)
            except Exception:
                self.lost += 1
                continue
            self.wrong += [x for x in found if x["code"] == "NoError" and x["merged"] != RIGHT or x["code"] != "NoError" and x["merged"]]
            self.right += all(x["code"] == "NoError" for x in found)
            self.lost += any(x["code"] != "NoError" for x in found)

    def end(self):
        self.stop.set()
        self.join()
        return self


def ready(a, role):
    """Whether all of the role can work: of those that end before they can, nothing is waited for."""
    text = a.run("status", "--json", code=None)
    return a.code == 0 and all(p["workers"] == p["ready"] > 0 for p in json.loads(text)["pools"] if p["name"] == ROLES[role])


def killed(a, role):
    """So many rounds, in each of which all of the role die at once; how many died."""
    deaths = 0
    for _ in range(KILLS):
        pids = set(a.children(role))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        deaths += len(pids)
        if not until(lambda: len(set(a.children(role)) - pids) >= len(pids) and ready(a, role), f"{role} is back"):
            break
    return deaths


def held(a):
    """The descriptors of all its processes."""
    return descriptors([a.process.pid, *a.children()])


def exchange(a):
    """A third bridge, which plays Exchange for one of a's people."""
    x = sites.Site(a.dir.parent, "site-x", "a.example")
    x.account("svc", "user:svc@a.example")
    x.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    x.calendar("hub", NINE)
    a.backend("hub", "ews", ["hub@a.example"], url=f"https://localhost:{x.front}/EWS/Exchange.asmx", auth="basic", user="svc", password=x.password, ca_file=x.ca)
    return x


with sites.pair(start=False) as (a, b):
    x = exchange(a)
    with sites.ending(x, folder=x.dir):
        a.calendar("anna", NINE)
        b.calendar("bob", NINE)
        x.start(), a.start(), b.start(), x.up(links=False), a.up(), b.up()
        until(lambda: codes(a.ask(*ASKED)) == ["NoError"] * 3, "the first answer")
        for role in ROLES:
            fds, number = held(a), len(a.children())
            asker = Asker(a)
            asker.start()
            deaths = killed(a, role)
            until(lambda: len(a.children()) == number and a.is_up(), f"{role}: all are up again")
            asker.end()
            same(asker.wrong, [], f"{role}: what was answered was right or an error")
            check(asker.lost <= deaths, f"{role}: {asker.lost} questions lost by {deaths} deaths; {asker.right} answered")
            print(f"{role}: {deaths} died, {asker.lost} questions lost, {asker.right} answered", flush=True)
            until(lambda: codes(a.ask(*ASKED)) == ["NoError"] * 3, f"{role}: answers as before")
            until(lambda: held(a) <= fds, f"{role}: the daemon holds what it held, {fds}")
        a.run("audit", "verify")
sites.finish()
