#include "bridge/link/session_own.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BUFFER = 128 << 10, GOAWAY_MS = 250 };

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
	*s->out_bytes -= st->counted_out;
	st->counted_in = st->counted_out = 0;
	*st->at = st->next;
	if (st->next)
		st->next->at = st->at;
	st->session = NULL;
	if (--s->n_streams == 0 && !s->pinged && !s->keep && s->ping)
		loop_timer_again(s->ping, LINK_REST_MS);
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
	char text[800];

	if (s->dead)
		return;
	if (why) { /* it may live in the stream that goes away now */
		snprintf(text, sizeof text, "%s", why);
		why = text;
	}
	stop(s);
	s->depth++;
	for (size_t i = 0; i < LINK_BUCKETS; i++)
		while (s->streams[i] && !s->freed) {
			struct link_stream *st = s->streams[i];

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
	for (size_t i = 0; i < LINK_BUCKETS; i++)
		while (s->streams[i])
			link_session_detach(s->streams[i]);
	s->freed = true;
	s->depth++;
	leave(s);
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

static void ping(struct link_session *s)
{
	s->pinged = loop_ms();
	nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, NULL);
	link_session_flush(s);
	loop_timer_again(s->ping, LINK_PING_WAIT_MS);
}

static void ping_tick(void *arg)
{
	struct link_session *s = arg;
	int64_t quiet = loop_ms() - s->heard;

	if (s->pinged && s->heard < s->pinged) {
		fail(s, "the peer did not answer a ping within 10 s");
		return;
	}
	s->pinged = 0;
	if (!s->n_streams)
		link_session_rest(s);
	if (!s->n_streams && !s->keep) {
		loop_timer_free(s->ping);
		s->ping = NULL;
	} else if (quiet < LINK_PING_IDLE_MS) {
		loop_timer_again(s->ping, LINK_PING_IDLE_MS - quiet);
	} else {
		ping(s);
	}
}

void link_session_doubt(struct link_session *s)
{
	if (s->dead || !s->h2 || !s->ping || s->pinged || loop_ms() - s->heard < LINK_DOUBT_MS)
		return;
	ping(s);
}

void link_session_attach(struct link_session *s, struct link_stream *st, int32_t id)
{
	st->session = s;
	st->id = id;
	st->at = link_session_bucket(s, id);
	st->next = *st->at;
	if (st->next)
		st->next->at = &st->next;
	*st->at = st;
	s->n_streams++;
	if (!s->ping) {
		int64_t quiet = loop_ms() - s->heard;

		s->ping = loop_timer_new(s->loop, quiet < LINK_PING_IDLE_MS ? LINK_PING_IDLE_MS - quiet : 0, ping_tick, s);
	}
}

/* ---- what the TLS stream tells ---- */

/* The handshake is done: HTTP/2. False when out of memory. */
static bool begin(struct link_session *s)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LINK_STREAMS},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LINK_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LINK_HEADER_BYTES},
		{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, LINK_HEADER_TABLE},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};

	s->heard = s->calm_since = loop_ms();
	s->h2 = link_session_h2_new(s);
	if (!s->h2)
		return false;
	/* Push is the client's to forbid. */
	nghttp2_submit_settings(s->h2, NGHTTP2_FLAG_NONE, settings, s->server ? 4 : 5);
	nghttp2_session_set_local_window_size(s->h2, NGHTTP2_FLAG_NONE, 0, LINK_CONNECTION_WINDOW);
	if (s->draining)
		say_last_word(s);
	s->ping = loop_timer_new(s->loop, LINK_REST_MS, ping_tick, s);
	link_session_flush(s);
	return true;
}

/* To whom the stream belongs now. */
static void hand_on(struct link_session *s, void (*to)(void *arg, struct pki_stream *tls))
{
	struct pki_stream *tls = s->tls;

	s->tls = NULL;
	stop(s);
	to(s->arg, tls);
}

static void on_tls_up(void *arg)
{
	struct link_session *s = arg;

	if (pki_stream_pairs(s->tls) && s->ev->pairing)
		hand_on(s, s->ev->pairing);
	else if (!pki_stream_peer(s->tls)) /* cannot be, and must not be: no byte of it is read */
		fail(s, "the TLS layer named no peer");
	else if (s->accepted && pki_stream_turned(s->tls) && s->ev->turned)
		hand_on(s, s->ev->turned);
	else if (s->accepted && pki_stream_turned(s->tls))
		fail(s, "turned connections are not taken here");
	else if (!begin(s))
		fail(s, "out of memory");
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
	*s = (struct link_session){.loop = l, .server = server, .out_bytes = &s->own_out, .ev = ev, .arg = arg};
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
	s->accepted = true;
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

struct link_session *link_session_connect_turned(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *peer,
                                                 unsigned process, const struct link_session_events *ev, void *arg)
{
	struct link_session *s = session_new(l, true, ev, arg);

	if (!s) {
		close(fd);
		return NULL;
	}
	tune(fd);
	s->keep = true;
	s->tls = pki_stream_connect(l, t, fd, host, peer, IN_BUFFER, &tls_events, s);
	if (s->tls && pki_stream_turn(s->tls, process) != 0) {
		pki_stream_free(s->tls);
		s->tls = NULL;
	}
	return session_ready(s);
}

struct link_session *link_session_adopt(struct loop *l, struct pki_stream *tls, const struct link_session_events *ev, void *arg)
{
	struct link_session *s = session_new(l, false, ev, arg);

	if (!s) {
		pki_stream_free(tls);
		return NULL;
	}
	s->tls = tls;
	pki_stream_retarget(tls, &tls_events, s);
	session_ready(s);
	if (begin(s))
		return s;
	link_session_free(s);
	return NULL;
}

void link_session_break(struct link_session *s, const char *why)
{
	fail(s, why);
}
