"""Whatever strangers, clients and peers put into the fields that are logged: each line is one record, for jq as for whoever reads the words; each request that was
answered has exactly one line; nobody without a login makes the house ask anybody anything; and nothing that is sent makes a process open a file or call anybody."""
import base64
import collections
import contextlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import time

import raw_link
import sites
from sites import check, codes, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
EVIL = ("a\r\ntime=2026-01-01T00:00:00.000Z level=info event=login account=boss", '","event":"login","account":"boss', "%n%s%x%p", "\x1b]0;x\x07\x1b[2J", "\u2028\u2029\x85",
        "\\\" \\\\", "é\xff", "a" * 5000, "{}[]=;|", "\ud83d\ude00")
NUMBER = re.compile(rb"request-id: ([0-9a-f]{32})\r\n")


OUTER = (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><a/>', b'<?xml-stylesheet href="http://127.0.0.1:9/"?><a/>',
         b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', b'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd" parse="text"/></a>',
         b'<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="u http://127.0.0.1:9/x.xsd"/>')


@contextlib.contextmanager
def watched(a):
    """What is sent meanwhile makes no process open, call, start or change anything: strace sees none of that, and does see them accept. Where it may not look, that is said."""
    pids, kept = list(a.children()), a.dir.parent / "strace"
    calls = "accept4,open,openat,openat2,connect,socket,execve,clone,clone3,fork,unlink,unlinkat,rename,renameat,link,symlink,mkdir,chmod,ptrace,io_uring_setup"
    strace = subprocess.Popen(["strace", "-f", "-o", kept, "-e", f"trace={calls}", *(x for pid in pids for x in ("-p", str(pid)))], stderr=subprocess.PIPE, text=True)
    told = [strace.stderr.readline() for _ in pids]
    if not all("attached" in line for line in told):
        print(f"no process was watched: strace may not look into another here: {told[0].strip()}")
        strace.kill()
        kept = None
    yield
    strace.terminate()
    strace.wait()
    if kept:
        lines = kept.read_text().splitlines()
        check(any("accept4(" in line for line in lines), "strace sees what they do")
        same([line for line in lines if "accept4(" not in line and "(" in line][:3], [], "no file, no connection, no program")


def speak(a, data):
    """All that comes back until the front closes."""
    got = b""
    with socket.create_connection(("localhost", a.front), timeout=10) as raw, a.context().wrap_socket(raw, server_hostname="localhost") as s:
        s.sendall(data)
        try:
            while chunk := s.recv(65536):
                got += chunk
        except (OSError, ssl.SSLError):
            pass
    return got


def basic(user, password):
    return b"Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogatepass")) + b"\r\n"


def requests(a):
    """Each a whole request; most ends its connection."""
    evil = [e.encode("utf-8", "surrogatepass") for e in EVIL]
    body = sites.request(["anna@a.example"]).encode()
    known = basic("anna", a.password)

    def post(path, head, body):
        return (b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + head + b"Content-Type: text/xml\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)

    for e in EVIL:
        yield post(b"/EWS/Exchange.asmx", basic(e, e), body)
    for path in (b"/EWS/Exchange.asmx", b"/autodiscover/autodiscover.xml", b"/autodiscover/autodiscover.svc"):
        for outer in OUTER:
            yield post(path, known, outer)
    for e in evil:
        flat = e.replace(b"\r", b"").replace(b"\n", b"")
        yield b"GET /" + e + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        yield e + b" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        yield b"GET / HTTP/1.1\r\nHost: " + e + b"\r\nConnection: close\r\n\r\n"
        yield post(b"/EWS/Exchange.asmx", known + b"client-request-id: " + flat + b"\r\nUser-Agent: " + flat + b"\r\n", body)
        yield post(b"/EWS/Exchange.asmx", b"Authorization: " + flat + b"\r\n", body)
        yield post(b"/EWS/Exchange.asmx", b"Authorization: NTLM " + base64.b64encode(b"NTLMSSP\0\3\0\0\0" + e) + b"\r\n", body)
        yield post(b"/EWS/Exchange.asmx", known, e)
        text = b"".join(b"&#x%x;" % ord(c) if ord(c) > 0x7e or c in "<>&\"'\r\n" else c.encode() for c in e.decode("utf-8", "replace") if c >= " " or c in "\r\n")
        for inside in (body.replace(b"anna@a.example", text + b"@a.example"), body.replace(b"anna@a.example", b"anna@" + text), body.replace(b"<m:GetUserAvailabilityRequest>", b"<m:" + flat + b">"),
                       body.replace(b"<t:RequestServerVersion", b'<t:X y="' + text + b'"/><t:RequestServerVersion')):
            yield post(b"/EWS/Exchange.asmx", known, inside)
        yield post(b"/autodiscover/autodiscover.xml", known, b'<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>' +
                   text + b"</EMailAddress></Request></Autodiscover>")
        yield b"GET /autodiscover/autodiscover.json/v1.0/" + flat.replace(b" ", b"+") + b"?Protocol=" + flat.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def attack_front(a):
    """The request ids of all answers."""
    ids = []
    for request in requests(a):
        ids += NUMBER.findall(speak(a, request))
    return [i.decode() for i in ids]


def attack_link(a, folder):
    """Certificates that call themselves something, and words behind a handshake that never come to be read."""
    for i, e in enumerate(EVIL[:7]):
        name = e.replace("/", "|").replace("\\", "|").replace("\n", " ").encode("utf-8", "replace").decode("latin-1")[:60] or "x"
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"e{i}.key", "-out", folder / f"e{i}.pem",
                               "-subj", f"/CN={name}"], capture_output=True)
        if made.returncode == 0:
            link = raw_link.Link(a.link, folder / f"e{i}.pem", folder / f"e{i}.key")
            check(not link.up, "no peer")
            link.close()
        with socket.create_connection(("127.0.0.1", a.link), 10) as s:
            s.sendall(e.encode("utf-8", "surrogatepass"))


def without_a_login(a):
    """Every path and method, with no login and with wrong ones: refused before anything is asked, for known and unknown people alike."""
    body = sites.request(["anna@a.example", "bob@b.example"])
    seen = collections.Counter()
    for path in ("/EWS/Exchange.asmx", "/ews/exchange.asmx/", "/EWS/Services.wsdl", "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc", "/", "/../../etc/passwd",
                 "/EWS/..%2f..%2fetc/passwd", "/EWS/Exchange.asmx/../../../etc/passwd", "//etc/passwd", "/EWS/Exchange.asmx?x=/etc/passwd"):
        for method in ("POST", "GET", "HEAD", "OPTIONS", "PUT"):
            for user, password in ((None, None),) + ((("anna", "wrong"), ("nobody", a.password)) if method == "POST" else ()):
                c = http.client.HTTPSConnection("localhost", a.front, context=a.context(), timeout=30, source_address=(f"127.0.3.{1 + sum(seen.values()) % 200}", 0))
                head = {"Content-Type": "text/xml"} | ({} if user is None else {"Authorization": basic(user, password).decode()[15:].strip()})
                c.request(method, path, body=body, headers=head)
                r = c.getresponse()
                text = r.read()
                c.close()
                seen[r.status] += 1
                check(b"FreeBusy" not in text and b"root:" not in text, f"{method} {path} as {user}: {text[:80]!r}")
    same(set(seen), {401}, f"refused, each of them: {dict(seen)}")


def flood(site, n):
    """Requests without a login, without end: the log has a good many of them, then the number of the rest; whoever logs in has each line still."""
    def lines():
        return len(site.lines("request "))

    before, got, began = lines(), b"", time.monotonic()
    with socket.create_connection(("localhost", site.front)) as raw, site.context().wrap_socket(raw, server_hostname="localhost") as s:
        for _ in range(0, n, 200):
            s.sendall(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n" * 200)
            have = 0
            while have < 200:
                got = got[-20:] + s.recv(1 << 20)
                have += got.count(b"HTTP/1.1 401")
                got = got[-11:]
    same(codes(site.ask(f"bob@{site.domain}")), ["NoError"], "others are answered")
    until(lambda: any("account=anna" in line for line in site.lines("request ")[before:]), "with a line")
    said, took = lines() - before, time.monotonic() - began
    check(15000 < said < 20000 + 20 * took + 100 and said < n, f"{n} requests, {said} lines in {took:.1f} s: 20,000 and 20 a second")
    site.stop()
    check(any("about=127.0.0.1" in line or "about=::1" in line for line in site.lines("lines-left-out")), f"and the rest is counted: {site.lines('lines-left-out')}")


with sites.pair(start=False) as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    a.set("log_format", "json")
    a.set("log_level", "debug")
    a.start(), b.start(), a.up(), b.up()
    same(codes(a.ask("anna@a.example", "bob@b.example", "nobody@a.example")), ["NoError", "NoError", "ErrorNoFreeBusyAccess"], "what is read once is known then")

    def asked():
        return [s.log().count("event=mailbox") + s.log().count('"event":"mailbox"') for s in (a, b)]

    until(lambda: asked() == [3, 1], "each mailbox has its line")
    with watched(a):
        without_a_login(a)
        same(asked(), [3, 1], "nobody was asked about anybody")
        ids = attack_front(a)
    check(len(ids) > 100, f"requests that were answered: {len(ids)}")
    attack_link(a, a.dir.parent)
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "and all is well")

    def lines():
        return [json.loads(line, object_pairs_hook=sites.once) for line in a.records()]

    until(lambda: {r.get("request-id") for r in lines() if r["event"] == "request"} >= set(ids), "each answer has its line")
    counted = collections.Counter(r["request-id"] for r in lines() if r["event"] == "request")
    same([i for i in ids if counted[i] != 1], [], "and one only")
    check(all(isinstance(r, dict) and r["time"].startswith("20") and r["level"] in ("error", "warn", "info", "debug") for r in lines()), "every line is a record")
    same([r for r in lines() if r["event"] == "login" and r.get("account") == "boss"], [], "and none was made by those who are in it")
    check(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", a.log_path.read_bytes()), "no byte steers a terminal")
    records = a.run("audit", "show", "--kind", "query", "--json").strip().split("\n")
    check(len(records) > 40, f"mailboxes that were asked about: {len(records)}")
    until(lambda: sum(r["event"] == "mailbox" for r in lines()) >= len(records), "each record has its line")
    same(collections.Counter(json.loads(r)["id"] for r in records), collections.Counter(r["request-id"] for r in lines() if r["event"] == "mailbox"), "each has one record, and there are no more")
    for site in (a, b):
        site.run("audit", "verify")
        for line in site.run("audit", "show", "--json").strip().split("\n"):
            json.loads(line)
        shown = site.run("audit", "show")
        check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), "nor what the audit shows to people")
    flood(b, 24000)
sites.finish()
