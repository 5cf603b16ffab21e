"""
Windows logins beside a real domain: Kerberos tickets of a Samba DC at the front, by curl and by GSSAPI with channel bindings; Basic checked by a bind; and a server
of ours that names the person it asks for. What the directory cannot be asked is said so, and lets nobody in.
"""
import base64
import hashlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import gssapi  # noqa: E402
import people as who  # noqa: E402
import samba_dc  # noqa: E402
import sites  # noqa: E402
from directory_server import keytab_of  # noqa: E402
from sites import ROOT, Site, check, finish, same, until  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-windows-logins-{os.getpid()}"
HOST = "mail.a.example"


class Front:
    """A site of the domain whose front is HTTP/mail.a.example."""
    def __init__(self, forest, authority):
        self.forest, self.site, self.read = forest, Site(folder, "site-a", "a.example"), {}
        certificate, key = authority.certificate(HOST, HOST, "localhost")
        os.chmod(key, 0o600)
        for name, value in (("front_certificate", certificate), ("front_key", key), ("front_ca", authority.ca), ("keytab", forest.keytab(f"HTTP/{HOST}"))):
            self.site.set(name, str(value))
        self.site.set("public_url", f"https://{HOST}:{self.site.front}")
        self.site.ca, self.ca = authority.ca, authority.ca
        self.directory(forest.settings("login yes"))
        self.hash = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())).digest()
        self.body = folder / "body"
        self.body.write_text(sites.request(["anna@a.example"]))
        os.environ["KRB5_CONFIG"] = str(forest.krb5)

    def directory(self, lines):
        (self.site.dir / "directory.conf").write_text("\n".join(lines) + "\n")

    def ticket(self, principal, *options):
        """Logs in at the KDC; what follows is that user."""
        cache = folder / f"ticket-{re.sub('[^a-z0-9-]', '', principal)}"
        os.environ["KRB5CCNAME"] = f"FILE:{cache}"
        subprocess.run(["kinit", *options, f"{principal}@{self.forest.realm}"], input=who.PASSWORD + "\n", check=True, capture_output=True, text=True)

    def curl(self, *more):
        """(status, the lines of the server's headers, the body)"""
        r = subprocess.run(["curl", "-sS", "-i", "--cacert", str(self.ca), "--resolve", f"{HOST}:{self.site.front}:127.0.0.1", "-H", "Content-Type: text/xml",
                            "--data-binary", f"@{self.body}", *more, f"https://{HOST}:{self.site.front}/EWS/Exchange.asmx"], capture_output=True, text=True, timeout=60)
        head, _, body = r.stdout.rpartition("\n\n")
        found = re.findall(r"(?m)^HTTP/1.1 (\d+)", head)
        return int(found[-1]) if found else r.stderr, head, body

    def say(self, authorization, body=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.site.front, context=self.insecure(), timeout=60)
        c.request("POST", "/EWS/Exchange.asmx", body=(body or self.body.read_text()).encode(), headers={"Authorization": authorization, "Content-Type": "text/xml"})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        return r.status, text

    @staticmethod
    def insecure():
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def token(self, binding=None):
        name = gssapi.Name(f"HTTP@{HOST}", gssapi.NameType.hostbased_service)
        bindings = gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + binding) if binding else None
        mech = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
        return base64.b64encode(gssapi.SecurityContext(name=name, mech=mech, usage="initiate", channel_bindings=bindings).step()).decode()

    def last(self, event):
        return (self.site.lines(event) or [""])[-1]

    def said(self, event, *words):
        """One more line of that event than at the last call, and it holds all the words: a line may be written behind the answer."""
        until(lambda: len(self.site.lines(event)) > self.read.get(event, 0) and all(w in self.last(event) for w in words), f"{event} with {words}: {self.last(event)}", 5)
        self.read[event] = len(self.site.lines(event))


def tickets(f):
    f.ticket("ben")
    status, head, body = f.curl("--negotiate", "-u", ":")
    same(status, 200, f"ben by his ticket\n{f.site.log()[-1500:]}")
    check("WWW-Authenticate: Negotiate oY" in head, f"the front proves itself, too: {head}")
    f.said("login ", "account=ben@a.example", "as=ben@A.EXAMPLE", "scheme=Negotiate")
    f.said("mailbox", "requester=ben@a.example")
    f.ticket("ursula")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "whose UPN is another than the account's name")
    f.said("login ", "account=ursula@a.example")
    f.ticket("info")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "whose account has the name of another's address")
    f.said("login ", "account=iris@a.example", "as=info@A.EXAMPLE")
    # An account of ours with that name comes first, and stands for whom it stands for.
    f.ticket(who.SERVICE)
    same(f.curl("--negotiate", "-u", ":")[0], 401, "a principal without an address is nobody")
    f.site.account(who.SERVICE.upper(), "organisation")
    f.site.run("reload")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "until an account of ours has its name")
    f.said("mailbox", "requester=a.example ")
    # Whoever may add a computer may name it as he likes, and gets tickets by that name without the $: it is not the account of ours that has the name.
    f.forest.computer("helpdesk")
    f.site.account("helpdesk", "organisation")
    f.site.run("reload")
    f.ticket("helpdesk")
    same(f.curl("--negotiate", "-u", ":")[0], 401, "a computer's ticket by the name of an account of ours")
    f.said("ticket-refused", "principal=helpdesk@A.EXAMPLE", "helpdesk$")
    f.ticket("helpdesk", "--no-request-pac")
    same(f.curl("--negotiate", "-u", ":")[0], 401, "that was asked for without a PAC")
    f.said("ticket-refused", "principal=helpdesk@A.EXAMPLE", "no PAC")
    f.site.account("helpdesk$", "organisation")
    f.site.run("reload")
    f.ticket("helpdesk$")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "a computer's ticket by its own name")
    # Nor by any other name that a domain controller finds it by.
    f.forest.modify(f"dn: CN=helpdesk,CN=Computers,{f.forest.tree.base}\nchangetype: modify\nadd: userPrincipalName\nuserPrincipalName: desk@a.example\n\n")
    f.site.account("desk", "organisation")
    f.site.run("reload")
    f.ticket("desk")
    same(f.curl("--negotiate", "-u", ":")[0], 401, "a computer's ticket by its UPN, which is the name of an account of ours")
    f.said("ticket-refused", "principal=desk@A.EXAMPLE", "helpdesk$")
    # Without a directory the worker has no file and no network any more, and takes tickets all the same.
    (f.site.dir / "directory.conf").unlink()
    f.site.run("reload")
    f.ticket("helpdesk", "--no-request-pac")
    same(f.curl("--negotiate", "-u", ":")[0], 401, "a ticket without a PAC, before any other has come to the worker")
    f.said("ticket-refused", "principal=helpdesk@A.EXAMPLE", "no PAC", "tickets_without_pac")
    f.ticket("helpdesk$")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "an account of ours, without a directory")
    f.ticket("ben")
    same(f.curl("--negotiate", "-u", ":")[0], 401, "who is known to the directory alone is nobody without it")
    f.site.set("tickets_without_pac", "yes")  # as an admin must not do here: so that it is seen to count
    f.site.run("reload")
    f.ticket("helpdesk", "--no-request-pac")
    same(f.curl("--negotiate", "-u", ":")[0], 200, "a ticket without a PAC, where the settings take such ones")
    f.site.set("tickets_without_pac", "no")
    f.directory(f.forest.settings("login yes"))
    f.site.run("reload")


def bindings(f):
    f.ticket("anna")
    same(f.say("Negotiate " + f.token())[0], 200, "a ticket without a channel binding")
    same(f.say("Negotiate " + f.token(f.hash))[0], 200, "with the binding of this front's certificate")
    same(f.say("Negotiate " + f.token(hashlib.sha256(b"another").digest()))[0], 401, "with that of another: the ticket was for somebody in between")
    f.said("ticket-refused", "another certificate than front_certificate")
    good = bytearray(base64.b64decode(f.token()))
    for at in range(0, len(good), 97):
        damaged = bytearray(good)
        damaged[at] ^= 0x20
        status = f.say("Negotiate " + base64.b64encode(damaged).decode())[0]
        if status not in (200, 401):  # some bits are of no account: padding, kvno of nothing
            check(False, f"a ticket damaged at {at}: {status}")
    for cut in (1, 10, 100, 1000, len(good) - 1):
        same(f.say("Negotiate " + base64.b64encode(good[:cut]).decode())[0], 401, f"a ticket cut after {cut} bytes")


def old_key(f):
    """A keytab that was made before the account's password changed, and a clock that is wrong: the log says what to do."""
    old = keytab_of(folder / "old.keytab", f"HTTP/{HOST}@{f.forest.realm}", "of-last-year")
    f.site.set("keytab", str(old))
    f.site.run("reload")
    f.ticket("anna")
    same(f.say("Negotiate " + f.token())[0], 401, "a ticket for another key than the keytab's")
    f.said("ticket-refused", "make the keytab anew")
    f.site.set("keytab", str(f.forest.keytab(f"HTTP/{HOST}")))
    f.site.run("reload")


def ntlm_behind_kerberos(f):
    """A client that likes Kerberos better and has a ticket, at a front that has no key: it goes on with NTLM, and both sign the list that it sent."""
    users = folder / "ntlm-users"
    secret = f.site.dir / "password"
    f.site.run("account", "passwd", "anna", "--password-file", str(secret), "--ntlm")
    f.site.set("keytab", "")
    f.site.run("reload")
    f.ticket("anna")
    os.environ["NTLM_USER_FILE"] = str(users)
    for password, expected in ((f.site.password, 200), ("wrong", 401)):
        users.write_text(f"LABA:anna:{password}\n")
        status, head, _ = f.curl("--negotiate", "-u", ":")
        same(status, expected, f"NTLM where Kerberos was liked better: {password}")
        # the first answer asks for another mechanism and for a signed list (RFC 4178 4.2.2: negState request-mic, supportedMech NTLM)
        first = base64.b64decode(re.search(r"WWW-Authenticate: Negotiate (\S+)", head).group(1))
        same((first[:9].hex()[-10:], b"NTLMSSP" in first), ("a0030a0103", False), "the client's first token was for Kerberos")
    del os.environ["NTLM_USER_FILE"]
    f.site.set("keytab", str(f.forest.keytab(f"HTTP/{HOST}")))
    f.site.run("reload")


def by_bind(f):
    for user, name in (("LABA\\ben", "ben"), ("ben", "ben"), ("pat@a.example", "pat"), ("LABA\\PAT", "pat"), ("u-123@a.example", "ursula")):
        same(f.site.http(f.body.read_text(), user=user, password=who.PASSWORD)[0], 200, f"{user} by a bind")
        f.said("mailbox", f"requester={name}@a.example")
    for user, password in (("ben", "wrong"), ("dieter@a.example", who.PASSWORD), ("nobody@a.example", who.PASSWORD), ("ben", "")):
        same(f.site.http(f.body.read_text(), user=user, password=password)[0], 401, f"not {user!r} with {password!r}")
    same(f.site.http(f.body.read_text(), user="anna", password=who.PASSWORD)[0], 401, "the directory's password opens no account of ours")
    same(f.site.http(f.body.read_text(), user="anna")[0], 200, "which has its own")


def without_its_password(f):
    """A login worker that is started again when our own password for the directory has gone can tell of nobody there, and says no to nobody."""
    gone = folder / "gone"
    gone.touch(mode=0o600)
    gone.write_text(who.PASSWORD + "\n")
    f.directory([line for line in f.forest.settings("login yes") if not line.startswith("password-file")] + [f"password-file {gone}"])
    f.site.run("reload")
    gone.unlink()
    old = f.site.children("@login-worker")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(f.site.children("@login-worker")) - set(old)) == 2 and not set(f.site.children("@login-worker")) & set(old), "two other login workers")
    until(lambda: '"name":"login","workers":2,"ready":2' in f.site.run("status", "--json").replace(" ", ""), "which are ready")
    same(f.site.http(f.body.read_text(), user="many", password=who.PASSWORD)[0], 503, "a directory that cannot be asked")
    same(f.site.http(f.body.read_text(), user="anna")[0], 200, "beside an account of ours")
    f.directory(f.forest.settings("login yes"))
    f.site.run("reload")


def named(f):
    f.site.account("cas", "server")
    f.site.run("reload")
    sid = re.search(r"(?m)^objectSid: (\S+)", f.forest.search("(sAMAccountName=anna)", "objectSid")).group(1)

    def ask(user, inside):
        header = f"<t:SerializedSecurityContext>{inside}</t:SerializedSecurityContext>" if inside else ""
        text = f.body.read_text()
        if "Header>" in text:
            text = re.sub(r"(<(\w+):Header>)", lambda m: m.group(1) + header, text, count=1)
        else:
            text = re.sub(r"<(\w+):Body", lambda m: f"<{m.group(1)}:Header>{header}</{m.group(1)}:Header>{m.group(0)}", text, count=1)
        return f.site.http(text, user=user)

    def asks_as(user, inside, requester, what):
        same(ask(user, inside)[0], 200, what)
        f.said("mailbox", f"requester={requester} ")
    asks_as("cas", "", "a.example", "a server that names nobody asks for the organisation")
    asks_as("cas", f"<t:UserSid>{sid}</t:UserSid>", "anna@a.example", "by SID")
    asks_as("cas", "<t:UserSid>S-1-5-21-1-2-3-500</t:UserSid><t:PrimarySmtpAddress>Anna.Alias@a.example</t:PrimarySmtpAddress>", "anna@a.example", "by alias")
    for nobody in ("<t:UserSid>S-1-5-21-1-2-3-500</t:UserSid>", "<t:PrimarySmtpAddress>nobody@a.example</t:PrimarySmtpAddress>",
                   "<t:PrimarySmtpAddress>ben@b.example</t:PrimarySmtpAddress>", "<t:PrimarySmtpAddress>dieter@a.example</t:PrimarySmtpAddress>",
                   "<t:PrimarySmtpAddress>*@a.example</t:PrimarySmtpAddress>"):
        asks_as("cas", nobody, "a.example", f"nobody of ours: {nobody}")
    asks_as("anna", "<t:PrimarySmtpAddress>ben@a.example</t:PrimarySmtpAddress>", "anna@a.example", "who is no server names nobody")
    return ask


def gone(f, ask):
    f.forest.stop()
    status, _, text = ask("cas", "<t:PrimarySmtpAddress>hanna@a.example</t:PrimarySmtpAddress>")
    check(status == 500 and b"ErrorADUnavailable" in text, f"could not ask who it is: an error, not the organisation: {status} {text}")
    same(f.site.http(f.body.read_text(), user="many", password=who.PASSWORD)[0], 503, "could not ask whether the password is right: neither yes nor no")
    same(f.site.http(f.body.read_text(), user="anna")[0], 200, "accounts of ours need no directory")


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    authority = certificates.Authority(folder / "ca")
    forest = samba_dc.Forest(folder / "a", "a.example", "b.example", authority)
    f = None
    try:
        forest.start()
        f = Front(forest, authority)
        f.site.run("check")
        f.site.start()
        until(lambda: f.site.is_up(links=False), f"the site is up: {f.site.log()[-2000:]}")
        tickets(f)
        bindings(f)
        old_key(f)
        ntlm_behind_kerberos(f)
        by_bind(f)
        without_its_password(f)
        gone(f, named(f))
    finally:
        if f:
            f.site.stop()
        forest.stop()
    shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
