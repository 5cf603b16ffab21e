#ifndef TESTS_UNIT_LINK_FLOOD_H
#define TESTS_UNIT_LINK_FLOOD_H
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/server.h"

/* A peer with a good key and bad intentions, by raw frames: our server says goodbye, keeps its memory, and serves the others. */
static struct loop *loop;
static struct link_server *server;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static int fd = -1;
static size_t queries, cancelled;
static struct link_call *open_calls[LINK_STREAMS + 1];
static const struct fb_query *asked; /* the last one */

static inline void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline)
{
	if (queries < LINK_STREAMS + 1)
		open_calls[queries] = call;
	asked = q;
	queries++;
}

static inline void on_cancelled(void *arg, struct link_call *call)
{
	cancelled++;
}

static bool is_closed;
static uint8_t heard[1 << 16];
static size_t n_heard;

/* What came, up to 64 KiB of it since the last send(); notices the end. */
static inline void drain(void)
{
	uint8_t waste[4096];
	ssize_t n;

	while ((n = recv(fd, waste, sizeof waste, MSG_DONTWAIT)) > 0)
		if ((size_t)n <= sizeof heard - n_heard) {
			memcpy(heard + n_heard, waste, (size_t)n);
			n_heard += (size_t)n;
		}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		is_closed = true;
}

/* Sends all of it, letting the server run while its buffers are full. False once the server has closed. */
static inline bool put(const void *bytes, size_t n)
{
	for (size_t at = 0; at < n && !is_closed;) {
		ssize_t sent = send(fd, (const uint8_t *)bytes + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			at += (size_t)sent;
			continue;
		}
		if (errno != EAGAIN)
			is_closed = true;
		world_run_for(loop, 1);
		drain();
	}
	return !is_closed;
}

/* One frame of HTTP/2, as RFC 9113 numbers its types. False once the server has closed. */
static inline bool frame(uint8_t type, uint8_t flags, uint32_t stream, const void *body, size_t n)
{
	uint8_t head[9] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags,
	                   (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

	return put(head, 9) && put(body, n);
}

/* A server, and one connection of site-a to it on ${fd} that has said its preface. */
static inline void begin(void)
{
	int pair[2];

	loop = loop_new();
	queries = cancelled = n_heard = 0;
	is_closed = false;
	world_conf(&conf, peers, &own, "site-b", "b.example", "site-a", NULL);
	server = link_server_new(loop, &conf, NULL, &(const struct link_server_events){on_query, on_cancelled}, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	link_server_accept(server, pair[0]);
	fd = pair[1];
	put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	frame(4, 0, 0, NULL, 0);
	world_run_for(loop, 5);
}

static inline void end(void)
{
	link_server_free(server);
	close(fd);
	loop_free(loop);
}

/* Lets the server speak its last words. */
static inline void settle(void)
{
	for (int i = 0; i < 20 && !is_closed; i++) {
		world_run_for(loop, 2);
		drain();
	}
}

/* HPACK without tables: literal fields that are not indexed. */
static inline size_t field(uint8_t *to, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	to[0] = 0;
	to[1] = (uint8_t)n;
	memcpy(to + 2, name, n);
	to[2 + n] = (uint8_t)v;
	memcpy(to + 3 + n, value, v);
	return 3 + n + v;
}

/* The header block of a question; its length, under 300 bytes. */
static inline size_t headers(uint8_t *to)
{
	size_t n = 0;

	n += field(to + n, ":method", "POST");
	n += field(to + n, ":scheme", "https");
	n += field(to + n, ":path", "/availbridge.link.v1.Availability/Query");
	n += field(to + n, ":authority", "b");
	n += field(to + n, "te", "trailers");
	n += field(to + n, "content-type", "application/grpc");
	return n;
}

/* A connection from 127.0.1.${host}, taken in by the server; our end of it. */
static inline int come(int listener, const char *name, int host)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000100u + (uint32_t)host)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(strchr(name, ':') + 1))};
	int mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), theirs;

	if (mine < 0 || bind(mine, (struct sockaddr *)&from, sizeof from) != 0 || connect(mine, (struct sockaddr *)&to, sizeof to) != 0)
		abort();
	fcntl(mine, F_SETFL, O_NONBLOCK);
	theirs = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (theirs < 0)
		abort();
	link_server_accept(server, theirs);
	return mine;
}

/* Says the preface on a connection of come(). */
static inline void speak(int one)
{
	if (send(one, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33, MSG_NOSIGNAL) != 33)
		abort();
	world_run_for(loop, 5);
}

#endif
