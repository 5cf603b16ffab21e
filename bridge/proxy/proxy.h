#ifndef BRIDGE_PROXY_PROXY_H
#define BRIDGE_PROXY_PROXY_H
#include "bridge/acl/release.h"
#include "bridge/address_space/table.h"
#include "bridge/audit/writer.h"
#include "bridge/availability/answer.h"
#include "bridge/availability/facts.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"
#include "pki/pin.h"

/* The life of one query. Reading this room is reading the product. */
struct proxy;

/*
 * What the proxy asks of the rest of the house; the process room fills it in (a unit test puts its own there).
 * Each call with a callback but `audit` is answered by exactly one end callback, however late; the proxy keeps its query alive until then.
 */
struct proxy_doors {
	/*
	 * What is known of ${address} (normal): an entry that the callback has to release, or NULL when out of memory. May call back
	 * before it returns.
	 */
	void (*look_up)(void *door, const char *address, void (*cb)(void *arg, const struct fb_entry *who), void *arg);
	/* Has ${who}, one of ours, a mailbox? At once. */
	enum fb_fact (*exists)(void *door, const struct fb_entry *who);
	/* The calendar of ${who} (held until the end): answered within ${deadline_ms} or given up by then. ${hops}: as fb_hops_of(). */
	void (*fetch)(void *door, const struct fb_entry *who, struct fb_window w, int interval, unsigned hops, int64_t deadline_ms,
	              void (*cb)(void *arg, const struct fb_answer *raw), void *arg);
	void (*ask)(void *door, const char *peer, const struct fb_query *q, int64_t deadline_ms,
	            void (*answer)(void *arg, size_t i, const struct fb_answer *raw),
	            void (*done)(void *arg, enum fb_reason reason, const char *why), void *arg);
	/* Writes down what became of one mailbox, before its answer leaves; as audit_writer_say(). */
	enum audit_said (*audit)(void *door, const struct audit_query *what, void (*written)(void *arg, bool ok), void *arg);
	/* Writes down how many were refused, as audit_writer_say_refused(). */
	bool (*refused)(void *door, const struct audit_refused *what);
	/*
	 * May ${requester} (${peer} not NULL: whom that peer names) ask about each of the ${n} ${targets} (at most FB_MAX_MAILBOXES) just
	 * now? Says so in ${go}. Asked once a query, before anything is looked up.
	 */
	void (*budget)(void *door, const char *peer, const struct fb_requester *requester, const char *const *targets, size_t n, bool *go);
	void *door;
};

/* ${c}, ${t} and ${doors} are borrowed for its life. NULL when out of memory. Caller frees. */
struct proxy *proxy_new(struct loop *l, const struct conf *c, const struct address_space *t, const struct proxy_doors *doors);
/*
 * Frees it; open queries end without a callback. The doors must not call back any more: free what is behind them first. NULL is
 * allowed.
 */
void proxy_free(struct proxy *p);
/* Queries that are open. */
size_t proxy_open(const struct proxy *p);

/*
 * A question of our own people, from the front or the control socket. All answers are there: ${released} has one a mailbox, in
 * order, borrowed for the call.
 */
typedef void proxy_done_cb(void *arg, struct acl_released *const *released);
/* A handle to one open query of our own; valid until its callback ran or it was cancelled. */
struct proxy_query;
/* True while proxy_ask() takes nothing more. */
bool proxy_full(const struct proxy *p);
/*
 * Answers ${q} (copied) within the query deadline of the settings: exactly one callback, never before it returns, unless
 * cancelled. NULL when out of memory or when 1,000 are open (no callback).
 */
struct proxy_query *proxy_ask(struct proxy *p, const struct fb_query *q, proxy_done_cb *cb, void *arg);
/* The client went away: no callback any more. */
void proxy_cancel(struct proxy_query *pq);

/* A peer's question. Answers come one by one in any order, then the end. */
struct proxy_peer_events {
	void (*answer)(void *arg, size_t i, const struct acl_released *r);
	/* Exactly once, never before proxy_answer_peer() returned, unless cancelled. */
	void (*done)(void *arg, enum fb_reason reason, const char *why);
};
/*
 * ${peer} is the seal: nobody without a matched pin gets here. A requester outside the peer's own domains ends the whole call
 * with FB_NOT_ALLOWED; a target outside ours is FB_NO_ACCESS and is never routed on (hop limit 1). NULL when out of memory or
 * when 1,000 of peers are open (no callback): say FB_BUSY.
 */
struct proxy_query *proxy_answer_peer(struct proxy *p, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline_ms,
                                      const struct proxy_peer_events *ev, void *arg);

/* What decides about one pair, asking nobody: for `explain`. The row, the rule on this side, the level and why, in words. */
struct proxy_explanation {
	enum as_route route;
	const char *peer, *direction; /* "local", "site-b"; "in" or "out" */
	const struct conf_rule *rule; /* NULL = none matched */
	int rule_number;
	enum fb_level level;
	enum fb_reason reason;
	char why[512];
};
/*
 * Fills ${out} for the question of ${requester} (normal address or domain; a foreign one is taken as asked by its peer), looked up as ${who}
 * (NULL: an organisation), about ${target} (normal), looked up as ${whom}, of which somebody says whether it ${exists}.
 */
void proxy_explain(const struct conf *c, const struct address_space *t, const char *requester, const struct fb_entry *who,
                   const char *target, const struct fb_entry *whom, enum fb_fact exists, struct proxy_explanation *out);
#endif
