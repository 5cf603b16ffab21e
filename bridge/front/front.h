#ifndef BRIDGE_FRONT_FRONT_H
#define BRIDGE_FRONT_FRONT_H
#include "bridge/acl/release.h"
#include "bridge/address_space/table.h"
#include "bridge/availability/facts.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"
#include "bridge/login/login.h"
#include "bridge/trace/trace.h"
#include "pki/tls.h"

/* The local clients' door: HTTPS, HTTP/1.1 framing (RFC 9112), login, EWS and Autodiscover. */
struct front;

/* What the front asks of the rest of the house; the process room fills it in. */
struct front_doors {
	/* True while nothing more is taken: a request is refused as busy before it is read. */
	bool (*full)(void *door);
	/*
	 * Asks ${q}; exactly one ${done} with one released answer a mailbox (borrowed for the call), never before it returns. The handle is for
	 * cancel; NULL = overloaded, no callback.
	 */
	void *(*ask)(void *door, const struct fb_query *q, void (*done)(void *arg, struct acl_released *const *answers), void *arg);
	/* The client went away: no callback any more. */
	void (*cancel)(void *door, void *handle);
	/*
	 * Who is ${name} (SID or address), of ours? One ${cb}, possibly before it returns, with an entry to release, or NULL when out of memory.
	 * Fits directory_identify().
	 */
	void (*identify)(void *door, const char *name, void (*cb)(void *arg, const struct fb_entry *who), void *arg);
	/*
	 * One step of a login, asked of a login worker; ${q} is borrowed for the call. Exactly one ${done} with the reply (borrowed), never before
	 * it returns.
	 */
	void (*login)(void *door, const struct login_question *q, void (*done)(void *arg, const struct login_reply *r), void *arg);
	void *door;
	struct loop *loop;  /* where a SOAP request waits, with HTTPS and without; never NULL */
	int hard_stop_ms;   /* an answer that is not there by then becomes a fault ErrorTimeoutExpired (conf: hard_stop_ms) */
};

/* Serves the connections given by front_accept(). ${c}, ${t}, ${tls} and ${doors} are borrowed. NULL when out of memory. Caller frees. */
struct front *front_new(struct loop *l, const struct conf *c, const struct address_space *t, struct pki_tls *tls, const struct front_doors *doors);
/*
 * From now on the schemes of the settings are offered that ${can} has (1 << enum login_scheme each): what the login workers are able to. At first
 * Basic alone.
 */
void front_offer(struct front *f, unsigned can);
/* Appends the names of the schemes that are offered, the strongest first, with ", " between them. */
void front_put_offered(const struct front *f, struct buf *out);
/* From now on what is said is recorded in ${t} (borrowed until front_free()); before the first front_accept(). */
void front_trace(struct front *f, struct trace *t);
/* Closes everything. NULL is allowed. */
void front_free(struct front *f);
/*
 * Takes over an accepted socket; ${peer} is the client's address as text, for the log and the caps. At a cap the connection that has
 * waited longest for a client that never logged in makes room; if there is none, the one that has been idle longest; where all others
 * are busy, the new one is closed.
 */
void front_accept(struct front *f, int fd, const char *peer);
/* No keep-alive any more: each connection closes after the answer it is busy with, idle ones at once. */
void front_drain(struct front *f);
/* Connections that are open. */
size_t front_open(const struct front *f);

/*
 * One SOAP request without HTTP around it: what both HTTPS and the control socket's `query` go through, so that rules and limits are
 * the same. ${requester} is who asks; with ${may_name} it is a server of ours that may name the person it asks for, who then asks
 * instead. ${xml} (${n} bytes) is borrowed for the call. Exactly one ${done} with the HTTP status and the
 * body (borrowed), never before it returns. The handle is for front_soap_cancel(); NULL when out of memory (no callback).
 */
struct front_soap;
/* See above. */
struct front_soap *front_soap_ask(const struct front_doors *doors, const struct fb_requester *requester, bool may_name,
                                  const char *client_id, const void *xml, size_t n, void (*done)(void *arg, int status, struct buf *body), void *arg);
/* The asker went away: no callback any more. */
void front_soap_cancel(struct front_soap *s);
#endif
