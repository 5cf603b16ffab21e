#include "bridge/link/session_own.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BUFFER = 128 << 10, GOAWAY_MS = 250, CALM_FRAMES = 1000, CALM_MS = 10000 };

/* ---- life and death: nghttp2 must not be deleted under its own feet ---- */

static void leave(struct link_session *s)
{
	if (--s->depth || !s->freed)
		return;
	nghttp2_session_del(s->h2);
	free(s);
}

void link_session_detach(struct link_stream *st)
{
	struct link_session *s = st->session;

	s->in_bytes -= st->counted_in;
	s->out_bytes -= st->counted_out;
	st->counted_in = st->counted_out = 0;
	*st->at = st->next;
	if (st->next)
		st->next->at = st->at;
	st->session = NULL;
	if (--s->n_streams == 0) {
		loop_timer_free(s->ping);
		s->ping = NULL;
		s->pinged = 0;
	}
}

/* Lets go of the descriptor and the timers; nothing is sent or read after it. */
static void stop(struct link_session *s)
{
	s->dead = true;
	pki_stream_free(s->tls);
	loop_timer_free(s->flush);
	loop_timer_free(s->ping);
	loop_timer_free(s->goaway);
	s->tls = NULL;
	s->flush = s->ping = s->goaway = NULL;
}

static void fail(struct link_session *s, const char *why)
{
	char text[256];

	if (s->dead)
		return;
	if (why) { /* it may live in the stream that goes away now */
		snprintf(text, sizeof text, "%s", why);
		why = text;
	}
	stop(s);
	s->depth++;
	while (s->streams && !s->freed) {
		struct link_stream *st = s->streams;

		link_session_detach(st);
		s->ev->closed(s->arg, st, why ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
	}
	if (!s->freed)
		s->ev->down(s->arg, why);
	leave(s);
}

void link_session_free(struct link_session *s)
{
	if (!s || s->freed)
		return;
	stop(s);
	while (s->streams)
		link_session_detach(s->streams);
	s->freed = true;
	s->depth++;
	leave(s);
}

const struct pki_peer *link_session_peer(const struct link_session *s)
{
	return s->tls ? pki_stream_peer(s->tls) : NULL;
}

size_t link_session_streams(const struct link_session *s)
{
	return s->n_streams;
}

/* ---- out ---- */

void link_session_flush(struct link_session *s)
{
	if (s->dead || !s->h2 || s->flush_waits)
		return;
	s->flush_waits = true;
	loop_timer_again(s->flush, 0);
}

/* Nothing more to say or to hear: close_notify, and down. */
static bool is_over(struct link_session *s)
{
	if (!nghttp2_session_want_read(s->h2) && !nghttp2_session_want_write(s->h2))
		return true;
	return s->draining && s->last_word && !s->n_streams && !nghttp2_session_want_write(s->h2);
}

static void flush(void *arg)
{
	struct link_session *s = arg;
	const uint8_t *p;
	ssize_t n = 0;

	s->flush_waits = false;
	if (s->dead || !s->h2)
		return;
	s->depth++;
	while (!s->dead && n >= 0 && pki_stream_pending(s->tls) < LINK_PENDING && (n = nghttp2_session_mem_send(s->h2, &p)) > 0)
		if (pki_stream_write(s->tls, p, (size_t)n) < 0)
			n = NGHTTP2_ERR_NOMEM;
	if (!s->dead && n < 0)
		fail(s, nghttp2_strerror((int)n));
	else if (!s->dead && is_over(s))
		pki_stream_finish(s->tls, 1000);
	leave(s);
}

static void on_drained(void *arg)
{
	struct link_session *s = arg;

	if (!s->dead && s->h2 && nghttp2_session_want_write(s->h2))
		link_session_flush(s);
}

static void say_last_word(void *arg)
{
	struct link_session *s = arg;

	s->last_word = true;
	nghttp2_submit_goaway(s->h2, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(s->h2), NGHTTP2_NO_ERROR, NULL, 0);
	link_session_flush(s);
}

/* RFC 9113 6.8: first the highest id, so that requests on their way are still taken; the last word a little later. */
void link_session_drain(struct link_session *s)
{
	if (s->dead || s->draining)
		return;
	s->draining = true;
	if (!s->h2) {
		s->last_word = true;
		return;
	}
	if (!s->server) {
		say_last_word(s);
		return;
	}
	nghttp2_submit_shutdown_notice(s->h2);
	s->goaway = loop_timer_new(s->loop, GOAWAY_MS, say_last_word, s);
	link_session_flush(s);
}

/* ---- keepalive, only while somebody waits for something ---- */

static void ping_tick(void *arg)
{
	struct link_session *s = arg;
	int64_t now = loop_ms(), quiet = now - s->heard;

	if (s->pinged && s->heard < s->pinged) {
		fail(s, "the peer did not answer a ping within 10 s");
		return;
	}
	s->pinged = 0;
	if (quiet < LINK_PING_IDLE_MS) {
		loop_timer_again(s->ping, LINK_PING_IDLE_MS - quiet);
		return;
	}
	s->pinged = now;
	nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL);
	link_session_flush(s);
	loop_timer_again(s->ping, LINK_PING_WAIT_MS);
}

void link_session_attach(struct link_session *s, struct link_stream *st, int32_t id)
{
	st->session = s;
	st->id = id;
	st->next = s->streams;
	st->at = &s->streams;
	if (st->next)
		st->next->at = &st->next;
	s->streams = st;
	if (s->n_streams++ == 0) {
		int64_t quiet = loop_ms() - s->heard;

		s->ping = loop_timer_new(s->loop, quiet < LINK_PING_IDLE_MS ? LINK_PING_IDLE_MS - quiet : 0, ping_tick, s);
	}
}

/* By number, never by a pointer kept inside nghttp2: a stream that was given up is simply not found. */
static struct link_stream *find(struct link_session *s, int32_t id)
{
	struct link_stream *st = s->streams;

	while (st && st->id != id)
		st = st->next;
	return st;
}

/* ---- what nghttp2 tells ---- */

static int go_on(const struct link_session *s)
{
	return s->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st;

	(void)h2;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	st = find(s, frame->hd.stream_id);
	if (st)
		st->header_bytes = 0;
	if (!s->server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	st = s->ev->open(s->arg);
	if (!st)
		return s->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	link_session_attach(s, st, frame->hd.stream_id);
	return 0;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = find(s, frame->hd.stream_id);
	nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);

	(void)h2;
	(void)flags;
	if (!st)
		return 0;
	st->header_bytes += n.len + v.len + 32;
	if (st->header_bytes > LINK_HEADER_BYTES)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	s->ev->header(s->arg, st, (const char *)n.base, (const char *)v.base);
	return go_on(s);
}

/* A healthy peer sends few frames that carry no work; a stream of them only burns our time. */
static void keep_calm(struct link_session *s)
{
	int64_t now = loop_ms();

	if (now - s->calm_since > CALM_MS) {
		s->calm_since = now;
		s->calm_frames = 0;
	}
	if (++s->calm_frames == CALM_FRAMES)
		nghttp2_session_terminate_session(s->h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void remote_end(struct link_session *s, struct link_stream *st)
{
	st->remote_ended = true;
	s->ev->ended(s->arg, st, grpc_reader_midway(&st->in));
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = find(s, frame->hd.stream_id);
	bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)h2;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (st)
			s->ev->headers(s->arg, st);
		if (!s->dead && last && (st = find(s, frame->hd.stream_id)))
			remote_end(s, st);
		break;
	case NGHTTP2_DATA:
		if (!last && !frame->hd.length)
			keep_calm(s);
		if (st && last)
			remote_end(s, st);
		break;
	case NGHTTP2_SETTINGS:
		keep_calm(s);
		if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) && !s->settled) {
			s->settled = true;
			s->ev->up(s->arg);
		}
		break;
	case NGHTTP2_GOAWAY:
		s->ev->goaway(s->arg);
		break;
	case NGHTTP2_PING:
	case NGHTTP2_PRIORITY:
		keep_calm(s);
		break;
	}
	return go_on(s);
}

static int on_chunk(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st;

	(void)h2;
	(void)flags;
	while (!s->dead && (st = find(s, id))) {
		enum grpc_read what = grpc_reader_feed(&st->in, &p, &n);

		s->in_bytes += st->in.body.len - st->counted_in;
		st->counted_in = st->in.body.len;
		if (s->in_bytes > (s->server ? LINK_REQUEST_BYTES : LINK_IN_BYTES))
			what = GRPC_READ_TOO_BIG;
		if (what == GRPC_READ_MORE)
			break;
		s->ev->message(s->arg, st, what, buf_ptr(&st->in.body), st->in.body.len);
		if (what != GRPC_READ_MESSAGE || !n)
			break;
	}
	return go_on(s);
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = find(s, id);

	(void)h2;
	if (st) {
		link_session_detach(st);
		s->ev->closed(s->arg, st, code);
	}
	return go_on(s);
}

/* A server that has said all need not hear the rest (RFC 9113 8.1). */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = find(s, frame->hd.stream_id);
	bool data = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;

	if (s->server && data && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && st && !st->remote_ended)
		nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_NO_ERROR);
	return 0;
}

/* ---- what the TLS stream tells ---- */

static nghttp2_session *new_h2(struct link_session *s)
{
	nghttp2_session_callbacks *cb = NULL;
	nghttp2_option *o = NULL;
	nghttp2_session *h2 = NULL;

	if (nghttp2_session_callbacks_new(&cb) == 0 && nghttp2_option_new(&o) == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_chunk);
		nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
		nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
		nghttp2_option_set_no_closed_streams(o, 1);
		nghttp2_option_set_max_outbound_ack(o, 64);
		nghttp2_option_set_max_settings(o, 16);
		nghttp2_option_set_stream_reset_rate_limit(o, 500, 50);
		if ((s->server ? nghttp2_session_server_new2 : nghttp2_session_client_new2)(&h2, cb, s, o) != 0)
			h2 = NULL;
	}
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(cb);
	return h2;
}

static void on_tls_up(void *arg)
{
	struct link_session *s = arg;
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LINK_STREAMS},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LINK_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LINK_HEADER_BYTES},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};

	if (!pki_stream_peer(s->tls)) { /* cannot be, and must not be: no byte of it is read */
		fail(s, "the TLS layer named no peer");
		return;
	}
	s->heard = s->calm_since = loop_ms();
	s->h2 = new_h2(s);
	if (!s->h2) {
		fail(s, "out of memory");
		return;
	}
	/* Push is the client's to forbid. */
	nghttp2_submit_settings(s->h2, NGHTTP2_FLAG_NONE, settings, s->server ? 3 : 4);
	nghttp2_session_set_local_window_size(s->h2, NGHTTP2_FLAG_NONE, 0, LINK_CONNECTION_WINDOW);
	if (s->draining)
		say_last_word(s);
	link_session_flush(s);
}

static void on_tls_data(void *arg, struct buf *in)
{
	struct link_session *s = arg;
	ssize_t n;

	if (s->dead || !s->h2)
		return;
	s->heard = loop_ms();
	s->depth++;
	n = nghttp2_session_mem_recv(s->h2, buf_ptr(in), in->len);
	if (!s->dead) { /* after stop() the buffer is gone with its stream */
		buf_consume(in, in->len);
		if (n < 0)
			fail(s, n == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? "the peer does not speak HTTP/2" : nghttp2_strerror((int)n));
		else
			link_session_flush(s);
	}
	leave(s);
}

static void on_tls_down(void *arg, const char *why)
{
	fail(arg, why);
}

static const struct pki_stream_events tls_events = {on_tls_up, on_tls_data, on_drained, on_tls_down};

/* Peers that vanish without a word are the kernel's to notice while nothing is asked. */
static void tune(int fd)
{
	int on = 1, idle = 60, between = 20, count = 3, unsent_ms = 30000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms);
}

static struct link_session *session_new(struct loop *l, bool server, const struct link_session_events *ev, void *arg)
{
	struct link_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->loop = l;
	s->server = server;
	s->ev = ev;
	s->arg = arg;
	return s;
}

static struct link_session *session_ready(struct link_session *s)
{
	if (!s->tls) {
		free(s);
		return NULL;
	}
	s->flush_waits = true;
	s->flush = loop_timer_new(s->loop, 0, flush, s);
	return s;
}

struct link_session *link_session_accept(struct loop *l, struct pki_tls *t, int fd, const struct link_session_events *ev, void *arg)
{
	struct link_session *s = session_new(l, true, ev, arg);

	if (!s) {
		close(fd);
		return NULL;
	}
	tune(fd);
	s->tls = pki_stream_accept(l, t, fd, IN_BUFFER, &tls_events, s);
	return session_ready(s);
}

struct link_session *link_session_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *peer,
                                          const struct link_session_events *ev, void *arg)
{
	struct link_session *s = session_new(l, false, ev, arg);

	if (!s) {
		close(fd);
		return NULL;
	}
	tune(fd);
	s->tls = pki_stream_connect(l, t, fd, host, peer, IN_BUFFER, &tls_events, s);
	return session_ready(s);
}
