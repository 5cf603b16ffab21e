#include "bridge/backend/remote.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/fetch_job.h"
#include "bridge/base/arena.h"
#include "bridge/base/log.h"

enum { BUCKETS = 1024, KEPT_MAX = 4096, WAY_BACK_MS = 100 /* so that a worker's own "too late" comes in time */ };

struct waiter {
	backends_done_cb *cb;
	void *arg;
	struct waiter *next;
};

/* One question: in flight, or with its answer kept. */
struct question {
	struct question *next;           /* in its bucket */
	struct question *newer, *older;  /* of those that are kept */
	struct remote *remote;           /* NULL: it is gone */
	size_t backend;
	struct fb_window window;
	int interval;
	unsigned hops;                   /* bridges that it has come through: in a ring it must not wait for itself */
	int64_t deadline;                /* of the loop's clock, while in flight */
	struct waiter first;             /* who asked it */
	struct waiter *waiters, **last;  /* who waits still, ${first} among them until it was told */
	struct fb_answer *answer;        /* kept */
	int64_t until;                   /* so long */
	bool landed;                     /* its callbacks run: nobody can join it */
	int lent;
	bool forgotten;                  /* to be freed when it is lent no more */
	char address[];
};

struct remote {
	const struct conf *conf;
	backends_submit_fn *submit;
	void *const *pools;
	struct question *buckets[BUCKETS];
	struct question *newest, *oldest;
	size_t n_kept, bytes;
};

/* ---- the table ---- */

static struct question **bucket_of(struct remote *r, const char *address, struct fb_window w)
{
	uint32_t h = 2166136261u ^ (uint32_t)w.start;

	for (; *address; address++)
		h = (h ^ (uint8_t)*address) * 16777619u;
	return &r->buckets[(h ^ h >> 16) % BUCKETS];
}

static bool is_about(const struct question *q, size_t backend, const char *address, struct fb_window w, int interval)
{
	return q->backend == backend && q->window.start == w.start && q->window.end == w.end && q->interval == interval &&
	       strcmp(q->address, address) == 0;
}

static void take_out(struct question *q)
{
	struct question **at = bucket_of(q->remote, q->address, q->window);

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
}

/* The next who waits, in ${out}; he does so no more. False if there is none. */
static bool take_waiter(struct question *q, struct waiter *out)
{
	struct waiter *w = q->waiters;

	if (!w)
		return false;
	*out = *w;
	q->waiters = w->next;
	if (w != &q->first)
		free(w);
	return true;
}

static void question_free(struct question *q)
{
	struct waiter w;

	while (take_waiter(q, &w))
		;
	fb_answer_free(q->answer);
	free(q);
}

/* ---- answers that are kept ---- */

static void forget(struct question *q)
{
	struct remote *r = q->remote;

	take_out(q);
	*(q->newer ? &q->newer->older : &r->newest) = q->older;
	*(q->older ? &q->older->newer : &r->oldest) = q->newer;
	r->n_kept--;
	r->bytes -= arena_used(q->answer->arena);
	q->remote = NULL;
	q->forgotten = true;
	if (!q->lent)
		question_free(q);
}

/* ${q}, which is in its bucket, keeps ${a}. */
static void keep(struct question *q, struct fb_answer *a)
{
	struct remote *r = q->remote;
	size_t most = (size_t)r->conf->cache_mib << 20;

	q->answer = a;
	q->until = loop_ms() + r->conf->backends[q->backend].cache_ms;
	q->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = q;
	r->newest = q;
	r->n_kept++;
	r->bytes += arena_used(a->arena);
	while (r->oldest && (r->n_kept > KEPT_MAX || r->bytes > most || r->oldest->until <= loop_ms()))
		forget(r->oldest);
}

static void lend(struct question *q, backends_done_cb *cb, void *arg)
{
	q->lent++;
	cb(arg, q->answer);
	if (--q->lent == 0 && q->forgotten)
		question_free(q);
}

/* ---- flights ---- */

static struct fb_answer *read_reply(const struct question *q, const uint8_t *data, size_t len, const char *why)
{
	const struct fetch_job j = {.window = q->window, .interval = q->interval};
	struct fb_answer *a = data ? fetch_reply_unpack(data, len, &j) : NULL;

	if (a)
		return a;
	log_event(LOG_LEVEL_ERROR, "backend-failed", LS("backend", q->remote->conf->backends[q->backend].name), LS("mailbox", q->address),
	          LS("why", data ? "the worker's reply could not be read" : why));
	a = fb_answer_new(!data && len == CALENDARS_NO_WORKER ? FB_BUSY : FB_CALENDAR_FAILED);
	if (!a)
		abort();
	return a;
}

/*
 * The worker has replied. The callbacks may ask again or free the remote: so it stays in its bucket meanwhile, where
 * remote_free() finds it.
 */
static void landed(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct question *q = arg;
	struct fb_answer *a = q->remote ? read_reply(q, data, len, why) : NULL;
	struct waiter w;

	q->landed = true;
	while (take_waiter(q, &w))
		w.cb(w.arg, a);
	if (q->remote && a->reason == FB_OK && q->remote->conf->backends[q->backend].cache_ms > 0) {
		keep(q, a);
		return;
	}
	if (q->remote)
		take_out(q);
	fb_answer_free(a);
	question_free(q);
}

static void join(struct question *q, backends_done_cb *cb, void *arg)
{
	struct waiter *w = malloc(sizeof *w);

	if (!w)
		abort();
	*w = (struct waiter){cb, arg, NULL};
	*q->last = w;
	q->last = &w->next;
}

/* Into ${bucket} goes ${asked} with its address, and to a worker of its backend. */
static void start(struct question **bucket, const struct question *asked, const char *address, int64_t deadline_ms)
{
	const struct fetch_job j = {address, asked->window, asked->interval, asked->hops,
	                            deadline_ms > 10 * WAY_BACK_MS ? deadline_ms - WAY_BACK_MS : deadline_ms};
	size_t n = strlen(address) + 1;
	struct question *q = malloc(sizeof *q + n);
	static struct buf job; /* empty between two questions, its memory is kept */

	if (!q)
		abort();
	if (!job.max)
		buf_init(&job, FETCH_JOB_MAX);
	*q = *asked;
	memcpy(q->address, address, n);
	q->waiters = &q->first;
	q->last = &q->first.next;
	q->next = *bucket;
	*bucket = q;
	fetch_job_pack(&job, &j);
	q->remote->submit(q->remote->pools[q->backend], buf_ptr(&job), job.len, deadline_ms, landed, q);
	buf_reset(&job);
}

/* Each of them asks the next as its Exchange, and the last one us. */
static void end_ring(const struct remote *r, size_t i, const char *address, unsigned hops, backends_done_cb *cb, void *arg)
{
	struct fb_answer *a = fb_answer_new(FB_CALENDAR_FAILED);

	if (!a)
		abort();
	log_event(LOG_LEVEL_ERROR, "backend-failed", LS("backend", r->conf->backends[i].name), LS("mailbox", address), LI("hops", hops),
	          LS("why", "bridges ask each other about it in a ring: the url of a backend of theirs or of ours has to lead to the server that has this "
	                    "mailbox, and leads to a bridge"));
	cb(arg, a);
	fb_answer_free(a);
}

/* ---- from outside ---- */

void remote_fetch(struct remote *r, size_t i, const char *address, struct fb_window w, int interval, unsigned hops,
                  int64_t deadline_ms, backends_done_cb *cb, void *arg)
{
	int64_t now = loop_ms();
	struct question **bucket = bucket_of(r, address, w);

	if (hops >= FB_HOPS_MAX && r->conf->backends[i].type == CONF_BACKEND_EWS) {
		end_ring(r, i, address, hops, cb, arg);
		return;
	}

	for (struct question *q = *bucket, *next; q; q = next) {
		next = q->next;
		if (!is_about(q, i, address, w, interval))
			continue;
		if (!q->answer && q->hops != hops)
			continue;
		if (q->answer && q->until <= now)
			forget(q);
		else if (q->answer) {
			lend(q, cb, arg);
			return;
		} else if (!q->landed && q->deadline - now >= deadline_ms / 2) { /* one that is about to fail would fail this one with it */
			join(q, cb, arg);
			return;
		}
	}
	const struct question asked = {.remote = r, .backend = i, .window = w, .interval = interval, .hops = hops, .deadline = now + deadline_ms,
	                               .first = {cb, arg, NULL}};

	start(bucket, &asked, address, deadline_ms);
}

struct remote *remote_new(const struct conf *c, backends_submit_fn *submit, void *const *pools)
{
	struct remote *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	*r = (struct remote){.conf = c, .submit = submit, .pools = pools};
	return r;
}

void remote_free(struct remote *r)
{
	struct waiter w;

	if (!r)
		return;
	while (r->oldest)
		forget(r->oldest);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct question *q = r->buckets[i]; q; q = q->next) {
			q->remote = NULL; /* freed when its reply comes, or at the end of its callbacks */
			while (take_waiter(q, &w))
				;
		}
	free(r);
}
