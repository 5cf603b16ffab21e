"""What real clients sent, recorded from exchangelib, ews-javascript-api, DavMail, evolution-ews and node-ews, sent again to a front of ours with our
login: each request for free/busy is answered, each of the others as the client needs it to come that far."""
import re
import xml.etree.ElementTree as ElementTree

import sites
from sites import ROOT, check

NEEDS_SUCCESS = ("GetFolder", "ConvertId", "GetServerTimeZones", "SyncFolderItems", "SyncFolderHierarchy")
DROPPED = ("host", "authorization", "content-length", "accept-encoding", "connection", "transfer-encoding", "expect")

with sites.pair() as (a, b):
    a.calendar("anna", ("20260302T090000", "20260302T100000"))
    b.calendar("bob", ("20260302T090000", "20260302T100000"))
    count = 0
    for path in sorted((ROOT / "tests/captures").glob("*.http")):
        head, _, body = path.read_bytes().partition(b"\r\n\r\n" if b"\r\n\r\n" in path.read_bytes() else b"\n\n")
        first, *lines = head.decode().splitlines()
        method, target, _ = first.split()
        target = re.sub(r"^https?://[^/]*", "", target)
        headers = {k: v for k, v in (line.split(": ", 1) for line in lines if ": " in line) if k.lower() not in DROPPED}
        refused = "chal401" in path.name
        status, answer_head, answer = a.http(body or None, path=target, method=method, headers=headers, user=None if refused else "anna")
        count += 1
        if refused:
            if "poxGET" not in path.name:
                check(status == 401 and "Basic" in answer_head.get("WWW-Authenticate", ""), f"{path.name}: 401 and our schemes, not {status}")
            continue
        if "wsdl" in path.name or method == "GET":
            check(status < 500, f"{path.name}: {status}")
            continue
        check(status == 200, f"{path.name}: {status} {answer[:400]!r}")
        ElementTree.fromstring(answer)
        asked = re.findall(rb"<(?:\w+:)?Address>([^<]*)<", body)
        if b"GetUserAvailabilityRequest" in body:
            got = sites.answers(answer) if b"FreeBusyViewOptions" in body else []
            check(not got or len(got) == len(asked), f"{path.name}: one answer a mailbox")
            for who, one in zip(asked, got):
                if who in (b"anna@a.example", b"bob@b.example"):
                    check(one["code"] == "NoError", f"{path.name}: {who.decode()}: {one['code']}")
            if b"SuggestionsViewOptions" in body:
                check(b"SuggestionsResponse" in answer, f"{path.name}: suggestions")
        elif any(f"-{name}." in path.name for name in NEEDS_SUCCESS):
            check(b"ServerVersionInfo" in answer and b"ResponseCode" in answer, f"{path.name}: a version and a code")
    check(count >= 50, f"{count} captures")
sites.finish()
