#ifndef BRIDGE_PROCESS_POOL_H
#define BRIDGE_PROCESS_POOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/channel.h"
#include "bridge/base/loop.h"

/* The bridge's side of some workers of one kind: a queue, and for each worker the jobs that it has. */
struct pool;

enum { POOL_NO_WORKER = 1 };
/*
 * The reply, borrowed for the call; or ${data} NULL and a sentence: the worker died or the job's time ran out, or, with ${len}
 * POOL_NO_WORKER, no worker was free for it. Where workers end before they are ready, one after the other, jobs fail at once. Fits
 * calendars_reply_cb and directory_reply_cb.
 */
typedef void pool_reply_cb(void *arg, const uint8_t *data, size_t len, const char *why);

struct pool_kind {
	const char *name;                 /* for the log; borrowed */
	const struct channel_type *types; /* what its workers may send; borrowed */
	size_t n_types;
	size_t max_job;                   /* bytes of a job */
	size_t depth;                     /* jobs that a worker takes at once; 1 for one that blocks */
	int64_t job_ms;                   /* a worker that has a job for longer is let go of */
};
/*
 * The worker ${pid} became ready, or (not ${ready}) was let go of: it may still run and should be killed.
 */
typedef void pool_changed_cb(void *arg, int64_t pid, bool ready);
/* Aborts when out of memory. Caller frees. */
struct pool *pool_new(struct loop *l, const struct pool_kind *kind, pool_changed_cb *changed, void *arg);
/* Frees it; no reply is called any more. NULL is allowed. */
void pool_free(struct pool *p);
/* Takes over ${fd}, our end of the socket to the worker ${pid}. */
void pool_add(struct pool *p, int fd, int64_t pid);
/*
 * Has every worker, now and later, sent a message before any job; ${fd} (or -1) is borrowed for the pool's life, ${data} copied.
 * Once.
 */
void pool_greet(struct pool *p, uint16_t type, const void *data, size_t len, int fd);
/*
 * Hands ${len} bytes of ${job} (copied, wiped after) to a worker, now or later: exactly one ${cb} within ${deadline_ms} (to some ms), never
 * before it returns. A worker may go on with a job that nobody waits for any more. Fits directory_submit_fn.
 */
void pool_submit(void *p, const void *job, size_t len, int64_t deadline_ms, pool_reply_cb *cb, void *arg);

struct pool_status {
	const char *name;
	size_t workers, ready, busy; /* connected; of these ready; of these at work */
	size_t waiting;              /* jobs without a worker yet */
	size_t jobs;                 /* jobs that workers have */
	const char *trouble;         /* why a backend is left alone, as its worker said; NULL = it is asked. Borrowed, until the next message */
	uint8_t able;                /* what all that are ready said with MSG_WORKER_READY that they can do; 0 if none is */
};
/* How the pool stands now. */
void pool_status(const struct pool *p, struct pool_status *out);
#endif
