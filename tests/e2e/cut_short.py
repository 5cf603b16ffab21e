"""Every verb that changes something, struck at each call that changes a file in turn: the process is killed there, that one call fails, or the disk is full from
there on; and at each that looks at one, which fails. Whatever it comes to: the settings are as before or as they were to become and load, nothing counts as done that is not, the audit holds. EVERY: one of how many looks."""
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess

import sites
from sites import check, same

SHIM = pathlib.Path(__file__).parent / "faults/faults.c"
FOLDER = sites.ROOT / "build/e2e" / f"cut_short-{os.getpid()}"
EVERY = int(os.environ.get("EVERY", "8"))
OTHER = "sha256:" + "77" * 32
VERBS = (
    ("rule", "add", "--peer", "site-b", "--direction", "in", "--requester", "*", "--target", "anna@a.example", "--level", "None", "--position", "1"),
    ("peer", "add", "site-c", "--endpoint", "127.0.0.1:9", "--pin", OTHER, "--domain", "c.example"),
    ("peer", "remove", "site-b"),
    ("peer", "unpin", "PIN"),
    ("account", "remove", "anna"),
    ("identity", "next"),
    ("identity", "promote", "--force"),
    ("identity", "retire"),
)


def run(conf, *words, env=None):
    return subprocess.run([sites.PROGRAM, "-c", str(conf), *words], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})


def settings(folder):
    """All files but the audit, locks and what a killed process had not finished: {name: bytes}."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith("state/audit/") and not name.endswith((".lock", ".new")) and name != "count":
            found[name] = path.read_bytes()
            if name == "state/unpinned":  # behind each key it has when that was noted
                found[name] = re.sub(rb" \d+\n", b"\n", found[name])
    return found


def changes(conf):
    return [r["command"] for r in map(json.loads, run(conf, "audit", "show", "--json", "--kind", "change").stdout.splitlines())]


class Struck:
    """A copy of ${start}, in which the verb runs struck at call ${at}; the end of it is held against ${before} and ${after}."""

    numbers = itertools.count()

    def __init__(self, start, words, how, at, after):
        self.dir = FOLDER / f"copy{next(Struck.numbers)}"
        shutil.copytree(start, self.dir)
        self.conf, self.what = self.dir / "availbridge.conf", f"{' '.join(words[:2])}, {how} at {at}"
        self.before, self.after, self.words = settings(start), after, words
        self.r = run(self.conf, *words, env={"LD_PRELOAD": str(FOLDER / "faults.so"), "FAULT": how, "FAULT_AT": str(at)})
        self.look()
        shutil.rmtree(self.dir)

    def look(self):
        now = settings(self.dir)
        r = run(self.conf, "check")
        same(r.returncode, 0, f"{self.what}: the settings load: {r.stdout}{r.stderr}")
        r = run(self.conf, "audit", "verify")
        same(r.returncode, 0, f"{self.what}: the audit holds: {r.stdout}{r.stderr}")
        random = self.words[0] == "identity"  # keys are others each time
        for name in now.keys() | self.before.keys() | self.after.keys():
            if not random:
                check(now.get(name) in (self.before.get(name), self.after.get(name)), f"{self.what}: {name} is as before or as it was to become: {now.get(name)}")
        if self.r.returncode == 0:
            unsure = {"state/unpinned"} if "could not be noted in" in self.r.stdout + self.r.stderr else set()  # and that is said: the key is cut off all the same
            same(set(now) - unsure, set(self.after) - unsure, f"{self.what}: done, and so it says")
        elif self.r.returncode > 0:
            check(self.r.stderr.strip().endswith((".", "audit", "again")) or ": " in self.r.stderr, f"{self.what}: a sentence: {self.r.stderr}")
        if any(now.get(name) != self.before.get(name) for name in now.keys() | self.before.keys() if not name.startswith("state/")):
            check(any(c[:2] == list(self.words[:2]) for c in changes(self.conf)), f"{self.what}: what was changed has its record")
        if random:
            self.ends_well()

    def ends_well(self):
        """A rotation that was cut is ended by the same word."""
        r = run(self.conf, *self.words)
        check(r.returncode == 0 or "already" in r.stderr + r.stdout or set(settings(self.dir)) == set(self.after), f"{self.what}: and again: {r.stdout}{r.stderr}")
        same(set(settings(self.dir)), set(self.after), f"{self.what}: the files in the end")
        same(run(self.conf, "check").returncode, 0, f"{self.what}: and they load")


def strike_all(pool, start, words):
    done = FOLDER / "done"
    shutil.copytree(start, done)
    conf = done / "availbridge.conf"
    r = run(conf, *words, env={"LD_PRELOAD": str(FOLDER / "faults.so"), "FAULT_COUNT": str(FOLDER / "count")})
    same(r.returncode, 0, f"{' '.join(words)}: without a fault: {r.stdout}{r.stderr}")
    n, looks = map(int, (FOLDER / "count").read_text().split())
    after = settings(done)
    check(n > 5 and looks > 5, f"{' '.join(words)}: {n} calls change files, {looks} look at some")
    strikes = [(how, at) for at in range(1, n + 1) for how in ("die", "once", "full")] + [("blind", at) for at in range(1, looks + 1, EVERY)]
    for future in [pool.submit(Struck, start, words, *strike, after) for strike in strikes]:
        future.result()
    print(f"{' '.join(words[:2])}: {n} calls, {looks} looks", flush=True)
    return done


shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True)
subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", FOLDER / "faults.so", SHIM, "-ldl"], check=True)
a, b = (sites.Site(FOLDER, f"site-{x}", f"{x}.example") for x in "ab")
a.pair(b)
a.rule("site-b", "in", "*", "*", "LimitedDetails")
start = a.dir
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
    for words in VERBS:
        words = tuple(b.pin() if w == "PIN" else w for w in words)
        done = strike_all(workers, start, words)
        if words[0] == "identity":  # one is the next one's beginning
            start = FOLDER / words[1]
            done.rename(start)
        else:
            shutil.rmtree(done)
shutil.rmtree(FOLDER, ignore_errors=True)
sites.finish()
