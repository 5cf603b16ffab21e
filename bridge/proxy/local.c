#include "bridge/proxy/query.h"

/* Looked up whatever the rules will say, and all of them before the first answer: how long it takes tells nothing about whom. */
void local_look_up(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;

	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (m->answered)
			continue;
		if (m->route == AS_LOCAL)
			m->facts = (struct fb_facts){doors->exists(doors->door, m->address), doors->hidden(doors->door, m->address)};
		else
			m->facts = (struct fb_facts){FB_YES, FB_NO}; /* the other side looks its own up */
	}
}

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

	for (size_t i = 0; i < pq->q.n && !pq->ended; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (m->answered || m->route != AS_LOCAL)
			continue;
		pq->doors_open++;
		doors->fetch(doors->door, m->address, pq->q.window, fetched, m);
	}
}
