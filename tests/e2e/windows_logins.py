"""
Windows authentication at the front, as clients do it: curl, exchangelib and GSS-NTLMSSP log in by NTLM, inside SPNEGO and without; and what must not get in does not:
wrong passwords, LM and NTLMv1, a changed MIC, another certificate's channel binding, a Type 3 that belongs to another connection or to none. A login belongs
to its connection. Wrong ones are slowed, for their name and address alone. Kerberos: tests/forests/windows_logins.py.
"""
import base64
import collections
import hashlib
import http.client
import logging
import os
import pathlib
import random
import re
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import warnings

import cryptography.hazmat.bindings.openssl.binding  # noqa: F401  loads OpenSSL's legacy provider, which has the MD4 that ntlm_auth wants
import sites
from ntlm_auth.gss_channel_bindings import GssChannelBindingsStruct
from ntlm_auth.ntlm import NtlmContext
from sites import check, same, until

SCHEMES = ["Negotiate", "NTLM", 'Basic realm="localhost"']


addresses = (f"127.0.{i // 250}.{i % 250 + 1}" for i in range(1250, 60000))


class Line:
    """One connection to A, on which each step of a login is said by hand; from an address of its own, where nobody was wrong before, unless one is given."""
    def __init__(self, site, source=None):
        self.c = http.client.HTTPSConnection("localhost", site.front, context=site.context(), timeout=60, source_address=(source or next(addresses), 0))
        self.c.connect()
        self.c.auto_open = 0

    def say(self, authorization=None, method="POST", path="/EWS/Exchange.asmx", headers=None, text=None):
        """(status, the headers WWW-Authenticate, the body); None if it was closed."""
        head = {"Content-Type": "text/xml", **({"Authorization": authorization} if authorization else {}), **(headers or {})}
        try:
            self.c.request(method, path, body=(body if text is None else text) if method == "POST" else None, headers=head)
            r = self.c.getresponse()
            return r.status, r.headers.get_all("WWW-Authenticate") or [], r.read()
        except (OSError, http.client.HTTPException):
            return None

    def type2(self, type1, scheme="NTLM", **how):
        status, offered, _ = self.say(f"{scheme} {base64.b64encode(type1).decode()}", **how)
        if not check(status == 401 and len(offered) == 1 and offered[0].startswith(scheme + " "), f"a challenge, not {status} {offered}"):
            raise RuntimeError("there is no challenge")
        return base64.b64decode(offered[0].split()[1])

    def type3(self, message, scheme="NTLM", **how):
        return self.say(f"{scheme} {base64.b64encode(message).decode()}", **how)

    def login(self, context, scheme="NTLM", change=lambda m: m, **how):
        """Both steps; ${change} may spoil the Type 3. Returns its status."""
        got = self.type3(change(context.step(self.type2(context.step(), scheme, **how))), scheme, **how)
        return got and got[0]


def ntlm(user="anna", password=None, domain="LABA", cbt=None, level=3):
    binding = None
    if cbt:
        binding = GssChannelBindingsStruct()
        binding[GssChannelBindingsStruct.APPLICATION_DATA] = b"tls-server-end-point:" + cbt
    return NtlmContext(user, a.password if password is None else password, domain, "CLIENT", cbt_data=binding, ntlm_compatibility=level)


def curl(*words, urls=1, env=None):
    """The status of each answer that curl saw, the last first."""
    url = f"https://localhost:{a.front}/EWS/Exchange.asmx"
    one = ["--cacert", str(a.ca), "-H", "Content-Type: text/xml", "--data-binary", f"@{a.dir / 'body'}", *words, url]
    r = subprocess.run(["curl", "-sS", "-D", "-", "-o", "/dev/null"] + one + sum((["--next", "-sS", "-D", "-", "-o", "/dev/null"] + one for _ in range(urls - 1)), []),
                       capture_output=True, text=True, timeout=60, env=dict(os.environ, **(env or {})))
    return [int(s) for s in re.findall(r"(?m)^HTTP/1.1 (\d+)", r.stdout)] or r.stderr


def offers(**how):
    status, headers, _ = a.http(body, user=None, **how)
    same(status, 401, "nobody is nobody")
    return headers.get_all("WWW-Authenticate")


def passwd(name, *more):
    (a.dir / "password").write_text(a.password)
    a.run("account", "passwd", name, "--password-file", str(a.dir / "password"), *more)


def offered_and_checked():
    """A scheme is offered where it can work, and `check` says why it cannot."""
    hashes = a.dir / "nt-hashes.conf"
    same(offers(), SCHEMES[2:], "without an NT hash: Basic alone")
    a.set("login_ntlm", "yes")
    check("login_ntlm is on, but cannot work" in a.run("check"), "a scheme that is on and cannot work")
    passwd("anna", "--ntlm")
    same(hashes.stat().st_mode & 0o777, 0o600, "the file of NT hashes is its owner's alone")
    check("NTLM" not in "".join(offers()), "not before the reload")
    a.run("reload")
    for path in ("/EWS/Exchange.asmx", "/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.svc"):
        same(offers(path=path), SCHEMES, f"{path}: each in a line of its own, the strongest first")
    same(a.run("check"), "ok\n", "and there is nothing to say")
    check('"name":"anna","stands_for":"user:anna@a.example","ntlm":true' in a.run("account", "list", "--json").replace(" ", ""), "account list")
    question = ('<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>anna@a.example</EMailAddress>'
                '<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>')
    same(set(re.findall(rb"<AuthPackage>(\w+)</AuthPackage>", a.http(question, path="/autodiscover/autodiscover.xml")[2])), {b"Ntlm"}, "AuthPackage")
    os.chmod(hashes, 0o640)
    check("others than its owner may read or write this file" in a.run("check"), "a file that others may read")
    a.run("reload")
    same(offers(), SCHEMES[2:], "is not used")
    until(lambda: "login-scheme-off" in a.log(), "and the log says so")
    os.chmod(hashes, 0o600)
    # A keytab that cannot be used is a sentence at the check and in the log, and nothing worse.
    keytab = a.dir / "front.keytab"
    a.set("keytab", "front.keytab")
    for content, mode, words in ((None, 0o600, "not found"), (b"", 0o600, "cannot be used"), (b"\5\2\0\0\0\x10nonsense", 0o600, "cannot be used"), (b"\5\2", 0o600, "no key"),
                                 (b"\5\2", 0o644, "chmod 600")):
        if content is not None:
            keytab.write_bytes(content)
            keytab.chmod(mode)
        said = a.run("check")
        check(f"the keytab {keytab} cannot be used" in said and words in said, f"a keytab of {content}: {said}")
    a.run("reload")
    same(offers(), SCHEMES, "a reload with it leaves the others")
    until(lambda: any(str(keytab) in line for line in a.lines("login-scheme-off")), "the log says why")
    a.set("keytab", "")
    # Without the legacy provider there is a sentence, and Basic.
    r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "check"], capture_output=True, text=True, env=dict(os.environ, OPENSSL_MODULES="/nonexistent"))
    check("legacy.so" in r.stdout and r.returncode == 0, f"the provider is missing: {r.stdout}{r.stderr}")
    a.stop()
    os.environ["OPENSSL_MODULES"] = "/nonexistent"
    a.start(), a.up(links=False)
    same(offers(), SCHEMES[2:], "the daemon starts without the provider")
    same(a.http(body)[0], 200, "and Basic works")
    a.stop()
    del os.environ["OPENSSL_MODULES"]
    a.set("login_negotiate", "no"), a.set("login_basic", "no")
    a.start(), a.up(links=False)
    same(offers(), SCHEMES[1:2], "NTLM alone")
    same(a.http(body)[0], 401, "what is not offered is not taken")
    r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "query", "--user", "anna", "--password-file", str(a.dir / "password"), "--start", "2026-03-02T08:00:00",
                        "--end", "2026-03-02T16:00:00", "anna@a.example"], capture_output=True, text=True)
    check(r.returncode != 0 and "login_basic" in r.stdout + r.stderr, f"the verb that asks by Basic says so: {r.stdout}{r.stderr}")
    a.set("login_negotiate", "auto"), a.set("login_basic", "yes"), a.set("login_ntlm", "auto")
    a.run("reload")


def tells(words, what):
    """The last refused login's line names the step that failed."""
    until(lambda: words in (a.lines("login-failed") or [""])[-1], f"{what}: '{words}' in {a.lines('login-failed')[-1:]}")


def by_curl():
    right, wrong = f"anna:{a.password}", "anna:wrong"
    same(curl("--ntlm", "-u", right), [401, 200], "NTLM by curl")
    for user in ("ANNA", "laba\\Anna", "LABA\\anna", "anna@a.example"):
        same(curl("--ntlm", "-u", f"{user}:{a.password}"), [401, 200], f"as {user}")
    a.account("exchange", "organisation", "--ntlm")
    a.run("reload")
    for user, expected in (("exchange", 200), ("LABA\\exchange", 200), ("Exchange@A.Example", 200), ("exchange@b.example", 401)):
        same(curl("--ntlm", "-u", f"{user}:{a.password}"), [401, expected], f"the organisation's account as {user}")
    a.run("account", "remove", "exchange")
    same(curl("--ntlm", "-u", wrong), [401, 401], "a wrong password")
    tells('scheme=NTLM why="the password is wrong"', "a wrong password")
    same(curl("--ntlm", "-u", f"nobody:{a.password}"), [401, 401], "nobody")
    tells('account=nobody scheme=NTLM why="no account is meant by this name"', "nobody")
    same(curl("--ntlm", "-u", f"basic-only:{a.password}"), [401, 401], "an account without an NT hash")
    tells("has no NT hash", "an account that stands for Basic alone")
    same(curl("--basic", "-u", f"basic-only:{a.password}"), [200], "which has a password")
    same(curl("--ntlm", "-u", right, "-H", "Transfer-Encoding: chunked", "-H", "Expect:"), [401, 200], "with a chunked body")
    same(curl("--ntlm", "-u", right, "-H", "Expect: 100-continue"), [401, 100, 200], "waiting for 100 Continue")
    before = len(a.lines("login"))
    same(curl("--ntlm", "-u", right, urls=3), [401, 200, 200, 200], "the connection is logged in: no more is said")
    until(lambda: len(a.lines("login")) == before + 1, "one login for three requests")
    words = pathlib.Path(a.dir / "ntlm-users")
    words.write_text(f"LABA:anna:{a.password}\n")
    env = {"NTLM_USER_FILE": str(words), "KRB5CCNAME": "MEMORY:none"}
    same(curl("--negotiate", "-u", ":", env=env), [401, 200], "NTLM inside SPNEGO, both sides sign the list of mechanisms")
    words.write_text("LABA:anna:wrong\n")
    same(curl("--negotiate", "-u", ":", env=env), [401, 401], "with a wrong password")
    tells('scheme=Negotiate why="the password is wrong"', "inside SPNEGO")


def by_exchangelib():
    os.environ["REQUESTS_CA_BUNDLE"] = str(a.ca)
    tempfile.tempdir = str(a.dir)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import datetime
    from exchangelib import BASIC, NTLM, Configuration, Credentials, EWSDateTime, EWSTimeZone
    from exchangelib.errors import UnauthorizedError
    from exchangelib.protocol import Protocol
    begin = EWSDateTime(2026, 3, 2, tzinfo=EWSTimeZone("UTC"))

    def ask(scheme, user, password):
        p = Protocol(config=Configuration(service_endpoint=f"https://localhost:{a.front}/EWS/Exchange.asmx", auth_type=scheme, credentials=Credentials(user, password)))
        try:
            return [len(v.calendar_events) for v in p.get_free_busy_info(accounts=[("anna@a.example", "Organizer", False)], start=begin,
                                                                         end=begin + datetime.timedelta(days=1))], p.auth_type
        except UnauthorizedError:
            return "refused"
        finally:
            p.close()
    same(ask(NTLM, "LABA\\anna", a.password), ([1], NTLM), "exchangelib with NTLM")
    same(ask(BASIC, "anna", a.password), ([1], BASIC), "with Basic")
    same(ask(None, "LABA\\ANNA", a.password)[0], [1], "with what it finds offered")
    same(ask(NTLM, "LABA\\anna", "wrong"), "refused", "and a wrong password")


def refused():
    same(Line(a).login(ntlm()), 200, "the client that all of these change")
    for level in (0, 1, 2):
        same(Line(a).login(ntlm(level=level)), 401, f"LM and NTLMv1, level {level}")
        tells("NTLMv2 alone is taken", f"level {level}")
    mic = slice(72, 88)
    spoilt = {
        "a bit of the MIC": lambda m: m[:75] + bytes([m[75] ^ 4]) + m[76:], "no MIC": lambda m: m[:mic.start] + bytes(16) + m[mic.stop:],
        "a bit of the flags": lambda m: m[:60] + bytes([m[60] ^ 0x10]) + m[61:],
        "a bit of the proof": lambda m: m[:(at := struct.unpack_from("<I", m, 24)[0])] + bytes([m[at] ^ 1]) + m[at + 1:],
        "a response of 24 bytes": lambda m: m[:20] + struct.pack("<HH", 24, 24) + m[24:], "no response": lambda m: m[:20] + bytes(4) + m[24:],
        "another user": lambda m: m.replace(b"anna", b"bobb").replace("anna".encode("utf-16-le"), "bobb".encode("utf-16-le")), "cut off": lambda m: m[:70], "a header": lambda m: m[:12],
        "a part that reaches out": lambda m: m[:24] + struct.pack("<I", 0xfffffff0) + m[28:], "nothing": lambda m: b"NTLMSSP\0\3\0\0\0",
    }
    for what, change in spoilt.items():
        for scheme in ("NTLM", "Negotiate"):
            same(Line(a).login(ntlm(), scheme, change), 401, f"{what} ({scheme})")
            if "MIC" in what:
                tells("the MIC that the client promises is missing or wrong", what)
    certificate = ssl.PEM_cert_to_DER_cert((a.dir / "front.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    same(Line(a).login(ntlm(cbt=hashlib.sha256(certificate).digest())), 200, "the channel binding of this certificate")
    same(Line(a).login(ntlm(cbt=hashlib.sha256(b"the one in the middle").digest())), 401, "that of another")
    tells("names the certificate of another TLS server", "a channel binding")
    for type1 in (b"NTLMSSP\0\1\0\0\0", b"NTLMSSP\0\2\0\0\0" + bytes(40), b"x" * 40, b"NTLMSSP\0\1\0\0\0\7\x82\x08\0" + bytes(5000)):
        same(Line(a).say("NTLM " + base64.b64encode(type1).decode())[0], 401, f"no Type 1: {type1[:14]}")
    check(Line(a).say("NTLM " + "A" * 60000)[0] in (401, 431), "nor what is far too long")


def of_its_connection():
    one, two = Line(a), Line(a)
    same(one.type3(b"NTLMSSP\0\3\0\0\0" + bytes(100))[0], 401, "a Type 3 without a Type 1")
    first, second = ntlm(), ntlm("company")
    challenge1, challenge2 = one.type2(first.step()), two.type2(second.step())
    check(challenge1[24:32] != challenge2[24:32], "each connection has its own challenge")
    answer1, answer2 = first.step(challenge1), second.step(challenge2)
    same(Line(a).type3(answer1)[0], 401, "a Type 3 on a connection that has seen no Type 1")
    other = Line(a)
    other.type2(ntlm().step())
    same(other.type3(answer1)[0], 401, "on one with another challenge")
    same(two.type3(answer2)[0], 200, "two logins, interleaved")
    same(one.type3(answer1)[0], 200, "and the other")
    same(one.type3(answer1)[0], 401, "a challenge is good for one answer")

    def asks_as(line, requester, what, **how):
        read = len(a.lines("mailbox"))
        got = line.say(**how)
        same(got and got[0], 200, what)
        until(lambda: len(a.lines("mailbox")) > read and f"requester={requester} " in a.lines("mailbox")[-1], f"{what}: {a.lines('mailbox')[-1]}")
    asks_as(two, "a.example", "the connection stays logged in")
    same(one.say()[0], 401, "and a login that failed ended the one before")
    same(two.login(ntlm()), 200, "another login on the same connection")
    asks_as(two, "anna@a.example", "is who asks from then on")
    basic = "Basic " + base64.b64encode(f"company:{a.password}".encode()).decode()
    asks_as(two, "a.example", "Basic is for its request", authorization=basic)
    same(two.say()[0], 401, "and ends the login of the connection")
    same(two.say("Bearer x")[0], 401, "so does a scheme that is not offered")
    tells("asks for a scheme that the front does not offer", "Bearer")
    three = Line(a)
    context = ntlm()
    challenge = three.type2(context.step())
    same(three.say()[0], 401, "a request between the two steps")
    same(three.type3(context.step(challenge))[0], 401, "ends the login")
    for how in ({"method": "GET", "path": "/autodiscover/autodiscover.xml"}, {"text": ""}, {"text": "x" * 400000}, {"headers": {"Expect": "100-continue"}}):
        line, context = Line(a), ntlm()
        challenge = line.type2(context.step(), **how)
        same(line.type3(context.step(challenge))[0], 200, f"a Type 1 with {str(how)[:60]}")
    # A body that is too large to be read away is no next request, whatever stands in it.
    anna = "Basic " + base64.b64encode(f"anna:{a.password}".encode()).decode()
    same(Line(a).say(anna, headers={"client-request-id": "up-to-here"})[0], 200, "one before it")
    until(lambda: "client-request-id=up-to-here" in a.lines("request")[-1], "all requests so far are in the log")
    read, hidden = len(a.lines("request")), "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    line = Line(a)
    got = line.say("NTLM " + base64.b64encode(ntlm().step()).decode(), text=hidden * (600000 // len(hidden)))
    check(got is None or got[0] == 413, f"a step with a body over the limit: {got}")
    same(line.say(), None, "ends its connection")
    same(Line(a).say(anna)[0], 200, "another goes on")
    until(lambda: len(a.lines("request")) >= read + 2 and "status=200" in a.lines("request")[-1], "both requests are in the log")
    same(len(a.lines("request")), read + 2, "and no other")
    line, context = Line(a), ntlm()
    got = line.say("NTLM " + base64.b64encode(context.step()).decode(), headers={"Connection": "close"})
    same((got[0], line.say()), (401, None), "a client that closes cannot go on")


def behind_a_proxy():
    """What the manual warns of is so: a proxy that keeps connections to the front for whoever comes next hands a login on with them."""
    port, = sites.free_ports(1)
    folder = a.dir / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""daemon off; pid pid; error_log error.log; worker_processes 1;
events {{ }}
http {{
 access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
 upstream kept {{ server 127.0.0.1:{a.front}; keepalive 1; }}
 server {{
  listen 127.0.0.1:{port};
  location / {{ proxy_pass https://kept; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  location /each/ {{ proxy_pass https://127.0.0.1:{a.front}/; proxy_http_version 1.1; proxy_set_header Connection close; }}
 }}
}}
""")
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(*words, path=""):
        r = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: text/xml", "--data-binary", f"@{a.dir / 'body'}", *words,
                            f"http://127.0.0.1:{port}{path}/EWS/Exchange.asmx"], capture_output=True, text=True, timeout=60)
        return r.stdout
    try:
        until(lambda: ask() == "401", "the proxy is up, and nobody is nobody")
        same(ask("--ntlm", "-u", f"anna:{a.password}"), "200", "a login through it")
        same(ask(), "200", "whoever comes next has it as well")
        same(ask("--ntlm", "-u", f"anna:{a.password}", path="/each"), "401", "one with a connection for each request lets nobody in")
        same(ask(path="/each"), "401", "nor anybody else")
    finally:
        nginx.terminate()
        nginx.wait()


def slowed():
    """From an address of its own each: what waits there waits nowhere else."""
    statuses, lock = collections.Counter(), threading.Lock()

    def guess(i):
        line = Line(a, "127.0.2.1")
        got = line.login(ntlm(password=f"guess {i}"))
        with lock:
            statuses[got] += 1
    threads = [threading.Thread(target=guess, args=(i,), daemon=True) for i in range(40)]
    for t in threads:
        t.start()
    until(lambda: statuses[503] > 0, f"whoever goes on guessing is turned away: {statuses}")
    check(statuses[200] == 0, "and nobody gets in")
    same(Line(a, "127.0.2.1").login(ntlm()), 503, "right or wrong is not told for that name and address")
    same(Line(a, "127.0.2.2").login(ntlm()), 200, "the right password from another address")
    same(Line(a, "127.0.2.1").login(ntlm("company")), 200, "another account from that one")
    until(lambda: a.lines("login-slowed"), "the log says so")
    seen = set()
    for i in range(6):
        status, offered, text = Line(a).say("Basic " + base64.b64encode(f"{'anna' if i % 2 else 'nobody'}:wrong".encode()).decode())
        seen.add((status, tuple(offered), text))
    same(len(seen), 1, "a refusal by Basic is one answer")


def one_refusal():
    """Whether there is such an account, or such a hash, is told neither by the bytes nor, as far as this clock says, by the time."""
    seen, times = set(), collections.defaultdict(list)
    order = ["anna", "nobody", "basic-only", "ANNA"] * 60
    random.shuffle(order)
    for user in order:
        line, context = Line(a), ntlm(user, "wrong")
        challenge = line.type2(context.step())
        message = context.step(challenge)
        began = time.perf_counter()
        status, offered, text = line.type3(message)
        seen.add((status, tuple(offered), text))
        times[user.lower() == "anna"].append(time.perf_counter() - began)
    same(len(seen), 1, "one refusal, byte for byte")
    ranked = sorted([(v, 0) for v in times[True]] + [(v, 1) for v in times[False]])
    above = sum(i + 1 for i, (_, which) in enumerate(ranked) if which == 0) - len(times[True]) * (len(times[True]) + 1) / 2
    print(f"time tells an account from none with AUC {above / (len(times[True]) * len(times[False])):.3f}")


with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    body = sites.request(["anna@a.example"])
    (a.dir / "body").write_text(body)
    a.account("basic-only", "user:basic@a.example")
    a.account("company", "organisation")
    a.run("reload")
    offered_and_checked()
    passwd("company", "--ntlm")
    a.run("reload")
    by_curl()
    by_exchangelib()
    refused()
    of_its_connection()
    behind_a_proxy()
    slowed()
    one_refusal()
    hashes = re.findall(r"nt=([0-9a-f]{32})", (a.dir / "nt-hashes.conf").read_text())
    same(len(hashes), 2, "two accounts have an NT hash")
    for word in (a.password, *hashes, "TlRMTVNTUAAD"):
        check(word not in a.log() + b.log(), f"no {word[:8]}... in any log")
    passwd("company")
    a.run("account", "remove", "anna")
    same(re.findall(r"nt=[0-9a-f]{32}", (a.dir / "nt-hashes.conf").read_text()), [], "a hash goes with its account, and with a password that is not for NTLM")
sites.finish()
