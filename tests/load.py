"""Questions over HTTPS at a steady rate or as fast as they are answered, from processes of their own, each answer held against the calendar it
comes from. For soak.py and audit_cost.py: no test itself."""
import base64
import collections
import math
import multiprocessing
import pathlib
import random
import re
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))
import sites  # noqa: E402

PEOPLE = 20
BUSY = "ErrorServerBusy"


def hours(who):
    """The hour of UTC at which person ${who} is busy."""
    return 8 + who % 7


def expected(who):
    slots = ["0"] * 16  # 08:00 to 16:00 UTC in half hours
    at = (hours(who) - 8) * 2
    slots[at:at + 2] = "22"
    return "".join(slots)


def calendars(site):
    for who in range(PEOPLE):
        site.calendar(f"p{who}", (f"20260302T{hours(who):02}0000Z", f"20260302T{hours(who) + 1:02}0000Z"))


class Connection:
    """A connection that is kept, as a client keeps it: what breaks before a byte of the answer came is asked once more on a new one."""

    def __init__(self, site, domain):
        self.context = ssl.create_default_context(cafile=str(site.ca))
        self.port, self.sock = site.front, None
        login = base64.b64encode(f"anna:{site.password}".encode()).decode()
        self.requests = []
        for who in range(PEOPLE):
            body = sites.request([f"p{who}@{domain}"], view="MergedOnly").encode()
            head = (f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost:{self.port}\r\nAuthorization: Basic {login}\r\n"
                    f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n")
            self.requests.append(head.encode() + body)

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def exchange(self, who):
        if not self.sock:
            raw = socket.create_connection(("localhost", self.port), 30)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = self.context.wrap_socket(raw, server_hostname="localhost")
        data = b""
        self.sock.sendall(self.requests[who])
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(data[:80])
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(body) < length:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("half an answer")
            body += more
        if b"connection: close" in head.lower():
            self.close()
        return head, body

    def ask(self, who):
        """The status and the body; what broke is said by an exception."""
        fresh = self.sock is None
        try:
            return self.exchange(who)
        except (OSError, EOFError) as e:
            self.close()
            if fresh or (isinstance(e, EOFError) and e.args[0]):
                raise
            return self.exchange(who)


class Told:
    """What one process, or all of them, heard. Right answers are counted by how long they took, since an hour brings tens of millions; only with
    ${each} every one is kept."""

    def __init__(self, each=False):
        self.each, self.right, self.late, self.slowest = each, 0, 0, 0.0
        self.took = collections.Counter()  # tenths of a millisecond: how many
        self.waits = []  # with each: (when, how long)
        self.busy, self.wrong, self.failed = [], [], []  # busy, failed: (when, how long, what)

    def add(self, other):
        for name in ("right", "late", "took", "waits", "busy", "wrong", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, other.slowest)

    def median(self):
        """Seconds that half of the right answers took at most; 0 if there were none."""
        seen = 0
        for tenths, count in sorted(self.took.items()):
            seen += count
            if 2 * seen >= self.right:
                return tenths / 10000
        return 0.0

    def hear(self, who, began, head, body):
        took = time.time() - began
        found = re.search(rb"<m:ResponseCode>(\w+)<", body)
        code = found.group(1).decode() if found else BUSY if BUSY.encode() in body else head[:40].decode(errors="replace")
        digits = re.search(rb"MergedFreeBusy>(\d+)<", body)
        if code == BUSY:
            self.busy.append((began, took, code))
        elif code != "NoError":
            self.failed.append((began, took, code))
        elif not digits or digits.group(1).decode() != expected(who):
            self.wrong.append((who, body[:300]))
        else:
            self.right += 1
            self.took[math.ceil(took * 10000)] += 1
            self.slowest = max(self.slowest, took)
            if self.each:
                self.waits.append((began, took))


def _thread(site, domain, every, stop, told):
    connection, due = Connection(site, domain), time.monotonic() + random.random() * every
    while not stop.is_set():
        left = due - time.monotonic()
        if left > 0:
            time.sleep(left)
        elif every and left < -every:
            told.late += 1
            due = time.monotonic()
        due += every
        who, began = random.randrange(PEOPLE), time.time()
        try:
            told.hear(who, began, *connection.ask(who))
        except Exception as e:
            told.failed.append((began, time.time() - began, repr(e)))
            connection.close()
    connection.close()


def _process(site, domain, connections, every, each, stop, answer):
    parts = [Told(each) for _ in range(connections)]
    threads = [threading.Thread(target=_thread, args=(site, domain, every, stop, told)) for told in parts]
    for t in threads:
        t.start()
    whole = Told()
    for t, told in zip(threads, parts):
        t.join()
        whole.add(told)
    answer.send(whole)


class Load:
    """Asks at ${site} about the people of ${domain} for each of ${ways}, over so many connections each; at ${rate} a second in all, or as fast as it goes."""

    def __init__(self, ways, connections, rate=None, each=False):
        self.stop, self.parts, self.began = multiprocessing.Event(), [], time.monotonic()
        every = len(ways) * connections / rate if rate else 0
        for site, domain in ways:
            mine, theirs = multiprocessing.Pipe(False)
            p = multiprocessing.Process(target=_process, args=(site, domain, connections, every, each, self.stop, theirs), daemon=True)
            p.start()
            self.parts.append((p, mine))

    def end(self):
        """What was heard, and for how long it was asked."""
        self.stop.set()
        took, told = time.monotonic() - self.began, Told()
        for process, pipe in self.parts:
            told.add(pipe.recv())
            process.join()
        return told, took


def highest(ways, connections, seconds):
    """Right answers a second when each connection asks as soon as it was answered."""
    load = Load(ways, connections)
    time.sleep(seconds)
    told, took = load.end()
    return told.right / took
