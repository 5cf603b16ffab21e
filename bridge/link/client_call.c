#include "bridge/link/client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/link/hours.h"

enum {
	LAST_WORD_MS = 200, SKEW_SECONDS = 60,
	MAX_REFUSED = FB_MAX_MAILBOXES /* messages of no use in one call: a peer that sends more means harm */
};

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
	link_hours_forget();
	if (p) {
		client_call_unqueue(c);
		p->n_calls--;
	}
	if (c->is_announce)
		client_announced(c);
	if (c->is_hello && reason != FB_OK && client_may_tell(p))
		log_event(LOG_LEVEL_WARN, "link-hello-failed", LS("peer", p->conf->name), LS("text", c->why));
	if (c->refused > 1)
		log_event(LOG_LEVEL_WARN, "link-answer-refused", LS("peer", p->conf->name), LS("id", c->q.request_id), LI("times", c->refused),
		          LS("text", "so many of its messages in this call could not be used"));
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

void client_call_deadline(void *arg)
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

void client_call_doom(struct client_call *c, const char *why, bool busy)
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
			client_call_doom(c, "", false);
			no_link(c, "no link");
		}
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

/* The first has a line of its own; the rest are counted, and told when the call ends. */
static void refused(struct client_call *c, const char *why)
{
	if (c->refused++ == 0 && client_may_tell(c->peer))
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
	if (llabs((long long)h.ahead) > SKEW_SECONDS && client_may_tell(c->peer))
		log_event(LOG_LEVEL_WARN, "link-clock-skew", LS("peer", c->peer->conf->name), LI("ahead_seconds", h.ahead));
}

/* What is wrong with there being one more message, or NULL. */
static const char *one_too_many(struct client_call *c)
{
	if (c->n_messages++ && !c->q.n)
		return "the peer answered more than once";
	return c->refused >= MAX_REFUSED ? "the peer sends answers without end that nobody asked for" : NULL;
}

static void take_message(struct client_call *c, const uint8_t *p, size_t n)
{
	if (c->is_probe)
		c->was_probed = link_probe_read(p, n, &c->probe);
	else if (c->is_announce)
		c->taken = link_announced_read(p, n);
	else
		(c->is_hello ? take_hello : take_answer)(c, p, n);
}

void client_call_message(struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	struct client_call *c = (struct client_call *)st;
	const char *why = what == GRPC_READ_TOO_BIG    ? "the peer's answer is larger than the link allows"
	                  : what == GRPC_READ_COMPRESSED ? "the peer compressed its answer, which nobody asked for"
	                  : what == GRPC_READ_NO_ROOM    ? "too many large answers of the peer were under way at once"
	                                                 : one_too_many(c);

	if (why) {
		say(c, why);
		call_end(c, FB_PEER_FAILED);
	} else if (c->is_grpc && c->http == 200) {
		take_message(c, p, n);
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
	if (!client_call_write(c))
		return false;
	client_call_requeue(c);
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
