"""A client asks A about people of both sites in one request: each gets their own answer, in the order asked, whatever is wrong with another;
unknown, hidden and denied are the same bytes; a calendar that changes or breaks shows in the very next query."""
import re

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000", "20260302T100000")  # Berlin, so 08:00Z
ONE_HOUR = "2200000000000000"

with sites.pair(start=False) as (a, b):
    a.calendar("anna", NINE)
    b.calendar("bob", (*NINE, {"SUMMARY": "Planning", "LOCATION": "Room 7"}))
    b.calendar("dave", (*NINE, {"SUMMARY": "Therapy", "LOCATION": "Clinic", "CLASS": "PRIVATE"}))
    b.calendar("denied", (*NINE, {"SUMMARY": "Merger"}))
    b.calendar("hidden", (*NINE, {"SUMMARY": "Merger"}))
    b.calendar("times", (*NINE, {"SUMMARY": "Quiet", "LOCATION": "Cellar"}))
    b.calendar("broken", text="BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:nonsense\r\n")
    b.calendar("empty")
    b.run("rule", "add", "--peer", "site-a", "--direction", "in", "--requester", "*", "--target", "denied@b.example", "--level", "None", "--position", "1")
    b.rule("site-a", "in", "*", "times@b.example", "AvailabilityOnly", "--position", "2")
    text = b.config.read_text()
    b.config.write_text(re.sub(r"(?m)^[# ]*hidden\s*=.*$", 'hidden = ["hidden@b.example"];', text, count=1))
    a.start(), b.start(), a.up(), b.up()

    asked = ["bob@b.example", "nobody@b.example", "anna@a.example", "x@unpublished.example", "BOB@B.example", "broken@b.example", "denied@b.example",
             "no address", "dave@b.example", "hidden@b.example", "times@b.example", "empty@b.example", "nobody@a.example"]
    got = a.ask(*asked, headers={"client-request-id": "client-17"})
    same(codes(got), ["NoError", "ErrorNoFreeBusyAccess", "NoError", "ErrorAddressSpaceNotFound", "NoError", "ErrorFreeBusyGenerationFailed",
                      "ErrorNoFreeBusyAccess", "ErrorAddressSpaceNotFound", "NoError", "ErrorNoFreeBusyAccess", "NoError", "NoError",
                      "ErrorNoFreeBusyAccess"], "one answer a mailbox, in order")
    for i in (0, 2, 4, 8, 10):
        same(got[i]["merged"], ONE_HOUR, f"digits of {asked[i]}")
    same(got[11]["merged"], "0" * 16, "an empty calendar is free")
    for i, one in enumerate(got):
        if one["code"] != "NoError":
            same((one["class"], one["view"], one["merged"], one["events"]), ("Error", "None", None, []), f"nothing but the reason for {asked[i]}")
    same(got[0]["events"][0].get("Subject"), "Planning", "details that the rules allow")
    same(got[0]["events"][0].get("Location"), "Room 7", "details that the rules allow")
    same((got[8]["events"][0].get("Subject"), got[8]["events"][0].get("Location"), got[8]["events"][0].get("IsPrivate")), (None, None, "true"), "private")
    same((got[10]["view"], got[10]["events"][0].get("Subject")), ("FreeBusyMerged", None), "times only")
    plain = [re.sub(r"[0-9a-f]{32}", "ID", one["text"] or "") for one in got]
    same(len({plain[1], plain[6], plain[9]}), 1, "unknown, denied and hidden: the same words")

    def bytes_of(who):
        status, headers, body = a.http(sites.request([who + "@b.example"]))
        return status, re.sub(rb"[0-9a-f]{32}", b"ID", body), sorted(k for k in headers.keys())

    same(bytes_of("nobody"), bytes_of("denied"), "unknown and denied: the same bytes")
    same(bytes_of("nobody"), bytes_of("hidden"), "unknown and hidden: the same bytes")

    # One request id in both sites' logs, the client's own beside it, one line a mailbox, and no word of what a calendar says.
    def own():
        return [line for line in a.lines("mailbox") if "client-request-id=client-17" in line]

    def there():
        return [line for line in b.lines("mailbox") if ids & {re.search(r" request-id=(\w+)", line).group(1)}]

    until(lambda: len(own()) >= len(asked), "the lines of all mailboxes at A")
    same(len(own()), len(asked), "one line a mailbox at A")
    ids = {re.search(r" request-id=(\w+)", line).group(1) for line in own()}
    same(len(ids), 1, "one request id")
    until(lambda: len(there()) >= 9, "the lines of all mailboxes at B")
    same(len(there()), 9, "the same id at B, one line for each mailbox of its own")
    check(all("requester=a.example" in line for line in there()), "B learns the organisation, not the person")
    check(all("requester=anna@a.example" in line for line in own()), "A knows the person")
    for word in ("Planning", "Room 7", "Therapy", "Clinic", "Merger", "Quiet", "Cellar", a.password):
        check(word not in a.log() + b.log(), f"no {word} in any log")
    until(lambda: any("broken@b.example" in line and ".ics" in line for line in b.records()), "the log names the broken file")

    # A change is seen by the next query.
    b.calendar("bob", ("20260302T110000", "20260302T120000"))
    same(a.ask("bob@b.example")[0]["merged"], "0000220000000000", "the calendar as it is now")
    b.calendar("bob", text="BEGIN:VCALENDAR\r\nnonsense")
    got = a.ask("bob@b.example", "dave@b.example")
    same(codes(got), ["ErrorFreeBusyGenerationFailed", "NoError"], "broken now, and never free")
    b.calendar("bob", NINE)
    same(a.ask("bob@b.example")[0]["merged"], ONE_HOUR, "mended")
    (b.calendars / "bob@b.example.ics").unlink()
    same(codes(a.ask("bob@b.example")), ["ErrorNoFreeBusyAccess"], "gone is unknown")
sites.finish()
