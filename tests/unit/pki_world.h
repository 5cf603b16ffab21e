#ifndef TESTS_UNIT_PKI_WORLD_H
#define TESTS_UNIT_PKI_WORLD_H
#include <sys/socket.h>
#include <unistd.h>
#include "pki/identity.h"
#include "pki/parts.h"
#include "tests/unit/check.h"

/* What the tests of streams share: a folder with the identities "s" and "c", and two ends that meet over a pair of sockets. */

static char dir[] = "/tmp/pki-tls-XXXXXX";
static struct loop *loop;
static struct buf error;

static inline const char *in(const char *name, const char *ext)
{
	static char paths[16][128];
	static int i;
	char *p = paths[i++ % 16];

	snprintf(p, 128, "%s/%s.%s", dir, name, ext);
	return p;
}

static inline struct pki_pinset *set_of(const char *peer, const char *cert)
{
	struct pki_pinset *s = pki_pinset_new();
	uint8_t pin[PKI_PIN_LEN];

	CHECK_INT(pki_identity_pin(in(cert, "cert"), pin, &error), 0);
	CHECK_INT(pki_pinset_add(s, peer, pin), 0);
	return s;
}

static inline struct pki_tls *link_tls(const char *name, struct pki_pinset *pins)
{
	struct pki_tls *t = pki_tls_link(in(name, "cert"), in(name, "key"), pins, &error);

	if (!CHECK(t != NULL))
		fprintf(stderr, "\t%s\n", buf_cstr(&error));
	return t;
}

/* One end of a pair. Each byte that travels is a function of its place, so that both ends can check. */
struct end {
	struct pki_stream *s;
	bool up, down, has_why, keep_data;
	char why[800], peer[64], protocol[80];
	size_t send, sent, want, got;
	bool wrong;
	const char *free_in;
	struct end *other;
};

static inline uint8_t pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 17);
}

static inline bool freed(struct end *e, const char *where)
{
	if (!e->free_in || strcmp(e->free_in, where) != 0)
		return false;
	pki_stream_free(e->s);
	e->s = NULL;
	e->down = true;
	return true;
}

static inline void maybe_stop(struct end *e)
{
	bool done = (e->down || (e->up && e->sent == e->send && e->got >= e->want)) &&
	            (e->other->down || (e->other->up && e->other->sent == e->other->send && e->other->got >= e->other->want));

	if (done)
		loop_stop(loop);
}

static inline void fill(struct end *e)
{
	uint8_t chunk[50000];

	while (e->sent < e->send && pki_stream_pending(e->s) < 300000) {
		size_t n = e->send - e->sent < sizeof(chunk) ? e->send - e->sent : sizeof(chunk);

		for (size_t i = 0; i < n; i++)
			chunk[i] = pattern(e->sent + i);
		CHECK_INT(pki_stream_write(e->s, chunk, n), 0);
		e->sent += n;
	}
}

static inline void on_up(void *arg)
{
	struct end *e = arg;

	CHECK(!e->up && !e->down);
	e->up = true;
	if (pki_stream_peer(e->s))
		snprintf(e->peer, sizeof(e->peer), "%s", pki_peer_name(pki_stream_peer(e->s)));
	snprintf(e->protocol, sizeof(e->protocol), "%s", pki_stream_protocol(e->s));
	if (freed(e, "up"))
		return;
	fill(e);
	maybe_stop(e);
}

static inline void on_data(void *arg, struct buf *b)
{
	struct end *e = arg;

	if (freed(e, "data"))
		return;
	if (e->keep_data) {
		loop_stop(loop);
		return;
	}
	for (size_t i = 0; i < b->len; i++)
		e->wrong |= buf_ptr(b)[i] != pattern(e->got + i);
	e->got += b->len;
	buf_consume(b, b->len);
	maybe_stop(e);
}

static inline void on_drained(void *arg)
{
	struct end *e = arg;

	if (freed(e, "drained"))
		return;
	fill(e);
	maybe_stop(e);
}

static inline void on_down(void *arg, const char *why)
{
	struct end *e = arg;

	CHECK(!e->down);
	e->down = true;
	e->has_why = why != NULL;
	snprintf(e->why, sizeof(e->why), "%s", why ? why : "");
	if (freed(e, "down"))
		loop_stop(loop);
	maybe_stop(e);
}

static const struct pki_stream_events events = {on_up, on_data, on_drained, on_down};
static bool timed_out;

static inline void on_guard(void *arg)
{
	timed_out = true;
	loop_stop(loop);
}

static inline void spin(void)
{
	struct loop_timer *guard = loop_timer_new(loop, 20000, on_guard, NULL);

	timed_out = false;
	loop_run(loop);
	CHECK(!timed_out);
	loop_timer_free(guard);
}

/* Connects ${c} to ${s} and runs until both have what they want or are down. */
static inline void meet(struct pki_tls *st, struct end *s, struct pki_tls *ct, struct end *c, const char *host, const char *pin_of, size_t max_in)
{
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	s->other = c;
	c->other = s;
	s->s = pki_stream_accept(loop, st, fd[0], max_in, &events, s);
	c->s = pki_stream_connect(loop, ct, fd[1], host, pin_of, max_in, &events, c);
	spin();
}

static inline void part(struct end *s, struct end *c)
{
	pki_stream_free(s->s);
	pki_stream_free(c->s);
}

static inline void pki_world_begin(void)
{
	if (!mkdtemp(dir))
		abort();
	buf_init(&error, 1 << 16);
	loop = loop_new();
	CHECK_INT(pki_identity_create("server", in("s", "key"), in("s", "cert"), &error), 0);
	CHECK_INT(pki_identity_create("client", in("c", "key"), in("c", "cert"), &error), 0);
}

/* The test's last act, as check_done(). */
static inline int pki_world_end(void)
{
	char command[200];

	loop_free(loop);
	buf_free(&error);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
#endif
