"""A backend that does what it likes: each of its mailboxes is an error, none is free, the others are answered as ever, and no password goes where it should
not. The server is one Python process; what it does stands in the URL's path, and one backend of site B points at each."""
import base64
import gzip
import pathlib
import time

import sites
from sites import HEAD, check, codes, reply, same, until

SECRET = "only-for-the-backend"
BOMB = gzip.compress(b" " * (200 << 20), 9)  # made beforehand: nobody waits for that


class Hostile(sites.Made):
    seen = []   # (path, all headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Hostile.seen.append((self.path, str(self.headers)))
        n = body.count(b"<t:MailboxData>")
        getattr(self, self.path.strip("/").replace("-", "_"), self.good)(n)

    do_GET = do_POST

    def good(self, n):
        self.say(200, reply(*["0" * 16] * n))

    def pour(self, head, chunk):
        """For ever, or until the other side has had enough."""
        self.close_connection = True
        self.wfile.write(head)
        try:
            while True:
                self.wfile.write(chunk)
        except OSError:
            pass

    def endless(self, n):
        self.pour(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    def headers_for_ever(self, n):
        self.pour(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n")

    def continues(self, n):
        self.pour(b"", b"HTTP/1.1 100 Continue\r\n\r\n")

    def bomb(self, n):
        self.say(200, BOMB, Content_Encoding="gzip")

    def transfer_bomb(self, n):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % len(BOMB) + BOMB + b"\r\n0\r\n\r\n")

    def deep(self, n):
        self.say(200, HEAD.encode() + b"<a>" * 100000)

    def doctype(self, n):
        self.say(200, b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + reply("0" * 16))

    def elsewhere(self, n):
        self.say(302, Location=f"https://127.0.0.1:{OTHER}/stolen")

    def inside(self, n):
        self.say(307, Location=f"http://127.0.0.1:{OTHER}/stolen")

    def ask_basic(self, n):
        self.say(401, WWW_Authenticate='Basic realm="please"')

    def ask_basic_later(self, n):
        self.say(401, WWW_Authenticate="NTLM TlRMTVNTUAACAAAAAAAAADgAAAAzgoriASNFZ4mrze8AAAAAAAAAAAAAAAAAAAAABgByFwAAAA8="
                 if "NTLM TlRMTVNTUAAB" in str(self.headers) else 'Basic realm="please"')

    def trickle(self, n):
        self.close_connection = True
        try:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + reply("0" * 16) + b" " * 100000:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass

    def silent(self, n):
        self.close_connection = True
        self.connection.settimeout(30)
        self.rfile.read(1)

    def too_many(self, n):
        self.say(200, reply(*["0" * 16] * (n + 1)))

    def too_few(self, n):
        self.say(200, reply(*["0" * 16] * (n - 1)))

    def busy(self, n):
        self.say(503, Retry_After="60")

    def cut(self, n):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + reply("0" * 16))

    def cut_chunk(self, n):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" + reply("0" * 16))

    def page(self, n):
        self.say(200, b"<html>Log in here</html>")

    def nothing(self, n):
        self.say(200)

    def unknown_word(self, n):
        self.say(200, reply("0" * 16).replace(b"<t:CalendarEventArray/>", b"<t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-02T09:00:00</t:StartTime>"
                 b"<t:EndTime>2026-03-02T10:00:00</t:EndTime><t:BusyType>Lunch</t:BusyType></t:CalendarEvent></t:CalendarEventArray>"))

    def leaky(self, n):
        """An error in words that are its own affair."""
        self.say(200, (f'{HEAD}<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>EX01.corp: '
                       'at Store.Open()</m:MessageText><m:ResponseCode>ErrorMailboxStoreUnavailable</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>'
                       '</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>').encode())


# What its mailbox is answered with; more lines of its backend.
FAILED, LATE, BUSY = "ErrorFreeBusyGenerationFailed", "ErrorTimeoutExpired", "ErrorServerBusy"
CASES = {
    "endless": (FAILED, {}), "headers-for-ever": (FAILED, {}), "continues": (FAILED, {}), "bomb": (FAILED, {}), "transfer-bomb": (FAILED, {}), "deep": (FAILED, {}),
    "doctype": (FAILED, {}), "elsewhere": (FAILED, {}), "inside": (FAILED, {}), "ask-basic": (FAILED, {"auth": "ntlm"}),
    "ask-basic-later": (FAILED, {"auth": "ntlm"}), "trickle": (LATE, {"timeout": '"1 s"'}), "silent": (LATE, {"timeout": '"1 s"'}), "too-many": (FAILED, {}),
    "too-few": (FAILED, {}), "busy": (BUSY, {}), "cut": (FAILED, {}), "cut-chunk": (FAILED, {}), "page": (FAILED, {}), "nothing": (FAILED, {}),
    "unknown-word": (FAILED, {}), "leaky": (FAILED, {}), "wrong-pin": (FAILED, {"pin": "sha256:" + "00" * 32}), "wrong-ca": (FAILED, {}), "wrong-name": (FAILED, {}),
}


def test_each(b):
    for name, (code, _) in CASES.items():
        for round in range(2):
            got = b.ask(f"{name}@b.example", "good@b.example", "file@b.example")
            same(codes(got), [code, "NoError", "NoError"], f"{name}, and those beside it")
            check(got[0]["merged"] is None and not got[0]["events"], f"{name}: no time is shown, least of all as free")
            same(got[2]["merged"], "0022000000000000", "the folder's mailbox")
            check("EX01" not in str(got) and "Store" not in str(got), f"{name}: the backend's own words do not leave: {got[0]['text']}")
    until(lambda: all(any("trusted" in line for line in b.lines("backend-failed") if f"mailbox={n}@" in line) for n in ("wrong-pin", "wrong-ca", "wrong-name")), "and why not")
    until(lambda: any("left alone" in line and "refused our login" in line for line in b.lines("backend-failed") if "mailbox=ask-basic@" in line),
          "of who is turned away the log says it, and why")
    same(Hostile.seen and [p for p, _ in Hostile.seen if "stolen" in p], [], "nobody followed a redirect to another place")


def test_all_at_once(b):
    """A storm of all of them, in one question, and the good ones in it are answered."""
    names = list(CASES) * 3
    got = b.ask(*[f"{n}@b.example" for n in names], "good@b.example", "file@b.example")
    same(codes(got)[-2:], ["NoError", "NoError"], "among all the others")
    check(all(c in (FAILED, LATE, BUSY) for c in codes(got)[:-2]), f"errors alone: {set(codes(got))}")


def test_password(b):
    heads = [h for p, h in Hostile.seen if "ask-basic" in p]
    check(any("Authorization: NTLM" in h for h in heads), "NTLM was tried")
    secrets = [SECRET, base64.b64encode(f"svc:{SECRET}".encode()).decode()]
    check(not any(s in h for h in heads for s in secrets) and not any("Basic " in h for h in heads), "and never Basic after it")
    for pid in b.children():
        proc = pathlib.Path(f"/proc/{pid}")
        for what in ("cmdline", "environ"):
            try:
                check(SECRET.encode() not in (proc / what).read_bytes(), f"{what} of {pid} has no password")
            except OSError:
                pass
    check(SECRET not in b.log(), "nor has the log")


with sites.pair(start=False) as (a, b):
    b.calendar("file", ("20260302T090000Z", "20260302T100000Z"))
    OTHER = sites.https_server(Hostile, a.dir)
    MAIN = sites.https_server(Hostile, b.dir)
    for name, (_, more) in CASES.items():
        port, host = (OTHER if name == "wrong-ca" else MAIN), "other.localhost" if name == "wrong-name" else "localhost"
        lines = {"url": f"https://{host}:{port}/{name}", "auth": "basic", "user": "svc", "password": SECRET, "ca_file": b.ca}
        b.backend(name, "ews", [f"{name}@b.example"], **{**lines, **more})
    b.backend("good", "ews", ["good@b.example"], url=f"https://localhost:{MAIN}/good", auth="none", ca_file=b.ca)
    b.start()
    b.up(links=False)
    test_each(b)
    test_all_at_once(b)
    test_password(b)
    until(lambda: b.lines("backend-down"), "those that are down are left alone")
    until(lambda: any(" backend=page " in line and "with a web page: something that wants people to sign in" in line for line in b.lines("backend-failed")), "a page for people is called so")
sites.finish()
