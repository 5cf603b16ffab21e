#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/ews_own.h"
#include "bridge/base/log.h"

/*
 * Filling calls. The first question goes at the end of the loop's turn; while calls are under way others gather for a moment,
 * for a client that asks about a meeting asks about all its people at once. When as many calls are under way as may be, batches
 * go on filling until one is over.
 */
enum { GATHER_MS = 2, REQUEST_BYTES = 2048, MAILBOX_BYTES = 512, REQUEST_MAX = 1 << 20, DAY_S = 86400 };

static void pump(struct ews *e);

static void batch_free(struct ews_batch *b)
{
	struct ews *e = b->engine;

	if (e->last == &b->next)
		e->last = b->at;
	*b->at = b->next;
	if (b->next)
		b->next->at = b->at;
	if (b->call) {
		http_cancel(b->call);
		e->under_way--;
	}
	loop_timer_free(b->timer);
	buf_free(&b->body);
	free(b);
}

void ews_batches_free(struct ews *e)
{
	while (e->batches)
		batch_free(e->batches);
}

/* ---- a call ---- */

static void suspect_all(struct ews_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->parts[i])
			ews_suspect(&b->engine->suspects, b->parts[i]->question->address, loop_ms());
}

/* Was the ${i}th refused for a window that would be shorter now? */
static bool is_cut_now(const struct ews_batch *b, const struct ews_verdict *v, size_t i)
{
	bool refused = v->all == FB_OK ? ews_is_too_long(v->codes[i]) : v->too_long;

	return refused && !v->left_alone && b->engine->short_windows && b->window.end - b->window.start > EWS_SHORT_DAYS * DAY_S;
}

/* A fault of the whole call, which came at once and for which one mailbox may be to blame: the others need not go without an answer. */
static bool is_asked_alone(const struct ews_batch *b, const struct ews_verdict *v)
{
	return v->doubt && !v->left_alone && v->health == FETCH_WORKS && b->n > 1;
}

/* ${p} has its answer; if it is a failure, with the server's own words for the log. */
static void tell_part(struct ews_part *p, struct fb_answer *a, const struct ews_verdict *v, size_t i)
{
	char why[EWS_CLIENT_CODE_MAX + EWS_CLIENT_TEXT_MAX + 4];

	if (v->all != FB_OK || !v->texts[i]) {
		ews_part_done(p, a, v->all == FB_OK ? v->codes[i] : v->why);
		return;
	}
	snprintf(why, sizeof why, "%s: %s", v->codes[i], v->texts[i]);
	ews_part_done(p, a, why);
}

static void hand_out(struct ews_batch *b, struct ews_verdict *v)
{
	for (size_t i = 0; i < b->n; i++) {
		struct ews_part *p = b->parts[i];
		struct fb_answer *a = v->all == FB_OK ? v->answers[i] : p ? fb_answer_new(v->all) : NULL;

		if (!p) {
			fb_answer_free(a);
			continue;
		}
		if (!a)
			abort();
		if (is_cut_now(b, v, i) || is_asked_alone(b, v)) {
			fb_answer_free(a);
			p->question->alone |= is_asked_alone(b, v);
			ews_ask_again(p);
			continue;
		}
		if (a->reason == FB_OK)
			ews_trust(&b->engine->suspects, p->question->address);
		else if (a->reason == FB_TIMEOUT)
			ews_suspect(&b->engine->suspects, p->question->address, loop_ms());
		tell_part(p, a, v, i);
	}
}

/* What it refused is asked anew, and all that comes is asked so at once. */
static void shorten(struct ews *e)
{
	if (e->short_windows || e->site->backend->window_days <= EWS_SHORT_DAYS)
		return;
	e->short_windows = true;
	log_event(LOG_LEVEL_WARN, "backend-short-windows", LS("backend", e->site->backend->name), LI("days", EWS_SHORT_DAYS),
	          LS("text", "it refuses a window that window-days allows, and is asked about less from now on; write that into window-days"));
}

/* The backend is left alone from now on: what waits for a call hears what the last one came to. */
static void fail_unsent(struct ews *e, struct ews_verdict *v)
{
	for (struct ews_batch *b = e->batches, *next; b; b = next) {
		next = b->next;
		if (b->call)
			continue;
		hand_out(b, v);
		batch_free(b);
	}
}

static void call_done(void *arg, const struct http_reply *r)
{
	struct ews_batch *b = arg;
	struct ews *e = b->engine;
	struct ews_verdict *v = calloc(1, sizeof *v);

	if (!v)
		abort();
	b->call = NULL;
	e->under_way--;
	ews_judge(r, b->n, b->alone, e->site->backend->version == 2007, v);
	if (v->tell && (v->health == FETCH_WORKS || v->health == FETCH_REFUSED))
		e->proven = v->health == FETCH_WORKS;
	if (v->tell)
		v->left_alone = !e->site->health(e->site->arg, v->health, v->pause_ms, v->why);
	if (v->doubt && b->n > 1)
		suspect_all(b);
	if (v->too_long)
		shorten(e);
	hand_out(b, v);
	batch_free(b);
	if (v->left_alone && v->health != FETCH_WORKS) {
		v->all = v->all == FB_OK ? FB_BUSY : v->all; /* it answered, and so of each mailbox */
		fail_unsent(e, v);
	}
	for (size_t i = 0; i < FB_MAX_MAILBOXES; i++)
		free(v->texts[i]);
	free(v);
	pump(e);
}

static void write_request(struct ews_batch *b)
{
	const struct ews *e = b->engine;
	struct fb_mailbox boxes[FB_MAX_MAILBOXES];
	struct fb_query q = {.window = b->window, .interval = b->interval, .mailboxes = boxes,
	                     .view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS};

	for (size_t i = 0; i < b->n; i++) {
		if (!b->parts[i])
			continue;
		b->parts[q.n] = b->parts[i]; /* those that were dropped meanwhile are not asked about */
		boxes[q.n].asked = boxes[q.n].address = b->parts[i]->question->address;
		q.n++;
	}
	b->n = q.n;
	buf_init(&b->body, REQUEST_MAX);
	buf_reserve(&b->body, REQUEST_BYTES + b->n * MAILBOX_BYTES);
	if (ews_client_write(&b->body, &q, &e->utc, e->site->backend->version) < 0)
		abort();
}

static void send_batch(struct ews_batch *b)
{
	char hops[64];
	const char *const headers[] = {
		"Content-Type: text/xml; charset=utf-8",
		"SOAPAction: \"http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability\"", hops, NULL,
	};
	struct ews *e = b->engine;

	snprintf(hops, sizeof hops, "client-request-id: " FB_HOPS_WORD "%u", b->hops + 1);
	write_request(b);
	/* The backend's own limit, however little time its questions have: that they are late is theirs to say, and says nothing of the backend. */
	const struct http_request r = {.method = "POST", .url = e->site->backend->url, .headers = headers,
	                               .body = buf_ptr(&b->body), .len = b->body.len,
	                               .max_reply = EWS_CLIENT_REPLY_MAX, .timeout_ms = e->site->backend->timeout_ms};
	b->ready = false;
	b->sent_ms = loop_ms();
	b->call = http_send(e->site->http, &r, call_done, b);
	e->under_way++;
}

/* ---- filling ---- */

static void pump(struct ews *e)
{
	int most = e->proven || e->site->backend->concurrency < FETCH_UNPROVEN ? e->site->backend->concurrency : FETCH_UNPROVEN;

	for (struct ews_batch *b = e->batches, *next; b && e->under_way < most; b = next) {
		next = b->next;
		if (b->ready)
			send_batch(b);
	}
}

static void gathered(void *arg)
{
	struct ews_batch *b = arg;

	loop_timer_free(b->timer);
	b->timer = NULL;
	b->ready = true;
	pump(b->engine);
}

static struct ews_batch *batch_for(struct ews *e, const struct ews_part *p, bool alone)
{
	size_t most = (size_t)e->site->backend->batch;
	struct ews_batch *b;

	for (b = e->batches; b && !alone; b = b->next)
		if (!b->call && !b->alone && b->n < most && b->interval == p->question->interval && b->hops == p->question->hops &&
		    b->window.start == p->window.start && b->window.end == p->window.end)
			return b;
	b = calloc(1, sizeof *b);
	if (!b)
		abort();
	*b = (struct ews_batch){.engine = e, .at = e->last, .window = p->window, .interval = p->question->interval, .hops = p->question->hops,
	                         .alone = alone};
	*e->last = b;
	e->last = &b->next;
	return b;
}

void ews_batch_add(struct ews *e, struct ews_part *p)
{
	struct ews_batch *b = batch_for(e, p, p->question->alone || ews_is_suspect(&e->suspects, p->question->address, loop_ms()));

	p->batch = b;
	b->parts[b->n++] = p;
	b->live++;
	if (b->n == (size_t)e->site->backend->batch)
		gathered(b);
	else if (!b->timer && !b->ready)
		b->timer = loop_timer_new(e->site->loop, e->under_way && !b->alone ? GATHER_MS : 0, gathered, b);
}

/* Has ${b} been under way for an ${n}th of the time that a call may take? Else its silence tells of the haste of whoever asked. */
static bool took_long(const struct ews_batch *b, int n)
{
	return b->call && n * (loop_ms() - b->sent_ms) >= b->engine->site->backend->timeout_ms;
}

void ews_batch_leave(struct ews_part *p)
{
	struct ews_batch *b = p->batch;
	struct ews *e = b->engine;

	if (took_long(b, 4)) /* perhaps because of this one */
		ews_suspect(&e->suspects, p->question->address, loop_ms());
	for (size_t i = 0; i < b->n; i++)
		if (b->parts[i] == p)
			b->parts[i] = NULL;
	p->batch = NULL;
	if (--b->live > 0)
		return;
	if (!b->alone && took_long(b, 2)) /* long enough to say so of the backend */
		e->site->health(e->site->arg, FETCH_DOWN, 0, "it did not answer in time");
	batch_free(b);
	pump(e);
}
