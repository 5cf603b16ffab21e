"""
A directory in which the bridge logs in by Kerberos, and that ends its connections: each new one is bound anew, and costs the worker no memory that
it does not give back. slapd with the key of a KDC of MIT Kerberos.
"""
import os
import pathlib
import re
import shutil
import socket
import sys
import threading

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import openldap  # noqa: E402
from mit_kdc import MitKdc  # noqa: E402
from sites import ROOT, Site, check, ending, finish, same  # noqa: E402

folder = ROOT / "build/e2e" / f"forest-directory-binds-{os.getpid()}"
BINDS = 150


class Relay:
    """Hands connections on to ${port}, until cut() ends all that there are."""

    def __init__(self, port):
        self.to, self.open, self.n = port, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, there = self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.to))
            self.open += [here, there]
            self.n += 1
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self.hand_on, args=(a, b), daemon=True).start()

    @staticmethod
    def hand_on(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut

    def cut(self):
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other end was first
            s.close()
        self.open = []


def kib(site):
    pid, = site.children("@directory-worker")
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def bind_often(site, relay, names):
    before = relay.n
    for name in names:
        relay.cut()
        same([a["code"] for a in site.ask(f"{name}@a.example")], ["ErrorNoFreeBusyAccess"], "nobody has this name")
    check(relay.n - before >= len(names), f"each over a connection of its own: {relay.n - before}")
    return kib(site)


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with MitKdc("A.EXAMPLE") as kdc:
        os.environ.update(kdc.environment, KRB5_KTNAME=str(kdc.keytab("ldap/127.0.0.1")))
        slapd = openldap.OpenLdap(folder / "slapd", "a.example", "b.example", certificates.Authority(folder / "ca"), many=1, kerberos="bridge")
        site = Site(folder, "site", "a.example")
        with ending(site, slapd, folder=folder):
            slapd.start()
            relay = Relay(slapd.tls)
            lines = [line for line in slapd.settings() if not line.startswith(("server", "bind", "password"))]
            lines += [f"server ldaps://127.0.0.1:{relay.port}", "bind gssapi", f"keytab {kdc.keytab('bridge')}", "principal bridge@A.EXAMPLE"]
            (site.dir / "directory.conf").write_text("\n".join(lines) + "\n")
            site.set("directory_workers", 1)
            site.start()
            site.up(links=False)
            first = bind_often(site, relay, [f"first-{i}" for i in range(30)])
            grown = bind_often(site, relay, [f"then-{i}" for i in range(BINDS)]) - first
            check(grown < 6 * BINDS, f"{BINDS} connections more, and {grown} KiB")


main()
finish()
