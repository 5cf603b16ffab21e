"""The two bridges in network namespaces of their own, with packets lost between them: answers come late or are errors, never wrong and never free,
and nobody else waits; a link that was cut comes back by itself. Skipped where namespaces cannot be made."""
import json
import os
import shutil
import subprocess
import sys
import time

import sites
from sites import Site, check, same, until

NINE = ("20260302T090000", "20260302T100000")
RIGHT = "2200000000000000"
NAMES = {"a": f"ab{os.getpid()}a", "b": f"ab{os.getpid()}b"}


def root(*words, ok=True):
    return subprocess.run(words, capture_output=True, text=True, check=ok).returncode == 0


def inside(name, *words, ok=True):
    return root("ip", "netns", "exec", NAMES[name], *words, ok=ok)


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


def drop(percent):
    for name in NAMES:
        inside(name, "nft", "flush", "chain", "inet", "loss", "in")
        if percent:
            some = ["numgen", "random", "mod", "100", "<", str(percent)] if percent < 100 else []
            inside(name, "nft", "add", "rule", "inet", "loss", "in", "iifname", "wire", *some, "drop")


def make_network():
    for name in NAMES.values():
        root("ip", "netns", "add", name)
    root("ip", "link", "add", "wire", "netns", NAMES["a"], "type", "veth", "peer", "name", "wire", "netns", NAMES["b"])
    for name, address in (("a", "10.99.0.1/24"), ("b", "10.99.0.2/24")):
        inside(name, "ip", "address", "add", address, "dev", "wire")
        inside(name, "ip", "link", "set", "wire", "up")
        inside(name, "ip", "link", "set", "lo", "up")
        inside(name, "nft", "add", "table", "inet", "loss")
        inside(name, "nft", "add chain inet loss in { type filter hook input priority 0; }")


def run_test(a, b):
    for site, other, there in ((a, b, "10.99.0.2"), (b, a, "10.99.0.1")):
        site.set("link_listen", "10.99.0.1:7443" if site is a else "10.99.0.2:7443")
        site.set("query_deadline", "4 s")
        site.run("peer", "add", other.name, "--endpoint", f"{there}:7443", "--pin", other.pin(), "--domain", other.domain)
        site.run("peer", "set", other.name, "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")
        for direction in ("in", "out"):
            site.rule(other.name, direction, "*", "*", "LimitedDetails")
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    a.start(), b.start(), a.up(), b.up()
    same(a.query("bob@b.example", "anna@a.example"), [("ok", RIGHT)] * 2, "no loss")

    drop(15)
    found = [a.query("bob@b.example", "anna@a.example") for _ in range(15)]
    check(all(ours == ("ok", RIGHT) for theirs, ours in found), "ours were answered each time")
    check(all(theirs == ("ok", RIGHT) or theirs[0] in ("timeout", "peer-failed") for theirs, ours in found), f"theirs: right, or an error: {found}")
    check(sum(theirs[0] == "ok" for theirs, ours in found) >= 10, f"and most came through: {[t[0] for t, o in found]}")

    drop(100)
    began = time.monotonic()
    got = a.query("bob@b.example", "anna@a.example")
    check(got[0][0] in ("timeout", "peer-failed") and got[1] == ("ok", RIGHT), f"cut: {got}")
    check(time.monotonic() - began < 6, "by the deadline")
    drop(0)
    until(lambda: a.query("bob@b.example") == [("ok", RIGHT)], "the link is back", 60)


if os.geteuid() != 0 or not root("ip", "netns", "add", NAMES["a"], ok=False) or not shutil.which("nft"):
    root("ip", "netns", "delete", NAMES["a"], ok=False)
    print("lossy_network: 0 passed, 0 failed (skipped: no network namespaces here)")
    sys.exit(0)
root("ip", "netns", "delete", NAMES["a"])
folder = sites.ROOT / "build/e2e" / f"lossy-{os.getpid()}"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
a, b = Here(folder, "site-a", "a.example"), Here(folder, "site-b", "b.example")
try:
    make_network()
    run_test(a, b)
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
