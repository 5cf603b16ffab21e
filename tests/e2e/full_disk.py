"""A disk that is full, with the audit, the log, the settings and the keys of a site on it: what would have no record is not answered, verbs change nothing and say
why, and when there is room again all goes on: no record is lost without a word, no two lines of the log are one. A tmpfs stands for the disk."""
import os
import re
import shutil
import subprocess
import sys

import sites
from sites import Site, check, codes, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
BUSY = "ErrorServerBusy"
folder = sites.ROOT / "build/e2e" / f"full_disk-{os.getpid()}"
disk = folder / "disk"


def settings(site):
    return {f: f.read_bytes() for f in site.dir.rglob("*") if f.is_file() and "audit" not in f.parts and f.suffix != ".lock"}


def fill(left=0):
    """Leaves ${left} bytes of the disk."""
    with (disk / "filler").open("ab", buffering=0) as f:
        free = shutil.disk_usage(disk).free - left
        while free > 0:
            try:
                free -= f.write(b"x" * min(free, 65536))
            except OSError:
                break


def empty():
    (disk / "filler").unlink()


def verbs(a):
    """None of them can write down what it does: so it does nothing, and says why."""
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("another password")
    before = settings(a)
    for words in (("rule", "add", "--peer", "site-b", "--direction", "in", "--requester", "*", "--target", "x@a.example", "--level", "None"),
                  ("peer", "disable", "site-b"), ("peer", "remove", "site-b"), ("identity", "next"),
                  ("account", "add", "carl", "--stands-for", "organisation", "--password-file", str(secret)),
                  ("address-space", "add", "--forest-name", "c.example", "--peer", "site-b")):
        a.run(*words, code=1)
        check("No space left" in a.stderr, f"{' '.join(words[:2])} says why: {a.stderr}")
        same({f.name for f, data in settings(a).items() if before.get(f) != data} | {f.name for f in before.keys() - settings(a).keys()}, set(),
             f"{' '.join(words[:2])} changed nothing")
    a.run("check")


def full_at_once(a):
    fill()
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == [BUSY, BUSY], "without a record no answer")  # what is left of the last page is used first
    verbs(a)
    same(codes(a.ask("anna@a.example")), [BUSY], "still none")
    empty()
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "room again, answers again")
    a.run("audit", "verify")


def full_on_the_way(a):
    """The last record and the last line that still go in go in whole or in part."""
    for left in (20000, 24000, 28000):
        fill(left)
        last = None
        for _ in range(400):
            last = codes(a.ask("anna@a.example", "nobody@a.example", "bob@b.example"))
            if last == [BUSY] * 3:
                break
        same(last, [BUSY] * 3, "at some point the disk was full")
        empty()
        until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "room again, answers again")
        a.run("audit", "verify")
    check('"kind":"gap"' in a.run("audit", "show", "--json"), "the audit says that there is a gap")


def reload_and_start(a):
    fill()
    a.run("reload", code=None)
    check(a.code == 0 or "No space left" in a.stderr, f"a reload works or says why not: {a.stderr}")
    empty()
    a.run("reload")
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "and so it does with room")
    a.stop()
    fill()
    a.start()
    until(lambda: a.process.poll() is not None or (a.run("status", code=None), a.code == 0)[1], "a start works or says why not")
    empty()
    a.stop()
    a.start()
    until(lambda: a.is_up() and codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "started with room")
    a.run("audit", "verify")


def lines_are_lines(a):
    joined = [line for line in a.log().splitlines() if re.search(r".time=20\d\d-\d\d-", line)]
    same(joined, [], "no two lines of the log are one")


shutil.rmtree(folder, ignore_errors=True)
disk.mkdir(parents=True)
if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode != 0:
    shutil.rmtree(folder)
    print("full_disk: 0 passed, 0 failed (skipped: no file system may be mounted here)")
    sys.exit(0)
try:
    a, b = Site(disk, "site-a", "a.example"), Site(folder, "site-b", "b.example")
    a.torn = True
    with sites.ending(a, b, folder=folder / "none"):
        for site, other in ((a, b), (b, a)):
            site.pair(other)
            for direction in ("in", "out"):
                site.rule(other.name, direction, "*", "*", "LimitedDetails")
        a.calendar("anna", NINE)
        b.calendar("bob", NINE)
        a.start(), b.start(), a.up(), b.up()
        until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "the first answer")
        full_at_once(a)
        full_on_the_way(a)
        lines_are_lines(a)
        reload_and_start(a)
finally:
    subprocess.run(["umount", disk], check=True)
    shutil.rmtree(folder)
sites.finish()
