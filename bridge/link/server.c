#include "bridge/link/server.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"

static void conn_end(struct server_conn *k, const char *why)
{
	const struct server_turned_events *owner = k->owner;
	void *arg = k->owner_arg;

	link_session_free(k->session);
	while (k->calls)
		server_call_gone(k->calls);
	loop_timer_free(k->hurry);
	*k->at = k->next;
	if (k->next)
		k->next->at = k->at;
	k->server->n_conns--;
	free(k);
	if (owner)
		owner->down(arg, why);
}

void server_conn_free(struct server_conn *k)
{
	conn_end(k, "it was closed here");
}

size_t server_conns_of(const struct link_server *s, const struct pki_peer *peer)
{
	size_t n = 0;

	for (const struct server_conn *k = s->conns; k; k = k->next)
		n += k->peer && strcmp(pki_peer_name(k->peer), pki_peer_name(peer)) == 0;
	return n;
}

size_t server_peer_index(const struct link_server *s, const char *name)
{
	size_t i = 0;

	while (i < s->conf->n_peers && strcmp(s->conf->peers[i].name, name) != 0)
		i++;
	return i;
}

/* ---- what a session tells ---- */

static void on_up(void *arg)
{
	struct server_conn *k = arg;
	const struct pki_peer *peer = link_session_peer(k->session);
	uint8_t pin[PKI_PIN_LEN];

	loop_timer_free(k->hurry);
	k->hurry = NULL;
	if (!peer || server_conns_of(k->server, peer) >= LINK_CONNS_OF_PEER) {
		if (log_quota_takes(k->server->strangers, k->from))
			log_event(LOG_LEVEL_WARN, "link-refused", LS("peer", peer ? pki_peer_name(peer) : NULL), LS("from", k->from),
			          LS("text", "this peer has too many connections already"));
		server_conn_free(k);
		return;
	}
	k->peer = peer;
	link_session_share(k->session, &k->server->out_bytes[server_peer_index(k->server, pki_peer_name(peer))]);
	if (k->server->seen && link_session_pin(k->session, pin))
		k->server->seen(k->server->seen_arg, pki_peer_name(peer), pin);
	if (k->owner) {
		k->owner->up(k->owner_arg);
		return;
	}
	if (log_quota_takes(k->server->by_peer, pki_peer_name(peer)))
		log_event(LOG_LEVEL_INFO, "link-accepted", LS("peer", pki_peer_name(peer)), LS("from", k->from));
}

static struct link_stream *on_open(void *arg)
{
	struct server_conn *k = arg;
	struct link_call *c = k->peer ? server_call_new(k) : NULL;

	return c ? &c->st : NULL;
}

static void on_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
	server_call_header((struct link_call *)st, name, value);
}

static void on_headers(void *arg, struct link_stream *st)
{
	server_call_headers((struct link_call *)st);
}

static void on_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	server_call_message((struct link_call *)st, what, p, n);
}

static void on_ended(void *arg, struct link_stream *st, bool midway)
{
	server_call_ended((struct link_call *)st, midway);
}

static void on_closed(void *arg, struct link_stream *st, uint32_t code)
{
	server_call_gone((struct link_call *)st);
}

/* From here on it is no link any more. */
static void on_pairing(void *arg, struct pki_stream *tls)
{
	struct server_conn *k = arg;

	if (k->server->guest)
		k->server->guest(k->server->guest_arg, tls, k->from);
	else
		pki_stream_free(tls);
	server_conn_free(k);
}

/* The peer has connected, but wants to be asked: so it is the clients' business. */
static void on_turned(void *arg, struct pki_stream *tls)
{
	struct server_conn *k = arg;

	if (k->server->clients)
		link_clients_adopt(k->server->clients, pki_peer_name(pki_stream_peer(tls)), tls, k->from);
	else
		pki_stream_free(tls);
	server_conn_free(k);
}

static void on_goaway(void *arg)
{
	struct server_conn *k = arg;

	if (k->owner)
		k->owner->goaway(k->owner_arg);
}

static void say_ended(const struct server_conn *k, const char *why)
{
	if (k->peer && log_quota_takes(k->server->by_peer, pki_peer_name(k->peer)))
		log_event(LOG_LEVEL_INFO, "link-closed", LS("peer", pki_peer_name(k->peer)), LS("from", k->from), LS("text", why));
	else if (!k->peer && log_quota_takes(k->server->strangers, k->from))
		log_event(LOG_LEVEL_WARN, "link-refused", LS("from", k->from), LS("text", why ? why : "closed before it said anything"));
}

static void on_down(void *arg, const char *why)
{
	struct server_conn *k = arg;

	char text[768];

	if (why) { /* it may live in the session that goes away now */
		snprintf(text, sizeof text, "%s", why);
		why = text;
	}
	if (!k->owner) /* who is told, and says so */
		say_ended(k, why);
	conn_end(k, why);
}

static const struct link_session_events session_events = {
	.up = on_up, .open = on_open, .header = on_header, .headers = on_headers, .message = on_message, .ended = on_ended,
	.closed = on_closed, .goaway = on_goaway, .pairing = on_pairing, .turned = on_turned, .down = on_down,
};

static void on_hurry(void *arg)
{
	struct server_conn *k = arg;

	if (log_quota_takes(k->server->strangers, k->from))
		log_event(LOG_LEVEL_WARN, "link-refused", LS("from", k->from), LS("text", "no handshake and no HTTP/2 within 10 s"));
	server_conn_free(k);
}

/* ---- the whole ---- */

struct link_server *link_server_new(struct loop *l, const struct conf *c, struct pki_tls *tls, const struct link_server_events *ev, void *arg)
{
	struct link_server *s = calloc(1, sizeof *s);

	if (!s || !(s->out_bytes = calloc(c->n_peers + 1, sizeof *s->out_bytes)) || !(s->table = address_space_new(c)))
		abort();
	s->loop = l;
	s->strangers = log_quota_new(l, 1);
	s->by_peer = log_quota_new(l, 1);
	s->conf = c;
	s->tls = tls;
	s->ev = *ev;
	s->arg = arg;
	return s;
}

void link_server_free(struct link_server *s)
{
	if (!s)
		return;
	s->draining = true; /* whoever hears that a connection ended makes no other */
	server_doorways_close(s);
	while (s->conns)
		server_conn_free(s->conns);
	free(s->probed);
	free(s->out_bytes);
	address_space_free(s->table);
	log_quota_free(s->strangers);
	log_quota_free(s->by_peer);
	free(s);
}

void server_name_of(int fd, char *out, size_t size)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char host[64], port[8];

	snprintf(out, size, "-");
	if (getpeername(fd, (struct sockaddr *)&sa, &len) == 0 && (sa.ss_family == AF_INET || sa.ss_family == AF_INET6) &&
	    getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(out, size, sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void conn_add(struct server_conn *k)
{
	struct link_server *s = k->server;

	k->next = s->conns;
	k->at = &s->conns;
	if (k->next)
		k->next->at = &k->next;
	s->conns = k;
	s->n_conns++;
}

void link_server_accept(struct link_server *s, int fd)
{
	if (s->processes > 1 && !s->draining)
		server_doorway_open(s, fd);
	else
		link_server_take(s, fd);
}

void link_server_take(struct link_server *s, int fd)
{
	char from[sizeof((struct server_conn *)NULL)->from];
	struct server_conn *k;

	server_name_of(fd, from, sizeof from);
	if (s->draining || !server_has_room(s, from) || !(k = calloc(1, sizeof *k))) {
		close(fd);
		return;
	}
	memcpy(k->from, from, sizeof from);
	k->server = s;
	k->since = loop_ms();
	k->session = link_session_accept(s->loop, s->tls, fd, &session_events, k);
	if (!k->session) {
		free(k);
		return;
	}
	k->hurry = loop_timer_new(s->loop, LINK_HURRY_MS, on_hurry, k);
	conn_add(k);
}

/* ---- connections that we make ---- */

struct server_conn *server_turned_new(struct link_server *s, int fd, const char *host, const char *peer, const char *endpoint,
                                      unsigned process, const struct server_turned_events *ev, void *arg)
{
	struct server_conn *k = s->draining ? NULL : calloc(1, sizeof *k);

	if (!k) {
		close(fd);
		return NULL;
	}
	snprintf(k->from, sizeof k->from, "%s", endpoint);
	k->server = s;
	k->owner = ev;
	k->owner_arg = arg;
	k->session = link_session_connect_turned(s->loop, s->tls, fd, host, peer, process, &session_events, k);
	if (!k->session) {
		free(k);
		return NULL;
	}
	conn_add(k);
	return k;
}

void server_turned_free(struct server_conn *k)
{
	if (!k)
		return;
	k->owner = NULL;
	server_conn_free(k);
}

bool server_is_draining(const struct link_server *s)
{
	return s->draining;
}

void link_server_clients(struct link_server *s, struct link_clients *k)
{
	s->clients = k;
}

/* ---- the end ---- */

static void drain_conn(struct server_conn *k)
{
	struct link_call *next;

	for (struct link_call *c = k->calls; c; c = next) {
		next = c->next;
		if (c->method == LINK_WATCH && c->has_message && !c->finished)
			server_health_gone(c);
	}
	link_session_drain(k->session);
}

void server_turned_drain(struct server_conn *k)
{
	drain_conn(k);
}

void link_server_drain(struct link_server *s)
{
	s->draining = true;
	server_doorways_close(s);
	for (struct server_conn *k = s->conns; k; k = k->next)
		drain_conn(k);
}

bool link_server_idle(const struct link_server *s)
{
	/* While draining also what was said must be out: an established connection ends when all of it is. */
	for (const struct server_conn *k = s->draining ? s->conns : NULL; k; k = k->next)
		if (k->peer)
			return false;
	return !s->n_queries;
}

void link_server_guests(struct link_server *s, void (*guest)(void *arg, struct pki_stream *stream, const char *from), void *arg)
{
	s->guest = guest;
	s->guest_arg = arg;
}

void link_server_shut(struct link_server *s, const char *peer)
{
	struct server_conn *next;

	for (struct server_conn *k = s->conns; k; k = next) {
		const struct pki_peer *who = link_session_peer(k->session);

		next = k->next;
		if (who && strcmp(pki_peer_name(who), peer) == 0) {
			log_event(LOG_LEVEL_INFO, "link-cut", LS("peer", peer), LS("from", k->from));
			server_conn_free(k);
		}
	}
}

void link_server_part(struct link_server *s, const char *peer, const uint8_t pin[PKI_PIN_LEN])
{
	for (struct server_conn *k = s->conns; k; k = k->next)
		if (link_session_is_under(k->session, pin) && strcmp(pki_peer_name(link_session_peer(k->session)), peer) == 0)
			drain_conn(k);
}

void link_server_cut(struct link_server *s, const uint8_t pin[PKI_PIN_LEN])
{
	struct server_conn *next;

	for (struct server_conn *k = s->conns; k; k = next) {
		next = k->next;
		if (!link_session_is_under(k->session, pin))
			continue;
		log_event(LOG_LEVEL_INFO, "link-cut", LS("peer", pki_peer_name(link_session_peer(k->session))), LS("from", k->from));
		conn_end(k, "its key was revoked here");
	}
}
