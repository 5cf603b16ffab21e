"""
A bridge logs in at its Exchange as Windows does: by a Kerberos ticket that a Samba domain controller gave for a keytab, and by NTLM. Its Exchange is
another bridge's front, which holds the key of HTTP/localhost.
"""
import os
import pathlib
import re
import shutil
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import people as who  # noqa: E402
import samba_dc  # noqa: E402
from directory_server import keytab_of, silent_kdc  # noqa: E402
from sites import ROOT, Site, check, codes, ending, finish, same, until  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-ews-logins-{os.getpid()}"
EVENT = ("20260302T090000Z", "20260302T100000Z", {"SUMMARY": "Planning"})


def exchange_of(b, x, user, auth="negotiate", **more):
    lines = {"url": f"https://localhost:{x.front}/EWS/Exchange.asmx", "ca_file": x.ca, "user": user, "auth": auth}
    b.backend("exchange", "ews", ["b.example"], **{**lines, **more})


def logins(x, scheme):
    return [line for line in x.lines("login") if f"scheme={scheme}" in line]


def test_ticket(b, x, forest):
    exchange_of(b, x, f"{who.SERVICE}@{forest.realm}", keytab=forest.keytab(who.SERVICE))
    b.start()
    b.up(links=False)
    for _ in range(10):
        got = b.ask("bob@b.example", "nobody@b.example")
        same(codes(got), ["NoError", "ErrorNoFreeBusyAccess"], "asked with a ticket")
        same(got[0]["merged"], "0022000000000000", "and answered")
    check(logins(x, "Negotiate"), f"the front saw a ticket: {x.lines('login')[-3:]}")
    check(not logins(x, "NTLM") and not logins(x, "Basic"), "and nothing else")
    check(len(logins(x, "Negotiate")) <= 4, f"once a connection: {len(logins(x, 'Negotiate'))} logins")


def test_other_principal(b, x, forest):
    """A keytab of two: the one that is named logs in, which is the second of them and no account here."""
    both = b.dir / "both.keytab"
    both.write_bytes(forest.keytab(who.SERVICE).read_bytes() + forest.keytab(who.HTTP_SERVICE).read_bytes()[2:])
    both.chmod(0o600)
    exchange_of(b, x, f"{who.HTTP_SERVICE}@{forest.realm}", keytab=both)
    b.run("reload")
    same(codes(b.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "a principal that is no account")
    exchange_of(b, x, f"{who.SERVICE}@{forest.realm}", keytab=both)
    b.run("reload")
    same(codes(b.ask("bob@b.example")), ["NoError"], "the other one is")


def test_no_ticket(b, x, forest):
    """A domain controller that is gone is an error for the backend's mailboxes, and a password is never asked for instead."""
    forest.stop()
    b.run("reload")
    same(codes(b.ask("bob@b.example", "file@c.example")), ["ErrorFreeBusyGenerationFailed", "NoError"], "without a domain controller")
    until(lambda: any("none could be got" in line for line in b.lines("backend-failed")), "and the log says that there is no ticket", 5)
    forest.start()
    # breaker.h: a login that was refused would be tried again after BREAKER_REFUSED_PAUSE_MS, less a fifth
    until(lambda: codes(b.ask("bob@b.example")) == ["NoError"], "it comes back by itself, and soon: no login was refused", 20)


def test_silent_kdc(b, x, forest):
    """A KDC that is silent holds up the backend's people alone, and not for the half minute that the library waits for it."""
    usual = forest.krb5.read_text()
    with silent_kdc() as nobody:
        forest.krb5.write_text(re.sub(r"kdc = .*", f"kdc = {nobody}", usual))
        b.run("reload")
        before, began = len(b.lines("backend-failed")), time.monotonic()
        same(codes(b.ask("bob@b.example", "file@c.example")), ["ErrorFreeBusyGenerationFailed", "NoError"], "beside a silent KDC")
        check(time.monotonic() - began < 8, f"http_keytab.c: six and a half seconds, and not query_deadline: {time.monotonic() - began}")
        until(lambda: any("none could be got" in line for line in b.lines("backend-failed")[before:]), "and the log says that there is no ticket", 5)
    forest.krb5.write_text(usual)
    until(lambda: codes(b.ask("bob@b.example")) == ["NoError"], "it comes back by itself: no key was refused", 20)


def test_wrong_key(b, x, forest):
    """A domain controller that refuses our key has refused a login: tried on and on it would lock the account out."""
    wrong = keytab_of(b.dir / "wrong.keytab", f"{who.SERVICE}@{forest.realm}", "of-somebody-else")
    exchange_of(b, x, f"{who.SERVICE}@{forest.realm}", keytab=wrong)
    b.run("reload")
    before = len(b.lines("backend-down"))
    same(codes(b.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "with another's key")
    until(lambda: len(b.lines("backend-down")) > before, "it is left alone at once")
    line = b.lines("backend-down")[before]
    # breaker.h: BREAKER_REFUSED_PAUSE_MS
    check(int(re.search(r"next_ms=(\d+)", line)[1]) >= 30000 and "keytab" in line, f"as after any login that was refused: {line}")
    exchange_of(b, x, f"{who.SERVICE}@{forest.realm}", keytab=forest.keytab(who.SERVICE))
    b.run("reload")
    same(codes(b.ask("bob@b.example")), ["NoError"], "with the right one")


def test_new_key(b, x, forest):
    """Exchange's key changes: tickets for the old one, which are kept for hours, are refused; another is got by itself."""
    old = forest.keytab("HTTP/localhost")
    forest.modify(f"dn: {forest.tree.person(next(p for p in forest.tree.people if p.name == who.HTTP_SERVICE))}\nchangetype: modify\nreplace: unicodePwd\n" +
                  who.line("unicodePwd", '"An0ther-horse"'.encode("utf-16-le")) + "\n\n")
    old.unlink()
    forest.keytab("HTTP/localhost")
    x.run("reload")
    until(lambda: codes(b.ask("bob@b.example")) == ["ErrorFreeBusyGenerationFailed"], "the old ticket is refused")
    until(lambda: codes(b.ask("bob@b.example")) == ["NoError"], "and a new one is taken", 60)


def test_ntlm(b, x, forest):
    exchange_of(b, x, f"{forest.netbios}\\{who.SERVICE}", auth="ntlm", password=x.password)
    b.run("reload")
    before = len(logins(x, "NTLM"))
    for _ in range(10):
        same(codes(b.ask("bob@b.example")), ["NoError"], "asked by NTLM")
    check(1 <= len(logins(x, "NTLM")) - before <= 3, "logged in once a connection")


def test_ntlm_again(b, x):
    """A login that was refused is tried over a connection of its own, and all is well when that one is let in."""
    secret = x.dir / "password"
    for password, expected in (("of-somebody-else", "ErrorFreeBusyGenerationFailed"), (x.password, "NoError")):
        secret.write_text(password)
        x.run("account", "passwd", who.SERVICE, "--ntlm", "--password-file", str(secret))
        x.run("reload")
        until(lambda: codes(b.ask("bob@b.example")) == [expected], f"{expected} now", 90)
    before = len(logins(x, "NTLM"))
    for _ in range(10):
        same(codes(b.ask("bob@b.example")), ["NoError"], "asked by NTLM again")
    check(len(logins(x, "NTLM")) - before <= 2, "and its connections are kept as before")


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    forest = samba_dc.Forest(folder / "dc", "b.example", "a.example", certificates.Authority(folder))
    service = next(p for p in forest.tree.people if p.name == who.HTTP_SERVICE)
    forest.modify(f"dn: {forest.tree.person(service)}\nchangetype: modify\nadd: servicePrincipalName\nservicePrincipalName: HTTP/localhost\n\n")
    os.environ["KRB5_CONFIG"] = str(forest.krb5)
    x, b = Site(folder, "site-x", "b.example"), Site(folder, "site-b", "b.example")
    with ending(b, x, forest, folder=folder):
        forest.start()
        x.account(who.SERVICE, "user:svc@b.example", "--ntlm")
        x.calendar("bob", EVENT)
        x.set("keytab", str(forest.keytab("HTTP/localhost")))
        b.run("address-space", "add", "--forest-name", "c.example", "--peer", "local")
        (b.calendars / "file@c.example.ics").write_bytes((x.calendars / "bob@b.example.ics").read_bytes())
        x.start()
        x.up(links=False)
        test_ticket(b, x, forest)
        test_other_principal(b, x, forest)
        test_no_ticket(b, x, forest)
        test_silent_kdc(b, x, forest)
        test_wrong_key(b, x, forest)
        test_new_key(b, x, forest)
        test_ntlm(b, x, forest)
        test_ntlm_again(b, x)


main()
finish()
