"""A link by hand, for tests: TLS 1.3 with Python's ssl, HTTP/2 frames byte by byte. No test itself."""
import contextlib
import socket
import ssl
import struct
import subprocess
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, DATA, RST, PING, GOAWAY = 4, 1, 0, 3, 6, 7


def identity(folder, name, *key, subject=None):
    """A self-signed certificate and its key: (certificate's path, key's path, pin)."""
    cert, secret = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", *(key or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")), "-nodes", "-keyout", secret, "-out", cert,
                    "-days", "3650", "-subj", subject or f"/CN={name}"], check=True, capture_output=True)
    return cert, secret, pin(cert)


def pin(cert):
    r = subprocess.run(f"openssl x509 -in {cert} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum", shell=True, check=True, capture_output=True, text=True)
    return "sha256:" + r.stdout.split()[0]


def context(cert=None, key=None, server=False, alpn="h2"):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLError):
        c.set_ciphers("ALL:@SECLEVEL=0")  # what is wrong with a key is the other side's to say
    if cert:
        c.load_cert_chain(cert, key)
    if alpn:
        c.set_alpn_protocols([alpn])
    return c


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def headers(*fields):
    """HPACK without a table and without Huffman."""
    return b"".join(b"\0" + bytes([len(n)]) + n.encode() + bytes([len(v)]) + v.encode() for n, v in fields)


class Link:
    """One connection to a bridge's link port. ${error}: why it is not up; ${early}: what came before it was refused."""

    def __init__(self, port, cert=None, key=None, alpn="h2", timeout=10):
        self.error, self.early, self.sock = None, b"", None
        try:
            raw = socket.create_connection(("127.0.0.1", port), timeout)
            self.sock = context(cert, key, alpn=alpn).wrap_socket(raw)
            self.sock.sendall(PREFACE + frame(SETTINGS, 0, 0))
            self.early = self.sock.recv(65536)
            if not self.early:
                self.error = "closed"
        except (OSError, ssl.SSLError) as e:
            self.error = str(e)
        self.up = not self.error

    def ask_and_wait(self, path="/availbridge.link.v1.Availability/Query"):
        """Begins a request and does not end it: so the connection stays in a process that drains."""
        self.sock.sendall(frame(HEADERS, 4, 1, headers((":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "x"),
                                                     ("te", "trailers"), ("content-type", "application/grpc"))))

    def ended_within(self, seconds):
        """Seconds until the other side closed, or None."""
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                if not self.sock.recv(65536):
                    return time.monotonic() - began
            except socket.timeout:
                return None
            except (OSError, ssl.SSLError):
                return time.monotonic() - began
        return None

    def close(self):
        if self.sock:
            self.sock.close()
