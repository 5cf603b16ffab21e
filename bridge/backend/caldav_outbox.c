#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/backend/caldav_own.h"
#include "bridge/base/text.h"

/* The scheduling outbox of our account: a VFREEBUSY request in, one answer a recipient out (RFC 6638 5). */

enum { LINE = 75 }; /* octets of a line of iCalendar (RFC 5545 3.1) */

/* One line, folded between characters. */
static void put_line(struct buf *out, const char *name, const char *value)
{
	size_t n = strlen(name), col = n;
	buf_puts(out, name);
	for (const char *s = value; *s; s += n) {
		n = text_utf8_step(s, strlen(s));
		n = n ? n : 1;
		if (col + n > LINE) {
			buf_puts(out, "\r\n ");
			col = 1;
		}
		buf_add(out, s, n);
		col += n;
	}
	buf_puts(out, "\r\n");
}

static void put_request(struct caldav_ask *a)
{
	struct buf *b = &a->body, who;
	char uid[FB_REQUEST_ID_LEN + 1];
	fb_request_id_new(uid);
	buf_init(&who, FB_ADDRESS_MAX + 16);
	buf_printf(&who, "mailto:%s", a->address);
	buf_reset(b);
	buf_puts(b, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//availbridge//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n");
	put_line(b, "UID:", uid);
	buf_puts(b, "DTSTAMP:");
	caldav_put_time(b, time(NULL));
	buf_puts(b, "\r\nDTSTART:");
	caldav_put_time(b, a->window.start);
	buf_puts(b, "\r\nDTEND:");
	caldav_put_time(b, a->window.end);
	buf_puts(b, "\r\n");
	put_line(b, "ORGANIZER:", a->d->organizer);
	put_line(b, "ATTENDEE:", buf_cstr(&who));
	buf_puts(b, "END:VFREEBUSY\r\nEND:VCALENDAR\r\n");
	buf_free(&who);
}

static const struct dav_recipient *find_recipient(const struct dav_schedule *s, const char *address)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *who = s->list[i].who;
		if (who && text_ieq(text_istarts(who, "mailto:") ? who + 7 : who, address))
			return &s->list[i];
	}
	return NULL;
}

static void on_person(struct caldav_ask *a, const struct http_reply *r)
{
	if (r->outcome == HTTP_ANSWERED && (r->status == 404 || r->status == 410))
		caldav_end(a, CALDAV_REFUSED, "%s: there is no such person", r->url);
	else
		caldav_end(a, CALDAV_FAILED, "the server does not deliver to this person, who has a principal");
}

/*
 * The server could not deliver (5.1). Cyrus says so of people who do not exist, others of a server beyond that is down: if there
 * is a template for principals, that tells the two apart.
 */
static void tell_absent_from_failed(struct caldav_ask *a, const char *status)
{
	static const char propfind[] = "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:resourcetype/></D:prop></D:propfind>";
	const char *template = a->d->site.backend->principal;
	char *url = template ? caldav_expand(a->arena, template, a->d->origin, a->address, a->window) : NULL;
	if (!url && a->refused) { /* elsewhere the server has said it already */
		caldav_end(a, CALDAV_REFUSED, "the outbox answers %s", status);
		return;
	}
	if (!url) {
		caldav_end(a, CALDAV_FAILED, "the outbox answers %s; were principal set, it could be told if there is such a person", status);
		return;
	}
	buf_reset(&a->body);
	buf_puts(&a->body, propfind);
	caldav_send(a, "PROPFIND", url, "0", "application/xml", on_person);
}

/* The status begins with 2: success; 3.7, 3.8 and 5.3: nobody, no right, takes no part (RFC 5546 3.6). */
static void take_recipient(struct caldav_ask *a, const struct dav_recipient *r)
{
	struct buf why;
	const char *status = r->status ? r->status : "nothing";
	if (status[0] != '2') {
		if (!strncmp(status, "3.7", 3) || !strncmp(status, "3.8", 3) || !strncmp(status, "5.3", 3))
			caldav_end(a, CALDAV_REFUSED, "the outbox answers %s", status);
		else if (!strncmp(status, "5.1", 3))
			tell_absent_from_failed(a, status);
		else
			caldav_end(a, CALDAV_FAILED, "the outbox answers %s", status);
		return;
	}
	caldav_answer(a, FB_VIEW_EVENTS);
	buf_init(&why, 1024);
	enum caldav_end end = CALDAV_FAILED;
	if (r->data)
		end = caldav_take_freebusy(a, r->data, strlen(r->data), &why);
	else
		buf_puts(&why, "it holds no calendar-data");
	if (end == CALDAV_ANSWERED)
		caldav_answered(a);
	else
		caldav_end(a, end, "the outbox's answer: %s", buf_cstr(&why));
	buf_free(&why);
}

static void on_response(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_schedule s;
	struct buf why;
	if (r->outcome != HTTP_ANSWERED || r->status != 200) {
		free(a->d->outbox); /* look again the next time: it may have moved */
		a->d->outbox = NULL;
		caldav_unwanted(a, r);
		return;
	}
	buf_init(&why, 1024);
	if (!dav_schedule_read(buf_ptr(r->body), r->body->len, a->arena, &s, &why)) {
		caldav_end(a, CALDAV_FAILED, "%s: the schedule-response cannot be read: %s", r->url, buf_cstr(&why));
	} else {
		const struct dav_recipient *who = find_recipient(&s, a->address);
		if (who)
			take_recipient(a, who);
		else
			caldav_end(a, CALDAV_FAILED, "%s: the schedule-response does not speak of the one who was asked about", r->url);
	}
	buf_free(&why);
}

static void post(struct caldav_ask *a)
{
	put_request(a);
	caldav_send(a, "POST", a->d->outbox, NULL, "text/calendar", on_response);
}

void caldav_ask_outbox(struct caldav_ask *a)
{
	caldav_find_outbox(a, post);
}
