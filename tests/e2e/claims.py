"""A site that says later that it serves more than was agreed at pairing: nothing changes, and `status` warns on both sides."""
import json

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")


def peer(site):
    return json.loads(site.run("peer", "show", {"site-a": "site-b", "site-b": "site-a"}[site.name], "--json"))


with sites.pair() as (a, b):
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the first answer")
    rows = (a.dir / "address-spaces.conf").read_text(), (a.dir / "peers.d/site-b.conf").read_text()
    for text in (a.run("status"), b.run("status")):
        check("! " not in text, f"nothing to warn of: {text}")
    b.run("address-space", "add", "--forest-name", "more.example", "--peer", "local")
    b.run("reload")
    until(lambda: "domain more.example: ! served by the peer, but our table does not give it to the peer" in a.run("status", code=None), "the side that hears it warns")
    until(lambda: "domain more.example: ! we say that we serve it, but the table there does not give it to us" in b.run("status", code=None), "and so does the side that says it")
    same((peer(a)["surplus"], peer(a)["refused"]), (["more.example"], []), "the JSON there")
    same((peer(b)["surplus"], peer(b)["refused"]), ([], ["more.example"]), "and here")
    same(((a.dir / "address-spaces.conf").read_text(), (a.dir / "peers.d/site-b.conf").read_text()), rows, "nothing is written")
    check(codes(a.ask("eve@more.example")) != ["NoError"], "nobody is asked about that domain")
    a.run("address-space", "add", "--forest-name", "more.example", "--peer", "site-b")
    a.run("reload")
    until(lambda: peer(a)["surplus"] == [] and peer(b)["refused"] == [], "a row ends both")
    for site in (a, b):
        check("more.example: !" not in site.run("status"), "and both warnings")
sites.finish()
