"""Radicale as a CalDAV server with its own TLS. The account `bridge` may read every calendar."""
from server import CalendarServer


class Radicale(CalendarServer):
    def start(self):
        f = self.folder
        self.write("users", "".join(f"{person}:{password}\n" for person, password in self.passwords.items()))
        rights = self.write("rights", """[bridge]
user: bridge
collection: .*
permissions: Rr
[principal]
user: .+
collection: {user}
permissions: RW
[calendars]
user: .+
collection: {user}/[^/]+
permissions: rw
""")
        config = self.write("config", f"""[server]
hosts = 127.0.0.1:{self.port}
ssl = True
certificate = {self.certificate}
key = {self.key}
[auth]
type = htpasswd
htpasswd_filename = {f}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {rights}
[storage]
filesystem_folder = {f}/collections
[logging]
level = info
""")
        self.own()
        self.config = config
        self.serve()
        for person in self.people:
            self.must((201,), "MKCALENDAR", self.collection(person), user=person)

    def serve(self):
        self.spawn("/usr/bin/radicale", "--config", self.config)
        self.until(lambda: self.request("OPTIONS", "/")[0] == 200, "it answers")

    def collection(self, person):
        return f"/{person}/calendar/"
