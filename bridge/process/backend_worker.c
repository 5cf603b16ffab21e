#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/backend/fetcher.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/process/messages.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/spawn.h"
#include "bridge/process/worker.h"
#include "bridge/trace/trace.h"

/* One configured backend for one bridge: many jobs at once, over a loop. */

struct backend_worker {
	struct loop *loop;
	struct channel *channel;
	struct fetcher *fetcher;
	struct trace *trace;
	int trace_fd; /* -1 = nothing is recorded */
	int code;     /* of its exit */
};

/* Whom a reply is for. */
struct asked {
	struct backend_worker *worker;
	uint32_t handle;
};

static void done(void *arg, const uint8_t *reply, size_t len)
{
	struct asked *a = arg;
	struct backend_worker *w = a->worker;

	/* a bridge that takes no replies is told by the end of this process that there are none */
	if (len > REPLY_MAX || channel_post(w->channel, MSG_REPLY, a->handle, reply, len) != 0) {
		w->code = 1;
		loop_stop(w->loop);
	}
	free(a);
}

static void begin_trace(struct backend_worker *w, const uint8_t *key, size_t len, int fd)
{
	if (len != TRACE_KEY || w->trace) {
		close(fd);
		return;
	}
	w->trace_fd = fd;
	w->trace = trace_new(fd, key, TRACE_FILE_MAX);
	fetcher_trace(w->fetcher, w->trace);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct unpack u = unpack_start(data, len);
	struct backend_worker *w = arg;
	struct asked *a;

	if (type == MSG_TRACE) {
		begin_trace(w, data, len, fd);
		return;
	}
	if (!(a = malloc(sizeof *a)))
		abort();
	*a = (struct asked){w, unpack_u32(&u)};
	fetcher_work(w->fetcher, u.p, u.left, done, a);
}

static void on_change(void *arg, const char *why)
{
	struct backend_worker *w = arg;

	channel_send(w->channel, MSG_BACKEND, why, why ? strlen(why) : 0, -1);
}

static void on_end(void *arg, const char *why)
{
	struct backend_worker *w = arg;

	loop_stop(w->loop);
}

static void serve(struct backend_worker *w)
{
	w->channel = channel_new(w->loop, SPAWN_FIRST_FD, MESSAGES(messages_to_backend_worker), on_message, on_end, w);
	channel_send(w->channel, MSG_WORKER_READY, NULL, 0, -1);
	fetcher_watch(w->fetcher, on_change, w);
	loop_run(w->loop);
	channel_free(w->channel);
}

int backend_worker_share(int concurrency, int bridges, int bridge)
{
	return concurrency / bridges + (bridge < concurrency % bridges);
}

/* argv: program @backend-worker CONF PARENT BACKEND BRIDGE. The backend of the settings, or NULL. */
static struct conf_backend *own_backend(struct conf *c, int argc, char **argv)
{
	int64_t index, bridge;

	if (argc < 6 || !text_int(argv[4], 0, (int64_t)c->n_backends - 1, &index) || !text_int(argv[5], 0, c->bridges - 1, &bridge))
		return NULL;
	c->backends[index].concurrency = backend_worker_share(c->backends[index].concurrency, c->bridges, (int)bridge);
	return &c->backends[index];
}

/* All that needs a file. 0, or -1 with a sentence. */
static int open_worker(struct backend_worker *w, struct conf *c, const struct conf_backend *b, struct buf *error)
{
	w->fetcher = fetcher_new(w->loop, c, b, error);
	if (!w->fetcher)
		return -1;
	if (sandbox_network_worker((const char *const[]){b->ca_file, b->keytab}, 2) == 0)
		return 0;
	buf_printf(error, "the backend worker cannot give up its rights: %s", strerror(errno));
	return -1;
}

int backend_worker_role(int argc, char **argv)
{
	struct backend_worker w = {.trace_fd = -1, .code = 1};
	const struct conf_backend *b = NULL;
	struct buf error;
	struct conf *c;

	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (c) {
		conf_forget_passwords(c);
		log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "backend-worker");
		b = own_backend(c, argc, argv);
	}
	w.loop = loop_new();
	if (b && open_worker(&w, c, b, &error) == 0) {
		w.code = 0;
		serve(&w);
	} else {
		log_error("%s%s%s", b ? b->file : "", b ? ": " : "", buf_cstr(&error));
	}
	fetcher_free(w.fetcher);
	trace_free(w.trace);
	if (w.trace_fd >= 0)
		close(w.trace_fd);
	loop_free(w.loop);
	buf_free(&error);
	conf_free(c);
	return w.code;
}
