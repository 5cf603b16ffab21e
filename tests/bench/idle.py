"""What those cost who are there and ask nothing: 1,000 clients at the front, 100 peers at the link."""
import contextlib
import socket
import ssl
import subprocess
import time

import bridged
import measure
import raw_link
from sites import until

CLIENTS, PEERS, SECONDS = 1000, 100, 5
QUESTION = raw_link.headers((":method", "POST"), (":scheme", "https"), (":path", "/grpc.health.v1.Health/Check"), (":authority", "idle"),
                            ("te", "trailers"), ("content-type", "application/grpc"))


def keys(folder, n):
    """A P-256 key with a certificate, and its pin."""
    key, cert = folder / f"{n}.key", folder / f"{n}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN=idle{n}", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    spki = subprocess.run(f"openssl x509 -in {cert} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", shell=True, check=True, capture_output=True)
    return key, cert, spki.stdout.decode().split()[0]


def connect(port, key=None, cert=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if key:
        context.load_cert_chain(cert, key)
        context.set_alpn_protocols(["h2"])
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="localhost")
    if key:
        ask(s)
    return s


def ask(s):
    """One question of a peer, as they have all asked before they wait: to the end of its answer (RFC 9113 4.1: length, type, flags, stream)."""
    s.sendall(raw_link.PREFACE + raw_link.frame(raw_link.SETTINGS, 0, 0) + raw_link.frame(raw_link.HEADERS, 4, 1, QUESTION)
              + raw_link.frame(raw_link.DATA, 1, 1, bytes(5)))
    data, last = b"", False
    while not last:
        more = s.recv(4096)
        if not more:
            raise RuntimeError("a peer was cut off")
        data += more
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            kind, flags, data = data[3], data[4], data[9 + int.from_bytes(data[:3], "big"):]
            last = last or (kind == raw_link.HEADERS and flags & 1)


def log_in(site):
    """A client that has asked once, as they do before they wait."""
    s = connect(site.front)
    s.sendall(f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bridged.login(site)}\r\nContent-Length: 0\r\n\r\n".encode())
    if not s.recv(4000).startswith(b"HTTP/1.1 "):
        raise RuntimeError("no answer")
    return s


def settled(site):
    """KiB that the site's processes have, when what a connection's beginning took has been given back."""
    until(lambda: site.run("status", "--json") and True, "it answers")
    time.sleep(2)  # nothing tells when all is given back; this is a measurement and no test
    return measure.resident([site.process.pid])


def cost(plan, name, site, count, make):
    made = [make(0)]  # what the first one brings along is not counted
    before = settled(site)
    made += [make(i) for i in range(1, count)]
    each = (settled(site) - before) / (count - 1)
    began, cpu = time.monotonic(), measure.cpu([site.process.pid])
    time.sleep(SECONDS)
    busy = (measure.cpu([site.process.pid]) - cpu) / 1e6 / (time.monotonic() - began)
    for s in made:  # one that was cut off meanwhile would cost nothing
        s.setblocking(False)
        with contextlib.suppress(ssl.SSLWantReadError):
            while s.recv(4000):
                pass
            raise RuntimeError(f"an idle {name} was cut off")
    plan.note(f"idle-{name}-kib", each, each, f"KiB for each of {count}")
    plan.note(f"idle-{name}-ms-per-second", busy, busy, f"ms of CPU a second, {count} of them")


def idle(plan):
    folder = plan.place("idle")
    people = [keys(folder, n) for n in range(PEERS)]

    def prepare(a, b):
        a.set("idle_seconds", 3600)  # they are looked at when all of them are there
        for n, (_, _, pin) in enumerate(people):
            (a.dir / f"peers.d/idle{n}.conf").write_text(f"enabled yes\ndial in\npin sha256:{pin}\n")

    with bridged.pair(prepare) as (a, b), contextlib.ExitStack() as open_ones:
        began, cpu = time.monotonic(), measure.cpu([a.process.pid])
        time.sleep(SECONDS)
        busy = (measure.cpu([a.process.pid]) - cpu) / 1e6 / (time.monotonic() - began)
        plan.note("idle-nobody-ms-per-second", busy, busy, "ms of CPU a second of a site that nobody talks to")
        cost(plan, "client", a, CLIENTS, lambda n: open_ones.enter_context(log_in(a)))
        cost(plan, "peer", a, PEERS, lambda n: open_ones.enter_context(connect(a.link, *people[n][:2])))
