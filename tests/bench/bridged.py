"""The bridge under test: two sites with everything on (login, rules, budgets, audit, log), one worker of each kind."""
import base64
import contextlib
import os
import pathlib

import documents
import measure
import sites

SETTINGS = {"calendar_workers": 1, "login_workers": 1, "max_connections_per_address": 2000}  # one bridge is the default
A_MINUTE, A_DAY = 100000000, 1000000  # a benchmark asks more than any budget would let it: they are on, and as high as they may be


def settle(site):
    for name, value in SETTINGS.items():
        site.set(name, value)
    for who in ("person", "organisation", "peer"):
        site.set(f"budget_{who}_per_minute", A_MINUTE)
        site.set(f"budget_{who}_targets_per_day", A_DAY)


@contextlib.contextmanager
def pair(prepare=None, people=0):
    """Two running sites; ${prepare}(a, b) is called before they start. ${people} have calendars at site b."""
    with sites.pair(start=False, rules=False) as (a, b):
        for site, other in ((a, b), (b, a)):
            settle(site)
            for direction in ("out", "in"):
                site.rule(other.name, direction, "*", "*", "AvailabilityOnly")
        for n in range(people):
            b.calendar(f"person.number{n:04}", text=documents.calendar(n))
        if prepare:
            prepare(a, b)
        start(a, b)
        yield a, b


def start(*both):
    """On the servers' processor."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, measure.SERVERS)
    for site in both:
        site.start()
    os.sched_setaffinity(0, mine)
    for site in both:
        site.up()


def login(site):
    return "Basic " + base64.b64encode(f"anna:{site.password}".encode()).decode()


def contestant(name, a, b, people):
    return measure.Contestant(name, a.front, [a.process.pid, b.process.pid], login(a), people)
