"""Wrong certificates, wrong peers: in both directions the link stays shut, and the log says why in a sentence; whatever is odd about a certificate with
the pinned key does not count. And what the link's TLS refuses, seen from outside."""
import base64
import contextlib
import datetime
import hashlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading

import raw_link
import sites
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sites import check, descriptors, same, until

NOW = datetime.datetime(2026, 3, 1)
DAY = datetime.timedelta(days=1)


def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def certificate(key, cn, issuer=None, issuer_key=None, start=NOW - 400 * DAY, end=NOW + 4000 * DAY, usage=None, ca=False, serial=None, more=()):
    b = x509.CertificateBuilder().subject_name(name(cn)).issuer_name(issuer.subject if issuer else name(cn)).public_key(key.public_key())
    b = b.serial_number(serial or x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    b = b.add_extension(x509.BasicConstraints(ca, None), True)
    if usage:
        b = b.add_extension(x509.ExtendedKeyUsage([usage]), True)
    for extension in more:
        b = b.add_extension(extension, False)
    signer = issuer_key or key
    return b.sign(signer, None if isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256())


def pem(*certs):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certs)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def half_key(private, public):
    """An EC key file whose two halves belong to different keys: libraries that compare only the public half with the certificate take it."""
    secret = private.private_numbers().private_value.to_bytes(32, "big")
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    inner = b"\x02\x01\x01\x04\x20" + secret + bytes.fromhex("a00a06082a8648ce3d030107") + b"\xa1\x44\x03\x42\x00" + point
    der = b"\x30" + bytes([len(inner)]) + inner
    return b"-----BEGIN EC PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END EC PRIVATE KEY-----\n"


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


class Case:
    """A peer that shows ${chain} with ${key}; its pin at our site is that of ${pinned}. ${why}: what the log says, None if the link opens."""

    def __init__(self, folder, name, chain, key, pinned, why, as_client=None):
        self.name, self.why, self.as_client = name, why, as_client or why
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self.cert.write_bytes(chain)
        self.key.write_bytes(key)
        self.pin = "sha256:" + hashlib.sha256(spki(pinned)).hexdigest()
        self.server = socket.create_server(("127.0.0.1", sites.free_ports(1)[0]))
        self.port = self.server.getsockname()[1]
        self.context = raw_link.context(self.cert, self.key, server=True)
        self.context.verify_mode = ssl.CERT_NONE
        self.said = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.server.accept()
                threading.Thread(target=self.answer, args=(raw,), daemon=True).start()

    def answer(self, raw):
        with contextlib.suppress(OSError, ssl.SSLError):
            raw.settimeout(60)
            s = self.context.wrap_socket(raw, server_side=True)
            s.sendall(raw_link.frame(raw_link.SETTINGS, 0, 0))
            while data := s.recv(65536):
                self.said += data


def cases(folder):
    def case(n, chain, key, pinned, why, as_client=None):
        return Case(folder, n, chain, key if isinstance(key, bytes) else key_pem(key), pinned, why, as_client)

    root, middle, other, weak = new_key(), new_key(), new_key(), rsa.generate_private_key(65537, 1024)
    root_cert = certificate(root, "Example Public CA", ca=True)
    middle_cert = certificate(middle, "Example Issuing CA", root_cert, root, ca=True)
    keys = [new_key() for _ in range(12)]
    own = r"its pin here is sha256:"
    der = certificate(keys[3], "nul-name.evil").public_bytes(serialization.Encoding.DER).replace(b"nul-name.evil", b"nul-name\0evil")
    nul = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    sha1, sha1_key = folder / "made.pem", folder / "made.key"
    sha1_key.write_bytes(key_pem(keys[4]))
    subprocess.run(["openssl", "req", "-x509", "-sha1", "-key", sha1_key, "-out", sha1, "-days", "99", "-subj", "/CN=sha1"], check=True, capture_output=True)
    return [
        case("same-name", pem(certificate(keys[0], "same-name")), keys[0], other, own, "it calls itself same-name, whose pin here is"),
        case("public-ca", pem(certificate(keys[1], "public-ca", middle_cert, middle), middle_cert, root_cert), keys[1], new_key(), own,
             "it calls itself public-ca, whose pin here is"),
        case("two-halves", pem(certificate(keys[2], "two-halves")), half_key(other, keys[2].public_key()), keys[2],
             "does not hold the key of the certificate that it shows"),
        case("nul-name", nul, keys[3], new_key(), own, "is the pin of no enabled peer here"),
        case("sha1", sha1.read_bytes(), keys[4], keys[4], "signed with a hash as weak as SHA-1"),
        case("rsa-1024", pem(certificate(weak, "rsa-1024")), weak, weak, "is pinned but too weak"),
        case("huge-chain", pem(certificate(keys[5], "huge-chain"), *[certificate(root, "x" * 60, ca=True) for _ in range(120)]), keys[5], keys[5],
             "more than is taken in a TLS handshake"),
        case("expired", pem(certificate(keys[6], "expired", start=NOW - 800 * DAY, end=NOW - 700 * DAY)), keys[6], keys[6], None),
        case("not-yet", pem(certificate(keys[7], "not-yet", start=NOW + 9000 * DAY, end=NOW + 9100 * DAY)), keys[7], keys[7], None),
        case("wrong-usage", pem(certificate(keys[8], "wrong-usage", usage=ExtendedKeyUsageOID.CODE_SIGNING)), keys[8], keys[8], None),
        case("other-issuer", pem(certificate(keys[9], "somebody else", middle_cert, middle), middle_cert), keys[9], keys[9], None),
        case("a-ca", pem(certificate(keys[10], "a-ca", ca=True)), keys[10], keys[10], None),
    ]


# What somebody with ${key} shows in the place of ${right}, whose certificate they have.


def words(certificate_of):
    return {"start": certificate_of.not_valid_before, "end": certificate_of.not_valid_after, "serial": certificate_of.serial_number}


def copied(cn, of, right, key):
    return pem(certificate(key, cn, more=[x509.SubjectKeyIdentifier.from_public_key(right.public_key())], **words(of)))


def beside(cn, of, right, key):
    return pem(certificate(key, cn, **words(of)), of)


def issued(cn, of, right, key):
    return pem(certificate(key, cn, of, more=[x509.AuthorityKeyIdentifier.from_issuer_public_key(right.public_key())]), of)


def inside(cn, of, right, key):
    return pem(certificate(key, cn, more=[x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), spki(right))], **words(of)))


def trusted(cn, of, right, key):
    root = new_key()
    root_cert = certificate(root, "Example Public CA", ca=True)
    return pem(certificate(key, cn, root_cert, root, **words(of)), root_cert)


def parts_of_right_keys():
    """The right point mirrored, and the right modulus with another exponent: (right key, the other)."""
    right = new_key()
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    yield right, ec.derive_private_key(order - right.private_numbers().private_value, ec.SECP256R1())
    right = rsa.generate_private_key(65537, 2048)
    p, q, e = right.private_numbers().p, right.private_numbers().q, 65539
    d = pow(e, -1, (p - 1) * (q - 1))
    yield right, rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q)).private_key()


def impostors(folder):
    """Those who copy what they can of a right certificate, by every kind of key, and have not its own."""
    def case(cn, chain, key, right):
        return Case(folder, cn, chain, key_pem(key), right, "its pin here is sha256:", f"it calls itself {cn}, whose pin here is")

    keys = {"p256": new_key(), "p384": ec.generate_private_key(ec.SECP384R1()), "p521": ec.generate_private_key(ec.SECP521R1()),
            "rsa2048": rsa.generate_private_key(65537, 2048), "rsa3072": rsa.generate_private_key(65537, 3072),
            "ed25519": ed25519.Ed25519PrivateKey.generate(), "ed448": ed448.Ed448PrivateKey.generate()}
    for curve in (ec.SECP256R1(), ec.SECP384R1()):
        for kind, key in keys.items():
            for how in (copied, beside, issued, inside, trusted):
                cn, right = f"{how.__name__}-{curve.name}-{kind}", ec.generate_private_key(curve)
                yield case(cn, how(cn, certificate(right, cn), right, key), key, right)
    odd = (dict(serial=1), dict(serial=2 ** 158), dict(start=NOW - 20000 * DAY, end=NOW + 900000 * DAY), dict(start=NOW, end=NOW), dict(ca=True),
           dict(issuer_key=new_key()), dict(usage=ExtendedKeyUsageOID.SERVER_AUTH), dict(usage=ExtendedKeyUsageOID.CLIENT_AUTH),
           dict(more=[x509.SubjectAlternativeName([x509.DNSName("*"), x509.DNSName("site-a")])]),
           dict(more=[x509.TLSFeature([x509.TLSFeatureType.status_request])]))
    for n, how in enumerate(odd):
        yield case(f"odd-{n}", pem(certificate(keys["p256"], f"odd-{n}", **how)), keys["p256"], new_key())
    for n, (right, other) in enumerate(parts_of_right_keys()):
        yield case(f"part-{n}", pem(certificate(other, f"part-{n}")), other, right)


def both_directions(a, all_cases):
    def has(text, *more):
        return any(text in line and all(m in line for m in more) for line in a.lines("link-failed") + a.lines("link-refused"))

    for c in all_cases:
        # As its client: our bridge dialled it all along.
        if c.why:
            until(lambda: any(c.why in line for line in a.lines("link-failed") if f"peer={c.name}" in line), f"{c.name}: the log of the side that dials says: {c.why}")
            same(c.said, b"", f"{c.name}: as server it heard no byte of HTTP/2")
            check(f"peer {c.name}: up" not in a.run("status"), f"{c.name}: it is not up")
        else:
            until(lambda: f"peer {c.name}: up" in a.run("status"), f"{c.name}: the pinned key opens, as server")
        # As its server: it dials us.
        link = raw_link.Link(a.link, c.cert, c.key)
        same((link.up, link.early == b""), (not c.why, bool(c.why)), f"{c.name}: as client ({link.error})")
        link.close()
        if c.why:
            until(lambda: any(c.as_client in line for line in a.lines("link-refused")), f"{c.name}: the log of the side that is dialled says: {c.as_client}")
        else:
            until(lambda: any(f"peer={c.name}" in line for line in a.lines("link-accepted")), f"{c.name}: the pinned key opens, as client")
    link = raw_link.Link(a.link)
    check(not link.up and link.early == b"", f"no certificate: refused: {link.error}")
    until(lambda: has("showed no certificate"), "no certificate: the log says so")


def swapped(a, all_cases):
    """Two endpoints the wrong way round: each is somebody we know, and not who was called."""
    one, two = [c for c in all_cases if c.name in ("expired", "not-yet")]
    a.run("peer", "set", one.name, "--endpoint", f"127.0.0.1:{two.port}")
    a.run("peer", "set", two.name, "--endpoint", f"127.0.0.1:{one.port}")
    a.run("reload")
    for c, other in ((one, two), (two, one)):
        until(lambda: any(f"the pin of {other.name} here" in line and "swapped?" in line for line in a.lines("link-failed") if f"peer={c.name}" in line),
              f"{c.name}: the log says that the endpoints are swapped")
        check(f"peer {c.name}: up" not in a.run("status"), "and it is not up")


def openssl(a, cert, key, *words, stdin=b""):
    r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{a.link}", "-cert", cert, "-key", key, *words], input=stdin, capture_output=True, timeout=60)
    return (r.stdout + r.stderr).decode(errors="replace")


def from_outside(a, good, folder):
    for version in ("-tls1_2", "-tls1_1", "-tls1"):
        got = openssl(a, good.cert, good.key, version, "-alpn", "h2", "-cipher", "ALL:@SECLEVEL=0")
        check("New, (NONE)" in got or "no protocols available" in got or "Cipher is (NONE)" in got, f"{version}: no connection: {got[-300:]}")
    until(lambda: any("does not speak TLS 1.3" in line for line in a.lines("link-refused")), "and the log says that it is too old")
    got = openssl(a, good.cert, good.key, "-alpn", "h2", "-sess_out", str(folder / "session"))
    check("TLSv1.3" in got and "Cipher is TLS_" in got, f"TLS 1.3 it is: {got[-300:]}")
    check("Session-ID" not in got or "New Session Ticket" not in got, "no ticket is given")
    check("Max Early Data: 0" in got or "Early data was not sent" in got, "no early data")
    check("Secure Renegotiation IS NOT supported" in got or "This TLS version forbids renegotiation" in got, "no renegotiation")
    check(not (folder / "session").exists() or "Reused, TLSv1.3" not in openssl(a, good.cert, good.key, "-alpn", "h2", "-sess_in", str(folder / "session")), "no resumption")
    for alpn in ("http/1.1", "h3"):
        check(not raw_link.Link(a.link, good.cert, good.key, alpn=alpn).up, f"no ALPN {alpn}")
    # Garbage, half a handshake, silence: closed, and nobody else is held up.
    hello = client_hello(good)
    for what, sent in (("garbage", os.urandom(4000)), ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("a record that claims too much", b"\x16\x03\x01\xff\xff" + b"x" * 100),
                       ("a hello, then garbage", hello + os.urandom(2000)), ("a hello cut in the middle", hello[:-40])):
        s = socket.create_connection(("127.0.0.1", a.link), 60)
        with contextlib.suppress(OSError):
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(ConnectionError):
            while data := s.recv(65536):
                got += data
        check(b"HTTP" not in got, f"{what}: closed")
        s.close()
    for cut in range(0, len(hello), 23):
        with socket.create_connection(("127.0.0.1", a.link), 60) as s:
            s.sendall(hello[:cut])
    # Half a handshake that just stops: it has ten seconds.
    s = socket.create_connection(("127.0.0.1", a.link), 60)
    s.sendall(hello)
    link = raw_link.Link(a.link, good.cert, good.key)
    check(link.up, "meanwhile others are served")
    link.close()
    s.settimeout(60)
    with contextlib.suppress(ConnectionError):
        while s.recv(65536):
            pass
    s.close()
    until(lambda: any("not done within 10 seconds" in line or "within 10 s" in line for line in a.lines("link-refused")), "half a handshake is given ten seconds")
    check(a.is_up(links=False) and not any("level=warn" in line for line in a.lines("process-ended")), "and no process ended over it all")


class Cut:
    """A connection whose first ${n} bytes towards the link are let through, and then it is closed there; the other way all of it."""

    def __init__(self, port, n):
        self.near, far = socket.socketpair()
        self.target, self.left, self.heard = socket.create_connection(("127.0.0.1", port), 60), n, 0
        self.far = far
        self.threads = [threading.Thread(target=self.to_link, daemon=True), threading.Thread(target=self.from_link, daemon=True)]
        for t in self.threads:
            t.start()

    def to_link(self):
        with contextlib.suppress(OSError):
            while data := self.far.recv(65536):
                self.heard += len(data)
                self.target.sendall(data[:self.left])
                self.left -= min(self.left, len(data))
                if not self.left:
                    break
        with contextlib.suppress(OSError):
            self.target.shutdown(socket.SHUT_WR)

    def from_link(self):
        with contextlib.suppress(OSError):
            while data := self.target.recv(65536):
                self.far.sendall(data)
        for s in (self.target, self.far):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def talk(self, good):
        """Handshake, SETTINGS and a PING, as far as it goes."""
        self.near.settimeout(60)
        with contextlib.suppress(OSError, ssl.SSLError):
            s = raw_link.context(good.cert, good.key).wrap_socket(self.near)
            s.sendall(raw_link.PREFACE + raw_link.frame(raw_link.SETTINGS, 0, 0) + raw_link.frame(raw_link.PING, 0, 0, b"12345678"))
            while s.recv(65536):
                pass
        self.near.close()
        for t in self.threads:
            t.join(60)
        return not any(t.is_alive() for t in self.threads)


def cut_everywhere(a, good):
    """A real exchange, cut behind every single byte of what the peer sends: each time the bridge closes, and nothing is left of it."""
    whole = Cut(a.link, 1 << 20)
    probe = raw_link.context(good.cert, good.key)
    whole.near.settimeout(60)
    s = probe.wrap_socket(whole.near)
    s.sendall(raw_link.PREFACE + raw_link.frame(raw_link.SETTINGS, 0, 0) + raw_link.frame(raw_link.PING, 0, 0, b"12345678"))
    s.recv(65536)
    length = whole.heard
    s.close()
    check(length > 600, f"an exchange was recorded: {length} bytes")
    bridges, before = sorted(a.children("@bridge")), descriptors(a.children("@bridge"))
    hung = [n for n in range(length) if not Cut(a.link, n).talk(good)]
    same(hung, [], f"cut behind each of {length} bytes: closed")
    until(lambda: descriptors(a.children("@bridge")) <= before, "no descriptor is left of it")
    same(sorted(a.children("@bridge")), bridges, "the same process serves")
    link = raw_link.Link(a.link, good.cert, good.key)
    check(link.up, "and it does serve")
    link.close()


def client_hello(good):
    """The first bytes that a real client sends."""
    out = ssl.MemoryBIO()
    o = raw_link.context(good.cert, good.key).wrap_bio(ssl.MemoryBIO(), out)
    with contextlib.suppress(ssl.SSLWantReadError):
        o.do_handshake()
    return out.read()


def keys_at_rest(a):
    """A key that others may read is refused at the start, and at a reload; a process with a key shows its memory to nobody."""
    for role in ("@bridge", None):
        for pid, what in a.children(role).items() if role else [(a.process.pid, "supervisor")]:
            # Not dumpable: what /proc shows of it is root's.
            same(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"{what}: not dumpable")
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            check(re.search(r"Max core file size\s+0\s+0", limits), f"{what}: no core dump")
            if os.geteuid() == 0:
                r = subprocess.run(["/usr/bin/python3", "-c", f"import os\nos.setgid({NOBODY})\nos.setuid({NOBODY})\nopen('/proc/{pid}/mem', 'rb')"], capture_output=True, text=True)
                check(r.returncode and "Permission" in r.stderr, f"{what}: its memory is nobody else's: {r.stderr[-100:]}")
    key = a.dir / "identity.key"
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "reload"], capture_output=True, text=True)
        check(r.returncode == 1 and "identity.key" in r.stderr and "chmod 600" in r.stderr, f"mode {mode:o}: a reload says no: {r.stderr}")
    a.stop()
    a.start()
    same(a.process.wait(60), 1, "a start says no")
    check("identity.key" in a.log()[-2000:] and "chmod 600" in a.log()[-2000:], "and why")
    key.chmod(0o600)


NOBODY = 65534
with sites.pair(start=False, rules=False) as (a, b):
    folder = a.dir.parent
    a.run("peer", "remove", "site-b")
    all_cases = cases(folder) + list(impostors(folder))
    check(sum(bool(c.why) for c in all_cases) >= 75, f"wrong certificates: {sum(bool(c.why) for c in all_cases)}")
    for c in all_cases:  # as `peer add` writes them, which would take a while for so many
        (a.dir / "peers.d" / f"{c.name}.conf").write_text(f"enabled yes\nendpoint 127.0.0.1:{c.port}\npin {c.pin}\n")
    a.start()
    a.up(links=False)
    both_directions(a, all_cases)
    swapped(a, all_cases)
    from_outside(a, next(c for c in all_cases if c.name == "a-ca"), folder)
    cut_everywhere(a, next(c for c in all_cases if c.name == "a-ca"))
    keys_at_rest(a)
sites.finish()
