#include "bridge/process/pool.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/query.h"
#include "bridge/base/alarm.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/jobs.h"
#include "bridge/process/messages.h"

enum { WAITING_MAX = 100 * FB_MAX_MAILBOXES }; /* a hundred of the largest questions at once */
enum { STILLBORN_MAX = 3 };
static const char stillborn_words[] = "its workers end before they are ready: their errors in the log say why";

struct worker {
	struct worker *next;
	struct pool *pool;
	struct channel *channel;
	struct jobs jobs;         /* those that it has */
	struct loop_timer *stuck; /* comes when the oldest may have been there for too long; NULL before its first job */
	bool looking;             /* that timer runs */
	int64_t pid;
	bool ready;
	uint8_t able; /* as said with MSG_WORKER_READY; 0 if nothing was */
	char *trouble; /* as said with MSG_BACKEND; NULL = none */
};

struct pool {
	struct loop *loop;
	struct pool_kind kind;
	pool_changed_cb *changed;
	void *arg;
	struct worker *workers;
	struct jobs waiting; /* without a worker */
	struct alarm late;   /* for the job that is due first */
	struct jobs failed;  /* before they began; */
	struct alarm tell;   /* they are told so at the end of the turn, without a look at all that wait */
	uint32_t handle;     /* of the last job */
	unsigned stillborn;  /* workers in a row that ended before they were ready */
	struct {
		uint16_t type; /* 0 = none */
		struct buf data;
		int fd;
	} greeting;
};

static void worker_unlink(struct worker *w)
{
	struct worker **at = &w->pool->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_free(w->stuck);
	channel_free(w->channel);
	free(w->trouble);
}

/* Is there no worker, and none to be expected? What waits for one would only wait in vain. */
static bool is_hopeless(const struct pool *p)
{
	for (const struct worker *w = p->workers; w; w = w->next)
		if (w->ready)
			return false;
	return p->stillborn >= STILLBORN_MAX;
}

static void job_fail(struct job *j)
{
	jobs_put(&j->pool->failed, j);
	alarm_by(&j->pool->tell, 0);
}

static void fail_waiting(struct pool *p)
{
	struct job *j;

	while ((j = p->waiting.first)) {
		jobs_take(j);
		explicit_bzero(j->data, j->len);
		j->why = stillborn_words;
		job_fail(j);
	}
}

/* Those that are there now: whoever is told may ask anew. */
static void tell_failed(void *arg)
{
	struct pool *p = arg;

	for (size_t n = p->failed.n; n > 0; n--) {
		struct job *j = p->failed.first;

		jobs_end(j, NULL, j->len > p->kind.max_job || j->why == stillborn_words ? 0 : POOL_NO_WORKER, j->why);
	}
}

/* The worker is gone, for whatever reason: what it worked on could not be done. */
static void worker_lost(struct worker *w, const char *why)
{
	struct pool *p = w->pool;
	int64_t pid = w->pid;

	log_event(LOG_LEVEL_WARN, "worker-lost", LS("pool", p->kind.name), LI("pid", w->pid), LS("why", why), LI("busy", w->jobs.n));
	p->stillborn = w->ready ? 0 : p->stillborn + 1;
	worker_unlink(w);
	if (is_hopeless(p))
		fail_waiting(p);
	while (w->jobs.first)
		jobs_end(w->jobs.first, NULL, 0, why);
	free(w);
	p->changed(p->arg, pid, false);
}

/* Jobs end in the order in which they were given out, for all have the same time: one look, when the oldest is due, is enough. */
static void look_at_oldest(void *arg)
{
	struct worker *w = arg;
	int64_t left = w->jobs.first ? w->jobs.first->since + w->pool->kind.job_ms - loop_ms() : 0;

	w->looking = left > 0;
	if (w->looking)
		loop_timer_again(w->stuck, left);
	else if (w->jobs.first)
		worker_lost(w, "the worker's time for one job ran out");
}

static void look_later(struct worker *w)
{
	struct pool *p = w->pool;

	if (w->looking)
		return;
	w->looking = true;
	if (w->stuck)
		loop_timer_again(w->stuck, p->kind.job_ms);
	else
		w->stuck = loop_timer_new(p->loop, p->kind.job_ms, look_at_oldest, w);
}

static void job_late(struct job *j)
{
	pool_reply_cb *cb = j->cb;

	if (!j->worker) {
		jobs_end(j, NULL, POOL_NO_WORKER, "no worker became free in time");
		return;
	}
	j->cb = NULL;
	cb(j->arg, NULL, 0, "the worker did not answer in time");
}

/* Those of ${list} that are due by ${now}; the alarm is set for the rest. */
static void end_late(struct pool *p, struct jobs *list, int64_t now)
{
	struct jobs due; /* out of the way of whoever is told, and asks anew */

	jobs_init(&due);
	for (struct job *j = list->first, *next; j; j = next) {
		next = j->next;
		if (!j->cb)
			continue;
		if (j->due > now) {
			alarm_by(&p->late, j->due);
		} else if (j->worker) {
			job_late(j); /* which leaves it where it is */
		} else {
			jobs_take(j);
			jobs_put(&due, j);
		}
	}
	while (due.first)
		job_late(due.first);
}

static void look_for_late(void *arg)
{
	struct pool *p = arg;
	int64_t now = loop_ms();

	end_late(p, &p->waiting, now);
	for (struct worker *w = p->workers; w; w = w->next)
		end_late(p, &w->jobs, now);
}

struct pool *pool_new(struct loop *l, const struct pool_kind *kind, pool_changed_cb *changed, void *arg)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	*p = (struct pool){.loop = l, .kind = *kind, .changed = changed, .arg = arg};
	jobs_init(&p->waiting);
	jobs_init(&p->failed);
	alarm_init(&p->late, l, look_for_late, p);
	alarm_init(&p->tell, l, tell_failed, p);
	return p;
}

/* The ready worker that has the fewest jobs and room for one more, or NULL. */
static struct worker *idlest(struct pool *p)
{
	struct worker *best = NULL;

	for (struct worker *w = p->workers; w; w = w->next)
		if (w->ready && w->jobs.n < p->kind.depth && (!best || w->jobs.n < best->jobs.n))
			best = w;
	return best;
}

static void assign(struct worker *w, struct job *j)
{
	jobs_take(j);
	jobs_put(&w->jobs, j);
	j->worker = w;
	j->since = loop_ms();
	look_later(w);
	channel_post(w->channel, MSG_JOB, j->handle, j->data, j->len); /* all of a query in one piece; a failure shows as the channel's end */
}

/* Gives waiting jobs to workers that have room for them. */
static void dispatch(struct pool *p)
{
	struct worker *w;

	for (struct job *j = p->waiting.first, *next; j && (w = idlest(p)); j = next) {
		next = j->next;
		assign(w, j);
	}
}

static void replied(struct worker *w, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint32_t handle = unpack_u32(&u);
	struct job *j = w->jobs.first;

	while (j && j->handle != handle)
		j = j->next;
	if (u.bad || !j)
		worker_lost(w, "it replied to nothing");
	else
		jobs_end(j, u.p, u.left, NULL);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	if (type == MSG_WORKER_READY) {
		w->ready = true;
		p->stillborn = 0;
		w->able = len ? data[0] : 0;
		p->changed(p->arg, w->pid, true);
	} else if (type == MSG_BACKEND) {
		free(w->trouble);
		w->trouble = len ? strndup((const char *)data, len) : NULL;
	} else {
		replied(w, data, len);
	}
	dispatch(p);
}

static void on_end(void *arg, const char *why)
{
	worker_lost(arg, strcmp(why, "closed") == 0 ? "the worker ended" : why);
}

static void greet(struct worker *w)
{
	struct pool *p = w->pool;

	if (p->greeting.type)
		channel_send(w->channel, p->greeting.type, buf_ptr(&p->greeting.data), p->greeting.data.len, p->greeting.fd);
}

void pool_greet(struct pool *p, uint16_t type, const void *data, size_t len, int fd)
{
	p->greeting.type = type;
	p->greeting.fd = fd;
	buf_init(&p->greeting.data, len);
	if (buf_add(&p->greeting.data, data, len) < 0)
		abort();
	for (struct worker *w = p->workers; w; w = w->next)
		greet(w);
}

void pool_add(struct pool *p, int fd, int64_t pid)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	*w = (struct worker){.next = p->workers, .pool = p, .pid = pid};
	jobs_init(&w->jobs);
	p->workers = w;
	w->channel = channel_new(p->loop, fd, p->kind.types, p->kind.n_types, on_message, on_end, w);
	greet(w);
}

void pool_submit(void *pool, const void *job, size_t len, int64_t deadline_ms, pool_reply_cb *cb, void *arg)
{
	struct pool *p = pool;
	const char *why = len > p->kind.max_job ? "the question is too large for a worker" :
	                  p->waiting.n >= WAITING_MAX ? "too many questions wait for a worker" :
	                  is_hopeless(p)              ? stillborn_words :
	                                                NULL;
	struct job *j = malloc(sizeof *j + (why ? 0 : len));

	if (!j)
		abort(); /* a lost reply would leave its asker waiting for ever */
	*j = (struct job){.pool = p, .cb = cb, .arg = arg, .len = len, .why = why, .handle = ++p->handle};
	if (why) {
		job_fail(j);
		return;
	}
	j->due = loop_ms() + (deadline_ms < 0 ? 0 : deadline_ms);
	if (len)
		memcpy(j->data, job, len);
	alarm_by(&p->late, j->due);
	jobs_put(&p->waiting, j);
	dispatch(p);
}

void pool_free(struct pool *p)
{
	struct worker *w;

	if (!p)
		return;
	while ((w = p->workers)) {
		jobs_free(&w->jobs);
		worker_unlink(w);
		free(w);
	}
	jobs_free(&p->waiting);
	jobs_free(&p->failed);
	alarm_end(&p->late);
	alarm_end(&p->tell);
	buf_free(&p->greeting.data);
	free(p);
}

void pool_status(const struct pool *p, struct pool_status *out)
{
	*out = (struct pool_status){.name = p->kind.name, .waiting = p->waiting.n};
	for (const struct worker *w = p->workers; w; w = w->next) {
		out->workers++;
		if (w->ready)
			out->able = out->ready++ ? out->able & w->able : w->able;
		out->busy += w->jobs.n > 0;
		out->trouble = w->trouble ? w->trouble : out->trouble;
		out->jobs += w->jobs.n;
	}
}
