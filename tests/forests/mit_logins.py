"""
Kerberos at the front without a directory and without an Active Directory: a KDC of MIT Kerberos, whose PACs name no account. Its tickets
are taken as they are; those without a PAC only if the settings say that the realm writes none.
"""
import base64
import pathlib
import shutil
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import gssapi  # noqa: E402
import sites  # noqa: E402
from mit_kdc import MitKdc  # noqa: E402
from sites import Site, check, finish, same, until  # noqa: E402

HOST = "bridge.a.example"


def ticket():
    name = gssapi.Name(f"HTTP@{HOST}", gssapi.NameType.hostbased_service)
    mech = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
    return "Negotiate " + base64.b64encode(gssapi.SecurityContext(name=name, mech=mech, usage="initiate").step()).decode()


def status(site):
    return site.http(sites.request(["anna@a.example"]), headers={"Authorization": ticket()})[0]


def asked(folder, kdc, expected, *settings):
    """A daemon with the keys of ${kdc} and no directory, asked with a ticket of anna's."""
    site = Site(folder, f"site-{len(settings)}{expected}", "a.example")
    for name, value in (("keytab", str(kdc.keytab(f"HTTP/{HOST}"))), ("public_url", f"https://{HOST}"), *settings):
        site.set(name, value)
    site.start()
    try:
        until(lambda: site.is_up(links=False), "the site is up")
        kdc.log_in("anna")
        same(status(site), expected, f"anna's ticket, with {settings}\n{site.log()[-1500:]}")
        if expected == 401:
            until(lambda: site.lines("ticket-refused"), "the log says why", 5)
            line = site.lines("ticket-refused")[0]
            check("principal=anna@A.EXAMPLE" in line and "set tickets_without_pac to yes" in line, line)
        kdc.log_in("nobody")
        same(status(site), 401, "whoever has no account is nobody")
    finally:
        site.stop()


def main():
    folder = sites.ROOT / "build/e2e/forest-mit-logins"
    shutil.rmtree(folder, ignore_errors=True)
    for pac, settings, expected in ((True, (), 200), (False, (), 401), (False, (("tickets_without_pac", "yes"),), 200)):
        with MitKdc("A.EXAMPLE", pac) as kdc:
            asked(folder, kdc, expected, *settings)
    shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
