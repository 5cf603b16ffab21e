"""An Exchange, or what stands before it, that writes what it means in another way than most: read as it is meant, each time."""
import http.server

import sites
from sites import check, codes, same, until

HEAD = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{sites.M[1:-1]}" xmlns:t="{sites.T[1:-1]}">'
SUCCESS = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'
DIGITS = "<t:MergedFreeBusy>0022000000000000</t:MergedFreeBusy>"
HOURS = ("<t:WorkingHours><t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month>"
         "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month>"
         "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>Monday Friday</t:DayOfWeek>"
         "<t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>")


def event(start="2026-03-02T09:00:00", end="2026-03-02T10:00:00", more=""):
    return f"<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime><t:BusyType>Busy</t:BusyType>{more}</t:CalendarEvent>"


def view(inside=DIGITS + f"<t:CalendarEventArray>{event()}</t:CalendarEventArray>", kind="DetailedMerged"):
    return f"<m:FreeBusyView><t:FreeBusyViewType>{kind}</t:FreeBusyViewType>{inside}</m:FreeBusyView>"


def envelope(boxes, header="", before="", after=""):
    return (f"{before}{HEAD}{header}<s:Body><m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{boxes}</m:FreeBusyResponseArray>"
            f"</m:GetUserAvailabilityResponse></s:Body></s:Envelope>{after}")


def box(inside):
    return f"<m:FreeBusyResponse>{inside}</m:FreeBusyResponse>"


NORMAL = SUCCESS + view()
DECLARED = '<?xml version="1.0" encoding="utf-8"?>\n'
VERSION = '<s:Header><t:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="4" Version="V2017_07_11"/></s:Header>'
DETAILS = ("<t:CalendarEventDetails><t:ID>00000000</t:ID><t:Subject>%s</t:Subject><t:Location/><t:IsMeeting>true</t:IsMeeting><t:IsRecurring>false</t:IsRecurring>"
           "<t:IsException>false</t:IsException><t:IsReminderSet>true</t:IsReminderSet><t:IsPrivate>false</t:IsPrivate></t:CalendarEventDetails>")
# The whole text of what is said of a mailbox.
TEXTS = {
    "declared": envelope(box(NORMAL), VERSION, DECLARED, "\n\r\n"),
    "comments": envelope(box("<!-- a -->" + SUCCESS + "<!-- b -->" + view()), before="<!-- proxied -->", after="<!-- c --><?end?>"),
    "view-first": envelope(box(view() + SUCCESS)),
    "hours-first": envelope(box(SUCCESS + view(HOURS + f"<t:CalendarEventArray>{event()}</t:CalendarEventArray>" + DIGITS))),
    "hours-odd": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event()}</t:CalendarEventArray>" + HOURS.replace("1020", "later")))),
    "hours-empty": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event()}</t:CalendarEventArray><t:WorkingHours/>"))),
    "no-digits": envelope(box(SUCCESS + view(f"<t:CalendarEventArray>{event()}</t:CalendarEventArray>", "Detailed"))),
    "short-digits": envelope(box(SUCCESS + view(f"<t:MergedFreeBusy>0022</t:MergedFreeBusy><t:CalendarEventArray>{event()}</t:CalendarEventArray>"))),
    "blanks": envelope(box(SUCCESS.replace("NoError", "\n   NoError\n  ") + view().replace("0022000000000000", "\n 0022000000000000 \n").replace(">Busy<", "> Busy <"))),
    "fractions": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event('2026-03-02T09:00:00.0000000', '2026-03-02T10:00:00.000Z')}</t:CalendarEventArray>"))),
    "offsets": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event('2026-03-02T10:00:00+01:00', '2026-03-02T05:00:00-05:00')}</t:CalendarEventArray>"))),
    "2007": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event('2026-03-02T09:00:00-04:00', '2026-03-02T10:00:00-04:00')}</t:CalendarEventArray>")),
                     VERSION.replace('"15"', '"8"')),
    "2007-by-settings": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event('2026-03-02T09:00:00-04:00', '2026-03-02T10:00:00-04:00')}</t:CalendarEventArray>"))),
    "2007-by-mistake": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event('2026-03-02T10:00:00+01:00', '2026-03-02T11:00:00+01:00')}</t:CalendarEventArray>")),
                                VERSION),
    "more": envelope(box("<m:ResponseMessage ResponseClass='Success'><m:MessageText/><m:ResponseCode>NoError</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
                         "</m:ResponseMessage>" + view() + "<m:Later a='1'><m:x/></m:Later>")),
    "details": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event(more=DETAILS % ('x' * 100000))}</t:CalendarEventArray>"))),
    "cdata": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event(more=DETAILS % '<![CDATA[a<b]]>&amp;')}</t:CalendarEventArray>"))),
    "control-references": envelope(box(SUCCESS + view(DIGITS + f"<t:CalendarEventArray>{event(more=DETAILS % 'a&#x1F;b&#0;c&#xD83D;')}</t:CalendarEventArray>"))),
    "no-code": envelope(box('<m:ResponseMessage ResponseClass="Success"/>' + view())),
    "prefixes": envelope(box(NORMAL)).replace("<m:", "<ns1:").replace("</m:", "</ns1:").replace("xmlns:m=", "xmlns:ns1=").replace("<s:", "<S:").replace("</s:", "</S:")
    .replace("xmlns:s=", "xmlns:S="),
    "merged-only": envelope(box(SUCCESS + view(DIGITS, "MergedOnly"))),
}
PLAIN = TEXTS["declared"]
# Of a mailbox that it has no answer for, an Exchange may say why: which of its own parts failed.
SAID = "Proxy web request failed. , inner exception: System.Net.WebException: The request failed with HTTP status 401: Unauthorized."
FAILED = {"failed": envelope(box(f"<m:ResponseMessage ResponseClass='Error'><m:MessageText>{SAID}{' LID: 43532' * 100}</m:MessageText><m:ResponseCode>ErrorProxyRequestProcessingFailed</m:ResponseCode>"
                                 "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage>" + view("", "None"))).encode()}
# Such a word may be anybody's: it is a value in a line of our log, and in no answer, to whoever asked.
FORGED = "Wormwood&quot; event=forged peer=&quot;b.example&#13;&#10;time=2026-03-02T09:00:00Z level=info event=forged&#x2028;event=forged&#x202E;\\"
FAILED["forged"] = envelope(box(f"<m:ResponseMessage ResponseClass='Error'><m:MessageText>{FORGED}</m:MessageText><m:ResponseCode>Error{FORGED}</m:ResponseCode></m:ResponseMessage>")).encode()
FAILED["forged-fault"] = (f"{HEAD}<s:Body><s:Fault><faultcode>{FORGED}</faultcode><faultstring>{FORGED}</faultstring><detail><e:ResponseCode "
                          f"xmlns:e='http://schemas.microsoft.com/exchange/services/2006/errors'>Error{FORGED}</e:ResponseCode></detail></s:Fault></s:Body></s:Envelope>").encode()
# The same text in other bytes, and with other ways of HTTP around it.
BYTES = {
    "utf8-bom": PLAIN.encode("utf-8-sig"), "utf16": PLAIN.replace("utf-8", "utf-16").encode("utf-16"),
    "utf16-big": b"\xfe\xff" + PLAIN.replace("utf-8", "utf-16").encode("utf-16-be"), "latin1": PLAIN.replace("utf-8", "iso-8859-1").encode("latin-1"),
    "control-bytes": TEXTS["details"].replace("xxxx", "x\x0bx\x1fx").encode(), "no-utf8": TEXTS["details"].replace("xxxx", "x\xffx").encode("latin1"),
    "upper": PLAIN.replace("utf-8", "UTF-8").encode(), "undeclared": envelope(box(NORMAL)).encode(),
}
WAYS = ("chunked", "untyped", "closed", "continued", "cookies", "one-zero", "until-close", "slow-pieces", "500")


class Odd(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        if name in WAYS:
            getattr(self, "way_" + name.replace("-", "_"))(PLAIN.encode())
        else:
            self.say(TEXTS[name].encode() if name in TEXTS else {**BYTES, **FAILED}[name])

    def say(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "text/xml; charset=utf-8", "Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def way_chunked(self, body):
        self.say(b"".join(b"%x; part=1\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]) for i in range(0, len(body), 7)) + b"0\r\nX-Trailer: 1\r\n\r\n",
                 Content_Length=None, Transfer_Encoding="chunked")

    def way_untyped(self, body):
        self.say(body, Content_Type=None)

    def way_closed(self, body):
        self.close_connection = True
        self.say(body, Connection="close")

    def way_continued(self, body):
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.say(body)

    def way_cookies(self, body):
        self.say(body, Set_Cookie="exchangecookie=0123456789abcdef; path=/; HttpOnly", X_FEServer="EX01", Persistent_Auth="true")

    def way_one_zero(self, body):
        self.protocol_version = "HTTP/1.0"
        self.close_connection = True
        self.say(body)

    def way_until_close(self, body):
        self.close_connection = True
        self.say(body, Content_Length=None, Connection="close")
        self.connection.unwrap()  # without close_notify nobody could tell that this was all (RFC 9112, 9.8)

    def way_slow_pieces(self, body):
        self.say(b"", Content_Length=str(len(body)))
        for i in range(0, len(body), 100):
            self.wfile.write(body[i:i + 100])

    def way_500(self, body):
        self.say(body, 500)


with sites.pair(start=False) as (a, b):
    port = sites.https_server(Odd, b.dir)
    names = [*TEXTS, *BYTES, *WAYS]
    for name in [*names, *FAILED]:
        b.backend(name, "ews", [f"{name}@b.example"], url=f"https://localhost:{port}/{name}", auth="none", ca_file=b.ca,
                  version="2007" if name.startswith("2007-") else None)
    b.start()
    b.up(links=False)
    for name in names:
        for round in ("first", "again"):
            got = b.ask(f"{name}@b.example")
            if not same(codes(got), ["NoError"], f"{name}, {round}: {b.lines('backend-failed')[-1:]}"):
                continue
            same(got[0]["merged"], "0022000000000000", f"{name}, {round}: the digits")
            if name != "merged-only":
                same([(e["start"], e["end"]) for e in got[0]["events"]], [("2026-03-02T09:00:00", "2026-03-02T10:00:00")], f"{name}, {round}: the event")
    check(not b.lines("backend-down"), "none of them is down")
    got = b.ask("failed@b.example")
    same(codes(got), ["ErrorFreeBusyGenerationFailed"], "what its own parts failed at is a failed calendar")
    check("401" not in got[0]["text"], "and no word of why leaves the house")
    until(lambda: any(f"why=\"ErrorProxyRequestProcessingFailed: {SAID} LID: 43532" in line for line in b.lines("backend-failed")), "but it is in the log")
    # A server that tells no events tells digits, whatever was asked for: so at its own site, and so over the link.
    a.start(), a.up(), b.up()
    for view in ("FreeBusy", "Detailed", "FreeBusyMerged", "MergedOnly"):
        for site in (a, b):
            got = site.ask("merged-only@b.example", view=view)
            same((codes(got), got[0]["view"], got[0]["merged"]), (["NoError"], "MergedOnly", "0022000000000000"), f"{view} of digits alone, asked at {site.name}")
    for name in ("forged", "forged-fault"):
        for site in (a, b):
            got = site.ask(f"{name}@b.example")
            same(codes(got), ["ErrorFreeBusyGenerationFailed"], f"{name}, asked at {site.name}")
            check("Wormwood" not in str(got) + site.run("status"), f"{name}: no word of it is shown at {site.name}")
        until(lambda: any("Wormwood" in line and f" backend={name} " in line for line in b.lines("backend-failed")), f"{name}: it is in the log")
    same([line for site in (a, b) for line in site.lines("forged")], [], "and no line is forged with it")
sites.finish()
