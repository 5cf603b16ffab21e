"""A client of .NET (HttpWebRequest, as Mono has it) logs in at A by what it likes best of Negotiate, NTLM and Basic: its first POST comes without a login, with the
body and Expect: 100-continue, its NTLM messages on another connection."""
import hashlib
import ssl
import subprocess

from common import WORK, check, fill, finish, pair, same, sites, until

with pair(start=False) as (a, b):
    fill(a, b)
    a.run("account", "passwd", "anna", "--password-file", str(a.dir / "password"), "--ntlm")
    a.start(), b.start(), a.up(), b.up()
    program = WORK / "ask.exe"
    subprocess.run(["mcs", "-r:Mono.Security.dll", f"-out:{program}", str(sites.ROOT / "tests/clients/dotnet/ask.cs")], check=True)
    (a.dir / "body").write_text(sites.request(["anna@a.example", "bob@b.example"]))
    leaf = (a.dir / "front.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    digest = hashlib.sha1(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest().upper()

    def ask(user, password, domain="LABA"):
        r = subprocess.run(["mono", str(program), f"https://localhost:{a.front}/EWS/Exchange.asmx", user, password, domain, str(a.dir / "body"), digest],
                           capture_output=True, text=True, timeout=100)
        return [line.split()[0] for line in r.stdout.splitlines()] or r.stderr

    same(ask("anna", a.password), ["200", "200"], "NTLM")
    until(lambda: any("scheme=" in line and "account=anna" in line for line in a.lines("login")), "it was no Basic login")
    same(ask("ANNA", a.password, ""), ["200", "200"], "another case, no domain")
    same(ask("anna", "wrong"), ["401", "401"], "a wrong password")
    a.set("login_negotiate", "no"), a.set("login_ntlm", "no")
    a.run("reload")
    same(ask("anna", a.password, ""), ["200", "200"], "Basic, if nothing else is offered")
    a.set("login_basic", "no"), a.set("login_ntlm", "yes")
    a.run("reload")
    same(ask("anna", a.password), ["200", "200"], "NTLM alone")
    check(a.password not in a.log(), "no password in the log")
finish()
