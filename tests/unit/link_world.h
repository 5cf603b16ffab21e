#ifndef TESTS_UNIT_LINK_WORLD_H
#define TESTS_UNIT_LINK_WORLD_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/link/link.h"
#include "tests/unit/log_help.h"

/*
 * Two sites on one loop over loopback TCP. The third seal is played by the test; with WORLD_REAL_TLS unset so is pki/: its streams
 * then carry plain bytes, which a test can cut and count.
 */
struct acl_released {
	struct fb_answer *raw;
};

const struct fb_answer *acl_released_view(const struct acl_released *r)
{
	return r->raw;
}

#ifndef WORLD_REAL_TLS
struct pki_peer {
	const char *name;
};
static struct pki_peer world_peer = {"site-a"}, *world_next_peer = &world_peer; /* whose the next connection is */
static bool world_no_seal;

struct pki_stream {
	struct loop *loop;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *kick;
	const struct pki_stream_events *ev;
	void *arg;
	const struct pki_peer *peer;
	struct buf in, out;
	bool up, finishing, dead, turned;
	int busy;
};

const char *pki_peer_name(const struct pki_peer *p)
{
	return p->name;
}

const struct pki_peer *pki_stream_peer(const struct pki_stream *s)
{
	return s->up && !world_no_seal ? s->peer : NULL;
}

bool pki_stream_pairs(const struct pki_stream *s)
{
	return false;
}

/* Announcements are the business of a test with real TLS: here nobody signs, and no signature holds. */
int pki_stream_exporter_announce(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN])
{
	return -1;
}

void pki_pin_text(char out[PKI_PIN_TEXT], const uint8_t pin[PKI_PIN_LEN])
{
	out[0] = 0;
}

const uint8_t *pki_signer_pin(const struct pki_signer *s)
{
	static const uint8_t pin[PKI_PIN_LEN];

	return pin;
}

void pki_signer_spki(const struct pki_signer *s, struct buf *out)
{
}

int pki_signer_sign(const struct pki_signer *s, const struct pki_statement *st, struct buf *out)
{
	return -1;
}

bool pki_statement_verify(struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig, uint8_t pin[PKI_PIN_LEN], const char **why)
{
	*why = "no signature holds here";
	return false;
}

void pki_proof_put(struct buf *out, const struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig)
{
}

static void plain_close(struct pki_stream *s)
{
	loop_fd_free(s->watch);
	loop_timer_free(s->kick);
	s->watch = NULL;
	s->kick = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void plain_leave(struct pki_stream *s)
{
	if (--s->busy || !s->dead)
		return;
	buf_free(&s->in);
	buf_free(&s->out);
	free(s);
}

void pki_stream_free(struct pki_stream *s)
{
	if (!s || s->dead)
		return;
	s->dead = true;
	plain_close(s);
	s->busy++;
	plain_leave(s);
}

static void plain_turn(struct pki_stream *s)
{
	bool had = s->out.len;
	ssize_t n = 0;
	uint8_t *to;

	s->busy++;
	if (!s->up) {
		s->up = true;
		s->ev->up(s->arg);
	}
	while (!s->dead && (to = buf_reserve(&s->in, 4096)) && (n = recv(s->fd, to, 4096, MSG_DONTWAIT)) > 0) {
		buf_commit(&s->in, (size_t)n);
		s->ev->data(s->arg, &s->in);
	}
	while (!s->dead && s->out.len && (n >= 0 || errno == EAGAIN)) {
		ssize_t sent = send(s->fd, buf_ptr(&s->out), s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		buf_consume(&s->out, (size_t)sent);
	}
	if (!s->dead && had && !s->out.len && s->ev->drained)
		s->ev->drained(s->arg);
	if (!s->dead && (n == 0 || (n < 0 && errno != EAGAIN) || (s->finishing && !s->out.len))) {
		plain_close(s);
		s->ev->down(s->arg, n == 0 || s->finishing ? NULL : "the connection was lost");
	} else if (!s->dead) {
		loop_fd_set(s->watch, LOOP_READ | (s->out.len ? LOOP_WRITE : 0));
	}
	plain_leave(s);
}

static void plain_fd(int fd, int events, void *arg)
{
	plain_turn(arg);
}

static void plain_kick(void *arg)
{
	plain_turn(arg);
}

struct pki_stream *pki_stream_accept(struct loop *l, struct pki_tls *t, int fd, size_t max_in, const struct pki_stream_events *ev, void *arg)
{
	struct pki_stream *s = calloc(1, sizeof *s);

	*s = (struct pki_stream){.loop = l, .fd = fd, .ev = ev, .arg = arg, .peer = world_next_peer};
	buf_init(&s->in, max_in);
	buf_init(&s->out, 64 << 20);
	s->watch = loop_fd_new(l, fd, LOOP_READ, plain_fd, s);
	s->kick = loop_timer_new(l, 0, plain_kick, s);
	return s;
}

struct pki_stream *pki_stream_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *pin_of, size_t max_in,
                                      const struct pki_stream_events *ev, void *arg)
{
	return pki_stream_accept(l, t, fd, max_in, ev, arg);
}

int pki_stream_write(struct pki_stream *s, const void *p, size_t n)
{
	int rc = buf_add(&s->out, p, n);

	if (s->kick)
		loop_timer_again(s->kick, 0);
	return rc;
}

size_t pki_stream_pending(const struct pki_stream *s)
{
	return s->out.len;
}

void pki_stream_finish(struct pki_stream *s, int64_t ms)
{
	s->finishing = true;
	if (s->kick)
		loop_timer_again(s->kick, 0);
}

int pki_stream_turn(struct pki_stream *s, unsigned process)
{
	s->turned = true;
	return 0;
}

bool pki_stream_turned(const struct pki_stream *s)
{
	return s->turned;
}

void pki_stream_retarget(struct pki_stream *s, const struct pki_stream_events *ev, void *arg)
{
	s->ev = ev;
	s->arg = arg;
}

void pki_stream_pins(const struct pki_stream *s, uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN])
{
	memset(own, 1, PKI_PIN_LEN);
	memset(other, 2, PKI_PIN_LEN);
}
#endif

/* ---- loopback ---- */

/* A listening socket on a free port of 127.0.0.1, whose HOST:PORT goes to ${name}. */
static inline int world_listen(char name[32])
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		abort();
	snprintf(name, 32, "127.0.0.1:%d", ntohs(sa.sin_port));
	return fd;
}

/* A connected, non-blocking socket to ${name}. */
static inline int world_connect(const char *name)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(strchr(name, ':') + 1))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Settings by hand: one peer at ${endpoint}, our own domain ${domain}. */
static inline void world_conf(struct conf *c, struct conf_peer peers[2], struct conf_address_space *own, const char *site, const char *domain,
                              const char *peer, char **endpoint)
{
	memset(c, 0, sizeof *c);
	memset(peers, 0, 2 * sizeof *peers);
	*own = (struct conf_address_space){.forest_name = (char *)domain, .peer = (char *)"local"};
	peers[0].name = (char *)"local";
	peers[1] = (struct conf_peer){.name = (char *)peer, .enabled = true, .endpoints = endpoint, .n_endpoints = endpoint ? 1 : 0};
	c->site = (char *)site;
	c->spaces = own;
	c->n_spaces = 1;
	c->peers = peers;
	c->n_peers = 2;
	c->hard_stop_ms = 20000;
}

/* A question of alice@a.example about ${n} people p0@b.example.. for 2026-03-02, in half hours. */
static inline void world_query(struct fb_query *q, struct fb_mailbox *boxes, size_t n)
{
	static char names[FB_MAX_MAILBOXES][32];

	memset(q, 0, sizeof *q);
	fb_request_id_new(q->request_id);
	q->requester.is_person = true;
	strcpy(q->requester.name, "alice@a.example");
	q->window = (struct fb_window){1772409600, 1772496000};
	q->interval = 30;
	q->view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	q->n = n;
	q->mailboxes = boxes;
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "p%zu@b.example", i);
		boxes[i] = (struct fb_mailbox){names[i], names[i]};
	}
}

/* Busy from hour ${i} on for half an hour, with a subject: what p${i} answers. */
static inline struct fb_answer *world_answer(size_t i)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	char digits[49], subject[32];
	struct fb_event e = {.start = 1772409600 + (int64_t)(i % 24) * 3600, .busy = FB_BUSY_TIME, .has_details = true, .flags = FB_MEETING, .subject = subject};

	snprintf(subject, sizeof subject, "meeting %zu", i);
	e.end = e.start + 1800;
	memset(digits, '0', 48);
	digits[48] = 0;
	digits[i % 24 * 2] = '2';
	a->view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	a->merged = arena_strdup(a->arena, digits);
	fb_answer_add(a, &e);
	a->hours = (struct fb_working_hours){.known = true, .zone = {.standard_offset = 3600, .daylight_offset = 3600}, .n = 1, .periods = {{62, i % 3 * 60, 1020}}};
	return a;
}

/* An answer with as many events as one may have, their texts ${n} bytes long. */
static inline struct fb_answer *world_large_answer(size_t n)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	char *text = malloc(n + 1);
	struct fb_event e = {.start = 1772409600, .end = 1772413200, .busy = FB_OOF, .has_details = true, .subject = text, .location = text};

	memset(text, 'x', n);
	text[n] = 0;
	a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	for (size_t i = 0; i < FB_MAX_EVENTS; i++)
		fb_answer_add(a, &e);
	free(text);
	return a;
}

/* True if ${a} says of p${i} exactly what world_answer() did. */
static inline bool world_right(size_t i, const struct fb_answer *a)
{
	struct fb_answer *want = world_answer(i);
	bool ok = a->reason == FB_OK && a->n_events == 1 && a->events[0].start == want->events[0].start && a->events[0].end == want->events[0].end &&
	          a->events[0].busy == FB_BUSY_TIME && a->events[0].subject && strcmp(a->events[0].subject, want->events[0].subject) == 0 && a->merged &&
	          strcmp(a->merged, want->merged) == 0 && memcmp(&a->hours, &want->hours, sizeof a->hours) == 0;

	fb_answer_free(want);
	return ok;
}

static inline void world_stop(void *arg)
{
	loop_stop(arg);
}

/* Runs ${l} for so many milliseconds, or until a callback stops it. */
static inline void world_run_for(struct loop *l, int64_t ms)
{
	struct loop_timer *t = loop_timer_new(l, ms, world_stop, l);

	loop_run(l);
	loop_timer_free(t);
}
#endif
