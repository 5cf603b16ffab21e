"""
The servers of `make demo FORESTS=1`: forests.py DEMO starts an Active Directory (Samba) for each of the sites DEMO/a and DEMO/b, which know
the people that have a calendar there, and Cyrus with the calendars of site A, which stand in no folder of the bridge any more. Writes what
the bridges must know, makes DEMO/forests.ready, and ends the servers when it is ended itself.
"""
import pathlib
import re
import shutil
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/forests/servers"))
import people as who  # noqa: E402
from certificates import Authority  # noqa: E402
from cyrus import Cyrus  # noqa: E402
from samba_dc import Forest  # noqa: E402

# Whom rules speak of as a group: its people by their names before the @.
GROUPS = {"a": {"Not shared": ["john"], "Times only": []}, "b": {"Not shared": ["karl"], "Times only": ["dieter"]}}


def resources(text):
    """The events of a calendar as CalDAV keeps them: one resource for each UID (RFC 4791 4.1)."""
    found = {}
    for event in re.findall(r"BEGIN:VEVENT.*?END:VEVENT\r\n", text, re.S):
        found.setdefault(re.search(r"UID:(.*?)\r\n", event)[1], []).append(event)
    for number, events in enumerate(found.values()):
        yield f"event-{number}", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//availbridge//demo//EN\r\n{''.join(events)}END:VCALENDAR\r\n"


def secret(path, text):
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


def directory(demo, site, domain, other, names, authority):
    tree = who.Tree(domain, other, [*map(who.Person, names), who.Person(who.SERVICE, mail=False)], GROUPS[site])
    forest = Forest(demo / f"forest-{site}", domain, other, authority, tree)
    password = secret(demo / site / "directory.password", who.PASSWORD)
    (demo / site / "directory.conf").write_text(f"""server {forest.url()}
preset active-directory
base "{tree.base}"
bind simple
bind-name {forest.upn}
password-file {password}
ca-file {forest.ca}
""")
    return forest


def calendars(demo, cyrus, folder):
    for person in cyrus.people:
        cyrus.share(person)
    cyrus.load({p: dict(resources((folder / f"{p}@a.example.ics").read_bytes().decode())) for p in cyrus.people})
    shutil.rmtree(folder)
    folder.mkdir()
    (demo / "a/backends.d").mkdir(mode=0o700)
    password = secret(demo / "a/cyrus.password", cyrus.passwords["bridge"])
    (demo / "a/backends.d/cyrus.conf").write_text(f"""type caldav
url {cyrus.url}/
serves a.example
auth basic
user bridge
password-file {password}
ca-file {cyrus.ca}
method events
calendar {cyrus.collection('{user}')}
""")


def main():
    demo = pathlib.Path(sys.argv[1]).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    names = {s: sorted(p.name.split("@")[0] for p in (demo / s / "calendars").glob("*.ics")) for s in "ab"}
    authority = Authority(demo / "authority", "Demo CA")
    forests = [directory(demo, s, f"{s}.example", f"{o}.example", names[s], authority) for s, o in ("ab", "ba")]
    try:
        for f in forests:
            f.start()
        with Cyrus(names["a"], "a.example") as cyrus:
            calendars(demo, cyrus, demo / "a/calendars")
            (demo / "forests.ready").touch()
            signal.pause()
    finally:
        for f in forests:
            f.stop()


main()
