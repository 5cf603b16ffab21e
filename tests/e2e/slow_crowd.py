"""Crowds without a login at the front's door: more than there are places, slow in each way at once and coming again as soon as they are put out; handshakes without
end, and handshakes that are broken off. Whoever wants an answer gets it each time, and nothing of the crowd is left in the process."""
import contextlib
import re
import socket
import ssl
import struct
import subprocess
import threading

import sites
from sites import check, codes, descriptors, own_memory, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
PLACES, OF_ADDRESS, ADDRESSES = 160, 40, 8  # there are twice as many in the crowd as the front has places
ASKED = 25
SOME = 1024  # KiB: of 320 half-open connections each with its TLS, or 1,200 that left something, it would be several times as much


def client_hello(a):
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        a.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


class Slow:
    """One of the crowd, which goes as far as ${way} says, and then no further."""

    def __init__(self, a, way, address, hello):
        self.sock = socket.create_connection(("127.0.0.1", a.front), 20, source_address=(address, 0))
        with contextlib.suppress(OSError):
            if way == "half a hello":
                self.sock.sendall(hello[:60])
            elif way == "half a handshake":
                self.sock.sendall(hello)
            elif way != "nothing":
                self.sock = a.context().wrap_socket(self.sock, server_hostname="localhost")
                if way == "half a head":
                    self.sock.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: a\r\nX: ")
                elif way == "a body that is not read":
                    self.sock.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n<")

    def is_out(self):
        """True if the front has closed it."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(65536):
                pass
            return not data
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True


WAYS = ("nothing", "half a hello", "half a handshake", "a handshake and nothing", "half a head", "a body that is not read")


def crowd(a, hello, stop, members):
    """Fills all places, and comes again for each that is put out."""
    def one(i):
        members[i] = Slow(a, WAYS[i % len(WAYS)], f"127.0.4.{1 + i % ADDRESSES}", hello)

    while not stop.is_set():
        for i in range(2 * PLACES):
            if stop.is_set():
                return
            if not members.get(i) or members[i].is_out():
                with contextlib.suppress(OSError):
                    one(i)


def slow_in_each_way(a, hello):
    stop, members = threading.Event(), {}
    coming = threading.Thread(target=crowd, args=(a, hello, stop, members))
    coming.start()
    until(lambda: len(members) == 2 * PLACES, "the crowd is there", 60)
    got = [codes(a.ask("anna@a.example")) for _ in range(ASKED)]
    same([g for g in got if g != ["NoError"]], [], "each new connection beside it is answered")
    check(a.lines("front-full"), "all places were taken")
    stop.set()
    coming.join()
    for m in members.values():
        m.sock.close()


def flood(a):
    """Handshakes as fast as a machine can."""
    runs = [subprocess.Popen(["openssl", "s_time", "-connect", f"127.0.0.1:{a.front}", "-new", "-time", "3", "-CAfile", a.ca], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for _ in range(4)]
    got = []
    while any(r.poll() is None for r in runs):
        got.append(codes(a.ask("anna@a.example")))
    same([g for g in got if g != ["NoError"]], [], "each question beside a flood of handshakes is answered")
    made = sum(int(n) for r in runs for n in re.findall(rb"(\d+) connections in", r.stdout.read()))
    check(got and made > 20, f"{len(got)} answers beside {made} handshakes")


def costly(a):
    """A stranger chooses how the keys are agreed on, but not at our cost: ffdhe8192 takes a hundred milliseconds, before anybody has said who it is."""
    for port, alpn in ((a.front, "http/1.1"), (a.link, "h2")):
        for version in ("-tls1_2", "-tls1_3") if port == a.front else ("-tls1_3",):
            for group, taken in (("ffdhe2048", False), ("ffdhe8192", False), ("X448", False), ("X25519", True), ("P-256", True), ("P-384", True), ("P-521", True)):
                r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-alpn", alpn, "-groups", group], input=b"", capture_output=True, timeout=60)
                same(b" Temp Key: " in r.stdout, taken, f"{group} at {alpn}, {version}")
        r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", "DHE:kRSA"], input=b"", capture_output=True, timeout=60)
        check(b"Cipher is (NONE)" in r.stdout, f"nothing without elliptic curves at {alpn}")


def broken_off(a, hello, pid):
    """Waves of handshakes that end at each step, by a close, a reset or an alert: none leaves anything."""
    def wave():
        for i in range(300):
            with socket.create_connection(("127.0.0.1", a.front), 20, source_address=(f"127.0.5.{1 + i % ADDRESSES}", 0)) as s:
                if i % 5:
                    s.sendall(hello[:len(hello) * (i % 5) // 4])
                if i % 5 == 4:
                    s.recv(1 + i * 16)
                if i % 3 == 0:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif i % 3 == 1:
                    with contextlib.suppress(OSError):
                        s.sendall(b"\x15\x03\x03\0\2\2\x28")
        same(codes(a.ask("anna@a.example")), ["NoError"], "an answer behind a wave")

    fds = descriptors([pid])
    wave()
    until(lambda: descriptors([pid]) <= fds, "no descriptor stays")
    first = own_memory(pid)
    for _ in range(4):
        wave()
    until(lambda: descriptors([pid]) <= fds, "no descriptor stays")
    if "asan" not in sites.PROGRAM:
        check(own_memory(pid) <= first + SOME, f"no memory stays: {first} KiB behind the first wave, {own_memory(pid)} behind the fifth")


def half_open(a, pid):
    """Five thousand who connect and say nothing, as many at a time as there are places: what they took is given back."""
    if "asan" in sites.PROGRAM:
        return
    before, most, open_now = own_memory(pid), 0, []
    for i in range(5000):
        open_now.append(socket.create_connection(("127.0.0.1", a.front), 20, source_address=(f"127.0.6.{1 + i % ADDRESSES}", 0)))
        if len(open_now) > 2 * PLACES:
            open_now.pop(0).close()
        most = max(most, own_memory(pid)) if i % 100 == 0 else most
    same(codes(a.ask("anna@a.example")), ["NoError"], "an answer beside them")
    for s in open_now:
        s.close()
    check(most < before + SOME, f"they take next to nothing: {before} KiB before, {most} with them")
    until(lambda: own_memory(pid) <= before + SOME, f"and less when they are gone: {before} KiB before, {own_memory(pid)} after")


with sites.pair(a_settings={"max_connections": PLACES, "max_connections_per_address": OF_ADDRESS}) as (a, b):
    a.calendar("anna", NINE)
    until(lambda: codes(a.ask("anna@a.example")) == ["NoError"], "the first answer")
    [pid] = a.children("@bridge")
    hello = client_hello(a)
    half_open(a, pid)  # first: later there is memory that others left
    slow_in_each_way(a, hello)
    costly(a)
    flood(a)
    broken_off(a, hello, pid)
    same(list(a.children("@bridge")), [pid], "the same process serves")
sites.finish()
