"""Links that somebody who has the site's user put where a daemon or a verb run by root makes, writes or gives away files, symbolic and hard: what they lead to stays as
it is, of whom it is, and where they lead to nothing nothing is made. Only root has more to give than that user, so that without root nothing is looked at."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import sites
from sites import check, same, until

OTHER = "sha256:" + "77" * 32
RULE = ("rule", "add", "--peer", "local", "--direction", "in", "--requester", "*", "--target", "x@a.example", "--level", "None")
ACCOUNT = ("account", "add", "carl", "--stands-for", "organisation", "--ntlm", "--password-file", "PASSWORD")
PEER = ("peer", "add", "site-c", "--endpoint", "127.0.0.1:9", "--pin", OTHER, "--domain", "c.example")
SERVE = ()
PLACES = (  # what stands there, which verb comes by
    (".edit.lock", RULE), ("peers.d/local.conf", RULE), ("peers.d/site-c.conf", PEER), ("address-spaces.conf", PEER), ("accounts.conf", ACCOUNT), ("nt-hashes.conf", ACCOUNT),
    ("identity-next.key", ("identity", "next")), ("identity-next.pem", ("identity", "next")), ("identity-old.key", ("identity", "promote", "--force")),
    ("identity-old.pem", ("identity", "promote", "--force")), ("state/audit/lock", RULE), ("state/audit/head", RULE), ("state/audit/spine-000001.jsonl", RULE),
    ("state/audit/lock", SERVE), ("state/audit/head", SERVE), ("state/audit/spine-000001.jsonl", SERVE), ("state/audit/20260101T000000Z-00000000.live", SERVE),
    ("state/control.sock", SERVE), ("state/next-taken", SERVE), ("state/key-in-use", SERVE))
FOLDERS = (("state/audit", RULE), ("state/audit", SERVE), ("trace", SERVE))


class Victim:
    """A file that could stand in the place of ${place}, and a name beside it under which there is nothing."""

    def __init__(self, folder, place):
        self.folder = folder / "elsewhere"
        self.folder.mkdir(mode=0o755)
        self.file, self.none = self.folder / "file", self.folder / "none"
        self.file.write_bytes(place.read_bytes() if place.is_file() else b"")
        self.file.chmod(0o600)
        self.before = self.now()

    def now(self):
        s, f = self.file.stat(), self.folder.stat()
        return self.file.read_bytes(), s.st_uid, s.st_gid, s.st_mode, f.st_uid, f.st_mode, sorted(os.listdir(self.folder))

    def untouched(self, what):
        same(self.now(), self.before, what)


def plant(kind, place, victim):
    if place.exists():
        place.unlink()
    if kind == "hard":
        os.link(victim.file, place)
    else:
        place.symlink_to({"symbolic": victim.file, "dangling": victim.none, "folder": victim.folder}[kind])


def come_by(a, words):
    """The verb, or a daemon from its start to its end; what was said."""
    if words:
        a.run(*(str(a.dir / "password") if w == "PASSWORD" else w for w in words), code=None)
        return a.stderr
    a.start("--trace", str(a.dir / "trace"))
    until(lambda: a.process.poll() is not None or "ready" in a.log(), "it serves, or says why not")
    a.stop()
    return a.log()


def try_one(start, folder, kind, name, words, number):
    """In a copy of the site."""
    copy = folder / f"copy{number}"
    subprocess.run(["cp", "-a", start.dir, copy], check=True)
    what = f"a {kind} link at {name}, {' '.join(words[:2]) or 'serve'}"
    here = sites.Site.__new__(sites.Site)
    here.__dict__ = {**start.__dict__, "dir": copy, "config": copy / "availbridge.conf", "log_path": copy / "log"}
    if words[:2] == ("identity", "promote"):
        here.run("identity", "next")
    victim = Victim(copy, copy / name)
    if kind == "folder" and (copy / name).exists():
        shutil.rmtree(copy / name)
    plant(kind, copy / name, victim)
    said = come_by(here, words)
    victim.untouched(f"{what}: {said}")
    shutil.rmtree(copy)


def main():
    if os.geteuid() != 0:
        check(True, "")
        print("planted_links: not root, who alone could be led to what is not the site's; nothing was looked at")
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="planted-links-"))
    folder.chmod(0o755)
    a = sites.Site(folder, "site-a", "a.example", user="nobody")
    with sites.ending(a, folder=folder):
        a.run(*RULE)  # so that the audit is there
        tries = [(kind, name, words) for kind in ("symbolic", "dangling", "hard") for name, words in PLACES] + [("folder", *more) for more in FOLDERS]
        for number, one in enumerate(tries):
            try_one(a, folder, *one, number)


main()
sites.finish()
