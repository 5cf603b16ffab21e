"""`serve --trace`: what two bridges of two generations recorded of requests of every kind, and what of it must never be in the file."""
import base64
import http.client
import json
import re
import socket
import ssl
import stat
import struct
import subprocess

import sites
from sites import T, check, same, until

ANCHOR = "01B62C6D-4324-448f-9884-5FEC6D18A7E2"
POX = """<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s@b.example</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"""
SVC = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"
xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>
<w:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</w:Action></s:Header><s:Body>
<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>bob@b.example</a:Mailbox></a:User></a:Users><a:RequestedSettings>
<a:Setting>ExternalEwsUrl</a:Setting><a:Setting>UserDisplayName</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"""
# What a forest in front of us may say of its user, and what nobody may: as a 2007 CAS writes it, with something unknown beside.
HEADERS = f"""<t:ProxyRequestTypeHeader>CrossForest</t:ProxyRequestTypeHeader><t:SerializedSecurityContext>
<t:UserSid>S-1-5-21-1004336348-1177238915-682003330-1104</t:UserSid><t:PrimarySmtpAddress>anna@a.example</t:PrimarySmtpAddress></t:SerializedSecurityContext>
<x:Secret xmlns:x="urn:unheard-of" token="tok3nInAttribute">tok3nInHeader</x:Secret>"""


def ntlm(kind, user="Petronella"):
    """An NTLM message 1, or a 3 that names a user: what curl and .NET send, without a proof in it."""
    if kind == 1:
        return b"NTLMSSP\0" + struct.pack("<II", 1, 0xA2088207) + bytes(24)
    name = user.encode("utf-16-le")
    field = struct.pack("<HHI", len(name), len(name), 64)
    return b"NTLMSSP\0" + struct.pack("<I", 3) + bytes(24) + field + bytes(16) + struct.pack("<I", 0xE2888215) + name


def nt_hash(site):
    """What is as good as the password."""
    return re.search(r"nt=([0-9a-fA-F]{32})", (site.dir / "nt-hashes.conf").read_text()).group(1)


def records(folder):
    """[(first line, {name: value}, text)] of the one recording in the folder."""
    files = list(folder.iterdir())
    same(len(files), 1, "one file")
    same(stat.S_IMODE(files[0].stat().st_mode), 0o600, "readable by its owner alone")
    text = files[0].read_text()
    check(text.startswith("# availbridge "), "it says what it is")
    found = []
    for one in text.rpartition("\n\n")[0].split("\n\n")[1:]:  # what is being written is not there yet
        if one.strip():
            lines = one.splitlines()
            facts = dict(line.split(": ", 1) for line in lines[1:] if not line.startswith("|"))
            found.append((lines[0], facts, "\n".join(line[2:] for line in lines if line.startswith("|"))))
    return text, found


with sites.pair(a_settings={"bridges": 2}, start=False) as (a, b):
    folder = a.dir / "trace"
    link = a.dir / "link"
    link.symlink_to("/tmp")
    a.run("serve", "--trace", str(link), code=1)
    a.run("serve", "--trace", str(a.config), code=1)

    # Carol of c.example is at a server behind bridge A: the front of B, with a login there.
    (a.dir / "backends.d").mkdir(mode=0o700, exist_ok=True)
    (a.dir / "secret").touch(mode=0o600)
    (a.dir / "secret").write_text(b.password + "\n")
    (a.dir / "backends.d/exchange.conf").write_text(f"type ews\nurl https://localhost:{b.front}/EWS/Exchange.asmx\nserves c.example\nauth basic\n"
                                                    f"user B\\mallory\npassword-file \"{a.dir}/secret\"\nca-file \"{b.ca}\"\nversion 2016\n")
    for site in (a, b):
        site.run("address-space", "add", "--forest-name", "c.example", "--peer", "local")
    b.account("mallory", "organisation")
    b.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    (b.calendars / "carol@c.example.ics").write_text(sites.ics(("20260302T090000", "20260302T100000", {"SUMMARY": "Dentist", "LOCATION": "Tooth lane"})))
    a.account("exchange", "organisation", "--ntlm")
    a.calendar("anna", ("20260302T090000", "20260302T100000", {"SUMMARY": "Merger talks", "LOCATION": "Room of owls"}))
    b.calendar("bob", ("20260302T110000", "20260302T120000", {"SUMMARY": "Job interview", "LOCATION": "Next door"}))
    a.rule("local", "in", "*", "*", "LimitedDetails", "--position", "1")
    a.start("--trace", str(folder))
    b.start()
    a.up()
    b.up()
    body = sites.request(["anna@a.example", "bob@b.example"]).replace("<s:Header>", "<s:Header>" + HEADERS)
    same([e.get("Subject") for one in sites.answers(a.http(body)[2]) for e in one["events"]], ["Merger talks", "Job interview"], "what was answered in full")
    agent = {"User-Agent": "ASProxy/CrossForest/EmailDomain/EXCH/15.01.2507.000", "Cookie": "session=c00kieSecret", "X-Anchor": "tok3nInField"}
    for _ in range(8):  # whichever bridge takes the connection
        a.http(body, headers=agent)
    for _ in range(4):
        same([e.get("Subject") for e in a.ask("carol@c.example")[0]["events"]], ["Dentist"], "what the server behind us says")
    a.http(body, password="wr0ngPassword")
    a.http(POX % ANCHOR.lower(), path="/autodiscover/autodiscover.xml", headers={"User-Agent": "ASAutoDiscover/CrossForest/EmailDomain"})
    a.http(POX % "bob", path="/Autodiscover/Autodiscover.xml")
    answered = a.http(POX % ANCHOR, path="/autodiscover/autodiscover.xml")[2].decode()
    taken = re.search(r"<Type>EXPR</Type>.*?<ASUrl>https://[^/]*(/[^<]*)</ASUrl>", answered).group(1)  # as an Exchange that reads this one
    same(a.http(body, path=taken)[0], 200, "each spelling is our path")
    a.http(SVC, path="/autodiscover/autodiscover.svc")
    a.http(None, path="/autodiscover/autodiscover.json?Email=bob%40b.example&Protocol=EWS", method="GET", user=None)
    a.http(None, path="/autodiscover/autodiscover.json/v1.0/bob@b.example?Protocol=EWS", method="GET", user=None)
    a.http("<a><Subject>brokenSubject</a>", headers={"Authorization": "Bearer eyJb3arer"})
    a.http("<a><Subject>brokenSubject</a>")
    # a whole login by Windows authentication, leg by leg
    got = subprocess.run(["curl", "-sS", "--ntlm", "--user", f"A\\exchange:{a.password}", "--cacert", a.ca, "-H", "Content-Type: text/xml", "--data-binary", "@-",
                          f"https://localhost:{a.front}/EWS/Exchange.asmx"], input=body.encode(), capture_output=True)
    check(b"NoError" in got.stdout, f"curl --ntlm: {got.stderr[:300]!r}")
    c = http.client.HTTPSConnection("localhost", a.front, context=a.context(), timeout=10)
    for kind in (1, 3):
        c.request("POST", "/EWS/Exchange.asmx", body=b"", headers={"Authorization": "Negotiate " + base64.b64encode(ntlm(kind)).decode()})
        c.getresponse().read()
    c.close()
    context = a.context()
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES256-SHA384")
    with socket.create_connection(("localhost", a.front), timeout=10) as raw, context.wrap_socket(raw) as s:
        s.sendall(b"GET /hunter2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        s.recv(1000)
    with socket.create_connection(("localhost", a.front), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")  # somebody who speaks no TLS
        raw.recv(100)

    def writers():
        return {re.search(r"connection=(\d+)", r[0]).group(1) for r in records(folder)[1]}

    check("recording: ! on, " in a.run("status") and "recording" not in b.run("status"), "status says that it is recorded")
    state = json.loads(a.run("status", "--json"))["bridge"]
    check(state["recording"] == "on" and state["recorded_bytes"] > 10000, f"and how much: {state}")
    first = writers()
    a.run("reload")
    for _ in range(8):
        a.http(body)
    until(lambda: writers() - first, "the next generation records too")
    text, found = records(folder)
    secrets = [a.password, base64.b64encode(f"anna:{a.password}".encode()).decode(), "wr0ngPassword", "c00kieSecret", "tok3nIn", "eyJb3arer", "brokenSubject",
               "Merger", "owls", "Job interview", "Next door", "Dentist", "Tooth", "carol", "mallory", b.password, nt_hash(a),
               base64.b64encode(f"B\\mallory:{b.password}".encode()).decode(), "anna", "bob", "1004336348", "682003330", "hunter2", "Petronella",
               base64.b64encode(ntlm(3)).decode()[:60]]
    for secret in secrets:
        check(secret not in text and secret.lower() not in text.lower(), f"{secret} is not in the recording")

    def having(what, *pieces, **facts):
        ok = [r for r in found if all(p in r[0] + "\n" + r[2] for p in pieces) and all(r[1].get(k.replace("_", "-"), "").startswith(v) for k, v in facts.items())]
        check(ok, f"a record: {what}")
        return ok[0] if ok else ("", {}, "")

    def on(record):
        return record[0].partition("connection=")[2].split(" ")[0]

    one = having("the cross-forest question", " front request ", "POST /EWS/Exchange.asmx HTTP/1.1", user_agent="ASProxy/CrossForest/EmailDomain/EXCH/15.01.2507.000")
    t = T[1:-1]
    same(one[1].get("soap-headers"), f"{{{t}}}ProxyRequestTypeHeader {{{t}}}SerializedSecurityContext {{[14 bytes]}}Secret {{{t}}}RequestServerVersion", "its headers' names")
    check(re.match(r"TLSv1\.3 TLS_\w+, SNI present, ALPN none$", one[1].get("tls", "")), f"its TLS: {one[1].get('tls')}")
    check("S-1-5-21-[domain-" in one[2] and "@a.example</t:PrimarySmtpAddress>" in one[2], "that it names somebody, but not whom")
    check("Authorization: Basic [a user, a plain name, and a password]" in one[2], "how it logged in")
    key = re.search(r"request-id=(\S+)", one[0]).group(1) if one[0] else "-"
    answer = having("its answer under the same id", " front answer ", f"request-id={key}", "HTTP/1.1 200 OK", "<t:BusyType>Busy</t:BusyType>", "<t:Subject>[12 bytes]</t:Subject>")
    same(on(answer), on(one), "on the same connection")
    having("the anchor address", f"<EMailAddress>{ANCHOR.lower()}@b.example</EMailAddress>", user_agent="ASAutoDiscover/CrossForest/EmailDomain")
    having("Autodiscover's URLs", "<ASUrl>https://localhost:")
    having("where the URL was taken from", f"POST {taken} HTTP/1.1")
    same((taken, sum(f"POST {taken} HTTP" in r[2] for r in found)), ("/Ews/exchange.asmx", 1), "told by its spelling alone")
    having("Autodiscover by SOAP", "<a:Setting>ExternalEwsUrl</a:Setting>", "@b.example</a:Mailbox>")
    having("Autodiscover by JSON", "GET /autodiscover/autodiscover.json/v1.0/[13 bytes]?Protocol=EWS HTTP/1.1")
    having("NTLM's first message", "Authorization: Negotiate [40 bytes: NTLM message 1, flags 0xa2088207]")
    having("NTLM's third", "NTLM message 3, flags 0xe2888215]")
    having("what a backend is asked", " backend:exchange request ", "| POST /EWS/Exchange.asmx HTTP/1.1".removeprefix("| "), "a user, of the form DOMAIN\\user",
           "@c.example</t:Address>", user_agent="availbridge/")
    having("what it answers", " backend:exchange answer ", "HTTP/1.1 200 OK", "<t:Subject>[7 bytes]</t:Subject>", tls="TLSv1.3 / TLS_")
    for leg, message in ((" front request ", 1), (" front answer ", 2), (" front request ", 3)):
        one = having(f"curl's message {message}", leg, "NTLM [", f"NTLM message {message}, flags 0x")
        check(message != 3 or "<t:ProxyRequestTypeHeader>CrossForest<" in one[2], "the question comes with the last")
    having("a refusal", "HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic")
    having("no SNI", "GET /[7 bytes]/ HTTP/1.1", tls="TLSv1.2 ECDHE-RSA-AES256-SHA384, SNI absent, ALPN none")
    having("a handshake that failed", " front failure ", note="the TLS handshake failed:")
    having("XML that is broken", "it is not well-formed here]")
    check("event=trace-begun" in a.log(), "the log says that it is recorded")
sites.finish()
