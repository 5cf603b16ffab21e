"""
A directory server that does what none should: endless entries, values of megabytes, one byte at a time, rubbish, answers to what nobody asked, pages without an end,
entries that were not asked for, referrals to somewhere else, a hang after each step. Each is could-not-tell in time with a sentence, nobody is believed to be
somebody else, and no referral is followed. No real server does these on demand.
"""
import json
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import threading
import time

import sites
from sites import check, finish, same

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "forests/servers"))
import certificates  # noqa: E402

BIND, BOUND, SEARCH, ENTRY, DONE, REFERENCE = 0x60, 0x61, 0x63, 0x64, 0x65, 0x73
PAGED, CHAIN = b"1.2.840.113556.1.4.319", b"1.2.840.113556.1.4.1941"


# ---- as much BER (X.690) as LDAP (RFC 4511) needs ----

def tlv(tag, body):
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body


def text(s):
    return tlv(4, s if isinstance(s, bytes) else s.encode())


def message(number, op, controls=b""):
    return tlv(0x30, tlv(2, bytes([number])) + op + controls)


def entry(dn, **attributes):
    return tlv(ENTRY, text(dn) + tlv(0x30, b"".join(tlv(0x30, text(k) + tlv(0x31, b"".join(map(text, v)))) for k, v in attributes.items())))


def done(code=0, tag=DONE, referral=None, said=""):
    return tlv(tag, tlv(10, bytes([code])) + text("") + text(said) + (tlv(0xA3, text(referral)) if referral else b""))


def page(cookie):
    """The control at the end of a page: there is more as long as the cookie is not empty."""
    return tlv(0xA0, tlv(0x30, text(PAGED) + text(tlv(0x30, tlv(2, b"\0") + text(cookie)))))


def read_exactly(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def read_message(c):
    """(message id, tag of the operation, the whole), or ConnectionError."""
    tag, n = read_exactly(c, 2)
    if n & 0x80:
        n = int.from_bytes(read_exactly(c, n & 0x7F), "big")
    body = read_exactly(c, n)
    return body[2], body[3], body


# ---- the server ----

class Server:
    """Says yes to a bind, and to the search for what it is; ${behave}(connection, number, whole) answers every other search."""
    def __init__(self, authority):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.certificate("hostile", "127.0.0.1"))
        self.context, self.behave, self.before, self.connections, self.binds, self.running = context, None, None, 0, [], True
        self.capabilities, self.domain = [], "DC=a"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.running:
            c, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as c:
                while True:
                    number, op, body = read_message(c)
                    if self.before and self.before(c, number, op):
                        continue
                    if op == BIND:
                        self.binds.append(body)
                        c.sendall(message(number, done(tag=BOUND)))
                    elif op == SEARCH and b"supportedCapabilities" in body:
                        c.sendall(message(number, entry("", configurationNamingContext=["CN=Configuration,DC=a"], supportedCapabilities=self.capabilities,
                                                         defaultNamingContext=[self.domain])) + message(number, done()))
                    elif op == SEARCH:
                        self.behave(c, number, body)
                    else:
                        return
        except (OSError, ConnectionError):
            pass


def hang(c):
    """Until the other side goes away."""
    select.select([c], [], [], 60)
    raise ConnectionError


def endless(c, number, body):
    while True:
        c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"])) * 100)


def endless_references(c, number, body):
    while True:
        c.sendall(message(number, tlv(REFERENCE, text("ldap://127.0.0.1/"))) * 100)


def huge(c, number, body):
    c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"], mailLocalAddress=["x" * (3 << 20)])) +
              message(number, entry("CN=ben,DC=a", mailLocalAddress=["x" * (3 << 20)])) + message(number, done()))


def too_huge(c, number, body):
    c.sendall(b"\x30\x84\x7f\xff\xff\xff\x02\x01" + bytes([number]) + b"\x64\x84\x7f\xff\xff\xf0" + b"x" * 100000)
    hang(c)


def drip(c, number, body):
    for b in message(number, entry("CN=anna,DC=a", mail=["anna@a.example"] * 200)):
        c.sendall(bytes([b]))
        time.sleep(0.05)  # slower than anybody waits; this is the fault, and nothing here waits for it


def rubbish(c, number, body):
    c.sendall(bytes(range(256)) * 20)
    hang(c)


def other_number(c, number, body):
    c.sendall(message(number + 1, entry("CN=anna,DC=a", mail=["anna@a.example"])) + message(number + 1, done()))
    hang(c)


def cut(c, number, body):
    c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"]))[:-5])
    c.shutdown(socket.SHUT_RDWR)
    raise ConnectionError


def no_end(c, number, body):
    c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"])))
    hang(c)


def endless_pages(c, number, body):
    """Only the searches for groups are paged: the others are answered rightly."""
    if PAGED in body:
        c.sendall(message(number, done(), page(b"more")))
    elif b"mailLocalAddress" in body:
        c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"])) + message(number, done()))
    else:
        c.sendall(message(number, entry("CN=Board,DC=a")) + message(number, done()))


def somebody_else(c, number, body):
    """Whoever is asked for: anna is what comes."""
    c.sendall(message(number, entry("CN=anna,DC=a", mail=["anna@a.example"])) + message(number, done()))


def long_name(c, number, body):
    """A DN that is longer than any, and by which no group can be asked about."""
    c.sendall(message(number, entry("CN=" + "x" * 20000 + ",DC=a", mail=["anna@a.example"])) + message(number, done()))


def not_text(c, number, body):
    """Addresses with zeroes, line ends and bytes of no character in them are none."""
    c.sendall(message(number, entry("CN=anna,DC=a", mail=[b"anna@a.example\0", b"anna@a.example\r\nX: y", b"\xff\xfeanna@a.example", b""])) + message(number, done()))


def busy(c, number, body):
    c.sendall(message(number, done(code=51)))


def referral_to(port):
    def behave(c, number, body):
        c.sendall(message(number, tlv(REFERENCE, text(f"ldap://127.0.0.1:{port}/DC=a"))) + message(number, done(code=10, referral=f"ldap://127.0.0.1:{port}/DC=a")))
    return behave


GLOBAL, UNIVERSAL = "-2147483646", "-2147483640"  # groupType of security groups, MS-ADTS 2.2.12


def catalog(*bobs, board=GLOBAL, member=False, inside=()):
    """
    A Global Catalog: below a domain stand those that are its children in DNS, with accounts of the same names; the type of the Board, whether it says that bob is in, and
    which groups are members of the Board.
    """
    def behave(c, number, body):
        if b"crossRef" in body:
            c.sendall(message(number, entry("CN=A,CN=Partitions,CN=Configuration,DC=a", nCName=["DC=a"])))
        elif b"sAMAccountName" in body:
            c.sendall(b"".join(message(number, entry(dn, mail=[mail])) for dn, mail in bobs))
        elif b"memberOf" in body and CHAIN not in body:
            c.sendall(b"".join(message(number, entry(dn, groupType=[kind])) for dn, kind in inside))
        elif b"memberOf" not in body or member:
            c.sendall(message(number, entry("CN=Board,DC=a", groupType=[board])))
        c.sendall(message(number, done()))
    return behave


def lost_partitions(code):
    """It has bob, and does not say which domains there are: whose bob he is nobody can tell."""
    def behave(c, number, body):
        if b"crossRef" in body:
            c.sendall(message(number, done(code=code)))
        elif b"userPrincipalName" in body:
            c.sendall(message(number, done()))
        else:
            catalog(("CN=Bob,OU=Staff,DC=a", "bob@a.example"))(c, number, body)
    return behave


def one_base(**bob):
    """Of two domains of ours, neither of which it knows: there is one account bob below the base."""
    def behave(c, number, body):
        if b"uid" in body:
            c.sendall(message(number, entry("uid=bob,DC=a", **bob)))
        elif b"mail" not in body and b"member" not in body:
            c.sendall(message(number, entry("CN=Board,DC=a")))
        c.sendall(message(number, done()))
    return behave


def hang_at(op):
    return lambda c, number, seen: hang(c) if seen == op else False


def refused(code):
    """A bind that a domain controller refuses, as it words that."""
    said = f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {code}, v4563"
    return lambda c, number, seen: seen == BIND and c.sendall(message(number, done(49, BOUND, said=said))) is None


def main():
    folder = sites.ROOT / "build/e2e" / f"hostile_directory-{sites.os.getpid()}"
    folder.mkdir(parents=True)
    authority = certificates.Authority(folder / "ca")
    server, site = Server(authority), sites.Site(folder, "site-a", "a.example")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("correct horse\n")
    (site.dir / "directory.conf").write_text(f'server ldaps://127.0.0.1:{server.port}\npreset openldap\nbase DC=a\nbind simple\nbind-name CN=svc\npassword-file "{secret}"\n'
                                             f'ca-file "{authority.ca}"\ntimeout "1 s"\n')
    (site.dir / "peers.d/local.conf").write_text("rule in group:CN=Board,DC=a * AvailabilityOnly\n")

    def ask(what, behave, exists="could not tell", before=None, who="anna@a.example", groups="could not tell", more=()):
        server.behave, server.before = behave, before
        r = subprocess.run([sites.PROGRAM, "-c", str(site.config), "directory", "test", who, "--json", *more], capture_output=True, text=True, timeout=60)
        if not check(r.returncode in (0, 1) and r.stdout, f"{what}: exit {r.returncode}\n{r.stderr[-2000:]}"):
            return {"why": "", "exists": ""}
        found = json.loads(r.stdout)
        same(found["exists"], exists, f"{what}: {found['why']}")
        if exists != "no":
            check(found["why"] or groups != "could not tell", f"{what}: there is a sentence")
            same(set(found["groups"].values()), {groups}, f"{what}: what is known of groups")
        # directory_job_ms(): twice the timeout and a half second is what the steps may take, and a spare tenth for each cut; the rest is the machine's.
        check(sum(s["us"] for s in found["steps"]) < 15_000_000, f"{what}: in time, which without an end it would not be: {found['steps']}")
        return found

    for behave in (endless, endless_references, too_huge, drip, rubbish, other_number, cut, no_end, busy):
        ask(behave.__name__, behave)
    for op in (BIND, SEARCH):
        ask(f"a hang at {op:#x}", somebody_else, before=hang_at(op))
    settings = site.dir / "directory.conf"
    settings.write_text(settings.read_text().replace('"1 s"', '"10 s"'))  # all others are answered, and how soon is the machine's
    check("larger than" in ask("huge", huge)["why"], "values of megabytes are refused with a sentence")
    found = ask("endless pages", endless_pages, exists="yes")
    same(found.get("address"), "anna@a.example", "the person is known, her groups are not")
    ask("somebody else", somebody_else, exists="no", who="ben@a.example")
    ask("addresses that are none", not_text, exists="no")
    check("too long" in (ask("a DN without an end", long_name)["why"] or ""), "nobody is in no group because her name was cut")
    for code, means in (("775", ", which means: the account is locked out (80090308"), ("52e", ", which means: no such account, or a wrong password ("),
                        ("7755", "credentials (8009")):
        found = ask(f"a bind refused with {code}", somebody_else, before=refused(code))
        check(means in found["why"], f"{means!r}: {found['why']}")
    decoy = socket.create_server(("127.0.0.1", 0))
    ask("a referral", referral_to(decoy.getsockname()[1]))
    same(select.select([decoy], [], [], 0)[0], [], "no referral is followed: nobody came to the other server")
    with (site.dir / "address-spaces.conf").open("a") as spaces:
        spaces.write("second.example local\n")
    for who, bob, exists in (("bob@second.example", {"mail": ["bob@a.example"]}, "no"), ("second.example\\bob", {"mail": ["bob@a.example"]}, "no"),
                             ("bob@second.example", {}, "no"), ("BOB@Second.Example", {"mail": ["robert@second.example"]}, "yes"), ("bob@a.example", {"mail": ["bob@a.example"]}, "yes"),
                             ("bob@second.example", {"mail": ["b@a.example"], "mailLocalAddress": ["smtp:x@second.example"]}, "yes"),
                             ("bob@third.example", {"mail": ["bob@third.example", "bob@a.example"]}, "no"), ("a\\bob", {"mail": ["bob@a.example"]}, "no")):
        ask(f"{who}, an account with {bob}", one_base(**bob), exists=exists, who=who, groups="no", more=("--requester",))
    conf = site.dir / "directory.conf"
    server.capabilities = ["1.2.840.113556.1.4.800"]
    found = ask("a preset that is not this server's", somebody_else, exists="no", who="ben@a.example")
    check("Write preset active-directory" in (found["odd"] or ""), f"it is said to be odd: {found['odd']}")
    conf.write_text(conf.read_text().replace("openldap", "active-directory"))
    ours, child = ("CN=Bob\\, DC,OU=Staff,DC=a", "bob@a.example"), ("CN=Bob,OU=Staff,DC=child,DC=a", "bob.child@a.example")
    for who, bobs, expected in (("A\\bob", [child], None), ("A\\bob", [child, ours], "bob@a.example"), ("A\\bob", [ours], "bob@a.example")):
        found = ask(f"{who} of {len(bobs)}", catalog(*bobs), exists="yes" if expected else "no", who=who, groups="no")
        same((found["address"], found["odd"]), (expected, None), f"{who} is the one of that domain, and not of a domain below it")
    for code in (50, 51):
        for who in ("A\\bob", "bob@a.corp.example"):
            ask(f"{who}, the domains refused with {code}", lost_partitions(code), who=who, more=("--requester",))
    # It has the members of its own domain's groups and of universal ones: that nobody is in another is no no, but who is in it is.
    for domain, board, member, groups in (("DC=b", GLOBAL, False, "could not tell"), ("DC=child,DC=a", GLOBAL, False, "could not tell"), ("DC=b", UNIVERSAL, False, "no"),
                                          ("DC=b", GLOBAL, True, "yes"), ("DC=a", GLOBAL, False, "no")):
        server.domain = domain
        found = ask(f"a group of type {board} at a server of {domain}", catalog(ours, board=board, member=member), exists="yes", who="A\\bob", groups=groups)
        same("not universal" in (found["why"] or ""), groups == "could not tell", f"the sentence of {domain}, {board}: {found['why']}")
    # What a universal group holds may be another domain's groups, whose members it has not: they can be people of that domain alone.
    server.domain = "DC=b"
    for inside, member, groups in ((("CN=Sales,DC=a", GLOBAL), False, "could not tell"), (("CN=Sales,DC=a", GLOBAL), True, "yes"), (("CN=Sales,DC=a", UNIVERSAL), False, "no"),
                                   (("CN=Sales,DC=c,DC=a", GLOBAL), False, "no"), (("CN=Sales,DC=b", GLOBAL), False, "no")):
        found = ask(f"a universal group that holds {inside}", catalog(ours, board=UNIVERSAL, member=member, inside=[inside]), exists="yes", who="A\\bob", groups=groups)
        same("not universal" in (found["why"] or ""), groups == "could not tell", f"the sentence of {inside}: {found['why']}")
    check(server.binds and all(b"correct horse" in b for b in server.binds), "the password went to this server alone, inside TLS")
    server.running = False
    sites.shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
