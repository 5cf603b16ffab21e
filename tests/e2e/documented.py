"""What availbridge(8) says of the verbs is what they do: each field of each --json stands in its entry, each option of each form too, and what stands in the
README to be pasted can be pasted."""
import json
import re
import shlex
import subprocess

import sites
from sites import check, same

MANUAL = (sites.ROOT / "docs/availbridge.8").read_text().replace("\\-", "-").replace("\\(aq", "'")
PLAIN = re.sub(r"\\f[BIR]", "", MANUAL)


def entries(section):
    """The entries of one section: title -> text."""
    text = MANUAL.split(f".SH {section}\n")[1].split("\n.SH ")[0]
    return dict(re.findall(r"\.TP\n\.B (.*)\n((?:(?!\.TP).*\n?)*)", text))


def keys(value):
    """All keys of objects within."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def fields(a):
    described = entries("JSON")
    ask = ["--start", "2026-03-02T08:00:00", "--end", "2026-03-02T16:00:00"]
    for title, words in (
            ("address-space list, get", ["address-space", "list"]), ("address-space list, get", ["address-space", "get", "b.example"]), ("peer list", ["peer", "list"]),
            ("rule list", ["rule", "list"]), ("account list", ["account", "list"]), ("identity show", ["identity", "show"]), ("check", ["check"]),
            ("explain", ["explain", "--requester", "anna@a.example", "--target", "bob@b.example"]), ("explain", ["explain", "--requester", "b.example", "--target", "anna@a.example"]),
            ("query", ["query", "--requester", "anna@a.example", *ask, "bob@b.example", "nobody@b.example"]), ("audit verify", ["audit", "verify"]), ("version", ["version"]),
            ("peer check-domains", ["peer", "check-domains", "--resolver", "127.0.0.1:1"]),
            ("freebusy", ["freebusy", "--calendar", str(a.calendars / "anna@a.example.ics"), *ask]), ("peer show", ["peer", "show", "site-b"]), ("status", ["status"])):
        found = json.loads(a.run(*words, "--json", code=None))
        if title == "status":
            found["peers"] = []
        lacking = sorted(k for k in keys(found) if f'"{k}"' not in described.get(title, "") and title != "audit verify" or k not in described.get(title, ""))
        same(lacking, [], f"fields of {' '.join(words[:2])} that the manual does not have")
    for line in a.run("audit", "show", "--json").splitlines():
        lacking = [k for k in json.loads(line) if f'"{k}"' not in described["audit show"] and json.loads(line)["kind"] in ("query", "change")]
        same(lacking, [], "fields of a record of the audit")


def cut_off(a):
    """What could not be printed to its end is no success to a program that reads it."""
    for words in (["rule", "list", "--json"], ["peer", "list", "--json"], ["check"], ["version"], ["help"], ["identity", "show"]):
        with open("/dev/full", "w") as full:
            r = subprocess.run([sites.PROGRAM, "-c", a.config, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        same((r.returncode, r.stderr), (1, "availbridge: not all could be printed: No space left on device\n"), f"{' '.join(words)} to a full disk")


def options(a):
    """Each option of a form, in the manual's text of that verb's forms."""
    for verb in re.findall(r"(?m)^  ([a-z-]+) +[A-Z]", a.run("help", config=False)):
        for form in a.run("help", verb, config=False).splitlines()[2:]:
            words = re.findall(r"[a-z-]+", form.split("availbridge ", 1)[1].split("--")[0].split(" [")[0])
            name = " ".join(words[:2]) if form.split()[2:3] and re.fullmatch("[a-z-]+", form.split()[2]) else words[0]
            at = PLAIN.find(f"\n{name} ") if f"\n{name} " in PLAIN else PLAIN.find(f"{name}")
            check(at >= 0, f"{name} is in the manual")
            for option in re.findall(r"--[a-z-]+", form):
                check(any(option in part for part in PLAIN.split(f"{name}")[1:]), f"{name} {option} is in the manual")


def by_hand(b):
    """The commands of docs/link-protocol.md, as they stand there but for the names of files and the port."""
    page = (sites.ROOT / "docs/link-protocol.md").read_text().split("## 9.")[1]
    blocks = ["\n".join(line[4:] for line in block.splitlines()) for block in re.findall(r"\n\n((?:    .*\n)+)", page)]
    own = next(block for block in blocks if block.startswith("openssl")).strip()
    asking = [c for c in re.split(r"\n(?=python3)", blocks[0].replace("\\\n", " ")) if "client.py" in c]
    same(len(asking), 2, "a hello and a query")
    here = {"own.": shlex.quote(str(b.dir)) + "/own.", "their-identity.pem": shlex.quote(str(b.dir / "identity.pem")), "HOST:7443": f"127.0.0.1:{b.link}", "python3 ": "/usr/bin/python3 "}

    def run(command):
        for word, mine in here.items():
            command = command.replace(word, mine)
        r = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, cwd=sites.ROOT / "tests/e2e/stranger")
        same(r.returncode, 0, f"{command}\n{r.stdout}{r.stderr}")
        return r.stdout
    run(own)
    pin = run("openssl x509 -in own.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256").split()[-1]
    b.run("peer", "add", "x", "--endpoint", "127.0.0.1:1", "--pin", "sha256:" + pin, "--domain", "x.example")
    b.run("peer", "set", "x", "--free-busy-access-enabled", "yes")
    b.rule("x", "in", "*", "*", "LimitedDetails")
    b.run("reload")
    check('"site-b"' in run(asking[0]), "hello")
    check("bob@b.example" in run(asking[1]), "a query")


def examples(folder):
    """The files at the end of availbridge.conf(5), in a site of their own, are valid."""
    page = (sites.ROOT / "docs/availbridge.conf.5").read_text().split(".SH EXAMPLES\n.nf\n")[1].split(".fi")[0].replace("\\-", "-")
    c = sites.Site(folder, "site-c", "a.example")
    for name, text in re.findall(r"# (\S+\.conf)[^\n]*\n((?:[^#\n].*\n)+)", page):
        if name == "availbridge.conf":
            text = re.sub(r"(?m)^groups = .*$", lambda _: text.strip(), c.config.read_text())
        (c.dir / name).write_text(text)
        (c.dir / name).chmod(0o600)
    same(c.run("check", code=None), "ok\n", f"the manual's examples: {c.stderr}")
    same(len(c.run("rule", "list", "--peer", "site-b").splitlines()), 4, "with all of their rules")


with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    b.calendar("bob", ("20260302T090000", "20260302T100000", {"SUMMARY": "x"}))
    same(a.http(sites.request(["bob@b.example"]))[0], 200, "a question for the audit")
    fields(a)
    cut_off(a)
    options(a)
    by_hand(b)
    examples(a.dir.parent)
sites.finish()
