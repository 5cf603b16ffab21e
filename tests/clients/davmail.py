"""DavMail, a CalDAV front that is an EWS client of ours: a free/busy request to its outbox comes back with the right times, and whom a rule hides
is left out."""
import base64
import http.client
import pathlib
import re
import subprocess
import tempfile

from common import check, fill, finish, pair, same, sites, until

with pair(start=False) as (a, b), tempfile.TemporaryDirectory() as folder:
    fill(a, b)
    a.start(), b.start(), a.up(), b.up()
    folder = pathlib.Path(folder)
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "bridge", "-file", str(a.ca), "-keystore", str(folder / "trust"), "-storepass",
                    "changeit"], check=True, capture_output=True)
    caldav, = sites.free_ports(1)
    (folder / "davmail.properties").write_text(f"""davmail.server=true
davmail.mode=EWS
davmail.enableEws=true
davmail.url=https://localhost:{a.front}/EWS/Exchange.asmx
davmail.caldavPort={caldav}
davmail.imapPort=
davmail.ldapPort=
davmail.popPort=
davmail.smtpPort=
davmail.bindAddress=127.0.0.1
davmail.allowRemote=false
davmail.disableUpdateCheck=true
davmail.logFilePath={folder}/davmail.log
log4j.rootLogger=WARN
""")
    log = open(folder / "out", "wb")
    java = subprocess.Popen(["java", "-Djava.awt.headless=true", f"-Djavax.net.ssl.trustStore={folder}/trust", "-Djavax.net.ssl.trustStorePassword=changeit",
                             "-jar", "/usr/share/davmail/davmail.jar", str(folder / "davmail.properties")], stdout=log, stderr=log)

    def post(*people):
        who = "anna@a.example"
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "METHOD:REQUEST", "BEGIN:VFREEBUSY", "UID:1", "DTSTAMP:20260101T000000Z",
                 "DTSTART:20260114T070000Z", "DTEND:20260114T150000Z", f"ORGANIZER:mailto:{who}", *[f"ATTENDEE:mailto:{p}" for p in people],
                 "END:VFREEBUSY", "END:VCALENDAR", ""]
        c = http.client.HTTPConnection("127.0.0.1", caldav, timeout=60)
        login = base64.b64encode(f"{who}:{a.password}".encode()).decode()
        c.request("POST", f"/users/{who}/outbox/", "\r\n".join(lines), {"Content-Type": "text/calendar", "Authorization": "Basic " + login})
        r = c.getresponse()
        return r.status, r.read().decode()

    def listening():
        try:
            c = http.client.HTTPConnection("127.0.0.1", caldav, timeout=5)
            c.request("OPTIONS", "/")
            return c.getresponse().status
        except OSError:
            return False

    try:
        until(listening, "DavMail is up", 60)
        status, text = post("anna@a.example", "bob@b.example", "tess@b.example", "shy@b.example")
        check(status == 200, f"{status} {text[:500]}")
        parts = {re.search(r"<D:href>mailto:([^<]*)", r).group(1): re.findall(r"FREEBUSY;FBTYPE=([\w-]+):(\S+)", r)
                 for r in re.findall(r"<C:response>.*?</C:response>", text, re.S)}
        same(parts.get("anna@a.example"), [("BUSY", "20260114T110000Z/20260114T113000Z")], "anna")
        same(parts.get("bob@b.example"), [("BUSY", "20260114T080000Z/20260114T090000Z")], "bob")
        same(parts.get("tess@b.example"), [("BUSY-TENTATIVE", "20260114T120000Z/20260114T130000Z")], "tess")
        check("shy@b.example" not in parts or not parts["shy@b.example"], "whom a rule hides is not shown")
        if sites.failed:
            print(text, (folder / "out").read_text(errors="replace")[-3000:])
    finally:
        java.terminate()
        java.wait()
finish()
