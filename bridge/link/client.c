#include "bridge/link/client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/log.h"

enum { MAX_CALLS = 1024, REDIAL_MS = 1500, HELLO_MS = 10000, ANNOUNCE_MS = 15000, LAST_WORD_MS = 200, SKEW_SECONDS = 60, MAX_FIELDS = 12 };

/* ---- the end of a call ---- */

/* In the room's own words, or the peer's: for the log. */
static void say(struct client_call *c, const char *why)
{
	snprintf(c->why, sizeof c->why, "%.255s", why);
}

static void call_end(struct client_call *c, enum fb_reason reason)
{
	struct client_peer *p = c->peer;

	link_stream_reset(&c->st, NGHTTP2_CANCEL);
	loop_timer_free(c->timer);
	if (p) {
		*c->at = c->next;
		if (c->next)
			c->next->at = c->at;
		p->n_calls--;
	}
	if (c->is_announce)
		client_announced(c);
	if (c->is_hello && reason != FB_OK)
		log_event(LOG_LEVEL_WARN, "link-hello-failed", LS("peer", p->conf->name), LS("text", c->why));
	if (c->is_probe)
		c->probed(c->arg, c->was_probed && reason == FB_OK ? &c->probe : NULL, c->why);
	if (c->ev.done)
		c->ev.done(c->arg, reason, c->why[0] ? c->why : NULL);
	link_stream_release(&c->st);
	free(c->q.mailboxes);
	free(c);
	if (p) {
		client_calls_send(p);
		client_peer_settle(p);
	}
}

/* That no connection came about, and why. */
static void no_link(struct client_call *c, const char *what)
{
	if (c->peer->why[0])
		snprintf(c->why, sizeof c->why, "%s: %.200s", what, c->peer->why);
	else
		say(c, what);
}

static void on_deadline(void *arg)
{
	struct client_call *c = arg;

	if (c->doomed) {
		call_end(c, c->busy ? FB_BUSY : FB_PEER_FAILED);
		return;
	}
	if (c->q.n && c->n_answered == c->q.n) { /* all is known; only the peer's last word did not come */
		call_end(c, FB_OK);
		return;
	}
	if (c->st.session)
		link_session_doubt(c->st.session);
	if (c->waits) {
		say(c, "the peer has no connection to us, and we do not connect to it (dial in)");
		call_end(c, FB_PEER_FAILED);
		return;
	}
	if (!c->st.session && !client_peer_route(c->peer)) { /* the peer was not slow: it was not there */
		no_link(c, "no link until the deadline");
		call_end(c, FB_PEER_FAILED);
		return;
	}
	say(c, c->st.session ? "no full answer until the deadline" : "the link was full until the deadline");
	call_end(c, FB_TIMEOUT);
}

static void doom(struct client_call *c, const char *why, bool busy)
{
	c->doomed = true;
	c->busy = busy;
	say(c, why);
	loop_timer_again(c->timer, 0);
}

void client_calls_fail(struct client_peer *p, const char *why)
{
	while (p->calls) {
		say(p->calls, why);
		call_end(p->calls, FB_PEER_FAILED);
	}
}

/* Not here and now: their callers may ask anew, which is then for the next attempt. */
void client_calls_unreached(struct client_peer *p)
{
	for (struct client_call *c = p->calls; c; c = c->next)
		if (!c->st.session && !c->doomed) {
			doom(c, "", false);
			no_link(c, "no link");
		}
}

/* ---- asking ---- */

static void add(nghttp2_nv *nv, size_t *n, const char *name, const char *value)
{
	nv[(*n)++] = (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static const char *method_of(const struct client_call *c)
{
	return c->is_announce ? "/availbridge.link.v1.Availability/Announce"
	       : c->is_hello  ? "/availbridge.link.v1.Availability/Hello"
	       : c->is_probe  ? "/availbridge.link.v1.Availability/Probe"
	                      : "/availbridge.link.v1.Availability/Query";
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
	add(nv, &n, "grpc-timeout", timeout);
	if (c->q.n)
		add(nv, &n, "x-request-id", c->q.request_id);
	if (link_stream_request(k->session, &c->st, nv, n) != 0)
		return false;
	if (c->waits)
		loop_timer_again(c->timer, c->deadline - loop_ms());
	c->waits = false;
	return true;
}

void client_calls_send(struct client_peer *p)
{
	if (!client_peer_route(p))
		return;
	for (struct client_call *c = p->calls; c; c = c->next)
		if (!c->st.session && !c->doomed && !send_call(c))
			return;
}

/* The message goes into the stream's buffer now and waits there. */
static bool write_message(struct client_call *c)
{
	struct buf b;
	uint8_t *to = NULL;

	buf_init(&b, c->is_hello ? LINK_HELLO_BYTES : LINK_QUERY_BYTES);
	if ((c->is_hello ? link_hello_write(&b, c->peer->all->conf, false, 0) : link_query_write(&b, &c->q)) == 0)
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
	c->timer = loop_timer_new(k->loop, deadline_ms < 0 ? 0 : deadline_ms, on_deadline, c);
	if (p) { /* at the end of the list: first come, first sent */
		c->at = &p->calls;
		while (*c->at)
			c->at = &(*c->at)->next;
		*c->at = c;
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
	if (!write_message(c))
		doom(c, "our hello could not be written", false);
	client_calls_send(p);
}

static struct client_peer *peer_named(struct link_clients *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->peers[i].conf->name, name) == 0)
			return &k->peers[i];
	return NULL;
}

void link_probe(struct link_clients *k, const char *peer, int64_t deadline_ms, link_probed_cb *cb, void *arg)
{
	struct client_peer *p = peer_named(k, peer);
	struct client_call *c = call_new(k, p, deadline_ms);

	if (!c)
		abort(); /* a promise to call back cannot be kept without memory for it */
	c->is_probe = true;
	c->probed = cb;
	c->arg = arg;
	if (!link_stream_put(&c->st, 0)) /* a message of no bytes */
		doom(c, "the question could not be written", false);
	c->st.out_last = true;
	if (!c->doomed && (!p || !client_peer_route(p)))
		doom(c, "there is no link", false);
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
		doom(c, "it could not be sent", false);
}

void link_ask(struct link_clients *k, const char *peer, const struct fb_query *q, int64_t deadline_ms, const struct link_client_events *ev, void *arg)
{
	struct client_peer *p = peer_named(k, peer);
	struct client_call *c = call_new(k, p, deadline_ms);
	const struct client_conn *route = p ? client_peer_route(p) : NULL;

	if (!c)
		abort(); /* a promise to call back cannot be kept without memory for it */
	c->ev = *ev;
	c->arg = arg;
	c->q = *q;
	c->q.mailboxes = calloc(q->n ? q->n : 1, sizeof *q->mailboxes);
	if (c->q.mailboxes && q->n)
		memcpy(c->q.mailboxes, q->mailboxes, q->n * sizeof *q->mailboxes);
	if (!p || p->state == CLIENT_DISABLED)
		doom(c, p && p->why[0] ? p->why : "this peer is not switched on", false);
	else if (k->draining)
		doom(c, "this bridge process is being replaced", false);
	else if (p->n_calls > MAX_CALLS)
		doom(c, "too many questions wait for this peer", true);
	else if (!p->n_addresses && !route && p->conf->dial != CONF_DIAL_IN)
		doom(c, p->why, false);
	else if (!c->q.mailboxes || !write_message(c))
		doom(c, "the question could not be written", false);
	else if (route)
		client_calls_send(p);
	else if (p->conf->dial != CONF_DIAL_IN)
		client_peer_want(p);
	else if ((c->waits = REDIAL_MS < deadline_ms)) /* it may be about to come back */
		loop_timer_again(c->timer, REDIAL_MS);
}

/* ---- being answered ---- */

void client_call_header(struct link_stream *st, const char *name, const char *value)
{
	struct client_call *c = (struct client_call *)st;
	struct buf b;

	if (strcmp(name, ":status") == 0) {
		c->http = atoi(value);
	} else if (strcmp(name, "content-type") == 0) {
		c->is_grpc = strncmp(value, "application/grpc", 16) == 0 && (!value[16] || value[16] == '+' || value[16] == ';');
	} else if (strcmp(name, "grpc-status") == 0) {
		c->status = grpc_status_parse(value);
		client_peer_proved(c->peer);
	} else if (strcmp(name, "grpc-message") == 0) {
		buf_init(&b, LINK_HEADER_BYTES);
		if (grpc_message_decode(&b, value, strlen(value)) == 0)
			say(c, buf_cstr(&b));
		buf_free(&b);
	}
}

static void refused(const struct client_call *c, const char *why)
{
	log_event(LOG_LEVEL_WARN, "link-answer-refused", LS("peer", c->peer->conf->name), LS("id", c->q.request_id), LS("text", why));
}

static void take_answer(struct client_call *c, const uint8_t *p, size_t n)
{
	const char *why = NULL;
	size_t i;
	struct fb_answer *a = link_answer_read(p, n, &c->q, &i, &why);

	if (why)
		refused(c, why);
	if (a && c->answered[i]) {
		refused(c, "the answer for this mailbox came twice");
	} else if (a) {
		c->answered[i] = true;
		c->n_answered++;
		c->ev.answer(c->arg, i, a);
		if (c->n_answered == c->q.n && c->deadline - loop_ms() > LAST_WORD_MS)
			loop_timer_again(c->timer, LAST_WORD_MS);
	}
	fb_answer_free(a);
}

static void take_hello(struct client_call *c, const uint8_t *p, size_t n)
{
	struct link_hello h;
	const char *why;

	if (!link_hello_read(p, n, true, &h, &why)) {
		refused(c, why);
		return;
	}
	link_hello_free(&c->peer->hello);
	c->peer->hello = h;
	if (llabs((long long)h.ahead) > SKEW_SECONDS)
		log_event(LOG_LEVEL_WARN, "link-clock-skew", LS("peer", c->peer->conf->name), LI("ahead_seconds", h.ahead));
}

void client_call_message(struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	struct client_call *c = (struct client_call *)st;

	if (what != GRPC_READ_MESSAGE) {
		say(c, what == GRPC_READ_TOO_BIG ? "the peer's answer is larger than the link allows" : "the peer compressed its answer, which nobody asked for");
		call_end(c, FB_PEER_FAILED);
	} else if (c->is_probe) {
		c->was_probed = c->is_grpc && c->http == 200 && link_probe_read(p, n, &c->probe);
	} else if (c->is_announce) {
		c->taken = c->is_grpc && c->http == 200 ? link_announced_read(p, n) : LINK_NOT_TAKEN;
	} else if (c->is_grpc && c->http == 200) {
		(c->is_hello ? take_hello : take_answer)(c, p, n);
	}
}

static enum fb_reason reason_of(const struct client_call *c)
{
	switch (c->status) {
	case GRPC_OK:
		return c->n_answered == c->q.n ? FB_OK : FB_PEER_FAILED;
	case GRPC_PERMISSION_DENIED:
		return FB_NOT_ALLOWED;
	case GRPC_RESOURCE_EXHAUSTED:
		return FB_BUSY;
	case GRPC_DEADLINE_EXCEEDED:
		return FB_TIMEOUT;
	default:
		return FB_PEER_FAILED;
	}
}

/* The peer did not even look at it (RFC 9113 8.7), so it may be asked again, once. */
static bool again(struct client_call *c, uint32_t code)
{
	if (code != NGHTTP2_REFUSED_STREAM || c->retried || c->n_answered || !c->q.n)
		return false;
	link_stream_release(&c->st);
	link_stream_init(&c->st, LINK_ANSWER_BYTES);
	c->retried = true;
	c->status = -1;
	if (!write_message(c))
		return false;
	client_peer_want(c->peer);
	client_calls_send(c->peer);
	return true;
}

void client_call_closed(struct link_stream *st, uint32_t code)
{
	struct client_call *c = (struct client_call *)st;
	char text[sizeof c->why + 64];

	if (again(c, code))
		return;
	if (code != NGHTTP2_NO_ERROR && c->status < 0) {
		snprintf(text, sizeof text, "the link broke before the answer (%s)", nghttp2_http2_strerror(code));
	} else if (c->http != 200 || !c->is_grpc || c->status < 0) {
		snprintf(text, sizeof text, "the peer's answer is not gRPC (HTTP status %d)", c->http);
		c->status = c->http != 200 && c->http ? (int)grpc_status_of_http(c->http) : GRPC_UNKNOWN;
	} else if (c->status != GRPC_OK) {
		snprintf(text, sizeof text, "%s: %s", grpc_status_name(c->status), c->why);
	} else {
		snprintf(text, sizeof text, "%s", reason_of(c) == FB_OK ? "" : "the peer left mailboxes unanswered");
	}
	say(c, text);
	call_end(c, reason_of(c));
}

/* ---- the whole ---- */

struct link_clients *link_clients_new(struct loop *l, const struct conf *c, struct pki_tls *tls)
{
	struct link_clients *k = calloc(1, sizeof *k);

	if (!k)
		abort();
	k->loop = l;
	k->conf = c;
	k->tls = tls;
	k->peers = calloc(c->n_peers + 1, sizeof *k->peers);
	k->turned = calloc(c->n_peers + 1, sizeof *k->turned);
	if (!k->peers || !k->turned)
		abort();
	for (size_t i = 0; i < c->n_peers; i++) {
		struct client_peer *p = &k->peers[k->n];

		if (strcmp(c->peers[i].name, "local") == 0)
			continue;
		p->all = k;
		p->conf = &c->peers[i];
		client_peer_start(p);
		k->n++;
	}
	return k;
}

void link_clients_serve(struct link_clients *k, struct link_server *s)
{
	k->server = s;
	for (size_t i = 0; i < k->n; i++) {
		struct client_peer *p = &k->turned[k->n_turned];

		if (k->peers[i].conf->dial != CONF_DIAL_OUT)
			continue;
		p->all = k;
		p->conf = k->peers[i].conf;
		p->turned = true;
		client_peer_start(p);
		k->n_turned++;
	}
}

void link_clients_adopt(struct link_clients *k, const char *peer, struct pki_stream *tls, const char *from)
{
	struct client_peer *p = peer_named(k, peer);

	if (p && p->state != CLIENT_DISABLED && !k->draining)
		client_peer_adopt(p, tls, from);
	else
		pki_stream_free(tls);
}

/* The one that dials for ${p} to be asked by it, or NULL. */
static struct client_peer *turned_of(struct link_clients *k, const struct client_peer *p)
{
	for (size_t i = 0; i < k->n_turned; i++)
		if (k->turned[i].conf == p->conf)
			return &k->turned[i];
	return NULL;
}

void link_clients_self(struct link_clients *k, const struct link_self *self, void (*taken)(void *arg, const char *peer, const uint8_t pin[PKI_PIN_LEN]), void *arg)
{
	k->self = *self;
	k->taken = taken;
	k->arg = arg;
}

void link_clients_seen(struct link_clients *k, link_seen_cb *cb, void *arg)
{
	k->seen = cb;
	k->seen_arg = arg;
}

void link_clients_free(struct link_clients *k)
{
	if (!k)
		return;
	k->draining = true;
	for (size_t i = 0; i < k->n; i++) {
		client_peer_stop(&k->peers[i], CLIENT_DISABLED, "this bridge process ends");
		client_calls_fail(&k->peers[i], "this bridge process ends");
		client_peer_release(&k->peers[i]);
	}
	for (size_t i = 0; i < k->n_turned; i++) {
		client_peer_stop(&k->turned[i], CLIENT_DISABLED, NULL);
		client_peer_release(&k->turned[i]);
	}
	free(k->turned);
	free(k->peers);
	free(k);
}

void link_clients_drain(struct link_clients *k)
{
	k->draining = true;
	for (size_t i = 0; i < k->n; i++)
		client_peer_settle(&k->peers[i]);
}

void link_clients_shut(struct link_clients *k, const char *peer)
{
	struct client_peer *p = peer_named(k, peer), *turned = p ? turned_of(k, p) : NULL;

	if (!p)
		return;
	if (turned)
		client_peer_stop(turned, CLIENT_DISABLED, NULL);
	client_peer_stop(p, CLIENT_DISABLED, "this peer was cut off");
	client_calls_fail(p, "this peer was cut off");
}

void link_clients_cut(struct link_clients *k, const uint8_t pin[PKI_PIN_LEN])
{
	for (size_t i = 0; i < k->n; i++)
		client_peer_cut(&k->peers[i], pin);
}

bool link_clients_status(const struct link_clients *k, size_t i, struct link_status *out)
{
	static const char *const states[] = {"disabled", "down", "connecting", "up"};
	const struct client_peer *p = &k->peers[i];
	const struct client_conn *route;

	if (i >= k->n)
		return false;
	route = client_peer_route(p);
	*out = (struct link_status){
		.peer = p->conf->name, .state = states[p->state], .endpoint = p->endpoint, .why = p->why[0] ? p->why : NULL,
		.site = p->hello.site, .version = p->hello.version, .domains = (const char *const *)p->hello.domains,
		.n_domains = p->hello.n_domains, .front_expires = p->hello.front_expires, .clock_ahead = p->hello.ahead, .since_ms = loop_ms() - p->since,
	};
	if (route && !route->to) {
		out->state = states[CLIENT_UP];
		out->they_dialled = true;
		out->since_ms = loop_ms() - route->since;
	}
	return true;
}
