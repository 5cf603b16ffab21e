"""What changes on the machine below a daemon that runs: a peer's name leads elsewhere, or nowhere until later, and the package tzdata comes with other clocks. Each is
taken into use by itself. Root alone can put such files in the place of the machine's, in a namespace of mounts that this test makes for itself."""
import ctypes
import os
import pathlib
import shutil
import subprocess

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")
ZONES = pathlib.Path("/usr/share/zoneinfo")
CLONE_NEWNS = 0x20000


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True).returncode == 0


def namespace(folder):
    """False where it cannot be made: there nothing is looked at."""
    shutil.copytree(ZONES, folder / "zones", symlinks=True)
    (folder / "hosts").write_text("127.0.0.1 localhost\n127.0.0.2 b.test\n")
    return (os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0 and mount("--make-rprivate", "/") and
            mount("--bind", folder / "zones", ZONES) and mount("--bind", folder / "hosts", "/etc/hosts"))


def names(folder, *lines):
    """Written over, for the mount holds the file."""
    (folder / "hosts").write_text("\n".join(("127.0.0.1 localhost", *lines, "")))


def a_peer_moves(a, b, folder):
    b.start()
    a.start()
    until(lambda: a.lines("link-failed"), "nobody is where the name leads")
    same(codes(a.ask("bob@b.example")), ["ErrorProxyRequestProcessingFailed"], "an error, and no free time")
    names(folder, "127.0.0.1 b.test")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the name leads to it now")
    same(len(a.lines("peer-moved")), 1, "it is said once")
    a.stop()
    names(folder)
    a.start()
    until(lambda: a.lines("link-endpoint-unknown"), "no resolver knows the name")
    same(codes(a.ask("bob@b.example")), ["ErrorProxyRequestProcessingFailed"], "an error, and no free time")
    names(folder, "127.0.0.1 b.test")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "it knows it now")


def clocks_change(a, b):
    def starts():
        found, = a.ask("bob@b.example")
        return [e["start"][11:16] for e in found["events"]] if found["code"] == "NoError" else None

    same(starts(), ["08:00"], "nine in Berlin")
    (ZONES / "fresh").write_bytes((ZONES / "Europe/London").read_bytes())
    (ZONES / "fresh").rename(ZONES / "Europe/Berlin")
    until(lambda: starts() == ["09:00"], "nine in Berlin when it has London's clocks")
    same(len(b.lines("zones-changed")), 1, "it is said once")
    check("tzdata" not in b.run("check"), "check has nothing to say of zones")
    (ZONES / "Europe").rename(ZONES / "away")
    check("tzdata" in b.run("check"), "where there are none it does")


with sites.pair(start=False) as (a, b):
    if namespace(a.dir.parent):
        b.calendar("bob", NINE)
        a.run("peer", "set", "site-b", "--endpoint", f"b.test:{b.link}")
        a_peer_moves(a, b, a.dir.parent)
        clocks_change(a, b)
    else:
        same(True, True, "skipped: only root can make such a place")
sites.finish()
