"""A CalDAV server that DNS names (RFC 6764): found by SRV and TXT, or by the well-known place; and never outside of the domain. The name server is a thread of this
test, which the bridge sees through a mount of its own over /etc/resolv.conf."""
import os
import pathlib
import random
import socket
import subprocess
import sys
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "servers"), str(HERE.parent / "e2e")]
import sites  # noqa: E402
from cyrus import Cyrus  # noqa: E402
from people_calendars import event, resource  # noqa: E402
from sites import check, finish, same, until  # noqa: E402

NINE = {"anna": {"nine": resource(event("nine", "20260302T090000Z", "20260302T100000Z"))}}
RIGHT = "0022000000000000"


class NameServer:
    """Answers out of {(name, type): [records]}; a name without a record of any type does not exist; "broken" is SERVFAIL."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = f"127.{random.randrange(1, 250)}.{random.randrange(1, 250)}.{random.randrange(2, 250)}"
        self.socket.bind((self.address, 53))  # resolv.conf knows no other port
        self.table = {}
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, who = self.socket.recvfrom(4096)
            question = dns.message.from_wire(data)
            asked = question.question[0]
            name, kind = asked.name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(asked.rdtype)
            reply = dns.message.make_response(question)
            reply.flags |= dns.flags.RA
            records = self.table.get((name, kind), [])
            if records == "broken":
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif records:
                reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *records))
            elif not any(n == name for n, _ in self.table):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(reply.to_wire(), who)


class Here(sites.Site):
    """A site whose daemon asks our name server."""

    def begin(self, names):
        resolv = self.dir.parent / "resolv.conf"
        resolv.write_text(f"nameserver {names.address}\n")
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv), sites.PROGRAM, "-c",
                                         str(self.config), "serve"], stdout=open(self.log_path, "ab"), stderr=subprocess.STDOUT)


def backend(site, server, domain):
    folder, secret = site.dir / "backends.d", site.dir / "dav.password"
    folder.mkdir(mode=0o700, exist_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(server.passwords["bridge"])
    (folder / f"{domain}.conf").write_text(f"type caldav\ndiscover {domain}\nserves {domain}\nca-file {server.ca}\nmethod outbox\nauth basic\nuser bridge\n"
                                           f"password-file {secret.name}\n")
    site.run("address-space", "add", "--forest-name", domain, "--peer", "local")


def answer(site, domain):
    found, = site.ask(f"anna@{domain}")
    return found["code"], found["merged"]


def records(names, port):
    t = names.table
    for host in ("dav.path.example", "dav.known.example", "dav.other.example", "dav.late.example", "dav.moved.example", "plain.example"):
        t[host, "A"] = ["127.0.0.1"]
    t["_caldavs._tcp.path.example", "SRV"] = [f"0 1 {port} dav.path.example."]
    t["_caldavs._tcp.path.example", "TXT"] = ['"path=/dav/"']
    t["_caldavs._tcp.known.example", "SRV"] = [f"10 1 {port} dav.known.example.", "20 1 1 later.known.example."]
    t["_caldavs._tcp.astray.example", "SRV"] = [f"0 1 {port} dav.other.example."]
    t["_caldavs._tcp.without.example", "SRV"] = ["0 0 0 ."]
    t["_caldavs._tcp.late.example", "SRV"] = "broken"
    t["_caldavs._tcp.moved.example", "SRV"] = ["0 1 1 dav.moved.example."]


def run(site, cyrus, names):
    same(answer(site, "path.example"), ("NoError", RIGHT), "SRV and TXT lead to the server")
    same(answer(site, "known.example"), ("NoError", RIGHT), "SRV leads to the server, the well-known place to its base")
    for domain, why in (("astray.example", "outside of the domain"), ("without.example", "names nobody"), ("late.example", "did not say")):
        code, merged = answer(site, domain)
        check(code != "NoError" and not merged, f"{domain}: {code} {merged}")
        until(lambda: any(domain in line and why in line for line in site.lines("backend-failed")), f"the log says of {domain} that DNS {why}")
    names.table["_caldavs._tcp.late.example", "SRV"] = [f"0 1 {cyrus.port} dav.late.example."]
    until(lambda: answer(site, "late.example") == ("NoError", RIGHT), "what DNS did not say at first it is asked again", 40)
    check(answer(site, "moved.example")[0] != "NoError", "there is no server yet where DNS says that it is")
    names.table["_caldavs._tcp.moved.example", "SRV"] = [f"0 1 {cyrus.port} dav.moved.example."]
    until(lambda: answer(site, "moved.example") == ("NoError", RIGHT), "a server that is not where it was is looked for again", 60)


def main():
    if os.getuid() != 0 or subprocess.run(["unshare", "--mount", "true"]).returncode:
        check(True, "no mounts can be made here")
        print("skipped: this needs the right to mount")
        return
    domains = [f"{name}.example" for name in ("path", "known", "astray", "without", "late", "moved")]
    names, folder = NameServer(), sites.ROOT / "build/forests" / f"discover-{os.getpid()}"
    folder.mkdir(parents=True)
    site = Here(folder, "site-a", "a.example")
    with Cyrus(["anna"], "path.example known.example late.example moved.example", *(f"dav.{d}" for d in domains)) as cyrus:
        cyrus.load(NINE)
        records(names, cyrus.port)
        for domain in domains:
            backend(site, cyrus, domain)
        with sites.ending(site, folder=folder):
            site.begin(names)
            site.up(links=False)
            run(site, cyrus, names)


main()
finish()
