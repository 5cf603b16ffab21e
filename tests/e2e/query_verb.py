"""`availbridge query`: the grid, --json and --xml, over the control socket and over HTTPS; its exit codes; the zone that times are read and shown in;
limits as at the front; and who may use the control socket."""
import json
import os
import pty
import re
import stat
import subprocess

import sites
from sites import PROGRAM, check, same, until

NINE = ("20260302T090000", "20260302T100000")
DAY = ["--start", "2026-03-02T08:00:00", "--end", "2026-03-02T12:00:00", "--zone", "Europe/Berlin"]

with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T100000", "20260302T110000", {"X-MICROSOFT-CDO-BUSYSTATUS": "TENTATIVE"}))
    b.calendar("bob", (*NINE, {"SUMMARY": 'Quotes " and \\\\ and Ünïcode', "LOCATION": "Room 7"}))
    b.calendar("away", ("20260302T080000", "20260302T120000", {"X-MICROSOFT-CDO-BUSYSTATUS": "WORKINGELSEWHERE"}))
    secret = a.dir / "password"
    secret.write_text(a.password + "\n")
    secret.chmod(0o600)
    people = ["bob@b.example", "anna@a.example", "away@b.example"]
    ways = {"socket": ["--requester", "anna@a.example"], "HTTPS": ["--user", "anna", "--password-file", str(secret)]}

    for way, words in ways.items():
        lines = a.run("query", *words, *DAY, *people, "nobody@b.example", code=1).splitlines()
        same([line.split("  ", 1)[1].strip() for line in lines[1:5]], ["..##....", "....tt..", "wwwwwwww", "(no-access)"], f"{way}: the grid")
        found = re.search(r"request-id=([0-9a-f]{32})$", a.stderr.strip())
        check(found, f"{way}: who failed can be found in the log: {a.stderr}")
        for site in (a, b):
            until(lambda: any(f"request-id={found and found.group(1)} " in line and "target=nobody@b.example" in line for line in site.lines("mailbox")), f"{way}: at {site.name}")
        check(lines[0].startswith("Mon 2026-03-02 +01:00"), f"{way}: the day and the zone, not {lines[0]}")
        check(any("busy" in line and "tentative" in line for line in lines[5:]), f"{way}: a legend")
        check("\033" not in "".join(lines), f"{way}: no colour in a pipe")
        got = json.loads(a.run("query", *words, *DAY, "--json", *people))
        same((got["start"], got["end"], got["interval"]), ("2026-03-02T07:00:00Z", "2026-03-02T11:00:00Z", 30), f"{way}: the window")
        same([m["address"] for m in got["mailboxes"]], people, f"{way}: who, in order")
        same([m["merged"] for m in got["mailboxes"]], ["00220000", "00001100", "00000000"], f"{way}: digits")
        same([m["code"] for m in got["mailboxes"]], ["NoError"] * 3, f"{way}: codes")
        event = got["mailboxes"][0]["events"][0]
        same((event["start"], event["end"], event["busy"], event["subject"], event["private"]),
             ("2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", "Busy", 'Quotes " and \\ and Ünïcode', False), f"{way}: an event")
        same(got["mailboxes"][2]["events"][0]["busy"], "WorkingElsewhere", f"{way}: working elsewhere")
        xml = a.run("query", *words, *DAY, "--xml", *people)
        found = sites.answers(xml)
        same(found[0]["events"][0]["start"], "2026-03-02T09:00:00", f"{way}: the XML is in the zone's time")
        same(json.loads(a.run("query", *words, *DAY, "--json", "--view", "merged-only", "--interval", "60", people[0]))["mailboxes"][0],
             {"address": people[0], "result": "ok", "code": "NoError", "view": "MergedOnly", "merged": "0200", "events": []}, f"{way}: another view")

    # The hour that comes twice is told apart: 02:30 in Berlin on 25 October is 00:30Z, then 01:30Z.
    b.calendar("fold", ("20261025T013000Z", "20261025T014500Z"))
    got = json.loads(a.run("query", "--requester", "anna@a.example", "--start", "2026-10-25T00:00:00", "--end", "2026-10-25T06:00:00", "--zone",
                           "Europe/Berlin", "--json", "fold@b.example"))["mailboxes"][0]
    same((got["events"][0]["start"], got["merged"]), ("2026-10-25T01:30:00Z", "00000002000000"), "in the second of two equal hours")

    # Usage is 2, no is 1.
    for words in (["--start", "tomorrow", "--end", "2026-03-02T12:00:00Z", "bob@b.example"], ["--start", "2026-03-02T12:00:00Z", "bob@b.example"],
                  [*DAY, "--interval", "4", "bob@b.example"], [*DAY, "--view", "everything", "bob@b.example"], [*DAY], [*DAY, "no address"],
                  [*DAY, "--zone", "Europe/Nowhere", "bob@b.example"], ["--start", "2026-03-02T12:00:00Z", "--end", "2026-03-02T12:00:00Z", "bob@b.example"]):
        a.run("query", "--requester", "anna@a.example", *words, code=2)
        check(True, "usage")
    a.run("query", *DAY, "bob@b.example", code=2)
    a.run("query", "--requester", "anna@a.example", "--start", "2026-03-02T00:00:00Z", "--end", "2026-06-02T00:00:00Z", "bob@b.example", code=1)
    check("longer than 62 days" in a.stderr, f"over 62 days is the front's no, and says so: {a.stderr}")
    secret.write_text("wrong\n")
    a.run("query", *ways["HTTPS"], *DAY, "bob@b.example", code=1)
    check(True, "a wrong password")

    # Nobody but its owner gets at the socket that may name a requester; and it names people of ours alone.
    mode = os.stat(a.dir / "state/control.sock").st_mode
    same((stat.S_ISSOCK(mode), stat.S_IMODE(mode)), (True, 0o600), "the control socket is 0600")
    a.run("query", "--requester", "eve@b.example", *DAY, "bob@b.example", code=1)
    check("not one of ours" in a.stderr, f"and says so: {a.stderr}")
    a.run("query", "--requester", "eve@unpublished.example", *DAY, "anna@a.example", code=1)
    check(not any("requester=eve@" in line for line in a.lines("mailbox")), "a requester who is not ours is refused before anything is asked")

    # Colour on a terminal, none with NO_COLOR.
    for no_color, coloured in ((None, True), ("1", False)):
        leader, follower = pty.openpty()
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | ({"NO_COLOR": no_color} if no_color else {})
        subprocess.run([PROGRAM, "-c", str(a.config), "query", *ways["socket"], *DAY, "bob@b.example"], stdout=follower, env=env, timeout=30)
        text = os.read(leader, 65536)
        os.close(leader), os.close(follower)
        same(b"\033[" in text, coloured, f"colour on a terminal with NO_COLOR={no_color}")
    a.stop()
    a.run("query", "--requester", "anna@a.example", *DAY, "anna@a.example", code=1)
    check(True, "no daemon, no answer")
sites.finish()
