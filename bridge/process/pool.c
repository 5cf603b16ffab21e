#include "bridge/process/pool.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/messages.h"

enum { WAITING_MAX = 2000 };

struct job {
	struct job *next;
	struct pool *pool;
	struct worker *worker; /* NULL while it waits */
	struct loop_timer *deadline, *stuck;
	pool_reply_cb *cb; /* NULL: its asker was told that it is late, and the worker may still reply */
	void *arg;
	const char *why; /* set: it failed before it began, and the timer says so */
	uint32_t handle;
	size_t len;
	struct buf message; /* the handle, then the job */
};

struct worker {
	struct worker *next;
	struct pool *pool;
	struct channel *channel;
	struct job *jobs; /* those that it has */
	size_t n;
	int64_t pid;
	bool ready;
	uint8_t able; /* as said with MSG_WORKER_READY; 0 if nothing was */
};

struct pool {
	struct loop *loop;
	struct pool_kind kind;
	void (*changed)(void *arg, int64_t pid);
	void *arg;
	struct worker *workers;
	struct job *first, **last; /* all jobs without a worker, oldest first */
	size_t waiting;
	uint32_t handle; /* of the last job */
	struct {
		uint16_t type; /* 0 = none */
		struct buf data;
		int fd;
	} greeting;
};

struct pool *pool_new(struct loop *l, const struct pool_kind *kind, void (*changed)(void *arg, int64_t pid), void *arg)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	*p = (struct pool){.loop = l, .kind = *kind, .changed = changed, .arg = arg};
	p->last = &p->first;
	return p;
}

/* A job may hold a password. */
static void job_free(struct job *j)
{
	loop_timer_free(j->deadline);
	loop_timer_free(j->stuck);
	buf_wipe(&j->message);
	free(j);
}

static void jobs_free(struct job *j)
{
	for (struct job *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
}

/* Takes ${j} out of the queue, or away from its worker. */
static void job_unlink(struct job *j)
{
	struct job **at = j->worker ? &j->worker->jobs : &j->pool->first;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (j->worker)
		j->worker->n--;
	else
		j->pool->waiting--;
	if (!j->worker && j->pool->last == &j->next)
		j->pool->last = at;
	j->next = NULL;
}

/* Takes ${j} out of wherever it stands, tells its asker, and frees it. */
static void job_end(struct job *j, const uint8_t *data, size_t len, const char *why)
{
	job_unlink(j);
	if (j->cb)
		j->cb(j->arg, data, len, why);
	job_free(j);
}

static void worker_unlink(struct worker *w)
{
	struct worker **at = &w->pool->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	channel_free(w->channel);
}

/* The worker is gone, for whatever reason: what it worked on could not be done. */
static void worker_lost(struct worker *w, const char *why)
{
	struct pool *p = w->pool;
	int64_t pid = w->pid;

	log_event(LOG_LEVEL_WARN, "worker-lost", LS("pool", p->kind.name), LI("pid", w->pid), LS("why", why), LI("busy", w->n));
	worker_unlink(w);
	while (w->jobs)
		job_end(w->jobs, NULL, 0, why);
	free(w);
	p->changed(p->arg, pid);
}

static void job_stuck(void *arg)
{
	struct job *j = arg;

	worker_lost(j->worker, "the worker's time for one job ran out");
}

static void job_late(void *arg)
{
	struct job *j = arg;
	pool_reply_cb *cb = j->cb;

	if (!j->worker) {
		job_end(j, NULL, j->len > j->pool->kind.max_job ? 0 : POOL_NO_WORKER, j->why ? j->why : "no worker became free in time");
		return;
	}
	j->cb = NULL;
	cb(j->arg, NULL, 0, "the worker did not answer in time");
}

/* The ready worker that has the fewest jobs and room for one more, or NULL. */
static struct worker *idlest(struct pool *p)
{
	struct worker *best = NULL;

	for (struct worker *w = p->workers; w; w = w->next)
		if (w->ready && w->n < p->kind.depth && (!best || w->n < best->n))
			best = w;
	return best;
}

static void assign(struct worker *w, struct job *j)
{
	struct pool *p = w->pool;

	job_unlink(j);
	j->worker = w;
	j->next = w->jobs;
	w->jobs = j;
	w->n++;
	j->stuck = loop_timer_new(p->loop, p->kind.job_ms, job_stuck, j);
	channel_post(w->channel, MSG_JOB, buf_ptr(&j->message), j->message.len); /* all of a query in one piece; a failure shows as the channel's end */
}

/* Gives waiting jobs to workers that have room for them. */
static void dispatch(struct pool *p)
{
	struct worker *w;

	for (struct job *j = p->first, *next; j && (w = idlest(p)); j = next) {
		next = j->next;
		if (!j->why) /* others only wait to be told that they failed */
			assign(w, j);
	}
}

static void replied(struct worker *w, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint32_t handle = unpack_u32(&u);
	struct job *j = w->jobs;

	while (j && j->handle != handle)
		j = j->next;
	if (u.bad || !j)
		worker_lost(w, "it replied to nothing");
	else
		job_end(j, u.p, u.left, NULL);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	if (type == MSG_WORKER_READY) {
		w->ready = true;
		w->able = len ? data[0] : 0;
		p->changed(p->arg, 0);
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
	p->workers = w;
	w->channel = channel_new(p->loop, fd, p->kind.types, p->kind.n_types, on_message, on_end, w);
	greet(w);
}

void pool_submit(void *pool, const void *job, size_t len, int64_t deadline_ms, pool_reply_cb *cb, void *arg)
{
	struct pool *p = pool;
	struct job *j = malloc(sizeof *j);

	if (!j)
		abort(); /* a lost reply would leave its asker waiting for ever */
	*j = (struct job){.pool = p, .cb = cb, .arg = arg, .len = len, .handle = ++p->handle};
	if (len > p->kind.max_job)
		j->why = "the question is too large for a worker";
	else if (p->waiting >= WAITING_MAX)
		j->why = "too many questions wait for a worker";
	buf_init(&j->message, len + 4);
	pack_u32(&j->message, j->handle);
	if (buf_add(&j->message, job, len) < 0)
		abort();
	j->deadline = loop_timer_new(p->loop, j->why || deadline_ms < 0 ? 0 : deadline_ms, job_late, j);
	*p->last = j;
	p->last = &j->next;
	p->waiting++;
	dispatch(p);
}

void pool_free(struct pool *p)
{
	struct worker *w;

	if (!p)
		return;
	while ((w = p->workers)) {
		jobs_free(w->jobs);
		worker_unlink(w);
		free(w);
	}
	jobs_free(p->first);
	buf_free(&p->greeting.data);
	free(p);
}

void pool_status(const struct pool *p, struct pool_status *out)
{
	*out = (struct pool_status){.name = p->kind.name, .waiting = p->waiting};
	for (const struct worker *w = p->workers; w; w = w->next) {
		out->workers++;
		if (w->ready)
			out->able = out->ready++ ? out->able & w->able : w->able;
		out->busy += w->n > 0;
		out->jobs += w->n;
	}
}
