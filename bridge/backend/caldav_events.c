#include <string.h>
#include "bridge/backend/caldav_own.h"
#include "bridge/backend/defaults.h"
#include "bridge/backend/job.h"

/*
 * The events, unexpanded, by calendar-query (RFC 4791 7.8); what they come to is worked out here, as for a calendar file. All of them,
 * and no time-range: a server that reads a rule, a zone or a date otherwise than we do would leave out what is busy. Several do, and
 * prop-filter is no better (docs/caldav.md).
 */
static const char all_events[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	"<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><C:calendar-data/></D:prop>"
	"<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"/></C:comp-filter></C:filter></C:calendar-query>";

static void next_calendar(struct caldav_ask *a);

/* Reads all of the events into the job. -1 with a sentence. */
static int read_all(struct caldav_ask *a, struct ics_job *j)
{
	for (size_t i = 0; i < a->n_calendars; i++)
		for (size_t k = 0; k < a->events[i].n; k++) {
			const char *text = a->events[i].list[k].data;
			if (text && ics_job_read(j, text, strlen(text)))
				return -1;
		}
	return 0;
}

static void expand(struct caldav_ask *a)
{
	struct fb_working_hours hours;
	struct ics_options options;
	struct ics_job j;
	struct buf error;
	caldav_answer(a, FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	ics_default_options(a->d->site.conf, a->window.start, &hours, &options);
	buf_init(&error, 4096);
	int err = ics_job_start(&j, a->window, &options, a->answer, &error);
	if (!err)
		err = read_all(a, &j);
	if (!err)
		err = ics_job_finish(&j, NULL);
	ics_job_free(&j);
	if (err)
		caldav_end(a, CALDAV_FAILED, "an event of the server's cannot be read: %s", buf_cstr(&error));
	else
		caldav_answered(a);
	buf_free(&error);
}

/* What of a result is no event but should be: one that went meanwhile may be missing, the calendar itself may be listed. */
static const struct dav_response *unreadable(const struct dav_multistatus *m, const char *calendar)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct dav_response *r = &m->list[i];
		bool itself = r->href && !r->status && !r->refused && strstr(calendar, r->href);
		if (!r->data && r->status != 404 && !itself)
			return r;
	}
	return NULL;
}

static void on_events(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus *m = &a->events[a->at];
	if (!caldav_multistatus(a, r, m))
		return;
	const struct dav_response *bad = unreadable(m, r->url);
	if (bad) {
		caldav_end(a, CALDAV_FAILED, "the server lists %s without its calendar-data (status %d)",
		           bad->href ? bad->href : "something", bad->status ? bad->status : bad->refused);
		return;
	}
	a->at++;
	next_calendar(a);
}

static void next_calendar(struct caldav_ask *a)
{
	if (a->at == a->n_calendars) {
		expand(a);
		return;
	}
	buf_reset(&a->body);
	buf_puts(&a->body, all_events);
	caldav_send(a, "REPORT", a->calendars[a->at], "1", "application/xml", on_events);
}

void caldav_ask_events(struct caldav_ask *a)
{
	caldav_find_calendars(a, next_calendar);
}
