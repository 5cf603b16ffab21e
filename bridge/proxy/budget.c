#include "bridge/proxy/query.h"

/* The one place where budgets are asked, before anybody looks anything up: who is over one learns nothing about the target. */
void budget_all(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;
	const char *peer = pq->asker ? pq->asker->name : NULL;

	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (!m->answered && !doors->budget(doors->door, peer, &pq->q.requester, m->address))
			query_put_reason(m, FB_BUSY);
	}
}
