"""A third site that is no availbridge: Python, gRPC, stubs made from link.proto. It asks a real bridge over the link and is asked by it, and gets no
more and no less than a bridge would; every liberty that it takes is refused."""
import json
import pathlib
import sys
import tempfile

import grpc
import sites
from sites import check, same, until

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stranger"))
import client  # noqa: E402
import server  # noqa: E402
from client import pb  # noqa: E402
from stubs import Identity, channel  # noqa: E402

START, END = 1772438400, 1772467200  # 2026-03-02 08:00 to 16:00 UTC
NINE = ("20260302T090000", "20260302T100000", {"SUMMARY": "Budget", "LOCATION": "Room 3"})  # 08:00 to 09:00 UTC
PRIVATE = ("20260302T130000", "20260302T140000", {"SUMMARY": "Surgery", "CLASS": "PRIVATE"})


def status(act):
    """The name of the gRPC status that an act ends with."""
    try:
        act()
        return "OK"
    except grpc.RpcError as e:
        return e.code().name


def asks_the_bridge(b, ch):
    told = client.hello(ch)
    same((told["site"], told["domains"], told["max_mailboxes"], told["max_window_days"], told["max_events"]), ("site-b", ["b.example"], 100, 62, 1000), "hello")
    same(client.health(ch), "SERVING", "health of the whole")
    same(client.health(ch, "availbridge.link.v1.Availability"), "SERVING", "health of the service")
    same(status(lambda: client.health(ch, "other.Service")), "NOT_FOUND", "health of what is not there")

    ask = client.question
    got = client.query(ch, ask("carl@x.example", ["bob@b.example", "nobody@b.example", "eve@a.example", "ann@c.example"], START, END), request_id="ab" * 16)
    same(len(got), 4, "one answer a mailbox")
    bob = got["bob@b.example"]
    same((bob.reason, bob.view, bob.merged), (pb.OK, 7, "2200000022000000"), "bob's digits")
    same([(e.start - START, e.end - START, e.busy, e.subject, e.location) for e in bob.events],
         [(0, 3600, pb.BUSY_TIME, "Budget", "Room 3"), (4 * 3600, 5 * 3600, pb.BUSY_TIME, "", "")], "bob's events, the private one without its words")
    same(bob.events[1].flags & 16, 16, "it says that it is private")
    same([pb.Reason.Name(got[m].reason) for m in ("nobody@b.example", "eve@a.example", "ann@c.example")], ["NO_ACCESS"] * 3,
         "unknown; our other peer's (no second hop); nobody's: all the same")
    check(all(not got[m].events and not got[m].merged and not got[m].view for m in got if m != "bob@b.example"), "and nothing comes with them")
    check(sites.until(lambda: any("ab" * 16 in line and "bob@b.example" in line for line in b.lines("mailbox")), "our request id is in B's log"), "and it is")
    same(client.query(ch, ask("x.example", ["bob@b.example"], START, END))["bob@b.example"].reason, pb.OK, "the organisation may ask too")
    same(client.query(ch, ask("x.example", ["bob@b.example"], START, END, view=1))["bob@b.example"].view, 1, "no more than was asked")

    for requester in ("eve@a.example", "a.example", "boss@b.example", "eve@sub.x.example"):
        same(status(lambda who=requester: client.query(ch, ask(who, ["bob@b.example"], START, END))), "PERMISSION_DENIED", f"{requester} is not the stranger's to speak for")
    for what, request in {"no mailbox": ask("x.example", [], START, END), "101 mailboxes": ask("x.example", ["bob@b.example"] * 101, START, END),
                          "63 days": ask("x.example", ["bob@b.example"], START, START + 63 * 86400), "no time": ask("x.example", ["bob@b.example"], END, START),
                          "4 minutes": ask("x.example", ["bob@b.example"], START, END, 4), "no view": ask("x.example", ["bob@b.example"], START, END, view=0)}.items():
        same(status(lambda r=request: client.query(ch, r)), "INVALID_ARGUMENT", what)
    same(status(lambda: client.query(ch, ask("x.example", ["bob@b.example"], START, END), request_id="../../x")), "INVALID_ARGUMENT", "a request id of another form")
    same(status(lambda: ch.unary_unary("/availbridge.link.v1.Availability/Write")(b"", timeout=5)), "UNIMPLEMENTED", "a method that is not there")
    same(status(lambda: ch.unary_unary("/availbridge.link.v1.Availability/Hello")(b"\xff" * 70000, timeout=5)), "RESOURCE_EXHAUSTED", "a request over 64 KiB")
    same(status(lambda: ch.unary_unary("/availbridge.link.v1.Availability/Query")(b"\xff" * 70, timeout=5)), "INVALID_ARGUMENT", "no protobuf")
    same(client.hello(ch)["site"], "site-b", "the connection is as good as before")


def is_asked(b, seen):
    def asked(*people):
        b.run("query", "--requester", "anna@b.example", "--start", "2026-03-02T08:00:00Z", "--end", "2026-03-02T16:00:00Z", "--json", *people, code=None)

    def told(*people):
        return [(a["code"], a["merged"]) for a in b.ask(*people)]

    same(told("carl@x.example"), [("NoError", "2200000000000000")], "carl is busy in the first hour")
    same(seen[-1]["mailboxes"], ["carl@x.example"], "the stranger was asked about carl alone")
    same(seen[-1]["requester"], "b.example", "by the organisation")
    check(len(seen[-1]["request_id"] or "") == 32, "with a request id")
    check(0 < seen[-1]["left"] <= 3, f"and a deadline: {seen[-1]['left']}")
    failed = ("ErrorProxyRequestProcessingFailed", None)
    same(told("carl@x.example", "liar@x.example", "strange@x.example"), [("NoError", "2200000000000000"), failed, failed],
         "an answer about somebody else, or of an unknown kind, is a failure of that mailbox alone")
    until(lambda: any("link-answer-refused" in line for line in b.records()), "and is logged")
    same(told("refused@x.example"), [("ErrorProxyRequestNotAllowed", None)], "PERMISSION_DENIED")
    same(told("bob@b.example", "slow@x.example"), [("NoError", "2200000022000000"), ("ErrorTimeoutExpired", None)], "a slow one costs itself alone")
    asked("carl@x.example")
    same(b.code, 0, "query as a verb")
    link = [p for p in json.loads(b.run("status", "--json"))["peers"] if "site-x" in json.dumps(p)]
    check(link and "up" in json.dumps(link[0]), "status shows the stranger's link")


def main():
    with tempfile.TemporaryDirectory() as folder, sites.pair({}, {"query_deadline": "3 s"}, start=False) as (a, b):
        stranger, nobody = Identity.make(folder, "stranger.invalid"), Identity.make(folder, "nobody.invalid")
        cert = b.dir / "identity.pem"
        seen = []
        grpc_server, port = server.serve(stranger, cert.read_bytes(), "x.example", log=seen.append)
        b.run("peer", "add", "site-x", "--endpoint", f"127.0.0.1:{port}", "--pin", stranger.pin(), "--domain", "x.example")
        b.run("peer", "set", "site-x", "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")
        b.rule("site-x", "in", "*", "*", "LimitedDetails")
        b.rule("site-x", "out", "*", "*", "LimitedDetails")
        b.calendar("bob", NINE, PRIVATE)
        b.start(), b.up()
        with channel(f"127.0.0.1:{b.link}", stranger, cert) as ch:
            asks_the_bridge(b, ch)
        with channel(f"127.0.0.1:{b.link}", nobody, cert) as ch:
            same(status(lambda: client.hello(ch)), "UNAVAILABLE", "a key without a pin")
        check(sites.until(lambda: any(nobody.pin() in line for line in b.records()), "a line on it"), "B's log names the key that it refused")
        is_asked(b, seen)
        b.run("peer", "disable", "site-x")
        with channel(f"127.0.0.1:{b.link}", stranger, cert) as ch:
            same(status(lambda: client.hello(ch)), "UNAVAILABLE", "a peer that was disabled")
        grpc_server.stop(0)


main()
sites.finish()
