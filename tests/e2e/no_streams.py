"""Started without standard streams, as by `serve <&- >&- 2>&-`, the daemon's first files do not become them: no line of its log goes into another
file. And with a terminal none of its processes can read what is typed there."""
import os
import subprocess

import sites
from sites import codes, same

NINE = ("20260302T090000", "20260302T100000")


def standard(pid):
    return [os.readlink(f"/proc/{pid}/fd/{n}") for n in range(3)]


with sites.pair(start=False) as (a, b):
    a.calendar("anna", NINE)
    a.log_path.touch()
    a.process = subprocess.Popen(["sh", "-c", f"exec '{sites.PROGRAM}' -c '{a.config}' serve <&- >&- 2>&-"])
    a.up(links=False)
    same(codes(a.ask("anna@a.example")), ["NoError"], "without streams it serves")
    if sites.may_look_into():
        for pid in [a.process.pid, *a.children()]:
            same(standard(pid), ["/dev/null"] * 3, f"and process {pid} has none")
    a.stop()
    a.run("audit", "verify", code=None)
    same(a.code, 0, "and its audit is whole")
    mine, theirs = os.openpty()
    with open(a.log_path, "ab") as log:
        a.process = subprocess.Popen([sites.PROGRAM, "-c", str(a.config), "serve"], stdin=theirs, stdout=log, stderr=log)
    a.up(links=False)
    if sites.may_look_into():
        for pid in [a.process.pid, *a.children()]:
            same(standard(pid)[0], "/dev/null", f"process {pid} reads no terminal")
    os.close(mine)
    os.close(theirs)
    same(codes(a.ask("anna@a.example")), ["NoError"], "and serves")
sites.finish()
