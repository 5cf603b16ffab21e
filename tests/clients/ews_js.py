"""ews-javascript-api asks A about people of both sites, in three zones, in winter and in summer; by Basic, and by NTLM."""
import json
import os
import subprocess

from common import WORK, check, fill, finish, pair, same, sites, until

with pair(start=False) as (a, b):
    fill(a, b)
    a.start(), b.start(), a.up(), b.up()

    def ask(zone, start, end, *people, password=None, user="anna", scheme="basic"):
        r = subprocess.run(["node", str(sites.ROOT / "tests/clients/ews-js/ask.js"), f"https://localhost:{a.front}/EWS/Exchange.asmx", user,
                            password or a.password, zone, start, end, *people], capture_output=True, text=True, timeout=60,
                           env=dict(os.environ, NODE_EXTRA_CA_CERTS=str(a.ca), EWS_MODULES=str(WORK / "node_modules"), EWS_SCHEME=scheme,
                                     NODE_OPTIONS="--openssl-legacy-provider"))
        return json.loads(r.stdout.strip().splitlines()[-1])

    def times(answer):
        return [(e["start"][5:16], e["end"][5:16], e["busy"]) for e in answer["events"]]

    for zone in ("Europe/Berlin", "America/New_York", "Australia/Sydney"):
        got = ask(zone, "2026-01-14T00:00:00", "2026-01-16T00:00:00", "anna@a.example", "bob@b.example", "tess@b.example", "shy@b.example",
                  "nobody@b.example")
        if not check(isinstance(got, list) and len(got) == 5, f"{zone}: five answers, not {got}"):
            continue
        same([x["code"] for x in got], ["NoError"] * 3 + ["ErrorNoFreeBusyAccess"] * 2, f"{zone}: codes")
        same(times(got[0]), [("01-14T11:00", "01-14T11:30", "Busy")], f"{zone}: anna")
        same(times(got[1]), [("01-14T08:00", "01-14T09:00", "Busy")], f"{zone}: bob in winter")
        same(times(got[2]), [("01-14T12:00", "01-14T13:00", "Tentative")], f"{zone}: tess")
        same((got[1]["events"][0]["subject"], got[2]["events"][0]["subject"], got[2]["events"][0]["isPrivate"]), ("Weekly", None, True), f"{zone}: details")
        same((got[1]["merged"].count("Busy"), got[2]["merged"].count("Tentative")), (2, 2), f"{zone}: digits")
        same((got[3]["view"], got[3]["merged"]), ("None", []), f"{zone}: nothing of who is hidden")
        got = ask(zone, "2026-07-14T00:00:00", "2026-07-17T00:00:00", "bob@b.example")
        same(times(got[0]), [("07-15T07:00", "07-15T08:00", "Busy")], f"{zone}: bob in summer")
    check("error" in ask("Europe/Berlin", "2026-01-14T00:00:00", "2026-01-16T00:00:00", "bob@b.example", password="wrong"), "a wrong password")
    a.run("account", "passwd", "anna", "--password-file", str(a.dir / "password"), "--ntlm")
    a.run("reload")
    for user in ("LABA\\Anna", "anna"):
        got = ask("Europe/Berlin", "2026-01-14T00:00:00", "2026-01-16T00:00:00", "anna@a.example", "bob@b.example", user=user, scheme="ntlm")
        check(isinstance(got, list) and [x["code"] for x in got] == ["NoError"] * 2, f"by NTLM as {user}: {got}")
    until(lambda: any("scheme=NTLM" in line for line in a.lines("login")), "it was NTLM")
    check("error" in ask("Europe/Berlin", "2026-01-14T00:00:00", "2026-01-16T00:00:00", "bob@b.example", password="wrong", scheme="ntlm"), "a wrong password by NTLM")
finish()
