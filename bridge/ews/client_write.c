#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/client.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/zone_read.h"

/*
 * The request that any EWS client would send. An instant needs no zone to be understood, so the window is written with Z; in a
 * zone that is UTC it is written as Outlook writes it, without: what every Exchange has been asked with.
 */

static void put_mailbox(struct buf *out, const struct fb_mailbox *m)
{
	buf_puts(out, "<t:MailboxData><t:Email>");
	soap_put(out, "t:Address", m->address[0] ? m->address : m->asked);
	buf_puts(out, "</t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>");
}

static void put_time(struct buf *out, const char *tag, int64_t utc, const struct fb_zone_rule *rule)
{
	buf_printf(out, "<t:%s>", tag);
	if (rule->standard_offset == 0 && rule->daylight_offset == 0)
		fb_time_put_wall(out, utc);
	else
		fb_time_put_utc(out, utc);
	buf_printf(out, "</t:%s>", tag);
}

/* RequestServerVersion came with 2007 SP1. */
static const char *version_word(int version)
{
	return version <= 2007 ? "Exchange2007_SP1" : version < 2013 ? "Exchange2010" : version < 2016 ? "Exchange2013" : "Exchange2016";
}

int ews_client_write(struct buf *out, const struct fb_query *q, const struct fb_zone_rule *rule, int version)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES
	              "\" xmlns:t=\"" NS_TYPES "\"><s:Header><t:RequestServerVersion Version=\"");
	buf_puts(out, version_word(version));
	buf_puts(out, "\"/></s:Header><s:Body><m:GetUserAvailabilityRequest><t:TimeZone>");
	zone_serial_put(out, rule);
	buf_puts(out, "</t:TimeZone><m:MailboxDataArray>");
	for (size_t i = 0; i < q->n; i++)
		put_mailbox(out, &q->mailboxes[i]);
	buf_puts(out, "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>");
	put_time(out, "StartTime", q->window.start, rule);
	put_time(out, "EndTime", q->window.end, rule);
	buf_puts(out, "</t:TimeWindow>");
	soap_put_int(out, "t:MergedFreeBusyIntervalInMinutes", q->interval);
	soap_put(out, "t:RequestedView", fb_view_name(q->view));
	buf_puts(out, "</t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>");
	return soap_end(out);
}
