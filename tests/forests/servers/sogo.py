"""SOGo with MariaDB and memcached behind nginx, as its manual has it. Everybody may see all calendars, of private events the time alone; reports leave out
what is older than a month."""
import socket

from server import CalendarServer, free_ports


class SOGo(CalendarServer):
    account, base = "sogo", "/SOGo/dav/"

    def start(self):
        f = self.folder
        sql, cache, sogo = free_ports(3)
        for name in ("sql", "spool"):
            (f / name).mkdir()
        base = f"mysql://sogo:sogo@127.0.0.1:{sql}/sogo"
        people = "".join(f"""INSERT INTO people VALUES ('{p}', '{p}', '{w}', '{p}', '{p}@{self.domain}');\n""" for p, w in self.passwords.items())
        self.write("begin.sql", f"""CREATE DATABASE sogo CHARACTER SET utf8mb4;
CREATE USER sogo@'127.0.0.1' IDENTIFIED BY 'sogo';
GRANT ALL ON sogo.* TO sogo@'127.0.0.1';
USE sogo;
CREATE TABLE people (c_uid VARCHAR(64) PRIMARY KEY, c_name VARCHAR(64), c_password VARCHAR(64), c_cn VARCHAR(64), mail VARCHAR(128));
{people}""")
        tables = {"SOGoProfileURL": "sogo_user_profile", "OCSFolderInfoURL": "sogo_folder_info", "OCSSessionsFolderURL": "sogo_sessions_folder"}
        source = f"""({{type = sql; id = people; viewURL = "{base}/people"; userPasswordAlgorithm = plain; canAuthenticate = YES; isAddressBook = YES;}})"""
        settings = {**{k: f"{base}/{v}" for k, v in tables.items()}, "SOGoUserSources": source, "SOGoTimeZone": "Europe/Berlin",
                    "SOGoMemcachedHost": f"127.0.0.1:{cache}", "SOGoMailDomain": self.domain, "SOGoFreeBusyDefaultInterval": "(7, 7)", "SOGoDAVCalendarStartTimeLimit": "30",
                    "SOGoCalendarDefaultRoles": "(PublicViewer, ConfidentialDAndTViewer, PrivateDAndTViewer)", "WOPort": f"127.0.0.1:{sogo}",
                    "WOWorkersCount": "2", "WONoDetach": "YES", "WOLogFile": "-", "WOPidFile": f"{f}/sogo.pid"}
        self.write("nginx.conf", f"""pid {f}/nginx.pid;
error_log stderr;
daemon off;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {f}/spool/body; proxy_temp_path {f}/spool/proxy; fastcgi_temp_path {f}/spool/f; uwsgi_temp_path {f}/spool/u; scgi_temp_path {f}/spool/s;
  server {{
    listen 127.0.0.1:{self.port} ssl;
    ssl_certificate {self.certificate};
    ssl_certificate_key {self.key};
    location = /.well-known/caldav {{ return 301 $scheme://$http_host/SOGo/dav/; }}
    location /SOGo {{
      proxy_pass http://127.0.0.1:{sogo};
      proxy_set_header Host $http_host;
      proxy_set_header x-webobjects-server-protocol HTTP/1.0;
      proxy_set_header x-webobjects-server-name localhost;
      proxy_set_header x-webobjects-server-url https://$http_host;
      proxy_set_header x-webobjects-server-port {self.port};
    }}
  }}
}}
""")
        self.own()
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={f}/sql", "--auth-root-authentication-method=normal", "--skip-test-db")
        self.spawn("mariadbd", "--no-defaults", f"--datadir={f}/sql", f"--socket={f}/sql.socket", f"--pid-file={f}/sql.pid", "--bind-address=127.0.0.1",
                   f"--port={sql}", f"--init-file={f}/begin.sql", "--innodb-flush-log-at-trx-commit=0")
        self.spawn("memcached", "-l", f"127.0.0.1:{cache}", "-U", "0")
        self.until(lambda: socket.create_connection(("127.0.0.1", sql), 5).recv(1), "the database answers")
        self.spawn("/usr/sbin/sogod", *[word for k, v in settings.items() for word in (f"-{k}", v)])
        self.spawn("nginx", "-e", "stderr", "-p", f, "-c", f / "nginx.conf")
        self.until(lambda: self.request("PROPFIND", self.collection("bridge"), Depth="0")[0] == 207, "it answers")
        for person in self.people: # a calendar is there after the first login
            self.must((207,), "PROPFIND", self.collection(person), user=person, Depth="0")

    def collection(self, person):
        return f"/SOGo/dav/{person}/Calendar/personal/"

    def rights(self, person, *roles):
        """What the account `bridge` may do with the person's calendar from now on, instead of what everybody may."""
        text = "".join(f"<{role}/>" for role in roles)
        query = f'<acl-query xmlns="urn:inverse:params:xml:ns:inverse-dav"><set-roles user="bridge">{text}</set-roles></acl-query>'
        self.must((200, 204), "POST", self.collection(person), query, user=person)
