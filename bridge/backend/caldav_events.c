#include <stdlib.h>
#include <string.h>
#include "bridge/backend/caldav_own.h"
#include "bridge/backend/defaults.h"
#include "bridge/backend/job.h"
#include "bridge/base/text.h"

/*
 * The events, unexpanded, by calendar-query (RFC 4791 7.8); what they come to is worked out here, as for a calendar file. All of them,
 * and no time-range: a server that reads a rule, a zone or a date otherwise than we do would leave out what is busy, and several do
 * (docs/caldav.md). What came is held against the list of what there is, as SOGo can be set to leave out what is old; what is missing
 * (a task is, too) is asked for by name.
 */
static const char all_events[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	"<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><C:calendar-data/></D:prop>"
	"<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"/></C:comp-filter></C:filter></C:calendar-query>";
static const char members[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\"><D:prop><D:resourcetype/></D:prop></D:propfind>";

static void next_calendar(struct caldav_ask *a);

static int read_list(struct ics_job *j, const struct dav_multistatus *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].data && ics_job_read(j, m->list[i].data, strlen(m->list[i].data)))
			return -1;
	return 0;
}

/* Reads all of the events into the job. -1 with a sentence. */
static int read_all(struct caldav_ask *a, struct ics_job *j)
{
	for (size_t i = 0; i < a->n_calendars; i++) {
		j->collection = (unsigned)i;
		if (read_list(j, &a->events[i]) || read_list(j, &a->missing[i]))
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

/*
 * Is there nothing in a calendar but zones? The server names it as one with an event in it, so what it gives is not all of that: some leave out so
 * what our account may not see.
 */
static bool is_hollow(const char *data)
{
	static const char begin[] = "BEGIN:V";
	for (const char *s = data; (s = strcasestr(s, begin)); s += sizeof begin - 1)
		if (!text_istarts(s, "BEGIN:VCALENDAR") && !text_istarts(s, "BEGIN:VTIMEZONE"))
			return false;
	return strcasestr(data, "BEGIN:VCALENDAR"); /* of what is none there is more to say than that */
}

/* What of a result is no event but should be: one that went meanwhile may be missing, the calendar itself may be listed. */
static const struct dav_response *unreadable(const struct dav_multistatus *m, const char *calendar)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct dav_response *r = &m->list[i];
		bool itself = r->href && !r->status && !r->refused && strstr(calendar, r->href);
		if ((r->data ? is_hollow(r->data) : !itself) && r->status != 404)
			return r;
	}
	return NULL;
}

/* Reads events into ${m}; ends the way and returns false if one of them is not there whole. */
static bool take(struct caldav_ask *a, const struct http_reply *r, struct dav_multistatus *m)
{
	if (!caldav_multistatus(a, r, m))
		return false;
	const struct dav_response *bad = unreadable(m, r->url);
	if (bad)
		caldav_end(a, CALDAV_FAILED, bad->data ? "the server lists %s with calendar-data in which there is nothing" :
		           "the server lists %s without its calendar-data (status %d)",
		           bad->href ? bad->href : "something", bad->status ? bad->status : bad->refused);
	return !bad;
}

static void on_missing(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus *m = &a->missing[a->at];
	if (!take(a, r, m))
		return;
	if (m->n < a->n_missing) {
		caldav_end(a, CALDAV_FAILED, "%s: of %zu events that the server lists it gives %zu", r->url, a->n_missing, m->n);
		return;
	}
	a->at++;
	next_calendar(a);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * One path may be spelled with a character percent-encoded here and not there (RFC 3986 6.2.2.2). A slash parts only as itself, and a percent sign
 * stays encoded: decoded, that of %252F would make the path of %2F, which is another. NULL: out of memory.
 */
static const char *decoded(struct arena *arena, const char *href)
{
	char *copy = strchr(href, '%') ? arena_strdup(arena, href) : NULL, *to = copy;
	if (!copy)
		return strchr(href, '%') ? NULL : href;
	for (; *href; href++, to++) {
		const char two[3] = {href[1], href[1] ? href[2] : 0, 0};
		unsigned char byte;
		bool is_code = *href == '%' && text_unhex(&byte, 1, two) && byte && byte != '/' && byte != '%';
		*to = is_code ? (char)byte : *href;
		href += is_code ? 2 : 0;
	}
	*to = 0;
	return copy;
}

/* The hrefs of the ${n} resources in ${m} that have one, sorted, in the arena; NULL when out of memory. */
static const char **hrefs(struct arena *arena, const struct dav_multistatus *m, size_t *n)
{
	const char **list = arena_alloc(arena, (m->n + 1) * sizeof *list);
	*n = 0;
	for (size_t i = 0; list && i < m->n; i++)
		if (m->list[i].href && !(list[(*n)++] = decoded(arena, m->list[i].href)))
			return NULL;
	if (list)
		qsort(list, *n, sizeof *list, by_text);
	return list;
}

/*
 * Puts into the body a calendar-multiget (RFC 4791 7.9) of those in ${there} that did not come with the events, a->n_missing of them.
 * False: it cannot be told which.
 */
static bool put_missing(struct caldav_ask *a, const struct dav_multistatus *there)
{
	struct buf *b = &a->body;
	size_t n;
	const char **known = hrefs(a->arena, &a->events[a->at], &n);
	a->n_missing = 0;
	buf_reset(b);
	buf_puts(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<C:calendar-multiget xmlns:D=\"DAV:\" "
	            "xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><C:calendar-data/></D:prop>");
	for (size_t i = 0; known && i < there->n; i++) {
		const struct dav_response *r = &there->list[i];
		const char *href = r->href ? decoded(a->arena, r->href) : NULL;
		if (!href || (r->status && r->status != 404))
			return false; /* 507 for one: there is more */
		if (r->status == 404 || (r->types & DAV_COLLECTION) || bsearch(&href, known, n, sizeof *known, by_text))
			continue;
		a->n_missing++;
		buf_puts(b, "<D:href>");
		text_xml(b, r->href);
		buf_puts(b, "</D:href>");
	}
	buf_puts(b, "</C:calendar-multiget>");
	return known;
}

static void on_members(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus m;
	if (!caldav_multistatus(a, r, &m))
		return;
	if (!put_missing(a, &m)) {
		caldav_end(a, CALDAV_FAILED, "%s: the server does not list all that is in this calendar", r->url);
		return;
	}
	if (a->n_missing) {
		caldav_send(a, "REPORT", a->calendars[a->at], "1", "application/xml", on_missing);
		return;
	}
	a->at++;
	next_calendar(a);
}

static void on_events(struct caldav_ask *a, const struct http_reply *r)
{
	if (!take(a, r, &a->events[a->at]))
		return;
	buf_reset(&a->body);
	buf_puts(&a->body, members);
	caldav_send(a, "PROPFIND", a->calendars[a->at], "1", "application/xml", on_members);
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
