"""A bridge that has no descriptor left turns new callers away and says so; who is connected is answered meanwhile, nothing spins, and when
there are descriptors again everybody is served again. A reload that lacks some, however many, changes nothing and says why."""
import contextlib
import os
import resource
import socket
import sys
import time

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")


def processor_time(pid):
    words = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def answered(site, who):
    """What a new connection is told; nothing if it was turned away."""
    try:
        return codes(site.ask(who))
    except OSError:
        return None


def reloads(a):
    """With one descriptor more each time, from one that the supervisor has left, until there are enough."""
    before = resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE)
    for left in range(1, 60):
        said = len(a.log())
        highest = max(int(n) for n in os.listdir(f"/proc/{a.process.pid}/fd"))
        resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE, (highest + 1 + left, before[1]))
        a.run("reload", code=None)
        resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE, before)
        if a.code == 0:
            break
        until(lambda: "raise LimitNOFILE" in a.stderr + a.log()[said:], f"{left} left: it is said why, and what to do: {a.stderr}")
        same(codes(a.ask("anna@a.example")), ["NoError"], f"{left} left: who serves goes on")
    check(left > 3 and a.code == 0, f"{left} were enough, and fewer not")
    a.run("reload")
    until(lambda: answered(a, "anna@a.example") == ["NoError"] and answered(a, "bob@b.example") == ["NoError"], "all is as before")


if not sites.may_look_into():
    print("descriptors: 0 passed, 0 failed (skipped: only root may look at the descriptors of processes that hide, and limit them)")
    sys.exit(0)
with sites.pair() as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example", "anna@a.example")) == ["NoError", "NoError"], "the first answer")
    pid, = a.children("@bridge")
    highest = max(int(n) for n in os.listdir(f"/proc/{pid}/fd"))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 20, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
    with contextlib.ExitStack() as open_ones:
        for _ in range(60):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", a.front)))
        until(lambda: a.lines("no-descriptors"), "the log says that there are none")
        check(all("LimitNOFILE" in line for line in a.lines("no-descriptors")), "and what to do")
        until(lambda: answered(a, "anna@a.example") is None, "a new caller is turned away")
        began, spent = time.monotonic(), processor_time(pid)
        same(codes(b.ask("anna@a.example")), ["NoError"], "the peer, which is connected, is answered")
        until(lambda: time.monotonic() - began > 1, "a second has gone")
        spent, took = processor_time(pid) - spent, time.monotonic() - began
        check(spent < took / 2, f"nothing spins: {spent} s of {took}")
    until(lambda: answered(a, "anna@a.example") == ["NoError"], "served again when the others have gone")
    same(codes(a.ask("bob@b.example")), ["NoError"], "and across the link")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    same(list(a.children("@bridge")), [pid], "by the same process")
    reloads(a)
sites.finish()
