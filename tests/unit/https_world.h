#ifndef TESTS_UNIT_HTTPS_WORLD_H
#define TESTS_UNIT_HTTPS_WORLD_H
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "pki/identity.h"
#include "pki/tls.h"
#include "tests/unit/check.h"

/* A real TLS server on the test's own loop, whose answers the test gives: it sees each request and on which connection it came. */
static struct loop *world_loop;
static char world_dir[] = "/tmp/test-https-XXXXXX", world_ca[64], world_certificate[64], world_key[64];
static int world_port, world_connections; /* of all time */
static bool world_once; /* a connection takes one request: with the beginning of another it ends */

struct world_connection {
	struct world_connection *next;
	struct pki_stream *stream;
	struct buf in;
	int number, requests; /* from 1 */
	bool done;
	char user[128];       /* for the test's use */
};
/* One request: ${head} ends with its empty line, ${body} is zero-terminated. To be answered by world_say(), or not. */
typedef void world_answer_fn(struct world_connection *c, const char *head, const char *body);
static world_answer_fn *world_answer;
static struct world_connection *world_list;
static struct pki_tls *world_tls;
static struct loop_fd *world_listener;

/* Sends bytes as they are. */
static inline void world_raw(struct world_connection *c, const char *bytes)
{
	pki_stream_write(c->stream, bytes, strlen(bytes));
}

/* Sends a whole answer; ${headers} (may be "") end with \r\n each. */
static inline void world_say(struct world_connection *c, int status, const char *headers, const char *body)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	buf_printf(&b, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body), headers, body);
	pki_stream_write(c->stream, buf_ptr(&b), b.len);
	buf_free(&b);
}

/* Ends the connection once everything has gone out. */
static inline void world_close(struct world_connection *c)
{
	pki_stream_finish(c->stream, 1000);
}

static inline void world_up(void *arg)
{
}

static inline void world_down(void *arg, const char *why)
{
	struct world_connection *c = arg;

	c->done = true; /* stays in the list until the end */
	pki_stream_free(c->stream);
	c->stream = NULL;
}

static inline void world_data(void *arg, struct buf *in)
{
	struct world_connection *c = arg;

	if (world_once && c->requests) {
		world_down(c, NULL);
		return;
	}
	buf_add(&c->in, buf_ptr(in), in->len);
	buf_consume(in, in->len);
	for (;;) {
		const char *text = buf_cstr(&c->in), *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length: ");
		size_t head = end ? (size_t)(end - text) + 4 : 0, n = end && length && length < end ? strtoul(length + 18, NULL, 10) : 0;

		if (!end || c->in.len < head + n)
			return;
		char *h = strndup(text, head), *b = strndup(text + head, n);
		buf_consume(&c->in, head + n);
		c->requests++;
		world_answer(c, h, b);
		free(h);
		free(b);
	}
}

static inline void world_accept(int fd, int events, void *arg)
{
	static const struct pki_stream_events on = {world_up, world_data, NULL, world_down};
	struct world_connection *c = calloc(1, sizeof *c);
	int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	c->number = ++world_connections;
	c->next = world_list;
	world_list = c;
	buf_init(&c->in, 64 << 20);
	c->stream = pki_stream_accept(world_loop, world_tls, s, 1 << 20, &on, c);
}

/* Starts it on a free port of 127.0.0.1, with a certificate for localhost and 127.0.0.1 that world_ca signed. */
static inline void world_start(world_answer_fn *answer)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const char *const names[] = {"localhost", "127.0.0.1"};
	socklen_t n = sizeof a;
	struct buf error;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	buf_init(&error, 4096);
	world_answer = answer;
	CHECK(mkdtemp(world_dir) != NULL);
	snprintf(world_ca, sizeof world_ca, "%s/ca.pem", world_dir);
	snprintf(world_certificate, sizeof world_certificate, "%s/front.pem", world_dir);
	snprintf(world_key, sizeof world_key, "%s/front.key", world_dir);
	CHECK_INT(pki_front_create(names, 2, world_key, world_certificate, world_ca, &error), 0);
	world_tls = pki_tls_front(world_certificate, world_key, &error);
	CHECK(world_tls != NULL);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	CHECK_INT(listen(fd, 64), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	world_port = ntohs(a.sin_port);
	world_loop = loop_new();
	world_listener = loop_fd_new(world_loop, fd, LOOP_READ, world_accept, (void *)(intptr_t)fd);
}

/* Closes every connection and the port. */
static inline void world_end(void)
{
	char command[128];
	struct world_connection *c;

	while ((c = world_list)) {
		world_list = c->next;
		pki_stream_free(c->stream);
		buf_free(&c->in);
		free(c);
	}
	loop_fd_free(world_listener);
	pki_tls_free(world_tls);
	loop_free(world_loop);
	snprintf(command, sizeof command, "rm -rf %s", world_dir);
	CHECK_INT(system(command), 0);
}
#endif
