"""Two admins pair their sites; and others try to come between them, before them or after them."""
import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading

import sites
from sites import Site, check, same, until

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stranger"))
import pairing  # noqa: E402
from OpenSSL import SSL  # noqa: E402
from stubs import Identity  # noqa: E402

FOLDER = sites.ROOT / "build/e2e" / f"pairing-{sites.os.getpid()}"
secrets = set()  # every text and secret that must not be found anywhere afterwards


class Waiting:
    """`peer invite` in the foreground."""

    def __init__(self, site, *more, name="site-b"):
        self.process = subprocess.Popen([sites.PROGRAM, "-c", str(site.config), "peer", "invite", "--name", name, *more], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.text = self.process.stdout.readline().strip()
        self.inv = pairing.Invitation.read(self.text)
        secrets.update([self.text[5:], self.inv.secret.hex()])

    def end(self):
        self.said, self.complaint = self.process.communicate(timeout=30)
        self.code = self.process.returncode
        return self


def run(site, *words, code=0, answer=None):
    r = subprocess.run([sites.PROGRAM, "-c", str(site.config), *words], input=answer or "", capture_output=True, text=True, timeout=60)
    same(r.returncode, code, f"{site.name}: {' '.join(words)[:60]}\n{r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def code_in(text):
    found = re.search(r"\n    ([a-z]+(?: [a-z]+){5})\n", text)
    return found and found.group(1)


def forget(*pairs):
    for site, name in pairs:
        run(site, "peer", "remove", name)
        run(site, "reload")


def refused(act, *parts):
    """The act ends with a refusal, whose sentence has these parts."""
    try:
        act()
    except pairing.Refused as e:
        return check(all(p in str(e) for p in parts), f"{parts} in the refusal: {e}")
    except (SSL.Error, OSError) as e:
        return check(not parts, f"refused with {parts}: {e!r}")
    return check(False, f"refused with {parts}")


class Relay:
    """TCP between the two; remembers what the dialling side sent."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint, self.port, self.heard = "127.0.0.1:%d" % self.listener.getsockname()[1], port, b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                a, _ = self.listener.accept()
                b = socket.create_connection(("127.0.0.1", self.port))
                threading.Thread(target=self.pump, args=(a, b, True), daemon=True).start()
                threading.Thread(target=self.pump, args=(b, a, False), daemon=True).start()

    def pump(self, one, other, dials):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if dials:
                    self.heard += data
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


def no_link(site, identity, what):
    """The key is told nothing at the link: not even a handshake."""
    def knock():
        side = pairing.Side.guest(f"127.0.0.1:{site.link}", identity, alpn=b"h2")
        side.read(1)
    refused(knock)


def happy(a, b):
    check("no daemon" in run(a, "peer", "invite", "--name", "site-b", code=1), "without a daemon there is no invitation")
    a.start(), b.start(), a.up(links=False), b.up(links=False)
    w = Waiting(a)
    check("invitation for site-b: open" in run(a, "status"), "status shows the open invitation")
    said = run(b, "peer", "accept", w.text)
    w.end()
    same(w.code, 0, "the inviting verb ends when the exchange has happened")
    check(code_in(said) and code_in(said) == code_in(w.said), f"the same six words at both screens: {code_in(said)} {code_in(w.said)}")
    for text, site in ((w.said, b), (said, a)):
        check(site.pin() in text and f"domain    {site.domain}" in text and f"127.0.0.1:{site.link}" in text, f"what {site.name} claims is shown")
    for site, other in ((a, b), (b, a)):
        check(code_in(said) in run(site, "peer", "show", other.name) and code_in(said) in run(site, "status"), "peer show and status have the words")
        check("unconfirmed" in (site.dir / f"peers.d/{other.name}.conf").read_text(), "both files say so")
        check("before its six words were compared" in run(site, "peer", "enable", other.name, code=1), "enable is no way around the comparison")
    key_b = Identity(b.dir / "identity.pem", b.dir / "identity.key", "site-b")
    run(a, "reload")
    no_link(a, key_b, "B's key before A has confirmed")
    check("nothing was changed" in run(a, "peer", "confirm", "site-b", code=1, answer="no\n"), "no is no")
    check("nothing was changed" in run(a, "peer", "confirm", "site-b", code=1), "and so is nothing")
    run(a, "peer", "confirm", "site-b", answer="yes\n")
    check("waits for no confirmation" in run(a, "peer", "confirm", "site-b", "--yes", code=1), "once is enough")
    no_link(b, Identity(a.dir / "identity.pem", a.dir / "identity.key", "site-a"), "A's key before B has confirmed")
    time_of_links = [line for line in a.records() if "event=link-up" in line]
    same(time_of_links, [], "no link before both have confirmed")
    run(b, "peer", "confirm", "site-a", "--yes")
    a.up(), b.up()
    for site, other in ((a, b), (b, a)):
        check("free-busy-access-enabled no" in (site.dir / f"peers.d/{other.name}.conf").read_text(), "a new peer may see nothing yet")
        site.rule(other.name, "out", "*", "*", "LimitedDetails")
        site.rule(other.name, "in", "*", "*", "LimitedDetails")
        site.run("peer", "set", other.name, "--free-busy-access-enabled", "yes")
        run(site, "reload")
    b.calendar("bob", ("20260302T090000", "20260302T100000"))
    a.up(), b.up()
    same(sites.codes(a.ask("bob@b.example")), ["NoError"], "and then they answer each other")
    forget((a, "site-b"), (b, "site-a"))


def wrong_secret(a, b, thief):
    w = Waiting(a)
    bad = pairing.Invitation.read(w.text)
    bad.secret = bytes(16)
    for left in (2, 1, 0):
        refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, bad, "site-b", ["127.0.0.1:1"], ["b.example"]), "the proof is wrong")
        if left:
            until(lambda n=left: f"{n} tr" in run(a, "status"), f"status says that {left} are left")
    w.end()
    same(w.code, 1, "three wrong tries end it")
    check("three times" in w.complaint, w.complaint)
    refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["b.example"]))
    check("no invitation is open there" in run(b, "peer", "accept", w.text, code=1), "the right one comes too late, and is told")
    until(lambda: len(a.lines("pairing-refused")) >= 3, "three refusals are in the log")
    lines = a.lines("pairing-refused")
    check( all(thief.pin() in line and a.pin() in line and "127.0.0.1:" in line for line in lines[-3:]), f"the log names both keys and the address: {lines}")
    check(not (a.dir / "peers.d/site-b.conf").exists() and not (b.dir / "peers.d/site-a.conf").exists(), "nothing was written")
    # whoever does not know which invitation is open costs it no try
    w = Waiting(a)
    other = pairing.Invitation.read(w.text)
    other.id = bytes(8)
    for _ in range(4):
        refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, other, "site-b", ["127.0.0.1:1"], ["b.example"]), "no such invitation")
    check("3 tries left" in run(a, "status"), "a stranger costs no try")
    run(a, "peer", "invite", "--name", "site-b", "--cancel")
    w.end()
    check(w.code == 1 and "withdrawn" in w.complaint, "withdrawn")


def expired(a, b, thief):
    w = Waiting(a, "--valid", "2s").end()
    check(w.code == 1 and "run out" in w.complaint, f"the inviting side hears it: {w.complaint}")
    said = run(b, "peer", "accept", w.text, code=1)
    check("ran out at" in said and "the clock" in said, f"the other side too, with both times: {said}")
    refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["b.example"]))
    until(lambda: any("none is open here" in line for line in a.lines("link-refused")), "the log says that somebody came too late")


def second_comer(a, b, thief):
    w = Waiting(a)
    run(b, "peer", "accept", w.text)
    w.end()
    first = (a.dir / "peers.d/site-b.conf").read_text()
    refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["evil.example"]), "used already, by another key")
    same((a.dir / "peers.d/site-b.conf").read_text(), first, "it changes nothing")
    until(lambda: any("a second key tried to use the invitation for site-b" in line and thief.pin() in line and b.pin() in line for line in a.lines("pairing-refused")),
          "both keys are in the log")
    forget((a, "site-b"), (b, "site-a"))
    # the thief is first: the honest site learns it, and its key is in the log
    w = Waiting(a)
    words = pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["b.example"])
    w.end()
    same(code_in(w.said), words, "the thief may get as far as the six words")
    no_link(a, thief, "but not to a link: nobody confirms him")
    said = run(b, "peer", "accept", w.text, code=1)
    check("used already, by another key" in said, said)
    until(lambda: b.lines("pairing-failed"), "B's log has it as well")
    until(lambda: b.pin() in a.lines("pairing-refused")[-1] and thief.pin() in a.lines("pairing-refused")[-1], "A's log has both")
    check(not (b.dir / "peers.d/site-a.conf").exists(), "B has written nothing")
    forget((a, "site-b"))


def in_between(a, b, thief):
    relay = Relay(a.link)
    w = Waiting(a, "--endpoint", "127.0.0.1:1", "--endpoint", relay.endpoint)  # nobody is at the first: the next is tried
    said = run(b, "peer", "accept", w.text)
    w.end()
    same(code_in(said), code_in(w.said), "bytes may be relayed: they are the same two keys")
    forget((a, "site-b"), (b, "site-a"))
    recorded = relay.heard
    # the same bytes once more
    w = Waiting(a)
    with socket.create_connection(("127.0.0.1", a.link)) as s:
        s.sendall(recorded)
        with contextlib.suppress(OSError):
            s.settimeout(10)
            while s.recv(4096):
                pass
    check("3 tries left" in run(a, "status") and not (a.dir / "peers.d/site-b.conf").exists(), "a recorded exchange is worth nothing")
    # proofs of another connection, for another key, out of their place
    for what in ({"exporter": bytes(32)}, {"guest_pin": bytes.fromhex(b.pin()[7:])}):
        refused(lambda w_=what: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["b.example"], **w_), "the proof is wrong")
    side = pairing.Side.guest(f"127.0.0.1:{a.link}", thief)
    side.start(w.inv)
    side.send(side.frame(pairing.AGREED))
    refused(lambda: side.hear(pairing.ANSWER), "not how pairing begins")
    side = pairing.Side.guest(f"127.0.0.1:{a.link}", thief)
    side.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64))
    refused(lambda: side.hear(pairing.ANSWER), "not how pairing begins")
    no_link(a, thief, "an open invitation opens no link")
    run(a, "peer", "invite", "--name", "site-b", "--cancel")
    w.end()


def crowd(a, b, thief):
    """Strangers who come to pair and then say nothing keep nobody out."""
    w = Waiting(a)
    silent = [pairing.Side.guest(f"127.0.0.1:{a.link}", thief) for _ in range(12)]
    said = run(b, "peer", "accept", w.text)
    w.end()
    same(code_in(said), code_in(w.said), "whoever has the text pairs all the same")
    for side in silent:
        side.conn.sock_shutdown(socket.SHUT_RDWR)
    forget((a, "site-b"), (b, "site-a"))


@contextlib.contextmanager
def knocking(a, thief):
    """Meanwhile somebody comes and goes all the time, who has more than the thousand lines that the log has for an address."""
    enough, stop = threading.Event(), threading.Event()

    def knock():
        n = 0
        while not stop.is_set():
            pairing.Side.guest(f"127.0.0.1:{a.link}", thief).conn.sock_shutdown(socket.SHUT_RDWR)
            n += 1
            if n == 1200:
                enough.set()
    thread = threading.Thread(target=knock)
    thread.start()
    try:
        check(enough.wait(200), "he has come often enough")
        yield
    finally:
        stop.set()
        thread.join()


def hidden(a, b, thief):
    """However many know of no invitation: who has paired, and who else has the text, is in the log."""
    def tries():
        return len([line for line in a.lines("pairing-refused") if "a second key tried" in line])
    w, done, tried = Waiting(a), len(a.lines("pairing-done")), tries()
    with knocking(a, thief):
        run(b, "peer", "accept", w.text)
        for _ in range(3):
            refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["evil.example"]), "used already, by another key")
        w.end()
    until(lambda: len(a.lines("pairing-done")) == done + 1, "the log has that it is done")
    until(lambda: tries() == tried + 3, "and each try of the other")
    forget((a, "site-b"), (b, "site-a"))


def own_keys(a, b, thief):
    """A man in the middle with keys of his own."""
    listener = socket.create_server(("127.0.0.1", 0))
    endpoint = "127.0.0.1:%d" % listener.getsockname()[1]
    w = Waiting(a, "--endpoint", endpoint)

    def terminate():
        sock, _ = listener.accept()
        with contextlib.suppress(SSL.Error, OSError):
            pairing.Side(sock, thief, server=True).read(1)
        sock.close()
    t = threading.Thread(target=terminate)
    t.start()
    said = run(b, "peer", "accept", w.text, code=1)
    t.join()
    check(thief.pin() in said and a.pin() in said, f"both fingerprints are shown: {said}")
    until(lambda: any(thief.pin() in line and a.pin() in line for line in b.lines("pairing-failed")), "and are in B's log")
    check("3 tries left" in run(a, "status") and not (b.dir / "peers.d/site-a.conf").exists(), "nothing came through")
    # he has changed the text in the mail: both exchanges succeed, and the six words tell
    mine = pairing.Invitation.read(w.text)
    mine.pin, mine.secret = bytes.fromhex(thief.pin()[7:]), bytes(range(16))
    result = {}
    t = threading.Thread(target=lambda: result.update(code=pairing.host(listener, thief, mine)))
    t.start()
    said = run(b, "peer", "accept", mine.text())
    t.join()
    words = pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", [f"127.0.0.1:{b.link}"], ["b.example"])
    w.end()
    same(code_in(said), result["code"], "B's words are those of its connection")
    same(code_in(w.said), words, "A's words are those of its")
    check(code_in(said) != code_in(w.said), "and they differ")
    forget((a, "site-b"), (b, "site-a"))


def reloads(a, b, thief):
    w = Waiting(a)
    run(a, "reload")
    check("3 tries left" in run(a, "status"), "an invitation survives a reload")
    same(pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["b.example"], between=lambda: run(a, "reload")), code_in(w.end().said),
         "an exchange that is under way ends in its old generation")
    forget((a, "site-b"))


def not_writable(a, b, thief):
    w = Waiting(a)
    refused(lambda: pairing.accept(f"127.0.0.1:{a.link}", thief, w.inv, "site-b", ["127.0.0.1:1"], ["a.example"]), "could not write us down")
    run(a, "address-space", "add", "--forest-name", "b.example", "--peer", "nobody")
    said = run(b, "peer", "accept", w.text, code=1)
    check("used already" in said, "the first key that proves the secret keeps it")
    w.end()
    check(w.code == 1 and "a.example belongs to local already" in w.complaint and "address-space remove" in w.complaint, f"the owner and the remedy: {w.complaint}")
    run(a, "peer", "invite", "--name", "site-b", "--cancel")
    w = Waiting(a)
    said = run(b, "peer", "accept", w.text, code=1)
    w.end()
    check("could not write us down" in said and "b.example belongs to nobody already" in w.complaint, f"{said} {w.complaint}")
    check(not (a.dir / "peers.d/site-b.conf").exists() and not (b.dir / "peers.d/site-a.conf").exists(), "neither side has written")
    run(a, "address-space", "remove", "b.example")
    said = run(b, "peer", "accept", w.text)
    check(code_in(said), "the same key may come again once the fault is mended")
    # what is wrong at B is found before A is asked
    w2 = Waiting(a, name="site-c")
    check("there is a peer site-a already" in run(b, "peer", "accept", w2.text, code=1), "the name is taken at B")
    check("3 tries left" in run(a, "status"), "and A was not asked")
    check("the invitation is our own" in run(a, "peer", "accept", w2.text, code=1), "our own invitation")
    check("copy it whole" in run(b, "peer", "accept", w2.text[:-9], "--name", "x", code=1), "half a text")
    run(a, "peer", "invite", "--name", "site-c", "--cancel")
    w2.end()
    forget((a, "site-b"), (b, "site-a"))


def all_in_one(a, b):
    """--yes at accept stands for B's confirmation; the text may come in by standard input, broken into lines."""
    w = Waiting(a)
    r = run(b, "peer", "accept", "-", "--yes", "--name", "partner", answer="\n".join(re.findall(".{1,60}", w.text)) + "\n")
    w.end()
    same(code_in(r), code_in(w.said), "the same six words")
    run(a, "peer", "confirm", "site-b", "--yes")
    a.up(), b.up()
    forget((a, "site-b"), (b, "partner"))


def nothing_leaked(a, b):
    found = []
    for path in FOLDER.rglob("*"):
        if path.is_file() and not path.is_socket():
            data = path.read_bytes().decode("latin-1")
            found += [str(path) for s in secrets if s in data]
    same(found, [], "no text and no secret is in any file, log or record")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    thief = Identity.make(FOLDER, "site-b")  # the same name, another key
    a, b = Site(FOLDER, "site-a", "a.example"), Site(FOLDER, "site-b", "b.example")
    with sites.ending(a, b, folder=FOLDER):
        happy(a, b)
        for scene in (wrong_secret, expired, second_comer, in_between, crowd, hidden, own_keys, reloads, not_writable):
            scene(a, b, thief)
        all_in_one(a, b)
        nothing_leaked(a, b)


main()
sites.finish()
