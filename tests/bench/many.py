"""10,000 mailboxes with 570,000 events: how long the first answer of one takes that was never read, and what it takes to have read them all."""
import datetime
import statistics
import time

import bridged
import documents
import measure
import queries

EVENTS = 57
COLD = 200


def rest(number):
    """Events outside of the days that are asked about: one or two a working day for some weeks."""
    start = datetime.datetime.combine(documents.DAY, datetime.time(9, number % 60))
    return [(start + datetime.timedelta(days=3 + i // 2, hours=i % 2 * 3), start + datetime.timedelta(days=3 + i // 2, hours=i % 2 * 3 + 1)) for i in range(EVENTS - 4)]


def many(plan):
    people = 1000 if plan.quick else 10000

    def prepare(a, b):
        for n in range(people):
            (b.calendars / f"{documents.person(n)}.ics").write_text(documents.calendar(n, rest(n)))

    with bridged.pair(prepare) as (a, b):
        c = bridged.contestant("bridge", a, b, people)
        asker = queries.Asker(c)
        asker.ask([0])
        took = []
        for n in range(1, COLD + 1):
            began = time.perf_counter()
            text = asker.ask([n * (people // COLD) - 1])
            took.append((time.perf_counter() - began) * 1000)
            if not documents.is_right(text, [n * (people // COLD) - 1]):
                raise RuntimeError("a wrong answer")
        plan.note("cold-ms", statistics.median(took), min(took), f"ms until the first answer of a mailbox with {EVENTS} events")
        before, at_b = measure.cpu(c.pids), measure.cpu([b.process.pid])
        for first in range(0, people, 100):
            asked = list(range(first, first + 100))
            if not documents.is_right(asker.ask(asked), asked):
                raise RuntimeError("a wrong answer")
        loaded, at_b = (measure.cpu(c.pids) - before) / 1e9, (measure.cpu([b.process.pid]) - at_b) / 1e9
        memory = measure.resident([b.process.pid]) / 1024
        plan.note("load-cpu-seconds", loaded, at_b, f"CPU-seconds of A and B (B alone) until all {people} mailboxes are read")
        plan.note("load-mib", memory, memory, "MiB that site B has then")
        asker.close()
