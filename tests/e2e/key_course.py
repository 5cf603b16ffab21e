"""Keys that change by themselves, with clocks that are moved: the whole course of rotate_every in a daemon's life, and a peer's old pin that runs out
by retire_after_days, but not while the peer comes with it."""
import json

import raw_link
import sites
from rotation import EVENT, WHO, Load, identity, pins_of
from sites import check, same, until


def in_use(site, peer):
    """Under which key the site says that the peer came last."""
    for line in (site.dir / "state/key-in-use").read_text().splitlines():
        if line.split()[0] == peer.name:
            return line.split()[1]
    return None


def commands(site):
    records = [json.loads(line) for line in site.run("audit", "show", "--json").splitlines() if '"change"' in line]
    return [" ".join(r["command"]) if isinstance(r.get("command"), list) else str(r.get("command")) for r in records]


def rotates(a, b):
    """The identity of a is two days old and is to be one day old at most."""
    for step in (("next",), ("promote", "--force"), ("retire",)):
        a.run("identity", *step, clock="-2d")
    first = a.pin()
    b.run("peer", "set", "site-a", "--pin", first)
    a.set("rotate_every", 1)
    a.start()
    b.start()
    until(lambda: a.is_up() and b.is_up(), "both are up")
    load = Load(b, "carl@a.example", 1)
    until(lambda: a.pin() != first, "the next key is made, announced, taken and promoted")
    second = a.pin()
    same(pins_of(b, "site-a"), {"pin": first, "next-pin": second}, "b has both")
    a.up()
    same(a.run("identity", "rotate"), "", "the old key stays for an hour")
    same(identity(a)["old"], first, "so it is there")
    same(a.run("identity", "rotate", clock="+59m"), "", "for 59 minutes")
    load.end()
    check(load.asked > 5 and not load.bad, f"0 of {load.asked} questions failed: {load.bad[:3]}")
    a.stop()
    a.start(clock="+61m")
    until(lambda: pins_of(b, "site-a") == {"pin": second}, "after an hour it is retired, and b drops its pin")
    same(identity(a)["old"], None, "it is gone at a")
    texts = [line for line in a.lines("identity-rotate")]
    check(len(texts) == 3 and all(w in t for w, t in zip(("is made", "is now", "is removed"), texts)), f"three steps in the log: {texts}")
    same(len([c for c in commands(a) if "identity rotate" in c]), 3, "and in the audit")
    a.stop()
    a.set("rotate_every", 0)
    a.start()


def runs_out(a, b):
    """b drops the old pin of a, which never says that it is retired, when the next key has been in use for 30 days."""
    a.up()
    b.up()
    old = a.pin()
    a.run("identity", "next")
    until(lambda: identity(a)["taken"] == ["site-b"], "b takes the next key")
    same(in_use(b, a), old, "a comes with the old one")
    same(b.run("peer", "drop-due", clock="+400d"), "", "a key that is in use does not run out")
    a.run("identity", "promote")
    new = a.pin()
    until(lambda: in_use(b, a) == new, "a comes with the new one")
    same(b.run("peer", "drop-due", clock="+29d"), "", "29 days are not 30")
    a.stop()  # on a busy machine it could come once more between two of these lines
    link = raw_link.Link(b.link, a.dir / "identity-old.pem", a.dir / "identity-old.key")
    link.ask_and_wait()
    until(lambda: in_use(b, a) == old, "somebody comes with the old one again")
    link.close()
    same(b.run("peer", "drop-due", clock="+400d"), "", "so it does not run out")
    b.stop()
    b.start()
    a.start()
    until(lambda: in_use(b, a) == new, "a comes with the new one alone")
    b.set("retire_after_days", 0)
    same(b.run("peer", "drop-due", clock="+400d"), "", "0: only when the peer says so")
    b.set("retire_after_days", 30)
    b.stop()
    b.start(clock="+31d")
    until(lambda: pins_of(b, "site-a") == {"pin": new}, "31 days later b drops the old pin")
    until(lambda: any(old in line and "retire_after_days" in line for line in b.lines("pin-retired")), "and says so in the log")
    until(lambda: any("peer drop-due" in c for c in commands(b)), "and in the audit")
    link = raw_link.Link(b.link, a.dir / "identity-old.pem", a.dir / "identity-old.key")
    check(not link.up and link.early == b"", "the old key opens no link any more, and no reload was needed")
    link.close()
    until(lambda: b.ask("carl@a.example")[0]["code"] == "NoError" and a.ask(WHO)[0]["code"] == "NoError", "the new one does, both ways")


if __name__ == "__main__":
    with sites.pair(start=False) as (a, b):
        b.calendar("bob", EVENT)
        a.calendar("carl", EVENT)
        rotates(a, b)
        runs_out(a, b)
    sites.finish()
