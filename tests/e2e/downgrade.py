"""What a man in the middle, or old software, asks of TLS, hello by hello: each version, suite, group and signature that there is alone, hellos
that contradict themselves, early data, what follows a retry. The link answers in TLS 1.3 or not at all, and the log says what is missing."""
import contextlib
import os
import socket
import struct
import subprocess

import raw_link
import sites
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from sites import check, same, until

ALERT, HANDSHAKE = 21, 22
SUITES, GROUPS = {0x1301, 0x1302, 0x1303}, {23: ec.SECP256R1(), 24: ec.SECP384R1(), 25: ec.SECP521R1(), 29: None}
SIGNATURES = {0x0403}  # of the schemes of TLS 1.3 the one for a key on P-256
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446 4.1.3


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def numbers(*values):
    return b"".join(struct.pack(">H", v) for v in values)


def share(group):
    if group not in GROUPS:
        return os.urandom(65)
    if group == 29:
        return x25519.X25519PrivateKey.generate().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    key = ec.generate_private_key(GROUPS[group]).public_key()
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def extensions(versions=(0x0304,), groups=(29,), shares=None, signatures=(0x0403,), alpn=b"h2"):
    """Those that the link needs, by number; None leaves one out."""
    listed = b"".join(numbers(g) + vector(2, share(g)) for g in (groups if shares is None else shares))
    return {43: vector(1, numbers(*versions)), 10: vector(2, numbers(*groups)), 51: vector(2, listed), 13: vector(2, numbers(*signatures)),
            16: vector(2, vector(1, alpn))}


def hello(suites=(0x1301,), legacy=0x0303, compression=b"\0", session=b"", more=(), drop=(), record=0x0301, **how):
    """A record with a ClientHello (RFC 8446 4.1.2). ${more}: (number, body) of further extensions, put behind the others."""
    listed = [(n, body) for n, body in extensions(**how).items() if n not in drop] + list(more)
    body = numbers(legacy) + os.urandom(32) + vector(1, session) + vector(2, numbers(*suites)) + vector(1, compression)
    body += vector(2, b"".join(numbers(n) + vector(2, e) for n, e in listed)) if listed else b""
    return struct.pack(">BH", HANDSHAKE, record) + vector(2, b"\1" + vector(3, body))


def answered(port, *sent):
    """What came first: ("alert", number), ("hello", version, suite, extensions), ("retry", group), or ("closed",)."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        for data in sent:
            s.sendall(data)
        with contextlib.suppress(ConnectionError):
            while (len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big")) and (data := s.recv(65536)):
                got += data
    if len(got) < 7:
        return ("closed",)
    if got[0] == ALERT:
        return "alert", got[6]
    at = 5 + 4
    version, random, at = got[at:at + 2], got[at + 2:at + 34], at + 34
    at += 1 + got[at]
    suite, at = int.from_bytes(got[at:at + 2], "big"), at + 3
    end, found = at + 2 + int.from_bytes(got[at:at + 2], "big"), {}
    at += 2
    while at < end:
        number, n = struct.unpack(">HH", got[at:at + 4])
        found[number], at = got[at + 4:at + 4 + n], at + 4 + n
    if random == RETRY:
        return "retry", int.from_bytes(found[51], "big")
    return "hello", found.get(43, version), suite, set(found)


def is_13(got):
    """A ServerHello of TLS 1.3, with a key of its own and no earlier secret."""
    return got[0] == "hello" and got[1] == b"\x03\x04" and got[2] in SUITES and got[3] == {43, 51}


def one_at_a_time(port):
    """Everything that has a number, alone: what is ours is taken, and nothing else is."""
    for version in [0x0002, *range(0x0300, 0x0310), 0x7F1C, 0x7F12, 0xFEFD, 0xFEFC, 0x0A0A]:
        got = answered(port, hello(versions=(version,), suites=(0x1301, 0xC02B, 0xC02F, 0x002F)))
        check(is_13(got) if version == 0x0304 else got == ("alert", 70), f"version {version:04x}: {got}")
        got = answered(port, hello(drop=(43,), legacy=version, suites=(0x1301, 0xC02B, 0xC02F, 0x002F)))
        check(got in (("alert", 70), ("alert", 50), ("alert", 40)), f"legacy version {version:04x}: {got}")
    for suite in [*range(0x00C8), 0x00FF, *range(0x1300, 0x1308), 0x5600, *range(0xC001, 0xC0B0), *range(0xCCA8, 0xCCAF)]:
        got = answered(port, hello(suites=(suite,)))
        check(is_13(got) if suite in SUITES else got == ("alert", 40), f"suite {suite:04x}: {got}")
    for group in [*range(1, 42), *range(256, 262), 512, 513, 514, 0x11EB, 0x11EC, 0x11ED, 0x6399, 0xFF01, 0xFF02, 0x0A0A]:
        got = answered(port, hello(groups=(group,)))
        check(is_13(got) if group in GROUPS else got == ("alert", 40), f"group {group}: {got}")
        got = answered(port, hello(groups=(group,), shares=()))
        same(got, ("retry", group) if group in GROUPS else ("alert", 40), f"group {group} without a share")
    for scheme in [h << 8 | s for h in range(1, 7) for s in range(1, 4)] + [*range(0x0804, 0x080C), 0x081A, 0x081B, 0x081C]:
        got = answered(port, hello(signatures=(scheme,)))
        check(is_13(got) if scheme in SIGNATURES else got == ("alert", 40), f"signature {scheme:04x}: {got}")


def odd(port):
    """Old and new at once, and what contradicts itself."""
    early, psk = (42, b""), (41, vector(2, vector(2, b"ticket of yesterday") + bytes(4)) + vector(2, vector(1, bytes(32))))
    taken = {
        "older versions beside it": hello(versions=(0x0303, 0x0302, 0x0301, 0x0304, 0x0300)),
        "older suites before it": hello(suites=(0x0005, 0x002F, 0xC02F, 0x1302)),
        "a fallback that is none": hello(suites=(0x1301, 0x5600)),
        "renegotiation_info": hello(suites=(0x1301, 0x00FF), more=[(0xFF01, b"\0")]),
        "a ticket of old": hello(more=[(35, os.urandom(180))]),
        "a session to resume": hello(session=os.urandom(32)),
        "a key of before, and early data": hello(more=[early, (45, b"\1\1"), psk]),
        "a key of before without a new one": hello(more=[(45, b"\1\0"), psk]),
        "what nobody knows": hello(more=[(0x0A0A, b"x"), (0xFFFF, bytes(300))]),
        "an early_data that is alone": hello(more=[early]),
    }
    for what, sent in taken.items():
        got = answered(port, sent)
        check(is_13(got), f"{what}: TLS 1.3 and a new key: {got}")
    refused = {
        "no versions": hello(drop=(43,)), "no share": hello(drop=(51,)), "no groups": hello(drop=(10,)), "no signatures": hello(drop=(13,)),
        "an empty list of versions": hello(versions=()), "no extensions": hello(drop=(10, 13, 16, 43, 51)), "no suites": hello(suites=()),
        "compression": hello(compression=b"\1\0"), "no compression": hello(compression=b""), "versions twice": hello(more=[(43, b"\2\3\4")]),
        "shares twice": hello(more=[(51, bytes(2))]), "a key of before that is not last": hello(more=[(45, b"\1\1"), psk, (0x0A0A, b"")]),
        "a key of before without a mode": hello(more=[psk]), "a share of a group that is not listed": hello(groups=(29,), shares=(23,)),
        "a point that is none": hello(groups=(23,), drop=(51,), more=[(51, vector(2, numbers(23) + vector(2, b"\4" + bytes(64))))]),
        "a share of zeroes": hello(drop=(51,), more=[(51, vector(2, numbers(29) + vector(2, bytes(32))))]),
        "a short share": hello(drop=(51,), more=[(51, vector(2, numbers(29) + vector(2, bytes(31))))]),
        "http/1.1": hello(alpn=b"http/1.1"), "SSLv2": bytes.fromhex("802e0100020015000000100700c0030080010080") + bytes(28),
        "an alert": b"\x15\3\1\0\2\2\x28", "application data": b"\x17\3\3\0\x20" + bytes(32), "a Finished": b"\x16\3\3\0\x24\x14\0\0\x20" + bytes(32),
        "a ServerHello": hello()[:5] + b"\2" + hello()[6:], "heartbeat": b"\x18\3\3\0\3\1\x40\0",
    }
    for what, sent in refused.items():
        got = answered(port, sent)
        check(got[0] in ("alert", "closed"), f"{what}: refused: {got}")


def second_hello(port):
    """After a retry: the same hello with what was asked for, and nothing else; early data ends with it."""
    first = hello(groups=(24, 23), shares=())
    what, asked = answered(port, first)
    same(what, "retry", "a retry is asked for")
    again = {"again without a share": first, "another group": hello(groups=(24, 23), shares=({23: 24, 24: 23}[asked],)),
             "another suite": hello(groups=(24, 23), suites=(0x1302,), shares=(asked,)),
             "an older version": hello(versions=(0x0303,), groups=(24, 23), shares=(asked,)),
             "early data": hello(groups=(24, 23), shares=(asked,), more=[(42, b"")])}
    for what, second in again.items():
        with socket.create_connection(("127.0.0.1", port), 30) as s:
            s.sendall(first)
            s.recv(65536)
            s.sendall(second)
            got = b""
            with contextlib.suppress(ConnectionError):
                while data := s.recv(65536):
                    got += data
        # A record of the server's that is no alert may come first: the change of cipher that means nothing (RFC 8446 D.4).
        got = got.removeprefix(b"\x14\3\3\0\1\1")
        check(not got or got[0] == ALERT, f"after a retry {what}: refused: {got[:12].hex()}")


def log_says(a, cert, key):
    """What whoever runs an old Exchange reads at the front, and the other site's admin at the link."""
    def client(port, *words):
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *words], input=b"", capture_output=True, timeout=60)

    def says(event, text):
        until(lambda: any(text in line for line in a.lines(event)), f"{event}: {text}")

    for version in ("-tls1", "-tls1_1"):
        client(a.front, version, "-cipher", "ALL:@SECLEVEL=0")
        says("tls-failed", "speaks neither TLS 1.2 nor 1.3")
    client(a.front, "-tls1_2", "-cipher", "AES128-SHA")
    says("tls-failed", "with TLS 1.2 that is ECDHE with AES-GCM")
    client(a.front, "-tls1_3", "-groups", "ffdhe2048")
    says("tls-failed", "X25519, P-256, P-384 and P-521")
    with socket.create_connection(("127.0.0.1", a.front), 10) as s:
        s.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\n\r\n")
        s.recv(100)
    says("tls-failed", "does it speak HTTP where HTTPS is meant?")
    confused = [line for line in a.lines("tls-failed") if "TLS 1.3, and nothing older" in line or "link port" in line]
    same(confused, [], "the front is not taken for the link")
    client(a.link, "-tls1_2", "-cert", cert, "-key", key)
    says("link-refused", "does not speak TLS 1.3, and nothing older is spoken here")


with sites.pair(start=False, rules=False) as (a, b):
    cert, key, pin = raw_link.identity(a.dir.parent, "good")
    a.run("peer", "remove", "site-b")
    a.run("peer", "add", "good", "--endpoint", f"127.0.0.1:{sites.free_ports(1)[0]}", "--pin", pin)
    a.start()
    a.up(links=False)
    bridges = set(a.children("@bridge"))
    one_at_a_time(a.link)
    odd(a.link)
    second_hello(a.link)
    log_says(a, cert, key)
    link = raw_link.Link(a.link, cert, key)
    check(link.up, "the peer itself is served as ever")
    link.close()
    same(set(a.children("@bridge")), bridges, "and no process ended over it")
sites.finish()
