"""Proof of domains by DNS: three results, and what a setting makes of them. The resolver is a thread of this test."""
import json
import re
import shutil
import socket
import subprocess
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import sites
from sites import Site, check, same

FOLDER = sites.ROOT / "build/e2e" / f"domains-{sites.os.getpid()}"
PIN2 = "sha256:" + "22" * 32


class Resolver:
    """Answers TXT questions out of a table: name -> list of texts (a text may be a tuple of strings), "silent", "broken", or nothing."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.table, self.asked = {}, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, who = self.socket.recvfrom(4096)
            question = dns.message.from_wire(data)
            name = question.question[0].name.to_text().rstrip(".").lower()
            self.asked.append(name)
            entry = self.table.get(name)
            if entry == "silent":
                continue
            reply = dns.message.make_response(question)
            reply.flags |= dns.flags.RA
            if entry == "broken":
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif entry is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif entry:
                texts = [" ".join(f'"{s}"' for s in (t if isinstance(t, tuple) else (t,))) for t in entry]
                reply.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "TXT", *texts))
            self.socket.sendto(reply.to_wire(), who)


def run(site, *words, code=0, answer=""):
    r = subprocess.run([sites.PROGRAM, "-c", str(site.config), *words], input=answer, capture_output=True, text=True, timeout=60)
    same(r.returncode, code, f"{site.name}: {' '.join(words)[:80]}\n{r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def results(a, b, r):
    a.pair(b)
    for n in range(2, 10):
        a.run("address-space", "add", "--forest-name", f"b{n}.example", "--peer", "site-b")
    pin = b.pin()
    r.table.update({
        "_availbridge.b.example": [f"v=availbridge1; pin={pin}"],
        "_availbridge.b2.example": [f"v=availbridge1;pin={PIN2}"],
        "_availbridge.b3.example": ["v=spf1 -all", f"v=other1; pin={pin}", "v=availbridge1", f"pin={pin}"],
        "_availbridge.b4.example": "broken",
        "_availbridge.b5.example": [f"v=availbridge1; pin={PIN2}", ("v=availbridge1; ", f"pin={pin}; note=both during a rotation")],
        "_availbridge.b6.example": [],
        "_availbridge.b7.example": [f"v=availbridge1; pin={pin[:-2]}"],
        "_availbridge.b8.example": [f"v=availbridge1; pin={pin.upper().replace('SHA256', 'sha256')}"],
    })
    rows = {row["domain"]: row["result"] for row in json.loads(a.run("peer", "check-domains", "site-b", "--resolver", r.address, "--json", code=1))}
    wanted = {"b": "proven", "b2": "contradicted", "b3": "could-not-tell", "b4": "could-not-tell", "b5": "proven", "b6": "could-not-tell",
              "b7": "could-not-tell", "b8": "proven", "b9": "could-not-tell"}
    same(rows, {f"{k}.example": v for k, v in wanted.items()}, "the three results")
    said = run(a, "peer", "check-domains", "site-b", "--resolver", r.address, code=1)
    check(PIN2 in said and f'_availbridge.b2.example TXT "v=availbridge1; pin={pin}"' in said, "what the record says, and what it should say")
    same(set(r.asked), {f"_availbridge.{d}" for d in rows}, "nothing else was asked")
    r.table["_availbridge.a.example"] = [f"v=availbridge1; pin={a.pin()}"]
    run(a, "peer", "check-domains", "local", "--resolver", r.address)
    check("no peer site-z" in run(a, "peer", "check-domains", "site-z", code=1), "no such peer")
    r.table["_availbridge.b.example"] = "silent"
    said = run(a, "peer", "check-domains", "local", "--resolver", f"127.0.0.1:{sites.free_ports(1)[0]}", code=1)
    check("could not tell" in said and "the resolver did not say" in said, f"a resolver that is not there: {said}")
    a.run("peer", "remove", "site-b")


def demanded(a, b, r):
    a.set("require_domain_proof", "yes")
    b.set("require_domain_proof", "yes")
    add = ["peer", "add", "site-b", "--endpoint", f"127.0.0.1:{b.link}", "--pin", b.pin(), "--domain", "b.example", "--resolver", r.address]
    for entry, word in (([f"v=availbridge1; pin={PIN2}"], "contradicted"), (None, "could not tell"), ("broken", "could not tell")):
        r.table["_availbridge.b.example"] = entry
        said = run(a, *add, code=1)
        check(word in said and b.pin() in said, f"peer add is refused: {said}")
        check(not (a.dir / "peers.d/site-b.conf").exists(), "and nothing is written")
    r.table["_availbridge.b.example"] = [f"v=availbridge1; pin={b.pin()}"]
    run(a, *add)
    run(a, "peer", "remove", "site-b")
    # by invitation: the guest asks before it goes in, the host when it confirms
    a.start(), b.start(), a.up(links=False), b.up(links=False)
    text = run(a, "peer", "invite", "--name", "site-b", "--no-wait").split()[0]
    r.table["_availbridge.a.example"] = None
    said = run(b, "peer", "accept", text, "--resolver", r.address, code=1)
    check("could not tell" in said and "3 tries left" in run(a, "status"), "accept is refused before the other side is asked")
    r.table["_availbridge.a.example"] = [f"v=availbridge1; pin={a.pin()}"]
    said = run(b, "peer", "accept", text, "--resolver", r.address)
    words = re.search(r"\n    ([a-z ]+)\n", said).group(1)
    check(words in run(a, "peer", "show", "site-b"), "the inviting side has the words without waiting")
    r.table["_availbridge.b.example"] = [f"v=availbridge1; pin={PIN2}"]
    said = run(a, "peer", "confirm", "site-b", "--yes", "--resolver", r.address, code=1)
    check("contradicted" in said and PIN2 in said and b.pin() in said, f"confirm is refused, with both fingerprints: {said}")
    r.table["_availbridge.b.example"] = [f"v=availbridge1; pin={b.pin()}"]
    run(a, "peer", "confirm", "site-b", "--yes", "--resolver", r.address)
    run(b, "peer", "confirm", "site-a", "--yes", "--resolver", r.address)
    a.up(), b.up()
    # No other domain becomes the peer's without proof either; the row that it has may be written anew whatever the DNS says.
    row = ["address-space", "add", "--peer", "site-b", "--resolver", r.address, "--forest-name"]
    said = run(a, *row, "more.example", code=1)
    check("could not tell" in said and b.pin() in said and "_availbridge.more.example" in said, f"a row is refused: {said}")
    check("more.example" not in a.run("address-space", "list"), "and not written")
    r.table["_availbridge.more.example"] = [f"v=availbridge1; pin={b.pin()}"]
    run(a, *row, "more.example")
    r.table["_availbridge.b.example"] = "broken"
    run(a, *row, "b.example", "--access-method", "PerUserFB")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    a, b, r = Site(FOLDER, "site-a", "a.example"), Site(FOLDER, "site-b", "b.example"), Resolver()
    with sites.ending(a, b, folder=FOLDER):
        results(a, b, r)
        demanded(a, b, r)


main()
sites.finish()
