#include "bridge/link/client.h"
#include "bridge/link/server.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"

enum {
	CONNECT_MS = 5000,      /* for TCP; to the peer's SETTINGS, if there is another address to try */
	TCP_MS = 2000,          /* of these for TCP, where there are several addresses */
	LAST_MS = 10000,        /* from TCP to the peer's SETTINGS, if not: three round trips, which take seconds on a bad line */
	BAD_MS = 1000,          /* after a failure others come first for so long, doubling */
	BACKOFF_MIN_MS = 200,
	BACKOFF_MAX_MS = 30000,
	FRESH_MS = 1000         /* a question does not start an attempt sooner than this after the last */
};

static void attempt(struct client_peer *p);
static void begin_round(struct client_peer *p);

static void set_state(struct client_peer *p, enum client_state state)
{
	if (p->state != state)
		p->since = loop_ms();
	p->state = state;
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
	if (p->turned && !client_turned_wanted(p))
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
	client_conn_free(p->conn);
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
		failed(p, p->conn && p->conn->fd >= 0 ? "nothing answers there" : p->left_in_round ? "no connection within 5 s" : "no connection within 10 s");
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
		if (client_may_tell(p))
			log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p->conf->name), LS("endpoint", k->to->endpoint), LS("text", "it asks on this one"));
		p->backoff = BACKOFF_MIN_MS;
		return;
	}
	if (client_may_tell(p))
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

struct client_conn *client_peer_part(struct client_peer *p)
{
	struct client_conn *k = p->conn;

	k->next = p->old;
	p->old = k;
	p->conn = NULL;
	p->left_in_round = 0;
	back_off(p);
	return k;
}

/* The peer's bridge is being replaced: the old connection answers what it has, a new one takes what comes. */
static void on_goaway(void *arg)
{
	struct client_conn *k = arg;
	struct client_peer *p = k->peer;

	client_conn_drain(k);
	k->usable = false;
	if (k != p->conn)
		return;
	if (client_may_tell(p))
		log_event(LOG_LEVEL_INFO, "link-goaway", LS("peer", p->conf->name), LS("endpoint", k->to->endpoint));
	client_peer_part(p);
	if (p->calls)
		client_peer_want(p);
	client_turned_renew(p);
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
	if (!k->to && client_may_tell(p))
		log_event(LOG_LEVEL_INFO, "link-closed", LS("peer", p->conf->name), LS("text", why ? why : "the peer closed the connection"));
	client_conn_free(k);
}

const struct link_session_events client_session_events = {
	.up = on_up, .header = on_header, .headers = on_headers, .message = on_message, .ended = on_ended,
	.closed = on_closed, .goaway = on_goaway, .down = on_down,
};

static void on_turned_down(void *arg, const char *why)
{
	struct client_conn *k = arg;

	k->turned = NULL; /* it is gone */
	on_down(k, why);
}

static void on_turned_hello(void *arg, uint32_t processes)
{
	struct client_conn *k = arg;

	if (k == k->peer->conn) /* what is going knows nothing of its successors */
		client_turned_processes(k->peer, processes);
}

static const struct server_turned_events turned_events = {on_up, on_goaway, on_turned_down, on_turned_hello};

/* ---- making a connection ---- */

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
	loop_timer_again(p->timer, p->left_in_round ? CONNECT_MS - (loop_ms() - p->last_attempt) : LAST_MS);
	if (p->turned)
		k->turned = server_turned_new(p->all->server, fd, k->to->host, p->conf->name, k->to->endpoint, p->process, &turned_events, k);
	else
		k->session = link_session_connect(p->all->loop, p->all->tls, fd, k->to->host, p->conf->name, &client_session_events, k);
	if (!k->session && !k->turned)
		failed(p, p->turned ? "this bridge process is being replaced" : "out of memory");
}

static void attempt(struct client_peer *p)
{
	struct client_address *to = client_address_choose(p);
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

	/* a timer that ran out while nobody wanted anything is not running any more */
	if (p->state != CLIENT_DOWN || !wants(p) || (p->due > now && at >= p->due))
		return;
	p->due = at > now ? at : now;
	loop_timer_again(p->timer, at > now ? at - now : 0);
}

/* ---- start and end ---- */

void client_peer_start(struct client_peer *p)
{
	p->since = loop_ms();
	p->waiting_end = &p->calls;
	p->last_attempt = p->since - FRESH_MS;
	p->backoff = BACKOFF_MIN_MS;
	p->state = p->conf->enabled ? CLIENT_DOWN : CLIENT_DISABLED;
	if (p->conf->enabled && p->conf->dial == CONF_DIAL_IN)
		snprintf(p->why, sizeof p->why, "it connects to us (dial in), and has not yet: that site needs `peer set NAME --dial out` for us");
	else if (p->conf->enabled && !p->conf->n_endpoints)
		snprintf(p->why, sizeof p->why, "no endpoint is set: it can only ask us");
	p->due = p->since;
	p->timer = loop_timer_new(p->all->loop, 0, on_timer, p);
	if (p->turned && p->first != p)
		client_addresses_copy(p, p->first);
	else if (p->state == CLIENT_DOWN && p->conf->dial != CONF_DIAL_IN)
		client_addresses_resolve(p);
	p->endpoint = p->conf->n_endpoints ? p->conf->endpoints[0] : NULL;
}

void client_peer_proved(struct client_peer *p)
{
	p->backoff = BACKOFF_MIN_MS;
}

void client_peer_stop(struct client_peer *p, enum client_state state, const char *why)
{
	client_conn_free(p->conn);
	p->conn = NULL;
	client_conns_free(&p->old);
	client_conns_free(&p->theirs);
	set_state(p, state);
	if (why)
		snprintf(p->why, sizeof p->why, "%s", why);
}

void client_peer_settle(struct client_peer *p)
{
	if (!p->all->draining || p->calls)
		return;
	for (struct client_conn *k = p->theirs; k; k = k->next)
		client_conn_drain(k);
	if (p->conn && p->conn->session && p->state == CLIENT_UP)
		link_session_drain(p->conn->session);
	else if (p->conn)
		client_peer_stop(p, CLIENT_DOWN, NULL);
}

void client_peer_release(struct client_peer *p)
{
	loop_timer_free(p->timer);
	client_addresses_free(p);
	link_hello_free(&p->hello);
}
