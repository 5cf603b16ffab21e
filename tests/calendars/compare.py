#!/usr/bin/python3
"""Random calendars through `availbridge freebusy --batch`, held against two other engines.

compare.py PROGRAM [COUNT [FIRST-SEED]]      COUNT calendars of generate.py and half as many of exports.py against naive.py, and against
                                             recurring_ical_events where that follows the RFC; COUNT rules of rules.py and half as many
                                             calendars of forms.py against what these say themselves; the files of hostile.py, and COUNT of
                                             unknown.py
compare.py PROGRAM --seed N|exports-N|rules-N|forms-N  one calendar, with all answers
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import engine
import exports
import forms
import generate
import hostile
import naive
import rules
import unknown

warnings.filterwarnings("ignore")


def make(seed):
    """(the file, the same for the other engines, window, zone, what must come if that is known beside the text)"""
    if seed.startswith("rules-"):
        text, start, end, want = rules.calendar(seed[6:])
        return text.encode(), text, start, end, "UTC", want
    if seed.startswith("forms-"):
        text, *rest = forms.calendar(seed[6:])
        return text.encode(), text, *rest
    if seed.startswith("exports-"):
        return *exports.calendar(seed[8:]), None
    text, *rest = generate.calendar(int(seed))
    return text.encode(), text, *rest, None


def ask(program, cases, folder):
    lines = []
    for seed, (written, _, start, end, zone, _) in cases.items():
        path = pathlib.Path(folder, f"{seed}.ics")
        path.write_bytes(written)
        lines.append(f"{seed}\t{path}\t{start:%Y-%m-%dT%H:%M:%SZ}\t{end:%Y-%m-%dT%H:%M:%SZ}\t{zone}\n")
    out = subprocess.run([program, "freebusy", "--batch"], input="".join(lines), capture_output=True, text=True, check=True).stdout
    return {answer["id"]: answer for answer in map(json.loads, out.splitlines())}


def main():
    program, rest = sys.argv[1], sys.argv[2:]
    only = rest[1] if rest[:1] == ["--seed"] else None
    count, first = int(rest[0]) if rest and not only else 2000, int(rest[1]) if rest[1:] and not only else 1
    seeds = [only] if only else [f"{i}" for i in range(first, first + count)] + [f"exports-{i}" for i in range(first, first + count // 2)]
    seeds += [] if only else [f"rules-{i}" for i in range(first, first + count)] + [f"forms-{i}" for i in range(first, first + count // 2)]
    cases = {seed: make(seed) for seed in seeds}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(program, cases, folder)
        took = time.monotonic() - began
        passed, harmed = (0, []) if only else hostile.run(program, folder)
        answered, changed = (0, []) if only else unknown.run(program, folder, range(first, first + count))
    passed, harmed = passed + answered - len(changed), harmed + changed
    failed = len(harmed) + (not only and not answered)
    print(*(f"calendars: {sentence}" for sentence in harmed), sep="\n")
    skipped, bad = collections.Counter(), []
    for seed, (written, text, start, end, zone, known) in cases.items():
        got = answers.get(seed, {})
        want = naive.freebusy(text, start, end, zone) if known is None else known
        ok = got.get("intervals") == want and got.get("merged") == naive.digits(want, start, end, 30)
        why = engine.deviates(text, end) if known is None else f"{seed.split('-')[0]} are worked out where they are made"
        third = None
        if why:
            skipped[why] += 1
        else:
            third = engine.freebusy(text, start, end, zone)
            ok = ok and third == want
        passed += ok
        failed += not ok
        if not ok:
            bad.append(seed)
        if only:
            print(written.decode(errors="replace").replace("\r", ""), text.replace("\r", ""), f"window {start} {end} {zone}", f"ours   {got}", f"wanted {want}", f"engine {why or third}", sep="\n")
    for why, n in skipped.most_common():
        print(f"calendars: {n} not put to recurring_ical_events: {why}")
    if bad:
        print("calendars: differing seeds (see them with --seed N):", " ".join(bad[:40]))
    print(f"calendars: {len(cases)} in {took:.1f} s")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
