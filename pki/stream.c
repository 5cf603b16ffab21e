#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include "pki/stream_own.h"

enum { LINGER_MS = 2000 };
enum { READ_CHUNK = 16 << 10, READ_TURN = 256 << 10, LINGER_BYTES = 1 << 20, KEEP_BYTES = 32 << 10 };

static void kick(struct pki_stream *s)
{
	if (s->state != ENDED && !s->dead)
		loop_timer_again(s->kick, 0);
}

static void close_socket(struct pki_stream *s)
{
	loop_fd_free(s->watch);
	loop_timer_free(s->deadline);
	loop_timer_free(s->kick);
	s->watch = NULL;
	s->deadline = s->kick = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stream_release(struct pki_stream *s)
{
	SSL_free(s->ssl);
	buf_wipe(&s->in);
	buf_wipe(&s->out);
	free(s->only);
	free(s->host);
	free(s->check.refusal);
	free(s->why);
	free(s);
}

static void leave(struct pki_stream *s)
{
	if (--s->busy == 0 && s->dead)
		stream_release(s);
}

void pki_stream_free(struct pki_stream *s)
{
	if (!s || s->dead)
		return;
	s->dead = true;
	close_socket(s);
	if (s->busy == 0)
		stream_release(s);
}

/* Tells the owner, once. */
static void end(struct pki_stream *s)
{
	if (s->state == ENDED)
		return;
	s->state = ENDED;
	close_socket(s);
	s->busy++;
	s->ev.down(s->arg, !s->has_why ? NULL : s->why ? s->why : "out of memory");
	leave(s);
}

void stream_because(struct pki_stream *s, const char *fmt, ...)
{
	va_list ap;

	if (s->has_why)
		return;
	va_start(ap, fmt);
	if (vasprintf(&s->why, fmt, ap) < 0)
		s->why = NULL;
	va_end(ap);
	s->has_why = true;
}

static void linger(struct pki_stream *s, int64_t ms)
{
	s->state = LINGERING;
	shutdown(s->fd, SHUT_WR);
	loop_timer_again(s->deadline, ms);
}

/* After a call that did not succeed: true if it is only a matter of waiting; else the stream has ended or is lingering. */
static bool only_wait(struct pki_stream *s, int r)
{
	int saved = errno, error = SSL_get_error(s->ssl, r);
	char why[800];
	bool tell;

	s->want_write = error == SSL_ERROR_WANT_WRITE;
	if (s->want_write || error == SSL_ERROR_WANT_READ)
		return true;
	if (error == SSL_ERROR_ZERO_RETURN) {
		end(s);
		return false;
	}
	tell = pki_why(why, sizeof(why), &s->check, s->ssl, s->host, error, saved);
	stream_because(s, "%s", why);
	ERR_clear_error();
	if (tell)
		linger(s, LINGER_MS);
	else
		end(s);
	return false;
}

static void handshake(struct pki_stream *s)
{
	int r;

	if (!s->ssl && stream_prepare(s) < 0) {
		stream_because(s, "out of memory");
		end(s);
		return;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(s->ssl);
	if (r != 1) {
		only_wait(s, r);
		return;
	}
	s->want_write = false;
	stream_take_facts(s);
	if (!stream_acceptable(s)) {
		SSL_shutdown(s->ssl);
		linger(s, LINGER_MS);
		return;
	}
	s->state = OPEN;
	s->check.up = true;
	loop_timer_free(s->deadline);
	s->deadline = NULL;
	s->ev.up(s->arg);
}

/* Hands over what is there. False if the stream is gone. */
static bool deliver(struct pki_stream *s)
{
	if (s->held || s->finishing || s->in.len == 0)
		return true;
	s->ev.data(s->arg, &s->in);
	if (s->dead || s->state != OPEN)
		return false;
	s->full = s->in.len >= s->in.max;
	if (s->in.len == 0)
		buf_wipe(&s->in); /* it may have held a password */
	return true;
}

/* True if something has come that the socket would tell of no more. */
static bool more_here(const struct pki_stream *s)
{
	return s->ssl && (SSL_has_pending(s->ssl) || BIO_pending(SSL_get_rbio(s->ssl)) > 0);
}

/* Bytes as they come out of OpenSSL, for all streams: what one of them waits for has no memory until it is there. Zero between uses. */
static uint8_t fresh[READ_CHUNK];

/* Puts the ${n} bytes of fresh into the stream's own buffer. */
static int keep_fresh(struct pki_stream *s, size_t n)
{
	int r = buf_add(&s->in, fresh, n);

	explicit_bzero(fresh, n); /* it may have held a password */
	return r;
}

static void read_some(struct pki_stream *s)
{
	size_t got = 0;

	while (!s->held && !s->full && got < READ_TURN) {
		size_t room;
		int r;

		if (s->finishing)
			buf_reset(&s->in);
		room = s->in.max - s->in.len;
		ERR_clear_error();
		errno = 0;
		r = SSL_read(s->ssl, fresh, (int)(room < READ_CHUNK ? room : READ_CHUNK));
		if (r <= 0) {
			if (only_wait(s, r) && BIO_pending(SSL_get_rbio(s->ssl)) > 0)
				kick(s); /* it has stopped behind a record that was not for us */
			return;
		}
		got += (size_t)r;
		if (keep_fresh(s, (size_t)r) < 0) {
			stream_because(s, "out of memory");
			end(s);
			return;
		}
		if (!deliver(s))
			return;
		if (!more_here(s)) /* whatever else has come, the socket tells */
			return;
	}
	if (got >= READ_TURN)
		kick(s); /* others come first */
}

static void flush(struct pki_stream *s)
{
	bool had = s->out.len > 0;

	while (s->out.len > 0) {
		int r;

		ERR_clear_error();
		errno = 0;
		r = SSL_write(s->ssl, buf_ptr(&s->out), (int)(s->out.len < READ_TURN ? s->out.len : READ_TURN));
		if (r <= 0) {
			/* A reset on writing may hide the alert that explains it: read first. */
			int error = SSL_get_error(s->ssl, r);

			if (error == SSL_ERROR_SYSCALL && !s->held && !s->full) {
				int saved = errno;

				read_some(s);
				if (s->dead || s->state != OPEN)
					return;
				stream_because(s, "the connection was lost: %s", strerror(saved));
				end(s);
				return;
			}
			only_wait(s, r);
			return;
		}
		buf_consume(&s->out, (size_t)r);
	}
	s->want_write = false;
	if (s->out.cap > KEEP_BYTES)
		buf_free(&s->out); /* an idle connection does not sit on the memory of its largest answer */
	if (had && s->ev.drained)
		s->ev.drained(s->arg);
}

static void say_goodbye(struct pki_stream *s)
{
	ERR_clear_error();
	SSL_shutdown(s->ssl);
	shutdown(s->fd, SHUT_WR);
	s->state = LINGERING; /* the deadline of pki_stream_finish() goes on */
}

static void drain_raw(struct pki_stream *s)
{
	char waste[4096];
	ssize_t n;

	while ((n = recv(s->fd, waste, sizeof(waste), 0)) > 0)
		if ((s->lingered += (size_t)n) > LINGER_BYTES)
			break;
	if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		end(s);
}

static void wait_for(struct pki_stream *s)
{
	int events = 0;

	if (s->state == LINGERING || s->state == HANDSHAKING || (!s->held && !s->full))
		events |= LOOP_READ;
	if (s->state == HANDSHAKING && s->want_write)
		events = LOOP_WRITE;
	if (s->state == OPEN && (s->out.len > 0 || s->want_write))
		events |= LOOP_WRITE;
	loop_fd_set(s->watch, events);
}

/* One turn: go on with whatever can go on, then say what is waited for. ${ready}: the socket has told something. */
static void turn(struct pki_stream *s, bool ready)
{
	s->busy++;
	s->in_turn = true;
	if (s->state == LINGERING)
		drain_raw(s);
	else if (s->state == HANDSHAKING)
		handshake(s);
	if (s->state == OPEN && !s->dead && deliver(s) && (ready || more_here(s)))
		read_some(s);
	if (s->state == OPEN && !s->dead)
		flush(s);
	if (s->state == OPEN && !s->dead && s->finishing && s->out.len == 0)
		say_goodbye(s);
	s->in_turn = false;
	if (!s->dead && s->state != ENDED)
		wait_for(s);
	leave(s);
}

void stream_on_fd(int fd, int events, void *arg)
{
	turn(arg, true);
}

void stream_on_kick(void *arg)
{
	turn(arg, false);
}

void stream_on_deadline(void *arg)
{
	struct pki_stream *s = arg;

	if (s->state == HANDSHAKING && !s->finishing)
		stream_because(s, "the TLS handshake was not done within %d seconds", STREAM_HANDSHAKE_MS / 1000);
	else if (s->state == OPEN)
		stream_because(s, "the other side did not take the last %zu bytes in time", s->out.len);
	end(s);
}

int pki_stream_write(struct pki_stream *s, const void *p, size_t n)
{
	if (s->dead || s->state == LINGERING || s->state == ENDED || s->finishing)
		return 0; /* it has ended; down() says so or has said so */
	if (n > s->out.max - s->out.len)
		return -1;
	if (buf_add(&s->out, p, n) < 0)
		return -1;
	if (!s->in_turn && s->state == OPEN)
		kick(s);
	return 0;
}

size_t pki_stream_pending(const struct pki_stream *s)
{
	return s->out.len;
}

void pki_stream_finish(struct pki_stream *s, int64_t ms)
{
	if (s->dead || s->state == ENDED || s->state == LINGERING || s->finishing)
		return;
	s->finishing = true;
	s->full = s->held = false;
	if (s->state == HANDSHAKING)
		ms = 0;
	if (s->deadline)
		loop_timer_again(s->deadline, ms);
	else
		s->deadline = loop_timer_new(s->loop, ms, stream_on_deadline, s);
	kick(s);
}

void pki_stream_hold(struct pki_stream *s, bool hold)
{
	s->held = hold;
	s->full &= hold;
	if (!hold && (s->in.len || more_here(s)))
		kick(s);
	else if (s->watch && !s->in_turn)
		wait_for(s);
}

void pki_stream_retarget(struct pki_stream *s, const struct pki_stream_events *ev, void *arg)
{
	s->ev = *ev;
	s->arg = arg;
}
