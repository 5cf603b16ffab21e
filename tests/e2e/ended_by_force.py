"""A bridge that ends by force while people who were slow to ask still wait writes each of their questions down, whatever that is in bytes."""
import base64
import json
import os
import signal
import socket
import time

import sites
from sites import check, same, until

CLIENTS, BOXES = 120, 100  # together more than the audit grows by before somebody is told of it (AUDIT_GROWN_BYTES)


def begin(site, body):
    """All of a request but its last byte."""
    s = site.context().wrap_socket(socket.create_connection(("localhost", site.front)), server_hostname="localhost")
    word = base64.b64encode(f"anna:{site.password}".encode()).decode()
    s.sendall(f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nAuthorization: Basic {word}\r\n"
              f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
    return s


with sites.pair(a_settings={"query_deadline": "8 s", "hard_stop": "8 s"}) as (a, b):
    body = sites.request([f"p{i}@b.example" for i in range(BOXES)]).encode()
    waiting = [begin(a, body) for _ in range(CLIENTS)]
    bridges = a.children("@bridge")
    asked = b.children("@bridge")
    sites.stand_still(asked)
    a.run("reload")
    until(lambda: a.lines("draining"), "the old bridge drains")
    late = time.monotonic() + 2  # so much that their deadline, which the link makes half a second shorter, is behind the hard stop
    until(lambda: time.monotonic() > late, "it has drained for a while")
    for s in waiting:
        s.sendall(body[-1:])
    until(lambda: not set(bridges) & set(a.children("@bridge")), "the old bridge is gone")
    for pid in asked:
        os.kill(pid, signal.SIGCONT)
    for s in waiting:
        s.close()
    how = 'how="ended with code 0"'
    until(lambda: any(f"pid={pid} " in line and how in line for pid in bridges for line in a.lines("process-ended")), "it ended by itself")
    a.run("audit", "verify")
    lines = [json.loads(line) for file in a.dir.glob("state/audit/2*") for line in file.read_text().splitlines()]
    found = [line["result"] for line in lines if line["kind"] == "query"]
    same((len(found), set(found)), (CLIENTS * BOXES, {"cancelled"}), "a record of each mailbox that was asked about")
    check(sum(f.stat().st_size for f in a.dir.glob("state/audit/2*")) > 4 << 20, "of more bytes than that")
sites.finish()
