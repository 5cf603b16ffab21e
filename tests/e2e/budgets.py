"""Budgets against harvesting: a script that asks for 5,000 addresses is cut at its budget, at the asking site and at the asked one, with one
line in the log; everybody else is answered meanwhile; a reload and a killed bridge give nothing back."""
import os
import re
import signal

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")
BUSY, OK, NONE = "ErrorServerBusy", "NoError", "ErrorNoFreeBusyAccess"


def harvest(site, domain, first, last, user="anna", who="user"):
    """Asks about who1@domain, ... a hundred at a time; the codes in order."""
    got = []
    for i in range(first, last, 100):
        got += codes(site.ask(*(f"{who}{k}@{domain}" for k in range(i, min(i + 100, last))), user=user, timeout=60))
    return got


def alerts(site, who):
    return [line for line in site.lines("over-budget") if f"who={who} " in line]


def bridges(site):
    return set(site.children("@bridge"))


# The defaults, which sites.py takes away.
SETTINGS = {"bridges": 2, "budget_person_per_minute": 10000, "budget_person_targets_per_day": 1000, "budget_organisation_per_minute": 30000,
            "budget_organisation_targets_per_day": 50000, "budget_peer_per_minute": 60000, "budget_peer_targets_per_day": 100000}
with sites.pair(a_settings=SETTINGS, b_settings=SETTINGS) as (a, b):
    a.account("carl", "user:carl@a.example")
    a.account("exchange", "server")
    a.run("reload")
    for who in ("anna", "carl"):
        a.calendar(who, NINE)
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example", user="exchange")) == [OK] and len(a.lines("link-up")) >= 4, "the first answer, and each process of both generations has its link")
    same("over budget" in a.run("status"), False, "nobody is over a budget")

    # 5,000 addresses, some of which exist, of ours and of the peer's.
    got = []
    for i in range(0, 5000, 500):
        got += harvest(a, "a.example", i, i + 250) + harvest(a, "b.example", i + 250, i + 500)
        same(codes(a.ask("bob@b.example", "anna@a.example", user="carl")), [OK, OK], f"another one is answered after {i + 500}")
    same([got.count(BUSY), got.index(BUSY)], [4000, 1000], "cut at the thousandth address")
    check(set(got[:1000]) <= {OK, NONE}, f"and before it answered as ever: {set(got[:1000])}")
    until(lambda: len(alerts(a, "anna@a.example")) == 1, "one line about her")
    check("budget=budget_person_targets_per_day limit=1000 " in alerts(a, "anna@a.example")[0], "it says which limit")
    same(len(a.lines("over-budget")), 1, "and none about others")
    check("over budget: ! anna@a.example has used up budget_person_targets_per_day = 1000; 4000 mailboxes refused" in a.run("status"), "status names her")

    # Whether it exists does not show.
    def bare(address):
        return {k: re.sub("request id [0-9a-f]{32}", "", v) if k == "text" else v for k, v in a.ask(address)[0].items()}

    same(bare("bob@b.example"), bare("nobody@b.example"), "who exists and who does not: the same answer, theirs")
    same(bare("carl@a.example"), bare("nobody@a.example"), "and ours")
    same(codes(a.ask("user5@a.example", "user260@b.example")), got[5:6] + got[260:261], "what was asked before may be asked again")


    # Through the control socket she is the same person.
    check(BUSY in a.run("query", "--requester", "anna@a.example", "--start", "2026-03-02T08:00:00", "--end", "2026-03-02T16:00:00",
                       "--zone", "Europe/Berlin", "--json", "new@a.example", code=None), "over the control socket too")

    # A reload, and the death of all bridges, give nothing back.
    for what in ("reload", "kill"):
        before = bridges(a)
        if what == "reload":
            a.run("reload")
        else:
            for pid in before:
                os.kill(pid, signal.SIGKILL)
        until(lambda: len(bridges(a) - before) == 2 and a.is_up(), f"{what}: new bridges")

        def asked(*addresses, **how):
            try:
                return codes(a.ask(*addresses, **how))
            except OSError:
                return None

        until(lambda: asked("bob@b.example", user="carl") == [OK], f"{what}: carl is answered")
        same(asked("new@a.example", "new@b.example", "user5@a.example"), [BUSY, BUSY, got[5]], f"{what}: anna is still over")

    # A whole company through one account is not one person; each such account has its own.
    same(harvest(a, "a.example", 10000, 12000, user="exchange").count(BUSY), 0, "2,000 for the Exchange")
    a.account("exchange2", "server")
    a.set("budget_organisation_targets_per_day", 2000)
    a.set("budget_organisation_per_minute", 150)
    a.run("reload")
    same(asked("more@a.example", user="exchange"), [BUSY], "it has used up its smaller budget")
    got = harvest(a, "a.example", 0, 200, user="exchange2", who="p")
    check(150 <= got.count(NONE) <= 199 and set(got) == {NONE, BUSY}, f"150 in a minute, evenly: {got.count(NONE)} of 200")
    until(lambda: len(alerts(a, "exchange2")) == 1, "one line about that account")

    # The asked site counts by itself, for the peer and for whom it names.
    a.set("budget_person_targets_per_day", 0)
    a.set("budget_organisation_per_minute", 0)
    a.set("budget_organisation_targets_per_day", 0)
    a.run("reload")
    until(lambda: asked("bob@b.example") == [OK], "without limits at a she is answered")
    b.set("budget_peer_targets_per_day", 1200)
    b.reload()
    until(lambda: asked("bob@b.example") == [OK], "the link to b's new bridges")
    got = harvest(a, "b.example", 20000, 23000)
    spent = len(b.lines("over-budget"))
    check(0 < got.count(NONE) < 1200 and set(got) == {NONE, BUSY}, f"b cuts the peer: {[got.count(c) for c in (NONE, BUSY)]}")
    until(lambda: len(alerts(b, "site-a")) == 1, "b's line names the peer")
    check("setting" not in b.run("status") and "over budget: ! site-a has used up budget_peer_targets_per_day = 1200" in b.run("status"), "so does its status")
    b.calendar("anna", NINE)
    same(codes(b.ask("anna@b.example", "bob@b.example")), [OK, OK], "b's own people are not touched")
    b.set("budget_peer_targets_per_day", 0)
    b.set("budget_organisation_targets_per_day", 1500)
    b.reload()
    until(lambda: asked("bob@b.example") == [OK], "the link to b's new bridges")
    check(BUSY in harvest(a, "b.example", 30000, 31000), "b cuts the organisation that the peer names")
    until(lambda: "who=a.example peer=site-a budget=budget_organisation_targets_per_day limit=1500 " in "".join(b.lines("over-budget")), "and says so")

sites.finish()
