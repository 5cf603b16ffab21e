"""What is asked and answered in the benchmarks: requests as an Exchange sends them, calendars, and what must come back.

Everybody has four events in the two days that are asked about; which hours depends on the person's number, so that an answer about somebody else
is seen. Times of the calendars are UTC, those of the requests and answers of the requester's zone, which is eight hours behind it in winter."""
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from sites import M, T, answers  # noqa: E402

DAY = datetime.date(2026, 3, 2)
BEHIND = datetime.timedelta(hours=8)
STAMP, WALL = "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%S"
KINDS = (("CONFIRMED", "Busy", "2"), ("TENTATIVE", "Tentative", "1"))

ZONE = ("<t:TimeZone><t:Bias>480</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>11</t:Month>"
        "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>2</t:DayOrder>"
        "<t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>")


def person(number, domain="b.example"):
    return f"person.number{number:04}@{domain}"


def busy(number):
    """The four events of somebody: (start, end, kind), in UTC."""
    found = []
    for i in range(4):
        start = datetime.datetime.combine(DAY, datetime.time(16 + (number // 4 + i) % 3, 30 * (number // 2 % 2))) + datetime.timedelta(days=i % 2, hours=i // 2 * 3)
        found.append((start, start + datetime.timedelta(minutes=30 + 30 * (number % 2)), KINDS[(number + i) % 2]))
    return sorted(found)


def calendar(number, extra=()):
    """Their calendar as iCalendar text; ${extra}: further (start, end), outside of what is asked about."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN"]
    all_events = [(s, e, kind[0]) for s, e, kind in busy(number)] + [(s, e, "CONFIRMED") for s, e in extra]
    for i, (start, end, status) in enumerate(all_events):
        lines += ["BEGIN:VEVENT", f"UID:{number}-{i}@bench", "DTSTAMP:20260101T000000Z", f"DTSTART:{start.strftime(STAMP)}",
                  f"DTEND:{end.strftime(STAMP)}", f"STATUS:{status}", f"SUMMARY:Review no {i}", f"LOCATION:Room {100 + i}", "END:VEVENT"]
    return "\r\n".join(lines + ["END:VCALENDAR", ""])


def request(addresses):
    boxes = "".join(f"<t:MailboxData><t:Email><t:Name>{a.split('@')[0]}</t:Name><t:Address>{a}</t:Address><t:RoutingType>SMTP</t:RoutingType></t:Email>"
                    "<t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>" for a in addresses)
    start = datetime.datetime.combine(DAY, datetime.time())
    return (f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{T[1:-1]}" '
            f'xmlns:m="{M[1:-1]}"><soap:Header><t:RequestServerVersion Version="Exchange2016"/></soap:Header><soap:Body>'
            f"<m:GetUserAvailabilityRequest>{ZONE}<m:MailboxDataArray>{boxes}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>"
            f"<t:StartTime>{start.strftime(WALL)}</t:StartTime><t:EndTime>{(start + datetime.timedelta(days=2)).strftime(WALL)}</t:EndTime>"
            "</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>"
            "<t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></soap:Body></soap:Envelope>")


def expected(number):
    """What an answer about somebody must say, as sites.answers() reads it."""
    digits, events = ["0"] * 96, []
    midnight = datetime.datetime.combine(DAY, datetime.time())
    for start, end, (_, word, digit) in busy(number):
        start, end = start - BEHIND, end - BEHIND
        events.append({"start": start.strftime(WALL), "end": end.strftime(WALL), "busy": word})
        first, last = ((x - midnight) // datetime.timedelta(minutes=30) for x in (start, end))
        digits[first:last] = [max(d, digit) for d in digits[first:last]]
    return {"code": "NoError", "merged": "".join(digits), "events": events}


def is_right(body, numbers):
    """True if the answer ${body} says of each of ${numbers}, in their order, what it must."""
    found = answers(body)
    return len(found) == len(numbers) and all({k: a[k] for k in ("code", "merged", "events")} == expected(n) for a, n in zip(found, numbers))


def exchange_reply(count, behind=BEHIND):
    """What an Exchange answers about ${count} people, to all of whom happens what happens to number 0; times in a zone that is ${behind} UTC."""
    types = f' xmlns="{T[1:-1]}"'
    events = "".join(f"<CalendarEvent><StartTime>{(start - behind).strftime(WALL)}</StartTime><EndTime>{(end - behind).strftime(WALL)}</EndTime>"
                     f"<BusyType>{word}</BusyType></CalendarEvent>" for start, end, (_, word, _) in busy(0))
    hours = (f"<WorkingHours{types}>{ZONE.replace('t:', '')}<WorkingPeriodArray><WorkingPeriod><DayOfWeek>Monday Tuesday Wednesday Thursday Friday</DayOfWeek>"
             "<StartTimeInMinutes>480</StartTimeInMinutes><EndTimeInMinutes>1020</EndTimeInMinutes></WorkingPeriod></WorkingPeriodArray></WorkingHours>")
    one = ('<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView>'
           f"<FreeBusyViewType{types}>FreeBusyMerged</FreeBusyViewType><MergedFreeBusy{types}>{expected(0)['merged']}</MergedFreeBusy>"
           f"<CalendarEventArray{types}>{events}</CalendarEventArray>{hours}</FreeBusyView></FreeBusyResponse>")
    return ('<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo MajorVersion="15" '
            f'MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" xmlns:h="{T[1:-1]}"{types}/></s:Header><s:Body '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><GetUserAvailabilityResponse '
            f'xmlns="{M[1:-1]}"><FreeBusyResponseArray>{one * count}</FreeBusyResponseArray></GetUserAvailabilityResponse></s:Body></s:Envelope>')
