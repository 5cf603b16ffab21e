#ifndef BRIDGE_LINK_LINK_H
#define BRIDGE_LINK_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/acl/release.h"
#include "bridge/availability/answer.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"
#include "pki/rotation.h"
#include "pki/tls.h"

/* The peers' door: gRPC over HTTP/2 (nghttp2, protobuf-c) on pinned mutual TLS 1.3. link.proto is the contract, docs/link-protocol.md the prose. */

enum { LINK_PROCESSES = 64 }; /* bridges of one site: each may want a connection of its own */

/* ---- asking: one long-lived connection per peer, shared by all questions ---- */
struct link_clients;
struct link_client_events {
	/* One mailbox's answer came; ${raw} is borrowed. ${i} counts in the query's mailboxes; at most once each, never one that was not asked. */
	void (*answer)(void *arg, size_t i, const struct fb_answer *raw);
	/*
	 * The rpc ended; mailboxes without an answer failed with ${reason} (FB_PEER_FAILED, FB_TIMEOUT, FB_BUSY, FB_NOT_ALLOWED; FB_OK only if every
	 * mailbox was answered); ${why} is a sentence for the log or NULL. Exactly once, never before link_ask() returns.
	 */
	void (*done)(void *arg, enum fb_reason reason, const char *why);
};
/*
 * Connects to every enabled peer that has endpoints, and keeps connecting with jittered back-off (0.2 to 30 s). The endpoints' names are resolved
 * here and now, which may block, and not again: a bridge opens no file later; a new address needs a reload. ${tls} and ${c} are borrowed. Caller
 * frees.
 */
struct link_clients *link_clients_new(struct loop *l, const struct conf *c, struct pki_tls *tls);
/* Ends all connections; open questions end with FB_PEER_FAILED first. Not from inside a callback of this room. NULL is allowed. */
void link_clients_free(struct link_clients *k);
/* Asks ${peer} the question ${q} (copied; q->requester is sent as it stands) with ${deadline_ms} left. */
void link_ask(struct link_clients *k, const char *peer, const struct fb_query *q, int64_t deadline_ms,
              const struct link_client_events *ev, void *arg);
/* What this site says of its own certificate and keys: all borrowed for the process's life, NULL = nothing to say. */
struct link_self {
	int64_t front_expires;            /* seconds since 1970; 0 = not known */
	const struct pki_signer *next;    /* the key that comes; announced to every peer */
	const struct pki_signer *current; /* gives its word for it, and says that... */
	const uint8_t *retired;           /* ...this pin is used no more */
};
/* Before the first turn of the loop. ${taken} is called when ${peer} has written the pin of self->next; with NULL when it says that it has not. */
void link_clients_self(struct link_clients *k, const struct link_self *self,
                       void (*taken)(void *arg, const char *peer, const uint8_t *pin), void *arg);
/* No new questions; each connection ends when its open ones are done. */
void link_clients_drain(struct link_clients *k);
/* Cuts ${peer} off at once and for good in this process. */
void link_clients_shut(struct link_clients *k, const char *peer);
/* Lets the connections to ${peer} under its key with ${pin} go: what is asked there is answered still, what comes goes elsewhere. */
void link_clients_part(struct link_clients *k, const char *peer, const uint8_t pin[PKI_PIN_LEN]);
/* Ends every connection of ${k} under the key with ${pin}; what is asked there fails. */
void link_clients_cut(struct link_clients *k, const uint8_t pin[PKI_PIN_LEN]);
/* An enabled peer has proved its key on a connection, ours or its own: it stands under ${pin} there. */
typedef void link_seen_cb(void *arg, const char *peer, const uint8_t pin[PKI_PIN_LEN]);
/* Tells ${cb} of that for every connection on which we ask. */
void link_clients_seen(struct link_clients *k, link_seen_cb *cb, void *arg);
struct link_server;
/* From now on the peers with `dial out` are connected to once more, and asked by them there: ${s} (borrowed) answers. Once. */
void link_clients_serve(struct link_clients *k, struct link_server *s);
/* Takes over ${tls}, up and pinned as ${peer}'s, on which that wants to be asked; ${from} is for the log. */
void link_clients_adopt(struct link_clients *k, const char *peer, struct pki_stream *tls, const char *from);
/* What `status` shows of one peer; strings are borrowed until the loop's next turn. */
struct link_status {
	const char *peer, *state, *endpoint, *why; /* state: "up" "connecting" "down" "disabled"; why: the last failure's sentence or NULL */
	const char *site, *version; /* as its Hello said, or NULL */
	const char *const *domains; size_t n_domains; /* as its Hello said */
	const char *const *not_ours; size_t n_not_ours; /* of the domains that we named: what its table does not give us, as its Hello said */
	int64_t front_expires; /* of its front certificate, as its Hello said: seconds since 1970, 0 = not told */
	int64_t clock_ahead; /* seconds by which its clock was ahead of ours at its Hello */
	int64_t since_ms; /* how long in this state */
	bool they_dialled; /* up, but over a connection that the peer made */
};
/*
 * One of the peers that cannot be reached and have an endpoint with a name, each in its turn; NULL if there is none. To ${addresses} goes to
 * what its names led when this process started, with blanks between.
 */
const char *link_clients_unreached(struct link_clients *k, struct buf *addresses);
/* Fills ${out} for the ${i}th peer; false past the end. */
bool link_clients_status(const struct link_clients *k, size_t i, struct link_status *out);

/* What a site says of its own side about another one: counts and yes or no, nobody's name. Zero is the worst of it. */
struct link_probe {
	uint32_t rows, rules_in, rules_out; /* of its table that point to the other; above None */
	bool access, backend, link;         /* the switch is on and the cap above None; calendars can be read; it can ask the other */
	enum fb_reason look_up;             /* what it got when it asked the other about a mailbox of that one's; FB_NOT_COMPUTED = it did not ask */
};
/* ${said} is borrowed, or NULL with a sentence in ${why}. */
typedef void link_probed_cb(void *arg, const struct link_probe *said, const char *why);
/*
 * Asks ${peer} what it says about us, and to ask us about ${mailbox} (normal, of ours): exactly one ${cb}, never before it returns, within
 * ${deadline_ms}.
 */
void link_probe(struct link_clients *k, const char *peer, const char *mailbox, int64_t deadline_ms, link_probed_cb *cb, void *arg);

/* ---- answering ---- */
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
/* The same, but here and not in a sibling, whichever the peer would have: one gave it to this one. */
void link_server_take(struct link_server *s, int fd);
/*
 * There are ${processes} bridges on the same port, numbered from 0: a connection that is for one of them is given to ${hand_on}, which takes
 * over ${fd}. At most LINK_PROCESSES.
 */
void link_server_siblings(struct link_server *s, unsigned processes, void (*hand_on)(void *arg, unsigned process, int fd), void *arg);
/* GOAWAY to all, finish what is open; link_server_idle() tells when nothing is left. */
void link_server_drain(struct link_server *s);
/* True if no call is open; while draining also: what was said has left, and every peer has been let go. */
bool link_server_idle(const struct link_server *s);
/*
 * ${peer}, whose key on this connection has the pin ${seen}, says by a signature over this connection that ${pin} is its next key, or
 * (${retires}) that ${pin} is used no more. Whoever may write settings judges, writes, and then link_server_announced() with the same ${handle}.
 * ${proof} is for pki_proof_holds() there: that the key of the connection says so (it vouches, or retires); "" = nothing shows it.
 */
typedef void link_announced_cb(void *arg, uint64_t handle, const struct pki_peer *peer, const uint8_t seen[PKI_PIN_LEN],
                               bool retires, const uint8_t pin[PKI_PIN_LEN], const char *proof);
/* Tells ${cb} of announcements; without it there is no such rpc. */
void link_server_announcements(struct link_server *s, link_announced_cb *cb, void *arg);
/* Tells ${cb} under which key each peer connects to ask us. */
void link_server_seen(struct link_server *s, link_seen_cb *cb, void *arg);
/* What became of an announcement. */
enum link_said { LINK_SAID_TAKEN, LINK_SAID_WAITS, LINK_SAID_REFUSED, LINK_SAID_FAILED };
/* Answers the announcement ${handle}, if somebody still waits for it; ${why} (a sentence for the peer's log) may be NULL. */
void link_server_announced(struct link_server *s, uint64_t handle, enum link_said said, const char *why);
/* When our front's certificate ends, for the peers' `status`. */
void link_server_front_expires(struct link_server *s, int64_t seconds);
/* GOAWAY on the connections of ${peer} under its key with ${pin}: what is open there is finished, and nothing else is taken. */
void link_server_part(struct link_server *s, const char *peer, const uint8_t pin[PKI_PIN_LEN]);
/* Cuts off every connection under the key with ${pin} at once. */
void link_server_cut(struct link_server *s, const uint8_t pin[PKI_PIN_LEN]);
/*
 * ${peer} probes, and wants to be asked about its ${mailbox} (normal, or ""; borrowed): link_server_probed() with the same ${handle}, now or later.
 */
typedef void link_probe_cb(void *arg, uint64_t handle, const struct pki_peer *peer, const char *mailbox);
/* Whom to ask what is said about a peer that probes, six times at once and then every ten seconds at most; without it there is no such rpc. */
void link_server_probes(struct link_server *s, link_probe_cb *probe, void *arg);
/* Answers the probe ${handle} with ${say}, if somebody still waits for it. */
void link_server_probed(struct link_server *s, uint64_t handle, const struct link_probe *say);
/* Where connections go on which the other end wants to be asked (borrowed); without it they are refused. */
void link_server_clients(struct link_server *s, struct link_clients *k);
/* Cuts off every connection of ${peer} at once. */
void link_server_shut(struct link_server *s, const char *peer);
/*
 * Whoever comes to pair (docs/pairing.md) is handed to ${guest}, who takes over the stream; ${from} is borrowed. Without this
 * guests are sent away.
 */
void link_server_guests(struct link_server *s, void (*guest)(void *arg, struct pki_stream *stream, const char *from), void *arg);
/* Sends the answer for mailbox ${i}: takes nothing but a released one (the third seal). */
void link_call_answer(struct link_call *call, size_t i, const struct acl_released *r);
/*
 * Ends the call: FB_OK, or FB_NOT_ALLOWED (PERMISSION_DENIED), FB_BUSY (RESOURCE_EXHAUSTED), FB_TIMEOUT (DEADLINE_EXCEEDED) for the whole. ${why}
 * may be NULL.
 */
void link_call_done(struct link_call *call, enum fb_reason reason, const char *why);
#endif
