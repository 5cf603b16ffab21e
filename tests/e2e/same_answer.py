"""Unknown, hidden and denied are one answer, and so are all refused logins: compared byte by byte, and by how long they take.
Each round asks once about every kind, in an order drawn by lot: whatever else this machine does falls on all of them alike. AUC may be 0.48 to
0.52 and Welch's t 4.5, as 10,000 rounds tell them; on top of each comes what chance alone does to it (five times its spread: once in a million),
so that nothing here depends on how busy or quick the machine is."""
import base64
import collections
import itertools
import os
import random
import re
import socket
import statistics
import struct
import time

import sites
from sites import check, same

ROUNDS = int(os.environ.get("ROUNDS", "10000"))
SCRYPTS = min(ROUNDS, int(os.environ.get("SCRYPTS", "40")))  # a password's hash is slow on purpose
TARGETS = ("nobody", "hidden", "denied")
addresses = (f"127.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in itertools.count(0x10001) if 0 < i & 255 < 255)


def auc(first, second):
    """How often a value of the first is above one of the second."""
    ranked = sorted([(v, 0) for v in first] + [(v, 1) for v in second])
    above = sum(i + 1 for i, (_, which) in enumerate(ranked) if which == 0)
    return (above - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def welch(first, second):
    """Welch's t without the slowest tenth of all, which is the machine's and not ours."""
    most = sorted(first + second)[9 * (len(first) + len(second)) // 10]
    a, b = ([v for v in values if v < most] for values in (first, second))
    return (statistics.fmean(a) - statistics.fmean(b)) / (statistics.variance(a) / len(a) + statistics.variance(b) / len(b)) ** 0.5


class Line:
    """One connection that is kept."""

    def __init__(self, site, address="127.0.0.1"):
        raw = socket.create_connection(("localhost", site.front), 30, (address, 0))
        self.s = site.context().wrap_socket(raw, server_hostname="localhost")

    def say(self, data):
        """The answer, without what is its own (date and request id), and how long it took."""
        began = time.perf_counter()
        self.s.sendall(data)
        got = self.s.recv(65536)
        took = time.perf_counter() - began
        head, _, body = got.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)\r\nContent-Length: (\d+)", head).group(1)) - len(body)
        while left > 0 and (more := self.s.recv(left)):
            body, left = body + more, left - len(more)
        return (re.sub(rb"(?i)\r\nDate: [^\r]*", b"", re.sub(rb"[0-9a-f]{32}", b"ID", head)), re.sub(rb"[0-9a-f]{32}", b"ID", body)), took


def post(path, login, body, method=b"POST"):
    head = b"Content-Type: text/xml\r\n" + (b"Authorization: " + login + b"\r\n" if login else b"")
    return method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + head + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


def basic(user, password):
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def compare(what, kinds, ask, rounds=ROUNDS):
    """ask(kind) is (answer, seconds): the answers of all kinds are one, and so is their time. Returns that answer."""
    seen, times = set(), collections.defaultdict(list)
    for _ in range(rounds):
        for kind in random.sample(kinds, len(kinds)):
            answer, took = ask(kind)
            seen.add(answer)
            times[kind].append(took)
    same(len(seen), 1, f"{what}: one answer, byte for byte")
    for kind in kinds[1:]:
        a, t = auc(times[kinds[0]], times[kind]), welch(times[kinds[0]], times[kind]) if rounds > 20 else 0
        print(f"{what}: {kinds[0]} and {kind}: AUC {a:.3f}, t {t:+.2f}, {1e6 * statistics.median(times[kinds[0]]):.0f} us", flush=True)
        close = abs(a - 0.5) < 0.02 + 5 / (6 * rounds) ** 0.5 and abs(t) < 4.5 * (rounds / 10000) ** 0.5 + 5
        check(close, f"{what}: time tells {kinds[0]} from {kind}: AUC {a:.3f}, t {t:.2f}")
    return seen.pop()


def about(a, b, line):
    """People about whom the asker may know nothing."""
    login = basic("anna", a.password)
    for domain, view in ((a.domain, "DetailedMerged"), (b.domain, "DetailedMerged"), (b.domain, "FreeBusy")):
        questions = {kind: post(b"/EWS/Exchange.asmx", login, sites.request([f"{kind}@{domain}"], view=view).encode()) for kind in TARGETS}
        answer = compare(f"{domain}, {view}", TARGETS, lambda kind: line.say(questions[kind]), ROUNDS if view != "FreeBusy" else min(ROUNDS, 1000))
        check(b"ErrorNoFreeBusyAccess" in answer[1], "the code")
    # In one request, among others, each in its place: the same for each kind.
    mixed = [line.say(post(b"/EWS/Exchange.asmx", login, sites.request([f"seen@{b.domain}", f"{kind}@{b.domain}", f"{kind}@{a.domain}"]).encode()))[0] for kind in TARGETS]
    same(len(set(mixed)), 1, "one answer among others")


def anonymous(a, line):
    """Autodiscover's JSON asks for no login, and knows nobody."""
    questions = {who: post(f"/autodiscover/autodiscover.json/v1.0/{who}@{a.domain}?Protocol=EWS".encode(), None, b"", b"GET") for who in TARGETS + ("seen12",)}
    compare("Autodiscover's JSON", TARGETS + ("seen12",), lambda who: line.say(questions[who]))


def wrong_passwords(a):
    """Each pair of name and address is wrong once, since those that go on are slowed."""
    body = sites.request([f"seen12@{a.domain}"]).encode()
    names = ("anna", "nobo", "cleo", f"anna@{a.domain}", f"nobo@{a.domain}")
    questions = {name: post(b"/EWS/Exchange.asmx", basic(name, "not the password"), body) for name in names}
    answer = compare("a wrong password", names[:3], lambda name: Line(a, next(addresses)).say(questions[name]), SCRYPTS)
    check(answer[0].startswith(b"HTTP/1.1 401"), "and it is 401")
    same({Line(a, next(addresses)).say(questions[name])[0] for name in names[3:]}, {answer}, "by address, too")


def type3(user):
    """Of the form that curl sends, with a proof that is no account's."""
    name, proof = user.encode("utf-16-le"), os.urandom(16) + struct.pack("<4B4xQ", 1, 1, 0, 0, 133500000000000000) + os.urandom(8) + bytes(8)
    at, fields = 88, b""
    for part in (b"", proof, b"", name, b"", b""):
        fields += struct.pack("<HHI", len(part), len(part), at)
        at += len(part)
    return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 0xE2888205) + bytes(24) + proof + name


class Windows:
    """Wrong logins by NTLM: of an account, of one that has no NT hash, and of nobody; on a new connection and from another address before anybody is slowed."""

    def __init__(self, site):
        self.site, self.said, self.line = site, 0, None

    def ask(self, user):
        if self.said % 9 == 0:
            self.line = Line(self.site, next(addresses))
        self.said += 1
        first = b"NTLMSSP\0" + struct.pack("<II", 1, 0xA2088207) + bytes(24)
        challenge, _ = self.line.say(post(b"/EWS/Exchange.asmx", b"NTLM " + base64.b64encode(first), b""))
        if b"WWW-Authenticate: NTLM TlRMTVNTUAAC" not in challenge[0]:
            raise RuntimeError(f"no challenge: {challenge}")
        return self.line.say(post(b"/EWS/Exchange.asmx", b"NTLM " + base64.b64encode(type3(user)), b""))


EVENT = ("20260302T090000", "20260302T100000", {"SUMMARY": "Merger"})
with sites.pair(start=False) as (a, b):
    for site, other in ((a, b), (b, a)):
        for who in ("hidden", "denied", "seen12", "seen"):
            site.calendar(who, *[EVENT] * 20)
        for peer in ("local", other.name):
            site.run("rule", "add", "--peer", peer, "--direction", "in", "--requester", "*", "--target", f"denied@{site.domain}",
                     "--level", "None", "--position", "1")
        text = site.config.read_text()
        site.config.write_text(re.sub(r"(?m)^[# ]*hidden\s*=.*$", f'hidden = ["hidden@{site.domain}"];', text, count=1))
    a.account("cleo", f"user:cleo@{a.domain}")
    a.account("dora", f"user:dora@{a.domain}", "--ntlm")
    a.start(), b.start(), a.up(), b.up()
    line = Line(a)
    for domain in (a.domain, b.domain):
        answer, _ = line.say(post(b"/EWS/Exchange.asmx", basic("anna", a.password), sites.request([f"seen@{domain}"]).encode()))
        check(b"NoError" in answer[1] and (domain == a.domain or b"Merger" in answer[1]), f"who may be seen is seen at {domain}")
    about(a, b, line)
    anonymous(a, line)
    answer = compare("a wrong login by NTLM", ("dora", "nobo", "cleo"), Windows(a).ask)
    check(answer[0].startswith(b"HTTP/1.1 401"), "and it is 401")
    wrong_passwords(a)
    for word in ("Merger", a.password, "not the password"):
        check(word not in a.log() + b.log(), f"no {word} in any log")
sites.finish()
