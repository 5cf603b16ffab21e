"""Random rules, calendars and requests against a second, naive reading of the rules: no byte of detail above the verdict, and no verdict but the
right one. SEED=N repeats a run; ROUNDS=N sets its length."""
import datetime
import os
import random
import re

import sites
from sites import check, same, until

LEVELS = ["None", "AvailabilityOnly", "LimitedDetails"]
DIGIT = {"": 2, "TENTATIVE": 1, "OOF": 3, "WORKINGELSEWHERE": 0, "FREE": 0}
WORD = {"": "Busy", "TENTATIVE": "Tentative", "OOF": "OOF", "WORKINGELSEWHERE": "WorkingElsewhere", "FREE": "Free"}
DAY = datetime.datetime(2026, 3, 2)
seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
rnd = random.Random(seed)
print(f"SEED={seed}")

askers = ["ann", "ben", "cat"]                  # at A; each has an account
targets = ["ulf", "vera", "willi", "xenia"]     # at B; xenia is hidden, and nobody@ does not exist
groups_a = {"team": ["ann@a.example", "ben@a.example"]}
groups_b = {"board": ["ulf@b.example", "vera@b.example"], "friends": ["ann@a.example"]}


def random_rules(direction):
    """Requester and target of either side, as they could stand in a file."""
    groups = groups_a if direction == "out" else groups_b
    people = [f"{n}@a.example" for n in askers]
    theirs = [f"{n}@b.example" for n in targets] + ["nobody@b.example"]
    group = [f"group:{n}" for n in groups]
    return [(rnd.choice(people + ["a.example", "*", "b.example"] + group), rnd.choice(theirs + ["b.example", "*"] + group), rnd.choice(LEVELS))
            for _ in range(rnd.randrange(1, 6))]


def matches(pattern, who, groups):
    """Does the pattern of a rule fit ${who}, an address or (for an organisation) a domain?"""
    if pattern == "*":
        return True
    if pattern.startswith("group:"):
        return "@" in who and who in groups[pattern[6:]]
    if "@" in pattern:
        return pattern == who
    return pattern == who.split("@")[-1]


def first_match(rules, requester, target, groups):
    for r, t, level in rules:
        if matches(r, requester, groups) and matches(t, target, groups):
            return LEVELS.index(level)
    return 0


def may_ask_at_all(rules, person):
    """Is there a target for which the rules could give this person anything? What stands behind a None for everybody is never reached."""
    for r, t, level in rules:
        if matches(r, person, groups_a):
            if level != "None":
                return True
            if t == "*":
                return False
    return False


def expected_level(state, asker, target):
    person = f"{asker}@a.example"
    out = first_match(state["out"], person, target, groups_a)
    if not may_ask_at_all(state["out"], person):
        return "ErrorProxyRequestNotAllowed"
    inside = first_match(state["in"], person if state["per_user"] else "a.example", target, groups_b)
    if not state["switch"] or target in ("xenia@b.example", "nobody@b.example"):
        inside = 0
    return min(out, inside, LEVELS.index(state["cap"]))


def random_calendar(who):
    events = []
    for i in range(rnd.randrange(0, 6)):
        start = DAY + datetime.timedelta(minutes=15 * rnd.randrange(0, 90))
        end = start + datetime.timedelta(minutes=15 * rnd.randrange(1, 8))
        kind, private = rnd.choice(list(DIGIT)), rnd.random() < 0.3
        events.append({"start": start, "end": end, "kind": kind, "private": private, "subject": f"SUBJECT-{who}-{i}", "location": f"PLACE-{who}-{i}"})
    return events


def written(events):
    made = []
    for e in events:
        more = {"SUMMARY": e["subject"], "LOCATION": e["location"]}
        if e["kind"]:
            more["X-MICROSOFT-CDO-BUSYSTATUS"] = e["kind"]
        if e["private"]:
            more["CLASS"] = "PRIVATE"
        made.append((e["start"].strftime("%Y%m%dT%H%M%SZ"), e["end"].strftime("%Y%m%dT%H%M%SZ"), more))
    return made


def digits(events, start, end, interval):
    s, at = "", start
    while at < end:
        to = at + datetime.timedelta(minutes=interval)
        s += str(max([DIGIT[e["kind"]] for e in events if e["start"] < min(to, end) and e["end"] > at] or [0]))
        at = to
    return s


def compare(asker, target, level, events, view, start, end, interval, got):
    where = f"SEED={seed}: {asker} asks about {target}, {view}, level {level}"
    if level == "ErrorProxyRequestNotAllowed" or level == 0:
        code = "ErrorNoFreeBusyAccess" if level == 0 else level
        same((got["code"], got["view"], got["merged"], got["events"]), (code, "None", None, []), where)
        return
    given = view.replace("Detailed", "FreeBusy") if level == 1 else view
    same((got["code"], got["view"]), ("NoError", given), where)
    same(got["merged"], digits(events, start, end, interval) if "Merged" in given else None, where + ": digits")
    if given == "MergedOnly":
        return same(got["events"], [], where + ": no events")
    wanted = []
    for e in events:
        if not (e["start"] < end and e["end"] > start):
            continue
        one = {"start": e["start"].isoformat(), "end": e["end"].isoformat(), "busy": WORD[e["kind"]]}
        if given.startswith("Detailed"):
            one["IsPrivate"] = "true" if e["private"] else "false"
            if not e["private"]:
                one.update(Subject=e["subject"], Location=e["location"])
        wanted.append(one)
    shown = [{k: v for k, v in e.items() if k not in ("IsMeeting", "IsRecurring", "IsException", "IsReminderSet")} for e in got["events"]]
    key = lambda e: sorted(e.items())
    same(sorted(shown, key=key), sorted(wanted, key=key), where + ": events")


def edit(site, peer, direction, rules):
    """The rules as the verbs write them, in place of what was there."""
    while site.run("rule", "remove", "--peer", peer, "--direction", direction, "1", code=None) is not None and site.code == 0:
        pass
    for requester, target, level in rules:
        site.rule(peer, direction, requester, target, level)


def groups_text(groups):
    return "groups = { " + " ".join(f'{n} = [{", ".join(chr(34) + m + chr(34) for m in members)}];' for n, members in groups.items()) + " };"


with sites.pair(rules=False, start=False) as (a, b):
    for site, groups in ((a, groups_a), (b, groups_b)):

        text = re.sub(r"(?m)^[# ]*groups\s*=.*$", groups_text(groups), site.config.read_text(), count=1)
        site.config.write_text(text)
    b.config.write_text(re.sub(r"(?m)^[# ]*hidden\s*=.*$", 'hidden = ["xenia@b.example"];', b.config.read_text(), count=1))
    for n in askers:
        a.account(n, f"user:{n}@a.example")
    for n in targets:
        b.calendar(n)
    a.start(), b.start(), a.up(), b.up()
    for round_number in range(int(os.environ.get("ROUNDS", 8))):
        state = {"out": random_rules("out"), "in": random_rules("in"), "per_user": rnd.random() < 0.5, "switch": rnd.random() < 0.85,
                 "cap": rnd.choice(LEVELS[1:])}
        if rnd.random() < 0.7:  # else most rounds would end in nothing at all
            state["out"].append(("*", "*", "LimitedDetails"))
            state["in"].append(("*", "b.example", rnd.choice(LEVELS[1:])))
        print(state)
        edit(a, "site-b", "out", state["out"])
        edit(b, "site-a", "in", state["in"])
        b.run("peer", "set", "site-a", "--free-busy-access-enabled", "yes" if state["switch"] else "no", "--free-busy-access-level", state["cap"])
        a.run("address-space", "remove", "--forest-name", "b.example", code=None)
        a.run("address-space", "add", "--forest-name", "b.example", "--peer", "site-b", "--access-method", "PerUserFB" if state["per_user"] else "OrgWideFB")
        a.run("reload")
        b.reload()
        until(lambda: a.is_up() and b.is_up(), "both are up with the new rules")
        until(lambda: a.ask("nobody@b.example")[0]["code"] != "ErrorProxyRequestProcessingFailed", "the link")
        for _ in range(6):
            calendars = {f"{n}@b.example": random_calendar(n) for n in targets}
            for n in targets:
                b.calendar(n, *written(calendars[f"{n}@b.example"]))
            asker = rnd.choice(askers)
            asked = [rnd.choice(list(calendars) + ["nobody@b.example"]) for _ in range(rnd.randrange(1, 8))]
            view = rnd.choice(["MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"])
            interval = rnd.choice([5, 15, 30, 60, 45])
            start = DAY + datetime.timedelta(minutes=rnd.randrange(0, 600))
            end = start + datetime.timedelta(minutes=max(interval, rnd.randrange(30, 1200)))
            got = a.ask(*asked, user=asker, view=view, interval=interval, start=start.isoformat(), end=end.isoformat())
            if same(len(got), len(asked), "one answer a mailbox"):
                for target, one in zip(asked, got):
                    compare(asker, target, expected_level(state, asker, target), calendars.get(target, []), view, start, end, interval, one)
    for n in targets:
        check(f"SUBJECT-{n}" not in a.log() + b.log(), "no subject in a log")
sites.finish()
