"""Keys of a link that change: three rotations while queries run, who may announce what, an admin who confirms, a peer that missed it, and
front certificates that end or are replaced."""
import json
import shutil
import subprocess
import threading
import time

import raw_link
import sites
from sites import check, until

WHO = "bob@b.example"
EVENT = ("20260302T100000", "20260302T110000")


def identity(site):
    return json.loads(site.run("identity", "show", "--json"))


def status(site):
    return json.loads(site.run("status", "--json"))


def file_of(site, peer):
    return (site.config.parent / "peers.d" / f"{peer}.conf").read_text()


def pins_of(site, peer):
    found = {}
    for line in file_of(site, peer).splitlines():
        words = line.split()
        if words[:1] in (["pin"], ["next-pin"]):
            found[words[0]] = words[1]
    return found


class Load:
    """Questions one after the other in threads of their own, each answer looked at."""

    def __init__(self, site, who, threads=2):
        self.site, self.who, self.stop, self.asked, self.bad = site, who, False, 0, []
        self.threads = [threading.Thread(target=self.go, daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def go(self):
        while not self.stop:
            try:
                a = self.site.ask(self.who)[0]
                good = a["code"] == "NoError" and "2" in (a["merged"] or "")
            except Exception as e:
                a, good = repr(e), False
            self.asked += 1
            if not good:
                self.bad.append((time.strftime("%H:%M:%S"), a))

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()


def rotate(site, peer):
    """One whole course; returns the pins before and after."""
    before = identity(site)["pin"]
    site.run("identity", "next")
    next_pin = identity(site)["next"]
    until(lambda: identity(site)["taken"] == [peer.name], "the peer takes the next pin")
    check(pins_of(peer, site.name) == {"pin": before, "next-pin": next_pin}, "the peer has both pins on its disk")
    site.run("identity", "promote")
    check(identity(site)["pin"] == next_pin, "the next identity is the current one")
    site.up()
    peer.up()
    site.run("identity", "retire")
    until(lambda: pins_of(peer, site.name) == {"pin": next_pin}, "the peer drops the old pin")
    return before, next_pin


def test_rotations(a, b):
    load = Load(a, WHO), Load(b, "carl@a.example")
    stolen = raw_link.Link(b.link, a.dir / "identity.pem", a.dir / "identity.key")
    check(stolen.up, f"a connection under the key that goes: {stolen.error}")
    for site, peer in ((a, b), (b, a), (a, b)):
        before, after = rotate(site, peer)
        check(before != after, "another key")
        if stolen:
            check(stolen.ended_within(30) is not None, "a retired key's connection, made before, ends as well")
            stolen = stolen.close()
    for one in load:
        one.end()
    asked, bad = load[0].asked + load[1].asked, load[0].bad + load[1].bad
    check(asked > 20, f"questions while the keys changed: {asked}")
    check(not bad, f"0 of {asked} failed: {bad[:3]}")
    kinds = [json.loads(line) for line in b.run("audit", "show", "--json").splitlines() if '"change"' in line]
    commands = [" ".join(k.get("command", [])) if isinstance(k.get("command"), list) else str(k.get("command")) for k in kinds]
    check(any("take-next" in c for c in commands), "the audit names the pin that was taken")


def test_unretired(a, b):
    """A third key before the first one is retired: nobody has room for it, each side is told so, and not to overwrite the key in use."""
    for step in ("next", "promote", "next"):
        a.run("identity", step)
        until(lambda: step == "promote" or b.lines("next-pin")[-1].count(identity(a)["next"]), "it is announced")
    r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "identity", "promote"], capture_output=True, text=True)
    for text in (r.stderr, a.run("status"), b.lines("next-pin")[-1]):
        check("identity retire" in text and "--next-pin" not in text, f"retire comes first: {text}")
    a.run("identity", "retire")
    until(lambda: identity(a)["taken"] == ["site-b"], "then there is room", 30)
    a.run("identity", "promote")
    a.run("identity", "retire")
    until(lambda: pins_of(b, "site-a") == {"pin": identity(a)["pin"]}, "and the course goes on")


def test_thief(a, b):
    """Whoever has the key but comes second finds the slot taken; the one who has it says so in his log, and the owner's pin stays."""
    a.run("identity", "next")
    mine = identity(a)["next"]
    until(lambda: pins_of(b, "site-a").get("next-pin") == mine, "the owner's next pin is taken")
    thief = sites.Site.__new__(sites.Site)
    thief.__dict__.update(a.__dict__)
    thief.dir = a.dir.parent / "thief"
    shutil.copytree(a.dir, thief.dir, ignore=shutil.ignore_patterns("state"))
    (thief.dir / "state").mkdir(mode=0o700)
    thief.config, thief.log_path = thief.dir / "availbridge.conf", a.dir.parent / "thief.log"
    thief.front, thief.link = sites.free_ports(2)
    thief.set("front_listen", f"127.0.0.1:{thief.front}")
    thief.set("link_listen", f"127.0.0.1:{thief.link}")
    for name in ("identity-next.key", "identity-next.pem"):
        (thief.dir / name).unlink()
    thief.run("identity", "next", code=0)
    check(identity(thief)["next"] != mine and identity(thief)["pin"] == identity(a)["pin"], "the thief has the key and a next one of his own")
    thief.start()
    try:
        until(lambda: thief.lines("announce-refused"), "the thief is refused")
        check(any("FAILED_PRECONDITION" in line for line in thief.lines("announce-refused")), "because the slot is taken")
        check(pins_of(b, "site-a") == {"pin": identity(a)["pin"], "next-pin": mine}, "nothing changed on the disk")
        until(lambda: any("result=refused" in line for line in b.lines("next-pin")), "and the log there says so")
    finally:
        thief.stop()
    a.up()
    a.run("identity", "promote")
    a.run("identity", "retire")
    until(lambda: pins_of(b, "site-a") == {"pin": mine}, "the owner's rotation goes on")


def test_confirm(a, b):
    b.set("accept_next", "confirm")
    b.run("reload")
    before = pins_of(b, "site-a")
    a.up()
    a.run("identity", "next")
    mine = identity(a)["next"]
    until(lambda: status(b)["pending"] == [{"peer": "site-a", "pin": mine}], "the pin waits")
    check(pins_of(b, "site-a") == before, "and is not taken")
    check("peer confirm-next site-a" in b.run("status"), "status says what to do")
    r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "identity", "promote"], capture_output=True, text=True)
    check(r.returncode == 1 and "site-b" in r.stderr, "promote refuses and names the peer")
    check("has not taken our next key" in a.run("status"), "status at the other side says so too")
    b.run("peer", "confirm-next", "site-a")
    check(pins_of(b, "site-a")["next-pin"] == mine, "confirmed")
    b.run("reload")
    check(status(b)["pending"] == [], "nothing waits any more")
    until(lambda: identity(a)["taken"] == ["site-b"], "and the other side hears of it")
    a.run("identity", "promote")
    a.run("identity", "retire")
    until(lambda: pins_of(b, "site-a") == {"pin": mine}, "retirement needs no admin")
    b.set("accept_next", "yes")
    b.run("reload")


def test_offline(a, b):
    """A peer that missed it all comes back by hand, and both sides say how."""
    a.up()
    b.up()
    old = identity(a)["pin"]
    b.stop()
    a.run("identity", "next")
    r = subprocess.run([sites.PROGRAM, "-c", str(a.config), "identity", "promote"], capture_output=True, text=True)
    check(r.returncode == 1 and "site-b" in r.stderr and "--force" in r.stderr, "promote refuses and names the peer")
    check(identity(a)["pin"] == old, "nothing is promoted")
    a.run("identity", "promote", "--force")
    new = identity(a)["pin"]
    check(new != old, "promoted by force")
    b.start()
    until(lambda: b.is_up(False) and any(p.get("why") and old in p["why"] and new in p["why"] for p in status(b)["peers"]), "status there shows both fingerprints")
    check("peer set site-a --pin" in b.run("status"), "and what to run")
    check(f"peer set site-a --pin {new}" in a.run("status"), "here too")
    check(a.ask(WHO)[0]["code"] != "NoError", "the link is shut meanwhile")
    b.run("peer", "set", "site-a", "--pin", new)
    b.run("reload")
    until(lambda: a.ask(WHO)[0]["code"] == "NoError", "it is back")
    a.run("identity", "retire")


def certificate(site, begin, end):
    """A self-signed certificate for the front with these dates (days from now), over the key that is there."""
    day = lambda n: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + n * 86400))
    work = site.dir / "ca"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "index").touch()
    (work / "serial").write_text("01")
    (work / "conf").write_text(f"""[ca]
default_ca=x
[x]
database={work}/index
serial={work}/serial
new_certs_dir={work}
default_md=sha256
policy=p
x509_extensions=e
[p]
commonName=supplied
[e]
subjectAltName=DNS:localhost
[req]
distinguished_name=d
[d]
""")
    ssl = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
    key = str(site.dir / "front.key")
    ssl("req", "-new", "-key", key, "-subj", "/CN=localhost", "-config", str(work / "conf"), "-out", str(work / "csr"))
    ssl("ca", "-batch", "-selfsign", "-keyfile", key, "-in", str(work / "csr"), "-startdate", day(begin), "-enddate", day(end), "-config", str(work / "conf"),
        "-notext", "-out", str(work / "pem"))
    (work / "pem").rename(site.dir / "front.pem")


def generation(site):
    return max(g["number"] for g in status(site)["generations"])


def test_front(a, b):
    a.up()
    for days, words in ((50.5, "ends in 50 days"), (20.5, "ends in 20 days"), (5.5, "ends in 5 days"), (-2.5, "ended 2 days ago")):
        before = generation(a)
        certificate(a, -100, days)
        until(lambda: a.is_up(False) and generation(a) > before, "the new certificate is taken into use by itself")
        until(lambda: f"front certificate: ! {words}" in a.run("status"), f"status warns: {words}")
        until(lambda: any(words in line for line in a.lines("front-certificate")), f"the log warns: {words}")
        until(lambda: f"its front certificate: ! {words}" in b.run("status", code=None), f"the peer's status warns: {words}")
    certificate(a, -1, 300)
    a.ca = a.dir / "front.pem"
    until(lambda: a.is_up(False) and "front certificate: ends in 299 days" in a.run("status"), "a good one ends the warnings")
    a.ca = a.dir / "good.pem"
    shutil.copy(a.dir / "front.pem", a.ca)
    key = (a.dir / "front.key").read_text()
    before = generation(a)
    (a.dir / "front.key").write_text("no key\n")
    until(lambda: status(a)["front_certificate"]["trouble"], "a broken pair is said in the status")
    check("the old one stays in use" in a.run("status"), "in words")
    until(lambda: any("key" in line for line in a.lines("reload-failed")), "and in the log")
    check(a.ask("carl@a.example")[0]["code"] == "NoError", "the old one answers")
    (a.dir / "front.key").write_text(key)
    until(lambda: not status(a)["front_certificate"]["trouble"], "mended, it is gone")


def main():
    with sites.pair() as (a, b):
        b.calendar("bob", EVENT)
        a.calendar("carl", EVENT)
        test_rotations(a, b)
        test_unretired(a, b)
        test_thief(a, b)
        test_confirm(a, b)
        test_offline(a, b)
        test_front(a, b)
    sites.finish()


if __name__ == "__main__":
    main()
