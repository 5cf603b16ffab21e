#ifndef BRIDGE_PROCESS_WORKER_H
#define BRIDGE_PROCESS_WORKER_H
#include "bridge/availability/facts.h"
#include "bridge/conf/conf.h"

/*
 * The workers: plain blocking code, one job at a time over descriptor 3 (a backend worker: many, over a loop), until the bridge closes it. Arguments as
 * spawned; they return an exit code.
 */

/* Does one ${job} and appends its reply. Nonzero: it cannot, and the worker ends. */
typedef int worker_do(void *arg, const uint8_t *job, size_t len, struct buf *reply);
struct worker_limits {
	size_t job_max, reply_max; /* bytes */
};
/* The life of a worker that blocks, once it has given up its rights (worker_loop.c): says that it is ready, then job after job. Returns an exit code. */
int worker_loop(const struct worker_limits *limits, worker_do *work, void *arg);

/* The role @calendar-worker: iCalendar under limits. A job that takes too long ends the process. */
int calendar_worker_role(int argc, char **argv);
/* The role @login-worker: passwords against the accounts. */
int login_worker_role(int argc, char **argv);
/* The role @directory-worker: look-ups at the directory's servers. */
int directory_worker_role(int argc, char **argv);
/* The role @backend-worker: fetches from one configured backend; the arguments say which, and whose of the bridges. */
int backend_worker_role(int argc, char **argv);

/* Is ${password} that of the account ${user} of ${c}? Costs the same when there is none. ${user} is taken as typed, then without a DOMAIN\ before it, then as the address that an account stands for. */
enum fb_fact login_check(const struct conf *c, const char *user, const char *password);
#endif
