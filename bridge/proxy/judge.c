#include "bridge/proxy/query.h"
#include <string.h>

struct acl_verdict judge_one(const struct proxy_doors *doors, const struct conf_peer *peer, bool in,
                             const struct fb_requester *requester, const char *target, struct fb_facts facts)
{
	const struct acl_question question = {
		.peer = peer,
		.in = in,
		.requester = requester,
		.target = target,
		.facts = facts,
		.member = doors->member,
		.member_arg = doors->door,
	};

	return acl_decide(&question);
}

static void judge_mailbox(struct proxy_mailbox *m)
{
	struct proxy_query *pq = m->pq;
	bool in = m->route == AS_LOCAL;
	struct acl_verdict *kept;

	if (!m->peer) {
		query_put_reason(m, FB_PEER_FAILED);
		return;
	}
	const struct acl_verdict verdict = judge_one(pq->p->doors, m->peer, in, &pq->q.requester, m->address, m->facts);

	/* Kept as it was made: nothing here could write a verdict of its own. */
	if (!(kept = arena_alloc(pq->arena, sizeof *kept))) {
		query_put_reason(m, FB_NOT_COMPUTED);
		return;
	}
	memcpy(kept, &verdict, sizeof verdict);
	m->verdict = kept;
	if (verdict.level == FB_LEVEL_NONE)
		query_put_reason(m, verdict.reason);
	else if (!in && !m->peer->enabled)
		query_put_reason(m, FB_PEER_FAILED);
}

void judge_all(struct proxy_query *pq)
{
	for (size_t i = 0; i < pq->q.n; i++)
		if (!pq->m[i].answered)
			judge_mailbox(&pq->m[i]);
}
