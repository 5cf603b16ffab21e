"""Workers that ask servers: one for each backend and bridge, some for the directory. Killed, they come back, and the bridges stay; settings that cannot
work change nothing."""
import concurrent.futures
import json
import os
import signal
import socket

import sites
from sites import check, codes, same, until

[CLOSED] = sites.free_ports(1)
BACKEND = f"""type ews
url https://localhost:{CLOSED}/EWS/Exchange.asmx
auth basic
user svc
password-file hub.password
serves hub@a.example
"""
DIRECTORY = f"server ldaps://localhost:{CLOSED}\npreset active-directory\nbase DC=a,DC=example\nbind none\ntimeout 1\n"


def write(site, name, text):
    path = site.dir / name
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def pools(site):
    return {p["name"]: (p["workers"], p["ready"]) for p in json.loads(site.run("status", "--json"))["pools"]}


def running(site):
    return [g["number"] for g in json.loads(site.run("status", "--json"))["generations"] if g["state"] == "running"]


def jobs(site):
    return sum(p["jobs"] for p in json.loads(site.run("status", "--json"))["pools"] if p["name"] == "backend mute")


with sites.pair(a_settings={"bridges": 2}, start=False) as (a, b):
    write(a, "hub.password", "not-for-the-log\n")
    write(a, "backends.d/hub.conf", BACKEND + "concurrency 3\n")
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    a.start()
    a.up(links=False)
    same(pools(a).get("backend hub"), (1, 1), "each bridge has a worker of the backend")
    check("directory" not in pools(a), "without directory.conf nobody asks a directory")
    check("backend hub workers: 1 of 1 ready" in a.run("status"), "status says so in words")
    for target, backend, exists, code in (("hub", "hub", "yes", 0), ("anna", "calendars", "yes", 0), ("nobody", "calendars", "no", 0)):
        said = json.loads(a.run("explain", "--requester", "anna@a.example", "--target", f"{target}@a.example", "--json", code=code))["known"]["target"]
        same((said["backend"], said["exists"]), (backend, exists), f"explain says whom the daemon would ask about {target}")
    check("hub (" in a.run("explain", "--requester", "anna@a.example", "--target", "hub@a.example"), "and in words")
    first = a.children("@backend-worker")
    same(len(first), 2, "one for each bridge")
    bridges = a.children("@bridge")
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(a.children("@backend-worker")) == 2 and not set(first) & set(a.children("@backend-worker")), "others take their places")
    until(lambda: pools(a).get("backend hub") == (1, 1), "and are ready")
    same(a.children("@bridge"), bridges, "the bridges are the same")
    same(codes(a.ask("anna@a.example")), ["NoError"], "and answer")
    down = a.ask("anna@a.example", "hub@a.example")
    same(codes(down), ["NoError", "ErrorFreeBusyGenerationFailed"], "a backend that is not there is an error for its own mailboxes")
    same(down[1]["merged"], None, "and never free")

    # A worker that dies over a question: the question has failed, at once, and the next one finds another worker.
    with socket.socket() as silent, concurrent.futures.ThreadPoolExecutor() as others:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        write(a, "backends.d/mute.conf", BACKEND.replace(str(CLOSED), str(silent.getsockname()[1])).replace("hub@", "mute@"))
        a.set("bridges", 1)  # the one that shows its jobs is the one that is asked
        a.run("reload")
        a.settled()
        answer = others.submit(a.ask, "mute@a.example", "anna@a.example")
        until(lambda: jobs(a) == 1, "a worker has the question")
        for pid in a.children("@backend-worker"):
            os.kill(pid, signal.SIGKILL)
        same(codes(answer.result()), ["ErrorFreeBusyGenerationFailed", "NoError"], "its worker died")
        until(lambda: any("mailbox" in line and "target=mute@a.example" in line for line in a.records()), "the log has a line of it")
        until(lambda: pools(a).get("backend mute") == (1, 1), "another takes its place")
    (a.dir / "backends.d/mute.conf").unlink()
    a.set("bridges", 2)
    a.run("reload")

    # What cannot work is refused, with the file and what to do, and what runs goes on.
    generation = running(a)
    for name, text, rights, words in (("backends.d/hub.conf", BACKEND + "concurrency 1\n", 0o600, "concurrency"),
                                      ("backends.d/hub.conf", BACKEND + "ca-file hub.password\n", 0o600, "holds no certificate in PEM"),
                                      ("hub.password", "two\nlines\n", 0o600, "one line"), ("hub.password", "x\n", 0o640, "chmod 600")):
        was = (a.dir / name).read_text()
        write(a, name, text)
        (a.dir / name).chmod(rights)
        check(words in a.run("check", code=1), f"check tells of {words}")
        a.run("reload", code=1)
        check(words in a.stderr or "the log says more" in a.stderr, f"so does a reload, or it says where: {a.stderr}")
        until(lambda: words in a.stderr or words in a.log(), f"the log tells of {words}")
        write(a, name, was)
        (a.dir / name).chmod(0o600)
    same(running(a), generation, "the generation is the same")

    # A directory that nobody can reach: who is there cannot be told, which is not that nobody is.
    write(a, "directory.conf", DIRECTORY)
    a.run("check")
    a.run("reload")
    same(pools(a).get("directory"), (1, 1), "of two directory workers each bridge has one")
    same(codes(a.ask("anna@a.example", "nobody@a.example")), ["ErrorADUnavailable"] * 2, "a directory that cannot be asked")
    same(len(a.children("@directory-worker")), 2, "its workers live on")
    os.kill(next(iter(a.children("@directory-worker"))), signal.SIGKILL)
    until(lambda: len(a.lines("process-ended")) and pools(a).get("directory") == (1, 1), "one that died is replaced")
    (a.dir / "directory.conf").unlink()
    a.run("reload")
    same(codes(a.ask("anna@a.example")), ["NoError"], "without it as before")

    a.settled()

    # Killed over and over as soon as it is there: each time another is back, and nothing is said of starts in vain.
    for _ in range(12):
        pid = next(iter(a.children("@login-worker")))
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in a.children("@login-worker") and len(a.children("@login-worker")) == 2, "another is there")
    same(a.lines("starts-in-vain"), [], "those were killed, and none was started later for it")

    # One after the other ends by itself before it is ready: it is tried more and more seldom, which is said, and a reload starts it at once.
    a.set("bridges", 1)
    a.run("reload")
    a.settled()
    gone = a.calendars.rename(a.calendars.with_name("gone"))
    for pid in a.children("@calendar-worker"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: "next_ms=4000" in "".join(a.lines("starts-in-vain")), "no worker can open the folder: later and later")
    check(all("process=calendar-worker" in line for line in a.lines("starts-in-vain")), "it is said which")
    check("next_ms=2000" in a.lines("starts-in-vain")[0], f"and how much: {a.lines('starts-in-vain')}")
    check(codes(a.ask("anna@a.example"))[0] != "NoError", "a failure meanwhile")
    gone.rename(a.calendars)
    a.run("reload")
    same(codes(a.ask("anna@a.example")), ["NoError"], "at once")
    # So it is with a bridge; that its workers end with it says nothing about them.
    said = len(a.lines("starts-in-vain"))
    until(lambda: len(json.loads(a.run("status", "--json"))["generations"]) == 1, "the generation before is gone")
    gone = (a.dir / "front.key").rename(a.dir / "gone.key")
    for pid in a.children("@bridge"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(a.lines("starts-in-vain")) >= said + 2, "no bridge can open its key")
    same({line.split("process=")[1].split()[0] for line in a.lines("starts-in-vain")[said:]}, {"bridge"}, "the bridge alone")
    gone.rename(a.dir / "front.key")
    a.run("reload")
    same(codes(a.ask("anna@a.example")), ["NoError"], "at once, too")
    check("not-for-the-log" not in a.log(), "the password is in no log")
sites.finish()
