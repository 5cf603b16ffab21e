"""One open port is enough: a site that can accept no connection dials out, and is asked over what it dialled; several endpoints, with dead ones
among them; a tunnel between, of our own and two stunnel4; and two network namespaces whose firewall lets connections through in one direction alone."""
import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import sites
from sites import PROGRAM, check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")


class Tunnel:
    """A plain TCP tunnel to ${target}, which can lose what it carries, and forget it without a word."""

    def __init__(self, target):
        self.target, self.pairs, self.count, self.silent = target, [], 0, False
        self.listener = socket.create_server(("127.0.0.1", sites.free_ports(1)[0]))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.count += 1
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), 5)
                except OSError:
                    near.close()
                    continue
                self.pairs.append((near, far))
                threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        with contextlib.suppress(OSError, ValueError):
            while True:
                for s in select.select([near, far], [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        raise OSError
                    if not self.silent:
                        (far if s is near else near).sendall(data)
        self.drop(near, far)

    def drop(self, *pair):
        for s in pair:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self.drop(*pair)

    def close(self):
        self.listener.close()
        self.cut()


def swallower():
    """A listening socket whose backlog is full: a SYN to it gets no answer. Returns it, its port, and what fills it."""
    s = socket.socket()
    s.bind(("127.0.0.1", sites.free_ports(1)[0]))
    s.listen(0)
    fill = []
    for _ in range(8):
        c = socket.socket()
        c.setblocking(False)
        with contextlib.suppress(OSError):
            c.connect(s.getsockname())
        fill.append(c)
    return s, s.getsockname()[1], fill


def state(site):
    return site.run("status", code=None)


def both_ways(a, b, what):
    same(codes(a.ask("bob@b.example")), ["NoError"], f"{what}: a asks b")
    same(codes(b.ask("anna@a.example")), ["NoError"], f"{what}: b asks a")


def out_and_in():
    """b can accept nothing: its link port is asked by nobody, a has no endpoint of it."""
    with sites.pair(start=False) as (a, b):
        a.calendar("anna", NINE)
        b.calendar("bob", NINE)
        tunnel = Tunnel(a.link)
        a.run("peer", "set", "site-b", "--dial", "in")
        b.run("peer", "set", "site-a", "--dial", "out", "--endpoint", f"127.0.0.1:{tunnel.port}")
        a.start()
        b.start()
        a.up(links=False)
        b.up()
        check(until(lambda: "peer site-b: up (they dialled)" in state(a), "a shows that b dialled"), "a is up")
        check("dialled" not in state(b), "b dialled itself")
        check('"dialled_by":"them"' in a.run("status", "--json") and '"dialled_by":"us"' in b.run("status", "--json"), "and so says the JSON")
        both_ways(a, b, "over what b dialled")
        check(not any(f"127.0.0.1:{b.link}" in line for line in a.lines("link-up") + a.lines("link-failed")), "a never dials b")
        check("they dialled" in " ".join(a.lines("link-up")), "a's log says who dialled")

        # doctor hears of the other side over what that dialled.
        rows = {r["hop"]: r for r in json.loads(a.run("doctor", "site-b", "--json", code=None))["hops"] if r["peer"] == "site-b"}
        same([rows[h]["state"] for h in ("link", "its table", "its rules in", "its rules out", "its link to us", "its look-up", "look-up")], ["ok"] * 7, f"doctor: {rows}")

        # The tunnel breaks: what is asked waits a moment for b to come back, or fails; never for long, never as free.
        tunnel.cut()
        got = codes(a.ask("bob@b.example"))
        check(got in (["NoError"], ["ErrorProxyRequestProcessingFailed"]), f"after a cut, and not when its time is over: {got}")
        until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "b dialled again")
        # Nobody dials: it fails at once, or nearly.
        b.stop()
        until(lambda: "(they dialled)" not in state(a), "a sees that b is gone")
        check("dial in" in state(a) or "connects to us" in state(a), "and why it waits")
        same(codes(a.ask("bob@b.example")), ["ErrorProxyRequestProcessingFailed"], "b is gone, and a does not wait for it until the deadline")
        b.start()
        b.up()
        until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "b is back")
        both_ways(a, b, "after b's restart")
        # Reloads of either side lose nothing for longer than the moment of dialling again.
        for site in (a, b, a):
            site.run("reload")
            until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], f"a asks b after {site.name}'s reload")
            both_ways(a, b, f"after {site.name}'s reload")
        # Rules still count on a turned connection: who asks is known by the pin alone.
        b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "bob@b.example", "--level", "None",
              "--position", "1")
        b.run("reload")
        until(lambda: codes(a.ask("bob@b.example")) == ["ErrorNoFreeBusyAccess"], "b's rules count on what b dialled")
        # Disabled at the side that answers, it is asked no more, and by the side that asks it is not taken.
        b.run("peer", "disable", "site-a")
        same(codes(a.ask("bob@b.example"))[0] == "NoError", False, "disabled at b")
        until(lambda: "(they dialled)" not in state(a), "and cut")
        b.run("peer", "enable", "site-a")
        a.run("peer", "disable", "site-b")
        b.run("reload")
        until(lambda: any("unknown" in line or "does not know our key" in line for line in b.lines("link-failed")), "a does not take b's connections")
        same(codes(a.ask("bob@b.example"))[0] == "NoError", False, "disabled at a")
        tunnel.close()


def stays(idle):
    """A tunnel that forgets an idle connection without a word: the dialling side notices by itself and dials again."""
    with sites.pair(start=False) as (a, b):
        b.calendar("bob", NINE)
        tunnel = Tunnel(a.link)
        a.run("peer", "set", "site-b", "--dial", "in")
        b.run("peer", "set", "site-a", "--dial", "out", "--endpoint", f"127.0.0.1:{tunnel.port}")
        a.start()
        b.start()
        b.up()
        until(lambda: "(they dialled)" in state(a), "b dialled")
        before = tunnel.count
        tunnel.silent = True
        until(lambda: tunnel.count > before, "b noticed that the connection is dead", idle)
        tunnel.silent = False
        until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "and dialled again")
        tunnel.close()


def stunnel(folder, name, settings):
    """A stunnel4 with these settings, in the foreground."""
    path = folder / f"{name}.conf"
    path.write_text("foreground = yes\npid =\nsyslog = no\n" + settings)
    return subprocess.Popen(["stunnel4", str(path)], stdout=open(folder / f"{name}.log", "ab"), stderr=subprocess.STDOUT)


def through_stunnel():
    """The link of a is behind a tunnel that knows nothing of it: b asks and is asked through two stunnel4, over what it dials alone."""
    with sites.pair(start=False) as (a, b):
        a.calendar("anna", NINE)
        b.calendar("bob", NINE)
        folder = a.dir.parent
        near, far = sites.free_ports(2)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tunnel.key", "-out", folder / "tunnel.pem", "-days", "9",
                        "-subj", "/CN=tunnel"], check=True, capture_output=True)
        ends = [stunnel(folder, "far", f"[in]\naccept = 127.0.0.1:{far}\nconnect = 127.0.0.1:{a.link}\ncert = {folder}/tunnel.pem\nkey = {folder}/tunnel.key\n"),
                stunnel(folder, "near", f"[out]\nclient = yes\naccept = 127.0.0.1:{near}\nconnect = 127.0.0.1:{far}\n")]
        try:
            a.run("peer", "set", "site-b", "--dial", "in")
            b.run("peer", "set", "site-a", "--dial", "out", "--endpoint", f"127.0.0.1:{near}")
            a.start()
            b.start()
            a.up(links=False)
            b.up()
            until(lambda: "peer site-b: up (they dialled)" in state(a), "b dialled through the tunnel")
            both_ways(a, b, "through stunnel")
            ends[1].terminate()
            ends[1].wait(10)
            until(lambda: "(they dialled)" not in state(a), "the tunnel is gone")
            ends[1] = stunnel(folder, "near", f"[out]\nclient = yes\naccept = 127.0.0.1:{near}\nconnect = 127.0.0.1:{far}\n")
            until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "it is back, and so is b", 60)
            until(lambda: codes(b.ask("anna@a.example")) == ["NoError"], "the other way too", 60)
        finally:
            for end in ends:
                end.terminate()
                end.wait(10)


def failed(site, port):
    """How many times it has dialled there in vain."""
    return len([line for line in site.lines("link-failed") if f"127.0.0.1:{port}" in line])


def endpoints():
    """The first endpoint refuses, or swallows; a question fails over within its deadline, and the next one knows better."""
    with sites.pair(start=False) as (a, b):
        b.calendar("bob", NINE)
        dead = sites.free_ports(1)[0]
        hole, swallowing, fill = swallower()
        tunnel = Tunnel(b.link)
        for first, name in ((dead, "refused"), (swallowing, "swallowed")):
            a.run("peer", "set", "site-b", "--endpoint", f"127.0.0.1:{first}", "--endpoint", f"127.0.0.1:{tunnel.port}")
            if a.process:
                a.run("reload")
            else:
                a.start()
                a.up(links=False)
            if not b.process:
                b.start()
                b.up(links=False)
            check(["NoError"] in [codes(a.ask("bob@b.example")) for _ in range(2)], f"{name}: the second endpoint, within the deadline of the first question or at the next")
            # What was good last comes first: a break does not start with the dead one again.
            tries, count = failed(a, first), tunnel.count
            tunnel.cut()
            until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], f"{name}: again after a break")
            check(tunnel.count > count and failed(a, first) == tries, f"{name}: the good one first: {a.lines('link-failed')[-3:]}")
        check(any(f":{swallowing}" in line and "nothing answers there" in line for line in a.lines("link-failed")), "the log names the dead endpoint")
        # The second dies too, the first comes to life.
        tunnel.close()
        a.run("peer", "set", "site-b", "--endpoint", f"127.0.0.1:{swallowing}", "--endpoint", f"127.0.0.1:{tunnel.port}", "--endpoint",
              f"127.0.0.1:{b.link}")
        a.run("reload")
        until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the third of three")
        hole.close()
        for c in fill:
            c.close()


def each_process(a, ask, what):
    """Every bridge process of a can ask: each must, while the others are stopped."""
    for pid in sorted(a.children("@bridge")):
        others = [p for p in a.children("@bridge") if p != pid]
        sites.stand_still(others)
        try:
            until(ask, f"{what}: process {pid} asks")
        finally:
            for p in others:
                os.kill(p, signal.SIGCONT)


def established(port):
    """How many TCP connections stand to the port of this machine."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def processes():
    """a asks from three processes, b answers from two and dials: each of the three gets its own connections, also after one was killed and as their number changes."""
    with sites.pair(start=False) as (a, b):
        b.calendar("bob", NINE)
        a.set("bridges", 3)
        b.set("bridges", 2)
        a.run("peer", "set", "site-b", "--dial", "in")
        b.run("peer", "set", "site-a", "--dial", "out")
        a.start()
        b.start()
        a.up(links=False)
        b.up()
        ask = lambda: codes(a.ask("bob@b.example")) == ["NoError"]
        dialled = lambda: sum("they dialled" in line for line in a.lines("link-up"))
        until(lambda: dialled() == 6, "each of b's two processes dials each of a's three")
        each_process(a, ask, "at first")
        same(dialled(), 6, "and no more often than that")
        victim = min(a.children("@bridge"))
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(a.children("@bridge")) == 3 and victim not in a.children("@bridge") and dialled() == 8, "the successor of a killed one is dialled")
        each_process(a, ask, "after a kill")
        for count, what in ((1, "one process"), (4, "four processes")):
            a.set("bridges", count)
            a.run("reload")
            until(lambda: len(a.children("@bridge")) == count, f"{what}: the generation before is gone")
            until(ask, what)
            each_process(a, ask, what)
        # Whoever cuts it off, at either end, cuts all of it.
        for cut, undo in ((lambda: b.run("peer", "disable", "site-a"), lambda: b.run("peer", "enable", "site-a")), (lambda: a.run("peer", "unpin", b.pin()), None)):
            until(lambda: established(a.link) >= 8, "every process is dialled")
            said = cut()
            check("Its links are cut." in said, said)
            until(lambda: established(a.link) == 0, "no connection is left at the link")
            check(not ask(), "and nobody is answered")
            if undo:
                undo()
                b.run("reload")
                until(ask, "undone")


def run(*words, check_code=True):
    r = subprocess.run(words, capture_output=True, text=True)
    if check_code and r.returncode:
        raise RuntimeError(f"{' '.join(words)}: {r.stdout}{r.stderr}")
    return r.returncode == 0


def why_no_namespaces():
    if os.geteuid() != 0:
        return "this is not root"
    for tool in ("ip", "nft"):
        if not shutil.which(tool):
            return f"there is no {tool} on this machine"
    name = f"ab{os.getpid()}t"
    if not run("ip", "netns", "add", name, check_code=False):
        return "`ip netns add` is not allowed here"
    ok = run("ip", "netns", "exec", name, "nft", "add", "table", "inet", "t", check_code=False)
    run("ip", "netns", "del", name, check_code=False)
    return None if ok else "nft does not work in a namespace here"


def namespaces():
    """Two hosts; the firewall of b's lets no connection in. Each runs in a network of its own, joined by one wire."""
    why = why_no_namespaces()
    if why:
        print(f"one-way firewalls: skipped, {why}")
        return
    names = [f"ab{os.getpid()}{x}" for x in "ab"]
    with sites.pair(start=False) as (a, b):
        started = []
        try:
            for n in names:
                run("ip", "netns", "add", n)
                run("ip", "-n", n, "link", "set", "lo", "up")
            run("ip", "-n", names[0], "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", names[1])
            for i, n in enumerate(names):
                run("ip", "-n", n, "addr", "add", f"10.99.0.{i + 1}/24", "dev", "wire")
                run("ip", "-n", n, "link", "set", "wire", "up")
            inside = lambda i, *words: run("ip", "netns", "exec", names[i], *words)
            inside(1, "nft", "add", "table", "inet", "t")
            inside(1, "nft", "add", "chain", "inet", "t", "in", "{ type filter hook input priority 0; policy drop; }")
            inside(1, "nft", "add", "rule", "inet", "t", "in", "iif", "lo", "accept")
            inside(1, "nft", "add", "rule", "inet", "t", "in", "ct", "state", "established,related", "accept")
            a.calendar("anna", NINE)
            b.calendar("bob", NINE)
            a.set("bridges", 3)
            for i, site in enumerate((a, b)):
                site.set("link_listen", f"10.99.0.{i + 1}:{site.link}")
            a.run("peer", "set", "site-b", "--endpoint", f"10.99.0.2:{b.link}")
            b.run("peer", "set", "site-a", "--endpoint", f"10.99.0.1:{a.link}")

            def start(i, site):
                site.process = subprocess.Popen(["ip", "netns", "exec", names[i], PROGRAM, "-c", str(site.config), "serve"],
                                                stdout=open(site.log_path, "ab"), stderr=subprocess.STDOUT)
                until(lambda: site.run("status", code=None) and site.code == 0, f"{site.name} serves")

            def ask(i, site, who):
                """`query` inside the site's own network, by its front, which stands on its loopback."""
                r = subprocess.run(["ip", "netns", "exec", names[i], PROGRAM, "-c", str(site.config), "query", who, "--user", "anna",
                                    "--password-file", str(site.dir / "password"), "--start", "2026-03-02T08:00:00", "--end", "2026-03-02T16:00:00", "--json"],
                                   capture_output=True, text=True)
                return r.stdout + r.stderr

            start(0, a)
            start(1, b)
            until(lambda: "peer site-a: up" in state(b), "b reaches a")
            got = ask(0, a, "bob@b.example")
            check("NoError" not in got, f"without dial a does not reach b: {got[-300:]}")
            a.run("peer", "set", "site-b", "--dial", "in")
            b.run("peer", "set", "site-a", "--dial", "out")
            a.run("reload")
            b.run("reload")
            until(lambda: "peer site-b: up (they dialled)" in state(a), "b dialled")
            for i, site, who in ((0, a, "bob@b.example"), (1, b, "anna@a.example")):
                until(lambda: "NoError" in ask(i, site, who), f"{site.name} asks across the firewall: {ask(i, site, who)[-300:]}")
            until(lambda: sum("they dialled" in line for line in a.lines("link-up")) == 3, "b dialled each process of a")
            until(lambda: len(a.children("@bridge")) == 3, "the generation before the reload is gone: what drains takes no question")
            each_process(a, lambda: "NoError" in ask(0, a, "bob@b.example"), "across the firewall")
        finally:
            a.stop()
            b.stop()
            for n in names:
                run("ip", "netns", "del", n, check_code=False)


out_and_in()
processes()
through_stunnel()
endpoints()
stays(120)
namespaces()
sites.finish()
