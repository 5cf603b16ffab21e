"""
Two bridges, each with a directory: A beside the Samba forest a.example, B beside slapd with the people of b.example. Groups of the directory decide, for requesters of the
other organisation through contacts alone; hidden, disabled, absent and moved mailboxes are alike in every byte; an alias is its person. And whatever becomes of the
directory (gone, hanging, one of two, another password), the answer is ErrorADUnavailable or the right one, and never free time.
"""
import os
import pathlib
import re
import shutil
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).resolve().parent / "servers")]
import certificates  # noqa: E402
import openldap  # noqa: E402
import samba_dc  # noqa: E402
import sites  # noqa: E402
from sites import check, codes, same, until  # noqa: E402

NINE = ("20260302T090000", "20260302T100000", {"SUMMARY": "Planning"})  # Berlin, so 08:00Z
ONE_HOUR = "2200000000000000"
DOWN = "ErrorADUnavailable"
QUICK = ('cache "0 s"', 'timeout "2 s"')
folder = sites.ROOT / "build/e2e" / f"forest-bridges-{os.getpid()}"


def asked(site, *addresses, user="anna"):
    return site.ask(*addresses, user=user, headers={"client-request-id": "same-for-all"})


def bytes_of(site, address, user):
    """The whole of an answer about one mailbox, but for what must differ: the request's id and the address itself."""
    status, _, body = site.http(sites.request([address]), user=user)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b|\b[0-9a-f]{16,32}\b", "ID", body.decode())
    return status, text.replace(address, "ADDRESS")


def judged(site, address):
    """What the site's log says decided about ${address} last."""
    def told():
        return [line for line in site.lines("mailbox") if f"target={address} " in line]
    until(told, f"the log has a line about {address}")  # it may be written after the answer left
    lines = told()
    return re.search(r" rule=(\S+)", lines[-1]).group(1) if lines else None


def groups(a, b):
    """Rules by groups: whose contact is in Partners may see details of everybody at B; everybody may see when those of AllStaff are busy."""
    same(codes(asked(a, "many@b.example", user="ben")), ["NoError"], "ben is B's contact in Partners, two groups deep")
    same(asked(a, "many@b.example", user="ben")[0]["view"], "DetailedMerged", "and sees what the group may see")
    same(codes(asked(a, "many@b.example")), ["ErrorNoFreeBusyAccess"], "anna is no contact of B's, whatever groups she is in at home")
    got = asked(a, "anna@b.example", "pat@b.example", "ben@b.example")
    same(codes(got), ["NoError", "NoError", "ErrorNoFreeBusyAccess"], "anna and pat of B are in AllStaff through other groups, ben is not")
    same([g["view"] for g in got[:2]], ["FreeBusyMerged"] * 2, "with the level of their rule")
    same(codes(asked(a, "many@b.example", user="room")), ["ErrorProxyRequestNotAllowed"], "no group of A's lets room's account ask B")
    # Our own people: A's groups come from Active Directory.
    same(codes(asked(a, "ben@a.example")), ["NoError"], "anna is in Board, which sees everybody at A")
    same(codes(asked(a, "many@a.example", user="ben")), ["ErrorNoFreeBusyAccess"], "ben is not")
    same(asked(a, "pat@a.example", user="ben")[0]["merged"], ONE_HOUR, "the loop of groups ends, and ben is in it")


def canonical(a, b):
    got = asked(a, "Anna.Alias@B.example", "info@b.example")
    same([g["merged"] for g in got], [ONE_HOUR] * 2, "an alias is its person, with that person's calendar and rules")
    until(lambda: "target=anna@b.example" in b.lines("mailbox")[-1], "and has one name in the log")
    same(asked(a, "room@a.example")[0]["merged"], ONE_HOUR, "a room's account is disabled, as Exchange keeps it, and its calendar is there")


def alike(a, b):
    """Five reasons for no access, one answer. Each has a calendar, so that only what the directory says keeps it back."""
    expected = bytes_of(a, "absent@b.example", "ben")
    check(expected[0] == 200 and "ErrorNoFreeBusyAccess" in expected[1], expected)
    for name, rule in (("absent", "unknown"), ("hanna", "hidden"), ("dieter", "disabled"), ("moved", "moved")):
        same(bytes_of(a, f"{name}@b.example", "ben"), expected, f"{name} is nobody from outside")
        same(judged(b, f"{name}@b.example"), rule, f"B's log says why of {name}")
    same(bytes_of(a, "ben@b.example", "anna"), bytes_of(a, "absent@b.example", "anna"), "denied is alike as well")
    for name in ("hanna", "dieter", "moved"):
        same(bytes_of(a, f"{name}@a.example", "anna")[1].count("ErrorNoFreeBusyAccess"), 1, f"{name} is nobody to our own people")


def injected(a, b, slapd):
    """Addresses that EWS lets through and a filter must not: nobody, and to the letter in what the server saw."""
    before = len(slapd.searches())
    for name in ("*", "ann*", "anna*"):
        same(bytes_of(a, f"{name}@b.example", "ben"), bytes_of(a, "absent@b.example", "ben"), f"{name} is nobody")
    filters = [f for _, f in slapd.searches()[before:] if "2A@b.example" in f]
    check(len(filters) >= 3 and all("(mail=ann\\2A@b.example)" in f or "(mail=\\2A@b.example)" in f or "(mail=anna\\2A@b.example)" in f for f in filters), filters)


def never_free(a, addresses, user, what):
    got = asked(a, *addresses, user=user)
    same(codes(got), [DOWN] * len(addresses), what)
    check(all(g["merged"] is None and not g["events"] for g in got), f"{what}: no digit of it")


def works(a, what, user="ben"):
    return until(lambda: codes(asked(a, "many@b.example", user=user)) == ["NoError"], what, seconds=20)


def unavailable(a, b, slapd):
    """B's directory goes and comes back; A cannot tell any of the reasons from another."""
    slapd.pause()
    # What was found before the pause is still known for the moment that the cache allows: those asked here were not asked yet.
    never_free(a, ["anna@b.example", "twin-one@b.example", "hanna@b.example"], "ben", "B's directory hangs")
    slapd.resume()
    works(a, "the directory answers again")
    slapd.stop()
    until(lambda: codes(asked(a, "many@b.example", user="ben")) == [DOWN], "B's directory is gone")
    never_free(a, ["absent@b.example", "dieter@b.example", "moved@b.example"], "ben", "B's directory is gone")
    same(codes(asked(a, "anna@b.example", "inner@b.example")), [DOWN] * 2, "a rule by the target's group needs it as well")
    same(codes(asked(a, "ben@a.example")), ["NoError"], "A's own people have their own directory")
    check(b.lines("directory-failed"), "B's log says what is wrong with the directory")
    slapd.start()
    works(a, "the directory is back")
    same(codes(asked(a, "twin@b.example", user="ben")), [DOWN], "an address that two people have is nobody's, and not free")


def forest_gone(a, forest):
    """A's requesters come from Active Directory: without it nobody of A may be told from anybody else."""
    forest.stop()
    until(lambda: codes(asked(a, "many@b.example", user="ben")) == [DOWN], "A cannot tell who ben is")
    same(codes(asked(a, "ben@a.example")), [DOWN], "nor whom anna asks about")
    forest.start()
    works(a, "the forest is back")


def failing_over(a, b, slapd, second):
    b_conf = (b.dir / "directory.conf")
    b_conf.write_text("\n".join([f"server {second.url()}"] + slapd.settings("cache \"0 s\"", "timeout \"1 s\"")) + "\n")
    b.run("reload")
    works(a, "both of B's servers run")
    second.stop()
    works(a, "the first of them is gone, the second answers")
    second.start()
    slapd.pause()
    works(a, "the second hangs, the first is back")
    slapd.resume()
    b_conf.write_text("\n".join(slapd.settings(password="wrong")) + "\n")
    b.run("reload")
    until(lambda: codes(asked(a, "many@b.example", user="ben")) == [DOWN], "the directory refuses our password")
    binds = slapd.log().count("err=49")
    never_free(a, ["many@b.example", "pat@b.example"], "ben", "still refused")
    check(slapd.log().count("err=49") - binds <= 2, "a refused password is not tried with each question, which would lock the account")
    b_conf.write_text("\n".join(slapd.settings("cache \"0 s\"")) + "\n")
    b.run("reload")
    works(a, "the right password")


def rules(a, b, forest, slapd):
    # A with a ticket and no password; B by a name, which is resolved inside the sandbox.
    os.environ["KRB5_CONFIG"] = str(forest.krb5)
    named = slapd.url().replace("127.0.0.1", "localhost")
    for site, settings in ((a, forest.settings(*QUICK, kerberos=True)), (b, slapd.settings(*QUICK, url=named))):
        (site.dir / "directory.conf").write_text("\n".join(settings) + "\n")
    a.run("address-space", "remove", "b.example")
    a.run("address-space", "add", "--forest-name", "b.example", "--peer", "site-b", "--access-method", "PerUserFB")
    a.run("rule", "remove", "--peer", "local", "--direction", "in", "1")
    at_a, at_b = (lambda g, t=s.tree: f"group:{t.group(g)}" for s in (forest, slapd))
    for group in ("Board", "LoopB"):
        a.rule("site-b", "out", at_a(group), "*", "LimitedDetails")
    a.rule("local", "in", at_a("Board"), "*", "LimitedDetails")
    a.rule("local", "in", at_a("LoopA"), at_a("Leads"), "AvailabilityOnly")
    b.rule("site-a", "in", at_b("PartnersAll"), "*", "LimitedDetails")
    b.rule("site-a", "in", "*", at_b("AllStaff"), "AvailabilityOnly")
    for name in ("ben", "room"):
        a.account(name, f"user:{name}@a.example")


def main():
    folder.mkdir(parents=True)
    authority = certificates.Authority(folder / "ca")
    forest = samba_dc.Forest(folder / "a", "a.example", "b.example", authority)
    slapd, second = (openldap.OpenLdap(folder / n, "b.example", "a.example", authority) for n in ("slapd", "second"))
    try:
        for server in (forest, slapd, second):
            server.start()
        with sites.pair(start=False, rules=False) as (a, b):
            for site, tree in ((a, forest.tree), (b, slapd.tree)):
                for p in tree.people:
                    site.calendar(p.name, NINE)
                site.calendar("absent", NINE)
            rules(a, b, forest, slapd)
            a.start(), b.start(), a.up(), b.up()
            groups(a, b)
            canonical(a, b)
            alike(a, b)
            injected(a, b, slapd)
            unavailable(a, b, slapd)
            forest_gone(a, forest)
            failing_over(a, b, slapd, second)
            same([len(s.lines("worker-lost")) for s in (a, b)], [0, 0], "no worker was lost over any of this")
    finally:
        for server in (forest, slapd, second):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sites.finish()


main()
