"""What the other side learns of who asks: on an OrgWideFB row our domain alone, on a PerUserFB row the person; where no person is known, the
organisation. Rules by person count only where the person came over, and the control socket alone may name a requester."""
import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")

with sites.pair(rules=False, start=False) as (a, b):
    b.calendar("bob", NINE)
    a.rule("site-b", "out", "*", "*", "LimitedDetails")
    b.rule("site-a", "in", "anna@a.example", "*", "LimitedDetails")
    b.rule("site-a", "in", "boss@a.example", "*", "AvailabilityOnly")
    a.account("outlook", "organisation")
    a.account("exchange", "server")
    a.account("boss", "user:boss@a.example")
    a.start(), b.start(), a.up(), b.up()

    same(codes(a.ask("bob@b.example")), ["ErrorNoFreeBusyAccess"], "OrgWideFB: the organisation matches no rule for a person")
    until(lambda: b.lines("mailbox"), "B's log has it")
    check(all("requester=a.example" in line for line in b.lines("mailbox")), "B learned the domain alone")

    a.run("address-space", "remove", "--forest-name", "b.example", code=None)
    a.run("address-space", "add", "--forest-name", "b.example", "--peer", "site-b", "--access-method", "PerUserFB")
    a.run("reload")
    a.up()
    same(codes(a.ask("bob@b.example")), ["NoError"], "PerUserFB: anna is known at B")
    until(lambda: "requester=anna@a.example" in b.lines("mailbox")[-1], "B learned the person")  # it may be written after the answer left
    same(a.ask("bob@b.example", user="boss")[0]["view"], "FreeBusyMerged", "another person, another rule")
    for account in ("outlook", "exchange"):
        same(codes(a.ask("bob@b.example", user=account)), ["ErrorNoFreeBusyAccess"], f"{account} is the organisation, never a guess")
        until(lambda: "requester=a.example" in b.lines("mailbox")[-1], "and so it was said")

    def query(requester, code):
        a.run("query", "--requester", requester, "--start", "2026-03-02T08:00:00Z", "--end", "2026-03-02T16:00:00Z", "--json", "bob@b.example", code=None)
        same(a.code, code, f"query as {requester}")

    query("anna@a.example", 0)
    query("stranger@a.example", 1)
    query("a.example", 1)

    # Nobody at A whom no out rule names may use the peer at all; a rule for one of them is no rule for the others.
    a.run("rule", "remove", "--peer", "site-b", "--direction", "out", "1")
    a.rule("site-b", "out", "anna@a.example", "*", "LimitedDetails")
    a.run("reload")
    a.up()
    same(codes(a.ask("bob@b.example", user="boss")), ["ErrorProxyRequestNotAllowed"], "no out rule for boss")
    same(codes(a.ask("bob@b.example")), ["NoError"], "one for anna")

    # The switch and the cap stand above the rules.
    b.run("peer", "set", "site-a", "--free-busy-access-level", "AvailabilityOnly")
    b.reload()
    a.up()
    same(a.ask("bob@b.example")[0]["view"], "FreeBusyMerged", "capped")
    b.run("peer", "set", "site-a", "--free-busy-access-enabled", "no")
    b.reload()
    a.up()
    same(codes(a.ask("bob@b.example")), ["ErrorNoFreeBusyAccess"], "switched off")
    b.run("peer", "set", "site-a", "--free-busy-access-enabled", "yes")
    b.run("reload")
    # A peer speaks for the domains of its rows alone.
    b.run("address-space", "remove", "--forest-name", "a.example", code=None)
    a_row_gone = b.run("address-space", "list")
    check("site-a" not in a_row_gone, "no row for a.example points to site-a any more")
sites.finish()
