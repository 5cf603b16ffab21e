"""A client in the LAN that means harm, with and without a login: what it sends costs little, leaves nothing behind, changes nobody's answer,
and never shows in a log as anything but what it is."""
import base64
import os
import re
import resource
import socket
import ssl
import struct
import time

import sites
from sites import check, codes, descriptors, same, until

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SIZE = 500 * 1024  # under max_request_kib
OPEN = "".join(f' xmlns:p{i}="u{i}"' for i in range(60))


def envelope(header="", body=""):
    return (f'<s:Envelope xmlns:s="{SOAP}" xmlns:t="{sites.T[1:-1]}" xmlns:m="{sites.M[1:-1]}"><s:Header>{header}</s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>")


def fill(unit):
    return unit * ((SIZE - 600) // len(unit))


BOMBS = {
    "deep": "<a>" * (SIZE // 3),
    "deep in what is skipped": envelope(fill("<t:X>")),
    "wide": envelope(fill("<t:X/>")),
    "attributes": "<a " + " ".join(f'a{i}="1"' for i in range(30000)) + "/>",
    "attributes of many": envelope(fill("<t:X " + " ".join(f'a{i}=""' for i in range(60)) + "/>")),
    "namespaces": "<a " + " ".join(f'xmlns:a{i}="u"' for i in range(25000)) + "/>",
    "prefixes to look up": envelope(f"<z{OPEN}>" + "<p0:a/>" * 60000 + "</z>"),
    "entities": '<!DOCTYPE a [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    "an outer entity": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>',
    "character references": envelope("<t:RequestServerVersion>" + fill("&#65;") + "</t:RequestServerVersion>"),
    "CDATA": envelope(fill("<![CDATA[x]]>")),
    "comments": envelope(fill("<!---->")),
    "names": envelope("".join(f"<t:a{i:06d}/>" for i in range(40000))),
    "a long name": "<" + "a" * (SIZE - 10) + "/>",
    "ids": envelope("", '<m:ConvertId DestinationFormat="EwsId"><m:SourceIds>' + ('<t:AlternateId Id="' + "&lt;" * 240 + '"/>') * 500 +
                    "</m:SourceIds></m:ConvertId>"),
    "zones": envelope("", '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>'),
    "mailboxes": envelope("", "<m:GetUserAvailabilityRequest><m:MailboxDataArray>" + fill("<t:MailboxData><t:Email><t:Address>a</t:Address></t:Email>"
                          "<t:AttendeeType>Required</t:AttendeeType></t:MailboxData>") + "</m:MailboxDataArray></m:GetUserAvailabilityRequest>"),
    "unclosed sections": "<![CDATA[" * 50000,
    "nothing but <": "<" * SIZE,
}
IMPERSONATION = {
    "ExchangeImpersonation": "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>boss@a.example</t:PrimarySmtpAddress></t:ConnectingSID>"
                             "</t:ExchangeImpersonation>",
    "SerializedSecurityContext": "<t:SerializedSecurityContext><t:UserSid>S-1-5-21-1-2-3-500</t:UserSid><t:PrimarySmtpAddress>boss@a.example"
                                 "</t:PrimarySmtpAddress></t:SerializedSecurityContext>",
    "ProxyRequestTypeHeader": "<t:ProxyRequestTypeHeader>CrossForest</t:ProxyRequestTypeHeader>",
    "ManagementRole": "<t:ManagementRole><t:UserRoles><t:Role>ApplicationImpersonation</t:Role></t:UserRoles></t:ManagementRole>",
}
SPOOFED = ("X-Forwarded-For: 10.0.0.1", "X-Forwarded-User: boss", "X-Remote-User: boss", "X-AnchorMailbox: boss@a.example", "X-CommonAccessToken: VgEA",
           "X-IsFromCafe: 1", "X-EWS-TargetVersion: 15", "X-MS-Exchange-Organization-AuthAs: Internal", "X-BackEndCookie: a=b", "From: boss@a.example",
           "X-Original-URL: /other", "X-HTTP-Method-Override: GET", "Forwarded: for=10.0.0.1", "Proxy-Authorization: Basic Ym9zczpib3Nz")


def bridge(site):
    return next(iter(site.children("@bridge")))


def peak_so_far(pid):
    """KiB from which on a peak is one of what comes now. Only root may let it begin anew."""
    if os.geteuid() != 0:
        return status(pid, "VmHWM")
    open(f"/proc/{pid}/clear_refs", "w").write("5")
    return status(pid, "VmRSS")


def cpu(pid):
    words = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def status(pid, name):
    return int(re.search(rf"{name}:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))


def connect(site, address="127.0.0.1"):
    raw = socket.create_connection(("127.0.0.1", site.front), timeout=20, source_address=(address, 0))
    return site.context().wrap_socket(raw, server_hostname="localhost")


def plain(answer):
    code, headers, body = answer
    return code, re.sub(rb"[0-9a-f]{32}", b"ID", body), sorted((k, v) for k, v in headers.items() if k.lower() not in ("date", "request-id"))


with sites.pair(start=False) as (a, b):
    a.set("log_level", "debug")
    # What `--requester boss` may see, and nobody else: whoever could pass for the boss would see it.
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    a.calendar("secret", ("20260302T090000", "20260302T100000", {"SUMMARY": "SECRET-subject", "LOCATION": "SECRET-place"}))
    a.run("rule", "add", "--peer", "local", "--direction", "in", "--requester", "boss@a.example", "--target", "*", "--level", "LimitedDetails", "--position", "1")
    a.run("rule", "add", "--peer", "local", "--direction", "in", "--requester", "*", "--target", "secret@a.example", "--level", "AvailabilityOnly",
          "--position", "2")
    a.account("company", "organisation")
    a.account("cas", "server")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)) # as small as a shell's may be
    a.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    b.start()
    a.up(), b.up()
    pid = bridge(a)
    asan = "asan" in sites.PROGRAM

    # Who asks is the login and nothing else.
    question = sites.request(["secret@a.example", "anna@a.example", "nobody@a.example"], view="Detailed")
    bare = plain(a.http(question))
    same(bare[0], 200, "the question itself")
    check(b"SECRET" not in bare[1] and b"FreeBusy</" in bare[1], "times only")
    # Not even a server of ours is anybody else where no directory knows whom it names.
    for user in ("anna", "company", "cas"):
        bare = plain(a.http(question, user=user))
        check(bare[0] == 200 and b"SECRET" not in bare[1], f"times only for {user}")
        for name, header in IMPERSONATION.items():
            for text in (header, header.replace(">", ' s:mustUnderstand="1">', 1)):
                same(plain(a.http(question.replace("<s:Header>", "<s:Header>" + text), user=user)), bare, f"{name} of {user} changes nothing")
    bare = plain(a.http(question))
    for header in SPOOFED:
        same(plain(a.http(question, headers=dict([header.split(": ", 1)]))), bare, f"{header.split(':')[0]} changes nothing")

    # Each bomb is cheap.
    for what, bomb in BOMBS.items():
        for path in ("/EWS/Exchange.asmx", "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc"):
            before, spent = peak_so_far(pid), cpu(pid)
            code, headers, body = a.http(bomb, path=path)
            check(code in (200, 500), f"{what} at {path}: {code}")
            check(b"root:" not in body, f"{what}: no file")
            if not asan:
                check(cpu(pid) - spent < 0.25, f"{what} at {path} costs {cpu(pid) - spent:.2f} s")
                check(status(pid, "VmHWM") - before < 16 << 10, f"{what} at {path} takes {status(pid, 'VmHWM') - before} KiB")

    # A reset after any number of bytes leaves nothing behind.
    fds = descriptors([pid])
    login = base64.b64encode(f"anna:{a.password}".encode()).decode()
    whole = f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {login}\r\nContent-Length: {len(question)}\r\n\r\n{question}".encode()
    for cut in list(range(0, 200, 7)) + list(range(200, len(whole) + 1, 97)):
        with connect(a) as s:
            s.sendall(whole[:cut])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with socket.create_connection(("127.0.0.1", a.front)) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")  # no TLS at all
        s.recv(100)
    until(lambda: descriptors([pid]) <= fds, "no descriptor stays")

    # A thousand that say nothing: others are served, and the bridge has descriptors for all.
    idle, spent = [connect(a, f"127.0.0.{2 + i // 300}") for i in range(300 if asan else 1000)], cpu(pid)
    same(codes(a.ask("anna@a.example")), ["NoError"], "an answer beside a thousand idle connections")
    check("no-descriptors" not in a.log(), "there are descriptors for all")
    print(f"idle connections: {len(idle)}, resident {status(pid, 'VmRSS')} KiB")
    for s in idle:
        s.close()

    # A hundred thousand questions in one breath are answered one after the other, and another client waits for none of them.
    with connect(a) as s:
        s.settimeout(60)
        pending, got, n = b"", 0, 2000
        s.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * n)
        same(codes(a.ask("anna@a.example")), ["NoError"], "beside a client that asks without end")
        while got < n and (chunk := s.recv(65536)):
            pending = pending[-12:] + chunk
            got += pending.count(b"HTTP/1.1 401")
            pending = pending[pending.rfind(b"HTTP/1.1 401") + 12:] if b"HTTP/1.1 401" in pending else pending
        same(got, n, "each was answered")

    # TLS: no renegotiation is offered, no HTTP/2, nothing old; a cut is no end of the question.
    context = a.context()
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection(("localhost", a.front)) as raw, context.wrap_socket(raw, server_hostname="localhost"):
            check(False, "a client that speaks HTTP/2 alone must be told so")
    except ssl.SSLError as e:
        check("NO_APPLICATION_PROTOCOL" in str(e).upper().replace(" ", "_"), f"no application protocol: {e}")

    # The client's id comes back only if it is harmless, and never opens a line of its own, in an answer or in a log.
    for sent, back in (("abc-{1}.X", "abc-{1}.X"), ("A" * 200, "A" * 64), ('a"b', None), ("a%0d%0aX-Evil: y", None), ("\x1b[2J", None), ("é", None), ("", None)):
        try:
            answer = a.http(question, headers={"client-request-id": sent.encode("latin-1")})
            same((answer[0], answer[1].get("client-request-id")), (200, back) if "\x1b" not in sent else (400, None), f"client-request-id {sent[:20]!r}")
            check("X-Evil" not in answer[1], "no field of its own")
        except ValueError:
            check(True, "not even Python sends it")
    for user in ("evil\r\nevent=login-ok", "%n%s%x", "\x1b]0;x\x07", "a" * 319, "a" * 400, "é", "\u2028", ""):
        check(a.http(question, user=user, password="x" * 600 if user == "a" * 400 else "SECRET-guess")[0] == 401, f"no login as {user[:20]!r}")
    same(codes(a.ask("anna@a.example")), ["NoError"], "and all is well")

    # Every line of the log is one record, and no secret is in any.
    log = a.log()
    for line in log.splitlines():
        if not re.fullmatch(r'time=\S+ level=\w+( role=\S+)? event=\S+( [\w-]+=("([^"\\]|\\.)*"|\S*))*', line):
            check(False, f"a log line that is no record: {line[:200]!r}")
    for word in ("SECRET", a.password, login, "\x1b", "event=login-ok"):
        check(word not in re.sub(r'"([^"\\]|\\.)*"', "", log) if word.startswith("event") else word not in log, f"no {word!r} in the log")
    for child in a.children():
        limits = open(f"/proc/{child}/limits").read()
        check(re.search(r"Max core file size +0 +0", limits), f"process {child} leaves no core")
        for name in ("cmdline", "environ") if sites.may_look_into() else ("cmdline",):  # others may not read it at all
            text = open(f"/proc/{child}/{name}", "rb").read()
            check(a.password.encode() not in text and login.encode() not in text, f"no password in {name}")
sites.finish()
