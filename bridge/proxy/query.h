#ifndef BRIDGE_PROXY_QUERY_H
#define BRIDGE_PROXY_QUERY_H
#include "bridge/base/arena.h"
#include "bridge/proxy/proxy.h"

/* Inside the proxy: one query on its way through the steps. Nobody outside this room includes it. */
enum {
	PROXY_MAX_OPEN = 1000,       /* queries of our own, and as many again of peers */
	PROXY_LINK_RESERVE_MS = 500, /* what the link's deadline is short of ours, so that its answers still reach the client */
	PROXY_ARENA_BYTES = 1 << 20  /* 100 mailboxes with everything about them take a tenth */
};

/* One mailbox; the steps fill it from top to bottom. */
struct proxy_mailbox {
	struct proxy_query *pq;
	size_t i;                              /* its place in the query */
	const char *address;                   /* normal, or ""; behind the look-up the canonical one */
	enum as_route route;
	const struct conf_address_space *row;
	const struct conf_peer *peer;          /* whose rules decide: of a peer's question the peer; NULL = nobody's */
	const struct fb_entry *whom;           /* held; NULL = not looked up, or out of memory */
	struct fb_facts facts;
	const struct acl_verdict *verdict;     /* in the query's arena; NULL = never judged */
	bool answered;                         /* its answer is known; it may still wait for its record */
	struct acl_released *released;         /* ours alone: a peer's answer leaves at once */
};

struct proxy_query {
	struct proxy_query *next, **link;      /* the proxy's list */
	struct proxy *p;
	struct arena *arena;
	struct fb_query q;
	const struct conf_peer *asker;         /* the peer that asks; NULL for our own people */
	struct proxy_mailbox *m;
	const struct fb_entry *who;            /* the requester, held; NULL = an organisation, not looked up, or out of memory */
	size_t looking_up;                     /* look-ups that are still open */
	void (*then)(struct proxy_query *pq);  /* the step behind them; NULL = nothing was looked up yet, and what is answered is refused */
	size_t unanswered;                     /* mailboxes whose answer has not been handed on */
	size_t doors_open;                     /* calls into other rooms that will still call back, and steps that are running */
	bool ended;                            /* its callback ran, or it was cancelled */
	bool told;                             /* a mailbox of it has a line or a record of its own */
	int64_t began, deadline;               /* loop_ms() */
	struct loop_timer *turn, *timer;
	proxy_done_cb *done;                   /* ours */
	struct proxy_peer_events ev;           /* a peer's */
	void *arg;
};

struct proxy {
	struct loop *l;
	const struct conf *c;
	const struct address_space *t;
	const struct proxy_doors *doors;
	struct proxy_query *list;
	size_t open_ours, open_peers;
	struct refused *refused;
};

/*
 * proxy.c: a new query with its own copy of ${q}, whose steps start in the loop's next turn. NULL when out of memory or over
 * PROXY_MAX_OPEN.
 */
struct proxy_query *query_new(struct proxy *p, const struct fb_query *q, const struct conf_peer *asker, int64_t deadline_ms,
                              loop_cb *begin, void *arg);
/*
 * proxy.c: the first answer of a mailbox counts, a later one is dropped. Consumes ${r}; NULL counts as FB_NOT_COMPUTED. Logs its
 * line; it is handed on when its record is written.
 */
void query_put(struct proxy_mailbox *m, struct acl_released *r);
/* proxy.c: the same with a failure. */
void query_put_reason(struct proxy_mailbox *m, enum fb_reason reason);
/* proxy.c: ends the whole of a peer's call without answers. */
void query_refuse(struct proxy_query *pq, enum fb_reason reason, const char *why);
/* proxy.c: a step or a door is done with ${pq}: ends it when nothing is missing, frees it when nobody can come back to it. */
void query_leave(struct proxy_query *pq);

/* One pair, and all that is known about it. */
struct judge_pair {
	const struct fb_requester *requester;
	const char *target;         /* canonical */
	const struct fb_entry *who; /* the requester; NULL = an organisation, or nothing is known */
	const struct fb_entry *whom;
	struct fb_facts facts;
};
/* judge.c: THE call of acl_decide(). */
struct acl_verdict judge_one(const struct conf_peer *peer, bool in, const struct judge_pair *pair);
/* judge.c: judges every mailbox that is still open and answers those that get nothing. */
void judge_all(struct proxy_query *pq);

/* budget.c: every open target is paid for, or answered with busy. */
void budget_all(struct proxy_query *pq);

/* look_up.c: looks the requester and every open target up; behind the last of them ${then} runs, unless the query has ended. */
void look_up_all(struct proxy_query *pq, void (*then)(struct proxy_query *pq));
/* look_up.c: the facts that decide about ${whom} (NULL: nothing is known), of whom somebody says whether it ${exists}. */
struct fb_facts look_up_facts(const struct address_space *t, const struct fb_entry *whom, enum fb_fact exists);
/* look_up.c: is the mailbox of ours that was looked up somewhere else now? */
bool look_up_is_moved(const struct address_space *t, const struct fb_entry *whom);
/* look_up.c: what rules call ${address}, which was looked up as ${who}: the canonical address of ours; others' are not ours to change. */
const char *look_up_name(const struct address_space *t, const char *address, const struct fb_entry *who);
/* local.c: fetches and releases every open target of ours. */
void local_fetch(struct proxy_query *pq);
/* remote.c: asks each peer about its own. */
void remote_ask(struct proxy_query *pq);

/*
 * refused.c: what is refused before anything is looked up is in no budget, and whoever may ask could fill the disk with lines and
 * records about it. So about each who asks only so many are written as a log_quota takes; the others are counted, by who asked and
 * why it was refused, and become a record a minute. Aborts when out of memory. Caller frees; that writes what is counted.
 */
struct refused *refused_new(struct loop *l, const struct proxy_doors *doors);
/* See refused_new(). */
void refused_free(struct refused *r);
/* May one more line or record be written that such a question of whoever asks ${pq} causes? */
bool refused_in_full(const struct proxy_query *pq);
/* Counts ${m}, refused with the word ${result} (lives for ever), which is not written in full. */
void refused_count(const struct proxy_mailbox *m, const char *result);

/* log.c: the one line of a mailbox that was just answered with ${reason}. */
void log_mailbox(const struct proxy_mailbox *m, enum fb_reason reason);
/* log.c: the one record of a mailbox; ${result} is a word. With ${written} (its argument is ${m}) it may wait. */
enum audit_said log_audit(struct proxy_mailbox *m, const char *result, void (*written)(void *arg, bool ok));
/* log.c: what a record and a line of ${m} say alike. */
const char *log_direction(const struct proxy_mailbox *m);
/* log.c: the one line of a query at its end; ${result} is a word. */
void log_query(const struct proxy_query *pq, const char *result);
#endif
