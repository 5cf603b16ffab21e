"""A peer that has its pin here and means harm: whatever it puts into the fields of the link, each line of the log and each record of the audit is one, for jq too;
there are as many as mailboxes were asked about, and nothing that a person reads steers a terminal."""
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import grpc
import sites
from sites import check, same, until

sys.path.insert(0, str(pathlib.Path(__file__).parent / "stranger"))
import client  # noqa: E402
from client import pb, rpc  # noqa: E402
from stubs import Identity, channel  # noqa: E402

START, END = 1772438400, 1772467200
EVIL = ("a\r\ntime=2026-01-01T00:00:00.000Z level=info event=login account=boss", '","event":"login","account":"boss', "%n%s%x%p", "\x1b]0;x\x07\x1b[2J", "\u2028\u2029\x85",
        '\\" \\\\', "é\u00ff\u202e", "a" * 300, "{}[]=;|", "\U0001f600", "\0", "\x7f", "\t ", "")
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Evil(rpc.AvailabilityServicer):
    """Says what it is told to in every text of an answer."""
    word, calls, greeted = "", 0, None

    def Hello(self, request, context):
        Evil.greeted = Evil.word
        return pb.HelloReply(site=Evil.word, version=Evil.word, domains=["x.example", Evil.word], max_mailboxes=100, max_window_days=62, max_events=1000, time=int(time.time()))

    def Query(self, request, context):
        Evil.calls += 1
        for i, mailbox in enumerate(request.mailboxes):
            how = mailbox.split("@")[0]
            event = pb.Event(start=START, end=START + 3600, busy=pb.BUSY_TIME, subject=Evil.word, location=Evil.word)
            answer = pb.MailboxAnswer(index=i, mailbox=mailbox, reason=pb.OK, view=7, merged="22" + "0" * 14, events=[event])
            if how == "mailbox":
                answer.mailbox = Evil.word
            if how == "merged":
                answer.merged = Evil.word
            if how == "abort":
                context.abort(grpc.StatusCode.INTERNAL, Evil.word.replace("\0", " "))
            yield answer


def act(what):
    """It may be refused, and nothing else is of interest."""
    try:
        return what()
    except (grpc.RpcError, ValueError) as e:
        return e


def asks(b, ch):
    """As a client, with each word in each field; how many mailboxes it was answered about."""
    answered = 0
    for word in EVIL:
        for requester in (word, word + "@x.example", "x@" + word, "x.example"):
            for mailbox in (word, word + "@b.example", "bob@" + word, "bob@b.example"):
                got = act(lambda: client.query(ch, client.question(requester, [mailbox, "bob@b.example"], START, END)))
                answered += 2 if isinstance(got, dict) and (len(got) == 2 or mailbox == "bob@b.example") else 0
        act(lambda: rpc.AvailabilityStub(ch).Hello(pb.HelloRequest(site=word, version=word, domains=[word, "x.example"]), timeout=5))
        plain = "".join(c for c in word if " " <= c <= "~")
        act(lambda: client.query(ch, client.question("x.example", ["bob@b.example"], START, END), request_id=plain or "x"))
        for service in ("/" + (plain or "x"), "/availbridge.link.v1.Availability/" + (plain or "x")):
            act(lambda: ch.unary_unary(service)(word.encode("utf-8", "replace"), timeout=5))
    return answered


def is_asked(b):
    """As a server, with each word in each field; how many mailboxes were asked about."""
    people = [f"{how}@x.example" for how in ("good", "mailbox", "merged", "abort")]
    for word in EVIL:
        Evil.word = word
        for one in people:
            b.ask(one)
    return len(EVIL) * len(people)


def jq(text, what):
    """Each line as jq takes it, a line for a line."""
    lines = text.strip("\n").split("\n")
    r = subprocess.run(["jq", "-c", "."], input=text, capture_output=True, text=True)
    same((r.returncode, r.stdout.count("\n"), r.stderr[:200]), (0, len(lines), ""), f"jq reads {what}")
    return [json.loads(line, object_pairs_hook=sites.once) for line in lines]


def reads(b, asked, answered):
    """Log and audit agree on every mailbox that anybody asked about, and have no more."""
    def mailboxes():
        return [r for r in (json.loads(line) for line in b.records()) if r["event"] == "mailbox" and r["requester"] == f"anna@{b.domain}"]

    until(lambda: len(mailboxes()) >= asked, "a line for each mailbox that was asked about")
    log = jq(b.log(), "the log")
    audit = jq(b.run("audit", "show", "--kind", "query", "--json"), "the audit")
    lines, records = ([r for r in rows if not r["target"].startswith("availbridge-doctor@")] for rows in ([r for r in log if r["event"] == "mailbox"], audit))
    both = [collections.Counter(r[i] for r in rows) for i, rows in (("request-id", lines), ("id", records))]
    same(sorted(both[0] - both[1]), [], "each line has its record")
    without = [r for r in records if r["id"] in both[1] - both[0]]
    same({r["result"] for r in without} - {"not-allowed"}, set(), "a record without a line is one of a refused question, of which there are too many")
    counted = collections.Counter(r["direction"] for r in records)
    same(counted["out"], asked, "mailboxes that the peer was asked about")
    check(counted["in"] >= answered > 100, f"mailboxes that the peer asked about: {counted['in']}, {answered}")
    same([r for r in log if r["event"] == "login" and r.get("account") == "boss"], [], "no line was made by those who are in it")
    check(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", b.log_path.read_bytes()), "no byte of the log steers a terminal")
    b.run("audit", "verify")


def people_read(b):
    for verb in (["status"], ["audit", "show"], ["doctor"], ["peer", "show", "site-x"], ["status", "--json"]):
        said = b.run(*verb, code=None) + b.stderr
        same(sorted({hex(ord(c)) for c in STEERS.findall(said)}), [], f"{verb} steers no terminal")
        check(not re.search("(?m)^.?time=2026-01-01", said), f"{verb}: no line of somebody else's making")


with tempfile.TemporaryDirectory() as folder, sites.pair({}, {"query_deadline": "2 s"}, start=False) as (a, b):
    stranger, cert = Identity.make(folder, "stranger.invalid"), (b.dir / "identity.pem").read_bytes()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    rpc.add_AvailabilityServicer_to_server(Evil(), server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(stranger.key, stranger.cert)], root_certificates=cert, require_client_auth=True))
    server.start()
    b.run("peer", "add", "site-x", "--endpoint", f"127.0.0.1:{port}", "--pin", stranger.pin(), "--domain", "x.example")
    b.run("peer", "set", "site-x", "--free-busy-access-enabled", "yes", "--free-busy-access-level", "LimitedDetails")
    for direction in ("in", "out"):
        b.rule("site-x", direction, "*", "*", "LimitedDetails")
    b.calendar("bob", ("20260302T090000Z", "20260302T100000Z"))
    b.set("log_format", "json")
    b.set("log_level", "debug")
    b.start()
    b.up()
    with channel(f"127.0.0.1:{b.link}", stranger, b.dir / "identity.pem") as ch:
        answered = asks(b, ch)
    for word in (w for w in EVIL if w not in ("\0", "a" * 300)):  # each greets a link of its own; behind those two there is none, for which doctor waits
        Evil.word = word
        b.run("reload")
        until(lambda: Evil.greeted == word, "a greeting")
        people_read(b)
    reads(b, is_asked(b), answered)
    check(Evil.calls > 0, "the peer was asked")
    people_read(b)
    server.stop(0)
sites.finish()
