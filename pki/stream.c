#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "pki/parts.h"

enum { HANDSHAKE_MS = 10000, LINGER_MS = 2000 };
enum { OUT_MAX = 64 << 20, READ_CHUNK = 16 << 10, READ_TURN = 256 << 10, LINGER_BYTES = 1 << 20, KEEP_BYTES = 32 << 10 };

/* LINGERING: nothing more is sent; waiting for the other side to close, so that our last words are not lost to a reset. */
enum state { HANDSHAKING, OPEN, LINGERING, ENDED };

struct pki_stream {
	struct loop *loop;
	struct pki_tls *tls;
	SSL *ssl;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *deadline, *kick; /* kick: a turn without an event on the socket */
	struct pki_stream_events ev;
	void *arg;
	struct buf in, out;
	enum state state;
	bool server, held, full, finishing, dead;
	bool want_write;  /* OpenSSL or the kernel waits for room */
	bool in_turn;     /* what is written now goes out when the turn ends */
	int busy;         /* callbacks on the stack: freeing waits for them */
	size_t lingered;
	int64_t finish_ms;
	struct pki_check check;
	const struct pki_peer *peer;
	uint8_t other_pin[PKI_PIN_LEN];
	bool pairs, reverse;
	char *only, *host;
	char protocol[80], alpn[32], why[800];
	bool has_why;
};

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

static void release(struct pki_stream *s)
{
	SSL_free(s->ssl);
	buf_wipe(&s->in);
	buf_wipe(&s->out);
	free(s->only);
	free(s->host);
	free(s);
}

static void leave(struct pki_stream *s)
{
	if (--s->busy == 0 && s->dead)
		release(s);
}

void pki_stream_free(struct pki_stream *s)
{
	if (!s || s->dead)
		return;
	s->dead = true;
	close_socket(s);
	if (s->busy == 0)
		release(s);
}

/* Tells the owner, once. */
static void end(struct pki_stream *s)
{
	if (s->state == ENDED)
		return;
	s->state = ENDED;
	close_socket(s);
	s->busy++;
	s->ev.down(s->arg, s->has_why ? s->why : NULL);
	leave(s);
}

static void __attribute__((format(printf, 2, 3))) because(struct pki_stream *s, const char *fmt, ...)
{
	va_list ap;

	if (s->has_why)
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
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
	char why[sizeof(s->why)];
	bool tell;

	s->want_write = error == SSL_ERROR_WANT_WRITE;
	if (s->want_write || error == SSL_ERROR_WANT_READ)
		return true;
	if (error == SSL_ERROR_ZERO_RETURN) {
		end(s);
		return false;
	}
	tell = pki_why(why, sizeof(why), &s->check, s->ssl, s->host, error, saved);
	because(s, "%s", why);
	ERR_clear_error();
	if (tell)
		linger(s, LINGER_MS);
	else
		end(s);
	return false;
}

/* What the protocol allows but we do not: decided once, when the handshake is done. */
static bool acceptable(struct pki_stream *s)
{
	static const char turned[] = "availbridge-reverse/1";
	const char *want = s->tls->recipe == PKI_GUEST ? "availbridge-pair/1" : s->reverse ? turned : "h2";
	const unsigned char *alpn;
	unsigned n;
	X509 *cert;

	if (s->tls->recipe != PKI_LINK && s->tls->recipe != PKI_GUEST)
		return true;
	cert = SSL_get0_peer_certificate(s->ssl);
	SSL_get0_alpn_selected(s->ssl, &alpn, &n);
	if (!cert || SSL_session_reused(s->ssl) || pki_pin_of_cert(cert, s->other_pin) < 0) {
		because(s, "the other side proved no key");
		return false;
	}
	/* Even a peer's key is nobody while it pairs. */
	if (pki_check_guest(&s->check, s->ssl, cert))
		return s->pairs = true;
	s->peer = pki_check_cert(&s->check, cert);
	if (s->server && n == strlen(turned) && memcmp(alpn, turned, n) == 0) { /* a client may choose, from what we take */
		s->reverse = true;
		want = turned;
	}
	if (!s->peer)
		because(s, "%s", s->check.refusal[0] ? s->check.refusal : "the other side proved no key");
	else if (n != strlen(want) || memcmp(alpn, want, n) != 0)
		because(s, "%s does not speak %s there (no ALPN %s): is this its link port?", s->peer->name, s->tls->recipe == PKI_GUEST ? "pairing" : s->reverse ? "turned connections" : "HTTP/2", want);
	else
		return true;
	s->peer = NULL;
	return false;
}

/* What the other side and we agreed on, in words. */
static void take_facts(struct pki_stream *s)
{
	const unsigned char *alpn;
	unsigned n;

	snprintf(s->protocol, sizeof(s->protocol), "%s %s", SSL_get_version(s->ssl), SSL_get_cipher_name(s->ssl));
	SSL_get0_alpn_selected(s->ssl, &alpn, &n);
	snprintf(s->alpn, sizeof(s->alpn), "%.*s", (int)n, n ? (const char *)alpn : "");
}

static void handshake(struct pki_stream *s)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(s->ssl);
	if (r != 1) {
		only_wait(s, r);
		return;
	}
	s->want_write = false;
	take_facts(s);
	if (!acceptable(s)) {
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
	return SSL_has_pending(s->ssl) || BIO_pending(SSL_get_rbio(s->ssl)) > 0;
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
			because(s, "out of memory");
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
				because(s, "the connection was lost: %s", strerror(saved));
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

static void on_fd(int fd, int events, void *arg)
{
	turn(arg, true);
}

static void on_kick(void *arg)
{
	turn(arg, false);
}

static void on_deadline(void *arg)
{
	struct pki_stream *s = arg;

	if (s->state == HANDSHAKING && !s->finishing)
		because(s, "the TLS handshake was not done within %d seconds", HANDSHAKE_MS / 1000);
	else if (s->state == OPEN)
		because(s, "the other side did not take the last %zu bytes in time", s->out.len);
	end(s);
}

static int name_host(struct pki_stream *s)
{
	struct in6_addr any;
	bool ip;

	if (!s->host)
		return 0;
	ip = inet_pton(AF_INET, s->host, &any) == 1 || inet_pton(AF_INET6, s->host, &any) == 1;
	if (!ip && SSL_set_tlsext_host_name(s->ssl, s->host) != 1)
		return -1;
	if (s->tls->recipe != PKI_CLIENT)
		return 0;
	return (ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), s->host) : SSL_set1_host(s->ssl, s->host)) == 1 ? 0 : -1;
}

static int prepare(struct pki_stream *s, const char *host, const char *pin_of)
{
	BIO *bio = NULL;

	if ((host && !(s->host = strdup(host))) || (pin_of && !(s->only = strdup(pin_of))))
		return -1;
	s->check = (struct pki_check){.tls = s->tls, .only = s->only};
	s->ssl = SSL_new(s->tls->ctx);
	if (!s->ssl || pki_check_attach(s->ssl, &s->check) < 0 || name_host(s) < 0 || !(bio = pki_bio_new(s->fd)))
		return -1;
	SSL_set_bio(s->ssl, bio, bio);
	if (s->server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	return 0;
}

static struct pki_stream *stream_new(struct loop *l, struct pki_tls *t, int fd, bool server, const char *host, const char *pin_of,
                                     size_t max_in, const struct pki_stream_events *ev, void *arg)
{
	struct pki_stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return NULL;
	}
	*s = (struct pki_stream){.loop = l, .tls = t, .fd = fd, .ev = *ev, .arg = arg, .server = server};
	buf_init(&s->in, max_in);
	buf_init(&s->out, OUT_MAX);
	if (prepare(s, host, pin_of) < 0) {
		ERR_clear_error();
		close(fd);
		release(s);
		return NULL;
	}
	s->watch = loop_fd_new(l, fd, server ? LOOP_READ : LOOP_WRITE, on_fd, s);
	s->deadline = loop_timer_new(l, HANDSHAKE_MS, on_deadline, s);
	s->kick = loop_timer_new(l, HANDSHAKE_MS + 1000, on_kick, s); /* harmless when it runs: a turn does what there is to do */
	return s;
}

struct pki_stream *pki_stream_accept(struct loop *l, struct pki_tls *t, int fd, size_t max_in,
                                     const struct pki_stream_events *ev, void *arg)
{
	return stream_new(l, t, fd, true, NULL, NULL, max_in, ev, arg);
}

struct pki_stream *pki_stream_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *pin_of,
                                      size_t max_in, const struct pki_stream_events *ev, void *arg)
{
	return stream_new(l, t, fd, false, host, pin_of, max_in, ev, arg);
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
		s->deadline = loop_timer_new(s->loop, ms, on_deadline, s);
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

const struct pki_peer *pki_stream_peer(const struct pki_stream *s)
{
	return s->peer;
}

int pki_stream_turn(struct pki_stream *s, unsigned process)
{
	s->reverse = true;
	return pki_offer_reverse(s->ssl, process);
}

bool pki_stream_turned(const struct pki_stream *s)
{
	return s->reverse;
}

bool pki_stream_pairs(const struct pki_stream *s)
{
	return s->pairs;
}

void pki_stream_retarget(struct pki_stream *s, const struct pki_stream_events *ev, void *arg)
{
	s->ev = *ev;
	s->arg = arg;
}

int pki_stream_exporter(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-availbridge-pairing";

	return SSL_export_keying_material(s->ssl, out, PKI_EXPORTER_LEN, label, sizeof(label) - 1, NULL, 0, 0) == 1 ? 0 : -1;
}

int pki_stream_exporter_announce(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-availbridge-announce";

	return SSL_export_keying_material(s->ssl, out, PKI_EXPORTER_LEN, label, sizeof(label) - 1, NULL, 0, 0) == 1 ? 0 : -1;
}

void pki_stream_pins(const struct pki_stream *s, uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN])
{
	memcpy(own, s->tls->own_pin, PKI_PIN_LEN);
	memcpy(other, s->other_pin, PKI_PIN_LEN);
}

const char *pki_stream_protocol(const struct pki_stream *s)
{
	return s->protocol;
}

bool pki_stream_named(const struct pki_stream *s)
{
	return SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) != NULL;
}

const char *pki_stream_alpn(const struct pki_stream *s)
{
	return s->alpn;
}
