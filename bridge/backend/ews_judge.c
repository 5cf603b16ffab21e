#include <stdio.h>
#include <string.h>
#include "bridge/availability/zone.h"
#include "bridge/backend/ews_own.h"
#include "bridge/base/text.h"

/* What became of a call. The backend's own words are for the log alone. */

static void say(struct ews_verdict *v, enum fetch_health h, enum fb_reason all, const char *why)
{
	v->tell = true;
	v->health = h;
	v->all = all;
	snprintf(v->why, sizeof v->why, "%s", why);
}

/* It did not answer at all. */
static void judge_silence(const struct http_reply *r, bool alone, struct ews_verdict *v)
{
	bool of_the_mailbox = r->outcome == HTTP_TIMED_OUT || r->outcome == HTTP_FAILED || r->outcome == HTTP_TOO_LARGE;

	say(v, FETCH_DOWN, r->outcome == HTTP_TIMED_OUT ? FB_TIMEOUT : FB_CALENDAR_FAILED, r->why);
	v->doubt = of_the_mailbox;
	v->tell = !(alone && of_the_mailbox);
}

/* A status that no EWS answer has. */
static void judge_status(const struct http_reply *r, struct ews_verdict *v)
{
	char why[160];

	if (r->status == 503 || r->status == 429) {
		say(v, FETCH_BUSY, FB_BUSY, "it has too much to do");
		v->pause_ms = r->pause_ms;
	} else if (r->status == 401 || r->status == 403) {
		snprintf(why, sizeof why, "it refused our login (HTTP %d): see %s", r->status, r->status == 401 ? "auth, user and the password" :
		         "that this account, and a program that calls itself availbridge, may use EWS there (docs/exchange.md)");
		say(v, FETCH_REFUSED, FB_CALENDAR_FAILED, r->why ? r->why : why);
	} else {
		snprintf(why, sizeof why, "it answered HTTP %d%s", r->status,
		         r->status / 100 == 3 ? ", a redirect, which is not followed: name the right place in url" :
		         r->status == 404 ? ": there is no EWS at this url" : "");
		say(v, FETCH_DOWN, FB_CALENDAR_FAILED, why);
	}
}

/* Does the answer begin as a page for people does? */
static bool is_page(const struct buf *body)
{
	char begin[40];
	const size_t n = body->len < sizeof begin - 1 ? body->len : sizeof begin - 1;
	const char *p = begin;

	if (n == 0)
		return false;
	memcpy(begin, buf_ptr(body), n);
	begin[n] = 0;
	p += strncmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	p += strspn(p, " \t\r\n");
	return text_istarts(p, "<html") || text_istarts(p, "<!doctype html");
}

/*
 * With 200 it is of whoever stands before the server and lets nobody in without a sign-in; with 500 of the server itself, perhaps because of
 * a mailbox.
 */
static void judge_page(const struct http_reply *r, bool alone, struct ews_verdict *v)
{
	bool failed = r->status == 500;

	say(v, FETCH_DOWN, FB_CALENDAR_FAILED, failed ? "it answered HTTP 500 with a web page" :
	    "it answered with a web page: something that wants people to sign in stands before EWS, and has to let this program pass, or url names "
	    "another place");
	v->doubt = failed;
	v->tell = !failed || !alone;
}

bool ews_is_too_long(const char *code)
{
	return strcmp(code, "ErrorTimeIntervalTooBig") == 0;
}

/* A fault for the whole call. If it asks for a pause it gets it; else one of the mailboxes may be what it does not like. */
static void judge_fault(const struct ews_client_said *said, const char *sentence, bool alone, struct ews_verdict *v)
{
	bool busy = strcmp(said->fault, "ErrorServerBusy") == 0 || strcmp(said->fault, "ErrorExceededConnectionCount") == 0;

	if (busy) {
		say(v, FETCH_BUSY, FB_BUSY, sentence);
		v->pause_ms = said->back_off_ms;
	} else {
		say(v, said->fault[0] ? FETCH_WORKS : FETCH_DOWN, FB_CALENDAR_FAILED, sentence);
		v->too_long = ews_is_too_long(said->fault);
		v->doubt = !v->too_long;
		v->tell = said->fault[0] || !alone;
	}
}

void ews_judge(const struct http_reply *r, size_t n, bool alone, bool is_2007, struct ews_verdict *v)
{
	struct ews_client_said said = {.codes = v->codes, .texts = v->texts, .is_2007 = is_2007};
	struct buf error;

	if (r->outcome != HTTP_ANSWERED) {
		judge_silence(r, alone, v);
		return;
	}
	if (r->status != 200 && r->status != 500) {
		judge_status(r, v);
		return;
	}
	if (is_page(r->body)) {
		judge_page(r, alone, v);
		return;
	}
	buf_init(&error, sizeof v->why);
	if (ews_client_read(buf_ptr(r->body), r->body->len, fb_zone_utc(), v->answers, n, &error, &said) < 0)
		judge_fault(&said, error.len ? buf_cstr(&error) : "its answer could not be read", alone, v);
	else {
		size_t busy = 0;

		for (size_t i = 0; i < n; i++) {
			busy += v->answers[i]->reason == FB_BUSY;
			v->too_long |= ews_is_too_long(v->codes[i]);
		}
		if (busy == n) {
			say(v, FETCH_BUSY, FB_OK, "it has too much to do, it says of each mailbox");
			v->pause_ms = said.back_off_ms;
		} else
			say(v, FETCH_WORKS, FB_OK, "");
	}
	buf_free(&error);
}
