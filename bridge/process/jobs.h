#ifndef BRIDGE_PROCESS_JOBS_H
#define BRIDGE_PROCESS_JOBS_H
#include "bridge/process/pool.h"

/* The lists of a pool's jobs: pool.c's own. */

/* Oldest first. */
struct jobs {
	struct job *first, **last;
	size_t n;
};

struct worker;
struct job {
	struct job *next, **at;
	struct jobs *in;       /* where it stands */
	struct pool *pool;
	struct worker *worker; /* NULL while it waits */
	int64_t due;           /* loop_ms(): its asker is answered by then */
	int64_t since;         /* when the worker was given it */
	pool_reply_cb *cb;     /* NULL: its asker was told that it is late, and the worker may still reply */
	void *arg;
	const char *why;       /* set: it failed before it began */
	uint32_t handle;
	size_t len;
	uint8_t data[];        /* not there if it failed at once */
};

/* An empty list; it stays where it is. */
void jobs_init(struct jobs *list);
/* ${j}, which stands nowhere, goes to the end of ${list}. */
void jobs_put(struct jobs *list, struct job *j);
/* Takes ${j} out of wherever it stands. */
void jobs_take(struct job *j);
/* Takes ${j} out of wherever it stands, tells its asker (see pool_reply_cb), wipes what it asked, which may hold a password, and frees it. */
void jobs_end(struct job *j, const uint8_t *data, size_t len, const char *why);
/* Wipes and frees all; nobody is told. */
void jobs_free(struct jobs *list);
#endif
