"""Site B's people live behind an ews backend: another bridge's front, and an nginx with one fixed reply. What A sees through the link is what the
backend says; a backend that is down, refuses or is unknown is an error for its mailboxes and for no others; two that point at each other end."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

import sites
from sites import check, codes, same, until

EVENTS = [("20260302T090000", "20260302T100000", {"SUMMARY": "Budget", "LOCATION": "R1"}),
          ("20260302T110000", "20260302T113000", {"SUMMARY": "Maybe", "STATUS": "TENTATIVE"}),
          ("20260309T080000", "20260309T090000", {"SUMMARY": "Weekly", "RRULE": "FREQ=WEEKLY;COUNT=12"}),
          ("20260302T230000", "20260420T120000", {"SUMMARY": "Leave", "X-MICROSOFT-CDO-BUSYSTATUS": "OOF"})]


SERVED = ["bob@b.example", "carol@b.example", "dave@b.example", "erin@b.example", "nobody@b.example", "group:users"]


def shown(answers):
    """What of an answer must be the same however it came: all but the words of an error, which hold a request id."""
    return [{k: v for k, v in a.items() if k != "text"} for a in answers]


# What has changed with a reload is asked about at B's own front: a peer's question may still come over a connection to the generation before.


def calls_about(site, target, n, what):
    """So many calls of the account svc asked about ${target} so far, and no more. A line of the log may come a little after the answer."""
    def made():
        lines = [line for line in site.lines("mailbox") if f"target={target} " in line and "requester=svc@" in line]
        return len({re.search(r"request-id=(\w+)", line).group(1) for line in lines})
    until(lambda: made() >= n, what)
    same(made(), n, what)


@contextlib.contextmanager
def running(*some):
    """More sites than the pair; they end with the block."""
    try:
        for s in some:
            s.start()
        for s in some:
            s.up(links=False)
        yield
    finally:
        for s in some:
            s.stop()
            check(not re.search(r"ERROR: \w+Sanitizer|runtime error:", s.log()), f"the sanitizers are silent at {s.name}")


def stand_in(folder, name, domain):
    """A bridge that plays Exchange: its front is the backend of others. The account svc asks, and sees what everybody sees."""
    x = sites.Site(folder, name, domain)
    x.account("svc", f"user:svc@{domain}", "--ntlm")
    x.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    return x


def ews_backend_of(b, x, name="exchange", serves=SERVED, **more):
    lines = {"url": f"https://localhost:{x.front}/EWS/Exchange.asmx", "auth": "basic", "user": "svc", "ca_file": x.ca, "password": x.password}
    b.backend(name, "ews", serves, **{**lines, **more})


def test_same_answer(a, b, x):
    asked = ["bob@b.example", "carol@b.example", "nobody@b.example", "bob@b.example"]
    for how in ({}, {"view": "FreeBusy"}, {"view": "MergedOnly", "interval": 15}, {"view": "Detailed", "interval": 60},
                {"start": "2026-03-01T00:00:00", "end": "2026-05-01T00:00:00", "interval": 1440},
                {"start": "2026-03-28T00:00:00", "end": "2026-03-30T00:00:00", "interval": 60},
                {"start": "2026-03-02T08:07:00", "end": "2026-03-02T10:30:00", "interval": 7}):
        direct, through = x.ask(*asked, **how), a.ask(*asked, **how)
        same(codes(through), ["NoError", "NoError", "ErrorNoFreeBusyAccess", "NoError"], f"{how}")
        same(shown(through), shown(direct), f"{how}: through the link and the backend as asked directly")
    check(any(e.get("Subject") == "Budget" for e in through[0]["events"]), "there was something to see")
    same(codes(b.ask("bob@b.example", "file@b.example", user="anna")), ["NoError", "NoError"], "B's own people see them too, and the folder's")


def test_batches(a, b, x):
    asked = [f"user{i}@b.example" for i in range(100)]
    got = a.ask(*asked)
    same(codes(got), ["NoError"] * 100, "a hundred mailboxes")
    same([g["merged"] for g in got], ["0" * 16, "2" * 16] * 50, "each its own digits")
    calls_about(x, "user0@b.example", 1, "a hundred mailboxes are one call")
    check(until(lambda: [line for line in x.lines("query") if "mailboxes=100 " in line], "of a hundred"), "all of them in it")


def test_split(a, b, x):
    window = {"start": "2026-03-01T00:00:00", "end": "2026-05-01T12:00:00", "interval": 77}
    direct = x.ask("dave@b.example", **window)
    got = a.ask("dave@b.example", **window)
    same(shown(got), shown(direct), "a window in two parts is joined")
    calls_about(x, "dave@b.example", 2, "one call for each part")


def test_down(a, b, x):
    x.stop()
    got = a.ask("bob@b.example", "file@b.example")
    same(codes(got), ["ErrorFreeBusyGenerationFailed", "NoError"], "the backend is down; the folder is not")
    check(got[0]["merged"] is None and not got[0]["events"], "an error shows no time as free")
    downs, ups = len(b.lines("backend-down")), len(b.lines("backend-up"))
    until(lambda: a.ask("bob@b.example") and len(b.lines("backend-down")) > downs, "B notices")

    def tries():
        return [line for line in b.lines("backend-failed") if "left alone" not in line]
    failed = tries()
    for _ in range(10):
        same(codes(a.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "answered")
    same(tries(), failed, "without being asked again")
    check("reached" in (trouble(b) or "") and "! it is down" in b.run("status"), f"status says that it is down, and why: {trouble(b)}")
    x.start()
    x.up(links=False)
    until(lambda: len(b.lines("backend-up")) > ups, "B notices that it is back, though nobody asks", 60)
    same(codes(a.ask("bob@b.example")), ["NoError"], "and goes on")
    same(trouble(b), None, "and status has no more to say")


def trouble(b):
    """Why the backend is left alone, as status has it."""
    return next(p["trouble"] for p in json.loads(b.run("status", "--json"))["pools"] if p["name"] == "backend exchange")


def doctor(b):
    return next(h for h in json.loads(b.run("doctor", "--json", code=None))["hops"] if h["hop"] == "backend exchange")


def test_refused(b, x):
    cases = [("a wrong password", {"password": "wrong" + x.password}, "HTTP 401"), ("another CA", {"ca_file": b.ca}, "trusted"),
             ("another pin", {"pin": "sha256:" + "ab" * 32}, "trusted"),
             ("a port where nobody listens", {"url": f"https://localhost:{sites.free_ports(1)[0]}/EWS/Exchange.asmx"}, "reached"),
             ("another path", {"url": f"https://localhost:{x.front}/owa/"}, "HTTP 404")]
    for what, lines, reason in cases:
        ews_backend_of(b, x, **lines)
        b.run("reload")
        before = len(b.lines("backend-failed"))
        same(codes(b.ask("bob@b.example", "file@b.example")), ["ErrorFreeBusyGenerationFailed", "NoError"], what)
        until(lambda: len(b.lines("backend-failed")) > before, f"{what}: the log says it")
        check(reason in b.lines("backend-failed")[before], f"{what}: and why: {b.lines('backend-failed')[before:]}")
        hop = doctor(b)
        check(hop["state"] == "failed" and reason in hop["text"] and "backends.d/exchange.conf" in hop["fix"], f"{what}: doctor finds it too: {hop}")
    ews_backend_of(b, x)
    b.run("reload")
    same(codes(b.ask("bob@b.example")), ["NoError"], "all is well again")
    same(doctor(b)["state"], "ok", "to doctor as well")


def test_ntlm(b, x):
    """What Exchange prefers without a trust. The login is made once a connection, not once a call."""
    ews_backend_of(b, x, auth="ntlm", user="LABB\\svc")
    b.run("reload")
    direct = x.ask("bob@b.example")
    for _ in range(20):
        same(shown(b.ask("bob@b.example")), shown(direct), "by NTLM as by Basic")
    until(lambda: all("account=svc" in line for line in [line for line in x.lines("request") if "operation=GetUserAvailability" in line][-20:]),
          "the front knows who asks")
    logins = len([line for line in x.lines("login") if "scheme=NTLM" in line])
    check(1 <= logins <= 4, f"20 calls over connections that are logged in already: {logins} logins")
    ews_backend_of(b, x, auth="ntlm", user="LABB\\svc", password="wrong" + x.password)
    b.run("reload")
    refused = len(x.lines("login-failed"))
    for _ in range(5):
        same(codes(b.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "a wrong password")
    check(len(x.lines("login-failed")) - refused <= 2, "is not tried over and over: accounts get locked")


def test_pin_alone(b, x):
    pem = subprocess.run(["openssl", "x509", "-in", str(x.dir / "front.pem"), "-pubkey", "-noout"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=pem, capture_output=True, check=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, capture_output=True, check=True).stdout.split()[0].decode()
    ews_backend_of(b, x, ca_file=None, pin=f"sha256:{digest}")
    b.run("reload")
    same(codes(b.ask("bob@b.example")), ["NoError"], "the right pin needs no CA")


def test_cache(b, x):
    ews_backend_of(b, x, cache='"60 s"')
    b.run("reload")
    first = b.ask("erin@b.example")
    same(codes(first), ["NoError"], "asked")
    for _ in range(3):
        same(shown(b.ask("erin@b.example")), shown(first), "from the cache")
    calls_about(x, "erin@b.example", 1, "asked of the backend once")
    b.ask("erin@b.example", interval=60)
    calls_about(x, "erin@b.example", 2, "another interval is another question")


FIXED = f"""<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{sites.M[1:-1]}" xmlns:t="{sites.T[1:-1]}">
<s:Header><t:ServerVersionInfo MajorVersion="8" MinorVersion="3"/></s:Header><s:Body><m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse>
<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType>
<t:MergedFreeBusy>0033000000000000</t:MergedFreeBusy><t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-02T09:00:00-04:00</t:StartTime>
<t:EndTime>2026-03-02T10:00:00-04:00</t:EndTime><t:BusyType>Busy</t:BusyType></t:CalendarEvent></t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse>
</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>"""


@contextlib.contextmanager
def nginx(x, more=""):
    """One fixed reply to everything, as an Exchange 2007 would write it, digits that are not what its events give included."""
    port, folder = sites.free_ports(1)[0], pathlib.Path(tempfile.mkdtemp(prefix="nginx-", dir=x.dir.parent))
    (folder / "reply.xml").write_text(FIXED)
    (folder / "nginx.conf").write_text(f"""pid pid; error_log error.log; daemon off; worker_processes 1; {"user root;" if os.getuid() == 0 else ""}
events {{}}
http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate "{x.dir}/front.pem"; ssl_certificate_key "{x.dir}/front.key"; {more} root "{folder}";
location / {{ default_type text/xml; error_page 405 =200 /reply.xml; try_files /reply.xml =404; }} }} }}
""")
    p = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip(), "nginx runs")
        yield port
    finally:
        p.terminate()
        p.wait(10)


def test_fixed_reply(b, x):
    with nginx(x) as port:
        b.backend("old", "ews", ["old@b.example"], url=f"https://localhost:{port}/EWS/Exchange.asmx", auth="none", ca_file=x.ca, version=2007)
        b.run("reload")
        got = b.ask("old@b.example", "bob@b.example")
        same(codes(got), ["NoError", "NoError"], "an address beats its domain")
        same(got[0]["merged"], "0033000000000000", "digits pass untouched")
        same([(e["start"], e["end"], e["busy"]) for e in got[0]["events"]], [("2026-03-02T09:00:00", "2026-03-02T10:00:00", "Busy")],
             "what 2007 writes is a clock reading, its offset is not")
        got = b.ask("old@b.example", interval=60)
        same(got[0]["merged"], "02000000", "digits of another length are worked out from the events")
    (b.dir / "backends.d/old.conf").unlink()
    b.run("reload")


def test_certificate(b, x):
    """A client certificate is the login: with another one, or without, nothing is answered."""
    def made(name, *more):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", b.dir / f"{name}.key", "-out", b.dir / f"{name}.pem", "-days", "2",
                        "-subj", f"/CN={name}", *more], check=True, capture_output=True)
        (b.dir / f"{name}.key").chmod(0o600)
        return {"auth": "certificate", "client_certificate": b.dir / f"{name}.pem", "client_key": b.dir / f"{name}.key"}

    known, other = made("known"), made("other")
    with nginx(x, f'ssl_verify_client on; ssl_client_certificate "{b.dir}/known.pem";') as port:
        for login, code in ((known, "NoError"), (other, "ErrorFreeBusyGenerationFailed"), ({"auth": "none"}, "ErrorFreeBusyGenerationFailed")):
            b.backend("old", "ews", ["old@b.example"], url=f"https://localhost:{port}/EWS/Exchange.asmx", ca_file=x.ca, **login)
            b.run("reload")
            same(codes(b.ask("old@b.example")), [code], f"with {login}")
    (b.dir / "backends.d/old.conf").unlink()
    b.run("reload")


def test_loop(folder):
    """Each is the other's backend."""
    one, two = stand_in(folder, "site-one", "loop.example"), stand_in(folder, "site-two", "loop.example")
    ews_backend_of(one, two, serves=["*"])
    ews_backend_of(two, one, serves=["*"])
    with running(one, two):
        for who in ("anyone", "somebody"):
            same(codes(one.ask(f"{who}@loop.example", "else@loop.example", timeout=20)), ["ErrorFreeBusyGenerationFailed"] * 2, "a ring ends in an error, and not when its time is over")

        def said():
            return [line for line in one.lines("backend-failed") + two.lines("backend-failed") if "in a ring" in line]
        until(said, "the log says so")
        check(all("hops=3" in line for line in said()), f"and where: {said()}")
        check(len(one.lines("request") + two.lines("request")) < 24, "and not in a storm")


with sites.pair(start=False) as (a, b):
    x = stand_in(a.dir.parent, "site-x", "b.example")
    for who in ("bob", "carol", "dave", "erin"):
        x.calendar(who, *EVENTS[:2 if who == "carol" else 4])
    for i in range(100):
        x.calendar(f"user{i}", *[("20260302T070000Z", "20260302T180000Z")] * (i % 2))
    b.calendar("file", EVENTS[0])
    b.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    ews_backend_of(b, x, window_days=42)
    users = ", ".join(f'"user{i}@b.example"' for i in range(100))
    b.config.write_text(re.sub(r"(?m)^[# ]*groups\s*=.*$", f"groups = {{ users = [{users}]; }};", b.config.read_text(), count=1))
    with running(x):
        a.start(), b.start()
        a.up(), b.up()
        test_same_answer(a, b, x)
        test_batches(a, b, x)
        test_split(a, b, x)
        test_fixed_reply(b, x)
        test_certificate(b, x)
        test_cache(b, x)
        test_pin_alone(b, x)
        test_ntlm(b, x)
        test_refused(b, x)
        test_down(a, b, x)
    everything = a.log() + b.log() + x.log() + "".join(p.read_text(errors="replace") for p in b.dir.rglob("*.conf"))
    check(x.password not in everything, "the backend's password stands in no log and no configuration")
    test_loop(a.dir.parent)
sites.finish()
