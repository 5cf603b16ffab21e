"""A mailbox for each hostile file: each costs its own mailbox an error within the deadline, with file, line and why in the log, and the others
nothing. And a calendar that changes without end: no answer is older than the question."""
import os
import pathlib
import sys
import time

import sites
from sites import check, codes, same

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "calendars"))
import hostile  # noqa: E402

SPRING = dict(start="2026-03-01T00:00:00", end="2026-04-10T00:00:00")
GOOD = ("20260302T080000Z", "20260302T090000Z")

DEADLINE = 40  # of all of them at once: it is the machine's how soon so many are read
PATIENT = {"query_deadline": f"{DEADLINE} s", "hard_stop": f"{DEADLINE} s", "worker_seconds": DEADLINE}
with sites.pair(PATIENT, PATIENT, start=False) as (a, b):
    a.calendar("anna", GOOD)
    b.calendar("bob", GOOD)
    wanted = {}
    for i, (name, (text, want)) in enumerate(hostile.FILES.items()):
        (b.calendars / f"h{i}@b.example.ics").write_bytes(text.encode())
        wanted[f"h{i}@b.example"] = name, want
    os.mkfifo(b.calendars / "fifo@b.example.ics")
    (b.calendars / "loop@b.example.ics").symlink_to("loop@b.example.ics")
    (b.calendars / "device@b.example.ics").symlink_to("/dev/zero")
    (b.calendars / "outside@b.example.ics").symlink_to("/etc/passwd")
    (b.calendars / "folder@b.example.ics").mkdir()
    (b.calendars / "large@b.example.ics").touch()
    os.truncate(b.calendars / "large@b.example.ics", 100 << 20)
    wanted.update((f"{name}@b.example", (name, "")) for name in ("fifo", "loop", "device", "outside", "folder", "large"))
    a.start(), b.start(), a.up(), b.up()

    began = time.monotonic()
    first, *odd, last = a.ask("bob@b.example", *wanted, "anna@a.example", **SPRING, timeout=2 * DEADLINE)
    check(time.monotonic() - began < DEADLINE + 2, f"all at once within the deadline: {time.monotonic() - began:.1f} s")
    same(codes([first, last]), ["NoError", "NoError"], "those beside them")
    for (address, (name, want)), one in zip(wanted.items(), odd):
        if name == "100,000 dense events":  # read well, and more than 1,000 events to list
            check(one["code"] != "NoError" and one["merged"] is None, f"{name}: {one['code']}")
        elif isinstance(want, list):
            same((one["code"], len(one["events"])), ("NoError", 1), name)
        else:
            same((one["code"], one["merged"], one["events"]), ("ErrorFreeBusyGenerationFailed", None, []), f"{name} is an error and never free")
            lines = [x for x in b.lines("calendar-failed") if f"mailbox={address}" in x]
            check(lines and f"{address}.ics: " in lines[-1] and want in lines[-1].replace('\\"', '"'), f"{name}: file, line and why in the log: {lines}")

    for i in range(120):
        event = "20260302T1%d0000Z" % (i % 9), "20260302T1%d3000Z" % (i % 9)  # each time the same size
        if i % 2:
            b.calendar("bob", event)
        else:
            (b.calendars / "bob@b.example.ics").write_text(sites.ics(event))
        got = a.ask("bob@b.example")[0]
        digits = ["0"] * 16
        if i % 9 < 6:
            digits[4 + 2 * (i % 9)] = "2"
        if not same((got["code"], got["merged"]), ("NoError", "".join(digits)), f"change {i} is seen by the next question"):
            break
sites.finish()
