"""Keys of a link that change: three rotations while queries run, who may announce what, an admin who confirms, a peer that missed it, and
front certificates that end or are replaced."""
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import sites
from sites import check, until

WHO = "bob@b.example"
EVENT = ("20260302T100000", "20260302T110000")


def identity(site):
    return json.loads(site.run("identity", "show", "--json"))


def status(site):
    return json.loads(site.run("status", "--json"))


def file_of(site, peer):
    return (site.config.parent / "peers.d" / f"{peer}.conf").read_text()


def pins_of(site, peer):
    found = {}
    for line in file_of(site, peer).splitlines():
        words = line.split()
        if words[:1] in (["pin"], ["next-pin"]):
            found[words[0]] = words[1]
    return found


class Load:
    """Questions one after the other in threads of their own, each answer looked at."""

    def __init__(self, site, who, threads=2):
        self.site, self.who, self.stop, self.asked, self.bad = site, who, False, 0, []
        self.threads = [threading.Thread(target=self.go, daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def go(self):
        while not self.stop:
            try:
                a = self.site.ask(self.who)[0]
                good = a["code"] == "NoError" and "2" in (a["merged"] or "")
            except Exception as e:
                a, good = repr(e), False
            self.asked += 1
            if not good:
                self.bad.append((time.strftime("%H:%M:%S"), a))

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()


def rotate(site, peer):
    """One whole course; returns the pins before and after."""
    before = identity(site)["pin"]
    site.run("identity", "next")
    next_pin = identity(site)["next"]
    until(lambda: identity(site)["taken"] == [peer.name], "the peer takes the next pin")
    check(pins_of(peer, site.name) == {"pin": before, "next-pin": next_pin}, "the peer has both pins on its disk")
    site.run("identity", "promote")
    check(identity(site)["pin"] == next_pin, "the next identity is the current one")
    site.up()
    peer.up()
    site.run("identity", "retire")
    until(lambda: pins_of(peer, site.name) == {"pin": next_pin}, "the peer drops the old pin")
    return before, next_pin


def test_rotations(a, b):
    load = Load(a, WHO), Load(b, "carl@a.example")
    for site, peer in ((a, b), (b, a), (a, b)):
        before, after = rotate(site, peer)
        check(before != after, "another key")
    for one in load:
        one.end()
    asked, bad = load[0].asked + load[1].asked, load[0].bad + load[1].bad
    check(asked > 20, f"questions while the keys changed: {asked}")
    check(not bad, f"0 of {asked} failed: {bad[:3]}")
    kinds = [json.loads(line) for line in b.run("audit", "show", "--json").splitlines() if '"change"' in line]
    commands = [" ".join(k.get("command", [])) if isinstance(k.get("command"), list) else str(k.get("command")) for k in kinds]
    check(any("take-next" in c for c in commands), "the audit names the pin that was taken")


def main():
    with sites.pair() as (a, b):
        b.calendar("bob", EVENT)
        a.calendar("carl", EVENT)
        test_rotations(a, b)
    sites.finish()


if __name__ == "__main__":
    main()
