#ifndef BRIDGE_LINK_LINK_H
#define BRIDGE_LINK_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/acl/release.h"
#include "bridge/availability/answer.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"
#include "pki/tls.h"

/* The peers' door: gRPC over HTTP/2 (nghttp2, protobuf-c) on pinned mutual TLS 1.3. link.proto is the contract, docs/link-protocol.md the prose. */

/* ---- asking: one long-lived connection per peer, shared by all questions ---- */
struct link_clients;
struct link_client_events {
	/* One mailbox's answer came; ${raw} is borrowed. ${i} counts in the query's mailboxes; at most once each, never one that was not asked. */
	void (*answer)(void *arg, size_t i, const struct fb_answer *raw);
	/* The rpc ended; mailboxes without an answer failed with ${reason} (FB_PEER_FAILED, FB_TIMEOUT, FB_BUSY, FB_NOT_ALLOWED; FB_OK only if every mailbox was answered); ${why} is a sentence for the log or NULL. Exactly once, never before link_ask() returns. */
	void (*done)(void *arg, enum fb_reason reason, const char *why);
};
/*
 * Connects to every enabled peer that has endpoints, and keeps connecting with jittered back-off (0.2 to 30 s). The endpoints' names are
 * resolved here and now, which may block, and not again: a bridge opens no file later; a new address needs a reload. ${tls} and ${c} are borrowed. Caller frees.
 */
struct link_clients *link_clients_new(struct loop *l, const struct conf *c, struct pki_tls *tls);
/* Ends all connections; open questions end with FB_PEER_FAILED first. Not from inside a callback of this room. NULL is allowed. */
void link_clients_free(struct link_clients *k);
/* Asks ${peer} the question ${q} (copied; q->requester is sent as it stands) with ${deadline_ms} left. */
void link_ask(struct link_clients *k, const char *peer, const struct fb_query *q, int64_t deadline_ms, const struct link_client_events *ev, void *arg);
/* No new questions; each connection ends when its open ones are done. */
void link_clients_drain(struct link_clients *k);
/* Cuts ${peer} off at once and for good in this process. */
void link_clients_shut(struct link_clients *k, const char *peer);
/* What `status` shows of one peer; strings are borrowed until the loop's next turn. */
struct link_status {
	const char *peer, *state, *endpoint, *why; /* state: "up" "connecting" "down" "disabled"; why: the last failure's sentence or NULL */
	const char *site, *version; /* as its Hello said, or NULL */
	const char *const *domains; size_t n_domains; /* as its Hello said */
	int64_t since_ms; /* how long in this state */
};
/* Fills ${out} for the ${i}th peer; false past the end. */
bool link_clients_status(const struct link_clients *k, size_t i, struct link_status *out);

/* ---- answering ---- */
struct link_server;
struct link_call; /* one Query being answered; given to `query`, ended by link_call_done() */
struct link_server_events {
	/* A peer asks. ${q} is borrowed until link_call_done(); its request id is valid, its mailboxes normal or "". Deadline in ms from now. */
	void (*query)(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline_ms);
	/* The call's connection ended before link_call_done(): answer no more, forget ${call}. */
	void (*cancelled)(void *arg, struct link_call *call);
};
/* Serves peers on connections given by link_server_accept(). Caller frees. */
struct link_server *link_server_new(struct loop *l, const struct conf *c, struct pki_tls *tls, const struct link_server_events *ev, void *arg);
/* Ends everything. NULL is allowed. */
void link_server_free(struct link_server *s);
/* Takes over an accepted socket. */
void link_server_accept(struct link_server *s, int fd);
/* GOAWAY to all, finish what is open; link_server_idle() tells when nothing is left. */
void link_server_drain(struct link_server *s);
/* True if no call is open; while draining also: what was said has left, and every peer has been let go. */
bool link_server_idle(const struct link_server *s);
/* Cuts off every connection of ${peer} at once. */
void link_server_shut(struct link_server *s, const char *peer);
/*
 * Whoever comes to pair (docs/pairing.md) is handed to ${guest}, who takes over the stream; ${from} is borrowed. Without this
 * guests are sent away.
 */
void link_server_guests(struct link_server *s, void (*guest)(void *arg, struct pki_stream *stream, const char *from), void *arg);
/* Sends the answer for mailbox ${i}: takes nothing but a released one (the third seal). */
void link_call_answer(struct link_call *call, size_t i, const struct acl_released *r);
/* Ends the call: FB_OK, or FB_NOT_ALLOWED (PERMISSION_DENIED), FB_BUSY (RESOURCE_EXHAUSTED), FB_TIMEOUT (DEADLINE_EXCEEDED) for the whole. ${why} may be NULL. */
void link_call_done(struct link_call *call, enum fb_reason reason, const char *why);
#endif
