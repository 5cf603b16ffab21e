#include "bridge/proxy/query.h"
#include <stdio.h>
#include "bridge/base/log.h"

/* A peer speaks for the domains whose rows point to it, and for no other. */
static bool speaks_for(const struct proxy_query *pq)
{
	const struct fb_requester *who = &pq->q.requester;
	const char *domain = who->is_person ? fb_address_domain(who->name) : who->name;

	return address_space_is_of(pq->p->t, domain, pq->asker->name);
}

/* One line a question, however many it names: each mailbox has a line of its own behind it. */
static void say_not_ours(const struct proxy_query *pq, const char *first, size_t n)
{
	if (!refused_in_full(pq))
		return;
	log_event(LOG_LEVEL_WARN, "not-ours", LS("request-id", pq->q.request_id), LS("peer", pq->asker->name), LS("target", first), LI("mailboxes", n),
	          LS("text", "this peer asks about mailboxes that are not ours, this one first; its table and ours differ"));
}

/* Only our own mailboxes are answered for: whatever else a peer asks about is refused here and never routed on. */
static void keep_ours(struct proxy_query *pq)
{
	const char *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (*m->address)
			m->route = address_space_route(pq->p->t, fb_address_domain(m->address), &m->row);
		if (m->route == AS_LOCAL)
			continue;
		if (n++ == 0)
			first = pq->q.mailboxes[i].asked;
		query_put_reason(m, FB_NO_ACCESS);
	}
	if (n)
		say_not_ours(pq, first, n);
}

static void answer_known_peer(struct proxy_query *pq)
{
	judge_all(pq);
	local_fetch(pq);
}

static void answer_peer(void *arg)
{
	struct proxy_query *pq = arg;

	pq->doors_open++;
	if (!pq->asker->enabled || !speaks_for(pq)) {
		const char *why = pq->asker->enabled ? "no address-space row gives the requester's domain to this peer"
		                                             : "this peer is disabled";

		if (refused_in_full(pq))
			log_event(LOG_LEVEL_WARN, "not-allowed", LS("request-id", pq->q.request_id), LS("peer", pq->asker->name),
			          LS("requester", pq->q.requester.name), LS("text", why));
		query_refuse(pq, FB_NOT_ALLOWED, "this requester is in no domain that we have from this peer");
	} else {
		keep_ours(pq);
		budget_all(pq);
		look_up_all(pq, answer_known_peer);
	}
	query_leave(pq);
}

struct proxy_query *proxy_answer_peer(struct proxy *p, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline_ms,
                                      const struct proxy_peer_events *ev, void *arg)
{
	const struct conf_peer *asker = conf_peer_named(p->c, pki_peer_name(peer));
	struct proxy_query *pq;

	if (!asker) {
		log_warn("a pin matched the peer %s, which the configuration does not have", pki_peer_name(peer));
		return NULL;
	}
	if (deadline_ms > p->c->hard_stop_ms)
		deadline_ms = p->c->hard_stop_ms;
	pq = query_new(p, q, asker, deadline_ms > 0 ? deadline_ms : 0, answer_peer, arg);
	if (pq)
		pq->ev = *ev;
	return pq;
}
