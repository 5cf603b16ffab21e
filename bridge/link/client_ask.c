#include "bridge/link/client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CALLS = 1024, REDIAL_MS = 1500, HELLO_MS = 10000, ANNOUNCE_MS = 15000, MAX_FIELDS = 12 };

static void add(nghttp2_nv *nv, size_t *n, const char *name, const char *value)
{
	nv[(*n)++] = (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* A value that no other call has: it must not push out of the tables of both ends (RFC 7541 2.3.2) what all calls have. */
static void add_unique(nghttp2_nv *nv, size_t *n, const char *name, const char *value)
{
	add(nv, n, name, value);
	nv[*n - 1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
}

static const char *method_of(const struct client_call *c)
{
	return c->is_announce ? "/availbridge.link.v1.Availability/Announce"
	       : c->is_hello  ? "/availbridge.link.v1.Availability/Hello"
	       : c->is_probe  ? "/availbridge.link.v1.Availability/Probe"
	                      : "/availbridge.link.v1.Availability/Query";
}

static void put_at(struct client_call *c, struct client_call **at)
{
	c->at = at;
	c->next = *at;
	if (c->next)
		c->next->at = &c->next;
	*at = c;
}

void client_call_queue(struct client_call *c)
{
	put_at(c, c->peer->waiting_end);
	c->peer->waiting_end = &c->next;
}

void client_call_unqueue(struct client_call *c)
{
	if (c->peer->waiting_end == &c->next)
		c->peer->waiting_end = c->at;
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
}

void client_call_requeue(struct client_call *c)
{
	struct client_peer *p = c->peer;

	client_call_unqueue(c);
	put_at(c, &p->calls);
	if (p->waiting_end == &p->calls)
		p->waiting_end = &c->next;
}

/* False if it has to wait, or was doomed. */
static bool send_call(struct client_call *c)
{
	const struct client_conn *k = client_peer_route(c->peer);
	nghttp2_nv nv[MAX_FIELDS];
	char timeout[16];
	size_t n = 0;

	grpc_timeout_print(timeout, c->deadline - loop_ms());
	add(nv, &n, ":method", "POST");
	add(nv, &n, ":scheme", "https");
	add(nv, &n, ":path", method_of(c));
	add(nv, &n, ":authority", k->to ? k->to->endpoint : c->peer->conf->name);
	add(nv, &n, "te", "trailers");
	add(nv, &n, "content-type", "application/grpc+proto");
	add(nv, &n, "user-agent", "availbridge/" VERSION);
	add(nv, &n, "grpc-accept-encoding", "identity");
	add_unique(nv, &n, "grpc-timeout", timeout);
	if (c->q.n)
		add_unique(nv, &n, "x-request-id", c->q.request_id);
	if (link_stream_request(k->session, &c->st, nv, n) != 0)
		return false;
	client_call_unqueue(c);
	put_at(c, c->peer->waiting_end);
	if (c->waits)
		loop_timer_again(c->timer, c->deadline - loop_ms());
	c->waits = false;
	return true;
}

void client_calls_send(struct client_peer *p)
{
	struct client_call *next;

	if (!client_peer_route(p))
		return;
	for (struct client_call *c = p->calls; c && !c->st.session; c = next) {
		next = c->next;
		if (!c->doomed && !send_call(c))
			return;
	}
}

bool client_call_write(struct client_call *c)
{
	struct buf b;
	uint8_t *to = NULL;

	buf_init(&b, c->is_hello ? LINK_HELLO_BYTES : LINK_QUERY_BYTES);
	if ((c->is_hello ? link_hello_write(&b, c->peer->all->conf) : link_query_write(&b, &c->q)) == 0)
		to = link_stream_put(&c->st, b.len);
	if (to && b.len)
		memcpy(to, buf_ptr(&b), b.len);
	c->st.out_last = true;
	buf_free(&b);
	return to != NULL;
}

static struct client_call *call_new(struct link_clients *k, struct client_peer *p, int64_t deadline_ms)
{
	struct client_call *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	link_stream_init(&c->st, LINK_ANSWER_BYTES);
	c->peer = p;
	c->status = -1;
	c->deadline = loop_ms() + deadline_ms;
	c->timer = loop_timer_new(k->loop, deadline_ms < 0 ? 0 : deadline_ms, client_call_deadline, c);
	if (p) {
		client_call_queue(c);
		p->n_calls++;
	}
	return c;
}

void client_hello_send(struct client_peer *p)
{
	struct client_call *c = call_new(p->all, p, HELLO_MS);

	if (!c)
		return;
	c->is_hello = true;
	if (!client_call_write(c))
		client_call_doom(c, "our hello could not be written", false);
	client_calls_send(p);
}

void link_probe(struct link_clients *k, const char *peer, const char *mailbox, int64_t deadline_ms, link_probed_cb *cb, void *arg)
{
	struct client_peer *p = client_peer_named(k, peer);
	struct client_call *c = call_new(k, p, deadline_ms);
	struct buf message;
	uint8_t *to = NULL;

	if (!c)
		abort(); /* a promise to call back cannot be kept without memory for it */
	c->is_probe = true;
	c->probed = cb;
	c->arg = arg;
	buf_init(&message, LINK_PROBE_BYTES + FB_ADDRESS_MAX);
	if (link_probe_ask_write(&message, mailbox) == 0 && (to = link_stream_put(&c->st, message.len)))
		memcpy(to, buf_ptr(&message), message.len);
	buf_free(&message);
	if (!to)
		client_call_doom(c, "the question could not be written", false);
	c->st.out_last = true;
	if (!c->doomed && (!p || !client_peer_route(p)))
		client_call_doom(c, "there is no link", false);
	if (!c->doomed)
		client_calls_send(p);
}

void client_announce_call(struct client_peer *p, const struct buf *message, bool retires)
{
	struct client_call *c = call_new(p->all, p, ANNOUNCE_MS);
	uint8_t *to = c ? link_stream_put(&c->st, message->len) : NULL;

	if (!c)
		return;
	c->is_announce = true;
	c->retires = retires;
	if (to)
		memcpy(to, buf_ptr(message), message->len);
	c->st.out_last = true;
	if (!to || !client_peer_route(p) || !send_call(c)) /* signed for this connection: another one is of no use */
		client_call_doom(c, "it could not be sent", false);
}

void link_ask(struct link_clients *k, const char *peer, const struct fb_query *q, int64_t deadline_ms, const struct link_client_events *ev, void *arg)
{
	struct client_peer *p = client_peer_named(k, peer);
	struct client_call *c = call_new(k, p, deadline_ms);
	const struct client_conn *route = p ? client_peer_route(p) : NULL;

	if (!c)
		abort(); /* a promise to call back cannot be kept without memory for it */
	c->ev = *ev;
	c->arg = arg;
	c->q = *q;
	c->q.mailboxes = fb_mailboxes_copy(q->mailboxes, q->n);
	if (!p || p->state == CLIENT_DISABLED)
		client_call_doom(c, p && p->why[0] ? p->why : "this peer is not switched on", false);
	else if (k->draining)
		client_call_doom(c, "this bridge process is being replaced", false);
	else if (p->n_calls > MAX_CALLS)
		client_call_doom(c, "too many questions wait for this peer", true);
	else if (!p->n_addresses && !route && p->conf->dial != CONF_DIAL_IN)
		client_call_doom(c, p->why, false);
	else if (!c->q.mailboxes || !client_call_write(c))
		client_call_doom(c, "the question could not be written", false);
	else if (route)
		client_calls_send(p);
	else if (p->conf->dial != CONF_DIAL_IN)
		client_peer_want(p);
	else if ((c->waits = REDIAL_MS < deadline_ms)) /* it may be about to come back */
		loop_timer_again(c->timer, REDIAL_MS);
}
