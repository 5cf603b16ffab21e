"""HTTP/1.1 to the letter of RFC 9112 where laxness would let two readers see two requests; and what real clients do is taken."""
import base64
import http.client
import re
import socket
import ssl
import warnings

import sites
from sites import check, codes, same, until


def connect(a, **options):
    context = a.context()
    for name, value in options.items():
        getattr(context, name)(value) if callable(getattr(context, name, None)) else setattr(context, name, value)
    raw = socket.create_connection(("localhost", a.front), timeout=30)
    return context.wrap_socket(raw, server_hostname="localhost")


def speak(a, data, **options):
    """All that comes back until the front closes, and whether it did."""
    got = b""
    with connect(a, **options) as s:
        s.sendall(data)
        s.settimeout(30)
        try:
            while chunk := s.recv(65536):
                got += chunk
        except TimeoutError:
            return got, False
        except (ssl.SSLError, ConnectionError):
            pass
    return got, True


with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    body = sites.request(["anna@a.example"]).encode()
    login = b"Authorization: Basic " + base64.b64encode(f"anna:{a.password}".encode()) + b"\r\n"
    n = str(len(body)).encode()
    start = b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n" + login
    second = b"GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n"

    good, closed = speak(a, start + b"Connection: close\r\nContent-Length: " + n + b"\r\n\r\n" + body)
    check(good.startswith(b"HTTP/1.1 200 ") and b"FreeBusyResponse" in good and closed, "a good request, and the close that it asked for")

    bad = {
        "Content-Length and Transfer-Encoding": b"Content-Length: " + n + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
        "two different Content-Lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + second,
        "a list of Content-Lengths": b"Content-Length: 5, 6\r\n\r\nhello" + second,
        "a signed Content-Length": b"Content-Length: +5\r\n\r\nhello" + second,
        "a hex Content-Length": b"Content-Length: 0x5\r\n\r\nhello" + second,
        "a huge Content-Length": b"Content-Length: 99999999999999999999\r\n\r\nhello",
        "a blank before the colon": b"Content-Length : 5\r\n\r\nhello" + second,
        "a folded line": b"X-One: a\r\n b\r\nContent-Length: 5\r\n\r\nhello" + second,
        "a bare LF": b"Content-Length: 5\n\nhello" + second,
        "an unknown coding": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + second,
        "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + second,
        "a bad chunk size": b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n" + second,
        "a chunk longer than said": b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n" + second,
        "a NUL in a header": b"X-One: a\0b\r\nContent-Length: 5\r\n\r\nhello" + second,
        "a second Host": b"Host: other\r\nContent-Length: 5\r\n\r\nhello" + second,
        "a header without a colon": b"nonsense\r\nContent-Length: 5\r\n\r\nhello" + second,
        "a coding with a parameter": b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n" + second,
        "a quoted coding": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + second,
        "a vertical tab before the coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + second,
        "no coding": b"Transfer-Encoding: \r\n\r\n0\r\n\r\n" + second,
        "the identity coding": b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n" + second,
        "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + second,
        "a byte above ASCII in a name": b"Transfer-Encoding\xa0: chunked\r\n\r\n0\r\n\r\n" + second,
        "no Content-Length in its field": b"Content-Length: \r\n\r\n" + second,
        "a bare CR in a header": b"X-One: a\rContent-Length: 3\r\nContent-Length: 0\r\n\r\n" + second,
        "no name": b": 5\r\n\r\n" + second,
        "a chunk size with a sign": b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + second,
        "a chunk size in C": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + second,
        "a blank before a chunk size": b"Transfer-Encoding: chunked\r\n\r\n 0\r\n\r\n" + second,
        "a chunk size of 33 bits": b"Transfer-Encoding: chunked\r\n\r\n100000000\r\n\r\n" + second,
        "a bare LF behind a chunk size": b"Transfer-Encoding: chunked\r\n\r\n0\n\r\n" + second,
        "a bare LF in an extension": b"Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n" + second,
        "a folded trailer": b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\n c\r\n\r\n" + second,
        "no line end behind a chunk": b"Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n" + second,
        "5,000 headers": b"X: y\r\n" * 5000 + b"\r\n",
        "a huge header": b"X-One: " + b"a" * 200000 + b"\r\n\r\n",
    }
    def heads(got):
        return len(re.findall(rb"(?:^|\r\n|\n|>)HTTP/1\.1 \d{3} ", got))

    for what, rest in bad.items():
        got, closed = speak(a, start + rest)
        answers = heads(got)
        check(answers <= 1 and closed and (not got or got[9:12] in (b"400", b"413", b"431", b"501")), f"{what}: one refusal and a close, not {got[:60]!r}")
    for what, line in {"HTTP/2.0": b"GET / HTTP/2.0", "no version": b"GET /", "a blank in the target": b"GET /a b HTTP/1.1", "a strange method": b"G(T / HTTP/1.1"}.items():
        got, closed = speak(a, line + b"\r\nHost: localhost\r\n\r\n" + second)
        check(heads(got) <= 1 and closed and (not got or got[9:10] in b"45"), f"{what}: refused and closed, not {got[:60]!r}")
    got, closed = speak(a, b"GET /EWS/Exchange.asmx HTTP/1.1\r\n" + login + b"\r\n")
    check(got.startswith(b"HTTP/1.1 400"), "no Host")
    until(lambda: any('status=400' in line and 'why="Host is missing."' in line for line in a.lines("request")), "whoever runs it is told what was wrong, too")

    # Too large a body is refused before it comes.
    got, closed = speak(a, start + b"Content-Length: 900000000\r\n\r\n")
    check(got.startswith(b"HTTP/1.1 413"), f"too large: {got[:40]!r}")

    # What real clients do.
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + 100]), body[i : i + 100]) for i in range(0, len(body), 100)) + b"0\r\n\r\n"
    got, closed = speak(a, start + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    check(got.startswith(b"HTTP/1.1 200 "), "chunked")
    got, closed = speak(a, start.replace(b"/EWS/Exchange.asmx", b"/ews/exchange.ASMX") + b"Connection: close\r\nContent-Length: " + n + b"\r\n\r\n" + body)
    check(got.startswith(b"HTTP/1.1 200 "), "any case of the path")
    with connect(a) as s:
        s.sendall(start + b"Expect: 100-continue\r\nContent-Length: " + n + b"\r\n\r\n")
        check(s.recv(100).startswith(b"HTTP/1.1 100"), "100 Continue once the login is known")
        s.sendall(body)
        check(s.recv(100).startswith(b"HTTP/1.1 200"), "and then the answer")
    c = http.client.HTTPSConnection("localhost", a.front, context=a.context(), timeout=30)
    head = {"Content-Type": "text/xml", "Authorization": login.decode().split(": ", 1)[1].strip()}
    first = None
    for i in range(5):
        c.request("POST", "/EWS/Exchange.asmx", body=body, headers=head)
        r = c.getresponse()
        same((r.status, codes(sites.answers(r.read()))), (200, ["NoError"]), "one connection, many requests")
        first = first or c.sock
        check(c.sock is first, "kept alive")
    c.close()

    # TLS: without SNI; and with nothing better than what an older Windows has for an RSA certificate.
    with socket.create_connection(("localhost", a.front), timeout=30) as raw:
        context = a.context()
        context.check_hostname = False
        with context.wrap_socket(raw) as s:
            s.sendall(start + b"Connection: close\r\nContent-Length: " + n + b"\r\n\r\n" + body)
            check(s.recv(100).startswith(b"HTTP/1.1 200"), "without SNI")
    for cipher in ("ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"):
        context = a.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(cipher)
        with socket.create_connection(("localhost", a.front), timeout=30) as raw, context.wrap_socket(raw, server_hostname="localhost") as s:
            same(s.cipher()[0], cipher, "TLS 1.2 with it alone")
    warnings.simplefilter("ignore")  # that these are old is the point
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = a.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("localhost", a.front), timeout=30) as raw, context.wrap_socket(raw, server_hostname="localhost"):
                check(False, f"{version.name} must not connect")
        except (ssl.SSLError, ConnectionError):
            check(True, "too old")
sites.finish()
