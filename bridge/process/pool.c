#include "bridge/process/pool.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/process/messages.h"

enum { WAITING_MAX = 2000 };

struct job {
	struct job *next;
	struct pool *pool;
	struct worker *worker; /* NULL while it waits */
	struct loop_timer *timer;
	pool_reply_cb *cb;
	void *arg;
	const char *why; /* set: it failed before it began, and the timer says so */
	size_t len;
	uint8_t bytes[];
};

struct worker {
	struct worker *next;
	struct pool *pool;
	struct channel *channel;
	struct job *job; /* the one it works on */
	int64_t pid;
	bool ready;
};

struct pool {
	struct loop *loop;
	const char *name;
	const struct channel_type *types;
	size_t n_types, max_job;
	int64_t wait_ms, job_ms;
	void (*changed)(void *arg, int64_t pid);
	void *arg;
	struct worker *workers;
	struct job *first; /* all jobs without a worker, oldest first */
	size_t waiting;
};

struct pool *pool_new(struct loop *l, const char *name, const struct channel_type *types, size_t n, size_t max_job,
                      int64_t wait_ms, int64_t job_ms,
                      void (*changed)(void *arg, int64_t pid), void *arg)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	*p = (struct pool){.loop = l, .name = name, .types = types, .n_types = n, .max_job = max_job, .wait_ms = wait_ms, .job_ms = job_ms,
	                   .changed = changed, .arg = arg};
	return p;
}

/* A job may hold a password. */
static void job_free(struct job *j)
{
	if (!j)
		return;
	loop_timer_free(j->timer);
	explicit_bzero(j->bytes, j->len);
	free(j);
}

/* Takes ${j} out of wherever it stands, tells its asker, and frees it. */
static void job_end(struct job *j, const uint8_t *data, size_t len, const char *why)
{
	struct job **at;

	if (j->worker)
		j->worker->job = NULL;
	else
		for (at = &j->pool->first; *at; at = &(*at)->next)
			if (*at == j) {
				*at = j->next;
				j->pool->waiting--;
				break;
			}
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

static void dispatch(struct pool *p);

/* The worker is gone, for whatever reason: what it worked on could not be done. */
static void worker_lost(struct worker *w, const char *why)
{
	struct pool *p = w->pool;
	struct job *j = w->job;
	int64_t pid = w->pid;

	log_event(LOG_LEVEL_WARN, "worker-lost", LS("pool", p->name), LI("pid", w->pid), LS("why", why), LI("busy", j != NULL));
	worker_unlink(w);
	if (j)
		job_end(j, NULL, 0, why);
	free(w);
	p->changed(p->arg, pid);
}

static void job_timed_out(void *arg)
{
	struct job *j = arg;

	if (j->worker)
		worker_lost(j->worker, "the worker's time for one job ran out");
	else
		job_end(j, NULL, j->len > j->pool->max_job ? 0 : POOL_NO_WORKER, j->why ? j->why : "no worker became free in time");
}

/* Gives waiting jobs to idle workers. */
static void dispatch(struct pool *p)
{
	struct worker *w, *next;
	struct job *j;

	for (w = p->workers; w && p->first; w = next) {
		next = w->next;
		if (!w->ready || w->job)
			continue;
		for (j = p->first; j && j->why; j = j->next)
			; /* those only wait to be told that they failed */
		if (!j)
			return;
		for (struct job **at = &p->first; *at; at = &(*at)->next)
			if (*at == j) {
				*at = j->next;
				break;
			}
		p->waiting--;
		j->next = NULL;
		j->worker = w;
		w->job = j;
		loop_timer_again(j->timer, p->job_ms);
		channel_send(w->channel, MSG_JOB, j->bytes, j->len, -1); /* a failure shows as the channel's end */
	}
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	if (type == MSG_WORKER_READY) {
		w->ready = true;
		p->changed(p->arg, 0);
	} else if (w->job)
		job_end(w->job, data ? data : (const uint8_t *)"", len, NULL);
	else {
		worker_lost(w, "it replied to nothing");
		return;
	}
	dispatch(p);
}

static void on_end(void *arg, const char *why)
{
	worker_lost(arg, strcmp(why, "closed") == 0 ? "the worker ended" : why);
}

void pool_add(struct pool *p, int fd, int64_t pid)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	*w = (struct worker){.next = p->workers, .pool = p, .pid = pid};
	p->workers = w;
	w->channel = channel_new(p->loop, fd, p->types, p->n_types, on_message, on_end, w);
}

void pool_submit(void *pool, const void *job, size_t len, pool_reply_cb *cb, void *arg)
{
	struct pool *p = pool;
	struct job *j = malloc(sizeof *j + len), **at = &p->first;

	if (!j)
		abort(); /* a lost reply would leave its asker waiting for ever */
	*j = (struct job){.pool = p, .cb = cb, .arg = arg, .len = len};
	memcpy(j->bytes, job, len);
	if (len > p->max_job)
		j->why = "the question is too large for a worker";
	else if (p->waiting >= WAITING_MAX)
		j->why = "too many questions wait for a worker";
	j->timer = loop_timer_new(p->loop, j->why ? 0 : p->wait_ms, job_timed_out, j);
	while (*at)
		at = &(*at)->next;
	*at = j;
	p->waiting++;
	dispatch(p);
}

void pool_free(struct pool *p)
{
	struct worker *w;
	struct job *j;

	if (!p)
		return;
	while ((w = p->workers)) {
		job_free(w->job);
		worker_unlink(w);
		free(w);
	}
	while ((j = p->first)) {
		p->first = j->next;
		job_free(j);
	}
	free(p);
}

void pool_status(const struct pool *p, struct pool_status *out)
{
	const struct worker *w;

	*out = (struct pool_status){.waiting = p->waiting};
	for (w = p->workers; w; w = w->next) {
		out->workers++;
		out->ready += w->ready;
		out->busy += w->job != NULL;
	}
}
