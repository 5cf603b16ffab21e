"""A Samba Active Directory domain controller as a forest of a test: on a loopback address of its own, with everything in one folder."""
import hashlib
import os
import pathlib
import random
import re
import shutil
import socket
import time

import people as who
from directory_server import DirectoryServer, quiet

HERE = pathlib.Path(__file__).resolve().parent
ADMIN_PASSWORD = "Adm1n-of-the-forest"

# What Exchange's setup would have added to the schema, as far as anybody here looks at it: name, OID, syntax, OM syntax.
ATTRIBUTES = [
    ("targetAddress", "ms-Exch-Target-Address", "1.2.840.113556.1.2.352", "2.5.5.12", 64),
    ("msExchHideFromAddressLists", "ms-Exch-Hide-From-Address-Lists", "1.2.840.113556.1.2.73", "2.5.5.8", 1),
    ("msExchRecipientTypeDetails", "ms-Exch-Recipient-Type-Details", "1.2.840.113556.1.4.7000.102.50870", "2.5.5.16", 65),
]


def free_address():
    """A loopback address on which no LDAP server listens. The servers' ports are fixed; so each gets an address."""
    while True:
        address = f"127.{random.randrange(1, 250)}.{random.randrange(1, 250)}.{random.randrange(1, 250)}"
        with socket.socket() as s:
            try:
                s.bind((address, 389))
                return address
            except OSError:
                continue


class Forest(DirectoryServer):
    """${domain} ("a.example"), whose contacts are people of ${other}. Made once, kept as a copy under build/, and started from there."""
    logs = ("out.samba", "log.samba")

    def __init__(self, folder, domain, other, authority, tree=None):
        super().__init__(folder, free_address())
        self.domain, self.realm, self.netbios = domain, domain.upper(), "LAB" + domain[0].upper()
        self.tree = tree or who.Tree(domain, other, other_groups=who.groups(other, who.MANY // 4))
        self.host = f"dc-{domain[0]}.{domain}"
        self.upn = f"{who.SERVICE}@{domain}"
        self.ca = authority.ca
        self.krb5 = folder / "krb5.conf"
        template = self.made()
        shutil.copytree(template, folder)
        certificate, key = authority.certificate(f"dc-{domain[0]}", self.host, self.address)
        self.configure(str(template), certificate, key)

    # ---- making ----

    def made(self):
        sources = b"".join((HERE / name).read_bytes() for name in ("samba_dc.py", "people.py"))
        place = HERE.parents[2] / "build/forests/made"  # stands in its settings: that of a tree which was copied would write into the other's
        digest = hashlib.sha256(sources + repr((place, self.domain, self.tree.people, self.tree.groups)).encode()).hexdigest()[:16]
        kept = place / f"{self.domain}-{digest}"
        if not kept.exists():
            for old in kept.parent.glob(f"{self.domain}-*"):  # of sources as they were, which nobody used for a day
                if old.stat().st_mtime < time.time() - 86400:
                    shutil.rmtree(old, ignore_errors=True)
            work = kept.with_name(f"{kept.name}.{os.getpid()}")
            shutil.rmtree(work, ignore_errors=True)
            work.parent.mkdir(parents=True, exist_ok=True)
            self.provision(work)
            self.fill(work)
            conf = work / "etc/smb.conf"
            conf.write_text(conf.read_text().replace(str(work), str(kept)))
            try:
                work.rename(kept)
            except OSError:  # somebody else was first
                shutil.rmtree(work)
        os.utime(kept)
        return kept

    def provision(self, folder):
        quiet("samba-tool", "domain", "provision", f"--targetdir={folder}", f"--realm={self.realm}", f"--domain={self.netbios}", "--server-role=dc",
              "--dns-backend=SAMBA_INTERNAL", "--use-rfc2307", f"--host-name=dc-{self.domain[0]}", "--host-ip=127.0.0.1",
              f"--adminpass={ADMIN_PASSWORD}", "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb", "--option=interfaces=127.0.0.1/8",
              "--option=bind interfaces only=yes")
        self.change(folder / "etc/smb.conf", folder)

    def ldb(self, folder, tool, ldif):
        file = folder / "change.ldif"
        file.write_text(ldif)
        try:
            quiet(tool, "-H", folder / "private/sam.ldb", f"--configfile={folder}/etc/smb.conf", "--option=dsdb:schema update allowed=true", file)
        finally:
            file.unlink()

    def fill(self, folder):
        t = self.tree
        schema = f"CN=Schema,CN=Configuration,{t.base}"
        attributes = "".join(who.entry(f"CN={cn},{schema}", ("objectClass", "attributeSchema"), ("lDAPDisplayName", name), ("attributeID", oid),
                                       ("attributeSyntax", syntax), ("oMSyntax", om), ("isSingleValued", "TRUE"),
                                       ("searchFlags", 1)) for name, cn, oid, syntax, om in ATTRIBUTES)
        reload = "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n\n"
        self.ldb(folder, "ldbadd", attributes)
        self.ldb(folder, "ldbmodify", reload + f"dn: CN=Mail-Recipient,{schema}\nchangetype: modify\nadd: mayContain\n" +
                 "".join(f"mayContain: {a[0]}\n" for a in ATTRIBUTES) + "-\n\n" + reload)
        self.ldb(folder, "ldbadd", t.units() + "".join(map(self.user, t.people + t.fillers())) +
                 "".join(who.entry(t.member(a), ("objectClass", "contact"), *t.contact(a)) for a in t.contacts()) +
                 "".join(who.entry(t.group(g), ("objectClass", "group"), ("sAMAccountName", g)) for g in t.groups))
        # Active Directory keeps a domain in Unicode as it was typed; LDAP's own mail attribute could not.
        self.ldb(folder, "ldbadd", who.entry(t.member(t.unicode), ("objectClass", "contact"), *t.contact(t.unicode)))
        self.ldb(folder, "ldbmodify", t.memberships())
        # Every account is in Domain Users by its primaryGroupID alone, and so in what that is in.
        self.ldb(folder, "ldbadd", who.entry(t.group("Everybody"), ("objectClass", "group"), ("sAMAccountName", "Everybody"),
                                             ("member", f"CN=Domain Users,CN=Users,{t.base}")))

    def user(self, p):
        pairs = [("objectClass", "user"), ("sAMAccountName", p.account or p.name), ("userPrincipalName", p.upn or f"{p.name}@{self.domain}")]
        filler = p.name.startswith("filler")
        pairs += [] if filler else [("unicodePwd", f'"{who.PASSWORD}"'.encode("utf-16-le"))]
        pairs += [("userAccountControl", 514 if p.disabled or filler else 512)]
        if p.name == who.HTTP_SERVICE:
            pairs += [("servicePrincipalName", f"HTTP/mail.{self.domain}")]
        return who.entry(self.tree.person(p), *pairs, *self.tree.addresses(p), *self.tree.exchange(p))

    @staticmethod
    def change(smb_conf, folder, **settings):
        """Puts settings of the global section in place, and what Samba would write elsewhere into our folder."""
        settings.update(log_file=f"{folder}/log.samba", pid_directory=f"{folder}/pid", ncalrpc_dir=f"{folder}/ncalrpc")
        (folder / "pid").mkdir(exist_ok=True)
        text = smb_conf.read_text()
        for name, value in settings.items():
            name = name.replace("_", " ")
            text = re.sub(rf"(?m)^\t{name} = .*\n", "", text)
            text = text.replace("[global]\n", f"[global]\n\t{name} = {value}\n", 1)
        smb_conf.write_text(text)

    def configure(self, template, certificate, key):
        conf = self.folder / "etc/smb.conf"
        conf.write_text(conf.read_text().replace(template, str(self.folder)))
        self.change(conf, self.folder, interfaces=f"{self.address}/8", server_services="ldap, kdc, cldap",
                    ldap_server_require_strong_auth="allow_sasl_over_tls", tls_enabled="yes", tls_certfile=certificate,
                    tls_keyfile=key, tls_cafile=self.ca)
        # A server known by its address, since a test adds no names to this machine; the alias ldap/ of HOST/ is not made by these services.
        self.ldb(self.folder, "ldbmodify", f"dn: CN=DC-{self.domain[0].upper()},OU=Domain Controllers,{self.tree.base}\nchangetype: modify\n"
                 f"add: servicePrincipalName\nservicePrincipalName: ldap/{self.host}\nservicePrincipalName: ldap/{self.address}\n\n")
        self.krb5.write_text(f"""[libdefaults]
 default_realm = {self.realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {self.realm} = {{
  kdc = {self.address}
 }}
[domain_realm]
 .{self.domain} = {self.realm}
 {self.domain} = {self.realm}
""")

    # ---- running ----

    def start(self):
        self.run("samba", "-M", "single", "-s", self.folder / "etc/smb.conf", "--foreground", "--no-process-group",
                 ports=(88, 389, 636, 3268, 3269), seconds=30)

    # ---- for tests ----

    def url(self, scheme="ldaps", port=""):
        return f"{scheme}://{self.address}{port and f':{port}'}"

    def settings(self, *more, url=None, base=None, kerberos=False):
        """The lines of a directory.conf that asks this forest; with ${kerberos} the daemon wants KRB5_CONFIG=self.krb5 in its environment."""
        bind = ["bind gssapi", f"keytab {self.keytab(who.SERVICE)}", f"principal {who.SERVICE}@{self.realm}"] if kerberos else [
            "bind simple", f"bind-name {self.upn}", f"password-file {self.password_file()}"]
        return [f"server {url or self.url()}", "preset active-directory", f'base "{self.tree.base if base is None else base}"', *bind, f"ca-file {self.ca}", *more]

    def keytab(self, principal):
        """A keytab of ${principal} ("HTTP/mail.a.example", "svc-availbridge"), without a password."""
        path = self.folder / f"{re.sub(r'[^a-zA-Z0-9]', '-', principal)}.keytab"
        if not path.exists():
            quiet("samba-tool", "domain", "exportkeytab", path, f"--principal={principal}", f"--configfile={self.folder}/etc/smb.conf")
        return path

    def search(self, filter, *attributes):
        """What the forest's own administrator finds: blocks of LDIF."""
        return quiet("ldbsearch", "-H", self.folder / "private/sam.ldb", f"--configfile={self.folder}/etc/smb.conf", filter, *attributes)

    def computer(self, name):
        """Adds a computer while the server runs, whose account is NAME$."""
        self.ldb(self.folder, "ldbadd", who.entry(f"CN={name},CN=Computers,{self.tree.base}", ("objectClass", "computer"), ("sAMAccountName", f"{name}$"),
                                                  ("unicodePwd", f'"{who.PASSWORD}"'.encode("utf-16-le")), ("userAccountControl", 4096)))

    def modify(self, ldif):
        """A change while the server runs, through its own database file."""
        self.ldb(self.folder, "ldbmodify", ldif)
