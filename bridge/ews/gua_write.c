#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/writing.h"
#include "bridge/ews/zone_read.h"

/* GetUserAvailabilityResponse of the EWS schema (messages.xsd). */

enum { ENVELOPE = 1024, MAILBOX = 2048, LARGEST = ENVELOPE + FB_MAX_MAILBOXES * MAILBOX };

void success_put(struct buf *out)
{
	buf_puts(out, "<m:ResponseCode>NoError</m:ResponseCode>");
}

void error_put(struct buf *out, const char *code, const char *text)
{
	soap_put(out, "m:MessageText", text);
	soap_put(out, "m:ResponseCode", code);
	soap_put_int(out, "m:DescriptiveLinkKey", 0);
}

/* An answer that holds nothing to show, or digits that are none, is a failure of ours: it must not look like free time. */
const struct fb_answer *answer_shown(const struct ews_request *r, struct acl_released *const *answers, size_t i, enum fb_reason *why)
{
	const struct fb_answer *a = answers && answers[i] ? acl_released_view(answers[i]) : NULL;

	*why = a ? a->reason : FB_NOT_COMPUTED;
	if (!a || a->reason != FB_OK)
		return NULL;
	if (!a->view || ((a->view & FB_VIEW_MERGED) && (!a->merged || !fb_merged_valid(a->merged, r->query.window, r->query.interval)))) {
		*why = FB_NOT_COMPUTED;
		return NULL;
	}
	return a;
}

static void put_message(struct buf *out, const struct fb_reason_row *row, const char *request_id)
{
	buf_puts(out, "<m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>");
	text_xml(out, row->sentence);
	buf_puts(out, " (request id ");
	text_xml(out, request_id);
	buf_puts(out, ")</m:MessageText>");
	soap_put(out, "m:ResponseCode", row->response_code);
	soap_put_int(out, "m:DescriptiveLinkKey", 0);
	if (row->exception) {
		buf_puts(out, "<m:MessageXml><ExceptionType xmlns=\"" NS_ERRORS "\">Microsoft.Exchange.InfoWorker.Common.Availability.");
		text_xml(out, row->exception);
		buf_puts(out, "</ExceptionType>");
		if (row->exception_code)
			buf_printf(out, "<ExceptionCode xmlns=\"" NS_ERRORS "\">%d</ExceptionCode>", row->exception_code);
		buf_puts(out, "</m:MessageXml>");
	}
	buf_puts(out, "</m:ResponseMessage>");
}

static void put_failure(struct buf *out, enum fb_reason why, const char *request_id)
{
	buf_puts(out, "<m:FreeBusyResponse>");
	put_message(out, fb_reason_row(why), request_id);
	buf_puts(out, "<m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>");
}

/* An element of ours whose text the compiler knows. */
#define PUT_FLAG(out, name, on) buf_puts((out), (on) ? "<" name ">true</" name ">" : "<" name ">false</" name ">")

/* Subject and place of a private event are never here (acl/release.c); that they are not written for one is a second lock. */
static void put_details(struct buf *out, const struct fb_event *e)
{
	bool private = e->flags & FB_PRIVATE;

	buf_puts(out, "<t:CalendarEventDetails>");
	if (e->subject && !private)
		soap_put(out, "t:Subject", e->subject);
	if (e->location && !private)
		soap_put(out, "t:Location", e->location);
	PUT_FLAG(out, "t:IsMeeting", e->flags & FB_MEETING);
	PUT_FLAG(out, "t:IsRecurring", e->flags & FB_RECURRING);
	PUT_FLAG(out, "t:IsException", e->flags & FB_EXCEPTION);
	PUT_FLAG(out, "t:IsReminderSet", e->flags & FB_REMINDER);
	PUT_FLAG(out, "t:IsPrivate", private);
	buf_puts(out, "</t:CalendarEventDetails>");
}

static void put_event(struct buf *out, const struct ews_request *r, const struct fb_event *e, bool details)
{
	enum fb_busy busy = e->busy == FB_ELSEWHERE && r->version < EWS_2013 ? FB_FREE : e->busy;
	int64_t start = fb_zone_wall(r->zone, e->start), end = fb_zone_wall(r->zone, e->end);

	/*
	 * When the clock goes back during an event, its end may be a reading that was shown before, even before the start, and clients drop what ends
	 * before it starts. Too long is better than free.
	 */
	if (end - start < e->end - e->start && (end <= start || fb_zone_utc_of(r->zone, end) < e->end))
		end = start + (e->end - e->start);

	buf_puts(out, "<t:CalendarEvent><t:StartTime>");
	fb_time_put_wall(out, start);
	buf_puts(out, "</t:StartTime><t:EndTime>");
	fb_time_put_wall(out, end);
	buf_puts(out, "</t:EndTime><t:BusyType>");
	buf_puts(out, fb_busy_name(busy));
	buf_puts(out, "</t:BusyType>");
	if (details && e->has_details)
		put_details(out, e);
	buf_puts(out, "</t:CalendarEvent>");
}

/* Where in the output the working hours of the mailbox before stand: those of colleagues are often the same. */
struct before {
	const struct fb_working_hours *hours;
	size_t from, len;
};

static void put_working_hours(struct buf *out, const struct fb_working_hours *h, struct before *before)
{
	size_t from = out->len;
	uint8_t *to;

	if (before->hours && memcmp(before->hours, h, sizeof *h) == 0) {
		if ((to = buf_reserve(out, before->len))) {
			memcpy(to, buf_ptr(out) + before->from, before->len);
			buf_commit(out, before->len);
		}
		return;
	}
	buf_puts(out, "<t:WorkingHours><t:TimeZone>");
	zone_serial_put(out, &h->zone);
	buf_puts(out, "</t:TimeZone><t:WorkingPeriodArray>");
	for (size_t i = 0; i < h->n && i < FB_MAX_PERIODS; i++) {
		bool first = true;

		if (!(h->periods[i].days & 127))
			continue;
		buf_puts(out, "<t:WorkingPeriod><t:DayOfWeek>");
		for (int day = 0; day < 7; day++)
			if (h->periods[i].days >> day & 1) {
				buf_puts(out, first ? "" : " ");
				buf_puts(out, zone_weekdays[day]);
				first = false;
			}
		buf_puts(out, "</t:DayOfWeek>");
		soap_put_int(out, "t:StartTimeInMinutes", h->periods[i].start);
		soap_put_int(out, "t:EndTimeInMinutes", h->periods[i].end);
		buf_puts(out, "</t:WorkingPeriod>");
	}
	buf_puts(out, "</t:WorkingPeriodArray></t:WorkingHours>");
	*before = (struct before){h, from, out->len - from};
}

static void put_view(struct buf *out, const struct ews_request *r, const struct fb_answer *a, struct before *before)
{
	buf_puts(out, "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\">");
	success_put(out);
	buf_puts(out, "</m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>");
	buf_puts(out, fb_view_name(a->view));
	buf_puts(out, "</t:FreeBusyViewType>");
	if (a->view & FB_VIEW_MERGED) {
		buf_puts(out, "<t:MergedFreeBusy>");
		buf_puts(out, a->merged); /* digits: answer_shown() has looked */
		buf_puts(out, "</t:MergedFreeBusy>");
	}
	if (a->view & (FB_VIEW_EVENTS | FB_VIEW_DETAILS)) {
		buf_puts(out, "<t:CalendarEventArray>");
		for (size_t i = 0; i < a->n_events; i++)
			put_event(out, r, &a->events[i], a->view & FB_VIEW_DETAILS);
		buf_puts(out, "</t:CalendarEventArray>");
		if (a->hours.known)
			put_working_hours(out, &a->hours, before);
	}
	buf_puts(out, "</m:FreeBusyView></m:FreeBusyResponse>");
}

int ews_write_availability(struct buf *out, const struct ews_request *r, struct acl_released *const *answers, const char *request_id)
{
	struct before before = {0};

	if (out->max >= LARGEST)
		buf_reserve(out, ENVELOPE + r->query.n * MAILBOX); /* what is usual, so that it need not grow on the way */
	soap_begin(out);
	buf_puts(out, "<m:GetUserAvailabilityResponse>");
	if (r->wants_free_busy) {
		buf_puts(out, "<m:FreeBusyResponseArray>");
		for (size_t i = 0; i < r->query.n; i++) {
			enum fb_reason why;
			const struct fb_answer *a = answer_shown(r, answers, i, &why);

			if (a)
				put_view(out, r, a, &before);
			else
				put_failure(out, why, request_id);
		}
		buf_puts(out, "</m:FreeBusyResponseArray>");
	}
	if (r->suggestions.asked)
		suggestions_put(out, r, answers, request_id);
	buf_puts(out, "</m:GetUserAvailabilityResponse>");
	return soap_end(out);
}
