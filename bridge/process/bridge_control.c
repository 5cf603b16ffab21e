#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/availability/address.h"
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/process/bridge.h"
#include "bridge/process/control_server.h"
#include "bridge/process/status.h"

enum { BODY_MS = 20000, STATUS_MAX = 32 << 20 };

/* One `query` over the control socket: its body is read to the end, then it goes the front's way. */
struct control_query {
	struct control_query *next;
	struct bridge *bridge;
	struct loop_fd *watch;
	struct loop_timer *timer;
	int fd;
	struct fb_requester requester;
	struct front_soap *soap;
	struct buf body;
};

/* Frees ${q}; gives its connection back. */
static int query_free(struct control_query *q)
{
	struct control_query **at = &q->bridge->queries;
	int fd = q->fd;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (q->soap)
		front_soap_cancel(q->soap);
	loop_fd_free(q->watch);
	loop_timer_free(q->timer);
	buf_free(&q->body);
	free(q);
	return fd;
}

static void query_say(struct control_query *q, const char *sentence)
{
	struct loop *l = q->bridge->loop;

	control_say(l, query_free(q), 1, sentence);
}

/* A fault is an answer as well: what is none is a sentence of ours. */
static void query_done(void *arg, int status, struct buf *body)
{
	struct control_query *q = arg;

	q->soap = NULL;
	control_reply(q->bridge->loop, q->fd, 0, buf_ptr(body), body->len);
	query_free(q);
}

static void query_start(struct control_query *q)
{
	loop_fd_free(q->watch);
	q->watch = NULL;
	loop_timer_free(q->timer);
	q->timer = NULL;
	q->soap = front_soap_ask(&q->bridge->front_doors, &q->requester, false, "", buf_ptr(&q->body), q->body.len, query_done, q);
	if (!q->soap)
		query_say(q, "The bridge is out of memory.\n");
}

static void query_readable(int fd, int events, void *arg)
{
	struct control_query *q = arg;
	size_t room = q->body.max - q->body.len;
	uint8_t *to = room ? buf_reserve(&q->body, room < 65536 ? room : 65536) : NULL;
	ssize_t n = to ? recv(fd, to, room < 65536 ? room : 65536, 0) : -1;

	if (!to)
		query_say(q, "The request is larger than max_request_kib allows.\n");
	else if (n > 0)
		buf_commit(&q->body, (size_t)n);
	else if (n == 0)
		query_start(q);
	else if (errno != EAGAIN && errno != EINTR)
		close(query_free(q));
}

static void query_slow(void *arg)
{
	query_say(arg, "The request did not come to its end in time.\n");
}

/* Only somebody of ours can be named: what a peer's people may see is not to be tried out from here. */
static bool read_requester(const struct bridge *b, const char *name, struct fb_requester *out)
{
	const char *domain;

	*out = (struct fb_requester){.is_person = strchr(name, '@') != NULL};
	if (out->is_person ? !fb_address_normal(name, out->name) : !fb_domain_normal(name, out->name))
		return false;
	domain = out->is_person ? fb_address_domain(out->name) : out->name;
	return address_space_route(b->table, domain, NULL) == AS_LOCAL;
}

static void control_query(struct bridge *b, const char *name, const void *rest, size_t n, int fd)
{
	struct control_query *q;
	struct fb_requester who;

	if (!read_requester(b, name, &who)) {
		control_say(b->loop, fd, 1,
		            "The requester is not one of ours: name an address or a domain that a row of the address-space table marks as local.\n");
		return;
	}
	q = calloc(1, sizeof *q);
	if (!q)
		abort();
	*q = (struct control_query){.next = b->queries, .bridge = b, .fd = fd, .requester = who};
	b->queries = q;
	buf_init(&q->body, (size_t)b->conf->max_request_kib * 1024 + 1);
	q->watch = loop_fd_new(b->loop, fd, LOOP_READ, query_readable, q);
	q->timer = loop_timer_new(b->loop, BODY_MS, query_slow, q);
	if (buf_add(&q->body, rest, n) != 0)
		query_say(q, "The request is larger than max_request_kib allows.\n");
}

static void control_status(struct bridge *b, const uint8_t *known, size_t n, bool json, int fd)
{
	struct unpack u = unpack_start(known, n);
	struct buf out;

	buf_init(&out, STATUS_MAX);
	if (status_put(&out, b, &u, json) == 0)
		control_reply(b->loop, fd, 0, buf_ptr(&out), out.len);
	else
		control_say(b->loop, fd, 1, "The status could not be put together.\n");
	buf_free(&out);
}

/* ${words}: "NAME text" or "NAME json". */
static void control_peer_show(struct bridge *b, char *words, int fd)
{
	char *format = strrchr(words, ' ');
	bool json = format && strcmp(format, " json") == 0;
	struct buf out;

	if (format)
		*format = 0;
	buf_init(&out, STATUS_MAX);
	if (status_put_peer(&out, b, words, json) == 0)
		control_reply(b->loop, fd, 0, buf_ptr(&out), out.len);
	else {
		buf_reset(&out);
		buf_printf(&out, "The running daemon knows no peer %s. If it was added just now, run `availbridge reload`.\n", words);
		control_reply(b->loop, fd, 1, buf_ptr(&out), out.len);
	}
	buf_free(&out);
}

void bridge_control(struct bridge *b, const uint8_t *data, size_t len, int fd)
{
	struct unpack u = unpack_start(data, len);
	const char *asked = unpack_str(&u);
	size_t known = unpack_u32(&u);
	char line[CONTROL_LINE_MAX + 1];

	if (!asked || u.bad || known > u.left || strlen(asked) > CONTROL_LINE_MAX) {
		close(fd);
		return;
	}
	strcpy(line, asked);
	if (strncmp(line, "query ", 6) == 0)
		control_query(b, line + 6, u.p + known, u.left - known, fd);
	else if (strcmp(line, "status text") == 0 || strcmp(line, "status json") == 0)
		control_status(b, u.p, known, line[7] == 'j', fd);
	else if (strncmp(line, "peer-show ", 10) == 0)
		control_peer_show(b, line + 10, fd);
	else if (strncmp(line, "peer-probe ", 11) == 0)
		bridge_probe_ask(b, line + 11, fd);
	else
		control_say(b->loop, fd, 1, "The daemon does not know this request. Is it as old as the program that asks?\n");
}

void bridge_control_close(struct bridge *b)
{
	while (b->queries)
		close(query_free(b->queries));
}
