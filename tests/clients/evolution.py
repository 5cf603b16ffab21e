"""evolution-ews, through evolution-data-server in a D-Bus session of its own, asks A about people of both sites. It hangs at times on its own, so each
try has its time and there are several. It speaks UTC only; of people who are hidden it asks nothing, for one error fails its whole look-up."""
import calendar
import json
import pathlib
import re
import shutil
import signal
import subprocess
import os

from common import WORK, check, fill, finish, pair, same, sites, until

TRIES = 8
PRIVATE_TRUST = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'


def seconds(text):
    return str(calendar.timegm(tuple(int(x) for x in re.findall(r"\d+", text)) + (0, 0, 0)))


def ask(a, start, end, *people, scheme="PLAIN"):
    """One try after the other, each in a fresh home: the components that came, or None."""
    home = WORK / "evolution"
    for number in range(TRIES):
        shutil.rmtree(home, ignore_errors=True)
        (home / "run").mkdir(parents=True, mode=0o700)
        trust = home / "ca.pem"
        trust.write_bytes(pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_bytes() + pathlib.Path(a.ca).read_bytes())
        env = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=f"{home}/config", XDG_CACHE_HOME=f"{home}/cache", XDG_DATA_HOME=f"{home}/data",
                   XDG_RUNTIME_DIR=f"{home}/run", GIO_USE_PROXY_RESOLVER="dummy")
        # The authority counts in this mount namespace only: the machine's own trust stays as it is.
        words = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "sh", "-c", PRIVATE_TRUST, str(trust), "dbus-run-session", "--", "/usr/bin/python3",
                 str(sites.ROOT / "tests/clients/evolution-ews/ask.py"), f"https://localhost:{a.front}/EWS/Exchange.asmx", scheme, "anna", a.password,
                 seconds(start), seconds(end), *people]
        p = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, errors = p.communicate(timeout=12)
            if p.returncode == 0:
                return json.loads(out.strip().splitlines()[-1])
            print(f"try {number + 1}: exit {p.returncode} {errors[-1500:]}")
        except subprocess.TimeoutExpired:
            print(f"try {number + 1}: it hangs")
        finally:
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            p.wait()
    return None


def busy(components):
    """{address: [(kind, from, to), ...]}"""
    found = {}
    for c in components:
        c = re.sub(r"\r?\n[ \t]", "", c)
        who = re.search(r"ATTENDEE[^:]*:mailto:(\S+)", c).group(1)
        found[who] = [(kind.group(1) if (kind := re.search("FBTYPE=([A-Z-]+)", names)) else "BUSY", *times.split("/"))
                      for names, times in re.findall(r"(?m)^FREEBUSY([^:\r\n]*):(\S+)", c)]
    return found


with pair(start=False) as (a, b):
    fill(a, b)
    a.start(), b.start(), a.up(), b.up()
    got = ask(a, "2026-01-14 00:00", "2026-01-15 00:00", "anna@a.example", "bob@b.example", "tess@b.example")
    if check(got is not None, f"an answer within {TRIES} tries"):
        got = busy(got)
        same(got.get("anna@a.example"), [("BUSY", "20260114T110000Z", "20260114T113000Z")], "anna, of our own site")
        same(got.get("bob@b.example"), [("BUSY", "20260114T080000Z", "20260114T090000Z")], "bob in winter")
        same([x[1:] for x in got.get("tess@b.example", [])], [("20260114T120000Z", "20260114T130000Z")], "tess")
    got = ask(a, "2026-07-15 00:00", "2026-07-16 00:00", "bob@b.example")
    if check(got is not None, f"an answer within {TRIES} tries"):
        same(busy(got).get("bob@b.example"), [("BUSY", "20260715T070000Z", "20260715T080000Z")], "bob in summer")
    a.run("account", "passwd", "anna", "--password-file", str(a.dir / "password"), "--ntlm")
    a.run("reload")
    got = ask(a, "2026-07-15 00:00", "2026-07-16 00:00", "bob@b.example", scheme="NTLM")
    if check(got is not None, f"an answer by NTLM within {TRIES} tries"):
        same(busy(got).get("bob@b.example"), [("BUSY", "20260715T070000Z", "20260715T080000Z")], "bob, asked about by NTLM")
        until(lambda: any("scheme=NTLM" in line for line in a.lines("login")), "it was NTLM")
finish()
