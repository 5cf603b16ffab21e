"""A server whose logins belong to connections: what it answers depends on who logged in on the connection first, whatever a later request on it says. Two backends ask it
as two people, in turn and at once, and reload meanwhile: each mailbox gets the answer of its own backend's login."""
import base64
import concurrent.futures
import struct

import sites
from sites import check, reply, same, until

QUESTIONS = 500  # each about both people
DIGITS = {"one": "1" * 16, "two": "2" * 16}
CHALLENGE = b"NTLMSSP\0" + struct.pack("<IHHII8s8xHHI", 2, 0, 0, 48, 0x00008205, b"8 bytes.", 0, 0, 48)  # unicode, NTLM


class OfConnection(sites.Made):
    """One object a connection."""
    user, scheme, logins = None, None, []

    def logs_in(self, word):
        """The user of a Basic login or of NTLM's last message, None if there is more to come."""
        data = base64.b64decode(word)
        if OfConnection.scheme == "Basic":
            return data.split(b":")[0].decode()
        if data[8] != 3:
            return None
        length, _, at = struct.unpack_from("<HHI", data, 36)
        return data[at:at + length].decode("utf-16-le" if data[at + 1:at + 2] == b"\0" else "ascii")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        word = self.headers.get("Authorization", "").partition(" ")[2]
        if not self.user and word:
            self.user = self.logs_in(word)
            if self.user:
                OfConnection.logins.append(self.user)
            else:
                return self.say(401, WWW_Authenticate="NTLM " + base64.b64encode(CHALLENGE).decode())
        if not self.user:
            return self.say(401, WWW_Authenticate=OfConnection.scheme)
        n = body.count(b"<t:MailboxData>")
        self.say(200, reply(*[DIGITS[self.user]] * n))


def ask(a, n):
    """About both, in an order that changes; what was not of its own backend's login."""
    whom = ["one", "two"] if n % 2 else ["two", "one"]
    found = a.ask(*[f"{who}@a.example" for who in whom])
    return [(who, got) for who, got in zip(whom, found) if got["merged"] != DIGITS[who] and (got["code"] == "NoError" or got["merged"])], sum(g["code"] == "NoError" for g in found)


def crossings(a, port, scheme):
    OfConnection.scheme, OfConnection.logins = scheme, []
    for who in DIGITS:
        a.backend(who, "ews", [f"{who}@a.example"], url=f"https://localhost:{port}/EWS/Exchange.asmx", auth=scheme.lower(), user=who, password="secret-of-" + who, ca_file=a.ca,
                  concurrency=2)
    a.run("reload")
    until(lambda: ask(a, 0) == ([], 2), f"{scheme}: both are answered")
    with concurrent.futures.ThreadPoolExecutor(4) as several:
        found = list(several.map(lambda n: ask(a, n), range(QUESTIONS)))
    same([wrong for crossed, _ in found for wrong in crossed], [], f"{scheme}: nobody is shown by the other's eyes")
    same(sum(right for _, right in found), 2 * QUESTIONS, f"{scheme}: and each was answered")
    same(set(OfConnection.logins), set(DIGITS), f"{scheme}: both logged in")


with sites.pair(start=False) as (a, b):
    a.start()
    a.up(links=False)
    port = sites.https_server(OfConnection, a.dir)
    for scheme in ("Basic", "NTLM"):
        crossings(a, port, scheme)
sites.finish()
