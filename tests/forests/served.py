"""
One bridge beside every kind of directory: slapd and Active Directory, over LDAPS and StartTLS, by password and by Kerberos, through workers that have given up
their rights. What it says of groups decides who may see and whose calendar server is asked.
"""
import os
import pathlib
import shutil
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import openldap  # noqa: E402
import samba_dc  # noqa: E402
from sites import ROOT, Site, check, codes, ending, finish, same  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-served-{os.getpid()}"
WHEN = ("20260302T090000", "20260302T100000", {"SUMMARY": "Dentist"})
DENIED = "ErrorNoFreeBusyAccess"
NOBODY = ["absent@a.example", "hanna@a.example", "dieter@a.example", "moved@a.example"]


def use(site, tree, settings):
    """The directory of ${settings}; its Board may see everything, and who is in LoopA has a calendar server that is not there."""
    (site.dir / "directory.conf").write_text("\n".join(settings) + "\ncache 0\n")
    (site.dir / "peers.d/local.conf").write_text(f'rule in "group:{escaped(tree.group("Board"))}" * LimitedDetails\nrule in "group:{escaped(tree.group("AllStaff"))}" * None\n')
    (site.dir / "backends.d").mkdir(exist_ok=True)
    (site.dir / "backends.d/loop.conf").write_text(
        f'type caldav\nurl https://localhost:{site.link + 1}/\nauth none\nserves "group:{escaped(tree.group("LoopA"))}"\n')
    if site.process:
        site.run("reload")
    else:
        site.start()
        site.up(links=False)


def escaped(word):
    return word.replace("\\", "\\\\").replace('"', '\\"')


def expect(site, what):
    found = site.ask("pat@a.example", "Anna.Alias@A.EXAMPLE", "ben@a.example", *NOBODY)
    same(codes(found), ["NoError", "NoError", "ErrorFreeBusyGenerationFailed"] + [DENIED] * 4, f"{what}: anna is in Board, and ben in LoopA")
    same([e.get("Subject") for e in found[1]["events"]], ["Dentist"], f"{what}: an alias is her calendar")
    same(codes(site.ask("pat@a.example", user="ben")), [DENIED], f"{what}: ben is not in Board")


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    authority = certificates.Authority(folder / "ca")
    forest = samba_dc.Forest(folder / "a", "a.example", "b.example", authority)
    slapd = openldap.OpenLdap(folder / "slapd", "a.example", "b.example", authority)
    os.environ["KRB5_CONFIG"] = str(forest.krb5)
    site = Site(folder, "site-a", "a.example")
    site.account("ben", "user:ben@a.example")
    for who in ("pat", "anna", "ben", "hanna", "dieter", "moved"):
        site.calendar(who, WHEN)
    with ending(site, forest, slapd, folder=folder):
        for server in (forest, slapd):
            server.start()
        for what, tree, settings in (("slapd", slapd.tree, slapd.settings()), ("slapd, StartTLS", slapd.tree, slapd.settings(url=slapd.url("ldap"))),
                                     ("AD", forest.tree, forest.settings()), ("AD, StartTLS", forest.tree, forest.settings(url=forest.url("ldap"))),
                                     ("AD, Kerberos", forest.tree, forest.settings(kerberos=True))):
            use(site, tree, settings)
            expect(site, what)
        check(not site.lines("worker-lost"), "no worker was lost over it")
    finish()


main()
