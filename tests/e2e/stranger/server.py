#!/usr/bin/python3
"""Answers a bridge over the link, as a program would that knows only link.proto and docs/link-protocol.md.

server.py --peer-cert BRIDGE.pem --cert OWN.pem --key OWN.key --domain x.example [--listen 127.0.0.1:0]
prints "PORT n" and serves until its standard input ends. Local parts decide what it says: "liar" answers about somebody else, "slow" not at all,
"strange" with a reason of the future, "refused" ends the whole call with PERMISSION_DENIED; everybody else is busy in the first hour asked.
"""
import argparse
import concurrent.futures
import json
import sys
import time

import grpc

from stubs import Identity, stubs

pb, rpc = stubs()


def digits(request):
    cells = -(-(request.end - request.start) // (request.interval_minutes * 60))
    busy = -(-60 // request.interval_minutes)
    return ("2" * busy + "0" * cells)[:cells]


def busy_answer(request, index):
    event = pb.Event(start=request.start, end=request.start + 3600, busy=pb.BUSY_TIME)
    return pb.MailboxAnswer(index=index, mailbox=request.mailboxes[index], reason=pb.OK, view=request.view & 3,
                            merged=digits(request) if request.view & 1 else "", events=[event] if request.view & 2 else [])


class Stranger(rpc.AvailabilityServicer):
    def __init__(self, domain, log):
        self.domain, self.log = domain, log

    def Hello(self, request, context):
        return pb.HelloReply(site="stranger", version="1", domains=[self.domain], max_mailboxes=100, max_window_days=62, max_events=1000, time=int(time.time()))

    def Query(self, request, context):
        metadata = dict(context.invocation_metadata())
        self.log({"request_id": metadata.get("x-request-id"), "requester": request.requester.address or request.requester.domain,
                  "mailboxes": list(request.mailboxes), "left": context.time_remaining()})
        for i, mailbox in enumerate(request.mailboxes):
            who = mailbox.split("@")[0]
            if who == "refused":
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
            answer = busy_answer(request, i)
            if who == "liar":
                answer.mailbox = "somebody-else@" + self.domain
            if who == "strange":
                answer.reason = 99
            if who == "slow":
                while context.is_active():
                    time.sleep(0.05)
            yield answer


def serve(identity, peer_cert, domain, listen="127.0.0.1:0", log=lambda row: None):
    """A running server and its port: it lets in whoever holds the key of PEER_CERT (bytes) and nobody else."""
    credentials = grpc.ssl_server_credentials([(identity.key, identity.cert)], root_certificates=peer_cert, require_client_auth=True)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    rpc.add_AvailabilityServicer_to_server(Stranger(domain, log), server)
    port = server.add_secure_port(listen, credentials)
    server.start()
    return server, port


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peer-cert", required=True)
    p.add_argument("--cert", required=True)
    p.add_argument("--key", required=True)
    p.add_argument("--domain", required=True)
    p.add_argument("--listen", default="127.0.0.1:0")
    a = p.parse_args()
    with open(a.peer_cert, "rb") as f:
        server, port = serve(Identity(a.cert, a.key, "stranger"), f.read(), a.domain, a.listen, lambda row: print(json.dumps(row), flush=True))
    print(f"PORT {port}", flush=True)
    sys.stdin.read()
    server.stop(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
