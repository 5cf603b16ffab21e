#include "bridge/proxy/query.h"

/* The one place where budgets are asked, before anybody looks anything up: who is over one learns nothing about the target. */
void budget_all(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;
	const char *targets[FB_MAX_MAILBOXES];
	bool go[FB_MAX_MAILBOXES];
	size_t n = 0, k = 0;

	for (size_t i = 0; i < pq->q.n; i++)
		if (!pq->m[i].answered)
			targets[n++] = pq->m[i].address;
	if (!n)
		return;
	doors->budget(doors->door, pq->asker ? pq->asker->name : NULL, &pq->q.requester, targets, n, go);
	for (size_t i = 0; i < pq->q.n; i++)
		if (!pq->m[i].answered && !go[k++])
			query_put_reason(&pq->m[i], FB_BUSY);
}
