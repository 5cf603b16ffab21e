"""make bench: measures everything, in turns, prints a table and writes build/bench/ratios.tsv. Words: the groups to run (default: all)."""
import os
import shutil
import signal
import subprocess
import sys

import calendars
import growth
import idle
import many
import queries
from measure import ROOT

GROUPS = {"hit": queries.hits, "miss": queries.misses, "growth": growth.growth, "idle": idle.idle, "many": many.many, "calendars": calendars.against}
QUICK = ("hit", "miss")


class Plan:
    """How thoroughly, where, and what has been found so far."""

    def __init__(self, folder):
        self.quick = os.environ.get("BENCH") == "quick"
        self.rounds, self.seconds = (3, 1) if self.quick else (11, 1)
        self.boxes = (1, 100) if self.quick else (1, 10, 100)
        self.folder, self.rows = folder, []
        folder.mkdir(parents=True, exist_ok=True)

    def place(self, name):
        """An empty folder."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir()
        return self.folder / name

    def note(self, name, median, least, words=""):
        self.rows.append((name, median, least))
        print(f"{name:34} {median:9.3f} {least:9.3f}   {words}", flush=True)
        text = "".join(f"{name}\t{median:.4g}\t{least:.4g}\n" for name, median, least in self.rows)
        (self.folder / "ratios.tsv").write_text(text)


def machine():
    """What was measured on, and with what."""
    def say(*words):
        r = subprocess.run(words, capture_output=True, text=True)
        return (r.stdout + r.stderr).strip().splitlines()[0]

    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    return "\n".join([f"{os.cpu_count()} x {cpu}, Linux {os.uname().release}", say("nginx", "-v"), say("haproxy", "-v"), say("wrk", "-v"), say("openssl", "version"),
                      f"availbridge {say('git', '-C', str(ROOT), 'rev-parse', '--short', 'HEAD')}"])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends too
    os.environ.setdefault("PROGRAM", str(ROOT / "build/release/availbridge"))
    plan = Plan(ROOT / "build/bench")
    print(machine())
    print(f"{'':34} {'median':>9} {'min/min':>9}", flush=True)
    for word in sys.argv[1:] or (QUICK if plan.quick else GROUPS):
        GROUPS[word](plan)


main()
