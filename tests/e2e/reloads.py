"""A reload under load loses no query; settings that are wrong leave the running ones untouched and say why; what a reload changes counts from
the next query on; disabling a peer acts at once."""
import concurrent.futures
import subprocess
import threading

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")

with sites.pair() as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the first answer")
    bad, count, stop = [], [0], threading.Event()

    def load():
        while not stop.is_set():
            try:
                got = a.ask("bob@b.example", "anna@a.example")
                if codes(got) != ["NoError", "NoError"]:
                    bad.append(codes(got))
            except Exception as e:
                bad.append(repr(e))
            count[0] += 1

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    for _ in range(3):
        a.run("reload")
        b.run("reload")
    with concurrent.futures.ThreadPoolExecutor() as admins:  # each comes after the one that is under way
        list(admins.map(lambda _: subprocess.run([sites.PROGRAM, "-c", a.config, "reload"], check=True, capture_output=True), range(4)))
    before = count[0]
    until(lambda: count[0] >= before + 20, "queries go on after the last reload")
    stop.set()
    for t in threads:
        t.join()
    same(bad, [], f"no failed query of {count[0]} over ten reloads")
    check(count[0] > 20, f"there was a load: {count[0]} queries")

    # Wrong settings change nothing.
    good = a.config.read_text()
    a.config.write_text(good + '\nno_such_setting = 1;\n')
    a.run("check", code=None)
    same(a.code, 1, "check says no")
    text = a.run("reload", code=None)
    same(a.code, 1, "reload says no")
    same(codes(a.ask("bob@b.example", "anna@a.example")), ["NoError", "NoError"], "and the running settings stay")
    a.config.write_text(good)
    a.run("reload")

    # A rule counts from the reload on, not before.
    b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "bob@b.example", "--level", "None", "--position", "1")
    same(codes(a.ask("bob@b.example")), ["NoError"], "not yet")
    b.reload()
    until(lambda: codes(a.ask("bob@b.example")) != ["ErrorProxyRequestProcessingFailed"], "the link to the new generation")
    same(codes(a.ask("bob@b.example")), ["ErrorNoFreeBusyAccess"], "the new rule counts")
    b.run("rule", "remove", "--peer", "site-a", "--direction", "in", "1")
    b.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "and is gone again")

    # A peer that is disabled is cut off without a reload.
    b.run("peer", "disable", "site-a")
    got = codes(a.ask("bob@b.example", "anna@a.example"))
    check(got[0] not in ("NoError", None) and got[1] == "NoError", f"disabled at once: {got}")
    b.run("peer", "enable", "site-a")
    b.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "enabled again")
sites.finish()
