"""What an auditor's scanners find at the two doors: sslscan and testssl.sh. The link speaks TLS 1.3 and nothing else, the front nothing older than 1.2;
what they hold against either is what is so on purpose."""
import json
import subprocess
import threading

from common import WORK, check, finish, pair, same

OLD = ("SSLv2", "SSLv3", "TLS1", "TLS1_1")
HARMLESS = ("OK", "INFO", "DEBUG", "WARN")
# At the link pins take the place of all that is said about certificates; at the front two CBC suites are for older Windows.
LINK = {"cert_trust", "cert_chain_of_trust", "cert_validityPeriod", "cert_extlifeSpan", "cert_revocation"}
FRONT = {"cipherlist_AVERAGE", "cipherlist_OBSOLETED", "LUCKY13"}


def run(tool, *words):
    return subprocess.run([tool, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=400)


class Testssl(threading.Thread):
    def __init__(self, name, port, *parts):
        super().__init__()
        self.file, self.port, self.parts, self.said = WORK / f"testssl-{name}.json", port, parts, ""
        self.file.unlink(missing_ok=True)
        self.start()

    def run(self):
        r = run("testssl", "--color", "0", "--quiet", "--warnings", "off", "--ip", "one", "--nodns", "min", "--jsonfile", str(self.file),
                *self.parts, f"127.0.0.1:{self.port}")
        self.said = r.stdout + r.stderr

    def findings(self):
        self.join()
        found = json.loads(self.file.read_text()) if self.file.exists() else []
        check(len(found) > 30, f"it ran to its end: {self.said[-500:]}")
        return found


def versions(found):
    return {f["id"] for f in found if f["id"] in (*OLD, "TLS1_2", "TLS1_3") and not f["finding"].startswith("not offered")}


def bad(found, known):
    return [(f["id"], f["severity"], f["finding"]) for f in found if f["severity"] not in HARMLESS and f["id"] not in known]


def sslscan(port):
    said = run("sslscan", "--no-colour", f"127.0.0.1:{port}").stdout
    check("Session renegotiation not supported" in said, f"no renegotiation: {said[-300:]}")
    return {line.split()[0] for line in said.splitlines() if line.endswith(" enabled")}


with pair() as (a, b):
    # Versions, suites, forward secrecy, known vulnerabilities, and what a ServerHello tells.
    link, front = Testssl("link", a.link, "-p", "-s", "-f", "-U", "-S"), Testssl("front", a.front, "-p", "-s", "-U")
    same(sslscan(a.link), {"TLSv1.3"}, "sslscan at the link")
    same(sslscan(a.front), {"TLSv1.2", "TLSv1.3"}, "sslscan at the front")
    found = link.findings()
    same((versions(found), bad(found, LINK)), ({"TLS1_3"}, []), "testssl at the link")
    found = front.findings()
    same((versions(found), bad(found, FRONT)), ({"TLS1_2", "TLS1_3"}, []), "testssl at the front")
finish()
