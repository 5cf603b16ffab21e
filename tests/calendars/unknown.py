"""Calendars in which some times are in a zone that nobody knows: of one that is answered all the same that zone must not matter."""
import datetime as dt
import json
import pathlib
import random
import re
import subprocess

import generate

OFFSETS = [None, "-1200", "+0000", "+1400"]
ZONE = "BEGIN:VTIMEZONE\r\nTZID:Mars\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nTZOFFSETFROM:{0}\r\nTZOFFSETTO:{0}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"


def calendar(seed):
    """(text, start and end of the window, zone of floating times), or None if no time of that calendar names a zone."""
    r = random.Random(f"unknown {seed}")
    text, start, end, zone = generate.calendar(seed)
    named = sorted(set(re.findall(r"^(?:DTSTART|DTEND|RDATE|EXDATE)[^:\r\n]*;TZID=([^:;\r\n]+)", text, re.M)))
    if not named:
        return None
    shift = dt.timedelta(days=r.choice([0, 0, 30, 100, 400, -50, 1000]))
    return text.replace(f"TZID={r.choice(named)}", "TZID=Mars"), start + shift, end + shift, zone


def run(program, folder, seeds):
    """(how many were answered, sentences about those whose answer the zone would change)"""
    lines = []
    for seed in seeds:
        made = calendar(seed)
        for offset in OFFSETS if made else []:
            text, start, end, zone = made
            path = pathlib.Path(folder, f"unknown-{seed}{offset}.ics")
            path.write_text(text.replace("BEGIN:VEVENT", (ZONE.format(offset) if offset else "") + "BEGIN:VEVENT", 1), newline="")
            lines.append(f"{seed} {offset}\t{path}\t{start:%Y-%m-%dT%H:%M:%SZ}\t{end:%Y-%m-%dT%H:%M:%SZ}\t{zone}\n")
    out = subprocess.run([program, "freebusy", "--batch"], input="".join(lines), capture_output=True, text=True, check=True).stdout
    answers = {answer["id"]: answer.get("intervals") for answer in map(json.loads, out.splitlines())}
    answered = [id.split()[0] for id, intervals in answers.items() if id.endswith(" None") and intervals is not None]
    wrong = [seed for seed in answered if any(answers[f"{seed} {offset}"] != answers[f"{seed} None"] for offset in OFFSETS)]
    return len(answered), [f"seed {seed} is answered, and otherwise if its unknown zone is known" for seed in wrong]
