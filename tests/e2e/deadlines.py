"""A peer that stands still costs its own mailboxes an error by their deadline and nobody else anything; a peer that is gone fails at once;
whoever is killed comes back, and nothing is ever free because of it."""
import os
import signal
import threading
import time

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")

with sites.pair(a_settings={"query_deadline": "3 s", "hard_stop": "6 s"}) as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    same(codes(a.ask("bob@b.example", "anna@a.example")), ["NoError", "NoError"], "all is well")

    # B's bridge stands still.
    stopped = list(b.children("@bridge"))
    check(len(stopped) == 1, "one bridge process at B")
    sites.stand_still(stopped)
    began = time.monotonic()
    got = a.ask("bob@b.example", "anna@a.example", "carol@b.example")
    took = time.monotonic() - began
    same(codes(got), ["ErrorTimeoutExpired", "NoError", "ErrorTimeoutExpired"], "ours answered, theirs late")
    same(got[1]["merged"], "2200000000000000", "our own, whole")
    check(2 < took < 9, f"by the deadline of 3 s, and not by the usual one of 10 s: {took:.1f} s")
    late = threading.Thread(target=lambda: a.ask("bob@b.example"))
    late.start()
    until(lambda: '"open_queries":1' in a.run("status", "--json"), "one waits for the peer")
    same(codes(a.ask("anna@a.example")), ["NoError"], "ours alone")
    check(late.is_alive(), "who asks only here waits for nobody")
    late.join()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the peer is back")

    # Each process in turn is killed; the next query works, and one in flight is never free.
    for site in (b, a):
        for role in ("@calendar-worker", "@login-worker", "@bridge"):
            seen = []
            stop = threading.Event()

            def keep_asking():
                while not stop.is_set():
                    try:
                        seen.extend((x["code"], x["merged"]) for x in a.ask("bob@b.example", timeout=10))
                    except Exception:  # a cut connection is an honest failure
                        pass

            t = threading.Thread(target=keep_asking)
            t.start()
            before = site.children(role)
            check(before, f"{site.name} has {role}")
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            until(lambda: len(site.children(role)) >= len(before) and not set(site.children(role)) & set(before), f"{site.name} restarts {role}")
            until(lambda: site.is_up(), f"{site.name} is up again")
            until(lambda: a.is_up(), "and its link")
            stop.set()
            t.join()
            same(codes(a.ask("bob@b.example", "anna@a.example")), ["NoError", "NoError"], f"after {role} of {site.name} was killed")
            check(all(code != "NoError" or merged == "2200000000000000" for code, merged in seen), "what was answered meanwhile was right or an error")

    # B is gone altogether.
    b.stop()
    until(lambda: '"state":"up"' not in a.run("status", "--json", code=None).replace(" ", ""), "A sees that the link is down")
    got = a.ask("bob@b.example", "anna@a.example")
    check(got[0]["code"] in ("ErrorProxyRequestProcessingFailed", "ErrorTimeoutExpired"), f"a peer that is down: {got[0]['code']}")
    same(got[1]["code"], "NoError", "and ours answered")
    b.start()
    b.up()
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the link comes back by itself")

    # The supervisor is killed: its children end with it, nothing is left behind, and a new start works.
    children = a.children()
    a.process.kill()
    a.process.wait()
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "the children of a killed supervisor end")
    a.start()
    a.up()
    same(codes(a.ask("bob@b.example", "anna@a.example")), ["NoError", "NoError"], "started anew")
sites.finish()
