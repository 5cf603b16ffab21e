"""What a service manager and admins do to a daemon: SIGTERM for all of its processes at once lets it answer what is open; SIGHUP in the middle of a reload is a reload
more; and a second daemon for the same folder goes away, even where nothing is left of the first one's control socket, and leaves its audit alone."""
import os
import signal
import subprocess
import threading

import sites
from sites import PROGRAM, check, codes, reply, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
asked, go_on = threading.Event(), threading.Event()


class Slow(sites.Made):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asked.set()
        go_on.wait(20)
        self.say(200, reply("0" * 16), Content_Type="text/xml; charset=utf-8")


def reload_in_the_middle(a):
    before = a.children("@bridge")
    a.process.send_signal(signal.SIGHUP)
    until(lambda: a.children("@bridge").keys() - before.keys(), "the settings were read, and a new bridge starts")
    new = next(iter(a.children("@bridge").keys() - before.keys()))
    os.kill(new, signal.SIGSTOP)
    a.rule("local", "in", "*", "bob@a.example", "None", "--position", "1")
    a.process.send_signal(signal.SIGHUP)
    os.kill(new, signal.SIGCONT)
    until(lambda: codes(a.ask("bob@a.example")) == ["ErrorNoFreeBusyAccess"], "a rule that came behind the first signal counts with the second")


def second_daemon(a):
    a.settled()
    live = sorted(p.name for p in (a.dir / "state/audit").glob("*.live"))
    (a.dir / "state/control.sock").unlink()
    two = subprocess.run([PROGRAM, "-c", a.config, "serve"], capture_output=True, text=True, timeout=60)
    check(two.returncode == 1 and "already serves with it" in two.stderr and "try again in a minute" in two.stderr, f"it says why it ends: {two.stderr}")
    same(sorted(p.name for p in (a.dir / "state/audit").glob("*.live")), live, "what the first one writes to is open still")
    a.process.send_signal(signal.SIGHUP)
    until(lambda: a.is_up(links=False), "a reload brings the socket back")
    a.ask("anna@a.example")
    a.run("audit", "verify")


def ended_all_at_once(a):
    a.settled()
    found = []
    asker = threading.Thread(target=lambda: found.extend(codes(a.ask("slow@a.example", timeout=20))))
    asker.start()
    until(asked.is_set, "the question is on its way")
    for pid in [a.process.pid, *a.children()]:
        os.kill(pid, signal.SIGTERM)
    until(lambda: a.lines("draining"), "it drains")
    go_on.set()
    asker.join()
    same(found, ["NoError"], "what was open is answered")
    a.process.wait(60)
    same(a.process.returncode, 0, "and it ends in order")
    same([line for line in a.lines("process-ended") if "killed by" in line], [], "none of its processes before it had finished")
    a.run("audit", "verify")


with sites.pair(start=False) as (a, b):
    port = sites.https_server(Slow, a.dir)
    a.calendar("bob", NINE)
    a.calendar("anna", NINE)
    a.backend("slow", "ews", ["slow@a.example"], "secret", url=f"https://localhost:{port}/EWS/Exchange.asmx", auth="basic", user="x", ca_file=a.ca, timeout="9s")
    a.start()
    a.up(links=False)
    reload_in_the_middle(a)
    second_daemon(a)
    ended_all_at_once(a)
sites.finish()
