/* links: base pki */
#include "tests/unit/pki_world.h"

/* What goes over a stream: all of it, in order, at its receiver's pace, until one end has enough. */

static void much_both_ways(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 24 << 20, .want = 9 << 20}, c = {.send = 9 << 20, .want = 24 << 20};

	meet(st, &s, ct, &c, "server", "server", 20000);
	CHECK_INT(s.got, s.want);
	CHECK_INT(c.got, c.want);
	CHECK(!s.wrong && !c.wrong && !s.down && !c.down);
	part(&s, &c);
}

static void finishing(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 1}, c = {.want = 1};
	uint8_t *rest = malloc(5 << 20);

	meet(st, &s, ct, &c, "server", "server", 20000);
	for (size_t i = 0; i < 5 << 20; i++)
		rest[i] = pattern(1 + i);
	CHECK_INT(pki_stream_write(s.s, rest, 5 << 20), 0);
	CHECK(pki_stream_pending(s.s) >= 5 << 20);
	pki_stream_finish(s.s, 10000);
	c.want = SIZE_MAX;
	s.want = SIZE_MAX;
	while (!timed_out && !(s.down && c.down)) {
		if (c.down)
			part(&(struct end){0}, &c), c.s = NULL;
		spin();
	}
	CHECK_INT(c.got, 1 + (5 << 20));
	CHECK(!c.wrong && c.down && !c.has_why);
	part(&s, &c);
	free(rest);
}

static void holding(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.keep_data = true, .want = SIZE_MAX}, c = {.send = 2 << 20};

	/* The receiver takes nothing: at most max_in bytes leave the socket; then it takes all. */
	meet(st, &s, ct, &c, "server", "server", 4096);
	for (int i = 0; i < 20 && !timed_out; i++) {
		struct loop_timer *t = loop_timer_new(loop, 5, on_guard, NULL);

		loop_run(loop);
		timed_out = false;
		loop_timer_free(t);
	}
	CHECK(c.sent < c.send && !s.down && !c.down);
	s.keep_data = false;
	s.want = c.send;
	pki_stream_hold(s.s, false);
	spin();
	CHECK_INT(s.got, c.send);
	CHECK(!s.wrong);
	part(&s, &c);
}

static void freeing_inside(struct pki_tls *st, struct pki_tls *ct)
{
	static const char *const where[] = {"up", "data", "drained", "down"};

	for (size_t i = 0; i < 4; i++) {
		struct end s = {.send = 100000, .want = SIZE_MAX, .free_in = where[i]}, c = {.send = 100000, .want = SIZE_MAX};

		if (i == 3)
			c.free_in = "data"; /* makes the server's end go down */
		meet(st, &s, ct, &c, "server", "server", 65536);
		CHECK(s.s == NULL);
		part(&s, &c);
	}
}

static void cut_off(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 1, .want = 1}, c = {.send = 1, .want = 1};

	meet(st, &s, ct, &c, "server", "server", 65536);
	pki_stream_free(s.s);
	s.s = NULL;
	s.down = true;
	c.want = SIZE_MAX;
	spin();
	if (!CHECK(c.down && c.has_why && strstr(c.why, "cut off")))
		fprintf(stderr, "\t%s\n", c.why);
	part(&s, &c);
}

/* What comes is not TLS at all, or breaks off in the middle of it. */
static void garbage(struct pki_tls *st)
{
	static const char *const said[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02", "\x15\x03\x01\x00\x02\x02\x28", "", "xxxxxxxxxxxxxxxxxxxxxxxxx"};

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		struct end s = {.want = SIZE_MAX}, none = {.down = true};
		int fd[2];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
		s.other = &none;
		s.s = pki_stream_accept(loop, st, fd[0], 65536, &events, &s);
		CHECK(send(fd[1], said[i], i == 3 ? 7 : i == 2 ? 4 : strlen(said[i]), 0) >= 0);
		shutdown(fd[1], SHUT_WR);
		spin();
		if (!CHECK(s.down && !s.up && s.has_why && strlen(s.why) > 10))
			fprintf(stderr, "\tcase %zu: %s\n", i, s.why);
		pki_stream_free(s.s);
		close(fd[1]);
	}
}

static void streams(void)
{
	struct pki_pinset *sp = set_of("client", "c"), *cp = set_of("server", "s");
	struct pki_tls *st = link_tls("s", sp), *ct = link_tls("c", cp);

	much_both_ways(st, ct);
	finishing(st, ct);
	holding(st, ct);
	freeing_inside(st, ct);
	cut_off(st, ct);
	garbage(st);
	pki_tls_free(st);
	pki_tls_free(ct);
	pki_pinset_free(sp);
	pki_pinset_free(cp);
}

int main(void)
{
	pki_world_begin();
	streams();
	return pki_world_end();
}
