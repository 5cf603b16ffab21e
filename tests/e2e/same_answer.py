"""Unknown, hidden and denied are one answer: thousands of shuffled requests, each answer compared byte by byte, at the client's own site
and across the link; and the login's refusal is one answer too. How well the time tells two kinds apart is printed (0.50: not at all)
and never judged: a shared machine's clock proves nothing."""
import base64
import collections
import http.client
import os
import random
import re
import time

import sites
from sites import check, same

ROUNDS = int(os.environ.get("ROUNDS", "400"))
KINDS = ("nobody", "hidden", "denied")


def auc(first, second):
    """How often a value of the first is above one of the second."""
    ranked = sorted([(v, 0) for v in first] + [(v, 1) for v in second])
    above = sum(i + 1 for i, (_, which) in enumerate(ranked) if which == 0)
    return (above - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


class Asker:
    """One connection that is kept."""

    def __init__(self, site, user, password, source="127.0.0.1"):
        self.c = http.client.HTTPSConnection("localhost", site.front, context=site.context(), timeout=30, source_address=(source, 0))
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.head = {"Content-Type": "text/xml", "Authorization": "Basic " + word}

    def ask(self, body):
        began = time.perf_counter()
        self.c.request("POST", "/EWS/Exchange.asmx", body=body, headers=self.head)
        r = self.c.getresponse()
        text = r.read()
        took = time.perf_counter() - began
        head = [(k, v) for k, v in r.getheaders() if k.lower() not in ("date", "request-id")]
        return (r.status, tuple(head), re.sub(rb"[0-9a-f]{32}", b"ID", text)), took


def compare(what, asker, domain, view):
    bodies = {kind: sites.request([f"{kind}@{domain}"], view=view).encode() for kind in KINDS}
    seen, times = collections.defaultdict(set), collections.defaultdict(list)
    order = [kind for kind in KINDS for _ in range(ROUNDS)]
    random.shuffle(order)
    for kind in order:
        answer, took = asker.ask(bodies[kind])
        seen[kind].add(answer)
        times[kind].append(took)
    check(len(set.union(*seen.values())) == 1, f"{what}, {view}: one answer, byte for byte, not {len(set.union(*seen.values()))}")
    check(all(b"ErrorNoFreeBusyAccess" in answer[2] for answers in seen.values() for answer in answers), f"{what}: the code")
    for kind in KINDS[1:]:
        print(f"{what}, {view}: time tells nobody from {kind} with AUC {auc(times['nobody'], times[kind]):.3f}")


EVENT = ("20260302T090000", "20260302T100000", {"SUMMARY": "Merger"})
with sites.pair(start=False) as (a, b):
    for site, other in ((a, b), (b, a)):
        for who in ("hidden", "denied", "seen"):
            site.calendar(who, *[EVENT] * 20)
        for peer in ("local", other.name):
            site.run("rule", "add", "--peer", peer, "--direction", "in", "--requester", "*", "--target", f"denied@{site.domain}",
                     "--level", "None", "--position", "1")
        text = site.config.read_text()
        site.config.write_text(re.sub(r"(?m)^[# ]*hidden\s*=.*$", f'hidden = ["hidden@{site.domain}"];', text, count=1))
        site.start()
    a.up(), b.up()
    asker = Asker(a, "anna", a.password)
    for domain in (a.domain, b.domain):
        answer, _ = asker.ask(sites.request([f"seen@{domain}"]).encode())
        check(b"NoError" in answer[2] and (domain == a.domain or b"Merger" in answer[2]), f"who may be seen is seen at {domain}")
        compare("at the own site" if domain == a.domain else "across the link", asker, domain, "DetailedMerged")
    compare("across the link", asker, b.domain, "FreeBusy")

    # In one request, among others, each in its place: the same for each kind.
    answers = {kind: asker.ask(sites.request([f"seen@{b.domain}", f"{kind}@{b.domain}", f"{kind}@{a.domain}"]).encode())[0] for kind in KINDS}
    same(len(set(answers.values())), 1, "one answer among others")

    # A login that fails says nothing of whether there is such an account. Each from an address of its own, since those that go on failing are slowed.
    body, seen, times = sites.request([f"seen@{a.domain}"]).encode(), set(), collections.defaultdict(list)
    order = ["anna", "nobody", "ANNA", f"anna@{a.domain}", f"nobody@{a.domain}"] * 6
    random.shuffle(order)
    for i, user in enumerate(order):
        answer, took = Asker(a, user, "not the password", f"127.0.1.{i + 1}").ask(body)
        seen.add(answer)
        times["nobody" in user].append(took)
    same(len(seen), 1, "one refusal, byte for byte")
    check(next(iter(seen))[0] == 401, "and it is 401")
    print(f"time tells an account from none with AUC {auc(times[False], times[True]):.3f}")
    for word in ("Merger", a.password, "not the password"):
        check(word not in a.log() + b.log(), f"no {word} in any log")
sites.finish()
