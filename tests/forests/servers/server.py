"""What starting any server for a test takes: a folder, ports that are free now, processes that end with the test, an HTTP client."""
import base64
import contextlib
import http.client
import os
import pathlib
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

from certificates import Authority

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from sites import free_ports  # noqa: E402,F401


class Server:
    """Starts in `with`, ends with it. Its processes run as `account` when the test runs as root, else as who runs it."""
    account = None

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-"))
        self.folder.chmod(0o755)
        self.log_path, self.processes, self.passwords = self.folder / "log", [], {}
        self.user = self.account if self.account and os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name

    def __enter__(self):
        try:
            self.start()
        except BaseException as e:
            log = self.log()[-4000:]
            self.stop()
            raise RuntimeError(f"{type(self).__name__} does not start: {e}\n{log}") from e
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(f"--- log of {type(self).__name__}\n{self.log()[-4000:]}", flush=True)
        self.stop()

    def stop(self):
        for p in reversed(self.processes):
            self.end(p)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def end(process):
        """Ends a process of ours and all of its group."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def own(self):
        """Gives the folder to the account that the server runs as."""
        if os.getuid() == 0:
            for top, _, files in os.walk(self.folder):
                for name in [".", *files]:
                    shutil.chown(pathlib.Path(top) / name, self.user)

    def how(self, env):
        gid = pwd.getpwnam(self.user).pw_gid
        user = {"user": self.user, "group": gid, "extra_groups": os.getgrouplist(self.user, gid)} if os.getuid() == 0 else {}
        return {"env": {**os.environ, "HOME": str(self.folder), **(env or {})}, "cwd": self.folder, **user}

    def run(self, *command, text=None, env=None):
        """One command to its end, as the server's account."""
        r = subprocess.run([str(c) for c in command], input=text, text=True, capture_output=True, timeout=120, **self.how(env))
        if r.returncode:
            raise RuntimeError(f"{command[0]}: exit {r.returncode}\n{r.stdout}{r.stderr}")
        return r.stdout

    def spawn(self, *command, env=None):
        """A process in a group of its own that writes to the log and lives until stop()."""
        log = open(self.log_path, "ab")
        p = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.how(env))
        self.processes.append(p)
        return p

    def until(self, true, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if dead := [p for p in self.processes if p.poll() is not None]:
                raise RuntimeError(f"{dead[0].args[0]} ended with {dead[0].returncode}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if true():
                    return
            time.sleep(0.05)
        raise RuntimeError(f"not within {seconds} s: {what}")


class CalendarServer(Server):
    """A CalDAV server at `url`, who signed its certificate in `ca`, with one account for each of `people` and the account `bridge`, which may read them all."""
    base = "/"  # of CalDAV, behind the url; its certificate is good for `names` as well

    def __init__(self, people, domain, *names):
        super().__init__()
        self.domain = domain
        self.port, = free_ports(1)
        self.people = list(people)
        self.passwords = {p: f"secret-of-{p}" for p in [*self.people, "bridge"]}
        authority = Authority(self.folder / "authority")
        self.ca, (self.certificate, self.key) = authority.ca, authority.certificate("server", "localhost", "127.0.0.1", *names)
        self.url = f"https://localhost:{self.port}"

    def request(self, method, path, body="", user="bridge", **headers):
        """One request: (status, headers, text)."""
        context = ssl.create_default_context(cafile=str(self.ca))
        c = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=60)
        login = base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            c.request(method, path, body.encode(), {"Content-Type": "text/xml; charset=utf-8", "Authorization": "Basic " + login, **names})
            r = c.getresponse()
            return r.status, r.headers, r.read().decode(errors="replace")
        finally:
            c.close()

    def must(self, expected, method, path, body="", **how):
        """As request(), but an answer with a status that is not in `expected` ends the test."""
        status, headers, text = self.request(method, path, body, **how)
        if status not in expected:
            raise RuntimeError(f"{method} {path}: {status}\n{text[:2000]}\n--- log\n{self.log()[-2000:]}")
        return headers, text

    def collection(self, person):
        """The path of the person's calendar."""
        raise NotImplementedError

    def load(self, calendars):
        """Puts {person: {name: text of one resource}}."""
        for person, resources in calendars.items():
            for name, text in resources.items():
                self.put(person, name, text)

    def put(self, person, name, text):
        self.must((200, 201, 204), "PUT", f"{self.collection(person)}{name}.ics", text, user=person, Content_Type="text/calendar; charset=utf-8")
