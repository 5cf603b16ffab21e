"""Cyrus IMAP's httpd as a CalDAV server with its own TLS. The account `bridge` is no administrator."""
import imaplib

from server import CalendarServer, free_ports

CYRUS, MASTER = "/usr/lib/cyrus/bin", "/usr/sbin/cyrmaster"

class Cyrus(CalendarServer):
    account, base = "cyrus", "/dav/"

    def start(self):
        f, (imap,) = self.folder, free_ports(1)
        for name in ("conf", "conf/socket", "conf/db", "conf/log", "conf/log/bridge", "spool", "run"):
            (f / name).mkdir()
        config = self.write("imapd.conf", f"""configdirectory: {f}/conf
partition-default: {f}/spool
proc_path: {f}/run/proc
mboxname_lockpath: {f}/run/lock
cyrus_user: {self.user}
servername: localhost
admins: admin
httpmodules: caldav freebusy
caldav_realm: localhost
calendar_user_address_set: {self.domain}
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {f}/sasldb
sasl_mech_list: PLAIN
tls_server_cert: {self.certificate}
tls_server_key: {self.key}
duplicate_db_path: {f}/conf/deliver.db
""")
        services = self.write("cyrus.conf", f"""START {{
  recover cmd="ctl_cyrusdb -C {config} -r"
}}
SERVICES {{
  https cmd="httpd -s -C {config}" listen="127.0.0.1:{self.port}" prefork=1
  imap cmd="imapd -C {config}" listen="127.0.0.1:{imap}" prefork=1
}}
EVENTS {{
}}
""")
        self.own()
        for person, password in [*self.passwords.items(), ("admin", "secret-of-admin")]:
            self.run("/usr/sbin/saslpasswd2", "-p", "-c", "-f", f / "sasldb", "-u", "localhost", person, text=password)
        self.spawn(MASTER, "-D", "-C", config, "-M", services, "-p", f / "master.pid", env={"PATH": f"{CYRUS}:/usr/bin:/bin"})
        self.until(lambda: imaplib.IMAP4("127.0.0.1", imap).logout(), "the IMAP port answers")
        with imaplib.IMAP4("127.0.0.1", imap) as c: # calendars are made at the first login of whoever has an INBOX
            c.login("admin", "secret-of-admin")
            for person in self.passwords:
                if (answer := c.create(f"user/{person}"))[0] != "OK":
                    raise RuntimeError(f"CREATE user/{person}: {answer}")
        self.until(lambda: self.request("OPTIONS", "/")[0] == 200, "it answers")
        for person in self.people:
            self.must((207,), "PROPFIND", self.collection(person), user=person, Depth="0")
        self.imap = imap

    def share(self, person):
        """Gives the account `bridge` the right to read the person's calendar."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as c:
            c.login("admin", "secret-of-admin")
            if (answer := c.setacl(f"user/{person}/#calendars/Default", "bridge", "lr9"))[0] != "OK":
                raise RuntimeError(f"SETACL: {answer}")

    def log(self):
        """Cyrus logs by syslog alone; what the service account was told is in its telemetry."""
        return super().log() + "".join(p.read_text(errors="replace") for p in sorted(self.folder.glob("conf/log/bridge/*")))

    def collection(self, person):
        return f"/dav/calendars/user/{person}/Default/"
