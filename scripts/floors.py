"""The house rules that a machine can hold: see scripts/floors.sh."""
import pathlib
import re
import sys

FLOORS = [
    ["bridge/base"],
    ["bridge/availability", "bridge/conf", "bridge/dns", "pki"],
    ["bridge/address_space", "bridge/acl", "bridge/audit", "bridge/budget"],
    ["bridge/ews", "bridge/login", "bridge/trace"],
    ["bridge/front", "bridge/link", "bridge/pairing", "bridge/backend", "bridge/directory", "bridge/proxy"],
    ["bridge/process"],
    ["bridge/ctl"],
    ["bridge"],
]
# Rooms of one floor that may see a neighbour: settings are spelled in the trade's words, a recording retells XML.
NEIGHBOURS = {"bridge/conf": ["bridge/availability", "pki"], "bridge/trace": ["bridge/ews"]}
LIBRARIES = {
    r"openssl/": "pki",
    r"libxml/": "bridge/ews",
    r"gssapi/": "bridge/directory bridge/login",
    r"libconfig\.h": "bridge/conf",
    r"nghttp2/|protobuf-c|link\.pb-c\.h": "bridge/link",
    r"unicode/": "bridge/availability",
    r"event2/": "bridge/base",
    r"ares\.h": "bridge/dns",
    r"ldap\.h|lber\.h|sasl/": "bridge/directory",
    r"krb5\.h": "bridge/backend bridge/directory bridge/login",  # tickets got, and tickets taken
    r"curl/": "bridge/backend",
    r"seccomp\.h|linux/landlock\.h": "bridge/process",
}
floor_of = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
problems = []


def check_includes(path, text):
    room = str(path.parent)
    for number, line in enumerate(text.splitlines(), 1):
        own = re.match(r'#include "(.+)"', line)
        lib = re.match(r"#include [<\"](.+)[>\"]", line)
        if own and "/" in own.group(1):
            other = str(pathlib.Path(own.group(1)).parent)
            allowed = other == room or floor_of[other] < floor_of[room] or other in NEIGHBOURS.get(room, [])
            if not allowed:
                problems.append(f"{path}:{number}: {room} may not include {own.group(1)}: it is not downstairs")
        if lib:
            for pattern, home in LIBRARIES.items():
                if re.match(pattern, lib.group(1)) and room not in home.split():
                    problems.append(f"{path}:{number}: {lib.group(1)} belongs to {home.replace(' ', ' and ')}")


def check_comments(path, text):
    lines = text.splitlines()
    for i, line in enumerate(lines):
        starts = re.match(r"[a-z][\w ]*[\w *]\b\w+\(", line) and not line.startswith(("typedef", "return", "static inline"))
        if starts and not lines[i - 1].rstrip().endswith("*/"):
            problems.append(f"{path}:{i + 1}: this prototype has no comment above it")


def check_page(path):
    """The floors as docs/architecture.md tells them are the floors that are checked here."""
    told = re.findall(r"(?m)^    floor (\d)  (\S+(?: \S+)*)", path.read_text())
    for number, names in told:
        rooms = {n if n == "pki" else "bridge" if n == "main.c" else f"bridge/{n}" for n in names.split()}
        if rooms != set(FLOORS[int(number)]):
            problems.append(f"{path}: floor {number} is {' '.join(FLOORS[int(number)])} in scripts/floors.py")
    if len(told) != len(FLOORS):
        problems.append(f"{path}: tells of {len(told)} floors, there are {len(FLOORS)}")


def main():
    check_page(pathlib.Path("docs/architecture.md"))
    files = sorted(p for top in ("bridge", "pki") for p in pathlib.Path(top).rglob("*.[ch]"))
    deciders = []
    for path in files:
        text = path.read_text()
        check_includes(path, text)
        if path.suffix == ".h":
            check_comments(path, text)
        elif path != pathlib.Path("bridge/acl/decide.c"):
            deciders += [f"{path}" for _ in re.finditer(r"\bacl_decide\(", text)]
            if re.search(r"struct acl_verdict \w+(?:\[\w*\])?\s*=\s*\{\s*[^0}\s]|\(struct acl_verdict\)\s*\{\s*[^0}\s]", text) or "ACL_DECIDE_C" in text:
                problems.append(f"{path}: a verdict is written only in bridge/acl/decide.c")
        count = text.count("\n")
        if count > 800:
            problems.append(f"{path}: {count} lines; split it (400 as a rule, 800 at most)")
    if len(deciders) > 1:
        problems.append(f"acl_decide() has {len(deciders)} callers, one is right: {', '.join(deciders)}")
    print("\n".join(problems) if problems else f"floors: {len(files)} files in order")
    return 1 if problems else 0


sys.exit(main())
