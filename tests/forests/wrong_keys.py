"""
A key that a KDC refuses, beside a primary KDC that is silent, which the Kerberos library asks once more after each refusal: it is a refused login
of the directory's and of a backend's, and not tried again and again until the account is locked out.
"""
import os
import pathlib
import re
import shutil
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
from directory_server import keytab_of, silent_kdc  # noqa: E402
from mit_kdc import MitKdc  # noqa: E402
from sites import ROOT, Site, check, codes, ending, finish, same, until  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-wrong-keys-{os.getpid()}"
OURS = "bridge@A.EXAMPLE"


def of_the_directory(b, wrong):
    settings = b.dir / "directory.conf"
    settings.write_text(f'server ldaps://127.0.0.1:1\npreset openldap\nbase DC=a\nbind gssapi\nkeytab {wrong}\nprincipal {OURS}\ntimeout "1 s"\n')
    said = b.run("directory", "test", "anna@a.example", code=None)
    check("failed" in said and "not tried again for 30 seconds" in said, said)
    settings.unlink()


def of_a_backend(kdc, b, x, wrong):
    b.backend("exchange", "ews", ["b.example"], url=f"https://localhost:{x.front}/EWS/Exchange.asmx", ca_file=x.ca, user=OURS, auth="negotiate", keytab=wrong)
    b.start()
    b.up(links=False)
    began = time.monotonic()
    same(codes(b.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "with another's key")
    check(time.monotonic() - began < 9, f"http_keytab.c: six and a half seconds: {time.monotonic() - began}")
    until(lambda: b.lines("backend-down"), "it is left alone", 5)
    line = b.lines("backend-down")[0]
    # breaker.h: BREAKER_REFUSED_PAUSE_MS
    check(int(re.search(r"next_ms=(\d+)", line)[1]) >= 30000 and "keytab" in line, f"as after any login that was refused: {line}")
    tried = kdc.log().count("PREAUTH_FAILED")
    for _ in range(3):
        same(codes(b.ask("bob@b.example")), ["ErrorFreeBusyGenerationFailed"], "and once more")
    same(kdc.log().count("PREAUTH_FAILED"), tried, "the KDC did not hear of it again")


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    x, b = Site(folder, "site-x", "b.example"), Site(folder, "site-b", "b.example")
    with MitKdc("A.EXAMPLE") as kdc, silent_kdc("127.0.0.2") as nobody, ending(b, x, folder=folder):
        kdc.keytab("bridge")
        kdc.run("/usr/sbin/kadmin.local", "modprinc", "+requires_preauth", "bridge", env=kdc.environment)
        kdc.krb5.write_text(kdc.krb5.read_text().replace(" }\n", f"  primary_kdc = {nobody}\n }}\n", 1))
        os.environ["KRB5_CONFIG"] = str(kdc.krb5)
        wrong = keytab_of(folder / "wrong.keytab", OURS, "of-somebody-else")
        of_the_directory(b, wrong)
        x.set("keytab", str(kdc.keytab("HTTP/localhost")))
        x.start()
        x.up(links=False)
        of_a_backend(kdc, b, x, wrong)


main()
finish()
