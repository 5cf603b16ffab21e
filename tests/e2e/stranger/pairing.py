"""Both sides of pairing once more, from docs/pairing.md alone, in Python: honest where a test wants it so, and not where it does not."""
import base64
import hashlib
import hmac
import pathlib
import re
import socket
import struct

from OpenSSL import SSL, crypto

ALPN = b"availbridge-pair/1"
ACCEPT, ANSWER, AGREED, DONE, REFUSED = 1, 2, 3, 4, 15
LABELS = {ACCEPT: b"accept", ANSWER: b"answer", AGREED: b"agreed", DONE: b"done"}
ROOT = pathlib.Path(__file__).resolve().parents[3]
WORDS = re.findall(r'"([a-z]+)"', (ROOT / "pki/words.c").read_text().split("{", 1)[1])


def word(s):
    return bytes([len(s)]) + s.encode()


def words(list_):
    return bytes([len(list_)]) + b"".join(map(word, list_))


def take_word(b):
    return b[1:1 + b[0]].decode(), b[1 + b[0]:]


def take_words(b):
    found, n, b = [], b[0], b[1:]
    for _ in range(n):
        one, b = take_word(b)
        found.append(one)
    return found, b


class Invitation:
    def __init__(self, id_, secret, pin, expires, site, endpoints, domains):
        self.id, self.secret, self.pin, self.expires, self.site, self.endpoints, self.domains = id_, secret, pin, expires, site, endpoints, domains

    @classmethod
    def read(cls, text):
        body = text.removeprefix("avb1:")
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        record, check = raw[:-4], raw[-4:]
        assert hashlib.sha256(hashlib.sha256(record).digest()).digest()[:4] == check
        site, rest = take_word(record[64:])
        endpoints, rest = take_words(rest)
        domains, rest = take_words(rest)
        assert not rest
        return cls(record[:8], record[8:24], record[24:56], struct.unpack("<Q", record[56:64])[0], site, endpoints, domains)

    def record(self):
        return self.id + self.secret + self.pin + struct.pack("<Q", self.expires) + word(self.site) + words(self.endpoints) + words(self.domains)

    def text(self):
        record = self.record()
        check = hashlib.sha256(hashlib.sha256(record).digest()).digest()[:4]
        return "avb1:" + base64.urlsafe_b64encode(record + check).decode().rstrip("=")


def pin_of(cert):
    key = crypto.dump_publickey(crypto.FILETYPE_ASN1, cert.get_pubkey())
    return hashlib.sha256(key).digest()


def code_of(host_pin, guest_pin, exporter):
    return " ".join(WORDS[b] for b in hashlib.sha256(b"availbridge pairing 1 code\0" + host_pin + guest_pin + exporter).digest()[:6])


class Side:
    """A TLS connection and what was said on it."""

    def __init__(self, sock, identity, server=False, alpn=ALPN):
        ctx = SSL.Context(SSL.TLS_METHOD)
        ctx.set_min_proto_version(SSL.TLS1_3_VERSION)
        ctx.use_certificate_file(identity.cert_path)
        ctx.use_privatekey_file(identity.key_path)
        ctx.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        if server:
            ctx.set_alpn_select_callback(lambda _, offered: alpn if alpn in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
        else:
            ctx.set_alpn_protos([alpn])
        sock.settimeout(None)
        self.conn = SSL.Connection(ctx, sock)
        (self.conn.set_accept_state if server else self.conn.set_connect_state)()
        self.conn.do_handshake()
        self.own = pin_of(crypto.load_certificate(crypto.FILETYPE_PEM, identity.cert))
        self.other = pin_of(self.conn.get_peer_certificate())
        self.exporter = self.conn.export_keying_material(b"EXPORTER-availbridge-pairing", 32)
        self.server = server

    @classmethod
    def guest(cls, endpoint, identity, **more):
        host, port = endpoint.rsplit(":", 1)
        return cls(socket.create_connection((host, int(port)), timeout=20), identity, **more)

    def start(self, inv, exporter=None, host_pin=None, guest_pin=None):
        pins = (host_pin or self.own) + (guest_pin or self.other) if self.server else (host_pin or self.other) + (guest_pin or self.own)
        self.secret = inv.secret
        self.said = b"availbridge pairing 1\0" + hashlib.sha256(inv.record()).digest() + (exporter or self.exporter) + pins

    def frame(self, type_, body=b""):
        """A frame with its proof, as it would be sent; it counts as said."""
        head = struct.pack("<IB", len(body) + 33, type_) + body
        self.said += head
        proof = hmac.digest(self.secret, b"availbridge pairing 1 " + LABELS[type_] + b"\0" + self.said, "sha256")
        self.said += proof
        return head + proof

    def send(self, raw):
        self.conn.sendall(raw)

    def read(self, n):
        out = b""
        while len(out) < n:
            out += self.conn.recv(n - len(out))
        return out

    def hear(self, type_):
        """The body of the frame TYPE_ whose proof is right. A refusal raises its sentence."""
        head = self.read(4)
        rest = self.read(struct.unpack("<I", head)[0])
        if rest[0] == REFUSED:
            raise Refused(rest[1:].decode())
        assert rest[0] == type_, f"{rest[0]} came instead of {type_}"
        self.said += head + rest[:-32]
        proof = hmac.digest(self.secret, b"availbridge pairing 1 " + LABELS[type_] + b"\0" + self.said, "sha256")
        self.said += rest[-32:]
        assert hmac.compare_digest(proof, rest[-32:]), "the other side's proof is wrong"
        return rest[1:-32]

    def code(self):
        return code_of(self.own, self.other, self.exporter) if self.server else code_of(self.other, self.own, self.exporter)

    def close(self):
        self.conn.sock_shutdown(socket.SHUT_RDWR) if hasattr(self.conn, "sock_shutdown") else None
        self.conn.close()


class Refused(Exception):
    pass


def offer(inv, site, endpoints, domains):
    return inv.id + word(site) + words(endpoints) + words(domains)


def accept(endpoint, identity, inv, site, endpoints, domains, between=None, **start):
    """An honest guest, but for what START changes. Returns the six words."""
    side = Side.guest(endpoint, identity)
    side.start(inv, **start)
    side.send(side.frame(ACCEPT, offer(inv, site, endpoints, domains)))
    side.hear(ANSWER)
    if between:
        between()
    side.send(side.frame(AGREED))
    side.hear(DONE)
    return side.code()


def host(listener, identity, inv):
    """An honest host for one guest. Returns the six words."""
    sock, _ = listener.accept()
    side = Side(sock, identity, server=True)
    side.start(inv)
    side.hear(ACCEPT)
    side.send(side.frame(ANSWER))
    side.hear(AGREED)
    side.send(side.frame(DONE))
    return side.code()
