"""The highest rate that this machine holds is measured; then half of it goes on, at two sites, while every minute one of them is reloaded, changes its
key and loses a worker: no wrong answer, none lost but a killed worker's own, memory and descriptors at the end as after a minute. Ten rotations in a row
follow under the same load. Then three times the highest rate is offered: what is taken is answered within its deadline, the rest is refused as busy, and
a moment later all is as before.
SECONDS_TO_RUN: how long the first of these takes; EVERY: seconds between disturbances; ROTATIONS: how many in a row; AGAIN: within how many
seconds after the overload a question is answered."""
import contextlib
import math
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))
import load  # noqa: E402
import rotation  # noqa: E402
import sites  # noqa: E402
from sites import check, codes, until  # noqa: E402

SECONDS = float(os.environ.get("SECONDS_TO_RUN", "600"))
EVERY = float(os.environ.get("EVERY", "60"))
ROTATIONS = int(os.environ.get("ROTATIONS", "10"))
AGAIN = float(os.environ.get("AGAIN", "1"))
MEASURED = min(10, SECONDS / 3)
OVERLOAD = 20  # of these the first few go by until all are connected
CONNECTIONS, CROWD = 8, 2000  # the crowd is smaller where fewer could log in within the ten seconds that the front gives a handshake
DEADLINE = 10  # query_deadline
ENOUGH = 5  # answers of a kind, to say how long they take
KILLED_FOR = 5  # so long after a worker was killed a failed answer may have been its own, of which it had no more than
KILLED_MOST = 32
MORE_MEMORY, MORE_DESCRIPTORS = 1.15, 8
BEHIND, FILLED = 600, 0.8  # seconds that what comes behind the steady part may take; how much of the free disk may be used
HAMMER = pathlib.Path(__file__).with_name("hammer.lua")


def one_generation(site):
    return until(lambda: len(site.children("@bridge")) == 1 and site.is_up(), f"{site.name}: one generation", 60)


def held(*both):
    """KiB of their own and descriptors of all processes of both sites."""
    memory = descriptors = 0
    for site in both:
        one_generation(site)
        pids = [site.process.pid, *site.children()]
        memory += sum(map(sites.own_memory, pids))
        descriptors += sites.descriptors(pids)
    return memory, descriptors


def room(a, b, answers):
    """The rate that the disk has room for, by what so many answers have left in the logs and the audits of both sites."""
    files = [f for site in (a, b) for f in (site.log_path, *site.dir.rglob("*")) if f.is_file()]
    each = sum(f.stat().st_size for f in files) / answers
    return FILLED * shutil.disk_usage(a.dir).free / each / (SECONDS + BEHIND)


class Disturber:
    """Every so often: a reload, a worker killed, a key changed, at the one site and at the other in turn."""

    def __init__(self, a, b):
        self.pairs, self.stop = ((a, b), (b, a)), threading.Event()
        self.killed, self.reloads, self.rotations, self.first = [], 0, 0, None
        self.thread = threading.Thread(target=self.go)
        self.thread.start()

    def go(self):
        while not self.stop.wait(EVERY):
            if not self.first:  # after the first of these minutes
                self.first = held(*self.pairs[0])
            site, peer = self.pairs[self.reloads % 2]
            site.run("reload")
            self.reloads += 1
            self.kill(site)
            rotation.rotate(site, peer)
            self.rotations += 1

    def kill(self, site):
        """One of the workers; those of a generation that drains may end before it is their turn."""
        until(lambda: self.killed_one(site), f"{site.name}: a worker to kill")

    def killed_one(self, site):
        workers = [*site.children("@calendar-worker"), *site.children("@login-worker")]
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(random.choice(workers), signal.SIGKILL)
            self.killed.append(time.time())
            return True

    def end(self):
        self.stop.set()
        self.thread.join()


def steady(a, b, ways, rate):
    asking, disturber = load.Load(ways, CONNECTIONS, rate), Disturber(a, b)
    time.sleep(SECONDS)
    disturber.end()
    last = held(a, b) if disturber.first else None
    told, took = asking.end()
    own = [f for f in told.failed + told.busy if any(0 <= f[0] + f[1] - k < KILLED_FOR for k in disturber.killed)]
    lost = [f for f in told.failed + told.busy if f not in own]
    print(f"steady: {took:.0f} s at {rate:.0f}/s: {told.right} right ({told.right / took:.0f}/s), {len(told.wrong)} wrong, {len(lost)} lost, {len(own)} of "
          f"{len(disturber.killed)} killed workers, {told.late} asked late; {disturber.reloads} reloads, {disturber.rotations} rotations; median "
          f"{told.median() * 1000:.1f} ms, slowest {told.slowest:.2f} s", flush=True)
    check(told.right, "there was load")
    check(not told.wrong, f"no wrong answer: {told.wrong[:3]}")
    check(not lost, f"no lost answer: {lost[:5]}")
    check(len(own) <= KILLED_MOST * len(disturber.killed), "a killed worker loses its own alone")
    check(disturber.rotations == disturber.reloads > 0, "it was disturbed")
    print(f"held: {disturber.first} KiB and descriptors at first, {last} at the end", flush=True)
    check(last and last[0] <= disturber.first[0] * MORE_MEMORY, "memory is flat")
    check(last and last[1] <= disturber.first[1] + MORE_DESCRIPTORS, "descriptors are flat")


def in_a_row(a, b, ways, rate):
    """One rotation after the other under that load: nothing fails."""
    asking = load.Load(ways, CONNECTIONS, rate)
    for i in range(ROTATIONS):
        rotation.rotate(*((a, b), (b, a))[i % 2])
    told, took = asking.end()
    print(f"in a row: {ROTATIONS} rotations in {took:.0f} s at {rate:.0f}/s: {told.right} right ({told.right / took:.0f}/s), {len(told.wrong)} wrong, "
          f"{len(told.failed) + len(told.busy)} failed", flush=True)
    check(told.right and not told.wrong, f"no wrong answer: {told.wrong[:3]}")
    check(not told.failed and not told.busy, f"no failed answer: {(told.failed + told.busy)[:3]}")


def hammer(site, domain, rate, seconds):
    """So many requests a second, by wrk over many connections; what came of them as {code: how many}."""
    body, crowd = site.dir / "body.xml", min(CROWD, math.ceil(rate / 24))
    body.write_text(sites.request([f"p0@{domain}"], view="MergedOnly"))
    login = load.Connection(site, domain).requests[0].split(b"Authorization: ")[1].split(b"\r\n")[0].decode()
    env = {**os.environ, "BODY": str(body), "LOGIN": login, "DIGITS": load.expected(0), "PAUSE_MS": str(round(1000 * crowd / rate))}
    return subprocess.Popen(["wrk", "-t1", f"-c{crowd}", f"-d{seconds}s", "--timeout", "30s", "-s", str(HAMMER), f"https://localhost:{site.front}/EWS/Exchange.asmx"],
                            env=env, stdout=subprocess.PIPE, text=True)


def waited_meanwhile(told):
    """How long those took that waited for their answer when another was refused: on the same machine, at the same moment."""
    return [took for began, took in told.waits if any(began <= x[0] <= began + took for x in told.busy)]


def overload(a, ways, rate, seconds):
    process = hammer(a, ways[0][1], rate, seconds)
    asking = load.Load(ways[:1], CONNECTIONS, each=True)
    out = process.communicate()[0]
    began = time.monotonic()
    told, _ = asking.end()
    until(lambda: codes(a.ask("p0@b.example")) == ["NoError"], "it is itself again", AGAIN)
    again = time.monotonic() - began
    right, busy, other, broken = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out).groups())
    slow, refused = told.slowest, [x[1] for x in told.busy]
    beside = waited_meanwhile(told)
    middle, middle_refused = (statistics.median(x or [0]) for x in (beside, refused))
    print(f"overload: {rate:.0f}/s offered for {seconds} s: {right / seconds:.0f}/s answered, {busy / seconds:.0f}/s refused as busy, {other} otherwise, {broken} broken; beside it "
          f"{told.right} right, slowest {slow:.2f} s, {len(refused)} busy, slowest {max(refused + [0]):.2f} s, median {middle_refused:.3f} s against {middle:.3f} s of the "
          f"{len(beside)} that waited meanwhile; itself again after {again:.2f} s", flush=True)
    check(right and not other and not broken, f"answered or refused, nothing else: {other} {broken} {out[-300:]}")
    check(not told.wrong and not told.failed, f"right or busy: {told.wrong[:2]} {told.failed[:3]}")
    check(slow < DEADLINE + 5, "what is accepted is answered within its deadline")
    check(min(len(refused), len(beside)) < ENOUGH or middle_refused < middle, "what is refused does not wait as what is taken does")
    check(max(refused + [0]) < DEADLINE, "nothing waits for its refusal until its deadline")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    crowd = {"max_connections": 4000, "max_connections_per_address": 4000}
    with sites.pair(a_settings=crowd, b_settings=crowd) as (a, b):
        load.calendars(a)
        load.calendars(b)
        ways = [(a, b.domain), (b, a.domain)]
        most = load.highest(ways, CONNECTIONS, MEASURED)
        print(f"highest: {most:.0f} answers a second", flush=True)
        rate = min(most / 2, room(a, b, most * MEASURED))
        if rate < most / 2:
            print(f"the disk has room for the lines and records of {rate:.0f} answers a second, which is less than half of that", flush=True)
        steady(a, b, ways, rate)
        in_a_row(a, b, ways, rate)
        overload(a, ways, 3 * most, OVERLOAD)
    sites.finish()


if __name__ == "__main__":
    main()
