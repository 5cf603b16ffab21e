"""Two sites under steady load while the key of the one, then of the other, changes ten times; each minute one of them is reloaded and a worker of it
is killed. Counts what was answered and how; a wrong answer, or a failed one that no killed worker explains, is a failure."""
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))
import rotation  # noqa: E402
import sites  # noqa: E402
from sites import check  # noqa: E402

SECONDS = float(os.environ.get("SECONDS_TO_RUN", "600"))
RATE = float(os.environ.get("RATE", "40"))  # questions a second at each site
ROTATIONS = 10
PEOPLE = 20


class Asker:
    """A question every so often, in a thread of its own; each answer is held against the calendar it comes from."""

    def __init__(self, site, domain, every):
        self.site, self.domain, self.every = site, domain, every
        self.right = self.late = 0
        self.wrong, self.failed = [], []
        self.stop = False
        self.thread = threading.Thread(target=self.go, daemon=True)
        self.thread.start()

    def go(self):
        due = time.monotonic()
        while not self.stop:
            due += self.every
            who = random.randrange(PEOPLE)
            try:
                a = self.site.ask(f"p{who}@{self.domain}")[0]
                self.judge(who, a)
            except Exception as e:
                self.failed.append((time.time(), repr(e)))
            left = due - time.monotonic()
            if left > 0:
                time.sleep(left)
            else:
                self.late += 1
                due = time.monotonic()

    def judge(self, who, a):
        if a["code"] != "NoError":
            self.failed.append((time.time(), a["code"]))
        elif a["merged"] == expected(who):
            self.right += 1
        else:
            self.wrong.append((who, a["merged"]))


def hours(who):
    """The hour of UTC at which person ${who} is busy: each has an own pattern."""
    return 8 + who % 7


def expected(who):
    slots = ["0"] * 16  # 08:00 to 16:00 UTC in half hours
    at = (hours(who) - 8) * 2
    slots[at:at + 2] = "22"
    return "".join(slots)


def kill_worker(site):
    workers = list(site.children("@calendar-worker")) + list(site.children("@login-worker"))
    if workers:
        os.kill(random.choice(workers), signal.SIGKILL)
        return time.time()
    return None


def disturb(sites_, stop, killed, counts):
    turn = 0
    while not stop.wait(60):
        site = sites_[turn % 2]
        turn += 1
        site.run("reload", code=None)
        counts["reloads"] += site.code == 0
        at = kill_worker(site)
        if at:
            killed.append(at)


def main():
    killed, counts, stop = [], {"reloads": 0}, threading.Event()
    with sites.pair() as (a, b):
        for site in (a, b):
            for who in range(PEOPLE):
                site.calendar(f"p{who}", (f"20260302T{hours(who):02}0000Z", f"20260302T{hours(who) + 1:02}0000Z"))
        threads = 4
        askers = [Asker(site, other.domain, threads / RATE) for site, other in ((a, b), (b, a)) for _ in range(threads)]
        disturber = threading.Thread(target=disturb, args=((a, b), stop, killed, counts), daemon=True)
        disturber.start()
        began = time.monotonic()
        for i in range(ROTATIONS):
            rotation.rotate(*((a, b), (b, a))[i % 2])
            left = began + SECONDS * (i + 1) / ROTATIONS - time.monotonic()
            if left > 0:
                time.sleep(left)
        stop.set()
        for one in askers:
            one.stop = True
        for one in askers:
            one.thread.join()
        right, late = sum(x.right for x in askers), sum(x.late for x in askers)
        wrong = [w for x in askers for w in x.wrong]
        failed = sorted(f for x in askers for f in x.failed)
        unexplained = [f for f in failed if not any(0 <= f[0] - k < 5 for k in killed)]
        print(f"{ROTATIONS} rotations, {counts['reloads']} reloads, {len(killed)} killed workers in {time.monotonic() - began:.0f} s; "
              f"{right} right, {len(wrong)} wrong, {len(failed)} failed ({len(failed) - len(unexplained)} within 5 s of a killed worker), {late} late")
        check(right > SECONDS, f"there was load: {right} answers")
        check(not wrong, f"no wrong answer: {wrong[:5]}")
        check(not unexplained, f"no failed answer but at a killed worker: {unexplained[:5]}")
    sites.finish()


if __name__ == "__main__":
    main()
