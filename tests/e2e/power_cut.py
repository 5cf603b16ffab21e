"""The whole site ends at any moment, the daemon's processes and a verb that edits at once, while people ask and rules are added: what was acknowledged before is there
afterwards, each answer's record in the audit and each rule in its file; the settings load, the audit holds, and the next start serves. KILLS: how many times."""
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
KILLS = int(os.environ.get("KILLS", "15"))
ASKERS, LONGEST = 3, 0.4  # seconds that a site lives on
numbers = iter(range(10 ** 9))


class Until(threading.Thread):
    """Does one thing after the other until all is cut; ${acknowledged}: what was done for certain."""

    def __init__(self, a):
        super().__init__()
        self.a, self.stop, self.acknowledged, self.wrong, self.verb = a, False, [], [], None

    def run(self):
        while not self.stop:
            with contextlib.suppress(OSError, RuntimeError, EOFError, sites.http.client.HTTPException):
                self.do(next(numbers))


class Asks(Until):
    def do(self, n):
        found = self.a.ask("anna@a.example", f"t{n}@a.example", timeout=5)
        self.wrong += [f for f in found[:1] if f["code"] == "NoError" and f["merged"] != "0022000000000000"]
        if "NoError" in codes(found):
            self.acknowledged.append(f"t{n}@a.example")


class Edits(Until):
    def do(self, n):
        self.verb = subprocess.Popen([sites.PROGRAM, "-c", self.a.config, "rule", "add", "--peer", "local", "--direction", "in", "--requester", "*", "--target", f"r{n}@a.example",
                                      "--level", "None"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        said = self.verb.communicate()[1]
        if self.verb.returncode == 0:
            self.acknowledged.append(f"r{n}@a.example")
        elif self.verb.returncode > 0:
            self.wrong.append(said)


def cut(a, edits):
    pids = [a.process.pid, *a.children(), *a.children("")]
    with contextlib.suppress(ProcessLookupError, AttributeError):
        os.killpg(edits.verb.pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    a.process.wait()


def afterwards(a, asked, edits):
    a.run("check", code=None)
    same(a.code, 0, f"the settings load: {a.stderr}")
    said = a.run("audit", "verify", code=None)
    same(a.code, 0, f"the audit holds: {said}{a.stderr}")
    audit = "".join(f.read_text(errors="replace") for f in a.dir.glob("state/audit/2*"))
    same([t for one in asked for t in one.acknowledged if f'"{t}"' not in audit], [], "each answer has its record")
    rules = (a.dir / "peers.d/local.conf").read_text().split()
    same([t for t in edits.acknowledged if t not in rules], [], "each rule that was added is there")
    same([w for one in (*asked, edits) for w in one.wrong], [], "nothing was answered wrongly, no verb failed")


def once(a, turn):
    a.start()
    a.up(links=False)
    asked, edits = [Asks(a) for _ in range(ASKERS)], Edits(a)
    for one in (*asked, edits):
        one.start()
    if turn % 2:  # the others are cut while they begin, for which a busy machine may need all that time
        until(lambda: any(one.acknowledged for one in asked) and edits.acknowledged, "an answer and a rule")
    lives = time.monotonic() + random.random() * LONGEST
    until(lambda: time.monotonic() > lives, "it lives on")
    for one in (*asked, edits):
        one.stop = True
    cut(a, edits)
    for one in (*asked, edits):
        one.join()
    afterwards(a, asked, edits)
    return sum(len(one.acknowledged) for one in asked), len(edits.acknowledged)


with sites.pair(start=False) as (a, b):
    a.calendar("anna", NINE)
    came = [once(a, turn) for turn in range(KILLS)]
    check(sum(n for n, _ in came) and sum(n for _, n in came), f"answers and rules were acknowledged: {came}")
    kinds = {json.loads(line)["kind"] for line in a.run("audit", "show", "--json").splitlines()}
    check({"query", "change"} <= kinds, f"the audit has both: {kinds}")
    print(f"{KILLS} times; {sum(n for n, _ in came)} answers, {sum(n for _, n in came)} rules", flush=True)
sites.finish()
