#include "bridge/backend/fetcher.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/backend/breaker.h"
#include "bridge/backend/fetch_engine.h"
#include "bridge/backend/fetch_job.h"
#include "bridge/base/alarm.h"
#include "bridge/base/log.h"
#include "bridge/base/text.h"

enum { REPLY_MAX_BYTES = 2 * FB_ANSWER_BYTES, REPLY_KEPT = 64 << 10, PROBE_SECONDS = 86400, PROBE_MINUTES = 60, TRIAL_GRACE_MS = 1000,
       SAY_AGAIN_MS = 10000 };

static const struct fetch_engine *const engines[] = {[CONF_BACKEND_EWS] = &ews_engine, [CONF_BACKEND_CALDAV] = &caldav_engine};

/* One job that the engine works on. */
struct open_job {
	struct open_job *next, **at;
	struct fetcher *fetcher;
	void *ticket;
	int64_t due;                /* loop_ms() */
	fetcher_reply_cb *cb;
	void *arg;
	char address[];
};

struct fetcher {
	const struct conf_backend *backend;
	const struct fetch_engine *engine;
	void *state;                /* the engine's */
	struct fetch_site site;
	struct breaker breaker;
	struct loop_timer *pause;   /* until the next probe; NULL while it is closed */
	char left_alone[FETCHER_WHY_MAX + 1]; /* a sentence: that it is, and why */
	int64_t say_again;          /* loop_ms(): who is turned away stands in the log now and then, with that */
	struct open_job *jobs;
	struct alarm late;          /* for the one that is due first */
	struct buf reply;           /* the one that is given out; its memory is for the next as well, unless it was a large one */
	struct fetch_question last; /* what a probe asks */
	char last_address[FB_ADDRESS_MAX + 1];
	void (*changed)(void *arg, const char *why); /* NULL = nobody wants to know */
	void *changed_arg;
	void (*tried)(void *arg, enum fb_reason reason, const char *why); /* of the one fetcher_try(); NULL once it was told */
	void *tried_arg;
	struct loop_timer *trial;
	char trial_why[FETCHER_WHY_MAX + 1]; /* what was heard of the backend meanwhile */
};

static void reply_with(struct fetcher *f, const struct fb_answer *a, fetcher_reply_cb *cb, void *arg)
{
	buf_reset(&f->reply);
	fetch_reply_pack(&f->reply, a);
	if (f->reply.failed)
		abort(); /* ending is "could not" to every asker */
	cb(arg, buf_ptr(&f->reply), f->reply.len);
	if (f->reply.cap > REPLY_KEPT)
		buf_free(&f->reply);
}

static void reply_reason(struct fetcher *f, enum fb_reason reason, fetcher_reply_cb *cb, void *arg)
{
	struct fb_answer *a = fb_answer_new(reason);

	if (!a)
		abort();
	reply_with(f, a, cb, arg);
	fb_answer_free(a);
}

/* ---- a backend that is down ---- */

static void probe_done(void *arg, const struct fb_answer *answer, const char *why);

static void probe(void *arg)
{
	struct fetcher *f = arg;

	breaker_probe(&f->breaker);
	f->engine->ask(f->state, &f->last, probe_done, f);
}

/* A fifth more or less, so that bridges and sites do not come in step. */
static void wait_for(struct fetcher *f, int64_t ms)
{
	uint16_t chance;

	text_random(&chance, sizeof chance);
	ms += ms * (chance % 401 - 200) / 1000;
	if (f->pause)
		loop_timer_again(f->pause, ms);
	else
		f->pause = loop_timer_new(f->site.loop, ms, probe, f);
}

static void tell(const struct fetcher *f, const char *why)
{
	char cut[FETCHER_WHY_MAX + 1];

	snprintf(cut, sizeof cut, "%s", why ? why : "");
	if (f->changed)
		f->changed(f->changed_arg, why ? cut : NULL);
}

static bool heard(void *arg, enum fetch_health h, int64_t pause_ms, const char *why)
{
	struct fetcher *f = arg;
	bool was_open = f->breaker.open;
	int64_t wait = breaker_heard(&f->breaker, h, pause_ms);

	if (why)
		snprintf(f->trial_why, sizeof f->trial_why, "%s", why);
	if (wait >= 0) {
		tell(f, why ? why : "it failed");
		snprintf(f->left_alone, sizeof f->left_alone, "it is left alone for a while: %s", why ? why : "it failed");
		wait_for(f, wait);
		log_event(LOG_LEVEL_WARN, "backend-down", LS("backend", f->backend->name), LS("why", why), LI("next_ms", wait));
	} else if (was_open && !f->breaker.open) {
		tell(f, NULL);
		loop_timer_free(f->pause);
		f->pause = NULL;
		log_event(LOG_LEVEL_INFO, "backend-up", LS("backend", f->backend->name));
	}
	return !f->breaker.open;
}

static void probe_done(void *arg, const struct fb_answer *answer, const char *why)
{
	struct fetcher *f = arg;

	if (f->breaker.open && f->breaker.probing) /* it came to no call at all */
		heard(f, FETCH_DOWN, 0, why);
}

/* ---- jobs ---- */

static void end_job(struct open_job *j)
{
	*j->at = j->next;
	if (j->next)
		j->next->at = j->at;
	free(j);
}

static void log_failure(const struct fetcher *f, const char *address, enum fb_reason reason, const char *why)
{
	log_event(LOG_LEVEL_WARN, "backend-failed", LS("backend", f->backend->name), LS("mailbox", address),
	          LS("reason", fb_reason_row(reason)->word), LS("why", why));
}

static void job_done(void *arg, const struct fb_answer *answer, const char *why)
{
	struct open_job *j = arg;

	if (answer->reason != FB_OK)
		log_failure(j->fetcher, j->address, answer->reason, why);
	reply_with(j->fetcher, answer, j->cb, j->arg);
	end_job(j);
}

static void job_late(struct open_job *j)
{
	log_failure(j->fetcher, j->address, FB_TIMEOUT, "its time was over before the backend had answered");
	j->fetcher->engine->drop(j->ticket);
	reply_reason(j->fetcher, FB_TIMEOUT, j->cb, j->arg);
	end_job(j);
}

static void put_job(struct open_job **list, struct open_job *j)
{
	j->next = *list;
	j->at = list;
	if (j->next)
		j->next->at = &j->next;
	*list = j;
}

static void look_for_late(void *arg)
{
	struct fetcher *f = arg;
	struct open_job *due = NULL, *next;
	int64_t now = loop_ms();

	for (struct open_job *j = f->jobs; j; j = next) {
		next = j->next;
		if (j->due > now) {
			alarm_by(&f->late, j->due);
			continue;
		}
		*j->at = j->next;
		if (j->next)
			j->next->at = j->at;
		put_job(&due, j); /* a list of their own: one that ends may end another */
	}
	while (due)
		job_late(due);
}

/* Of a long window a day is enough to tell, and it is one call: several would be as many log-ins that may fail. */
static void remember(struct fetcher *f, const struct fetch_question *q)
{
	memcpy(f->last_address, q->address, strlen(q->address) + 1);
	f->last = *q;
	if (q->window.end - q->window.start > PROBE_SECONDS) {
		f->last.window.end = q->window.start + PROBE_SECONDS;
		f->last.interval = PROBE_MINUTES;
	}
	f->last.address = f->last_address;
	f->last.left_ms = f->backend->timeout_ms;
}

static void start_job(struct fetcher *f, const struct fetch_question *q, fetcher_reply_cb *cb, void *arg)
{
	size_t n = strlen(q->address) + 1;
	struct open_job *j = malloc(sizeof *j + n);

	if (!j)
		abort();
	*j = (struct open_job){.fetcher = f, .due = loop_ms() + q->left_ms, .cb = cb, .arg = arg};
	memcpy(j->address, q->address, n);
	put_job(&f->jobs, j);
	alarm_by(&f->late, j->due);
	j->ticket = f->engine->ask(f->state, q, job_done, j);
}

/* It is not asked now. */
static void turn_away(struct fetcher *f, const char *address, fetcher_reply_cb *cb, void *arg)
{
	enum fb_reason reason = f->breaker.why == FETCH_BUSY ? FB_BUSY : FB_CALENDAR_FAILED;

	if (loop_ms() >= f->say_again) {
		f->say_again = loop_ms() + SAY_AGAIN_MS;
		log_failure(f, address, reason, f->left_alone);
	}
	reply_reason(f, reason, cb, arg);
}

void fetcher_work(struct fetcher *f, const uint8_t *job, size_t len, fetcher_reply_cb *cb, void *arg)
{
	struct fetch_job j;

	if (!fetch_job_unpack(job, len, &j)) {
		reply_reason(f, FB_NOT_COMPUTED, cb, arg);
		return;
	}
	if (j.left_ms <= 0) {
		reply_reason(f, FB_TIMEOUT, cb, arg);
		return;
	}
	const struct fetch_question q = {j.address, j.window, j.interval, j.hops, j.left_ms};
	remember(f, &q); /* turned away or not: a probe about the one mailbox that hangs would never find the backend well */
	if (f->breaker.open)
		turn_away(f, j.address, cb, arg);
	else
		start_job(f, &q, cb, arg);
}

/* ---- one try ---- */

static void end_trial(struct fetcher *f, enum fb_reason reason, const char *why)
{
	void (*cb)(void *arg, enum fb_reason reason, const char *why) = f->tried;

	loop_timer_free(f->trial);
	f->trial = NULL;
	f->tried = NULL;
	if (cb)
		cb(f->tried_arg, reason, why);
}

static void trial_done(void *arg, const struct fb_answer *answer, const char *why)
{
	struct fetcher *f = arg;

	end_trial(f, answer->reason, why ? why : *f->trial_why ? f->trial_why : NULL);
}

static void trial_late(void *arg)
{
	struct fetcher *f = arg;

	end_trial(f, FB_TIMEOUT, *f->trial_why ? f->trial_why : "it did not answer in time");
}

void fetcher_try(struct fetcher *f, const char *address, void (*cb)(void *arg, enum fb_reason reason, const char *why), void *arg)
{
	int64_t now = time(NULL) / 3600 * 3600;
	const struct fetch_question q = {address, {now, now + PROBE_SECONDS}, PROBE_MINUTES, 0, f->backend->timeout_ms};

	f->tried = cb;
	f->tried_arg = arg;
	f->trial = loop_timer_new(f->site.loop, f->backend->timeout_ms + TRIAL_GRACE_MS, trial_late, f);
	f->engine->ask(f->state, &q, trial_done, f);
}

void fetcher_watch(struct fetcher *f, void (*changed)(void *arg, const char *why), void *arg)
{
	f->changed = changed;
	f->changed_arg = arg;
}

struct fetcher *fetcher_new(struct loop *l, const struct conf *c, const struct conf_backend *be, struct buf *error)
{
	struct fetcher *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->backend = be;
	buf_init(&f->reply, REPLY_MAX_BYTES);
	alarm_init(&f->late, l, look_for_late, f);
	f->engine = engines[be->type];
	f->site = (struct fetch_site){.loop = l, .conf = c, .backend = be, .health = heard, .arg = f};
	f->site.http = http_new(l, c, be, error);
	if (f->site.http && (f->state = f->engine->open(&f->site, error)))
		return f;
	fetcher_free(f);
	return NULL;
}

void fetcher_trace(struct fetcher *f, struct trace *t)
{
	http_trace(f->site.http, t, f->backend->name);
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	if (f->state)
		f->engine->close(f->state);
	while (f->jobs)
		end_job(f->jobs);
	alarm_end(&f->late);
	loop_timer_free(f->pause);
	loop_timer_free(f->trial);
	http_free(f->site.http);
	buf_free(&f->reply);
	free(f);
}
