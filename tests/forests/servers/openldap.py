"""slapd as the directory of a test, with the people of people.py: on free ports of one loopback address, everything in one folder."""
import random
import re
import signal
import socket

import people as who
from directory_server import DirectoryServer, quiet

MODULES = ("back_mdb", "back_null", "ppolicy")
LOCKED_FOR_EVER = "000001010000Z"  # what ppolicy calls an account that an administrator locked

# Attributes that a site may have made for itself: the settings can name any.
SCHEMA = """attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'testHidden' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.2 NAME 'testTarget' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.4.1.4203.666.3.1 NAME 'testMailbox' SUP top AUXILIARY MAY ( testHidden $ testTarget ) )
"""
ATTRIBUTES = ("hidden=testHidden", "target=testTarget")  # what directory.conf says of it


def two_free_ports(address):
    sockets = []
    while len(sockets) < 2:
        s = socket.socket()
        try:
            s.bind((address, random.randrange(10000, 32000)))
            sockets.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class OpenLdap(DirectoryServer):
    """
    ${authority} None = a server that knows no TLS; ${many}: in how many groups "many" is; ${above} False: the account may not search at the naming
    context itself; ${below}: another naming context, which this one lies below;
    ${kerberos}: the principal that is the account.
    """
    logs = ("slapd.log",)

    def __init__(self, folder, domain, other, authority, address="127.0.0.1", many=who.MANY, above=True, below=None, kerberos=None):
        super().__init__(folder, address)
        self.tree = who.Tree(domain, other, other_groups=who.groups(other, many))
        (folder / "data").mkdir(parents=True)
        self.plain, self.tls = two_free_ports(address)
        self.bind_name = self.tree.person(who.Person(who.SERVICE))
        self.ca, self.above, self.below, self.kerberos = authority.ca if authority else None, above, below, kerberos
        # libldap takes "localhost" for this machine's own name before it looks into the certificate.
        names = {"localhost", socket.gethostname(), socket.getfqdn(), address}
        self.configure(authority.certificate(folder.name, *sorted(names)) if authority else None)
        self.load()

    def configure(self, certificate):
        schemas = "".join(f"include /etc/ldap/schema/{s}.schema\n" for s in ("core", "cosine", "inetorgperson", "misc"))
        (self.folder / "own.schema").write_text(SCHEMA)
        tls = f"TLSCACertificateFile {self.ca}\nTLSCertificateFile {certificate[0]}\nTLSCertificateKeyFile {certificate[1]}\n" if certificate else ""
        # What is not paged ends at 100 entries, as at many a site; the account that looks up may page on.
        (self.folder / "slapd.conf").write_text(schemas + f"""include {self.folder}/own.schema
modulepath /usr/lib/ldap
{''.join(f'moduleload {m}{chr(10)}' for m in MODULES)}{tls}pidfile {self.folder}/slapd.pid
allow bind_anon_cred
{f'sasl-host {self.address}{chr(10)}authz-regexp uid={self.kerberos},.* "{self.bind_name}"{chr(10)}' if self.kerberos else ''}\
access to attrs=userPassword by anonymous auth by * none
{'' if self.above else f'access to dn.base="{self.tree.base}" by * none{chr(10)}'}\
access to * by dn.exact="{self.bind_name}" read by * none
database mdb
suffix "{self.tree.base}"
directory {self.folder}/data
maxsize 104857600
sizelimit 100
limits dn.exact="{self.bind_name}" size.soft=100 size.hard=100 size.pr=100 size.prtotal=unlimited
index objectClass,member,mail,mailLocalAddress,uid eq
overlay ppolicy
{f'database null{chr(10)}suffix "{self.below}"{chr(10)}' if self.below else ''}""")

    def load(self):
        t = self.tree
        ldif = who.entry(t.base, ("objectClass", "dcObject"), ("objectClass", "organization"), ("o", t.domain), ("dc", t.domain.split(".")[0]))
        ldif += t.units() + "".join(map(self.person, t.people + t.fillers()))
        ldif += "".join(who.entry(t.member(a), ("objectClass", "inetOrgPerson"), ("cn", a.replace("@", " at ")), ("sn", a), ("mail", a)) for a in t.contacts())
        nobody = f"CN=nobody,{t.base}"  # a group of names has at least one
        ldif += "".join(who.entry(t.group(g), ("objectClass", "groupOfNames"), ("cn", g), *[("member", t.member(m)) for m in members] or [("member", nobody)])
                        for g, members in t.groups.items())
        (self.folder / "load.ldif").write_text(ldif)
        quiet("slapadd", "-q", "-f", self.folder / "slapd.conf", "-l", self.folder / "load.ldif")

    def person(self, p):
        pairs = [("objectClass", c) for c in ("inetOrgPerson", "inetLocalMailRecipient", "testMailbox")]
        pairs += [("cn", p.cn or p.name), ("sn", p.name), ("uid", p.account or p.name)]
        pairs += [("userPassword", who.PASSWORD)] if not p.name.startswith("filler") else []
        pairs += [("mail", f"{p.name}@{self.tree.domain}")] if p.mail else []
        pairs += [("mailLocalAddress", a) for a in p.aliases]
        pairs += [("testHidden", "TRUE")] if p.hidden else []
        pairs += [("testTarget", p.target)] if p.target else []
        # Exchange's disabled rooms have no likeness here.
        pairs += [("pwdAccountLockedTime", LOCKED_FOR_EVER)] if p.disabled and not p.recipient_type else []
        return who.entry(self.tree.person(p), *pairs)

    # ---- running ----

    def start(self):
        urls = f"ldap://{self.address}:{self.plain}" + (f" ldaps://{self.address}:{self.tls}" if self.ca else "")
        self.run("slapd", "-f", self.folder / "slapd.conf", "-h", urls, "-d", "stats", ports=(self.plain, self.tls) if self.ca else (self.plain,),
                 seconds=20)

    def pause(self):
        """It accepts, by the kernel's hand, and says nothing any more."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    # ---- for tests ----

    def url(self, scheme="ldaps"):
        return f"{scheme}://{self.address}:{self.tls if scheme == 'ldaps' else self.plain}"

    def settings(self, *more, url=None, password=who.PASSWORD):
        """The lines of a directory.conf that asks this server."""
        return [f"server {url or self.url()}", "preset openldap", f"base {self.tree.base}", "bind simple", f"bind-name {self.bind_name}",
                f"password-file {self.password_file(password)}", f"ca-file {self.ca}", *(f"attribute {a}" for a in ATTRIBUTES), *more]

    def searches(self):
        """(base, filter) of each search that the server saw, in order."""
        return re.findall(r'SRCH base="((?:[^"\\]|\\.)*)" scope=\d deref=\d filter="(.*)"', self.log())

    def found(self):
        """How many entries each search gave."""
        return [int(n) for n in re.findall(r"SEARCH RESULT .*? nentries=(\d+)", self.log())]
