#ifndef TESTS_UNIT_EWS_HELP_H
#define TESTS_UNIT_EWS_HELP_H
#include "bridge/availability/clock.h"
#include "bridge/ews/request.h"

/* What the tests of the ews room share: envelopes from parts. */

#define XMLNS " xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"" \
              " xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\""
#define SOAP(header, body) "<s:Envelope" XMLNS "><s:Header>" header "</s:Header><s:Body>" body "</s:Body></s:Envelope>"
#define GUA(inside) "<m:GetUserAvailabilityRequest>" inside "</m:GetUserAvailabilityRequest>"
#define HALF(name, bias, time, order, month, day) \
	"<t:" name "><t:Bias>" bias "</t:Bias><t:Time>" time "</t:Time><t:DayOrder>" order "</t:DayOrder><t:Month>" month \
	"</t:Month><t:DayOfWeek>" day "</t:DayOfWeek></t:" name ">"
#define ZONE(bias, standard, daylight) "<t:TimeZone><t:Bias>" bias "</t:Bias>" standard daylight "</t:TimeZone>"
#define BERLIN ZONE("-60", HALF("StandardTime", "0", "03:00:00", "5", "10", "Sunday"), HALF("DaylightTime", "-60", "02:00:00", "5", "3", "Sunday"))
#define MAILBOX(address) "<t:MailboxData><t:Email><t:Address>" address "</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
#define BOXES(inside) "<m:MailboxDataArray>" inside "</m:MailboxDataArray>"
#define WINDOW(start, end) "<t:TimeWindow><t:StartTime>" start "</t:StartTime><t:EndTime>" end "</t:EndTime></t:TimeWindow>"
#define OPTIONS(inside) "<t:FreeBusyViewOptions>" inside "</t:FreeBusyViewOptions>"
#define INTERVAL(n) "<t:MergedFreeBusyIntervalInMinutes>" n "</t:MergedFreeBusyIntervalInMinutes>"
#define VIEW(v) "<t:RequestedView>" v "</t:RequestedView>"
#define MARCH WINDOW("2026-03-24T00:00:00", "2026-03-26T00:00:00")

static inline struct ews_request *read_text(const char *xml)
{
	return ews_read(xml, strlen(xml));
}

/* Seconds of "2026-03-24T00:00:00Z". */
static inline int64_t at(const char *when)
{
	int64_t t = -1;

	fb_time_parse_in(when, fb_zone_utc(), &t);
	return t;
}
#endif
