"""What a query costs, A and B together, against pairs of reverse proxies that move the same bytes."""
import contextlib
import datetime
import http.client
import http.server
import ssl
import threading

import bridged
import documents
import measure
import rivals
from sites import Made, free_ports, until


class Asker:
    """One connection that is kept, to whatever listens at the port: who answers is decided by what it answers."""

    def __init__(self, contestant):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection("127.0.0.1", contestant.port, context=context, timeout=30)
        self.head = {"Content-Type": "text/xml; charset=utf-8", "Authorization": contestant.login}

    def close(self):
        self.connection.close()

    def ask(self, numbers):
        self.connection.request("POST", "/EWS/Exchange.asmx", body=documents.request([documents.person(n) for n in numbers]), headers=self.head)
        r = self.connection.getresponse()
        text = r.read()
        if r.status != 200:
            raise RuntimeError(f"HTTP {r.status} {text[:300]!r}")
        return text


def verify(contestant, boxes, about=None):
    """Every request that the load will send is answered with what it must say (always the same ${about}, if given); notes how long the answers are."""
    lengths = set()
    with contextlib.closing(Asker(contestant)) as asker:
        for first in range(0, contestant.people, boxes):
            asked = [(first + i) % contestant.people for i in range(boxes)]
            text = asker.ask(asked)
            if not documents.is_right(text, about or asked):
                raise RuntimeError(f"{contestant.name}: a wrong answer about {asked[:3]}...: {text[:2000].decode()}")
            lengths.add(len(text))
    if len(lengths) != 1:
        raise RuntimeError(f"{contestant.name}: the answers differ in length: {lengths}")
    contestant.length = lengths.pop()


def template(folder, boxes):
    """The body from which load.lua makes its requests."""
    path = folder / f"request-{boxes}.xml"
    path.write_text(documents.request(["person.number0000@b.example"] * boxes))
    return path


def note_all(at, contestants, seen, plan):
    """The rows of one size: CPU of each against the nginx pair's; with the backend alone among those seen, the latency that each adds to it."""
    base = [us for us, _ in seen["nginx"]]
    for c in (c for c in contestants if c.name != "nginx"):
        ours = [us for us, _ in seen[c.name]]
        plan.note(at if c.name == "bridge" else f"{c.name}-{at}", *measure.ratio(ours, base), f"{min(ours):.0f} us of CPU a query at the least")
    if "direct" in seen:
        added = {c.name: [p50 - d for (_, p50), (_, d) in zip(seen[c.name], seen["direct"])] for c in contestants}
        plan.note(f"p50-{at}", *measure.ratio(added["bridge"], added["nginx"]), f"the nginx pair adds {min(added['nginx']):.0f} us")


def compare(kind, contestants, direct, boxes, body, plan):
    for connections in (16,) if kind == "batch" else (1, 16):
        everybody = contestants + ([direct] if connections == 1 else [])

        def run(c):
            return c.run(body, boxes, connections, plan.seconds)

        measure.in_turns(everybody, 1, run)  # warm
        note_all(f"{kind}-{boxes}box-{connections}conn", contestants, measure.in_turns(everybody, plan.rounds, run), plan)


def lengths():
    """Of the requests that the load sends, by how many mailboxes they ask about."""
    return {boxes: len(documents.request([documents.person(0)] * boxes)) for boxes in (1, 10, 100)}


def others(servers, backend, login, people, haproxy):
    """The proxies in front of the backend, and the backend itself."""
    found = [measure.Contestant("nginx", *servers.nginx_pair(backend), login, people)]
    if haproxy:
        found.append(measure.Contestant("haproxy", *servers.haproxy_pair(backend), login, people))
    return found, measure.Contestant("direct", backend, [], login, people)


def hits(plan):
    """Site B answers from calendar files that it has read before."""
    people = 200 if plan.quick else 1000
    folder = plan.place("hit")
    with bridged.pair(people=people) as (a, b), contextlib.closing(rivals.Servers(folder)) as servers:
        bridge = bridged.contestant("bridge", a, b, people)
        for boxes in lengths():
            with contextlib.closing(Asker(bridge)) as asker:  # the pairs move what the bridge answers
                (folder / f"answer-{boxes}.xml").write_bytes(asker.ask(range(boxes)))
        proxies, direct = others(servers, servers.backend(folder, lengths()), bridge.login, people, haproxy=not plan.quick)
        bare = [] if plan.quick else [measure.Contestant("bare", *servers.bare_pair(folder, lengths()), bridge.login, people)]
        for boxes in plan.boxes:
            verify(bridge, boxes)
            for c in [*proxies, *bare, direct]:
                verify(c, boxes, range(boxes))
            compare("hit", [bridge, *(proxies if boxes == 1 else proxies[:1]), *bare], direct, boxes, template(folder, boxes), plan)


# ---- from an EWS backend ----

class Taster(Made):
    """A backend that notes how long the bridge's own requests are."""
    seen = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        boxes = body.count(b"<t:Address>")
        self.seen[boxes] = len(body)
        self.say(200, documents.exchange_reply(boxes, datetime.timedelta()).encode(), Content_Type="text/xml; charset=utf-8")


def bridge_lengths(bridge, port, certs):
    """The length of the bridge's request to its backend at ${port}, for each number of mailboxes that it may hold."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Taster)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "backend.pem", certs / "backend.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with contextlib.closing(Asker(bridge)) as asker:
        for boxes in (1, 2):
            until(lambda: documents.is_right(asker.ask(range(boxes)), [0] * boxes) and boxes in Taster.seen, f"the bridge asks about {boxes}")
    server.shutdown()
    server.server_close()
    step = Taster.seen[2] - Taster.seen[1]
    return {boxes: Taster.seen[1] + (boxes - 1) * step for boxes in range(1, 101)}


def serve(site, port, certs, batch):
    """Its people are at the EWS backend at ${port}; nothing is kept, and questions are gathered up to ${batch} mailboxes."""
    (site.dir / "backends.d").mkdir(exist_ok=True)
    (site.dir / "backends.d/exchange.conf").write_text(
        f"type ews\nurl https://localhost:{port}/EWS/Exchange.asmx\nauth none\nserves {site.domain}\nca-file {certs}/ca.pem\ncache 0\n"
        f"concurrency 16\nbatch {batch}\n")
    if site.process:
        site.run("reload")


def misses(plan):
    """Every answer is fetched anew from a backend, which the pairs reach too. A query's mailboxes go together; batch-*: those of other queries with them."""
    people = 200 if plan.quick else 4000  # more than can be asked about at once: identical questions in flight would share an answer
    folder = plan.place("miss")
    (folder / "bridge").mkdir()
    for boxes in range(1, 101):
        (folder / f"answer-{boxes}.xml").write_text(documents.exchange_reply(boxes))
        (folder / f"bridge/answer-{boxes}.xml").write_text(documents.exchange_reply(boxes, datetime.timedelta()))
    port, = free_ports(1)
    with contextlib.closing(rivals.Servers(folder)) as servers, bridged.pair(lambda a, b: serve(b, port, servers.certs, 100)) as (a, b):
        bridge = bridged.contestant("bridge", a, b, people)
        servers.backend(folder / "bridge", bridge_lengths(bridge, port, servers.certs), port)
        backend = servers.backend(folder, lengths())
        proxies, direct = others(servers, backend, bridge.login, people, haproxy=False)
        bare = [] if plan.quick else [measure.Contestant("bare", *servers.bare_pair(folder, lengths(), backend), bridge.login, people)]
        for boxes in plan.boxes[:1] if plan.quick else plan.boxes:
            for batch in (boxes, 100) if boxes == 1 and not plan.quick else (boxes,):
                serve(b, port, servers.certs, batch)
                for c in [bridge, *proxies, *bare, direct]:
                    verify(c, boxes, [0] * boxes)
                compare("miss" if batch == boxes else "batch", [bridge, *proxies, *bare], direct, boxes, template(folder, boxes), plan)
