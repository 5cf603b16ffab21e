#include "bridge/link/client.h"
#include "bridge/link/server.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"

enum {
	CONNECT_MS = 5000,      /* from connect(2) to the peer's SETTINGS */
	TCP_MS = 2000,          /* of these for TCP, where there is another address to try */
	BAD_MS = 1000,          /* after a failure others come first for so long, doubling */
	BACKOFF_MIN_MS = 200,
	BACKOFF_MAX_MS = 30000,
	FRESH_MS = 1000,        /* a question does not start an attempt sooner than this after the last */
	HELLO_EVERY_MS = 300000
};

static void attempt(struct client_peer *p);
static void begin_round(struct client_peer *p);

static void set_state(struct client_peer *p, enum client_state state)
{
	if (p->state != state)
		p->since = loop_ms();
	p->state = state;
}

static void conn_free(struct client_conn *k)
{
	if (!k)
		return;
	loop_fd_free(k->watch);
	if (k->fd >= 0)
		close(k->fd);
	link_session_free(k->session);
	server_turned_free(k->turned);
	loop_timer_free(k->hello);
	free(k);
}

static void conn_drain(struct client_conn *k)
{
	if (k->session)
		link_session_drain(k->session);
	else if (k->turned)
		server_turned_drain(k->turned);
}

/* ---- trying again ---- */

/* Between half of it and all of it, so that two sites that broke together do not come back together. */
static int64_t jittered(int64_t ms)
{
	uint32_t r;

	text_random(&r, sizeof r);
	return ms / 2 + (int64_t)(r % (uint64_t)(ms / 2 + 1));
}

static bool wants(const struct client_peer *p)
{
	if (p->turned && (p->all->draining || server_is_draining(p->all->server)))
		return false;
	return p->state != CLIENT_DISABLED && p->n_addresses && (!p->all->draining || p->calls);
}

static void back_off(struct client_peer *p)
{
	int64_t ms = jittered(p->backoff);

	set_state(p, CLIENT_DOWN);
	p->backoff = p->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : p->backoff * 2;
	p->due = loop_ms() + ms;
	if (wants(p))
		loop_timer_again(p->timer, ms);
}

/* This address failed: the next one of the round, or a pause. */
static void failed(struct client_peer *p, const char *why)
{
	const char *endpoint = p->endpoint ? p->endpoint : "-";
	bool was_up = p->state == CLIENT_UP;

	if (!why)
		why = "the peer closed the connection";
	/* A peer that is down for a day is not worth a line every half a minute. */
	log_event(strcmp(why, p->why) == 0 || p->all->draining ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "link-failed", LS("peer", p->conf->name),
	          LS("endpoint", endpoint), LS("text", why));
	snprintf(p->why, sizeof p->why, "%.767s", why);
	if (p->conn && !was_up) {
		p->conn->to->bad_until = loop_ms() + (BAD_MS << (p->conn->to->fails < 6 ? p->conn->to->fails : 6));
		p->conn->to->fails++;
	}
	conn_free(p->conn);
	p->conn = NULL;
	if (p->left_in_round && wants(p)) {
		attempt(p);
		return;
	}
	back_off(p);
	if (!was_up)
		client_calls_unreached(p);
	else if (p->calls) /* what was not sent yet has its own attempt before it fails */
		client_peer_want(p);
}

static void on_timer(void *arg)
{
	struct client_peer *p = arg;

	switch (p->state) {
	case CLIENT_CONNECTING:
		failed(p, p->conn && p->conn->fd >= 0 ? "nothing answers there" : "no connection within 5 s");
		break;
	case CLIENT_DOWN:
		if (wants(p))
			begin_round(p);
		break;
	case CLIENT_UP:
		if (p->turned)
			break;
		client_hello_send(p);
		client_announce(p);
		loop_timer_again(p->timer, HELLO_EVERY_MS);
		break;
	case CLIENT_DISABLED:
		break;
	}
}

/* ---- a session's life ---- */

static void on_up(void *arg)
{
	struct client_conn *k = arg;
	struct client_peer *p = k->peer;
	uint8_t pin[PKI_PIN_LEN];

	if (p->all->seen && k->session && link_session_pin(k->session, pin))
		p->all->seen(p->all->seen_arg, p->conf->name, pin);
	if (!k->to) {
		k->usable = true;
		client_hello_send(p);
		client_announce(p);
		client_calls_send(p);
		return;
	}
	if (k != p->conn)
		return;
	set_state(p, CLIENT_UP);
	p->good = (size_t)(k->to - p->addresses);
	k->to->fails = 0;
	k->to->bad_until = 0;
	p->why[0] = 0;
	if (p->turned) {
		log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p->conf->name), LS("endpoint", k->to->endpoint), LS("text", "it asks on this one"));
		p->backoff = BACKOFF_MIN_MS;
		return;
	}
	log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p->conf->name), LS("endpoint", k->to->endpoint));
	loop_timer_again(p->timer, HELLO_EVERY_MS);
	client_hello_send(p);
	client_announce(p);
	client_calls_send(p);
}

static void on_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
	client_call_header(st, name, value);
}

static void on_headers(void *arg, struct link_stream *st)
{
}

static void on_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	client_call_message(st, what, p, n);
}

static void on_ended(void *arg, struct link_stream *st, bool midway)
{
}

static void on_closed(void *arg, struct link_stream *st, uint32_t code)
{
	client_call_closed(st, code);
}

/* The process that asked us is going as well: its successor needs a connection before that says so itself. */
static void renew_turned(struct client_peer *p)
{
	for (size_t i = 0; i < p->all->n_turned; i++) {
		struct client_peer *t = &p->all->turned[i];

		if (t->conf != p->conf || t == p || t->state != CLIENT_UP)
			continue;
		t->conn->next = t->old;
		t->old = t->conn;
		t->conn = NULL;
		t->left_in_round = 0;
		back_off(t);
	}
}

/* The peer's bridge is being replaced: the old connection answers what it has, a new one takes what comes. */
static void on_goaway(void *arg)
{
	struct client_conn *k = arg;
	struct client_peer *p = k->peer;

	conn_drain(k);
	k->usable = false;
	if (k != p->conn)
		return;
	log_event(LOG_LEVEL_INFO, "link-goaway", LS("peer", p->conf->name), LS("endpoint", k->to->endpoint));
	k->next = p->old;
	p->old = k;
	p->conn = NULL;
	p->left_in_round = 0;
	back_off(p);
	if (p->calls)
		client_peer_want(p);
	renew_turned(p);
}

static void on_down(void *arg, const char *why)
{
	struct client_conn *k = arg;
	struct client_peer *p = k->peer;
	struct client_conn **at = k->to ? &p->old : &p->theirs;

	if (k == p->conn) {
		if (p->state == CLIENT_UP)
			p->left_in_round = 0;
		failed(p, why);
		return;
	}
	while (*at && *at != k)
		at = &(*at)->next;
	if (*at)
		*at = k->next;
	if (!k->to)
		log_event(LOG_LEVEL_INFO, "link-closed", LS("peer", p->conf->name), LS("text", why ? why : "the peer closed the connection"));
	conn_free(k);
}

static const struct link_session_events session_events = {
	.up = on_up, .header = on_header, .headers = on_headers, .message = on_message, .ended = on_ended,
	.closed = on_closed, .goaway = on_goaway, .down = on_down,
};

static void on_turned_down(void *arg, const char *why)
{
	struct client_conn *k = arg;

	k->turned = NULL; /* it is gone */
	on_down(k, why);
}

static const struct server_turned_events turned_events = {on_up, on_goaway, on_turned_down};

/* ---- connections that the peer makes ---- */

struct client_conn *client_peer_route(const struct client_peer *p)
{
	struct client_conn *k = p->theirs;

	if (p->state == CLIENT_UP)
		return p->conn;
	while (k && !k->usable)
		k = k->next;
	return k;
}

static void say_hello(void *arg)
{
	struct client_conn *k = arg;

	loop_timer_again(k->hello, HELLO_EVERY_MS);
	if (client_peer_route(k->peer) != k)
		return;
	client_hello_send(k->peer);
	client_announce(k->peer);
}

void client_peer_adopt(struct client_peer *p, struct pki_stream *tls, const char *from)
{
	struct client_conn *k = calloc(1, sizeof *k), *last = p->theirs;
	size_t n = 1;

	if (!k) {
		pki_stream_free(tls);
		return;
	}
	*k = (struct client_conn){.peer = p, .fd = -1, .since = loop_ms(), .next = p->theirs};
	k->session = link_session_adopt(p->all->loop, tls, &session_events, k);
	if (!k->session) {
		free(k);
		return;
	}
	k->hello = loop_timer_new(p->all->loop, HELLO_EVERY_MS, say_hello, k);
	p->theirs = k;
	log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p->conf->name), LS("from", from), LS("text", "they dialled"));
	for (; last && last->next; last = last->next)
		n++;
	if (last && n >= LINK_THEIRS)
		link_session_break(last->session, "the peer made more connections than are kept");
}

static struct client_conn *find_under(const struct client_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	struct client_conn *lists[] = {p->conn, p->old, p->theirs};

	for (size_t i = 0; i < 3; i++)
		for (struct client_conn *k = lists[i]; k; k = i ? k->next : NULL)
			if (k->session && link_session_is_under(k->session, pin))
				return k;
	return NULL;
}

void client_peer_cut(struct client_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	struct client_conn *k;

	while ((k = find_under(p, pin))) /* each of them is gone after it */
		link_session_break(k->session, "its key was revoked here");
}

/* ---- making a connection ---- */

static int64_t preference(const struct client_peer *p, size_t i)
{
	const struct client_address *a = &p->addresses[i];
	int64_t now = loop_ms();

	return a->bad_until > now ? a->bad_until : i == p->good ? -1 : 0;
}

/* The last good one first, then in the order of the settings; those that failed lately last, the oldest failure first. */
static struct client_address *choose(struct client_peer *p)
{
	size_t best = p->n_addresses;

	for (size_t i = 0; i < p->n_addresses; i++)
		if (!p->tried[i] && (best == p->n_addresses || preference(p, i) < preference(p, best)))
			best = i;
	if (best == p->n_addresses) /* cannot be: left_in_round counts them */
		best = p->good;
	p->tried[best] = true;
	return &p->addresses[best];
}

static void begin_round(struct client_peer *p)
{
	memset(p->tried, 0, sizeof p->tried);
	p->left_in_round = p->n_addresses;
	attempt(p);
}

static void on_connected(int fd, int events, void *arg)
{
	struct client_conn *k = arg;
	struct client_peer *p = k->peer;
	int error = 0;
	socklen_t len = sizeof error;

	(void)events;
	loop_fd_free(k->watch);
	k->watch = NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error) {
		failed(p, strerror(error ? error : errno));
		return;
	}
	k->fd = -1; /* the stream owns it now, whatever happens */
	loop_timer_again(p->timer, CONNECT_MS - (loop_ms() - p->last_attempt));
	if (p->turned)
		k->turned = server_turned_new(p->all->server, fd, k->to->host, p->conf->name, k->to->endpoint, &turned_events, k);
	else
		k->session = link_session_connect(p->all->loop, p->all->tls, fd, k->to->host, p->conf->name, &session_events, k);
	if (!k->session && !k->turned)
		failed(p, p->turned ? "this bridge process is being replaced" : "out of memory");
}

static void attempt(struct client_peer *p)
{
	struct client_address *to = choose(p);
	struct client_conn *k = calloc(1, sizeof *k);

	p->left_in_round--;
	p->last_attempt = loop_ms();
	p->endpoint = to->endpoint;
	set_state(p, CLIENT_CONNECTING);
	p->conn = k;
	if (!k) {
		failed(p, "out of memory");
		return;
	}
	k->peer = p;
	k->to = to;
	k->fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0 || (connect(k->fd, (const struct sockaddr *)&to->sa, to->len) != 0 && errno != EINPROGRESS)) {
		failed(p, strerror(errno));
		return;
	}
	k->watch = loop_fd_new(p->all->loop, k->fd, LOOP_WRITE, on_connected, k);
	loop_timer_again(p->timer, p->n_addresses > 1 ? TCP_MS : CONNECT_MS);
}

void client_peer_want(struct client_peer *p)
{
	int64_t now = loop_ms(), at = p->last_attempt + FRESH_MS;

	if (p->state != CLIENT_DOWN || !wants(p) || at >= p->due)
		return;
	p->due = at;
	loop_timer_again(p->timer, at > now ? at - now : 0);
}

/* ---- start and end ---- */

/* Splits HOST:PORT or [V6]:PORT; HOST is malloc'd. */
static char *split(const char *endpoint, const char **port)
{
	const char *colon = strrchr(endpoint, ':');
	size_t n;

	if (!colon || colon == endpoint)
		return NULL;
	*port = colon + 1;
	n = (size_t)(colon - endpoint);
	if (endpoint[0] == '[' && endpoint[n - 1] == ']')
		return strndup(endpoint + 1, n - 2);
	return strndup(endpoint, n);
}

static void resolve(struct client_peer *p, const char *endpoint)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	const char *port = NULL;
	char *host = split(endpoint, &port);
	int rc = host ? getaddrinfo(host, port, &hints, &list) : EAI_NONAME;

	if (rc != 0) {
		snprintf(p->why, sizeof p->why, "endpoint %s: %s; reload once the name resolves", endpoint, gai_strerror(rc));
		log_event(LOG_LEVEL_ERROR, "link-endpoint-unknown", LS("peer", p->conf->name), LS("endpoint", endpoint), LS("text", p->why));
	}
	for (const struct addrinfo *a = rc ? NULL : list; a && p->n_addresses < LINK_ADDRESSES; a = a->ai_next) {
		struct client_address *to = &p->addresses[p->n_addresses];

		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
		to->endpoint = endpoint;
		to->host = strdup(host);
		p->n_addresses += to->host != NULL;
	}
	if (list)
		freeaddrinfo(list);
	free(host);
}

void client_peer_start(struct client_peer *p)
{
	p->since = loop_ms();
	p->last_attempt = p->since - FRESH_MS;
	p->backoff = BACKOFF_MIN_MS;
	p->state = p->conf->enabled ? CLIENT_DOWN : CLIENT_DISABLED;
	if (p->conf->enabled && p->conf->dial == CONF_DIAL_IN)
		snprintf(p->why, sizeof p->why, "it connects to us (dial in), and has not yet");
	else if (p->conf->enabled && !p->conf->n_endpoints)
		snprintf(p->why, sizeof p->why, "no endpoint is set: it can only ask us");
	p->due = p->since;
	p->timer = loop_timer_new(p->all->loop, 0, on_timer, p);
	p->addresses = calloc(LINK_ADDRESSES, sizeof *p->addresses);
	for (size_t i = 0; p->addresses && p->state == CLIENT_DOWN && p->conf->dial != CONF_DIAL_IN && i < p->conf->n_endpoints; i++)
		resolve(p, p->conf->endpoints[i]);
	p->endpoint = p->conf->n_endpoints ? p->conf->endpoints[0] : NULL;
}

void client_peer_proved(struct client_peer *p)
{
	p->backoff = BACKOFF_MIN_MS;
}

static void free_all(struct client_conn **list)
{
	while (*list) {
		struct client_conn *k = *list;

		*list = k->next;
		conn_free(k);
	}
}

void client_peer_stop(struct client_peer *p, enum client_state state, const char *why)
{
	conn_free(p->conn);
	p->conn = NULL;
	free_all(&p->old);
	free_all(&p->theirs);
	set_state(p, state);
	if (why)
		snprintf(p->why, sizeof p->why, "%s", why);
}

void client_peer_settle(struct client_peer *p)
{
	if (!p->all->draining || p->calls)
		return;
	for (struct client_conn *k = p->theirs; k; k = k->next)
		conn_drain(k);
	if (p->conn && p->conn->session && p->state == CLIENT_UP)
		link_session_drain(p->conn->session);
	else if (p->conn)
		client_peer_stop(p, CLIENT_DOWN, NULL);
}

void client_peer_release(struct client_peer *p)
{
	loop_timer_free(p->timer);
	for (size_t i = 0; i < p->n_addresses; i++)
		free(p->addresses[i].host);
	free(p->addresses);
	link_hello_free(&p->hello);
}
