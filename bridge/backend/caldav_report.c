#include <stdio.h>
#include <string.h>
#include "bridge/backend/caldav_own.h"
#include "bridge/base/text.h"

/* Free/busy as the server works it out: by a report on each calendar (RFC 4791 7.10), or from a URL. */

static void next_calendar(struct caldav_ask *a);

/* Takes ${r}, which must be text/calendar. False if the way is over. */
static bool take(struct caldav_ask *a, const struct http_reply *r)
{
	const char *type = http_header(r, "Content-Type");
	struct buf why;
	if (r->outcome != HTTP_ANSWERED || r->status != 200) {
		caldav_unwanted(a, r);
		return false;
	}
	if (!type || !text_istarts(type, "text/calendar")) {
		caldav_end(a, CALDAV_FAILED, "%s: the answer is %s and not text/calendar", r->url, type ? type : "of no type");
		return false;
	}
	caldav_answer(a, FB_VIEW_EVENTS);
	buf_init(&why, 1024);
	enum caldav_end end = caldav_take_freebusy(a, buf_cstr(r->body), r->body->len, &why);
	if (end != CALDAV_ANSWERED)
		caldav_end(a, end, "%s: %s", r->url, buf_cstr(&why));
	buf_free(&why);
	return end == CALDAV_ANSWERED;
}

static void on_report(struct caldav_ask *a, const struct http_reply *r)
{
	/* Radicale lists the events that it found, and nothing of theirs: it does not know this report. */
	if (r->outcome == HTTP_ANSWERED && r->status == 207)
		caldav_end(a, CALDAV_UNKNOWN, "%s: a multistatus for free-busy-query: the server does not know this report", r->url);
	else if (take(a, r))
		next_calendar(a);
}

static void next_calendar(struct caldav_ask *a)
{
	struct buf *b = &a->body;
	if (a->at == a->n_calendars) {
		caldav_answered(a);
		return;
	}
	buf_reset(b);
	buf_puts(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	            "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range start=\"");
	caldav_put_time(b, a->window.start);
	buf_puts(b, "\" end=\"");
	caldav_put_time(b, a->window.end);
	buf_puts(b, "\"/></C:free-busy-query>");
	caldav_send(a, "REPORT", a->calendars[a->at++], "1", "application/xml", on_report);
}

/*
 * A calendar that the settings name is asked without a look at it: the right to see free/busy (RFC 4791 6.1.1) is not that to see
 * anything else, and only a calendar answers this report.
 */
void caldav_ask_report(struct caldav_ask *a)
{
	const char *template = a->d->site.backend->calendar;
	if (!template) {
		caldav_find_calendars(a, next_calendar);
		return;
	}
	a->calendars[0] = caldav_expand(a->arena, template, a->d->origin, a->address, a->window);
	a->n_calendars = 1;
	if (a->calendars[0])
		next_calendar(a);
	else
		caldav_end(a, CALDAV_FAILED, "calendar %s is too long for this address, or at another host than %s", template, a->d->origin);
}

static void on_url(struct caldav_ask *a, const struct http_reply *r)
{
	if (take(a, r))
		caldav_answered(a);
}

void caldav_ask_url(struct caldav_ask *a)
{
	const char *template = a->d->site.backend->freebusy_url;
	char *url = template ? caldav_expand(a->arena, template, a->d->origin, a->address, a->window) : NULL;
	buf_reset(&a->body);
	if (url)
		caldav_send(a, "GET", url, NULL, NULL, on_url);
	else if (template)
		caldav_end(a, CALDAV_FAILED, "freebusy-url %s is too long for this address, or elsewhere than %s", template, a->d->origin);
	else
		caldav_end(a, CALDAV_UNKNOWN, "there is no setting freebusy-url");
}
