"""exchangelib, an EWS client of its own, asks A about people of both sites: right times in four zones, in winter and in summer and on both sides of
a change; who may not be seen is an error, never free."""
import datetime
import logging
import os
import tempfile
import warnings
import zoneinfo

import sites
from sites import check, same, until

with sites.pair() as (a, b):
    a.calendar("anna", ("20260114T110000Z", "20260114T113000Z"))
    # Every Wednesday at nine in Berlin: 08:00Z in winter, 07:00Z in summer.
    b.calendar("bob", ("20260107T090000", "20260107T100000", {"RRULE": "FREQ=WEEKLY", "SUMMARY": "Weekly", "LOCATION": "Room 7"}))
    b.calendar("tess", ("20260114T090000", "20260114T100000", {"X-MICROSOFT-CDO-BUSYSTATUS": "TENTATIVE", "CLASS": "PRIVATE", "SUMMARY": "Secret"}))
    b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "shy@b.example", "--level", "None", "--position", "1")
    b.calendar("shy", ("20260114T090000", "20260114T100000"))
    b.reload()
    until(lambda: a.ask("bob@b.example")[0]["code"] == "NoError", "the link to the new generation")

    os.environ["REQUESTS_CA_BUNDLE"] = str(a.ca)
    tempfile.tempdir = str(a.dir)  # exchangelib keeps its Autodiscover cache there
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import exchangelib
    from exchangelib import BASIC, Configuration, Credentials, EWSDateTime, EWSTimeZone
    from exchangelib.protocol import Protocol

    def protocol(password):
        return Protocol(config=Configuration(service_endpoint=f"https://localhost:{a.front}/EWS/Exchange.asmx", auth_type=BASIC,
                                             credentials=Credentials("anna", password)))

    p = protocol(a.password)
    people = [("anna@a.example", "Organizer", False), ("bob@b.example", "Required", False), ("tess@b.example", "Optional", False)]
    utc = datetime.timezone.utc

    def ask(zone, *start, days=1, view="DetailedMerged", interval=30, people=people):
        z = EWSTimeZone(zone)
        begin = EWSDateTime(*start, tzinfo=z)
        return list(p.get_free_busy_info(accounts=people, start=begin, end=begin + datetime.timedelta(days=days), merged_free_busy_interval=interval,
                                         requested_view=view))

    def instants(view, zone):
        found = []
        for e in view.calendar_events or []:
            plain = (datetime.datetime(t.year, t.month, t.day, t.hour, t.minute, t.second, tzinfo=zoneinfo.ZoneInfo(zone)) for t in (e.start, e.end))
            start, end = (t.astimezone(utc) for t in plain)
            found.append((start.strftime("%m-%dT%H:%M"), end.strftime("%m-%dT%H:%M"), e.busy_type))
        return found

    for zone in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"):
        got = ask(zone, 2026, 1, 14)
        same(len(got), 3, f"{zone}: one answer each")
        same(instants(got[0], zone), [("01-14T11:00", "01-14T11:30", "Busy")], f"{zone}: anna, of our own site")
        same(instants(got[1], zone), [("01-14T08:00", "01-14T09:00", "Busy")], f"{zone}: bob in winter")
        same(instants(got[2], zone), [("01-14T08:00", "01-14T09:00", "Tentative")], f"{zone}: tess, tentative")
        same(got[1].calendar_events[0].details.subject, "Weekly", f"{zone}: details over the link")
        same((got[2].calendar_events[0].details.subject, got[2].calendar_events[0].details.is_private), (None, True), f"{zone}: private")
        for refused in ("shy@b.example", "nobody@b.example"):
            # This client hands an error on as it comes: as one of the list in some versions, raised in others.
            try:
                one = ask(zone, 2026, 1, 14, people=[(refused, "Required", False)])[0]
            except exchangelib.errors.ErrorNoFreeBusyAccess as e:
                one = e
            check(isinstance(one, exchangelib.errors.ErrorNoFreeBusyAccess), f"{zone}: {refused}: an error, not {one!r}")
        same(instants(ask(zone, 2026, 7, 15)[1], zone), [("07-15T07:00", "07-15T08:00", "Busy")], f"{zone}: bob in summer")
        # A fortnight over the European change of 29 March; New York changed on the 8th, Sydney on 5 April.
        got = ask(zone, 2026, 3, 23, days=14)
        same(instants(got[1], zone), [("03-25T08:00", "03-25T09:00", "Busy"), ("04-01T07:00", "04-01T08:00", "Busy")], f"{zone}: over the change")

    # The digits start with the window: 09:00 in Berlin is the third half hour after 08:00 in Berlin.
    z = EWSTimeZone("Europe/Berlin")
    start = EWSDateTime(2026, 1, 14, 8, tzinfo=z)
    view = list(p.get_free_busy_info(accounts=people[1:2], start=start, end=start + datetime.timedelta(hours=4), merged_free_busy_interval=30,
                                     requested_view="MergedOnly"))[0]
    same((view.view_type, view.merged), ("MergedOnly", "00220000"), "digits alone")
    try:
        list(protocol("wrong").get_free_busy_info(accounts=people[:1], start=start, end=start + datetime.timedelta(hours=1)))
        check(False, "a wrong password")
    except exchangelib.errors.EWSError as e:
        check(True, repr(e))

    # Found by Autodiscover, from nothing but the address.
    pox = f"""<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>bob@b.example</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a
</AcceptableResponseSchema></Request></Autodiscover>"""
    for address in ("anna@a.example", "bob@b.example", "01B62C6D-4324-448f-9884-5FEC6D18A7E2@b.example"):
        status, headers, body = a.http(pox.replace("bob@b.example", address), path="/Autodiscover/Autodiscover.xml")
        same(status, 200, f"Autodiscover for {address}")
        check(f"https://localhost:{a.front}/EWS/Exchange.asmx".encode() in body, "our own URL")
    status, headers, body = a.http(pox.replace("bob@b.example", "x@unpublished.example"), path="/autodiscover/autodiscover.xml")
    check(b"<ErrorCode>500</ErrorCode>" in body, "another domain: POX 500")
sites.finish()
