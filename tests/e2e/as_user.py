"""A daemon that runs as a user of its own, looked at by root: what root may read and that user may not is found by `check` and `doctor`, before somebody's
times are missing; and so is a calendar that is called in a way in which nobody is asked about. And who is on the machine, even as that user, learns nothing of
its processes. Only root can make such a site."""
import json
import os
import pathlib
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile

import sites
from sites import check, codes, same, until

EVENT = ("20260302T090000", "20260302T100000")


# As user ${1}: what can be looked at of the processes ${2}..., and whether one can be traced.
LOOK = """
import ctypes, os, sys
user = int(sys.argv[1])
os.setgroups([])
os.setgid(user)
os.setuid(user)
for pid in sys.argv[2:]:
    for what in ("mem", "environ", "maps", "smaps", "auxv", "stack", "syscall", "io", "pagemap", "personality", "fd", "fdinfo", "map_files", "cwd", "root", "exe", "ns/net", "cmdline"):
        path = f"/proc/{pid}/{what}"
        try:
            if what in ("fd", "fdinfo", "map_files"):
                os.listdir(path)
            elif what in ("cwd", "root", "exe", "ns/net"):
                os.readlink(path)
            else:
                open(path, "rb").read(1)
            print(what)
        except OSError:
            pass
    if ctypes.CDLL(None).ptrace(16, int(pid), None, None) == 0:
        print("traced")
"""


def hop(site, name):
    return next(h for h in json.loads(site.run("doctor", "--json", code=None))["hops"] if h["hop"] == name)


def give(path, user):
    shutil.chown(path, user)
    path.chmod(0o600)


def calendars(a):
    a.calendar("anna", EVENT), a.calendar("bob", EVENT)
    for name in ("anna", "bob"):
        give(a.calendars / f"{name}@a.example.ics", "nobody")
    same(codes(a.ask("anna@a.example", "bob@a.example")), ["NoError"] * 2, "both can be read")
    same(hop(a, "calendars")["text"], "2 can be read, whole days in UTC (working_zone)", "and doctor says so")
    give(a.calendars / "bob@a.example.ics", "root")
    until(lambda: codes(a.ask("bob@a.example")) == ["ErrorFreeBusyGenerationFailed"], "one that root alone may read is an error")
    found = hop(a, "calendars")
    check(found["state"] == "failed" and "bob@a.example" in found["text"] and "Permission denied" in found["text"], f"which doctor finds as root, too: {found}")
    give(a.calendars / "bob@a.example.ics", "nobody")
    for wrong in ("Bob@a.example.ics", "bob@A.Example.ics", "bob@a.example.ICS"):
        (a.calendars / "bob@a.example.ics").rename(a.calendars / wrong)
        until(lambda: codes(a.ask("bob@a.example")) == ["ErrorNoFreeBusyAccess"], f"{wrong} is nobody's")
        found = hop(a, "calendars")
        check(found["state"] == "failed" and wrong in found["text"] and "call it bob@a.example.ics" in found["fix"], f"and doctor says how it should be called: {found}")
        (a.calendars / wrong).rename(a.calendars / "bob@a.example.ics")
    (a.calendars / "eve@elsewhere.example.ics").write_text("rubbish")
    same(hop(a, "calendars")["text"], "2 can be read, whole days in UTC (working_zone)", "what is about nobody of ours is not counted")
    (a.calendars / "eve.ics").write_text("rubbish")
    check(hop(a, "calendars")["text"].endswith("; eve.ics is nobody's: a calendar is called by the whole address, as NAME@DOMAIN.ics"), "what is called by no address is named")
    (a.calendars / "eve.ics").unlink()
    (a.calendars / "away@a.example.ics").symlink_to("/nowhere/away.ics")
    same(codes(a.ask("away@a.example")), ["ErrorFreeBusyGenerationFailed"], "a link that leads nowhere is a calendar that cannot be read")
    check("away@a.example.ics: No such file" in hop(a, "calendars")["text"], "which doctor names")
    (a.calendars / "away@a.example.ics").unlink()


def calendars_of_root(a):
    """The folder of calendars is root's: nobody is free and nobody unknown, and it is said why."""
    a.calendars.chmod(0o700), shutil.chown(a.calendars, "root")
    until(lambda: codes(a.ask("anna@a.example", "eve@a.example")) == ["ErrorADUnavailable"] * 2, "nobody can be looked up")
    until(lambda: any("mailbox=eve@a.example" in line and "Permission denied" in line for line in a.lines("calendar-failed")), "the log says why")
    for verb in ("check", "reload"):
        said = a.run(verb, code=1) + a.stderr
        check(f"the calendars folder {a.calendars} cannot be used: Permission denied" in said, f"{verb}: {said}")
    shutil.chown(a.calendars, "nobody")
    until(lambda: codes(a.ask("anna@a.example", "eve@a.example")) == ["NoError", "ErrorNoFreeBusyAccess"], "until its user may read it again")


def files(a):
    same(a.run("check"), "ok\n", "all is readable")
    for name in ("front.key", "identity.key", "accounts.conf", "peers.d/local.conf"):
        give(a.dir / name, "root")
        said = a.run("check", code=1)
        check(name in said and "Permission denied" in said and "as the user that the daemon runs as" in said, f"{name} of root: {said}")
        found = hop(a, "configuration")
        check(found["state"] == "failed" and name in found["text"], f"and doctor: {found}")
        a.run("reload", code=1)
        check(name in a.stderr, f"for the daemon would say the same: {a.stderr}")
        give(a.dir / name, "nobody")
    a.backend("exchange", "ews", ["eve@a.example"], url="https://localhost:1/EWS/Exchange.asmx", auth="basic", user="svc", password="secret")
    for name in ("backends.d", "backends.d/exchange.conf"):
        shutil.chown(a.dir / name, "nobody")
    said = a.run("check", code=1)
    check("exchange.password cannot be read" in said and f"Run: chown nobody {a.dir}/exchange.password" in said, f"a password file of root's: {said}")
    give(a.dir / "exchange.password", "nobody")
    same(a.run("check"), "ok\n", "and of its user's")
    shutil.rmtree(a.dir / "backends.d")
    a.dir.parent.chmod(0o700)
    for verb in ("check", "reload"):
        said = a.run(verb, code=1) + a.stderr
        check("must be able to enter the folders above it" in said and ":0: " not in said, f"{verb}, with a folder above the site's that its user cannot enter: {said}")
    a.dir.parent.chmod(0o755)


def looked_at(a):
    pids = [str(pid) for pid in (a.process.pid, *a.children())]
    for user in (pwd.getpwnam("nobody").pw_uid, 12345):
        r = subprocess.run([sys.executable, "-c", LOOK, str(user), *pids], capture_output=True, text=True)
        same((r.stdout.split(), r.stderr), (["cmdline"] * len(pids), ""), f"what user {user} sees of {len(pids)} processes")
    same([pid for pid in pids for secret in (a.password, "scrypt:") if secret.encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
          + pathlib.Path(f"/proc/{pid}/environ").read_bytes()], [], "no secret on a command line or in an environment")


def start_as_user(a):
    """As systemd starts it: it was never root's."""
    a.stop()
    user = pwd.getpwnam("nobody")
    a.process = subprocess.Popen(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", sites.PROGRAM, "-c", a.config, "serve"],
                                 stdout=a.log_path.open("ab"), stderr=subprocess.STDOUT)
    a.up(links=False)


def full_disk(a):
    """An edit on a full disk says where room is wanted, and leaves the files as they are."""
    edit = shlex.join([sites.PROGRAM, "-c", str(a.config), *"rule add --peer local --direction in --requester * --target * --level None".split()])
    state, rules = a.dir / "state", a.dir / "peers.d/local.conf"
    before = rules.read_text()
    r = subprocess.run(["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=64k none "$0" && {edit} && head -c 100000 /dev/zero >"$0/fill"; '
                        f"for i in $(seq 60); do {edit} || exit 1; done", str(state)], capture_output=True, text=True, timeout=60)
    check(r.returncode == 1 and "No space left on device. Make room in state_dir" in r.stderr and "nothing was changed" in r.stderr, f"{r.stdout}{r.stderr}")
    same(rules.read_text(), before + "rule in * * None\n" * r.stdout.count("rule in * * None"), "the edits that were made before the disk was full, and no other")


def main():
    if not sites.may_look_into():
        check(True, "")
        print("as_user: not root, or one that may not look into others, so no daemon can be given another user or watched; nothing was looked at")
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="as-user-"))
    folder.chmod(0o755)
    a = sites.Site(folder, "site-a", "a.example", user="nobody")
    with sites.ending(a, folder=folder):
        a.start(), a.up(links=False)
        looked_at(a)
        start_as_user(a)
        looked_at(a)
        calendars(a)
        calendars_of_root(a)
        files(a)
        full_disk(a)


main()
sites.finish()
