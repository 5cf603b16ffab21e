"""What a query costs, A and B together, against pairs of reverse proxies that move the same bytes."""
import contextlib
import http.client
import ssl

import bridged
import documents
import measure
import rivals


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
    for c in contestants:
        ours = [us for us, _ in seen[c.name]]
        plan.note(at if c.name == "bridge" else f"{c.name}-{at}", *measure.ratio(ours, base), f"{min(ours):.0f} us of CPU a query at the least")
    if "direct" in seen:
        added = {c.name: [p50 - d for (_, p50), (_, d) in zip(seen[c.name], seen["direct"])] for c in contestants}
        plan.note(f"p50-{at}", *measure.ratio(added["bridge"], added["nginx"]), f"the nginx pair adds {min(added['nginx']):.0f} us")


def compare(kind, contestants, direct, boxes, body, plan):
    for connections in (1, 16):
        everybody = contestants + ([direct] if connections == 1 else [])

        def run(c):
            return c.run(body, boxes, connections, plan.seconds)

        measure.in_turns(everybody, 1, run)  # warm
        note_all(f"{kind}-{boxes}box-{connections}conn", contestants, measure.in_turns(everybody, plan.rounds, run), plan)


def hits(plan):
    """Site B answers from calendar files that it has read before."""
    people = 200 if plan.quick else 1000
    folder = plan.folder / "hit"
    with bridged.pair(people=people) as (a, b), contextlib.closing(rivals.Servers(folder)) as servers:
        bridge = bridged.contestant("bridge", a, b, people)
        backend = servers.backend(folder)
        direct = measure.Contestant("direct", backend, [], bridge.login, people)
        others = [measure.Contestant("nginx", *servers.nginx_pair(backend), bridge.login, people)]
        if not plan.quick:
            others.append(measure.Contestant("haproxy", *servers.haproxy_pair(backend), bridge.login, people))
        for boxes in (1, 100) if plan.quick else (1, 10, 100):
            verify(bridge, boxes)
            with contextlib.closing(Asker(bridge)) as asker:  # the pairs move what the bridge answers
                (folder / f"answer-{boxes}.xml").write_bytes(asker.ask(range(boxes)))
            for c in others + [direct]:
                verify(c, boxes, range(boxes))
            compare("hit", [bridge] + others, direct, boxes, template(folder, boxes), plan)
