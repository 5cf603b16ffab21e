#include "bridge/proxy/query.h"

static void fetched(void *arg, const struct fb_answer *raw)
{
	struct proxy_mailbox *m = arg;
	struct proxy_query *pq = m->pq;

	if (!m->answered && !pq->ended)
		query_put(m, acl_release(raw, m->verdict, &pq->q));
	query_leave(pq);
}

void local_fetch(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;
	const unsigned hops = fb_hops_of(pq->q.client_id);
	int64_t left = pq->deadline - loop_ms();

	for (size_t i = 0; i < pq->q.n && !pq->ended; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (m->answered || m->route != AS_LOCAL)
			continue;
		pq->doors_open++;
		doors->fetch(doors->door, m->whom, pq->q.window, pq->q.interval, hops, left > 1 ? left : 1, fetched, m);
	}
}
