"""
What is looked up in a directory is what stands there: in the Samba forests a.example and b.example, through LDAPS, StartTLS and the Global Catalog, by password
and by Kerberos, and in slapd. And what could not be told is said so, and never becomes a no: with a wrong CA, a wrong password, a server that is gone, hangs,
strips StartTLS, or has two owners for an address.
"""
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import openldap  # noqa: E402
import people as who  # noqa: E402
import samba_dc  # noqa: E402
from directory_server import keytab_of, silent_kdc  # noqa: E402
from sites import PROGRAM, ROOT, Site, check, finish, same  # noqa: E402

GROUPS = ("Board", "Leads", "AllStaff", "LoopA", "LoopB", "Partners", "PartnersAll", "Empty", "Big", "Many0000", "Many0274", "Nowhere")
# Who is in what, by people.py; everybody else is in none. Nowhere is no group at all.
MEMBER_OF = {
    "anna": {"Board", "Leads", "AllStaff"}, "pat": {"Leads", "AllStaff"}, "ben": {"LoopA", "LoopB", "Big"}, "many": {"Many0000", "Many0274"},
    "contact": {"Partners", "PartnersAll"},
}
folder = ROOT / "build/e2e" / f"forest-directory-{os.getpid()}"


class Asking:
    """A site whose directory.conf changes from check to check."""
    def __init__(self, tree, settings):
        self.tree, self.site = tree, Site(folder, f"site-{tree.domain[0]}", tree.domain)
        self.use(settings)
        self.site.run("rule", "remove", "--peer", "local", "--direction", "in", "1")  # everybody for everybody
        for g in GROUPS:
            self.site.rule("local", "in", f"group:{tree.group(g)}", "*", "AvailabilityOnly")

    def use(self, settings):
        (self.site.dir / "directory.conf").write_text("\n".join(settings) + "\n")

    def test(self, name, *more, env=None, seconds=30):
        r = subprocess.run([PROGRAM, "-c", str(self.site.config), "directory", "test", name, "--json", *more], capture_output=True, text=True, timeout=seconds,
                           env=dict(os.environ, **(env or {})))
        self.code, self.stderr = r.returncode, r.stderr
        return json.loads(r.stdout) if r.stdout else {"exists": None, "why": r.stderr, "groups": {}}

    def groups(self, found):
        """Names of the groups by what was said: ({yes}, {could not tell})."""
        by = {"yes": set(), "no": set(), "could not tell": set()}
        for g in GROUPS:
            by[found["groups"].get(self.tree.group(g))].add(g)
        return by["yes"], by["could not tell"]

    def expect(self, what, name, exists="yes", **facts):
        """One look-up; ${facts} are what the JSON must say, and `of` whose groups."""
        found, of = self.test(name, *facts.pop("more", ()), env=facts.pop("env", None)), facts.pop("of", "nobody")
        got = {"exists": found["exists"], **{k: found[k] for k in facts}}
        same(got, {"exists": exists, **facts}, f"{what}: {name}\n{found['why']}")
        if exists == "could not tell":
            same(self.groups(found), (set(), set(GROUPS)), f"{what}: what is in no known entry is in no known group: {name}")
            check(found["why"], f"{what}: why {name} could not be told")
        else:
            same(self.groups(found), (MEMBER_OF.get(of, set()), {"Nowhere"}), f"{what}: the groups of {name}")
        return found


def everybody(asking, what, env=None):
    """Every fact of people.py, whatever the server."""
    a, b = asking.tree.domain, asking.tree.other

    def expect(name, *args, **facts):
        return asking.expect(what, name, *args, env=env, **facts)
    plain = {"hidden": False, "disabled": False, "moved_to": None}
    expect(f"anna@{a}", of="anna", address=f"anna@{a}", **plain)
    expect(f"ANNA.ALIAS@{a.upper()}", of="anna", address=f"anna@{a}", **plain)
    expect(f"info@{a}", of="anna", address=f"anna@{a}", **plain)
    expect(f"ben@{a}", of="ben", address=f"ben@{a}", **plain)
    expect(f"pat@{a}", of="pat", address=f"pat@{a}", **plain)
    expect(f"many@{a}", of="many", address=f"many@{a}", **plain)
    expect(f"hanna@{a}", address=f"hanna@{a}", hidden=True, disabled=False)
    expect(f"dieter@{a}", address=f"dieter@{a}", hidden=False, disabled=True)
    expect(f"room@{a}", address=f"room@{a}", **plain)
    expect(f"moved@{a}", address=f"moved@{a}", hidden=False, disabled=False, moved_to=f"moved@{b}")
    expect(f"inner@{a}", address=f"inner@{a}", **plain)
    expect(f"ben@{b}", of="contact", address=f"ben@{b}", **plain)
    expect(f"absent@{a}", "no", address=f"absent@{a}")
    expect(f"anna.old@{b}", "no")  # an alias of ours in their domain: whoever has it there is not anna
    expect(f"anna@{b}", "no")
    found = expect(f"twin@{a}", "could not tell", address=f"twin@{a}")
    check("two entries" in found["why"] and "twin-one" in found["why"] and "twin-two" in found["why"], f"{what}: {found['why']}")


def injections(asking, what):
    """What would change a filter, a DN or a sentence if it were not escaped: finds nobody."""
    a = asking.tree.domain
    for name in ("*", "*)(mail=*", "anna)(|(mail=*", "anna@a.example)(cn=*", "\\2a", "an*a", "LABA\\*", "LABA\\anna)(cn=*", "*\\anna", "anna\\2a", "(&)", "anna\n",
                 f"*@{a}", f"anna@{a})(mail=*", f"a*a@{a}", "é", "\x01", "S-1-5-*", "S-1-5-21-1)(cn=*"):
        asking.expect(f"{what}, injected", name, "no")


def by_primary_group(asking):
    """Who is in Domain Users is not among its members, and is in it all the same, and in what it is in."""
    a, tree, asked = asking.tree.domain, asking.tree, {}
    for dn in (f"CN=Domain Users,CN=Users,{tree.base}", f"CN=Domain Admins,CN=Users,{tree.base}", tree.group("Everybody")):
        asking.site.rule("local", "in", f"group:{dn}", "*", "AvailabilityOnly")
        asked[dn] = None
    for name, expected in ((f"anna@{a}", ("yes", "no", "yes")), (f"ben@{tree.other}", ("no", "no", "no"))):
        groups = asking.test(name)["groups"]
        same(tuple(groups[dn] for dn in asked), expected, f"Domain Users, Domain Admins, a group that holds Domain Users: {name}")
    for _ in asked:
        asking.site.run("rule", "remove", "--peer", "local", "--direction", "in", str(len(GROUPS) + 1))


def kdcs(forest, asking):
    """A KDC that is silent costs no more than a look-up may take, and the next one is asked."""
    a = asking.tree.domain
    with silent_kdc() as nobody:
        silent = f"kdc = {nobody}\n"
        usual = forest.krb5.read_text()
        other = folder / "silent.conf"
        for limit in ("1", "1400"):  # by TCP alone, and by UDP first
            other.write_text(re.sub(r"kdc = .*\n", silent, usual).replace("udp_preference_limit = 1", f"udp_preference_limit = {limit}"))
            asking.use(forest.settings("timeout \"1 s\"", kerberos=True))
            found = asking.expect("a silent KDC", f"anna@{a}", "could not tell", env={"KRB5_CONFIG": str(other)})
            check("no KDC of its realm answered in time" in found["why"], found["why"])
            # directory_job_ms(): twice the timeout and a half second
            same([(s["step"], s["us"] < 2_800_000) for s in found["steps"]], [("ticket", True)], f"given up within the job's time: {found['steps']}")
        other.write_text(re.sub(r"kdc = .*\n", lambda m: silent + m[0], usual))
        asking.use(forest.settings(kerberos=True))
        asking.expect("one KDC is silent, the next one is not", f"anna@{a}", of="anna", address=f"anna@{a}", env={"KRB5_CONFIG": str(other)})


def in_active_directory(forest, asking):
    by_primary_group(asking)
    everybody(asking, "LDAPS")
    injections(asking, "AD")
    a, netbios = forest.domain, forest.netbios
    for name in (f"{netbios}\\anna", f"{netbios.lower()}\\ANNA", f"{a}\\anna", f"anna@{a.upper()}", "anna"):
        asking.expect("a requester", name, of="anna", address=f"anna@{a}")
    # A UPN that is no address of anybody: the account's name at its domain is one all the same.
    asking.expect("an address", f"{who.SERVICE}@{a}", "no")
    asking.expect("a requester", f"{who.SERVICE}@{a}", more=("--requester",), address=None)
    asking.expect("a requester", f"u-123@{a}", more=("--requester",), address=f"ursula@{a}")
    for name in (f"OTHER\\anna", f"{netbios}\\nobody", f"anna@other.example", f"{netbios}\\", "\\anna", f"{netbios}\\anna\\x"):
        asking.expect("a requester", name, "no")
    for name in (forest.tree.unicode, f"Kim@XN--BCHER-KVA.{forest.tree.other}"):
        asking.expect("a domain kept in Unicode", name, address=f"kim@xn--bcher-kva.{forest.tree.other}")
    # Whoever is outside of the base is nobody, by whatever name.
    for unit, exists in (("OU=Contacts", "no"), ("OU=Staff", "yes")):
        asking.use(forest.settings(base=f"{unit}, {forest.tree.base}"))
        for name in (f"{netbios}\\anna", "anna", f"anna@{a}"):
            asking.expect(f"the base {unit}", name, exists, of="anna" if exists == "yes" else "nobody", more=("--requester",))
    asking.use(forest.settings())
    sid = [line.split(": ")[1] for line in forest.search("(sAMAccountName=anna)", "objectSid").splitlines() if line.startswith("objectSid:")][0]
    asking.expect("a SID", sid, of="anna", address=f"anna@{a}")
    asking.expect("a SID", sid.rsplit("-", 1)[0] + "-99999", "no")
    asking.use(["preset openldap" if line.startswith("preset") else line for line in forest.settings()])
    check("preset active-directory" in asking.test(f"anna@{a}")["odd"], "a preset that is not this server's")
    doctor = [h for h in json.loads(asking.site.run("doctor", "--json", code=None))["hops"] if h["hop"] == "directory"]
    check("preset is openldap" in doctor[0]["text"], doctor)
    asking.use(forest.settings(url=forest.url("ldap")))
    same(asking.expect("StartTLS", f"anna@{a}", of="anna", address=f"anna@{a}")["odd"], None, "the right preset")
    asking.use(forest.settings(url=forest.url("ldaps", 3269), base=""))
    asking.expect("Global Catalog", f"pat@{a}", of="pat", address=f"pat@{a}")
    asking.expect("Global Catalog", f"ben@{forest.tree.other}", of="contact")
    asking.expect("Global Catalog", f"{netbios}\\anna", of="anna", address=f"anna@{a}")
    kerberos = {"KRB5_CONFIG": str(forest.krb5)}
    asking.use(forest.settings(kerberos=True))
    everybody(asking, "Kerberos", env=kerberos)
    asking.use([line.replace(f"principal {who.SERVICE}", "principal nobody") for line in forest.settings(kerberos=True)])
    found = asking.expect("a principal that the keytab has not", f"anna@{a}", "could not tell", env=kerberos)
    check("no Kerberos ticket for nobody@" in found["why"], found["why"])
    wrong = keytab_of(forest.folder / "wrong.keytab", f"{who.SERVICE}@{forest.realm}", "of-somebody-else")
    asking.use([f"keytab {wrong}" if line.startswith("keytab") else line for line in forest.settings(kerberos=True)])
    found = asking.expect("a key that the KDC refuses", f"anna@{a}", "could not tell", env=kerberos)
    check("not tried again for 30 seconds" in found["why"], found["why"])
    kdcs(forest, asking)
    asking.use(forest.settings())


def logins(asking, right, domain):
    """Passwords by a bind: ${right} is (what is typed, whose address); ${domain} is what stands before a backslash."""
    a = asking.tree.domain
    secret, reasons = folder / "login.password", []
    secret.touch(mode=0o600)

    def login(user, password):
        secret.write_text(password + "\n")
        found = asking.test(user, "--password-file", str(secret))
        if found.get("password") == "no":
            check(found["login_why"], f"why {user} does not log in")
            reasons.append((user, found["login_why"]))
        return found.get("password"), found.get("login_address")
    for user, address in right:
        same(login(user, who.PASSWORD), ("yes", address), f"the password of {user}")
        same(login(user, who.PASSWORD + "x"), ("no", None), f"a wrong password of {user}")
    for user in (f"nobody@{a}", f"dieter@{a}", who.SERVICE, f"*@{a}", "", "an*", "anna)(|(objectClass=*", f"anna@{a})(cn=*", "anna\\2a", "\\anna"):
        same(login(user, who.PASSWORD), ("no", None), f"nobody logs in as {user!r}")
    same(login(f"twin@{a}", who.PASSWORD), ("could not tell", None), "an address of two people says nobody")
    for user, why in ((f"nobody@{a}", "knows nobody by this name"), (f"dieter@{a}", "is disabled"), (who.SERVICE, "has no address in a domain of ours"),
                      (right[0][0], "the bind was refused")):
        check(any(u == user and why in said for u, said in reasons), f"the reason of {user}: {reasons}")
    # Nobody learns by the time it takes who there is: the same steps, whether somebody has the name or not.
    secret.write_text(who.PASSWORD + "x\n")
    for known, unknown in ((f"ben@{a}", f"nobody@{a}"), ("ben", "nobody"), (f"dieter@{a}", f"nobody@{a}"), (f"{domain}\\ben", f"{domain}\\nobody")):
        steps = [[step["step"] for step in asking.test(user, "--requester", "--password-file", str(secret))["steps"] if "group" not in step["step"]]
                 for user in (known, unknown)]
        same(steps[0][-1], "password", f"{known}: the last step")
        same(steps[0], steps[1], f"the steps of {known} and of {unknown}")


def refusals(asking, server, address):
    """What must not be spoken to: the sentence says what was wrong, and nothing is a no."""
    good = server.settings()
    other = certificates.Authority(folder / "other-ca", "Other CA")
    asking.use([f"ca-file {other.ca}" if line.startswith("ca-file") else line for line in good])
    found = asking.expect("a CA that did not sign the server's certificate", address, "could not tell")
    check("its certificate does not hold" in found["why"], f"the sentence names the certificate: {found['why']}")
    der = folder / "other.cer"
    der.write_bytes(ssl.PEM_cert_to_DER_cert(pathlib.Path(server.ca).read_text()))
    asking.use([f"ca-file {der}" if line.startswith("ca-file") else line for line in good])
    found = asking.expect("the CA as Windows exports it", address, "could not tell")
    check("other.cer is a certificate in DER" in found["why"], found["why"])
    check("other.cer is a certificate in DER" in asking.site.run("check"), "and check says so before")
    asking.use([line for line in good if not line.startswith("ca-file")])
    asking.expect("the system's authorities did not sign it", address, "could not tell")
    asking.use([line.replace(server.address, "127.0.0.2") if line.startswith("server") else line for line in good])
    asking.expect("nobody there, or a name that the certificate has not", address, "could not tell")


def slapd_alone(server, asking):
    a = asking.tree.domain
    everybody(asking, "slapd")
    before = len(server.searches())
    injections(asking, "slapd")
    seen = server.searches()[before:]
    check(all("=*)" not in f.replace("(objectClass=*)", "") and "=a*a" not in f for _, f in seen), f"no filter has an asterisk of its own: {seen[-3:]}")
    for name in ("anna", "a.example\\anna"):
        asking.expect("a requester", name, of="anna", address=f"anna@{a}")
    for name in ("LABA\\anna", "S-1-5-18", "nobody"):
        asking.expect("a requester", name, "no")
    # Two domains of ours lie below one base: the ben of one is not the ben of the other.
    spaces = asking.site.dir / "address-spaces.conf"
    one = spaces.read_text()
    spaces.write_text(one + "second.example local\n")
    for name in ("ben@second.example", "second.example\\ben"):
        asking.expect("a requester of another domain of ours", name, "no", more=("--requester",))
    asking.expect("a requester of his own", f"{a}\\ben", of="ben", address=f"ben@{a}")
    spaces.write_text(one)
    logins(asking, [("anna", f"anna@{a}"), (f"info@{a}", f"anna@{a}"), (f"pat@{a}", f"pat@{a}")], a)
    refusals(asking, server, f"anna@{a}")
    asking.use(server.settings(url=server.url("ldap")))
    asking.expect("StartTLS", f"anna@{a}", of="anna")
    asking.use(server.settings(password="wrong"))
    found = asking.expect("a wrong password of our own", f"anna@{a}", "could not tell")
    check("refused" in found["why"] and "30 seconds" in found["why"], found["why"])
    asking.use([f"base OU=Staff,{asking.tree.base}" if line.startswith("base") else line for line in server.settings()])
    asking.expect("groups that lie outside of the base", f"anna@{a}", of="anna", address=f"anna@{a}")
    asking.use([line.replace("DC=a,", "DC=z,") if line.startswith("base") else line for line in server.settings()])
    found = asking.expect("a base that is not there", f"anna@{a}", "could not tell")
    check("no entry" in found["why"], found["why"])
    asking.use(server.settings())


def explained(server, asking):
    """explain says who said what, and doctor looks at each server by itself."""
    a, b, tree = asking.tree.domain, asking.tree.other, asking.tree
    site = asking.site

    def explain(requester, target):
        said = json.loads(site.run("explain", "--requester", requester, "--target", target, "--json", code=None))
        return said, {g["group"]: (g["member"], g["from"]) for g in said["known"]["requester"]["groups"]}
    said, groups = explain(f"info@{a}", f"ben@{a}")
    same((said["reason"], said["rule"]["number"], said["known"]["requester"]["address"]), ("ok", 1, f"anna@{a}"), "the alias is anna, whose group has the first rule")
    same(groups[tree.group("Board")], ("yes", server.url()), "the server said so")
    same(groups[tree.group("LoopA")], ("no", server.url()), "the server said so")
    same(groups[tree.group("Nowhere")][0], "could not tell", "a group that is not there")
    said, _ = explain(f"ben@{a}", f"dieter@{a}")
    same((said["known"]["target"]["exists"], said["known"]["target"]["disabled"]), ("no", True), "a disabled target")
    check("disabled" in said["why"] and "exist" in said["why"], said["why"])
    text = site.run("explain", "--requester", f"ben@{a}", "--target", f"hanna@{a}", code=None)
    check(f"(says {server.url()})" in text or f"({server.url()})" in text, text)
    doctor = [h for h in json.loads(site.run("doctor", "--json", code=None))["hops"] if h["hop"] == "directory"]
    same([h["state"] for h in doctor], ["failed"], f"doctor sees that a group of the rules is not there: {doctor}")
    check("Nowhere" in doctor[0]["text"], doctor)
    port = openldap.two_free_ports("127.0.0.1")[0]
    asking.use([f"server ldaps://127.0.0.1:{port}"] + server.settings())
    doctor = [h for h in json.loads(site.run("doctor", "--json", code=None))["hops"] if h["hop"] == "directory"]
    same(len(doctor), 2, "each server is a hop")
    check(str(port) in doctor[0]["text"] and "firewalls" in doctor[0]["fix"], doctor)
    said, groups = explain(f"anna@{a}", f"ben@{a}")
    same(groups[tree.group("Board")], ("yes", server.url()), "the server that answered, not the one that is gone")
    asking.use([f"server ldaps://127.0.0.1:{port}"] + server.settings()[1:])
    said, groups = explain(f"anna@{a}", f"ben@{a}")
    same((said["reason"], groups[tree.group("Board")][0], said["level"]), ("directory-failed", "could not tell", "None"), "nobody to ask")
    check(str(port) in said["known"]["requester"]["why"], said)
    asking.use(server.settings())


def aliases_in_rules(server, asking):
    """Rules see canonical addresses: doctor names those that name an alias, and does not say that there are none when it could not be told."""
    a, site = asking.tree.domain, asking.site

    def found():
        return [h for h in json.loads(site.run("doctor", "--json", code=None))["hops"] if h["hop"] == "aliases"]
    same([h["state"] for h in found()], ["ok"], "groups alone are no aliases")
    rule = ("rule", "add", "--peer", "local", "--direction", "in", "--requester", f"ben@{a}", "--target", f"info@{a}", "--level", "None", "--position", "1")
    site.run(*rule)
    check(f"info@{a} is an alias of anna@{a}" in site.stderr and "denies nothing" in site.stderr and "ben@" not in site.stderr, site.stderr)
    hops = found()
    same([h["state"] for h in hops], ["failed"], hops)
    check(f"rule 1 of local, direction in, names info@{a}, which is an alias of anna@{a}" in hops[0]["text"] and "denies nothing" in hops[0]["text"], hops)
    check(f"write anna@{a}" in hops[0]["fix"] and "rule remove --peer local --direction in 1" in hops[0]["fix"], hops)
    asking.use(server.settings(password="wrong"))
    hops = found()
    same([h["state"] for h in hops], ["not reached"], hops)
    check("of 2 addresses" in hops[0]["text"], hops)
    asking.use(server.settings())
    site.run("rule", "remove", "--peer", "local", "--direction", "in", "1")
    before = site.config.read_text()
    site.config.write_text(re.sub(r"(?m)^[# ]*hidden\s*=.*$", f'hidden = ["info@{a}", "ben@{a}"];', before, count=1))
    hops = found()
    same([h["state"] for h in hops], ["failed"], hops)
    check(f"hidden names info@{a}, which is an alias of anna@{a}" in hops[0]["text"] and f"write anna@{a}" in hops[0]["fix"], hops)
    site.config.write_text(before)


def exact_filter(server, asking):
    """What slapd saw of one hostile name, to the letter."""
    before = len(server.searches())
    found = asking.test("x*)(uid=*(|")
    same(found["exists"], "no", "the hostile name is nobody")
    same([f for _, f in server.searches()[before:] if "uid" in f], ["(&(objectClass=person)(uid=x\\2A\\29\\28uid=\\2A\\28|))"], "the filter that slapd saw")


def too_many_groups(asking, tree):
    """More groups than are looked through: of no group can it be told, whichever they are, and not only of the last ones."""
    crowded = openldap.OpenLdap(folder / "slapd-crowded", tree.domain, tree.other, SHARED["authority"], many=5100)
    crowded.start()
    try:
        asking.use(crowded.settings())
        found = asking.test(f"many@{tree.domain}")
        same((found["exists"], asking.groups(found)), ("yes", (set(), set(GROUPS))), "a person in 5,100 groups")
        check("more than 5000 groups" in found["why"], found["why"])
        asking.expect("somebody beside", f"anna@{tree.domain}", of="anna")
    finally:
        crowded.stop()


def outside(asking, tree):
    """An account that may search below the base alone does not see what lies beside it: of groups there nothing can be told."""
    walled = openldap.OpenLdap(folder / "slapd-walled", tree.domain, tree.other, SHARED["authority"], many=1, above=False)
    walled.start()
    try:
        asking.use([f"base OU=Staff,{tree.base}" if line.startswith("base") else line for line in walled.settings()])
        found = asking.test(f"anna@{tree.domain}")
        same((found["exists"], asking.groups(found)), ("yes", (set(), set(GROUPS))), "groups that are not where groups are looked for")
        check("not below" in found["why"] and "see `base`" in found["why"], found["why"])
    finally:
        walled.stop()


def nested(asking, tree):
    """Naming contexts of which one lies below the other: a search in the upper one does not see what the lower one has."""
    nest = openldap.OpenLdap(folder / "slapd-nested", tree.domain, tree.other, SHARED["authority"], many=1, below=tree.base.split(",", 1)[1])
    nest.start()
    try:
        asking.use(nest.settings())
        found = asking.test(f"anna@{tree.domain}")
        same(asking.groups(found)[0], MEMBER_OF["anna"], f"the groups are where the base is: {found['why']}")
    finally:
        nest.stop()


def stripped(asking, tree):
    """A server, or somebody in between, that has no StartTLS: nothing of ours is said to it."""
    plain = openldap.OpenLdap(folder / "slapd-plain", tree.domain, tree.other, None)
    plain.start()
    try:
        lines = [f"server {plain.url('ldap')}" if line.startswith("server") else f"ca-file {folder}/ca/ca.pem" if line.startswith("ca-file") else line
                 for line in plain.settings()]
        asking.use(lines)
        found = asking.expect("StartTLS stripped", f"anna@{tree.domain}", "could not tell")
        check("StartTLS" in found["why"], found["why"])
        check(" BIND " not in plain.log() and " SRCH " not in plain.log(), "neither a name nor a question went out in the clear")
    finally:
        plain.stop()


def failing_over(server, asking):
    """The second server answers while the first is gone or hangs; both gone is could-not-tell, in time."""
    a, port = asking.tree.domain, openldap.two_free_ports("127.0.0.1")[0]
    asking.use([f"server ldaps://127.0.0.1:{port}"] + server.settings("timeout \"1 s\""))
    found = asking.expect("the first server is gone", f"anna@{a}", of="anna", server=server.url())
    check(any(s["step"] == "connect" and str(port) in s["outcome"] for s in found["steps"]), "the step that failed is told")
    second = openldap.OpenLdap(folder / "slapd-second", a, asking.tree.other, SHARED["authority"])
    second.start()
    try:
        asking.use([f"server {second.url()}"] + server.settings("timeout \"1 s\""))
        second.pause()
        asking.expect("the first server hangs", f"anna@{a}", of="anna", server=server.url())
        server.pause()
        found = asking.expect("both hang", f"anna@{a}", "could not tell")
        # directory_job_ms(): twice the timeout and a half second; the verb itself takes no time to speak of.
        check(sum(s["us"] for s in found["steps"]) < 2_600_000, f"given up within the job's time: {found['steps']}")
    finally:
        server.resume()
        second.stop()
    asking.use(server.settings())


SHARED = {}


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    authority = SHARED["authority"] = certificates.Authority(folder / "ca")
    a, b = (samba_dc.Forest(folder / d, f"{d}.example", f"{o}.example", authority) for d, o in ("ab", "ba"))
    slapd = openldap.OpenLdap(folder / "slapd", "a.example", "b.example", authority)
    try:
        for server in (a, b, slapd):
            server.start()
        asking = Asking(b.tree, b.settings())
        everybody(asking, "the other forest")
        asking = Asking(a.tree, a.settings())
        in_active_directory(a, asking)
        logins(asking, [("LABA\\anna", "anna@a.example"), ("info@a.example", "anna@a.example"), ("pat@a.example", "pat@a.example")], a.netbios)
        refusals(asking, a, "anna@a.example")
        asking.use(slapd.settings())
        slapd_alone(slapd, asking)
        exact_filter(slapd, asking)
        explained(slapd, asking)
        aliases_in_rules(slapd, asking)
        too_many_groups(asking, slapd.tree)
        outside(asking, slapd.tree)
        nested(asking, slapd.tree)
        stripped(asking, slapd.tree)
        failing_over(slapd, asking)
    finally:
        for server in (a, b, slapd):
            server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
