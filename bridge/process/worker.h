#ifndef BRIDGE_PROCESS_WORKER_H
#define BRIDGE_PROCESS_WORKER_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * The workers: plain blocking code, one job at a time over descriptor 3 (a backend worker: many, over a loop), until the bridge
 * closes it. Arguments as spawned; they return an exit code.
 */

/* Does one ${job} and appends its reply. Nonzero: it cannot, and the worker ends. */
typedef int worker_do(void *arg, const uint8_t *job, size_t len, struct buf *reply);
struct worker_limits {
	size_t job_max, reply_max; /* bytes */
	uint8_t able;              /* said with MSG_WORKER_READY; 0 = nothing is */
};
/*
 * The life of a worker that blocks, once it has given up its rights (worker_loop.c): says that it is ready, then job after job.
 * Returns an exit code.
 */
int worker_loop(const struct worker_limits *limits, worker_do *work, void *arg);

/* The role @calendar-worker: iCalendar under limits. A job that takes too long ends the process. */
int calendar_worker_role(int argc, char **argv);
/* The role @login-worker: who logs in, by the secrets that it alone reads. */
int login_worker_role(int argc, char **argv);
/* The role @directory-worker: look-ups at the directory's servers. */
int directory_worker_role(int argc, char **argv);
/* The role @backend-worker: fetches from one configured backend; the arguments say which, and whose of the bridges. */
int backend_worker_role(int argc, char **argv);
/*
 * Of the ${concurrency} calls that a backend takes at once, those of the ${bridge}th of ${bridges}: the first ones get what is left
 * over.
 */
int backend_worker_share(int concurrency, int bridges, int bridge);
#endif
