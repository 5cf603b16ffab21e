"""Somebody in the tunnel who records every byte, and gets the keys of both sites later: nothing of what was said is there to read, and how large an answer is
tells little of what is in it."""
import select
import socket
import subprocess
import threading

import sites
from sites import check, codes, same, until

HANDSHAKE, APPLICATION = 22, 23
SUPPORTED_VERSIONS, PRE_SHARED_KEY, EARLY_DATA, KEY_SHARE = 43, 41, 42, 51


class Tap:
    """A relay in front of ${port} that keeps what passes: [to the listener, from it] of each connection."""

    def __init__(self, port):
        self.target, self.connections = port, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.server.accept()
            kept = [bytearray(), bytearray()]
            self.connections.append(kept)
            threading.Thread(target=self.pass_on, args=(near, kept), daemon=True).start()

    def pass_on(self, near, kept):
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            while True:
                for s in select.select([near, far], [], [])[0]:
                    try:
                        data = s.recv(65536)
                        kept[s is far] += data  # before anybody has it
                        (far if s is near else near).sendall(data)
                    except OSError:
                        return
                    if not data:
                        return


def records(data):
    """(type, body) of each whole TLS record."""
    at, found = 0, []
    while at + 5 <= len(data):
        n = int.from_bytes(data[at + 3:at + 5], "big")
        if at + 5 + n > len(data):
            break
        found.append((data[at], bytes(data[at + 5:at + 5 + n])))
        at += 5 + n
    return found


def extensions(hello, client):
    """{number: body} of a ClientHello or ServerHello (RFC 8446 4.1)."""
    at = 4 + 2 + 32
    at += 1 + hello[at]
    if client:
        at += 2 + int.from_bytes(hello[at:at + 2], "big")
        at += 1 + hello[at]
    else:
        at += 2 + 1
    end, found = at + 2 + int.from_bytes(hello[at:at + 2], "big"), {}
    at += 2
    while at < end:
        number, n = int.from_bytes(hello[at:at + 2], "big"), int.from_bytes(hello[at + 2:at + 4], "big")
        found[number] = hello[at + 4:at + 4 + n]
        at += 4 + n
    return found


def handshakes(tap):
    """TLS 1.3 with a new pair of keys each time, whose secret nobody keeps: the keys of the sites decrypt nothing (RFC 8446 appendix E.1)."""
    shares = []
    for up, down in tap.connections:
        client, server = records(up)[0], records(down)[0]
        asked, answered = extensions(client[1], True), extensions(server[1], False)
        same((client[0], server[0]), (HANDSHAKE, HANDSHAKE), "hello and hello")
        same(answered[SUPPORTED_VERSIONS], b"\x03\x04", "TLS 1.3")
        check(KEY_SHARE in answered and len(answered[KEY_SHARE]) > 32, "a key of this connection alone")
        check(PRE_SHARED_KEY not in answered and EARLY_DATA not in asked, "no earlier secret is used again")
        shares += [answered[KEY_SHARE], asked[KEY_SHARE]]
    check(len(tap.connections) > 1, "there were several connections")
    same(len(set(shares)), len(shares), "and no two have a key in common")


def nothing_to_read(tap, a, b):
    words = [b"SECRET", b"nobody@", b"full@", b"b.example", b"a.example", b"site-a", b"site-b", a.pin()[7:].encode(), b"availbridge.link", b"grpc"]
    for site in (a, b):
        der = subprocess.run(["openssl", "x509", "-in", site.dir / "identity.pem", "-outform", "DER"], capture_output=True, check=True).stdout
        words.append(der[60:120])  # who they are is not told either
    for kept in tap.connections:
        for data in kept:
            same([w for w in words if w in data], [], "in clear")


def sizes(tap, a):
    """Of answers about calendars with none to twenty events, in every detail that the rules allow, and about nobody: at most three sizes of records."""
    def behind(marks):
        return {len(body) for (_, down), mark in zip(tap.connections, marks) for kind, body in records(down[mark:]) if kind == APPLICATION}

    marks = [len(down) for _, down in tap.connections]
    for view in ("MergedOnly", "FreeBusy", "DetailedMerged"):
        for n in range(21):
            found = a.ask(f"full{n}@b.example", view=view, start="2026-03-02T00:00:00", end="2026-03-03T00:00:00")
            same((found[0]["code"], len(found[0]["events"])), ("NoError", 0 if view == "MergedOnly" else n), f"{n} events")
        same(codes(a.ask("nobody@b.example")), ["ErrorNoFreeBusyAccess"], "and nobody")
    until(lambda: len(behind(marks)) > 1, "answers of twenty events have passed")
    found = behind(marks)
    check(len(found) <= 3, f"answers have few sizes: {sorted(found)}")
    small = set()
    for who in ("nobody", "full0", "full1", "denied"):
        marks = [len(down) for _, down in tap.connections]
        a.ask(f"{who}@b.example")
        until(lambda: behind(marks), "an answer has passed")
        small |= behind(marks)
    same(len(small), 1, "whether there is such a person does not show")


with sites.pair(start=False) as (a, b):
    taps = [Tap(b.link), Tap(a.link)]
    for site, other, tap in ((a, b, taps[0]), (b, a, taps[1])):
        site.run("peer", "set", other.name, "--endpoint", f"127.0.0.1:{tap.port}")
    b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "denied@b.example", "--level", "None", "--position", "1")
    for n in range(21):
        b.calendar(f"full{n}", *[(f"20260302T{i:02}0000Z", f"20260302T{i:02}4000Z", {"SUMMARY": f"SECRET-meeting number {i}", "LOCATION": f"Room {i}"}) for i in range(n)])
    b.calendar("denied", ("20260302T090000Z", "20260302T100000Z"))
    a.start(), b.start(), a.up(), b.up()
    until(lambda: codes(a.ask("full1@b.example")) == ["NoError"], "the first answer")
    sizes(taps[0], a)
    for site in (a, b):
        site.run("reload")
    until(lambda: len(taps[0].connections) > 1 and codes(a.ask("full1@b.example")) == ["NoError"], "another connection")
    until(lambda: all(records(up) and records(down) for up, down in taps[0].connections), "each has greeted")
    handshakes(taps[0])
    for tap in taps:
        nothing_to_read(tap, a, b)
sites.finish()
