"""Inside a D-Bus session of its own: asks through evolution-data-server and prints each free/busy component. ask URL SCHEME USER PASSWORD START END ADDRESS...;
SCHEME is PLAIN (Basic) or NTLM."""
import json
import os
import pathlib
import sys
import threading

url, scheme, user, password, start, end, *people = sys.argv[1:]
home = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "evolution/sources"
home.mkdir(parents=True, exist_ok=True)
(home / "account.source").write_text(f"""[Data Source]
DisplayName=Bridge
Enabled=true
Parent=

[Collection]
BackendName=ews
Identity=anna@a.example
CalendarEnabled=true
ContactsEnabled=false
MailEnabled=false

[Authentication]
Host=localhost
Method={scheme}
User={user}
RememberPassword=false

[Ews Backend]
Hosturl={url}
Email=anna@a.example
AuthMechanism={scheme}
""")
(home / "calendar.source").write_text(f"""[Data Source]
DisplayName=Calendar
Enabled=true
Parent=account

[Calendar]
BackendName=ews

[Ews Folder]
Id=calendar
ChangeKey=1

[Authentication]
Host=localhost
Method={scheme}
User={user}
RememberPassword=false

[Offline]
StaySynchronized=false
""")

import gi  # noqa: E402

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
from gi.repository import ECal, EDataServer, GLib  # noqa: E402

loop = GLib.MainLoop()
threading.Thread(target=loop.run, daemon=True).start()
registry = EDataServer.SourceRegistry.new_sync(None)
source = registry.ref_source("calendar")
credentials = EDataServer.NamedParameters.new()
credentials.set("username", user)
credentials.set("password", password)


def required(where, reason, pem, errors, error):
    print("credentials wanted", reason, error, file=sys.stderr)
    threading.Thread(target=lambda: where.invoke_authenticate_sync(credentials, None)).start()


account = registry.ref_source("account")
account.connect("credentials-required", required)
source.connect("credentials-required", required)
client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 15, None)
print("connected", client.is_online() if hasattr(client, "is_online") else "", file=sys.stderr)
found = client.get_free_busy_sync(int(start), int(end), people, None)
print(json.dumps([c.get_as_string() for c in found[1]]), flush=True)
os._exit(0)
