"""Random rules at both sites: what `explain` says of each pair, on the side that was asked and on the one that holds the calendar, is what `query`
then shows, no more and no less; and the exit codes of both say the same. SEED=N repeats a run; ROUNDS=N sets its length."""
import json
import os
import random
import re

import sites
from sites import check, same, until

seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
rnd = random.Random(seed)
print(f"SEED={seed}")
LEVELS = ["None", "AvailabilityOnly", "LimitedDetails"]
SHOWN = [None, "FreeBusyMerged", "DetailedMerged"]
EVENT = ("20260302T090000", "20260302T100000", {"SUMMARY": "Planning"})
GROUPS = 'groups = { board = ["bob@b.example", "a.example"]; team = ["anna@a.example"]; };'
requesters = ["*", "a.example", "b.example", "anna@a.example", "adam@a.example", "group:board", "group:team"]
targets = ["*", "b.example", "bob@b.example", "carl@b.example", "hidden@b.example", "group:board", "adam@a.example", "a.example"]
asked = ["bob@b.example", "carl@b.example", "hidden@b.example", "anna@a.example", "adam@a.example", "hidden@a.example"]


def new_rules(site, peer, direction):
    site.code = 0
    while site.code == 0:
        site.run("rule", "remove", "--peer", peer, "--direction", direction, "1", code=None)
    for _ in range(rnd.randrange(0, 5)):
        site.rule(peer, direction, rnd.choice(requesters), rnd.choice(targets), rnd.choice(LEVELS))


def explained(site, requester, target):
    said = json.loads(site.run("explain", "--requester", requester, "--target", target, "--json", code=None))
    same(site.code, 1 if said["level"] == "None" else 0, "explain's exit code")
    return LEVELS.index(said["level"])


with sites.pair(start=False, rules=False) as (a, b):
    for site, people in ((a, ("anna", "adam", "hidden")), (b, ("bob", "carl", "hidden"))):
        text = re.sub(r"(?m)^[# ]*hidden\s*=.*$", f'hidden = ["hidden@{site.domain}"];', site.config.read_text(), count=1)
        site.config.write_text(re.sub(r"(?m)^[# ]*groups\s*=.*$", GROUPS, text, count=1))
        for name in people:
            site.calendar(name, EVENT)
    a.start(), b.start(), a.up(), b.up()
    for _ in range(int(os.environ.get("ROUNDS", 5))):
        new_rules(a, "site-b", "out"), new_rules(a, "local", "in"), new_rules(b, "site-a", "in")
        method = rnd.choice(["PerUserFB", "OrgWideFB"])
        a.run("address-space", "add", "--forest-name", "b.example", "--peer", "site-b", "--access-method", method)
        b.run("peer", "set", "site-a", "--free-busy-access-enabled", rnd.choice(["yes", "yes", "yes", "no"]), "--free-busy-access-level", rnd.choice(LEVELS[1:]))
        a.run("reload"), b.reload()
        until(lambda: a.is_up() and b.is_up(), "both are up with the new rules")
        until(lambda: a.ask("bob@b.example")[0]["code"] != "ErrorProxyRequestProcessingFailed", "the link")
        for requester in ("anna@a.example", "adam@a.example"):
            found = json.loads(a.run("query", "--requester", requester, "--start", "2026-03-02T00:00:00", "--end", "2026-03-03T00:00:00", "--json", *asked,
                                     code=None))["mailboxes"]
            same(a.code, 0 if all(m["result"] == "ok" for m in found) else 1, "query's exit code")
            for target, m in zip(asked, found):
                level = explained(a, requester, target)
                if target.endswith("b.example"):
                    level = min(level, explained(b, requester if method == "PerUserFB" else "a.example", target))
                same(m.get("view"), SHOWN[level], f"SEED={seed}: {requester} about {target}, {method}")
                check(("events" in m) == (level > 0), "events only where something is granted")
                check(("Planning" in json.dumps(m)) == (level == 2), "a subject only with its level")
sites.finish()
