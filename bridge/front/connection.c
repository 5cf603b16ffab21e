#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/front/parts.h"

enum { STREAM_IN = HTTP_HEAD_MAX + 1024 };

static void run(struct connection *c, struct buf *in);

void connection_timer(struct connection *c, int64_t ms)
{
	loop_timer_again(c->timer, ms);
}

static void forget_request(struct connection *c)
{
	buf_wipe(&c->head); /* it holds the password */
	buf_free(&c->body);
	c->request = (struct http_head){0};
	c->chunks = (struct http_chunks){0};
	c->scanned = c->body_left = c->body_mark = 0;
	c->started = c->continued = false;
	c->route = NULL;
	c->who = (struct identity){0};
	login_drop_held(c);
	buf_free(&c->token_line);
	c->operation = c->why = NULL;
	*c->request_id = *c->client_id = 0;
}

void connection_drop(struct connection *c)
{
	struct front *f = c->front;

	if (c->dead)
		return;
	c->dead = true;
	record_lost(c);
	if (c->soap)
		front_soap_cancel(c->soap);
	if (c->login)
		login_forget(c->login);
	pki_stream_free(c->stream);
	loop_timer_free(c->timer);
	c->soap = NULL;
	c->login = NULL;
	c->stream = NULL;
	c->timer = NULL;
	*(c->prev ? &c->prev->next : &f->open) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	f->n_open--;
	c->next = f->dead;
	f->dead = c;
	loop_timer_again(f->reaper, 0);
}

void connection_reap(struct front *f)
{
	while (f->dead) {
		struct connection *c = f->dead;

		f->dead = c->next;
		forget_request(c);
		buf_wipe(&c->memory);
		free(c);
	}
}

static void goodbye(struct connection *c)
{
	c->state = CONN_ENDING;
	pki_stream_finish(c->stream, FRONT_CLOSE_MS);
}

/* Ready for another request, which may lie in the stream already. */
static void next_request(struct connection *c)
{
	if (!c->keep || c->front->draining) {
		goodbye(c);
		return;
	}
	forget_request(c);
	c->served = true;
	c->state = CONN_HEAD;
	c->quiet_since = loop_ms();
	connection_timer(c, (int64_t)c->front->conf->idle_seconds * 1000);
	pki_stream_hold(c->stream, false);
}

void connection_answered(struct connection *c)
{
	c->pending_mark = pki_stream_pending(c->stream);
	connection_timer(c, c->state == CONN_DISCARD ? FRONT_BODY_MS : FRONT_WRITE_MS);
	if (c->state == CONN_DISCARD)
		pki_stream_hold(c->stream, false);
}

void connection_drain(struct connection *c)
{
	/* One that was never answered has its first request on the way: the client could not know that it must ask again. */
	if (c->state == CONN_HEAD && !c->started && c->served)
		goodbye(c);
}

void connection_read_body(struct connection *c)
{
	if (c->request.expect_continue)
		pki_stream_write(c->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	c->continued = true;
	c->body_until = loop_ms() + FRONT_BODY_WHOLE_MS;
	connection_timer(c, FRONT_BODY_MS);
	pki_stream_hold(c->stream, false);
}

static void dispatch(struct connection *c)
{
	c->state = CONN_ASKING;
	record_body(c);
	c->route->answer(c);
}

void connection_welcome(struct connection *c)
{
	int64_t most = (int64_t)c->front->conf->max_request_kib * 1024;
	char allow[64];

	if (!c->route) {
		respond_text(c, 404, "", "There is nothing at this path.");
	} else if (!route_takes(c->route, c->request.method)) {
		snprintf(allow, sizeof(allow), "Allow: %s\r\n", c->route->allow);
		respond_text(c, 405, allow, "This path does not take this method.");
	} else if (c->request.encoded) {
		respond_text(c, 415, "", "The request's body must not be compressed or encoded in another way.");
	} else if (c->request.length > most) {
		respond_text(c, 413, "", "The request is too large.");
	} else if (!c->request.chunked && c->request.length == 0) {
		dispatch(c);
	} else if (!c->route->login) {
		c->route->answer(c); /* a stranger's body is kept nowhere: it is thrown away behind the answer */
	} else {
		c->state = CONN_BODY;
		connection_read_body(c);
	}
}

/* Keeps the client's own id if it is harmless wherever it will be written. */
static void take_client_id(struct connection *c)
{
	const char *s = c->request.client_request_id;

	if (s && *s && s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:{}")] == 0)
		snprintf(c->client_id, sizeof(c->client_id), "%.*s", FB_CLIENT_ID_MAX, s);
}

/* A head is complete: reads it and decides what comes next. */
static void take_head(struct connection *c, struct buf *in, size_t n)
{
	int status;

	buf_wipe(&c->head);
	fb_request_id_new(c->request_id);
	if (buf_add(&c->head, buf_ptr(in), n) < 0) {
		connection_drop(c);
		return;
	}
	buf_consume(in, n);
	record_head(c, buf_ptr(&c->head), n);
	status = http_head_parse((char *)buf_ptr(&c->head), n, &c->request);
	if (status) {
		c->request.keep = false; /* where the next request would start is anyone's guess */
		respond_text(c, status, "", c->request.problem);
		return;
	}
	take_client_id(c);
	c->body_left = c->request.chunked ? (size_t)c->front->conf->max_request_kib * 1024 : (size_t)c->request.length;
	c->body_mark = c->body_left;
	c->route = route_find(c->request.path);
	if (c->route && !c->route->login)
		connection_welcome(c);
	else
		login_start(c);
}

/* Line ends alone, which some clients send behind a body (RFC 9112 2.2): the next request has not begun, and may be long in coming. */
static bool is_between(const struct buf *in)
{
	const uint8_t *p = buf_ptr(in);

	for (size_t i = 0; i < in->len; i++)
		if (p[i] != '\r' && p[i] != '\n')
			return false;
	return in->len <= HTTP_BLANK_MAX;
}

/* True if a whole head was taken. */
static bool read_head(struct connection *c, struct buf *in)
{
	size_t n;

	if (!c->started && is_between(in))
		return false;
	if (!c->started) {
		c->started = true;
		c->since = loop_ms();
		connection_timer(c, FRONT_HEAD_MS);
	}
	n = http_head_find(buf_ptr(in), in->len, &c->scanned);
	if (n == 0 && in->len < HTTP_HEAD_MAX)
		return false;
	if (n == 0 || n > HTTP_HEAD_MAX) {
		fb_request_id_new(c->request_id);
		c->request.keep = false;
		respond_text(c, 431, "", "The request's header fields are too large.");
		return false;
	}
	take_head(c, in, n);
	return true;
}

/* Reads on in the body, into c->body or nowhere. True when it is complete or was refused. */
static bool read_body(struct connection *c, struct buf *in)
{
	struct buf *out = c->state == CONN_BODY ? &c->body : NULL;
	size_t n = c->body_left < in->len ? c->body_left : in->len;
	int r;

	if (c->request.chunked) {
		r = http_chunks_feed(&c->chunks, in, out, &c->body_left);
	} else {
		r = out && n && buf_add(out, buf_ptr(in), n) < 0 ? -413 : 0;
		buf_consume(in, n);
		c->body_left -= n;
		if (r == 0 && c->body_left == 0)
			r = 1;
	}
	if (r == 0 && c->state == CONN_BODY && c->body_mark - c->body_left >= FRONT_BODY_STEP) {
		int64_t left = c->body_until - loop_ms();

		c->body_mark = c->body_left; /* slow is allowed, a drip is not; a stranger's body that is thrown away gets no more time */
		connection_timer(c, left < FRONT_BODY_MS ? left : FRONT_BODY_MS);
	}
	if (r == 0)
		return false;
	if (r < 0 && c->state == CONN_DISCARD) {
		c->keep = false; /* its answer has gone out already */
		c->state = CONN_WRITING;
	} else if (r < 0) {
		respond_text(c, -r, "", r == -413 ? "The request is too large." : "The chunked body is malformed.");
	} else if (c->state == CONN_BODY) {
		dispatch(c);
	} else if (c->state == CONN_SWALLOW) {
		login_swallowed(c);
	} else {
		c->state = CONN_WRITING;
	}
	return true;
}

/* Goes on as far as the bytes reach. */
static void run(struct connection *c, struct buf *in)
{
	bool more = true;

	while (more && !c->dead) {
		if (c->state == CONN_HEAD)
			more = read_head(c, in);
		else if (c->state == CONN_BODY || c->state == CONN_SWALLOW || c->state == CONN_DISCARD)
			more = read_body(c, in);
		else
			more = false;
	}
	if (!c->dead && c->state == CONN_WRITING && pki_stream_pending(c->stream) == 0)
		next_request(c);
}

static void on_up(void *arg)
{
	struct connection *c = arg;

	log_event(LOG_LEVEL_DEBUG, "tls", LS("address", c->address), LS("protocol", pki_stream_protocol(c->stream)));
	c->state = CONN_HEAD;
	connection_timer(c, FRONT_HEAD_MS);
}

static void on_data(void *arg, struct buf *in)
{
	run(arg, in);
}

static void on_drained(void *arg)
{
	struct connection *c = arg;

	if (!c->dead && c->state == CONN_WRITING)
		next_request(c);
}

bool connection_may_tell(const struct connection *c)
{
	return c->known || log_quota_takes(c->front->strangers, c->address);
}

static void on_down(void *arg, const char *why)
{
	struct connection *c = arg;

	if (c->state == CONN_OPENING) {
		if (connection_may_tell(c))
			log_event(LOG_LEVEL_INFO, "tls-failed", LS("address", c->address), LS("why", why));
		record_failure(c, why);
	} else if ((c->state == CONN_ASKING || c->state == CONN_LOGIN || c->state == CONN_HELD || c->state == CONN_BODY) && connection_may_tell(c))
		log_event(LOG_LEVEL_INFO, "client-gone", LS("request-id", c->request_id),
		          LS("client-request-id", *c->client_id ? c->client_id : NULL), LS("address", c->address), LS("why", why));
	connection_drop(c);
}

static void on_timer(void *arg)
{
	struct connection *c = arg;
	size_t pending;

	switch (c->state) {
	case CONN_HEAD:
		if (!c->started) {
			goodbye(c);
			return;
		}
		fb_request_id_new(c->request_id);
		c->request.keep = false;
		respond_text(c, 408, "", "The request did not arrive in time.");
		return;
	case CONN_BODY:
	case CONN_SWALLOW:
		respond_text(c, 408, "", "The request's body did not arrive in time.");
		return;
	case CONN_LOGIN:
		login_forget(c->login);
		c->login = NULL;
		respond_text(c, 503, "Retry-After: 5\r\n", "The login could not be checked in time.");
		return;
	case CONN_HELD:
		login_release(c);
		return;
	case CONN_DISCARD:
		goodbye(c);
		return;
	case CONN_WRITING:
		pending = pki_stream_pending(c->stream);
		if (pending + FRONT_WRITE_STEP > c->pending_mark) {
			connection_drop(c);
			return;
		}
		c->pending_mark = pending;
		connection_timer(c, FRONT_WRITE_MS);
		return;
	case CONN_OPENING: /* the stream has its own deadline there, the question its hard stop */
	case CONN_ASKING:
	case CONN_ENDING:
		return;
	}
}

struct connection *connection_new(struct front *f, int fd, const char *address)
{
	static const struct pki_stream_events events = {on_up, on_data, on_drained, on_down};
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->front = f;
	c->quiet_since = loop_ms();
	snprintf(c->address, sizeof(c->address), "%s", address);
	buf_init(&c->head, HTTP_HEAD_MAX);
	buf_init(&c->memory, LOGIN_MEMORY_MAX);
	buf_init(&c->token_line, 2 * LOGIN_TOKEN_MAX);
	buf_init(&c->body, (size_t)f->conf->max_request_kib * 1024);
	c->stream = pki_stream_accept(f->loop, f->tls, fd, STREAM_IN, &events, c);
	if (!c->stream) {
		free(c);
		return NULL;
	}
	c->timer = loop_timer_new(f->loop, FRONT_HEAD_MS, on_timer, c);
	record_connection(c);
	c->next = f->open;
	if (c->next)
		c->next->prev = c;
	f->open = c;
	f->n_open++;
	return c;
}
