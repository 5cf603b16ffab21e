"""What each process of a running daemon could give away if somebody ran code in it, or read its memory: its filter is on, no worker has a door of the network
or a key, and whoever has no use for a secret has it nowhere in memory; and nobody else on the machine can read what lies on the disk."""
import base64
import contextlib
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000Z", "20260302T100000Z", {"SUMMARY": "SECRET-subject"})
BACKEND = "only-for-the-backend"
NOBODY = 65534


def facts(pid):
    return dict(re.findall(r"(\w+):\s+(\S+)", pathlib.Path(f"/proc/{pid}/status").read_text()))


def memory(pid):
    """All that the process could write to, in pieces; nothing of one that has ended, as a verb that the supervisor ran."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/mem", "rb") as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split()
            if "rw" in words[1] and not (len(words) > 5 and words[5].startswith("/memfd")):
                start, end = (int(x, 16) for x in words[0].split("-"))
                with contextlib.suppress(OSError):
                    mem.seek(start)
                    yield mem.read(end - start)


def holds(pid, secret):
    return any(secret in piece for piece in memory(pid))


def listeners():
    """The sockets of this machine that listen, by their inodes."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {f"socket:[{r[9]}]" for r in rows if r[3] == "0A"}


def descriptors(pid):
    found = []
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(fd))
    return found


def rights(site):
    doors = listeners()
    for pid, role in site.children().items():
        status = facts(pid)
        same((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"), f"{role}: a filter is on, and no program gives rights back")
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        check(re.search(r"Max core file size +0 +0", limits), f"{role} leaves no core")
        held = descriptors(pid)
        same(bool(doors & set(held)), role == "@bridge", f"{role}: who holds a socket that listens")
        inside = [name for name in held if name.startswith(str(site.dir)) and name not in (str(site.calendars), str(site.log_path))]
        check(all(name.startswith(str(site.dir / "state/audit")) for name in inside if role == "@bridge") and (role == "@bridge" or not inside),
              f"{role} holds no file of the site but the audit: {inside}")
        check(not any("settings" in name for name in held), f"{role} has closed the settings, in which all hashes stand: {held}")


def private_number(path):
    """The bytes of an EC key that are its secret."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    return bytes.fromhex(re.search(r"priv:\s+([0-9a-f:\s]+)pub:", text).group(1).replace(":", "").replace("\n", "").replace(" ", ""))[-32:]


def secrets_in_memory(site):
    """Each secret, and the roles that may have it."""
    text = (site.dir / "accounts.conf").read_text()
    line = re.search(r"(?m)^anna\s.*password=(\S+)", text).group(1)
    number = private_number(site.dir / "identity.key")
    table = {
        "the hash of a password": (line.encode(), {"@login-worker"}),
        "the password of a backend": (BACKEND.encode(), {"@backend-worker"}),
        "the key of the link": (number, {"@bridge"}),
        "the key of the link, as OpenSSL keeps it": (number[::-1], {"@bridge"}),
    }
    for pid, role in site.children().items():
        for what, (secret, may) in table.items():
            if role not in may:
                check(not holds(pid, secret), f"{role} has {what} in its memory")
    # Whether the search finds anything at all: those who need it have it.
    for what, role in (("the hash of a password", "@login-worker"), ("the password of a backend", "@backend-worker"),
                       ("the key of the link, as OpenSSL keeps it", "@bridge")):
        check(any(holds(pid, table[what][0]) for pid in site.children(role)), f"{role} has {what}")


def left_of(pid, secret):
    """Whether a good piece of it is there, too: what comes later into the same memory may lie over some of it."""
    pieces = [secret[at:at + 16] for at in range(0, len(secret) - 15, 24)]
    return any(one in piece for piece in memory(pid) for one in pieces)


def gone(site, password, what):
    """A login leaves no password behind in the process that read it off the wire, nor in those that checked it."""
    word = base64.b64encode(f"anna:{password}".encode())
    for pid, role in site.children().items():
        for how, secret in (("as it was typed", password.encode()), ("as it was sent", word)):
            until(lambda: not left_of(pid, secret), f"{role} keeps no password {how}: {what}")


def head(password, length, before=0):
    """With so many bytes before the password: what is used again is used from its beginning."""
    word, much = base64.b64encode(f"anna:{password}".encode()).decode(), "X-Much: " + "x" * before + "\r\n"
    return f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n{much}Authorization: Basic {word}\r\nContent-Length: {length}\r\n\r\n".encode()


def connection(site):
    return site.context().wrap_socket(socket.create_connection(("localhost", site.front), 20), server_hostname="localhost")


def refused(s):
    """Whether it was said by now."""
    s.settimeout(0.01)
    with contextlib.suppress(TimeoutError):
        return b"401" in s.recv(1000)
    return False


def passwords_are_gone(site):
    """Nothing else is asked before each look: it could lie over what the one before has left."""
    body = sites.request([f"anna@{site.domain}"]).encode()
    for what in ("the first login", "one that is remembered"):
        with connection(site) as s:
            s.sendall(head(site.password, len(body)) + body)
            check(s.recv(1000).startswith(b"HTTP/1.1 200"), what)
            gone(site, site.password, f"{what}, connected")
        gone(site, site.password, f"{what}, closed")
    for what, before, sent in (("a wrong one", 0, lambda h: h + body), ("one behind much else", 9000, lambda h: h + body),
                               ("a head without its end", 0, lambda h: h[:-2]), ("no body", 0, lambda h: h), ("half a body", 0, lambda h: h + body[:100])):
        password = secrets.token_hex(200)
        with connection(site) as s:
            s.sendall(sent(head(password, len(body), before)))
            if sent(b"").endswith(body):
                check(s.recv(1000).startswith(b"HTTP/1.1 401"), what)
                gone(site, password, f"{what}, connected")
            else:
                [bridge] = site.children("@bridge")
                until(lambda: left_of(bridge, base64.b64encode(f"anna:{password}".encode())) or refused(s), f"{what} has come")
        gone(site, password, f"{what}, closed")
    in_two_pieces(site, body)


def in_two_pieces(site, body):
    """The first lies in a buffer that the second is too large for."""
    password, [bridge] = secrets.token_hex(200), site.children("@bridge")
    with connection(site) as s:
        s.sendall(head(password, len(body))[:-2])
        until(lambda: left_of(bridge, base64.b64encode(f"anna:{password}".encode())), "the first piece has come")
        s.sendall(b"X-More: " + b"x" * 3000 + b"\r\n\r\n" + body)
        check(s.recv(1000).startswith(b"HTTP/1.1 401"), "a wrong one in two pieces")
        gone(site, password, "a wrong one in two pieces")


def on_disk(site):
    """Nobody else can read a file that tells more than the program itself; and no calendar or password lies where it does not belong."""
    code = ("import os, sys\nos.setgid(%d)\nos.setuid(%d)\nfor f in sys.argv[1:]:\n try:\n  open(f, 'rb')\n  print(f)\n except OSError:\n  pass" % (NOBODY, NOBODY))
    files = [str(f) for f in site.dir.rglob("*") if f.is_file() and f.suffix != ".pem"]
    opened = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True).stdout.splitlines()
    may = {str(site.config), str(site.dir / "address-spaces.conf")}
    same([f for f in opened if f not in may and not f.startswith((str(site.calendars), str(site.dir / "peers.d"), str(site.dir / "backends.d")))], [],
         "files that everybody can read")
    for f in site.dir.rglob("*"):
        if f.is_file() and f.name not in ("password", "hub.password"):
            data = f.read_bytes()
            check(b"SECRET-" not in data or f.parent == site.calendars, f"{f} holds a calendar")
            check(site.password.encode() not in data and BACKEND.encode() not in data, f"{f} holds a password")


if not sites.may_look_into() or "asan" in sites.PROGRAM:
    print("confined: 0 passed, 0 failed (skipped: only root, where nobody took that from it, may look into processes that hide, and the sanitizer lives in no sandbox)")
    sys.exit(0)
with sites.pair(a_settings={"idle_seconds": 600}, start=False) as (a, b):  # what is looked at while it is connected does not end by that meanwhile
    [closed] = sites.free_ports(1)
    a.backend("hub", "ews", ["hub@a.example"], url=f"https://localhost:{closed}/EWS/Exchange.asmx", auth="basic", user="svc", password=BACKEND, ca_file=a.ca)
    a.calendar("anna", NINE)
    b.calendar("bob", NINE)
    a.password = secrets.token_hex(200)  # so long that pieces of it are telling
    (a.dir / "password").write_text(a.password)
    a.run("account", "passwd", "anna", "--password-file", str(a.dir / "password"))
    a.start(), b.start(), a.up(), b.up()
    until(lambda: codes(a.ask("anna@a.example", "bob@b.example")) == ["NoError"] * 2, "the first answer")
    a.ask("hub@a.example")
    same(set(a.children().values()), {"@bridge", "@calendar-worker", "@login-worker", "@backend-worker"}, "all roles")
    rights(a)
    secrets_in_memory(a)
    passwords_are_gone(a)
    on_disk(a)
sites.finish()
