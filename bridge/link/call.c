#include "bridge/link/server.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"

enum {
	GRACE_MS = 500,   /* the proxy ends a query at its deadline itself; this is for when it does not */
	LINGER_MS = 10000 /* for a peer to take what was said; then it is forgotten */
};

static const struct {
	const char *path;
	enum link_method method;
} methods[] = {
	{"/availbridge.link.v1.Availability/Hello", LINK_HELLO},
	{"/availbridge.link.v1.Availability/Query", LINK_QUERY},
	{"/availbridge.link.v1.Availability/Announce", LINK_ANNOUNCE},
	{"/availbridge.link.v1.Availability/Probe", LINK_PROBE},
	{"/grpc.health.v1.Health/Check", LINK_CHECK},
	{"/grpc.health.v1.Health/Watch", LINK_WATCH},
};

struct link_call *server_call_new(struct server_conn *k)
{
	struct link_call *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	link_stream_init(&c->st, LINK_QUERY_BYTES);
	c->conn = k;
	c->deadline = -1;
	c->next = k->calls;
	c->at = &k->calls;
	if (c->next)
		c->next->at = &c->next;
	k->calls = c;
	return c;
}

/* Nobody is at work on it any more. */
static void forget(struct link_call *c)
{
	struct link_server *s = c->conn->server;

	if (c->asked)
		s->n_queries--;
	c->asked = false;
}

static void on_timer(void *arg);

static void finished(struct link_call *c)
{
	forget(c);
	c->finished = true;
	if (c->timer)
		loop_timer_again(c->timer, LINGER_MS);
	else
		c->timer = loop_timer_new(c->conn->server->loop, LINGER_MS, on_timer, c);
}

void server_call_finish(struct link_call *c, enum grpc_status status, const char *why)
{
	finished(c);
	link_stream_end(&c->st, status, why);
}

/* The query's work goes on elsewhere: tell that nobody waits for it. */
static void cancel(struct link_call *c)
{
	bool asked = c->asked;

	forget(c);
	if (asked)
		c->conn->server->ev.cancelled(c->conn->server->arg, c);
}

void server_call_gone(struct link_call *c)
{
	cancel(c);
	loop_timer_free(c->timer);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	link_stream_release(&c->st);
	free(c->q.mailboxes);
	free(c);
}

static void on_timer(void *arg)
{
	struct link_call *c = arg;

	if (c->finished) {
		link_stream_reset(&c->st, NGHTTP2_CANCEL);
		server_call_gone(c);
		return;
	}
	cancel(c);
	server_call_finish(c, GRPC_DEADLINE_EXCEEDED, "the deadline passed");
}

/* ---- the request ---- */

void server_call_header(struct link_call *c, const char *name, const char *value)
{
	if (c->begun) {
		; /* gRPC has no trailers of a request, and whoever is at work on it has what is read here */
	} else if (strcmp(name, ":method") == 0) {
		c->is_post = strcmp(value, "POST") == 0;
	} else if (strcmp(name, ":path") == 0) {
		for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
			if (strcmp(value, methods[i].path) == 0)
				c->method = methods[i].method;
	} else if (strcmp(name, "content-type") == 0) {
		c->is_grpc = strncmp(value, "application/grpc", 16) == 0 && (!value[16] || value[16] == ';' || strcmp(value + 16, "+proto") == 0);
	} else if (strcmp(name, "te") == 0) {
		c->has_te = strcmp(value, "trailers") == 0;
	} else if (strcmp(name, "grpc-timeout") == 0) {
		c->bad_timeout = !grpc_timeout_parse(value, &c->deadline);
	} else if (strcmp(name, "x-request-id") == 0) {
		c->bad_id = !fb_request_id_valid(value);
		if (!c->bad_id)
			memcpy(c->q.request_id, value, sizeof c->q.request_id);
	}
}

void server_call_headers(struct link_call *c)
{
	int64_t most = c->conn->server->conf->hard_stop_ms;

	if (c->begun)
		return;
	c->begun = true;
	if (!c->is_post || !c->is_grpc) {
		finished(c);
		link_stream_end_http(&c->st, c->is_post ? "415" : "405");
	} else if (!c->has_te) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "te: trailers is missing: something between us takes trailers away");
	} else if (c->method == LINK_NO_METHOD) {
		server_call_finish(c, GRPC_UNIMPLEMENTED, "no such method");
	} else if (c->bad_timeout) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "grpc-timeout is not in the form of 1 to 8 digits and a unit");
	} else if (c->bad_id) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "x-request-id is not 32 lower-case hex digits");
	} else if (c->deadline == 0) {
		server_call_finish(c, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the request came");
	} else {
		if (c->method != LINK_WATCH && (c->deadline < 0 || c->deadline > most))
			c->deadline = most;
		if (c->deadline > 0)
			c->timer = loop_timer_new(c->conn->server->loop, c->deadline + GRACE_MS, on_timer, c);
		if (!c->q.request_id[0])
			fb_request_id_new(c->q.request_id);
	}
}

static void take_query(struct link_call *c, const uint8_t *p, size_t n)
{
	struct link_server *s = c->conn->server;
	const char *why;

	if (!link_query_read(p, n, &c->q, &why)) {
		if (log_quota_takes(s->by_peer, pki_peer_name(c->conn->peer)))
			log_event(LOG_LEVEL_WARN, "link-query-refused", LS("peer", pki_peer_name(c->conn->peer)), LS("id", c->q.request_id), LS("text", why));
		server_call_finish(c, GRPC_INVALID_ARGUMENT, why);
		return;
	}
	c->asked = true;
	s->n_queries++;
	s->ev.query(s->arg, c, c->conn->peer, &c->q, c->deadline);
}

static void take_hello(struct link_call *c, const uint8_t *p, size_t n)
{
	const struct link_server *s = c->conn->server;
	const char *peer = pki_peer_name(c->conn->peer), *why;
	struct link_hello h;
	struct buf b;
	uint8_t *to;

	if (!link_hello_read(p, n, false, &h, &why)) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, why);
		return;
	}
	if (c->conn->owner)
		c->conn->owner->hello(c->conn->owner_arg, h.processes);
	log_event(LOG_LEVEL_DEBUG, "link-hello", LS("peer", peer), LS("site", h.site), LS("version", h.version), LI("domains", h.n_domains));
	buf_init(&b, LINK_HELLO_BYTES);
	to = link_hello_answer(&b, s->conf, s->table, peer, &h, s->front_expires) == 0 ? link_stream_put(&c->st, b.len) : NULL;
	if (to)
		memcpy(to, buf_ptr(&b), b.len);
	server_call_finish(c, to ? GRPC_OK : GRPC_INTERNAL, to ? NULL : "our hello could not be written");
	buf_free(&b);
	link_hello_free(&h);
}

uint64_t server_call_handle(struct link_call *c)
{
	do
		text_random(&c->handle, sizeof c->handle);
	while (!c->handle);
	return c->handle;
}

struct link_call *server_call_of_handle(struct link_server *s, uint64_t handle)
{
	for (const struct server_conn *k = handle ? s->conns : NULL; k; k = k->next)
		for (struct link_call *c = k->calls; c; c = c->next)
			if (c->handle == handle && !c->finished) {
				c->handle = 0;
				return c;
			}
	return NULL;
}

void server_call_message(struct link_call *c, enum grpc_read what, const uint8_t *p, size_t n)
{
	if (c->finished)
		return;
	if (what == GRPC_READ_COMPRESSED)
		server_call_finish(c, GRPC_UNIMPLEMENTED, "compressed messages are not taken");
	else if (what == GRPC_READ_TOO_BIG)
		server_call_finish(c, GRPC_RESOURCE_EXHAUSTED, "the request is over 64 KiB");
	else if (what == GRPC_READ_NO_ROOM)
		server_call_finish(c, GRPC_RESOURCE_EXHAUSTED, "too many requests are unfinished on this connection");
	else if (c->has_message) {
		cancel(c);
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "a second message in a request that has one");
	} else {
		c->has_message = true;
		if (c->method == LINK_QUERY)
			take_query(c, p, n);
		else if (c->method == LINK_HELLO)
			take_hello(c, p, n);
		else if (c->method == LINK_ANNOUNCE)
			server_announce(c, p, n);
		else if (c->method == LINK_PROBE)
			server_probe(c, p, n);
		else
			server_health(c, p, n);
	}
}

void server_call_ended(struct link_call *c, bool midway)
{
	if (!c->finished && (!c->has_message || midway)) {
		cancel(c);
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "the request ended before its message");
	}
}

/* ---- the answer ---- */

static uint8_t *place(void *arg, size_t n)
{
	struct link_call *c = arg;

	return link_stream_put(&c->st, n);
}

void link_call_answer(struct link_call *c, size_t i, const struct acl_released *r)
{
	if (c->overflowed || i >= c->q.n || c->answered[i])
		return;
	c->answered[i] = true;
	if (link_answer_write(&c->q, i, acl_released_view(r), place, c) == 0)
		link_stream_send(&c->st);
	else
		c->overflowed = true;
}

void link_call_done(struct link_call *c, enum fb_reason reason, const char *why)
{
	enum grpc_status status = reason == FB_OK          ? GRPC_OK
	                          : reason == FB_NOT_ALLOWED ? GRPC_PERMISSION_DENIED
	                          : reason == FB_BUSY        ? GRPC_RESOURCE_EXHAUSTED
	                          : reason == FB_TIMEOUT     ? GRPC_DEADLINE_EXCEEDED
	                                                     : GRPC_UNAVAILABLE;

	if (c->overflowed)
		server_call_finish(c, GRPC_RESOURCE_EXHAUSTED, "more answers wait for this peer than a connection may hold");
	else
		server_call_finish(c, status, why);
}
