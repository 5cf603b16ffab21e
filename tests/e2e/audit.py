"""The audit at both ends: each mailbox once, both sites agree, what was cut is found, a killed bridge loses nothing that it answered, changes
say who made them, and an audit that cannot be written refuses or answers as it was told."""
import json
import os
import pathlib
import resource
import signal

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")
BUSY = "ErrorServerBusy"


def audit(site):
    return site.dir / "state/audit"


def show(site, *words):
    return [json.loads(line) for line in site.run("audit", "show", "--json", *words).splitlines()]


def export(site, name):
    path = site.dir / name
    path.write_text(site.run("audit", "show", "--json"))
    return path


def verify(site, problems=0):
    found = json.loads(site.run("audit", "verify", "--json", code=None))
    same(site.code, 1 if problems else 0, f"{site.name}: verify's exit code; {found['findings']}")
    return found


def answers(site):
    try:
        return codes(site.ask(f"anna@{site.domain}")) == ["NoError"]
    except OSError:
        return False


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


with sites.pair() as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the first answer")
    before = len(show(a, "--kind", "query"))
    same(codes(a.ask("bob@b.example", "anna@a.example", "nobody@b.example", "x@nowhere.example"))[:2], ["NoError", "NoError"], "two of four can be answered")
    ours = show(a, "--kind", "query")
    same(len(ours) - before, 4, "one record a mailbox")
    last = [r for r in ours if r["id"] == ours[-1]["id"]]
    same(sorted((r["target"], r["direction"], r["peer"], r["requester"]) for r in last),
         [("anna@a.example", "in", "local", "anna@a.example"), ("bob@b.example", "out", "site-b", "anna@a.example"),
          ("nobody@b.example", "out", "site-b", "anna@a.example"), ("x@nowhere.example", "in", None, "anna@a.example")], "who asked about whom, and whom we asked")
    theirs = show(b, "--id", last[0]["id"])
    same(sorted((r["target"], r["direction"], r["peer"], r["requester"], r["result"]) for r in theirs),
         [("bob@b.example", "in", "site-a", "a.example", "ok"), ("nobody@b.example", "in", "site-a", "a.example", "no-access")], "the same question at the other end")
    check(all(r["rule"] and r["level"] for r in theirs), "rule and level")
    same([r["target"] for r in show(a, "--target", "BOB@b.example", "--result", "ok", "--id", last[0]["id"])], ["bob@b.example"], "show filters")
    for words in (("--kind", "qurey"), ("--result", "no-acces"), ("--since", "yesterday")):
        a.run("audit", "show", *words, code=2)
        check(words[1] in a.stderr, f"a word that no record can have is an error, not an empty list: {a.stderr}")
    same(show(a, "--until", "2020-01-01"), [], "by time too")
    check("bob@b.example" in a.run("audit", "show", "--peer", "site-b"), "show for people")

    # Changes: who, and the whole command.
    change = show(b, "--kind", "change")[-1]
    same((change["uid"], change["command"][:2]), (os.getuid(), ["rule", "add"]), "who changed what")
    check(not any(a.password in json.dumps(r) for r in show(a)), "no password")
    check(any(r["kind"] == "serving" and len(r["settings"]) == 64 for r in show(a)), "the daemon's start, with its settings")
    settings = [r["settings"] for r in show(a, "--kind", "serving")][-1]
    with a.config.open("a") as f:
        f.write("# by hand\n")
    a.run("reload")
    check([r["settings"] for r in show(a, "--kind", "serving")][-1] != settings, "an edit by hand shows as other settings")

    # Both sites agree; a record that one of them lost is found by the other, and by the loser's own verify.
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the link to the new generation")
    b.ask("anna@a.example")
    for site, other in ((a, b), (b, a)):
        verify(site)
        out = site.run("audit", "compare", str(export(other, "export")), code=None)
        same(site.code, 0, f"{site.name} and {other.name} agree: {out}")
        check(" 0 only here, 0 only at " in out, out)
    # What b refuses before it looks anything up is in b's audit a thousand times, and then counted; both together are all that a asked.
    a.run("address-space", "add", "--forest-name", "more.example", "--peer", "site-b")
    a.rule("site-b", "out", "*", "*", "AvailabilityOnly")
    a.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the link to the next generation")
    for i in range(15):
        same(set(codes(a.ask(*(f"x{100 * i + k}@more.example" for k in range(100))))), {"ErrorNoFreeBusyAccess"}, "not b's")
    b.run("reload")
    until(lambda: show(b, "--kind", "refused"), "what was counted is written when the old bridge ends")
    (refused,) = show(b, "--kind", "refused")
    full = len([r for r in show(b, "--kind", "query", "--result", "no-access") if r["target"].endswith("@more.example")])
    check(980 <= full < 1100, f"a thousand lines in all, and some for the seconds: {full}")
    same((refused["requester"], refused["peer"], refused["direction"], refused["result"], refused["mailboxes"]),
         ("a.example", "site-a", "in", "no-access", 1500 - full), "and how many more of whom")
    same(len([line for line in b.lines("mailbox") if "@more.example" in line]), full, "as many lines")
    check("result=no-access  mailboxes=" in b.run("audit", "show", "--kind", "refused"), "for people")
    out = a.run("audit", "compare", str(export(b, "export")), code=None)
    check(a.code == 0 and " 0 only here, 0 only at " in out and f"{1500 - full} that were asked were refused at the other side" in out, f"both agree: {out}")
    out = b.run("audit", "compare", str(export(a, "export")), code=None)
    check(b.code == 0 and " 0 only here, 0 only at " in out, f"seen from there, too: {out}")
    verify(b)

    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the link to b's next generation")
    path = export(b, "export")
    lines = path.read_text().splitlines(True)
    victim = next(line for line in lines if f'"id":"{last[0]["id"]}"' in line and "bob@b.example" in line)
    path.write_text("".join(line for line in lines if line != victim))
    out = a.run("audit", "compare", str(path), "--peer", "site-b", code=None)
    check(a.code == 1 and "1 only here" in out and last[0]["id"] in out, f"a record that they do not have: {out}")
    path.write_text("".join(line.replace("bob@b.example", "bib@b.example") if line == victim else line for line in lines))
    out = a.run("audit", "compare", str(path), code=None)
    check(a.code == 1 and "no records as they were written" in out, f"a record that was changed: {out}")
    segment = next(p for p in audit(b).iterdir() if p.suffix in (".live", ".jsonl") and victim in p.read_text())
    whole = segment.read_bytes()
    segment.write_bytes(whole.replace(victim.encode(), b""))
    found = verify(b, 1)
    same([f["file"] for f in found["findings"]], [segment.name], "verify says where")
    segment.write_bytes(whole)
    verify(b)
    head = verify(a)["head"]
    a.run("audit", "verify", "--anchor", head)
    a.run("audit", "verify", "--anchor", "0" * 64, code=1)

    # A bridge that is killed: every answer that left has its record.
    for _ in range(5):
        answered = 0
        until(lambda: len(a.children("@bridge")) == 1, "one bridge")
        (pid,) = a.children("@bridge")
        while answered < 5:
            answered += codes(a.ask("anna@a.example")) == ["NoError"]
        count = len(show(a, "--target", "anna@a.example", "--result", "ok", "--peer", "local"))
        os.kill(pid, signal.SIGKILL)
        until(lambda: set(a.children("@bridge")) - {pid}, "another bridge")
        same(len(show(a, "--target", "anna@a.example", "--result", "ok", "--peer", "local")), count, "what was answered is written down")
        until(lambda: answers(a), "it answers")
    verify(a)

    # kill -9 of the whole daemon, and the next one.
    pids = a.children()
    a.process.kill()
    a.process.wait()
    until(lambda: not any(lives(pid) for pid in pids), "its processes end with it")
    live = [p.name for p in audit(a).glob("*.live")]
    check(live, "a segment was left open")
    verify(a)
    a.start()
    a.up()
    check(not set(live) & {p.name for p in audit(a).glob("*.live")}, "the next daemon closed it")
    verify(a)
    a.stop()
    same(list(audit(a).glob("*.live")), [], "a daemon that ends in order leaves none open")
    same(show(a, "--kind", "stopped")[-1]["kind"], "stopped", "and says that it ended")
    verify(a)

    # No room: a limit on the size of files stands for a full disk.
    def full(site, limit):
        for pid in site.children("@bridge"):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    for policy, expected in (("refuse", [BUSY]), ("answer", ["NoError"])):
        if policy != "refuse":  # the default
            a.set("audit_full", policy)
        a.start()
        a.up()
        until(lambda: codes(a.ask("anna@a.example")) == ["NoError"], "answers")
        (live,) = audit(a).glob("*.live")
        while live.stat().st_size < 20000:
            a.ask("anna@a.example")
        os.truncate(a.log_path, 0)  # the limit is the log's too, which must have room to tell
        full(a, live.stat().st_size)
        same(codes(a.ask("anna@a.example")), expected, f"audit_full = {policy}")
        same(codes(a.ask("anna@a.example")), expected, f"audit_full = {policy}")
        until(lambda: a.lines("audit-failed"), "one alert")
        same(len(a.lines("audit-failed")), 1, "one alert, not one a record")
        until(lambda: "! 2 records could not be written to the audit, and none can be now" in a.run("status"), "status shows what is lost")
        # of nobody in particular: with a peer it would ask, and lose more records
        hop = next(h for h in json.loads(a.run("doctor", "no-peer", "--json", code=1))["hops"] if h["hop"] == "daemon")
        check(hop["state"] == "failed" and "audit cannot be written" in hop["text"] and "make room" in hop["fix"], f"doctor, too: {hop}")
        full(a, resource.RLIM_INFINITY)
        same(codes(a.ask("anna@a.example")), ["NoError"], "and on it goes")
        until(lambda: "! 2 records could not be written to the audit; it can be written again" in a.run("status"), "status says that it is over")
        gap = show(a, "--kind", "gap")[-1]
        same((gap["lost"], gap["answers"]), (2, "refused" if policy == "refuse" else "unrecorded"), "the gap is in the audit")
        verify(a)
        a.stop()

    # Waiting for the disk.
    a.set("audit_sync", "fsync")
    a.start()
    a.up()
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError", "NoError"], "answers that waited for the disk")
    same(codes(b.ask("anna@a.example")), ["NoError"], "and over the link")
    verify(a)

    # No change without its record.
    text = (a.dir / "accounts.conf").read_text()
    (audit(a) / "lock").unlink()
    (audit(a) / "lock").mkdir()
    secret = a.dir / "password"
    a.run("account", "add", "carol", "--stands-for", "organisation", "--password-file", str(secret), code=1)
    same((a.dir / "accounts.conf").read_text(), text, "nothing was changed")

sites.finish()
