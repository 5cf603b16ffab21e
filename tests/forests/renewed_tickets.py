"""
A KDC that falls silent while a bridge has good tickets for its Exchange: GSSAPI wants to renew them when half of their time is over, and does with the
old ones. Nobody waits for that longer than a second.
"""
import os
import pathlib
import shutil
import signal
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
from mit_kdc import MitKdc  # noqa: E402
from sites import ROOT, Site, check, codes, ending, finish, same, until  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-renewed-tickets-{os.getpid()}"
LIFETIME_S = 40


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    x, b = Site(folder, "site-x", "b.example"), Site(folder, "site-b", "b.example")
    with MitKdc("A.EXAMPLE") as kdc, ending(b, x, folder=folder):
        key = kdc.keytab("bridge")
        kdc.krb5.write_text(kdc.krb5.read_text().replace("[libdefaults]\n", f"[libdefaults]\n ticket_lifetime = {LIFETIME_S}s\n"))
        os.environ["KRB5_CONFIG"] = str(kdc.krb5)
        x.set("keytab", str(kdc.keytab("HTTP/localhost")))
        x.account("bridge", "user:svc@b.example")
        x.calendar("bob", ("20260302T090000Z", "20260302T100000Z", {}))
        x.start()
        b.backend("exchange", "ews", ["b.example"], url=f"https://localhost:{x.front}/EWS/Exchange.asmx", ca_file=x.ca, user="bridge@A.EXAMPLE",
                  auth="negotiate", keytab=key)
        b.start()
        for site in (x, b):
            site.up(links=False)
        same(codes(b.ask("bob@b.example")), ["NoError"], "with a new ticket")
        due = time.monotonic() + LIFETIME_S / 2 + 1
        x.stop()  # so that the next question goes over a new connection
        x.start()
        x.up(links=False)
        until(lambda: time.monotonic() > due, "half of the ticket's time is over", LIFETIME_S)
        for process in kdc.processes:
            process.send_signal(signal.SIGSTOP)  # the kernel takes what comes, and nobody answers
        try:
            for _ in range(3):
                began = time.monotonic()
                same(codes(b.ask("bob@b.example")), ["NoError"], "with the ticket that is there")
                check(time.monotonic() - began < 3, f"http_keytab.c: a second: {time.monotonic() - began}")
        finally:
            for process in kdc.processes:
                process.send_signal(signal.SIGCONT)


main()
finish()
