#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/caldav_own.h"

enum { WHY_MAX = 1024, BODY_MAX = 4 << 20 /* may name all events of a calendar */, REDIRECTS = 3,
       SPARE_MS = 100 /* whoever asked in haste is told first that his time is over: it is not said of the server */ };

/*
 * The ways of `auto`, best first. Events tell most, and are expanded here alike for all servers; what a server says of free/busy
 * by itself is known to be wrong at some (docs/caldav.md).
 */
static const struct {
	enum conf_caldav_method method;
	caldav_way *ask;
} ways[] = {
	{CONF_CALDAV_EVENTS, caldav_ask_events},
	{CONF_CALDAV_REPORT, caldav_ask_report},
	{CONF_CALDAV_OUTBOX, caldav_ask_outbox},
	{CONF_CALDAV_URL, caldav_ask_url},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void next_way(struct caldav_ask *a);

/* The one that has waited longest for its turn, or NULL. */
static struct caldav_ask *waiting(const struct caldav *d)
{
	struct caldav_ask *found = NULL;
	for (struct caldav_ask *a = d->asks; a; a = a->next)
		found = a->begun ? found : a;
	return found;
}

static bool has_room(const struct caldav *d)
{
	return d->busy < (d->proven || d->site.backend->concurrency < FETCH_UNPROVEN ? d->site.backend->concurrency : FETCH_UNPROVEN);
}

/* Lets one that waits begin, if there is room. */
static void wake(struct caldav *d)
{
	struct caldav_ask *next = has_room(d) ? waiting(d) : NULL;
	if (next)
		loop_timer_again(next->begin, 0);
}

static void ask_free(struct caldav_ask *a)
{
	struct caldav_ask **at = &a->d->asks;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->d->busy -= a->begun;
	wake(a->d);
	if (a->call)
		http_cancel(a->call);
	loop_timer_free(a->begin);
	fb_answer_free(a->answer);
	arena_free(a->arena);
	buf_free(&a->body);
	buf_free(&a->why);
	free(a);
}

/* Tells the asker, who may ask again at once but no longer knows of this question. */
static void finish(struct caldav_ask *a, enum fb_reason reason)
{
	struct fb_answer *answer = reason == FB_OK ? a->answer : fb_answer_new(reason);
	if (!answer)
		abort(); /* ending is "could not" to every asker */
	fetch_done_cb *cb = a->cb;
	void *arg = a->arg;
	struct buf why = a->why;
	if (reason == FB_OK)
		a->answer = NULL;
	buf_init(&a->why, WHY_MAX);
	ask_free(a);
	cb(arg, answer, why.len ? buf_cstr(&why) : NULL);
	fb_answer_free(answer);
	buf_free(&why);
}

/*
 * What became of a question that no way has answered. A server that seems to know nothing at all may only be out of order, with somebody
 * else answering for it: the next question tries everything again.
 */
static void give_up(struct caldav_ask *a)
{
	if (!a->refused)
		a->d->unknown = 0;
	if (!a->why.len)
		buf_puts(&a->why, "the server knows none of the ways that the settings allow: see method, calendar, principal, freebusy-url");
	finish(a, a->refused ? FB_NO_ACCESS : FB_CALENDAR_FAILED);
}

void caldav_answered(struct caldav_ask *a)
{
	buf_reset(&a->why);
	fb_answer_sort(a->answer);
	finish(a, FB_OK);
}

void caldav_end(struct caldav_ask *a, enum caldav_end end, const char *fmt, ...)
{
	char why[WHY_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	/* what a refusal said is worth more than that another way is unknown */
	if (end != CALDAV_UNKNOWN || !a->why.len) {
		buf_reset(&a->why);
		buf_puts(&a->why, why);
	}
	if (end != CALDAV_UNKNOWN && end != CALDAV_REFUSED) {
		finish(a, end == CALDAV_LATE ? FB_TIMEOUT : end == CALDAV_BUSY ? FB_BUSY : FB_CALENDAR_FAILED);
		return;
	}
	if (end == CALDAV_UNKNOWN)
		a->d->unknown |= 1u << a->method;
	a->refused |= end == CALDAV_REFUSED;
	next_way(a);
}

/* Throws away what the last way left behind. */
static void clean(struct caldav_ask *a)
{
	arena_free(a->arena);
	fb_answer_free(a->answer);
	a->answer = NULL;
	a->n_homes = a->n_calendars = a->at = 0;
	memset(a->missing, 0, sizeof a->missing);
	a->arena = arena_new(CALDAV_ARENA);
	if (!a->arena)
		abort();
}

static void next_way(struct caldav_ask *a)
{
	enum conf_caldav_method only = a->d->site.backend->method;
	for (; a->way < WAYS; a->way++) {
		enum conf_caldav_method m = ways[a->way].method;
		if (only == CONF_CALDAV_AUTO ? a->d->unknown & 1u << m : m != only)
			continue;
		a->method = m;
		clean(a);
		ways[a->way++].ask(a);
		return;
	}
	give_up(a);
}

static void begin(void *arg)
{
	struct caldav_ask *a = arg;
	if (!has_room(a->d))
		return; /* whoever ends next makes it begin */
	a->begun = true;
	a->d->busy++;
	wake(a->d); /* several may have ended at once, or the login was taken */
	if (caldav_locate(a))
		next_way(a);
	else
		finish(a, FB_CALENDAR_FAILED);
}

/* It has taken our login, unless that was refused to others meanwhile. */
static bool works(struct caldav *d, const char *why)
{
	bool go_on = d->site.health(d->site.arg, FETCH_WORKS, 0, why);
	d->proven |= go_on;
	wake(d);
	return go_on;
}

/*
 * Tells the fetcher how the server is; what may be this mailbox's alone (500, a calendar too large) says nothing against it. False: it is to be
 * left alone, and others fail for the same ${reason}.
 */
static bool tell_health(struct caldav_ask *a, const struct http_reply *r, enum fb_reason *reason)
{
	const struct fetch_site *s = &a->d->site;
	char why[64];
	*reason = FB_CALENDAR_FAILED;
	a->d->lost = r->outcome == HTTP_UNREACHABLE || r->outcome == HTTP_UNTRUSTED;
	if (r->outcome == HTTP_TOO_LARGE)
		return works(a->d, "");
	if (r->outcome != HTTP_ANSWERED)
		return (r->outcome == HTTP_TIMED_OUT && !a->patient) || s->health(s->arg, FETCH_DOWN, 0, r->why);
	snprintf(why, sizeof why, "the server answers with status %d", r->status);
	if (r->status == 401 || r->status == 407) {
		a->d->proven = false;
		return s->health(s->arg, FETCH_REFUSED, 0, r->why ? r->why : "the server refuses our login");
	}
	if (r->status == 502 || r->status == 504)
		return s->health(s->arg, FETCH_DOWN, 0, why);
	if (r->status != 429 && r->status != 503)
		return works(a->d, why);
	*reason = FB_BUSY;
	return s->health(s->arg, FETCH_BUSY, r->pause_ms, why);
}

/* Those that wait for their turn need not try. */
static void fail_waiting(struct caldav *d, enum fb_reason reason)
{
	struct caldav_ask *a;
	while ((a = waiting(d))) {
		buf_puts(&a->why, "the server has just failed others, and is left alone for a while");
		finish(a, reason);
	}
}

static void on_reply(void *arg, const struct http_reply *r)
{
	struct caldav_ask *a = arg;
	enum fb_reason reason;
	a->call = NULL;
	if (!tell_health(a, r, &reason))
		fail_waiting(a->d, reason);
	a->step(a, r);
}

void caldav_send(struct caldav_ask *a, const char *method, const char *url, const char *depth, const char *type,
                 caldav_step *step)
{
	const char *headers[4];
	char lines[2][128];
	size_t n = 0;
	int64_t left = a->ends_ms - loop_ms(), most = a->d->site.backend->timeout_ms;
	if (a->body.failed) {
		caldav_end(a, CALDAV_FAILED, "the request is too large");
		return;
	}
	if (left <= 0) {
		caldav_end(a, CALDAV_LATE, "its time ran out");
		return;
	}
	if (depth) {
		snprintf(lines[0], sizeof lines[0], "Depth: %s", depth);
		headers[n++] = lines[0];
	}
	if (type) {
		snprintf(lines[1], sizeof lines[1], "Content-Type: %s; charset=utf-8", type);
		headers[n++] = lines[1];
	}
	headers[n] = NULL;
	a->step = step;
	a->patient = left >= most;
	const struct http_request request = {.method = method, .url = url, .headers = headers, .body = buf_ptr(&a->body),
	                                     .len = a->body.len, .max_reply = DAV_MAX_REPLY,
	                                     .timeout_ms = a->patient ? most : left + SPARE_MS, .redirects = REDIRECTS};
	a->call = http_send(a->d->site.http, &request, on_reply, a);
}

void caldav_unwanted(struct caldav_ask *a, const struct http_reply *r)
{
	/* a report that it does not know, a server refuses with 403 and says so (RFC 3253 3.6) */
	bool unknown_report = r->outcome == HTTP_ANSWERED && r->status == 403 && strstr(buf_cstr(r->body), "supported-report");
	if (r->outcome == HTTP_TIMED_OUT)
		caldav_end(a, CALDAV_LATE, "%s", r->why);
	else if (r->outcome != HTTP_ANSWERED)
		caldav_end(a, CALDAV_FAILED, "%s", r->why);
	else if (r->status == 401 && r->why)
		caldav_end(a, CALDAV_FAILED, "%s", r->why);
	else if (r->status == 401 || r->status == 407)
		caldav_end(a, CALDAV_FAILED, "the server refuses our login (%d): see auth, user and the password", r->status);
	else if (r->status == 405 || r->status == 501 || unknown_report)
		caldav_end(a, CALDAV_UNKNOWN, "%s: the server does not know this request (%d)", r->url, r->status);
	else if (r->status == 403 || r->status == 404 || r->status == 410)
		caldav_end(a, CALDAV_REFUSED, "%s: %s (%d)", r->url,
		           r->status == 403 ? "our account has no right to it" : "there is no such thing", r->status);
	else if (r->status == 429 || r->status == 503)
		caldav_end(a, CALDAV_BUSY, "the server is busy (%d)", r->status);
	else
		caldav_end(a, CALDAV_FAILED, "%s: the server answers with status %d", r->url, r->status);
}

bool caldav_multistatus(struct caldav_ask *a, const struct http_reply *r, struct dav_multistatus *out)
{
	struct buf why;
	bool ok;
	if (r->outcome != HTTP_ANSWERED || r->status != 207) {
		caldav_unwanted(a, r);
		return false;
	}
	buf_init(&why, WHY_MAX);
	ok = dav_multistatus_read(buf_ptr(r->body), r->body->len, a->arena, out, &why);
	if (!ok)
		caldav_end(a, CALDAV_FAILED, "%s: the multistatus cannot be read: %s", r->url, buf_cstr(&why));
	buf_free(&why);
	return ok;
}

struct fb_answer *caldav_answer(struct caldav_ask *a, unsigned view)
{
	if (!a->answer && !(a->answer = fb_answer_new(FB_OK)))
		abort();
	a->answer->view = view;
	return a->answer;
}

static void *open_engine(const struct fetch_site *site, struct buf *error)
{
	struct caldav *d = calloc(1, sizeof *d);
	const struct conf_backend *b = site->backend;
	if (!d)
		abort();
	d->site = *site;
	if (b->url && caldav_has_placeholder(b->url))
		d->origin = caldav_origin(b->url);
	else if (b->url)
		caldav_set_base(d, b->url);
	return d;
}

static void close_engine(void *engine)
{
	struct caldav *d = engine;
	while (d->asks)
		ask_free(d->asks);
	free(d->origin);
	free(d->base);
	free(d->outbox);
	free(d->organizer);
	free(d);
}

static void *ask(void *engine, const struct fetch_question *q, fetch_done_cb *cb, void *arg)
{
	struct caldav *d = engine;
	struct caldav_ask *a = calloc(1, sizeof *a);
	if (!a)
		abort();
	*a = (struct caldav_ask){.d = d, .next = d->asks, .window = q->window, .ends_ms = loop_ms() + q->left_ms, .cb = cb, .arg = arg};
	d->asks = a;
	snprintf(a->address, sizeof a->address, "%s", q->address);
	buf_init(&a->why, WHY_MAX);
	buf_init(&a->body, BODY_MAX);
	a->begin = loop_timer_new(d->site.loop, 0, begin, a);
	return a;
}

static void drop(void *ticket)
{
	ask_free(ticket);
}

const struct fetch_engine caldav_engine = {open_engine, close_engine, ask, drop};
