"""`exchange-setup`: what it prints is PowerShell that means what the settings say, for names of any kind; and it says what is missing. README's is the same."""
import re
import secrets
import subprocess

import sites
from sites import PROGRAM, ROOT, check, same

QUOTES = "'\u2018\u2019\u201a\u201b"  # each of them begins and ends a literal in PowerShell


def words(line):
    """A line of PowerShell as this verb may write it: bare words, and literals, in which two quotes mean one. Anything else is not understood."""
    found, i = [], 0
    while i < len(line):
        if line[i] == " ":
            i += 1
        elif line[i] in QUOTES:
            text, i = "", i + 1
            while True:
                if line[i] in QUOTES:
                    if i + 1 < len(line) and line[i + 1] in QUOTES:
                        text, i = text + line[i], i + 2
                        continue
                    break
                text, i = text + line[i], i + 1
            found.append(("literal", text))
            i += 1
        else:
            bare = re.match(r"[-\w$.:,|{}()=\[\]]+?(?=['\u2018-\u201b ]|$)", line[i:])
            if not bare:
                raise ValueError(f"not understood: {line[i:]!r} in {line!r}")
            found.append(("bare", bare.group()))
            i += bare.end()
    return found


def commands(text, name):
    """The options of each command with this name: {"-ForestName": "b.example", ...}."""
    out = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            line = words(line)
            if line[0] == ("bare", name):
                keys = [k for _, k in line[1::2]]
                check(all(k.startswith("-") for k in keys), f"{name}: {line}")
                out.append(dict(zip(keys, line[2::2])))
    return out


def missing(text):
    return [line.removeprefix("# MISSING: ") for line in text.splitlines() if line.startswith("# MISSING")]


with sites.pair(start=False) as (a, b):
    def setup(*options, code=0):
        return a.run("exchange-setup", *options, code=code)

    def host(name):
        a.set("public_url", f"https://{name}")

    # The front's certificate names this machine and localhost: what Exchange cannot use is said.
    found = missing(setup(code=1))
    check(any("which means each machine itself" in m for m in found), f"localhost: {found}")
    check(any("availbridge account add exchange --stands-for organisation" in m for m in found), f"no account: {found}")
    same(len(found), 2, "nothing else is missing")

    # A certificate for the bridge, and one for 2010 too.
    def certificate(*names):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", a.dir / "front.key", "-out", a.dir / "front.pem", "-subj", "/CN=x",
                        "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names)], check=True, capture_output=True)
        (a.dir / "front.key").chmod(0o600)

    host("bridge-a.a.example")
    a.account("exchange", "organisation")
    found = missing(setup(code=1))
    check(any("the account exchange has no NT hash" in m for m in found), f"no NTLM: {found}")
    secret = a.dir / "password"
    a.run("account", "passwd", "exchange", "--password-file", str(secret), "--ntlm")
    found = missing(setup(code=1))
    check(len(found) == 1 and "does not cover bridge-a.a.example; it names " in found[0], f"the certificate: {found}")
    certificate("bridge-a.a.example")
    text = setup()
    same(missing(text), [], "nothing is missing")
    same(commands(text, "Add-AvailabilityAddressSpace"),
         [{"-ForestName": ("literal", "b.example"), "-AccessMethod": ("bare", "OrgWideFB"), "-Credentials": ("bare", "$login"),
           "-TargetAutodiscoverEpr": ("literal", "https://bridge-a.a.example/autodiscover/autodiscover.xml")}], "2013 and later")
    check("$login = Get-Credential -Credential 'exchange'\n" in text, "the login")
    check("certutil -addstore -f Root 'front-ca.pem'\n" in text, "the CA that init made")
    for cmdlet in ("Get-OrganizationRelationship", "Get-IntraOrganizationConnector"):
        check(re.search(cmdlet + r" \| Where-Object \{ \$_\.\w+ -contains 'b\.example' \}", text), cmdlet)
    same([c["-AccessMethod"][1] for c in commands(setup("--access-method", "orgwidefbbasic"), "Add-AvailabilityAddressSpace")], ["OrgWideFBBasic"], "Basic")
    a.set("login_basic", "no")
    check(any("which the front does not offer: login_basic is no" in m for m in missing(setup("--access-method", "OrgWideFBBasic", code=1))), "no Basic")
    same(missing(setup()), [], "which OrgWideFB does not need")
    a.set("login_basic", "yes")
    a.set("login_ntlm", "no")
    check(any("login_ntlm is no" in m for m in missing(setup(code=1))), "no NTLM at all")
    same(missing(setup("--access-method", "OrgWideFBBasic")), [], "which OrgWideFBBasic does not need")
    a.set("login_ntlm", "auto")
    check(any("exchange does not" in m for m in missing(setup("--access-method", "PerUserFB", code=1))), "an account that may name nobody")
    a.account("cas", "server", "--ntlm")
    text = setup("--access-method", "PerUserFB", "--user", "cas")
    same([c["-AccessMethod"][1] for c in commands(text, "Add-AvailabilityAddressSpace")], ["PerUserFB"], "by person")
    check("Get-Credential -Credential 'cas'" in text and "stands for `server`" in text, "and what that takes")
    check("Get-Credential -Credential 'cas'" in setup("--access-method", "PerUserFB", "--user", "CAS"), "a name in any case, as at the front")
    rows = a.dir / "address-spaces.conf"
    before = rows.read_text()
    rows.write_text(before + "".join(f"d{i}.example site-b\n" for i in range(9000)))
    text = setup(code=1)
    check(any("9001 domains" in m for m in missing(text)) and len(commands(text, "Add-AvailabilityAddressSpace")) == 9001, "of however many domains all is printed")
    rows.write_text(before)
    check("\nRemove-AvailabilityAddressSpace 'b.example' -Confirm:$false\n" in setup("--remove"), "removal")

    # README's example is what this prints.
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"availbridge exchange-setup site-b\n\n(.*?)\n\n\S", readme, re.DOTALL)
    lines = [line.strip() for line in example.group(1).splitlines() if line.strip()] if example else []
    check(len(lines) >= 4, "README has an example")
    printed = setup("site-b").splitlines()
    for line in lines:
        check(line in printed, f"README's line is printed: {line}")

    # 2010: by name, at 443, with a certificate for it.
    found = missing(setup("--version", "2010", code=1))
    check(len(found) == 1 and "does not cover autodiscover.b.example" in found[0], f"2010: {found}")
    certificate("bridge-a.a.example", "autodiscover.b.example")
    text = setup("--version", "2010")
    same(commands(text, "Add-AvailabilityAddressSpace"),
         [{"-ForestName": ("literal", "b.example"), "-AccessMethod": ("bare", "OrgWideFB"), "-Credentials": ("bare", "$login")}], "2010 has no TargetAutodiscoverEpr")
    check("GetHostAddresses('autodiscover.b.example')" in text and "IntraOrganizationConnector" not in text, "it looks for the name")
    a.set("public_url", "https://bridge-a.a.example:8443")
    check(any("has port 8443" in m for m in missing(setup("--version", "2010", code=1))), "2010 knows no other port")
    same(missing(setup()), [], "the others do")
    a.run("exchange-setup", "--version", "2010", "--access-method", "OrgWideFBBasic", code=2)
    a.run("exchange-setup", "--version", "2003", code=2)
    a.run("exchange-setup", "--access-method", "InternalProxy", code=2)
    a.run("exchange-setup", "nobody-such", code=1)
    a.run("exchange-setup", "local", code=1)

    # Accounts: who stands for one person is none; a name of any kind stays one literal.
    check(any("stands for one person" in m for m in missing(setup("--user", "anna", code=1))), "a person's account")
    check(any("there is no account nobody" in m for m in missing(setup("--user", "nobody", code=1))), "an unknown account")
    for name in ("O'Brien", "\u2019; Remove-Mailbox anna #", "$(Get-Date) `x \"y\" \u201b\u201a\u2018", "A.EXAMPLE\\svc", "'"):
        a.account(name, "server", "--ntlm")
        line = next(line for line in setup("--user", name).splitlines() if line.startswith("$login"))
        same(words(line), [("bare", "$login"), ("bare", "="), ("bare", "Get-Credential"), ("bare", "-Credential"), ("literal", name)], "one literal")

    # Several peers, one of them switched off; nobody's and our own rows are no address spaces.
    a.run("peer", "add", "site-c", "--endpoint", "c.example:7443", "--pin", "sha256:" + secrets.token_hex(32), "--domain", "c.example", "--domain", "d.example")
    a.run("address-space", "add", "--forest-name", "evil.example", "--peer", "nobody")
    same([c["-ForestName"][1] for c in commands(setup(), "Add-AvailabilityAddressSpace")], ["b.example", "c.example", "d.example"], "each domain of each peer")
    same([c["-ForestName"][1] for c in commands(setup("site-c"), "Add-AvailabilityAddressSpace")], ["c.example", "d.example"], "one peer's")
    a.run("peer", "disable", "site-c")
    check(any("site-c is switched off" in m for m in missing(setup(code=1))), "a peer that is off")
    same(missing(setup("site-b")), [], "which is no business of another's")
    check(subprocess.run([PROGRAM, "-c", "/nonexistent", "exchange-setup"], capture_output=True).returncode == 1, "no settings")
sites.finish()
