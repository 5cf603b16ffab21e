#include "bridge/proxy/query.h"
#include <string.h>

/* Fits acl_member_fn: of whom the rules ask is one of the two; if both are the same person, so are their entries. */
static enum fb_fact member(void *arg, const char *group, const char *address)
{
	const struct judge_pair *pair = arg;

	return fb_entry_member(strcmp(address, pair->target) == 0 ? pair->whom : pair->who, group);
}

struct acl_verdict judge_one(const struct conf_peer *peer, bool in, const struct judge_pair *pair)
{
	struct judge_pair asked = *pair;
	const struct acl_question question = {
		.peer = peer,
		.in = in,
		.requester = pair->requester,
		.target = pair->target,
		.facts = pair->facts,
		.member = member,
		.member_arg = &asked,
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
	const struct judge_pair pair = {&pq->q.requester, m->address, pq->who, m->whom, m->facts};
	const struct acl_verdict verdict = judge_one(m->peer, in, &pair);

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
