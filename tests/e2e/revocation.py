"""A peer or a key that is shut out: its live links end within two seconds of the verb's return, in generations that drain as well; new ones are refused
before a byte of HTTP/2; what is asked fails; nothing brings it back but the admin. A daemon that does not answer is said not to have."""
import json
import os
import shutil
import signal
import threading

import raw_link
import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")


def refused(site, cert, key, what):
    link = raw_link.Link(site.link, cert, key)
    check(not link.up and link.early == b"", f"{what}: refused before any byte of HTTP/2: {link.error}, {link.early!r}")
    link.close()


def taken(site, cert, key, what):
    link = raw_link.Link(site.link, cert, key)
    check(link.up, f"{what}: taken: {link.error}")
    return link


def ends(link, what):
    """At once, but for the machine; one that drains would end by itself some time later."""
    check(link.ended_within(6) is not None, f"{what}: its link ends")
    link.close()


def bridges(site):
    return sorted(site.children("@bridge"))


def verbs(a, b):
    """Each verb cuts a live link in the running generation and one in a generation that drains."""
    stolen = a.dir / "identity.pem", a.dir / "identity.key"
    for words in (("disable", "site-a"), ("unpin", a.pin()), ("remove", "site-a")):
        until(lambda: len(bridges(b)) == 1, "only one generation")
        old = taken(b, *stolen, f"{words[0]}, before")
        old.ask_and_wait()
        b.run("reload")
        until(lambda: '"draining"' in b.run("status", "--json"), "an old generation drains")
        new = taken(b, *stolen, f"{words[0]}, the new generation")
        new.ask_and_wait()
        same(len(bridges(b)), 2, "two generations")
        said = b.run("peer", *words)
        check("Its links are cut." in said, f"{words[0]} says so: {said}")
        ends(old, f"{words[0]}, draining")
        ends(new, f"{words[0]}, running")
        refused(b, *stolen, words[0])
        check(codes(a.ask("bob@b.example"))[0] != "NoError", f"{words[0]}: a is not answered")
        # A bridge process that dies is started anew with the settings of its generation: those still know the peer.
        until(lambda: len(bridges(b)) == 1, "the old generation went")
        before = bridges(b)
        os.kill(before[0], signal.SIGKILL)
        until(lambda: bridges(b) and bridges(b) != before and b.is_up(links=False), "a new process serves")
        refused(b, *stolen, f"{words[0]}, after a crash")
        until(lambda: any("is the pin of no enabled peer" in line for line in b.lines("link-refused")), "and the log says why")
        if words[0] == "remove":
            b.pair(a)
            b.rule("site-a", "in", "*", "*", "LimitedDetails")
        elif words[0] == "unpin":
            path = b.dir / "peers.d/site-a.conf"
            path.write_text(path.read_text().replace("enabled no", "enabled yes") + f"pin {a.pin()}\n")
        else:
            b.run("peer", "enable", "site-a")
        b.run("reload")
        until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], f"{words[0]}: undone")


def in_flight(a, b):
    """What waits for the peer's answer fails when the peer is cut off here."""
    sites.stand_still(bridges(b))
    got = []
    asking = threading.Thread(target=lambda: got.append(codes(a.ask("bob@b.example"))))
    asking.start()
    until(lambda: '"open_queries":1' in a.run("status", "--json"), "the question waits")
    a.run("peer", "disable", "site-b")
    asking.join()
    same(got, [["ErrorProxyRequestProcessingFailed"]], "the question fails, and not for want of time")
    for pid in bridges(b):
        os.kill(pid, signal.SIGCONT)
    a.run("peer", "enable", "site-b")
    a.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "undone")


def thief(a, b, folder):
    """Somebody has a's key and announced a next one of his own under it: both are out. Another, announced under a key that is not revoked, stays."""
    stolen = a.dir / "identity.pem", a.dir / "identity.key"
    his_cert, his_key, his_pin = raw_link.identity(folder, "thief")
    path = b.dir / "peers.d/site-a.conf"
    path.write_text(path.read_text() + f"next-pin {his_pin} from={a.pin()}\n")
    b.run("reload")
    links = [taken(b, *stolen, "the stolen key"), taken(b, his_cert, his_key, "the thief's own")]
    for link in links:
        link.ask_and_wait()
    said = b.run("peer", "unpin", a.pin())
    check(a.pin() in said and his_pin in said and "announced under it" in said, f"unpin names both: {said}")
    for link in links:
        ends(link, "the thief's links")
    refused(b, *stolen, "the stolen key")
    refused(b, his_cert, his_key, "the thief's own key")
    b.run("reload")
    refused(b, his_cert, his_key, "the thief's own key, after a reload")
    lines = path.read_text().splitlines()
    check("enabled no" in lines and not any("pin" in x.split("#")[0].split()[:1] or x.startswith("next-pin") for x in lines), "the file has neither")
    # Of two keys the other one stays, and so do its links.
    other_cert, other_key, other_pin = raw_link.identity(folder, "other")
    path.write_text(path.read_text().replace("enabled no", "enabled yes") + f"pin {a.pin()}\nnext-pin {other_pin} from=sha256:{'77' * 32}\n")
    b.run("reload")
    link, gone = taken(b, other_cert, other_key, "the other key"), taken(b, *stolen, "the stolen one")
    link.ask_and_wait()
    said = b.run("peer", "unpin", a.pin())
    ends(gone, "the revoked key")
    check(link.ended_within(1) is None and other_pin not in said, "the other key's link stays")
    link.close()
    taken(b, other_cert, other_key, "the other key, again").close()
    refused(b, *stolen, "the revoked key")
    path.write_text("\n".join(x for x in path.read_text().splitlines() if not x.startswith("pin ")) + f"\npin {a.pin()}\n")
    b.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "undone")


def announces(a, b, folder):
    """The same over the link: the thief's bridge, with the stolen key, announces a next one, promotes it and retires the stolen one, and does so again."""
    his = sites.Site.__new__(sites.Site)
    his.__dict__.update(a.__dict__)
    his.dir = folder / "thief"
    shutil.copytree(a.dir, his.dir, ignore=shutil.ignore_patterns("state"))
    (his.dir / "state").mkdir(mode=0o700)
    his.config, his.log_path = his.dir / "availbridge.conf", folder / "thief.log"
    his.front, his.link = sites.free_ports(2)
    his.set("front_listen", f"127.0.0.1:{his.front}")
    his.set("link_listen", f"127.0.0.1:{his.link}")
    his.run("identity", "next")
    cert, key = his.dir / "identity-next.pem", his.dir / "identity-next.key"
    path = b.dir / "peers.d/site-a.conf"
    his.start()
    try:
        until(lambda: f"next-pin {raw_link.pin(cert)} from={a.pin()}" in path.read_text(), "b took the thief's key, and knows under which")
        first = raw_link.pin(cert)
        his.run("identity", "promote")
        his.run("identity", "retire")
        until(lambda: f"\npin {first} from={a.pin()}\n" in path.read_text(), "b dropped the key that was retired under the thief's")
        his.run("identity", "next")
        second = raw_link.pin(cert)
        until(lambda: f"next-pin {second} from={first},{a.pin()}" in path.read_text(), "b took his second key")
        his.run("identity", "promote")
        his.run("identity", "retire")
        until(lambda: f"\npin {second} from={first},{a.pin()}\n" in path.read_text(), "and has that one alone")
        cert, key = his.dir / "identity.pem", his.dir / "identity.key"
        link = taken(b, cert, key, "the thief's second key")
        link.ask_and_wait()
        said = b.run("peer", "unpin", a.pin())
        check(second in said and "by 2 announcements" in said, f"unpin of the stolen key names it: {said}")
        ends(link, "the announced key")
        refused(b, cert, key, "the announced key")
        refused(b, a.dir / "identity.pem", a.dir / "identity.key", "the stolen key")
        b.run("reload")
        refused(b, cert, key, "the announced key, after a reload")
    finally:
        his.stop()
    path.write_text(path.read_text().replace("enabled no", "enabled yes") + f"pin {a.pin()}\n")
    b.run("reload")
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "undone")


def written_over(a, b):
    """A pin that the admin has written over is out from the reload on, though it was taken while the daemon ran; one that was shut out is not taken again."""
    path, own = b.dir / "peers.d/site-a.conf", a.pin()
    a.run("identity", "next")
    cert, key = a.dir / "identity-next.pem", a.dir / "identity-next.key"
    line = f"next-pin {raw_link.pin(cert)} from={own}"
    taken_by = lambda: json.loads(a.run("identity", "show", "--json"))["taken"]
    until(lambda: line in path.read_text() and taken_by() == ["site-b"], "b has taken the next key, and a knows")
    a.stop()
    b.run("peer", "set", "site-a", "--pin", own)
    b.run("reload")
    refused(b, cert, key, "the next key that was written over")
    a.start()
    until(lambda: line in path.read_text(), "it is announced again, and taken")
    b.run("peer", "unpin", raw_link.pin(cert))
    a.up()
    a.run("reload")
    until(lambda: any("shut out there by `peer unpin`" in line for line in a.lines("announce-refused")), "announced again it is refused")
    check(line not in path.read_text(), "and not written")
    until(lambda: taken_by() == [], "a knows that b has not got it any more")
    refused(b, cert, key, "the next key that was shut out")
    a.run("identity", "promote", code=1)
    b.run("peer", "set", "site-a", "--next-pin", raw_link.pin(cert))
    b.run("reload")
    taken(b, cert, key, "by the word of b's admin").close()


def no_answer(a, b):
    """A bridge process that hangs is ended; a supervisor that hangs cannot be asked, and the verb says that the links may be up."""
    stolen = a.dir / "identity.pem", a.dir / "identity.key"
    link = taken(b, *stolen, "before")
    sites.stand_still(bridges(b))
    said = b.run("peer", "disable", "site-a")
    check("Its links are cut." in said, f"a process that hangs is ended: {said}")
    ends(link, "the process that hung")
    until(lambda: b.is_up(links=False), "another one serves")
    refused(b, *stolen, "there")
    b.run("peer", "enable", "site-a")
    b.run("reload")
    os.kill(b.process.pid, signal.SIGSTOP)
    try:
        for words in (("disable", "site-a"), ("unpin", a.pin())):
            r = sites.subprocess.run([sites.PROGRAM, "-c", str(b.config), "peer", *words], capture_output=True, text=True, timeout=60)
            same(r.returncode, 1, f"{words[0]}: a daemon that does not answer")
            check("did not answer" in r.stderr and "may still be up" in r.stderr, f"{words[0]}: and it says so: {r.stderr}")
        check("enabled no" in (b.dir / "peers.d/site-a.conf").read_text(), "the file is written nevertheless")
    finally:
        os.kill(b.process.pid, signal.SIGCONT)
    # A daemon that cannot be asked, since its socket is gone, is not taken for none.
    (b.dir / "state/control.sock").unlink()
    b.run("peer", "disable", "site-a", code=1)
    check("nobody listens at the control socket" in b.stderr and "still up" in b.stderr, f"a socket that was removed: {b.stderr}")
    b.stop()
    check("No daemon is running" in b.run("peer", "disable", "site-a"), "and of none it is said that there is none")


with sites.pair() as (a, b):
    b.calendar("bob", NINE)
    until(lambda: codes(a.ask("bob@b.example")) == ["NoError"], "the first answer")
    verbs(a, b)
    in_flight(a, b)
    thief(a, b, b.dir.parent)
    announces(a, b, b.dir.parent)
    written_over(a, b)
    no_answer(a, b)
sites.finish()
