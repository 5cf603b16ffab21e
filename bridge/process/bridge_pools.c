#include <stdio.h>
#include <stdlib.h>
#include "bridge/backend/fetch_job.h"
#include "bridge/directory/job.h"
#include "bridge/directory/session.h"
#include "bridge/process/bridge.h"

/* The pools of a bridge: one of each kind of worker, and one of each configured backend. */

enum { GRACE_MS = 2000, LOGIN_JOB_MS = 10000, BACKEND_DEPTH = 256 };

int64_t bridge_calendar_ms(const struct conf *c)
{
	return (int64_t)c->worker_seconds * 1000 + GRACE_MS; /* its own limit comes first */
}

static void open_backends(struct bridge *b, pool_changed_cb *changed)
{
	const struct conf *c = b->conf;

	b->backend_pools = calloc(c->n_backends + 1, sizeof *b->backend_pools);
	b->backend_names = calloc(c->n_backends + 1, sizeof *b->backend_names);
	if (!b->backend_pools || !b->backend_names)
		abort();
	for (size_t i = 0; i < c->n_backends; i++) {
		/* each job has its own time, which no question's can be longer than */
		const struct pool_kind kind = {b->backend_names[i], MESSAGES(messages_from_backend_worker), FETCH_JOB_MAX, BACKEND_DEPTH,
		                               c->hard_stop_ms + GRACE_MS};

		snprintf(b->backend_names[i], sizeof b->backend_names[i], "backend %s", c->backends[i].name);
		b->backend_pools[i] = pool_new(b->loop, &kind, changed, b);
	}
}

void bridge_pools_open(struct bridge *b, pool_changed_cb *changed)
{
	const struct conf *c = b->conf;
	const struct pool_kind calendar = {"calendar", MESSAGES(messages_from_calendar_worker), JOB_MAX, 1, bridge_calendar_ms(c)};
	const struct pool_kind login = {"login", MESSAGES(messages_from_login_worker), LOGIN_QUESTION_MAX, 1,
	                                LOGIN_JOB_MS + (c->directory ? directory_job_ms(c) : 0)}; /* it may ask the directory, too */

	b->pools[WORKER_CALENDAR] = pool_new(b->loop, &calendar, changed, b);
	b->pools[WORKER_LOGIN] = pool_new(b->loop, &login, changed, b);
	if (c->directory) {
		const struct pool_kind directory = {"directory", MESSAGES(messages_from_directory_worker), DIRECTORY_JOB_MAX, 1,
		                                    directory_job_ms(c) + GRACE_MS};

		b->pools[WORKER_DIRECTORY] = pool_new(b->loop, &directory, changed, b);
	}
	open_backends(b, changed);
}

void bridge_pools_close(struct bridge *b)
{
	for (size_t i = 0; i < WORKER_BACKEND; i++)
		pool_free(b->pools[i]);
	for (size_t i = 0; b->backend_pools && i < b->conf->n_backends; i++)
		pool_free(b->backend_pools[i]);
	free(b->backend_pools);
	free(b->backend_names);
}

struct pool *bridge_pool(const struct bridge *b, unsigned kind, size_t index)
{
	if (kind == WORKER_BACKEND)
		return index < b->conf->n_backends ? b->backend_pools[index] : NULL;
	return kind < WORKER_BACKEND ? b->pools[kind] : NULL;
}

struct pool *bridge_pool_at(const struct bridge *b, size_t i)
{
	for (unsigned kind = 0; kind < WORKER_BACKEND; kind++)
		if (b->pools[kind] && i-- == 0)
			return b->pools[kind];
	return bridge_pool(b, WORKER_BACKEND, i);
}
