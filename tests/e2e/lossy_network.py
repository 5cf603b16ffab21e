"""The two bridges in network namespaces of their own, with a line between them that loses, delays and holds back packets and breaks: answers come late or are errors,
never wrong and never free, most come all the same, nobody else waits, and a link that was cut comes back. Skipped where namespaces cannot be made.
ROUNDS: how many questions over each line; BLACKOUT: seconds that it is cut for."""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import sites
from sites import Site, check, same, until

NINE = ("20260302T090000", "20260302T100000")
RIGHT = "2200000000000000"
NAMES = {name: f"ab{os.getpid()}{name}" for name in "abm"}
ADDRESSES = {"a": "10.99.0.1", "b": "10.99.0.2"}
ROUNDS = int(os.environ.get("ROUNDS", "10"))
BLACKOUT = float(os.environ.get("BLACKOUT", "6"))
SURE = 40  # so many questions say how many are answered where packets are lost by chance: where one fails the next may, too, and ten could all be unlucky
LINES = (("10 % loss", 0.9 if ROUNDS >= SURE else 0.6, 1, {"loss": 0.1}), ("30 % loss", 0.8 if ROUNDS >= SURE else 0.3, 1, {"loss": 0.3}),
         ("2 s delay", 0.99 if ROUNDS >= SURE else 0.5, 5, {"delay": 1.0}), ("256 kbit/s", 0.99, 1, {"rate": 256000}))  # (what, how many are right, one of how many rounds, of what kind: the delay is each way's)
CLONE_NEWNET, SIOCETHTOOL, OFFLOADS = 0x40000000, 0x8946, (0x17, 0x1f, 0x24)  # sending: checksums, TSO, GSO
ALL_ETHERTYPES = 3
DEADLINE = 10  # query_deadline
QUEUED = 0.5  # seconds that the slow line holds packets for


def root(*words, ok=True):
    return subprocess.run(words, capture_output=True, text=True, check=ok).returncode == 0


def inside(name, *words, ok=True):
    return root("ip", "netns", "exec", NAMES[name], *words, ok=ok)


def within(name, do):
    """Calls do() in a thread that is in the namespace, and returns what it returns; the sockets that it makes stay there."""
    found = []

    def run():
        with open(f"/run/netns/{NAMES[name]}") as where:
            if ctypes.CDLL(None, use_errno=True).setns(where.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        found.append(do())

    t = threading.Thread(target=run)
    t.start()
    t.join()
    return found[0]


def whole_packets():
    """No packets larger than the line's, and none whose checksum somebody else is to fill in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for word in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", word, 0))
            fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sP16x", b"wire", ctypes.addressof(value)))


class Line(threading.Thread):
    """What lies between the two: ${loss} of the packets are lost, each comes ${delay} seconds later, and at most ${rate} bits a second go each way."""

    def __init__(self):
        super().__init__(daemon=True)
        self.loss, self.delay, self.rate, self.going, self.down = 0.0, 0.0, 0, [], False
        self.ends = within("m", lambda: [self.door(name) for name in "ab"])
        self.free_at = dict.fromkeys(self.ends, 0.0)

    def door(self, name):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_ETHERTYPES))
        s.bind((f"to-{name}", 0))
        return s

    def set(self, loss=0.0, delay=0.0, rate=0):
        self.loss, self.delay, self.rate = loss, delay, rate

    def take(self, near, far):
        packet, (_, _, kind, *_) = near.recvfrom(65536)
        now = time.monotonic()
        if kind == socket.PACKET_OUTGOING or random.random() < self.loss:
            return
        if self.rate:
            if self.free_at[far] - now > QUEUED:
                return
            now = self.free_at[far] = max(now, self.free_at[far]) + 8 * len(packet) / self.rate
        heapq.heappush(self.going, (now + self.delay, random.random(), far, packet))

    def run(self):
        while not self.down:
            wait = max(0, self.going[0][0] - time.monotonic()) if self.going else 0.2
            for near in select.select(self.ends, [], [], wait)[0]:
                self.take(near, self.ends[near is self.ends[0]])
            while self.going and self.going[0][0] <= time.monotonic():
                _, _, far, packet = heapq.heappop(self.going)
                far.send(packet)

    def end(self):
        self.down = True
        self.join()


class Here(Site):
    """A site whose daemon runs in a namespace; the verbs reach it through its socket."""

    def start(self):
        name = self.name[-1]
        self.process = subprocess.Popen(["ip", "netns", "exec", NAMES[name], sites.PROGRAM, "-c", str(self.config), "serve"],
                                        stdout=open(self.log_path, "ab"), stderr=subprocess.STDOUT)

    def query(self, *addresses):
        text = self.run("query", "--requester", "anna@a.example", "--start", "2026-03-02T08:00:00Z", "--end", "2026-03-02T16:00:00Z", "--json", *addresses,
                        code=None)
        return [(m["result"], m.get("merged")) for m in json.loads(text)["mailboxes"]] if text else [("nothing", None)] * len(addresses)


def make_network():
    for name in NAMES.values():
        root("ip", "netns", "add", name)
    for name, address in ADDRESSES.items():
        root("ip", "link", "add", "wire", "netns", NAMES[name], "type", "veth", "peer", "name", f"to-{name}", "netns", NAMES["m"])
        inside("m", "ip", "link", "set", f"to-{name}", "up")
        inside(name, "ip", "address", "add", f"{address}/24", "dev", "wire")
        for device in ("wire", "lo"):
            inside(name, "ip", "link", "set", device, "up")
        within(name, whole_packets)
    line = Line()
    line.start()
    return line


def asked(a, rounds, how):
    """The share of right answers; of the others each is an error, by the deadline."""
    found, slowest = [], 0
    for _ in range(rounds):
        began = time.monotonic()
        found.append(a.query("bob@b.example", "anna@a.example"))
        slowest = max(slowest, time.monotonic() - began)
    same([ours for _, ours in found if ours != ("ok", RIGHT)], [], f"{how}: ours were answered each time")
    same([theirs for theirs, _ in found if theirs != ("ok", RIGHT) and theirs[0] not in ("timeout", "peer-failed")], [], f"{how}: theirs are right, or an error")
    check(slowest < DEADLINE + 5, f"{how}: each by its deadline: {slowest:.1f} s")
    right = sum(theirs[0] == "ok" for theirs, _ in found)
    print(f"{how}: {right} of {rounds}, slowest {slowest:.1f} s", flush=True)
    return right / rounds


def bad_lines(a, b, line):
    for how, least, share, kind in LINES:
        rounds = max(2, ROUNDS // share)
        line.set(**kind)
        check(asked(a, rounds, how) >= least, f"{how}: most are answered")
        a.run("reload")
        b.run("reload")
        check(asked(a, rounds, f"{how}, a new link") >= least, f"{how}: and most over a new link")
        line.set()
        until(lambda: a.query("bob@b.example") == [("ok", RIGHT)], f"{how}: all is well behind it")


def blackout(a, line):
    line.set(loss=1)
    ends = time.monotonic() + BLACKOUT
    while time.monotonic() < ends:
        began = time.monotonic()
        got = a.query("bob@b.example", "anna@a.example")
        check(got[0][0] in ("timeout", "peer-failed") and got[1] == ("ok", RIGHT), f"cut: {got}")
        check(time.monotonic() - began < DEADLINE + 5, "by the deadline")
    line.set()
    until(lambda: a.query("bob@b.example") == [("ok", RIGHT)], "the link is back")


def run_test(a, b, line):
    for site, other in ((a, b), (b, a)):
        site.set("link_listen", f"{ADDRESSES[site.name[-1]]}:7443")
        site.run("peer", "add", other.name, "--endpoint", f"{ADDRESSES[other.name[-1]]}:7443", "--pin", other.pin(), "--domain", other.domain)
        site.run("peer", "set", other.name, "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")
        for direction in ("in", "out"):
            site.rule(other.name, direction, "*", "*", "LimitedDetails")
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    a.start(), b.start(), a.up(), b.up()
    same(a.query("bob@b.example", "anna@a.example"), [("ok", RIGHT)] * 2, "no loss")
    blackout(a, line)
    bad_lines(a, b, line)


if os.geteuid() != 0 or not root("ip", "netns", "add", NAMES["a"], ok=False):
    print("lossy_network: 0 passed, 0 failed (skipped: no network namespaces here)")
    sys.exit(0)
root("ip", "netns", "delete", NAMES["a"])
folder = sites.ROOT / "build/e2e" / f"lossy-{os.getpid()}"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
a, b = Here(folder, "site-a", "a.example"), Here(folder, "site-b", "b.example")
try:
    line = make_network()
    run_test(a, b, line)
    line.end()
except Exception as e:
    check(False, f"the test ran to its end: {e!r} {getattr(e, 'stderr', '')}")
    print(a.log()[-2000:], b.log()[-2000:])
finally:
    a.stop()
    b.stop()
    for name in NAMES.values():
        root("ip", "netns", "delete", name, ok=False)
    shutil.rmtree(folder, ignore_errors=True)
sites.finish()
