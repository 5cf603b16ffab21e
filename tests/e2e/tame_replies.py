"""What answers at the control socket may be a bridge in which somebody else runs: nothing that it says reaches an admin's terminal but as text."""
import contextlib
import socket
import threading

import sites
from sites import check, same

SAID = "generation 1: running\n\x1b]0;owned\x07peer site-b: \udc9b31mup\u009b2J\r, Müller\n"


def answer(server):
    while True:
        try:
            c, _ = server.accept()
        except OSError:
            return
        with c, contextlib.suppress(OSError):  # some only knock
            c.recv(4096)
            c.sendall(b"0\n" + SAID.encode("utf-8", "surrogateescape"))


with sites.pair(start=False) as (a, b), socket.socket(socket.AF_UNIX) as server:
    path = a.dir / "state/control.sock"
    path.parent.mkdir(exist_ok=True)
    server.bind(str(path))
    server.listen()
    threading.Thread(target=answer, args=(server,), daemon=True).start()
    for words in (("status",), ("status", "--json"), ("reload",)):
        text = a.run(*words, code=None) + a.stderr
        check("generation 1: running" in text and "Müller" in text, f"{words}: the words come: {text!r}")
        same([c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160], [], f"{words}: and nothing that steers a terminal")
    server.shutdown(socket.SHUT_RDWR)
sites.finish()
