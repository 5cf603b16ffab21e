"""What goes wrong when two admins paste pins: each mistake gives a message with both fingerprints and the remedy."""
import pathlib
import shutil
import socket
import subprocess
import sys

import sites
from sites import Site, check, same, until

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stranger"))
from stubs import Identity  # noqa: E402

FOLDER = sites.ROOT / "build/e2e" / f"mistakes-{sites.os.getpid()}"


def run(site, *words, code=0):
    r = subprocess.run([sites.PROGRAM, "-c", str(site.config), *words], capture_output=True, text=True, timeout=60)
    same(r.returncode, code, f"{site.name}: {' '.join(words)[:80]}\n{r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def add(site, other, pin, *more, name=None, code=0):
    return run(site, "peer", "add", name or other.name, "--endpoint", f"127.0.0.1:{other.link}", "--pin", pin, *more, code=code)


def says(text, what, *parts):
    missing = [p for p in parts if p not in text]
    return check(not missing, f"{what}: {missing} not in\n{text}")


def logged(site, event, what, *parts):
    return until(lambda: any(all(p in line for p in parts) for line in site.lines(event)), f"{what}: {parts} in a line {event} of {site.name}'s log")


def at_the_verb(a, b, c):
    own = a.pin()
    said = add(a, b, own, code=1)
    says(said, "own pin", "our own", own, "identity show")
    add(a, c, c.pin(), "--domain", "c.example")
    said = add(a, b, c.pin(), code=1)
    says(said, "the pin of another peer", c.pin(), "site-c already", "identity show", "remove the peer site-c")
    said = add(a, b, b.pin(), "--domain", "c.example", code=1)
    says(said, "a domain of another peer", "c.example belongs to site-c already", "address-spaces.conf:", "address-space remove c.example")
    for bad in (b.pin()[:-1], b.pin().replace("sha256:", "sha1:"), "sha256:" + "0g" * 32, ""):
        says(add(a, b, bad, code=2), f"no pin: {bad}", "is no pin", "identity show")
    check(not (a.dir / "peers.d/site-b.conf").exists(), "none of them wrote anything")
    run(a, "peer", "remove", "site-c")
    # by hand in the files: `check` says the same with the line
    (a.dir / "peers.d/site-b.conf").write_text(f"enabled yes\nendpoint 127.0.0.1:{b.link}\npin {own}\n")
    says(run(a, "check", code=1), "own pin in the file", "site-b.conf:3", own, "is our own pin", "identity show")
    (a.dir / "peers.d/site-b.conf").unlink()


def wrong_pin(a, b, stranger):
    """A has pasted a wrong pin for B; B has A's right one."""
    add(a, b, stranger.pin(), "--domain", "b.example")
    add(b, a, a.pin(), "--domain", "a.example")
    a.start(), b.start(), a.up(links=False), b.up(links=False)
    logged(a, "link-failed", "A dials B", b.pin(), stranger.pin(), "identity show", "peer set site-b --pin")
    logged(a, "link-refused", "B dials A", b.pin(), stranger.pin(), "calls itself site-b", "identity show", "peer set site-b --pin")
    logged(b, "link-failed", "B is told", b.pin(), "does not know our key")
    says(run(a, "status"), "and A's status says it", b.pin(), stranger.pin())
    says(run(b, "status"), "and B's", b.pin(), "does not know our key")
    run(a, "peer", "remove", "site-b")
    add(a, b, b.pin(), "--domain", "b.example")
    run(a, "reload")
    a.up(), b.up()
    run(a, "peer", "remove", "site-b"), run(b, "peer", "remove", "site-a")


def swapped(a, b, c):
    """A has exchanged the pins of B and C."""
    add(a, b, c.pin(), "--domain", "b.example")
    add(a, c, b.pin(), "--domain", "c.example")
    c.start(), c.up(links=False)
    run(a, "reload")
    logged(a, "link-failed", "B answers", "site-b answered with the key " + b.pin(), "the pin of site-c here", c.pin(), "swapped")
    logged(a, "link-failed", "C answers", "site-c answered with the key " + c.pin(), "the pin of site-b here", b.pin(), "swapped")
    run(a, "peer", "remove", "site-b"), run(a, "peer", "remove", "site-c")


def own_endpoint(a, b):
    """A's entry for B leads back to A: a wrong port or a wrong forwarding."""
    run(a, "peer", "add", "site-b", "--endpoint", f"127.0.0.1:{a.link}", "--pin", b.pin(), "--domain", "b.example")
    run(a, "reload")
    logged(a, "link-failed", "we meet ourselves", a.pin(), "our own", "leads back to this site")
    run(a, "peer", "remove", "site-b")


def not_a_link(a, b):
    """The endpoint is B's front, not its link."""
    run(a, "peer", "add", "site-b", "--endpoint", f"127.0.0.1:{b.front}", "--pin", b.pin(), "--domain", "b.example")
    run(a, "reload")
    logged(a, "link-failed", "the front answers", "127.0.0.1:%d" % b.front)
    run(a, "peer", "remove", "site-b")


def clock(a, b):
    """B's clock is days ahead, or more than a year ahead or behind: the link does not hang on it, and both sides are told."""
    b.stop()
    add(a, b, b.pin(), "--domain", "b.example"), add(b, a, a.pin(), "--domain", "a.example")
    run(a, "reload")
    for wrong, ahead in (("+2d", "17"), ("+400d", "345"), ("-400d", "-345")):
        here, there = ("behind", "ahead") if ahead.startswith("-") else ("ahead", "behind")
        b.start(clock=wrong)
        b.up(), a.up()
        logged(a, "link-clock-skew", f"A notices {wrong}", f"ahead_seconds={ahead}")
        logged(b, "link-clock-skew", f"B notices {wrong}", f"ahead_seconds={ahead[1:] if here == 'behind' else '-' + ahead}")
        says(run(a, "status"), f"A's status, {wrong}", "clock", here, "timedatectl")
        says(run(b, "status"), f"B's status, {wrong}", "clock", there, "timedatectl")
        b.stop()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    a, b, c = (Site(FOLDER, f"site-{x}", f"{x}.example") for x in "abc")
    stranger = Identity.make(FOLDER, "stranger")
    try:
        at_the_verb(a, b, c)
        wrong_pin(a, b, stranger)
        swapped(a, b, c)
        own_endpoint(a, b)
        not_a_link(a, b)
        clock(a, b)
    finally:
        for site in (a, b, c):
            site.stop()
    if not sites.failed:
        shutil.rmtree(FOLDER, ignore_errors=True)


main()
sites.finish()
