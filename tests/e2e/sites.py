"""Two sites on this machine for a test: made with the verbs, run by two real bridges, asked over HTTPS. The system's python3 alone."""
import base64
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PROGRAM", str(ROOT / "build/release/availbridge"))
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
passed = failed = 0
# A test that is told to end (by the time limit of its suite) ends all that it started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def check(ok, what):
    """Counts one thing that must be so; returns it."""
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("not so:", what, flush=True)
    return bool(ok)


def same(got, expected, what):
    return check(got == expected, f"{what}\n\tgot      {got!r}\n\texpected {expected!r}")


def finish():
    print(f"{pathlib.Path(sys.argv[0]).stem}: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def until(true, what, seconds=60):
    """Polls until true() holds; what a test waits for, it names. How long that takes is the machine's: ${seconds} are for what never comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return check(False, f"within {seconds} s: {what}")


class Made(http.server.BaseHTTPRequestHandler):
    """A backend that is made up: what it says goes out whole, and of its requests nothing is printed."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def https_server(handler, folder):
    """Answers by ${handler} with the front's certificate in ${folder} for as long as the test runs; its port. Whoever leaves in the middle is no news."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "front.pem", folder / "front.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.request_queue_size, server.handle_error = True, 100, lambda *_: None
    server.socket.listen(server.request_queue_size)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


PORTS, BLOCK, held = range(10000, 32000), 100, []


def ports_of_ours():
    """Numbers of ports that no other test of this machine uses for as long as this one runs: who holds a block of them is known by a name in the kernel. They
    are from below the range out of which the kernel takes them for clients, so that no connection lands on one."""
    for first in random.sample(PORTS[::BLOCK], len(PORTS) // BLOCK):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0availbridge-ports-{first}")
        except OSError:
            name.close()
            continue
        held.append(name)
        yield from range(first, first + BLOCK)
    raise RuntimeError("no port is left")


unused = ports_of_ours()


def free_ports(n):
    """Ports where nobody listens and nobody else will, also after what listened there has ended."""
    found = []
    while len(found) < n:
        port = next(unused)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            found.append(port)
    return found


def ics(*events, zone="Europe/Berlin"):
    """A calendar of (from, to, {name: value, ...}); times as 20260302T090000 in the zone, or with Z."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for i, (start, end, *more) in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{i}@test", "DTSTAMP:20260101T000000Z"]
        for name, value in (("DTSTART", start), ("DTEND", end)):
            lines.append(f"{name}:{value}" if value.endswith("Z") else f"{name};TZID={zone}:{value}")
        lines += [f"{k}:{v}" for k, v in (more[0] if more else {}).items()]
        lines.append("END:VEVENT")
    return "\r\n".join(lines + ["END:VCALENDAR", ""])


def may_look_into():
    """Whether we may look into the daemon's processes, which hide: root may, unless that was taken from it, as in containers."""
    scope, may_trace = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope"), 1 << 19  # CAP_SYS_PTRACE
    rights = int(re.search(r"CapEff:\s+(\w+)", pathlib.Path("/proc/self/status").read_text()).group(1), 16)
    return os.geteuid() == 0 and rights & may_trace != 0 and (not scope.exists() or scope.read_text().strip() != "3")


def descriptors(pids):
    """How many descriptors they have; 0 where may_look_into() says no."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids) if may_look_into() else 0


def own_memory(pid):
    """KiB that a process has for itself. Pages of its files are not counted: how many of them are mapped depends on what else the machine has read."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(re.search(rf"{name}:\s+(\d+)", text).group(1)) for name in ("RssAnon", "RssShmem"))


def stand_still(pids):
    """Stops processes, and waits until they are: a signal may come later than its sender goes on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: all(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for pid in pids), "they stand still")


def end(process):
    """Ends a process of ours, if it was started and runs, also one that was stopped by a signal."""
    if process and process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Site:
    torn = False  # its log may have lines without their end: it was put where there is no room

    def __init__(self, folder, name, domain, user=""):
        self.name, self.domain = name, domain
        self.dir = folder / name
        self.config = self.dir / "availbridge.conf"
        self.calendars = self.dir / "calendars"
        self.log_path = folder / f"{name}.log"
        self.front, self.link = free_ports(2)
        self.password, self.process = secrets.token_hex(8), None
        self.run("init", "--site", name, "--domain", domain, "--dir", str(self.dir), "--front", f"127.0.0.1:{self.front}",
                 "--link", f"127.0.0.1:{self.link}", "--public-url", f"https://localhost:{self.front}", "--user", user, config=False)
        self.ca = next(p for p in (self.dir / "front-ca.pem", self.dir / "front.pem") if p.exists())
        self.account("anna", f"user:anna@{domain}")
        # A test asks faster than people do. The defaults, and what becomes of who is over them: budgets.py.
        for who in ("person", "organisation", "peer"):
            self.set(f"budget_{who}_per_minute", 0)
            self.set(f"budget_{who}_targets_per_day", 0)

    def run(self, *words, config=True, code=0, clock=None):
        """One verb, with the clock as in start(). A code of None takes any; returns the standard output, and leaves the other in stderr."""
        r = subprocess.run((["faketime", "-f", clock] if clock else []) + [PROGRAM] + (["-c", str(self.config)] if config else []) + list(words), capture_output=True, text=True, timeout=60)
        if code is not None and r.returncode != code:
            raise RuntimeError(f"{' '.join(words)}: exit {r.returncode}\n{r.stdout}{r.stderr}")
        self.code, self.stderr = r.returncode, r.stderr
        return r.stdout

    def account(self, name, stands_for, *more):
        secret = self.dir / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self.run("account", "add", name, "--stands-for", stands_for, "--password-file", str(secret), *more)

    def set(self, name, value):
        """Changes a line of the main file, as an admin would."""
        text = self.config.read_text()
        line = f'{name} = "{value}";' if isinstance(value, str) else f"{name} = {value};"
        new = re.sub(rf"(?m)^[# ]*{name}\s*=.*$", lambda _: line, text, count=1)
        if new == text:
            raise RuntimeError(f"no setting {name} in the main file")
        self.config.write_text(new)

    def calendar(self, who, *events, text=None, zone="Europe/Berlin"):
        path = self.calendars / f"{who}@{self.domain}.ics"
        temporary = path.with_suffix(".new")
        temporary.write_text(text if text is not None else ics(*events, zone=zone))
        temporary.rename(path)

    def backend(self, name, kind, serves, password=None, **lines):
        """Writes backends.d/NAME.conf, and its password into a file of its own. Keywords are lines with - as _; None leaves one out."""
        folder = self.dir / "backends.d"
        folder.mkdir(mode=0o700, exist_ok=True)
        if password is not None:
            lines["password_file"] = self.backend_password(name, password)
        text = [f"type {kind}"] + [f"serves {word}" for word in serves]
        for k, v in lines.items():
            if v is not None:
                text.append(f'{k.replace("_", "-")} ' + (f'"{v}"' if isinstance(v, pathlib.Path) else f"{v}"))
        (folder / f"{name}.conf").write_text("\n".join(text) + "\n")

    def backend_password(self, name, password):
        secret = self.dir / f"{name}.password"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        return secret

    def pin(self):
        return re.search(r"sha256:[0-9a-f]{64}", self.run("identity", "show")).group()

    def pair(self, other, pin=None):
        self.run("peer", "add", other.name, "--endpoint", f"127.0.0.1:{other.link}", "--pin", pin or other.pin(), "--domain", other.domain)
        self.run("peer", "set", other.name, "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")

    def rule(self, peer, direction, requester, target, level, *more):
        self.run("rule", "add", "--peer", peer, "--direction", direction, "--requester", requester, "--target", target, "--level", level, *more)

    def start(self, *options, clock=None):
        """Runs the daemon; with ${clock} ("+2d", "+61m") its clock is that much ahead, but for the times of files."""
        # Not by the command `faketime`: it stands between as a process of its own, and what ends it leaves the daemon running.
        faked = {"FAKETIME": clock, "LD_PRELOAD": str(next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")))} if clock else {}
        self.process = subprocess.Popen([PROGRAM, "-c", str(self.config), "serve", *options], stdout=open(self.log_path, "ab"),
                                        stderr=subprocess.STDOUT, env={**os.environ, "NO_FAKE_STAT": "1", **faked})

    def up(self, links=True):
        return until(lambda: self.is_up(links), f"{self.name} is up; log:\n{self.log_end()}")

    def reload(self):
        """Reloads, and waits until the generation before is gone: for a moment it still answers what peers ask over its connections."""
        self.run("reload")
        self.settled()

    def settled(self):
        until(lambda: len(json.loads(self.run("status", "--json"))["generations"]) == 1, f"{self.name}: the generation before is gone")

    def is_up(self, links=True):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended:\n{self.log()[-3000:]}")
        text = self.run("status", "--json", code=None)
        return self.code == 0 and (not links or ('"state":"up"' in text.replace(" ", "")))

    def stop(self):
        end(self.process)
        self.process = None

    def log_end(self):
        """Its last lines: a soak's log has many gigabytes."""
        with self.log_path.open("rb") as f:
            f.seek(max(0, self.log_path.stat().st_size - 2000))
            return f.read().decode(errors="replace")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def lines(self, event):
        """Those whose event begins so; what stands in another's text is none."""
        return [line for line in self.records() if line.partition(" event=")[2].startswith(event)]

    def records(self):
        """The lines of its log; one that is being written is not there yet."""
        return self.log().rpartition("\n")[0].split("\n")

    def children(self, role=None):
        """Pids of the daemon's processes, each checked to be ours, with their role. What the supervisor runs for a moment, verbs and checks of settings, has
        none: it is left out unless ${role} is ""."""
        found = {}
        for p in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                words = (p / "cmdline").read_bytes().split(b"\0")
                stat = (p / "stat").read_text().rsplit(")", 1)[1].split()
                if int(stat[1]) == self.process.pid and stat[0] != "Z":
                    found[int(p.name)] = next((w.decode() for w in words if w.startswith(b"@")), "")
        return {pid: r for pid, r in found.items() if (r if role is None else r == role)}

    def context(self):
        return ssl.create_default_context(cafile=str(self.ca))

    def http(self, body, path="/EWS/Exchange.asmx", user="anna", password=None, headers=None, timeout=30, method="POST"):
        """One request on a connection of its own: (status, headers, body)."""
        c = http.client.HTTPSConnection("localhost", self.front, context=self.context(), timeout=timeout)
        head = {"Content-Type": "text/xml; charset=utf-8"}
        if user is not None:
            word = f"{user}:{self.password if password is None else password}"
            head["Authorization"] = "Basic " + base64.b64encode(word.encode()).decode()
        head.update(headers or {})
        try:
            c.request(method, path, body=body.encode() if isinstance(body, str) else body, headers=head)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def ask(self, *addresses, **how):
        """GetUserAvailability over HTTPS; one dict a mailbox."""
        login = {k: how.pop(k) for k in ("user", "password", "timeout", "headers") if k in how}
        status, headers, body = self.http(request(addresses, **how), **login)
        if status != 200:
            raise RuntimeError(f"HTTP {status}: {body[:600]!r}")
        return answers(body)


UTC = """<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>
<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder>
<t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"""


def request(addresses, start="2026-03-02T08:00:00", end="2026-03-02T16:00:00", interval=30, view="DetailedMerged", version="Exchange2016"):
    boxes = "".join(f"<t:MailboxData><t:Email><t:Address>{a}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
                    for a in addresses)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{T[1:-1]}" xmlns:m="{M[1:-1]}">
<s:Header><t:RequestServerVersion Version="{version}"/></s:Header><s:Body><m:GetUserAvailabilityRequest>{UTC}
<m:MailboxDataArray>{boxes}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}</t:StartTime>
<t:EndTime>{end}</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>
<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>"""


# What an EWS server says.
HEAD = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{M[1:-1]}" xmlns:t="{T[1:-1]}"><s:Body>'
FREE = """<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>
<t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType><t:MergedFreeBusy>%s</t:MergedFreeBusy><t:CalendarEventArray/></m:FreeBusyView></m:FreeBusyResponse>"""


def reply(*digits):
    """A right answer with these digits, one for each mailbox."""
    boxes = "".join(FREE % d for d in digits)
    return (f"{HEAD}<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{boxes}</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
            "</s:Body></s:Envelope>").encode()


def answers(body):
    found = []
    for r in ElementTree.fromstring(body).iter(M + "FreeBusyResponse"):
        message, view = r.find(M + "ResponseMessage"), r.find(M + "FreeBusyView")
        one = {"code": message.findtext(M + "ResponseCode"), "class": message.get("ResponseClass"), "text": message.findtext(M + "MessageText"),
               "view": None, "merged": None, "events": []}
        if view is not None:
            one["view"], one["merged"] = view.findtext(T + "FreeBusyViewType"), view.findtext(T + "MergedFreeBusy")
            for e in view.iter(T + "CalendarEvent"):
                d = e.find(T + "CalendarEventDetails")
                event = {"start": e.findtext(T + "StartTime"), "end": e.findtext(T + "EndTime"), "busy": e.findtext(T + "BusyType")}
                if d is not None:
                    event.update({c.tag.replace(T, ""): c.text for c in d})
                one["events"].append(event)
        found.append(one)
    return found


def codes(found):
    return [a["code"] for a in found]


def sanitized(one):
    """What a sanitizer said in the log of a site or another server. A site's line by line: a soak's is larger than the machine's memory."""
    with contextlib.ExitStack() as stack:
        by_line = isinstance(one, Site) and one.log_path.exists()
        lines = stack.enter_context(one.log_path.open(errors="replace")) if by_line else one.log().splitlines()
        return [line for line in lines if "Sanitizer" in line or "runtime error:" in line]


RECORD = re.compile(r'time=\S+ level=(error|warn|info|debug)( role=\S+)? event=[\w-]+( [\w-]+=("[^"\\]*(\\.[^"\\]*)*"|[^\s"=]*))*')


def once(pairs):
    """The object, in which no name stands twice: of two, some readers take the first and some the last."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError(f"a name stands twice: {pairs}")
    return dict(pairs)


def is_record(line):
    """A line of the log, in either form, as a program reads it."""
    if not line.startswith("{"):
        return RECORD.fullmatch(line)
    try:
        return json.loads(line, object_pairs_hook=once)
    except ValueError:
        return None


def unreadable(site, most=1 << 28):
    """What stands in a site's log and is no record, whatever a test made it write. None are what the command says of settings before it serves
    (a sentence of its own, or FILE: and one). A soak's log is left out."""
    if not isinstance(site, Site) or site.torn or not site.log_path.exists() or site.log_path.stat().st_size > most:
        return []
    with site.log_path.open(errors="surrogateescape", newline="\n") as f:
        return [line for line in f if not (line.endswith("\n") and is_record(line[:-1])) and not line.startswith(("availbridge: ", " ", "/"))]


@contextlib.contextmanager
def ending(*which, folder):
    """These sites, and other servers, end with the block; so does the folder that they are in, unless something failed."""
    try:
        yield
    except Exception:
        check(False, "the test ran to its end")
        for one in which:
            print(f"--- log of {one.name}\n{one.log()[-4000:]}", flush=True)
        raise
    finally:
        for one in which:
            one.stop()
        for one in which:
            if found := sanitized(one):
                check(False, f"the sanitizers are silent at {one.name}: {found[:3]}")
            same(unreadable(one)[:3], [], f"each line of the log of {one.name} is a record")
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pair(a_settings=None, b_settings=None, start=True, rules=True):
    """Sites a (a.example) and b (b.example), paired, with open rules unless told otherwise; both run, and end with the test."""
    folder = ROOT / "build/e2e" / f"{pathlib.Path(sys.argv[0]).stem}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    a, b = Site(folder, "site-a", "a.example"), Site(folder, "site-b", "b.example")
    with ending(a, b, folder=folder):
        for site, other, settings in ((a, b, a_settings), (b, a, b_settings)):
            for name, value in (settings or {}).items():
                site.set(name, value)
            site.pair(other)
            if rules:
                site.rule(other.name, "out", "*", "*", "LimitedDetails")
                site.rule(other.name, "in", "*", "*", "LimitedDetails")
        if start:
            a.start()
            b.start()
            a.up()
            b.up()
        yield a, b
