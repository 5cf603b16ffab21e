"""Files that mean harm, and lines that are none: each costs its own line an error at most, soon, and the lines around it nothing."""
import json
import os
import pathlib
import subprocess
import time


def calendar(body):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n".replace("\r\n", "\n").replace("\n", "\r\n")


def event(lines, start="20260302T080000Z"):
    return f"BEGIN:VEVENT\nUID:1\nDTSTART:{start}\nDURATION:PT1H\n{lines}END:VEVENT\n"


def zone(lines):
    return "BEGIN:VTIMEZONE\nTZID:X\n" + lines + "END:VTIMEZONE\n" + "BEGIN:VEVENT\nDTSTART;TZID=X:20260302T080000\nDURATION:PT1H\nEND:VEVENT\n"


STANDARD = "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nRRULE:FREQ=%s\nEND:STANDARD\n"
GOOD = [["2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", "BUSY"]]
# name -> (text, what must come: intervals, or a part of the error sentence)
FILES = {
    "second by second": (calendar(event("RRULE:FREQ=SECONDLY;COUNT=2147483647\n")), "line 3: this series has more occurrences"),
    "never matching": (calendar(event("RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n")), GOOD),
    "counted from the year 1": (calendar(event("RRULE:FREQ=MINUTELY;COUNT=999999999;BYDAY=MO\n", "00010101T000000Z")), "line 7: working out this recurrence"),
    "a zone by the second": (calendar(zone(STANDARD % "SECONDLY")), "this VTIMEZONE has more than"),
    "10,000 parts of a zone": (calendar(zone(STANDARD % "YEARLY" * 10000)), "this VTIMEZONE has more than"),
    "a line of 10 MB": (calendar(event("SUMMARY:" + "x" * 10_000_000 + "\n")), "line 7: this line is longer than"),
    "5,000,000 folds": (calendar(event("SUMMARY:x" + "\n x" * 5_000_000 + "\n")), "line 7: this line is longer than"),
    "500,000 alarms": (calendar(event("BEGIN:VALARM\nEND:VALARM\n" * 500_000)), GOOD),
    "1,000,000 attendees": (calendar(event("ATTENDEE:mailto:a@b.example\n" * 1_000_000)), GOOD),
    "100,000 dense events": (calendar(event("RRULE:FREQ=SECONDLY;INTERVAL=7;BYMONTH=1\n") * 100_000), GOOD),
    "long list, long parameters": (calendar(event("EXDATE" + ";X=1" * 100_000 + ";TZID=Europe/Berlin:" + ",".join(["20260303T080000"] * 30_000) + "\n")), GOOD),
    "every time of the day": (calendar(event("RRULE:FREQ=YEARLY;BYMONTH=2;BYHOUR=%s;BYMINUTE=%s;BYSECOND=%s\n" % tuple(
        ",".join(map(str, range(n))) for n in (24, 60, 60))) * 20_000), "working out this recurrence"),
    "every override of every series": (calendar("".join(event("") + event(f"RECURRENCE-ID:20260302T08{i % 60:02}{i // 60 % 60:02}Z\n") for i in range(50_000))),
                                       "working out this recurrence"),
    "deep": ("BEGIN:VCALENDAR\r\n" + "BEGIN:X-DEEP\r\n" * 100_000, "nested more than"),
    "calendars in calendars": ("BEGIN:VCALENDAR\r\n" * 100_000, "line 2: this may not begin inside"),
    "empty": ("", "there is no BEGIN:VCALENDAR"),
    "zero bytes": ("\0" * 100_000, "this is not an iCalendar file"),
    "zero byte in a name": (calendar("BEGIN:VEVENT\0\0\0\nEND:VEVENT\n"), "no BEGIN"),
    "cut off": (calendar(event(""))[:-15], "the file is cut off"),
    "web page": ("<html><body>BEGIN:VCALENDAR</body></html>", "this is not an iCalendar file"),
    "unknown zone": (calendar(event("").replace("DTSTART:", "DTSTART;TZID=Mars/Olympus:").replace("Z\n", "\n")), 'line 5: the time zone "Mars/Olympus" is not known'),
}
LINES = [  # the line, what must come
    ("only-an-id", "a line is"),
    ("no-such-file\t/nonexistent/x.ics\t2026-03-02\t2026-03-03\tUTC", "there is no such file"),
    ("a-folder\t/\t2026-03-02\t2026-03-03\tUTC", "cannot be read"),
    ("no-zone\t{good}\t2026-03-02\t2026-03-03\tMars", 'no time zone "Mars"'),
    ("no-time\t{good}\tsoon\t2026-03-03\tUTC", 'the start "soon"'),
    ("no-window\t{good}\t2026-03-03\t2026-03-02\tUTC", "is not before the end"),
    ('quote"and\\slash\t{good}\t2026-03-02\t2026-03-03\tUTC', GOOD),
    ("forever\t{good}\t0001-01-01\t9999-12-31\tUTC", "the answer is too long"),
    ("a-pipe\t{fifo}\t2026-03-02\t2026-03-03\tUTC", "it is no regular file"),
    ("a-device\t/dev/zero\t2026-03-02\t2026-03-03\tUTC", "it is no regular file"),
    ("a-loop\t{loop}\t2026-03-02\t2026-03-03\tUTC", "it cannot be read"),
    ("100 MB\t{large}\t2026-03-02\t2026-03-03\tUTC", "larger than 64 MiB"),
    ("\t{good}\t2026-03-02\t2026-03-03\tUTC\r", GOOD),
    ("control \x01\x1b\t{good}\t2026-03-02\t2026-03-03\tUTC", GOOD),
    ("too-much\t{good}\t2026-03-02\t2026-03-03\tUTC\tmore", "no time zone"),
    ("zoned\t{good}\t2026-03-02T09:00:00\t2026-03-02T09:30:00\tEurope/Berlin", [["2026-03-02T08:00:00Z", "2026-03-02T08:30:00Z", "BUSY"]]),
    ("offset\t{good}\t2026-03-02T09:30:00+01:00\t2026-03-03\t", [["2026-03-02T08:30:00Z", "2026-03-02T09:00:00Z", "BUSY"]]),
]


def run(program, folder):
    """(passed, sentences of what failed)"""
    good = pathlib.Path(folder, "good.ics")
    good.write_text(calendar(event("")))
    odd = {name: pathlib.Path(folder, name + ".ics") for name in ("fifo", "loop", "large")}
    os.mkfifo(odd["fifo"])
    odd["loop"].symlink_to(odd["loop"])
    odd["large"].touch()
    os.truncate(odd["large"], 100 << 20)
    lines, wants = [], []
    for i, (name, (text, want)) in enumerate(FILES.items()):
        path = pathlib.Path(folder, f"hostile-{i}.ics")
        path.write_bytes(text.encode())
        lines += [f"{name}\t{path}\t2026-03-01\t2026-04-10\tUTC", f"after {name}\t{good}\t2026-03-01\t2026-04-10\tUTC"]
        wants += [want, GOOD]
    for line, want in LINES:
        lines.append(line.format(good=good, **odd))
        wants.append(want)
    began = time.monotonic()
    out = subprocess.run([program, "freebusy", "--batch"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=300).stdout
    took = time.monotonic() - began
    answers = [json.loads(a) for a in out.splitlines()]
    bad = [] if len(answers) == len(lines) else [f"{len(lines)} lines got {len(answers)} answers"]
    for line, want, answer in zip(lines, wants, answers):
        ident = line.split("\t")[0]
        fits = answer.get("intervals") == want if isinstance(want, list) else want in answer.get("error", "")
        if answer.get("id") != ident or not fits or list(answer)[0] != "id":
            bad.append(f"{ident}: wanted {want}, got {str(answer)[:200]}")
    if took > 250:
        bad.append(f"the hostile batch took {took:.0f} s")
    print(f"calendars: hostile batch in {took:.1f} s")
    return len(lines) + 2 - len(bad), bad
