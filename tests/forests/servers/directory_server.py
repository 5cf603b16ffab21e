"""What the directories of a test share: one process on one loopback address, with everything in one folder."""
import contextlib
import pathlib
import socket
import subprocess
import sys
import time

import people as who

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from sites import end  # noqa: E402


def quiet(*words):
    r = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError(f"{words[0]}: exit {r.returncode}\n{(r.stdout + r.stderr)[-3000:]}")
    return r.stdout


class DirectoryServer:
    """The server that start() of a class below runs; the first of its ${logs} takes what it prints."""
    logs = ()

    def __init__(self, folder, address):
        self.name, self.folder, self.address, self.process = folder.name, folder, address, None

    def run(self, *words, ports, seconds):
        """Starts the command, and waits until it listens on all of the ports."""
        self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=open(self.folder / self.logs[0], "ab"),
                                        stderr=subprocess.STDOUT)
        last = time.monotonic() + seconds
        while not all(map(self.listens, ports)):
            if self.process.poll() is not None or time.monotonic() > last:
                raise RuntimeError(f"{words[0]} in {self.folder} does not come up:\n{self.log()[-3000:]}")
            time.sleep(0.02)

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex((self.address, port)) == 0

    def stop(self):
        end(self.process)
        self.process = None

    def log(self):
        return "".join(f.read_text(errors="replace") for f in map(self.folder.joinpath, self.logs) if f.exists())

    def password_file(self, password=who.PASSWORD):
        path = self.folder / "bind.password"
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        return path


def keytab_of(path, principal, password):
    """A keytab of ${principal}, realm and all, as a password makes it: a wrong one makes a wrong key."""
    subprocess.run(["ktutil"], input=f"addent -password -p {principal} -k 1 -e aes256-cts-hmac-sha1-96\n{password}\nwkt {path}\nq\n", check=True, capture_output=True,
                   text=True)
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def silent_kdc(address="127.0.0.1"):
    """ADDRESS:PORT at which nobody says anything, by UDP or by TCP, as behind a firewall that drops what comes."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as only:
        stream.bind((address, 0))
        stream.listen(0)
        only.connect(stream.getsockname())  # with that the queue is full
        datagrams.bind(stream.getsockname())
        yield f"{address}:{stream.getsockname()[1]}"
