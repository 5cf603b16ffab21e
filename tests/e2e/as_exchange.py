"""A running bridge asked as Exchange of each version asks it, as far as that is published: Autodiscover for the anchor address, the cross-forest question with
each header that it is said to bear, and the operations that may come beside it. docs/exchange.md says how sure each habit is."""
import json
import re
import socket
import ssl
import xml.etree.ElementTree as ElementTree

import sites
from sites import M, T, UTC, check, codes, same, until

ANCHOR = "01B62C6D-4324-448f-9884-5FEC6D18A7E2"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
A = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"
DISCOVERS = {"User-Agent": "ASAutoDiscover/CrossForest/EmailDomain/15.01.2507.000"}
ASKS = {"User-Agent": "ASProxy/CrossForest/EmailDomain/EXCH/15.01.2507.000", "SOAPAction": f'"{M[1:-1]}/GetUserAvailability"'}


def pox(address, schema=OUTLOOK):
    wanted = f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema>" if schema else ""
    return (f'<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
            f"<EMailAddress>{address}</EMailAddress>{wanted}</Request></Autodiscover>")


def discovery(operation, inside):
    return (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="{A[1:-1]}" xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>'
            f'<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion><w:Action s:mustUnderstand="1">{A[1:-1]}/Autodiscover/{operation}</w:Action>'
            f'<w:To s:mustUnderstand="1">https://x/autodiscover/autodiscover.svc</w:To></s:Header><s:Body><a:{operation}RequestMessage><a:Request>{inside}</a:Request>'
            f"</a:{operation}RequestMessage></s:Body></s:Envelope>")


def envelope(body, header=""):
    return (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{T[1:-1]}" xmlns:m="{M[1:-1]}">'
            f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>")


def question(addresses, header="", start="2026-03-02T08:00:00", end="2026-03-02T16:00:00", view="DetailedMerged", zone=UTC, routing="SMTP"):
    """As a CAS sends it on: a routing type with each address, no version unless the header says one."""
    boxes = "".join(f"<t:MailboxData><t:Email><t:Name/><t:Address>{a}</t:Address><t:RoutingType>{routing}</t:RoutingType></t:Email><t:AttendeeType>Required</t:AttendeeType>"
                    "<t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>" for a in addresses)
    return envelope(f"<m:GetUserAvailabilityRequest>{zone}<m:MailboxDataArray>{boxes}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}"
                    f"</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>"
                    f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>", header)


def local(tag):
    return tag.rpartition("}")[2]


def fault(answer):
    return re.search(rb"<\w+:ResponseCode[^>]*>(\w+)<", answer).group(1).decode() if b"Fault>" in answer else None


with sites.pair() as (a, b):
    a.account("exchange", "organisation")
    a.run("address-space", "add", "--forest-name", "nobodys.example", "--peer", "nobody")
    b.calendar("bob", ("20260302T090000", "20260302T100000", {"SUMMARY": "Secret"}),
               ("20260302T120000", "20260302T130000", {"X-MICROSOFT-CDO-BUSYSTATUS": "WORKINGELSEWHERE"}))
    a.run("reload")
    url = f"https://localhost:{a.front}/EWS/Exchange.asmx"

    # ---- finding the way
    for who in (ANCHOR, ANCHOR.lower(), ANCHOR.upper(), "bob", "who.does.not.exist"):
        for domain in ("b.example", "B.EXAMPLE", "a.example"):
            for path in ("/autodiscover/autodiscover.xml", "/AutoDiscover/AutoDiscover.xml"):
                status, _, answer = a.http(pox(f"{who}@{domain}"), path=path, user="A\\exchange", headers=DISCOVERS)
                found = {local(e.tag): [] for e in ElementTree.fromstring(answer).iter()}
                for e in ElementTree.fromstring(answer).iter():
                    found[local(e.tag)].append(e.text)
                same((status, found.get("ErrorCode"), set(found.get("ASUrl", [])), set(found.get("EwsUrl", [])), set(found.get("OOFUrl", [])), found.get("Action")),
                     (200, None, {url}, {url}, {url}, ["settings"]), f"{who}@{domain} at {path}")
                same((found.get("Type"), len(found.get("ASUrl", []))), (["EXCH", "EXPR", "WEB", "EXCH", "EXPR"], 4), "in every place, whichever is read")
    for what, body, code in (("the phone's schema", pox(f"{ANCHOR}@b.example", MOBILE), "601"), ("no schema", pox(f"{ANCHOR}@b.example", None), "601"),
                             ("a domain that is nobody's", pox(f"{ANCHOR}@nobodys.example"), "500"), ("one that is in no row", pox(f"{ANCHOR}@c.example"), "500"),
                             ("no address", pox(ANCHOR), "501"), ("something else", "<a/>", "600")):
        status, _, answer = a.http(body, path="/autodiscover/autodiscover.xml", user="exchange", headers=DISCOVERS)
        same((status, re.findall(rb"<ErrorCode>(\d+)<", answer)), (200, [code.encode()]), what)
    for method, code in (("GET", [b"600"]), ("HEAD", [])):
        status, head, answer = a.http(None, path="/autodiscover/autodiscover.xml", method=method, user="exchange")
        same((status, head.get("X-SOAP-Enabled"), re.findall(rb"<ErrorCode>(\d+)<", answer)), (200, "True", code), f"{method}, as a browser's")
        for stranger in ({"user": None}, {"user": "exchange", "password": "wrong"}):
            status, _, answer = a.http(None, path="/autodiscover/autodiscover.xml", method=method, **stranger)
            same((status, answer), (401, a.http(None, path="/nowhere", method=method, **stranger)[2]), f"{method} of a stranger, who sees no more than anywhere: {stranger}")
    until(lambda: any(f"code=500 asked={ANCHOR}@c.example" in line for line in a.lines("autodiscover-refused")), "the log says what the status does not")

    status, head, answer = a.http(discovery("GetUserSettings", f"<a:Users><a:User><a:Mailbox>{ANCHOR.lower()}@b.example</a:Mailbox></a:User></a:Users><a:RequestedSettings>"
                                            "<a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InternalEwsUrl</a:Setting><a:Setting>ExternalEwsVersion</a:Setting><a:Setting>MailTipsUrl</a:Setting>"
                                            "</a:RequestedSettings>"), path="/autodiscover/autodiscover.svc", user="exchange", headers=DISCOVERS)
    tree = ElementTree.fromstring(answer)
    values = {s.findtext(A + "Name"): s.findtext(A + "Value") for s in tree.iter(A + "UserSetting")}
    same((status, values.get("ExternalEwsUrl"), values.get("InternalEwsUrl"), sorted(values)), (200, url, url, ["ExternalEwsUrl", "ExternalEwsVersion", "InternalEwsUrl"]), "by SOAP")
    same([e.findtext(A + "SettingName") for e in tree.iter(A + "UserSettingError")], ["MailTipsUrl"], "what is not here is named")
    same((head.get("X-SOAP-Enabled"), head.get("X-WSSecurity-Enabled"), head.get("X-OAuth-Enabled")), ("True", "False", "False"), "what is offered")
    # Whichever path its admin wrote down, it may speak either there.
    status, _, answer = a.http(discovery("GetUserSettings", f"<a:Users><a:User><a:Mailbox>{ANCHOR}@b.example</a:Mailbox></a:User></a:Users><a:RequestedSettings>"
                                         "<a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings>"), path="/autodiscover/autodiscover.xml", user="exchange", headers=DISCOVERS)
    same((status, [s.findtext(A + "Value") for s in ElementTree.fromstring(answer).iter(A + "UserSetting")]), (200, [url]), "SOAP at the path of POX")
    status, _, answer = a.http(pox(f"{ANCHOR}@b.example"), path="/autodiscover/autodiscover.svc", user="exchange", headers=DISCOVERS)
    same((status, {e.text for e in ElementTree.fromstring(answer).iter() if local(e.tag) == "ASUrl"}), (200, {url}), "POX at the path of SOAP")
    _, _, answer = a.http(discovery("GetFederationInformation", "<a:Domain>b.example</a:Domain>"), path="/autodiscover/autodiscover.svc", user="exchange")
    same(re.findall(rb"<ErrorCode>(\w+)<", answer), [b"NotFederated"], "no federation")
    for path in ("/autodiscover/autodiscover.svc/wssecurity", "/autodiscover/autodiscover.svc/WSSecurity", "/EWS/Exchange.asmx/WSSecurity", "/autodiscover/autodiscover.svc/mex"):
        same((a.http(question(["bob@b.example"]), path=path, user=None)[0], a.http(question(["bob@b.example"]), path=path, user="exchange")[0]), (401, 404), f"no tokens: {path}")
    for target, want in ((f"?Email={ANCHOR}%40b.example&Protocol=EWS", url), (f"/v1.0/{ANCHOR}@B.example?Protocol=ews&RedirectCount=1", url)):
        status, _, answer = a.http(None, path="/autodiscover/autodiscover.json" + target, method="GET", user=None, headers=DISCOVERS)
        same((status, json.loads(answer)), (200, {"Protocol": "EWS", "Url": want}), target)
    for target, code, status in ((f"?Email={ANCHOR}%40b.example&Protocol=ActiveSync", "ProtocolNotSupported", 400), (f"?Email={ANCHOR}%40b.example", "MandatoryParameterMissing", 400),
                                 ("?Protocol=EWS", "MandatoryParameterMissing", 400), (f"?Email={ANCHOR}%40nobodys.example&Protocol=EWS", "UserNotFound", 404)):
        got, _, answer = a.http(None, path="/autodiscover/autodiscover.json" + target, method="GET", user=None)
        same((got, json.loads(answer)["ErrorCode"]), (status, code), target)

    # ---- the question
    kinds = [f"<{p}:{name}{must}>{inside}</{p}:{name}>" for p in "tm" for must in ("", ' s:mustUnderstand="1"')
             for name, inside in (("ProxyRequestTypeHeader", "CrossForest"), ("ProxyRequestTypeHeader", "CrossSite"), ("RequestType", "CrossForest"),
                                  ("RequestTypeHeader", f"<{p}:RequestType>CrossForest</{p}:RequestType>"))]
    kinds += [f'<t:{name} s:mustUnderstand="1"{more}' for name, more in (("ManagementRole", "><t:UserRoles><t:Role>OfficeExtensionApplication</t:Role></t:UserRoles></t:ManagementRole>"),
                                                                        ("OpenAsAdminOrSystemService", ' LogonType="SystemService"/>'), ("ProxyPartnerToken", ">AAAA</t:ProxyPartnerToken>"))]
    somebody = ("<t:SerializedSecurityContext><t:UserSid>S-1-5-21-1-2-3-1104</t:UserSid><t:GroupSids><t:GroupIdentifier Attributes=\"7\"><t:SecurityIdentifier>S-1-5-11"
                "</t:SecurityIdentifier></t:GroupIdentifier></t:GroupSids><t:PrimarySmtpAddress>anna@a.example</t:PrimarySmtpAddress></t:SerializedSecurityContext>")
    plain = None
    for header in ["", *kinds, somebody, kinds[0] + somebody, "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>anna@a.example</t:PrimarySmtpAddress></t:ConnectingSID>"
                   "</t:ExchangeImpersonation>", '<w:MessageID xmlns:w="http://www.w3.org/2005/08/addressing" s:mustUnderstand="1">urn:uuid:1</w:MessageID>',
                   '<x:New xmlns:x="urn:unheard-of">of 2030</x:New>']:
        status, _, answer = a.http(question(["bob@b.example"], header), user="exchange", headers=ASKS)
        answer = re.sub(rb"request [0-9a-f]{32}", b"", answer)
        plain = plain or answer
        same((status, answer), (200, plain), f"the same answer with {header[:90] or 'no header'}")
    # A server of ours may name somebody, but without a directory nobody is known by a name: the organisation asks.
    a.account("cas", "server")
    a.run("reload")
    for header in ("", somebody, kinds[0] + somebody):
        status, _, answer = a.http(question(["bob@b.example"], header), user="cas", headers=ASKS)
        same((status, re.sub(rb"request [0-9a-f]{32}", b"", answer)), (200, plain), "a server's word without a directory")
    one = sites.answers(plain)[0]
    same((one["code"], one["merged"], [e["busy"] for e in one["events"]]), ("NoError", "2200000000000000", ["Busy", "Free"]), "as to 2007: nobody works elsewhere")
    for version, free in (("Exchange2007_SP1", "Free"), ("Exchange2010_SP2", "Free"), ("Exchange2013", "WorkingElsewhere"), ("Exchange2016", "WorkingElsewhere"), ("V2017_07_11", "WorkingElsewhere")):
        answer = a.http(question(["bob@b.example"], f'<t:RequestServerVersion Version="{version}"/>'), user="exchange", headers=ASKS)[2]
        same([(e["busy"], e["start"]) for e in sites.answers(answer)[0]["events"]], [("Busy", "2026-03-02T08:00:00"), (free, "2026-03-02T11:00:00")], version)
    status, _, answer = a.http(question(["bob@b.example"], '<x:New xmlns:x="urn:unheard-of" s:mustUnderstand="1">of 2030</x:New>'), user="exchange", headers=ASKS)
    same((status, fault(answer)), (500, "ErrorInvalidRequest"), "what must be understood and is not")

    # Addresses that are none, beside one that is: each is answered, in its place.
    dn = "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=bob"
    for routing in ("EX", "SMTP", "", "MAPIPDL", "X500"):
        status, _, answer = a.http(question([dn], routing=routing), user="exchange", headers=ASKS)
        same((status, codes(sites.answers(answer))), (200, ["ErrorAddressSpaceNotFound"]), f"a legacyExchangeDN as {routing}")
    mixed = question(["bob@b.example", dn, f"{ANCHOR}@b.example", "x@nobodys.example", "BOB@B.EXAMPLE"])
    same(codes(sites.answers(a.http(mixed, user="exchange", headers=ASKS)[2])),
         ["NoError", "ErrorAddressSpaceNotFound", "ErrorNoFreeBusyAccess", "ErrorAddressSpaceNotFound", "NoError"], "one answer each, in order")
    for days, code in ((42, None), (62, None), (63, "ErrorTimeIntervalTooBig")):
        end = {42: "2026-04-13", 62: "2026-05-03", 63: "2026-05-04"}[days] + "T00:00:00"
        status, _, answer = a.http(question(["bob@b.example"], start="2026-03-02T00:00:00", end=end), user="exchange", headers=ASKS)
        same((status, fault(answer)), (200 if code is None else 500, code), f"{days} days")
        if code is None:
            same((len(sites.answers(answer)[0]["merged"]), sites.answers(answer)[0]["merged"].count("2")), (days * 48, 2), f"the digits of {days} days")
    until(lambda: any("operation=GetUserAvailability code=ErrorTimeIntervalTooBig" in line and "62 days" in line for line in a.lines("fault")), "the log says why")
    for view, events, merged in (("MergedOnly", 0, True), ("FreeBusy", 2, False), ("FreeBusyMerged", 2, True), ("Detailed", 2, False), ("DetailedMerged", 2, True)):
        one = sites.answers(a.http(question(["bob@b.example"], view=view), user="exchange", headers=ASKS)[2])[0]
        same((one["view"], len(one["events"]), one["merged"] is not None), (view, events, merged), view)
    same(codes(sites.answers(a.http(question([f"p{i}@b.example" for i in range(100)]), user="exchange", headers=ASKS)[2])), ["ErrorNoFreeBusyAccess"] * 100, "a hundred at once")
    same(fault(a.http(question([f"p{i}@b.example" for i in range(101)]), user="exchange", headers=ASKS)[2]), "ErrorMailboxDataArrayTooBig", "one more")

    # As 2010 connects: TLS 1.2, no SNI, no ALPN; .NET asks for 100 Continue and sends its first try without a login.
    context = a.context()
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES256-SHA384")
    body = question(["bob@b.example"]).encode()
    head = f"POST /EWS/Exchange.asmx HTTP/1.1\r\nContent-Type: text/xml; charset=utf-8\r\nUser-Agent: {ASKS['User-Agent']}\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    with socket.create_connection(("localhost", a.front), timeout=10) as raw, context.wrap_socket(raw) as s:
        s.sendall(head.encode() + f"Content-Length: {len(body)}\r\nConnection: Keep-Alive\r\n\r\n".encode())
        got = s.recv(4000)
        check(got.startswith(b"HTTP/1.1 401 ") and b"100 Continue" not in got and b"WWW-Authenticate: Basic" in got, "refused before the body is asked for")

    # ---- what may come beside it
    who = "<t:EmailAddress>bob@b.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>"
    def ask(body):
        status, _, answer = a.http(envelope(body), user="exchange", headers={"User-Agent": ASKS["User-Agent"]})
        return status, re.findall(rb"<m:ResponseCode>(\w+)<", answer) or [fault(answer).encode()], answer

    status, found, answer = ask(f"<m:GetMailTips><m:SendingAs>{who}</m:SendingAs><m:Recipients><t:Mailbox>{who}</t:Mailbox></m:Recipients>"
                                "<m:MailTipsRequested>OutOfOfficeMessage MailboxFullStatus</m:MailTipsRequested></m:GetMailTips>")
    same((status, found), (200, [b"NoError", b"ErrorMailTipsDisabled"]), "mail tips are off")
    status, found, answer = ask("<m:GetServiceConfiguration><m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName></m:RequestedConfiguration></m:GetServiceConfiguration>")
    same((status, found), (200, [b"NoError", b"NoError"]), "the configuration")
    check(b"<t:MailTipsEnabled>false<" in answer, "says so")
    same(ask("<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>bob@b.example</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>")[:2], (500, [b"ErrorAccessDenied"]), "out of office is its owner's")
    same(ask("<m:GetUserPhoto><m:Email>bob@b.example</m:Email><m:SizeRequested>HR48x48</m:SizeRequested></m:GetUserPhoto>")[:2], (200, [b"ErrorItemNotFound"]), "no photo")
    same(a.http(None, path="/EWS/Exchange.asmx/s/GetUserPhoto?email=bob@b.example&size=HR48x48", method="GET", user="exchange")[0], 404, "by its other way")
    same(ask("<m:FindMessageTrackingReport><m:Scope>Organization</m:Scope><m:Domain>b.example</m:Domain><m:Sender><t:EmailAddress>anna@a.example</t:EmailAddress></m:Sender>"
             "</m:FindMessageTrackingReport>")[:2], (200, [b"ErrorMessageTrackingNoSuchDomain"]), "no tracking")
    same(ask("<m:GetMessageTrackingReport><m:Scope>Organization</m:Scope><m:ReportTemplate>Summary</m:ReportTemplate><m:MessageTrackingReportId>1</m:MessageTrackingReportId>"
             "</m:GetMessageTrackingReport>")[:2], (200, [b"ErrorMessageTrackingNoSuchDomain"]), "of no report")
    same(ask("<m:FindItem Traversal=\"Shallow\"/>")[:2], (500, [b"ErrorInvalidRequest"]), "what is no business of ours")
sites.finish()
