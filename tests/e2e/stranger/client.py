#!/usr/bin/python3
"""Asks a bridge over its link, as a program would that knows only link.proto and docs/link-protocol.md.

client.py HOST:PORT --peer-cert BRIDGE.pem --cert OWN.pem --key OWN.key hello|health|query [...]
"""
import argparse
import json
import secrets
import sys

import grpc

from stubs import Identity, channel, stubs

pb, rpc = stubs()


def hello(ch, timeout=5):
    reply = rpc.AvailabilityStub(ch).Hello(pb.HelloRequest(site="stranger", version="1", domains=["x.example"]), timeout=timeout)
    return {"site": reply.site, "version": reply.version, "domains": list(reply.domains), "max_mailboxes": reply.max_mailboxes,
            "max_window_days": reply.max_window_days, "max_events": reply.max_events, "time": reply.time}


def health(ch, service="", timeout=5):
    """grpc.health.v1 by hand: one string in, one number out."""
    name = service.encode()
    ask = ch.unary_unary("/grpc.health.v1.Health/Check", request_serializer=lambda m: m, response_deserializer=lambda m: m)
    answer = ask(b"\n" + bytes([len(name)]) + name if name else b"", timeout=timeout)
    return {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}.get(answer, answer.hex())


def question(requester, mailboxes, start, end, interval=30, view=7):
    who = {"address" if "@" in requester else "domain": requester}
    return pb.QueryRequest(requester=pb.Requester(**who), mailboxes=mailboxes, start=start, end=end, interval_minutes=interval, view=view)


def query(ch, request, timeout=10, request_id=None):
    """The answers by mailbox; an rpc that fails raises grpc.RpcError."""
    metadata = [("x-request-id", request_id or secrets.token_hex(16))]
    answers = {}
    for answer in rpc.AvailabilityStub(ch).Query(request, timeout=timeout, metadata=metadata):
        answers[answer.mailbox] = answer
    return answers


def readable(answer):
    return {"reason": pb.Reason.Name(answer.reason), "view": answer.view, "merged": answer.merged,
            "events": [[e.start, e.end, pb.BusyType.Name(e.busy), e.subject] for e in answer.events]}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("endpoint")
    p.add_argument("--peer-cert", required=True)
    p.add_argument("--cert", required=True)
    p.add_argument("--key", required=True)
    p.add_argument("what", choices=["hello", "health", "query"])
    p.add_argument("--requester")
    p.add_argument("--start", type=int)
    p.add_argument("--end", type=int)
    p.add_argument("mailboxes", nargs="*")
    a = p.parse_intermixed_args()
    with channel(a.endpoint, Identity(a.cert, a.key, "stranger"), a.peer_cert) as ch:
        try:
            if a.what == "hello":
                out = hello(ch)
            elif a.what == "health":
                out = {"status": health(ch)}
            else:
                out = {m: readable(x) for m, x in query(ch, question(a.requester, a.mailboxes, a.start, a.end)).items()}
        except grpc.RpcError as e:
            print(json.dumps({"status": e.code().name, "message": e.details()}))
            return 1
    print(json.dumps(out, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
