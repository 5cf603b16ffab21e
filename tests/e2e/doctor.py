"""Twelve mistakes, seeded one at a time: `doctor` names each in exactly one failing line, with the side that must act and what it must do."""
import contextlib
import datetime
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import sites
from sites import check, same

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stranger"))
import server  # noqa: E402
from client import pb  # noqa: E402
from stubs import Identity  # noqa: E402

OLD_MEXICO = """BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:NAME
BEGIN:STANDARD
DTSTART:19961027T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0600
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20020407T020000
TZOFFSETFROM:-0600
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:1
DTSTART;TZID=NAME:20260706T090000
DURATION:PT1H
END:VEVENT
END:VCALENDAR
"""


def doctor(site, *words):
    """Its hops as (peer, hop) -> row, from --json."""
    text = site.run("doctor", *words, "--json", code=None)
    told = json.loads(text)
    rows = {(r["peer"], r["hop"]): r for r in told["hops"]}
    same(len(rows), len(told["hops"]), "no hop twice")
    check(all(r["state"] in ("ok", "failed", "not reached") for r in told["hops"]), f"three states only: {text}")
    failing = [r for r in told["hops"] if r["state"] == "failed"]
    same((told["ok"], site.code), (not failing, 1 if failing else 0), "the whole says what its lines say")
    check(all((r["state"] == "failed") == bool(r["side"] and r["fix"]) for r in told["hops"]), "who fails, and nobody else, has a side and a fix")
    return rows


def one(site, words, hop, side, *parts, peer="site-b", behind=()):
    """Exactly one hop fails: that one; those ${behind} it are not reached; the words of what to do are there."""
    rows = doctor(site, *words)
    failing = [(k, r["text"]) for k, r in rows.items() if r["state"] == "failed"]
    if not check([k for k, _ in failing] == [(peer, hop)], f"{hop} alone fails: {failing}"):
        return
    r = rows[(peer, hop)]
    same(r["side"], side, f"{hop}: whose turn it is")
    text = f"{r['text']} {r['fix']}"
    check(all(p in text for p in parts), f"{hop}: {parts} in {text}")
    for name in behind:
        same(rows[(name[0], name[1]) if isinstance(name, tuple) else (peer, name)]["state"], "not reached", f"{name} is behind {hop}")
    line = [x for x in site.run("doctor", *words, code=1).splitlines() if x.startswith("failed")]
    same(len(line), 1, "the text has the one line too")
    check(line and r["text"] in line[0] and r["fix"] in line[0], f"and it says the same: {line}")


@contextlib.contextmanager
def changed(path, text):
    """A file that is otherwise for a while."""
    old = path.read_bytes()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        yield
    finally:
        path.write_bytes(old)


def edited(path, pattern, new):
    text = path.read_text()
    other = re.sub(pattern, new, text, flags=re.M)
    check(other != text, f"{pattern} is in {path.name}")
    return changed(path, other)


def expired_certificate():
    """PEM of one for localhost that ended yesterday, by its own key: doctor reads no more of it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(65537, 2048)
    name, now = x509.Name([]), datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
            .not_valid_before(now - datetime.timedelta(days=30)).not_valid_after(now - datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), True).sign(key, hashes.SHA256()))
    return (cert.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


LINK = ("TLS and pin", "Hello", "look-up")


def here(a, b, login):
    rows = doctor(a, "site-b", *login)
    bad = {k: r["text"] for k, r in rows.items() if r["state"] != "ok"}
    same(bad, {}, "two sound sites: every hop is ok")
    same(doctor(a)[(None, "Autodiscover")]["state"], "not reached", "without a login there is no Autodiscover")
    rows = doctor(a, "site-b", "--target", "bob@b.example")
    check("bob@b.example" in rows[("site-b", "look-up")]["text"], "a target that is named is asked about")

    peer = a.dir / "peers.d/site-b.conf"
    wrong = "sha256:" + "ab" * 32
    with edited(peer, r"^pin .*$", f"pin {wrong}"):
        one(a, ["site-b"], "TLS and pin", "both", wrong, b.pin(), "identity show", "peer set site-b --pin", behind=LINK[1:])
    with socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it
        with edited(peer, r"^endpoint .*$", f"endpoint 127.0.0.1:{shut.getsockname()[1]}"):
            one(a, ["site-b"], "TCP", "there", str(shut.getsockname()[1]), "link_listen", "firewall", "peer set site-b --endpoint", behind=LINK)
    with edited(peer, r"^endpoint .*$", "endpoint no-such-host.invalid:7443"):
        one(a, ["site-b"], "name", "here", "no-such-host.invalid", "peer set site-b --endpoint", behind=("TCP",) + LINK)
    with changed(a.dir / "password", "not-the-password\n"):
        one(a, ["site-b", *login], "front login", "here", "account", peer=None, behind=["Autodiscover"])
    spaces = a.dir / "address-spaces.conf"
    one(a, ["site-b", "--target", "bob@elsewhere.example"], "table", "here", "elsewhere.example", "address-space add --forest-name elsewhere.example --peer site-b",
        behind=["look-up"])
    with edited(spaces, r"^b\.example .*$", ""):
        one(a, ["site-b"], "table", "here", "address-space add", behind=["look-up"])
    with changed(spaces, spaces.read_text() + "b.example local\n"):
        one(a, ["site-b"], "configuration", "here", "address-spaces.conf", "b.example", peer=None, behind=["everything else"])
    with changed(spaces, spaces.read_text() + "more.example site-b\n"):
        one(a, ["site-b"], "domains", "there", "more.example", "--peer local")
    with edited(peer, r"^rule out .*$", ""):
        one(a, ["site-b"], "rules out", "here", "rule add --peer site-b --direction out", behind=["look-up"])
    with edited(peer, r"^rule in .*$", ""):
        one(a, ["site-b"], "rules in", "here", "rule add --peer site-b --direction in")
    for file, pattern, new, words in ((peer, r"^free-busy-access-enabled .*$", "free-busy-access-enabled no", "access is off"),
                                      (peer, r"^free-busy-access-level .*$", "free-busy-access-level None", "level is None"),
                                      (peer, r"^rule in .*$", "rule in * * None", "the one rule of direction in says None")):
        with edited(file, pattern, new):
            row = doctor(a, "site-b")[("site-b", "rules in")]
            check(row["state"] == "ok" and "sees nothing of ours" in row["text"] and words in row["text"], f"a site that shares nothing on purpose is told so: {row}")
    cert, key = expired_certificate()
    with changed(a.dir / "front.pem", cert), changed(a.dir / "front.key", key):
        one(a, ["site-b", *login], "front certificate", "here", "expired", "front_certificate", peer=None, behind=["front login", "Autodiscover"])
        check("front.pem expired at" in a.run("check"), "check says that a front certificate has ended, and lets the daemon start with it")
    a.calendar("anna", text="BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:nonsense\r\nEND:VCALENDAR\r\n")
    one(a, ["site-b"], "calendars", "here", "anna@a.example", "write that calendar anew", peer=None)
    # Mexico's summer time ended in 2022; the file's word counts, and is told. A zone of the file's own name is no such case.
    extra = OLD_MEXICO.replace("DTSTART;TZID=NAME:20260706T090000", "DTSTART:20260706T150000Z\nRDATE;TZID=NAME:20260707T090000")
    for text, tzid, odd in ((OLD_MEXICO, "America/Mexico_City", True), (OLD_MEXICO, "Ours", False), (extra, "America/Mexico_City", True)):
        a.calendar("anna", text=text.replace("NAME", tzid).replace("\n", "\r\n"))
        row = doctor(a, "site-b")[(None, "calendars")]
        told = "; anna@a.example.ics: line 2: this VTIMEZONE says of America/Mexico_City what this system's time zones do not say" in row["text"]
        check(row["state"] == "ok" and told == odd and (";" in row["text"]) == odd, f"an outdated definition is told of: {row}")
    a.calendar("anna")


def its_look_up(a, b):
    """The peer asks back, over its own link: a question like any other, in our audit."""
    asked = lambda: sum("availbridge-doctor@a.example" in line and "site-b" in line for line in a.run("audit", "show", "--json").splitlines())
    before = asked()
    row = doctor(a, "site-b")[("site-b", "its look-up")]
    check(row["state"] == "ok" and "availbridge-doctor@a.example" in row["text"], f"it asked: {row}")
    same(asked(), before + 1, "once, and the audit has it")
    # It asks in the name of a domain of its own that nobody gave it here.
    spaces = b.dir / "address-spaces.conf"
    with changed(spaces, spaces.read_text() + "second.example local\n"), edited(b.config, r"^[# ]*primary_domain\s*=.*$", 'primary_domain = "second.example";'):
        b.run("reload")
        healed(a, b)
        one(a, ["site-b"], "its look-up", "here", "primary_domain", "address-space add --forest-name DOMAIN --peer site-b")
    # Its rules let its people ask, but not as an organisation.
    mine = b.dir / "peers.d/site-a.conf"
    with edited(mine, r"^rule out .*$", "rule out bob@b.example * LimitedDetails"):
        b.run("reload")
        healed(a, b)
        row = doctor(a, "site-b")[("site-b", "its look-up")]
        check(row["state"] == "not reached" and "did not ask" in row["text"], f"as far as it allows: {row}")
    b.run("reload")
    healed(a, b)


def our_directory(a, b):
    """What the peer got of us was our own failure: it is not sent to look for it."""
    (a.dir / "secret").touch(mode=0o600)
    (a.dir / "secret").write_text("x\n")
    (a.dir / "directory.conf").write_text("server ldaps://127.0.0.1:1\npreset openldap\nbase DC=a\nbind simple\nbind-name CN=x\npassword-file secret\n")
    a.run("reload")
    healed(a, b)
    rows = doctor(a, "site-b")
    same([k for k, r in rows.items() if r["state"] == "failed"], [(None, "directory"), ("site-b", "its look-up")], "our directory cannot be asked, and the peer was told so")
    same((rows[("site-b", "its look-up")]["side"], "directory-failed" in rows[("site-b", "its look-up")]["fix"]), ("both", True), "whose turn it is")
    (a.dir / "directory.conf").unlink()
    a.run("reload")
    healed(a, b)


def its_patience(a):
    """Six probes at once are answered, and then one in ten seconds."""
    began, seen = time.monotonic(), []
    while len(seen) < 60 and "its side" not in seen:
        rows = doctor(a, "site-b")
        seen.append("its side" if ("site-b", "its side") in rows else rows[("site-b", "its table")]["state"])
    took = time.monotonic() - began
    same(set(seen[:6]), {"ok"}, "six probes at once are answered")
    check(seen[-1] == "its side" and len(seen) - 1 <= 6 + took / 10, f"and no more: {seen} in {took:.1f} s")


def told_by_the_peer(a, b):
    """What only the other side can know, it tells: what its settings are about us."""
    mine = b.dir / "peers.d/site-a.conf"
    for what, (file, pattern, new), hop, parts, behind in (
            ("rule missing there", (mine, r"^rule in .*$", ""), "its rules in", ["rule add --peer site-a --direction in"], ["look-up"]),
            ("switch off there", (mine, r"^free-busy-access-enabled .*$", "free-busy-access-enabled no"), "its rules in", ["peer set site-a --free-busy-access-enabled yes"],
             ["look-up"]),
            ("no rule out there", (mine, r"^rule out .*$", ""), "its rules out", ["rule add --peer site-a --direction out"], []),
            ("no row there", (b.dir / "address-spaces.conf", r"^a\.example .*$", ""), "its table", ["address-space add --forest-name a.example --peer site-a"], ["look-up"])):
        with edited(file, pattern, new):
            b.run("reload")
            healed(a, b)
            one(a, ["site-b"], hop, "there", *parts, behind=behind)
    b.run("reload")
    healed(a, b)
    its_look_up(a, b)
    its_patience(a)
    b.run("reload")
    healed(a, b)
    our_directory(a, b)
    b.run("reload")
    healed(a, b)


def healed(a, b):
    """After a reload there the links come up again by themselves, both ways, and to nobody who has the settings before."""
    a.settled()
    b.settled()
    a.up()
    b.up()


def nobody_dials(a, b):
    """Who waits for the other to connect, where that does not know of it: each side hears what to do, and not to ask the other."""
    b.run("peer", "set", "site-a", "--dial", "in")
    b.reload()
    a.up()
    one(a, ["site-b"], "its link to us", "there", "peer set site-b --dial out")
    one(b, ["site-a"], "link", "there", "peer set site-b --dial out", peer="site-a", behind=["look-up"])
    check("dial out" in b.run("status"), "and status says so")
    b.run("peer", "set", "site-a", "--dial", "both")
    b.run("reload")
    healed(a, b)


def there(a, b):
    b.run("peer", "disable", "site-a")
    one(a, ["site-b"], "Hello", "there", a.pin(), "peer enable", "peer show site-a", behind=["look-up"])
    b.run("peer", "enable", "site-a")
    b.run("reload")
    healed(a, b)
    b.stop()
    one(a, ["site-b"], "TCP", "there", "daemon runs", behind=LINK)
    a.stop()
    rows = doctor(a, "site-b")
    same([k for k, r in rows.items() if r["state"] == "failed" and k[0] is None], [(None, "daemon")], "no daemon here")
    same(rows[("site-b", "look-up")]["state"], "not reached", "and nobody to look up through")


class Stub(server.Stranger):
    """A peer whose Hello says what it is told to."""
    said = {}

    def Hello(self, request, context):
        return pb.HelloReply(site="stranger", domains=[self.domain] + self.said.get("domains", []), version=self.said.get("version", "0.1.0"),
                             max_mailboxes=100, max_window_days=62, max_events=1000, time=int(time.time()) + self.said.get("ahead", 0),
                             front_expires=self.said.get("front_expires", 0))


def strange(a, folder):
    server.Stranger = Stub
    stranger = Identity.make(folder, "stranger.invalid")
    grpc_server, port = server.serve(stranger, (a.dir / "identity.pem").read_bytes(), "x.example")
    a.run("peer", "add", "site-x", "--endpoint", f"127.0.0.1:{port}", "--pin", stranger.pin(), "--domain", "x.example")
    a.run("peer", "set", "site-x", "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")
    a.rule("site-x", "in", "*", "*", "AvailabilityOnly")
    a.rule("site-x", "out", "*", "*", "AvailabilityOnly")
    a.start(), a.up(links=False)
    rows = doctor(a, "site-x")
    same({k: r["text"] for k, r in rows.items() if r["state"] == "failed"}, {}, "a stranger that speaks the protocol is as good as a bridge")
    for ahead in (86400, -86400):
        Stub.said = {"ahead": ahead}
        one(a, ["site-x"], "clock", "both", "time server", "ahead of" if ahead > 0 else "behind", peer="site-x")
    Stub.said = {"ahead": 120}
    check("WARNING" in doctor(a, "site-x")[("site-x", "clock")]["text"], "two minutes are a warning")
    Stub.said = {"version": "0.0.9"}
    one(a, ["site-x"], "version", "there", "0.0.9", "0.1.0", peer="site-x")
    Stub.said = {"domains": ["b.example"]}
    one(a, ["site-x"], "domains", "both", "b.example", "site-b", "address-space remove b.example", peer="site-x")
    Stub.said = {"front_expires": int(time.time()) - 3600}
    one(a, ["site-x"], "its front certificate", "there", "expired", peer="site-x")
    Stub.said = {"version": "0.1.0\x1b[31m\nok  all"}
    text = a.run("doctor", "site-x", code=None)
    check("\x1b" not in text and "\nok  all" not in text, "what a peer says makes no line and no colour of its own")
    grpc_server.stop(0)


def main():
    with tempfile.TemporaryDirectory() as folder, sites.pair() as (a, b):
        b.calendar("bob", ("20260302T090000", "20260302T100000"))
        told_by_the_peer(a, b)
        here(a, b, ["--user", "anna", "--password-file", str(a.dir / "password")])
        nobody_dials(a, b)
        there(a, b)
        strange(a, folder)


main()
sites.finish()
