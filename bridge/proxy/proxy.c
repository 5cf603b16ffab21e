#include "bridge/proxy/query.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"

struct proxy *proxy_new(struct loop *l, const struct conf *c, const struct address_space *t, const struct proxy_doors *doors)
{
	struct proxy *p = calloc(1, sizeof *p);

	if (p)
		*p = (struct proxy){.l = l, .c = c, .t = t, .doors = doors, .refused = refused_new(l, doors)};
	return p;
}

size_t proxy_open(const struct proxy *p)
{
	return p->open_ours + p->open_peers;
}

bool proxy_full(const struct proxy *p)
{
	return p->open_ours >= PROXY_MAX_OPEN;
}

/* ---- one query's life ---- */

static void query_free(struct proxy_query *pq)
{
	for (size_t i = 0; i < pq->q.n; i++) {
		acl_released_free(pq->m[i].released);
		fb_entry_release(pq->m[i].whom);
	}
	fb_entry_release(pq->who);
	if ((*pq->link = pq->next))
		pq->next->link = pq->link;
	loop_timer_free(pq->turn);
	loop_timer_free(pq->timer);
	free(pq->q.mailboxes);
	arena_free(pq->arena);
	free(pq);
}

static void query_end(struct proxy_query *pq)
{
	pq->ended = true;
	loop_timer_free(pq->timer);
	pq->timer = NULL;
	if (pq->asker)
		pq->p->open_peers--;
	else
		pq->p->open_ours--;
}

static void query_finish(struct proxy_query *pq)
{
	struct acl_released *all[FB_MAX_MAILBOXES];

	query_end(pq);
	log_query(pq, "done");
	if (pq->asker) {
		pq->ev.done(pq->arg, FB_OK, NULL);
		return;
	}
	for (size_t i = 0; i < pq->q.n; i++)
		all[i] = pq->m[i].released;
	pq->done(pq->arg, all);
}

void query_leave(struct proxy_query *pq)
{
	/* The count is held while the callbacks run: whatever they call, the query outlives them. */
	if (!pq->ended && pq->unanswered == 0)
		query_finish(pq);
	if (--pq->doors_open == 0 && pq->ended)
		query_free(pq);
}

/* Its record is written: now, and not before, the answer may leave the house. */
static void hand_on(struct proxy_mailbox *m)
{
	struct proxy_query *pq = m->pq;

	pq->unanswered--;
	if (!pq->asker)
		return;
	/* Without memory for even a reason the peer misses this answer, which its end turns into a failure. */
	if (m->released)
		pq->ev.answer(pq->arg, m->i, m->released);
	acl_released_free(m->released);
	m->released = NULL;
}

static void keep_back(struct proxy_mailbox *m)
{
	acl_released_free(m->released);
	m->released = acl_release_reason(FB_BUSY);
}

static void record_written(void *arg, bool ok)
{
	struct proxy_mailbox *m = arg;
	struct proxy_query *pq = m->pq;

	if (!pq->ended) {
		if (!ok)
			keep_back(m);
		hand_on(m);
	}
	query_leave(pq);
}

/* Is ${m}, answered with the word ${result}, written down by itself? Else it was refused, and is counted. */
static bool is_told(struct proxy_mailbox *m, const char *result)
{
	struct proxy_query *pq = m->pq;

	if (!pq->then && !refused_in_full(pq)) {
		refused_count(m, result);
		return false;
	}
	pq->told = true;
	return true;
}

static enum fb_reason reason_of(const struct proxy_mailbox *m)
{
	return m->released ? acl_released_view(m->released)->reason : FB_NOT_COMPUTED;
}

void query_put(struct proxy_mailbox *m, struct acl_released *r)
{
	struct proxy_query *pq = m->pq;
	enum audit_said said = AUDIT_SAID;

	if (m->answered || pq->ended) {
		acl_released_free(r);
		return;
	}
	m->answered = true;
	m->released = r ? r : acl_release_reason(FB_NOT_COMPUTED);
	if (is_told(m, fb_reason_row(reason_of(m))->word)) {
		said = log_audit(m, fb_reason_row(reason_of(m))->word, record_written);
		if (said == AUDIT_REFUSED)
			keep_back(m);
		log_mailbox(m, reason_of(m));
	}
	if (said == AUDIT_WAITS)
		pq->doors_open++;
	else
		hand_on(m);
}

void query_put_reason(struct proxy_mailbox *m, enum fb_reason reason)
{
	if (!m->answered && !m->pq->ended) /* most have been, when a door closes behind its answers */
		query_put(m, acl_release_reason(reason));
}

void query_refuse(struct proxy_query *pq, enum fb_reason reason, const char *why)
{
	/* Nothing leaves but the refusal, so nothing waits for its records. */
	for (size_t i = 0; i < pq->q.n; i++)
		if (is_told(&pq->m[i], fb_reason_row(reason)->word))
			log_audit(&pq->m[i], fb_reason_row(reason)->word, NULL);
	query_end(pq);
	log_query(pq, fb_reason_row(reason)->word);
	pq->ev.done(pq->arg, reason, why);
}

/* What nobody answered in time is a failure, never free time. Doors that answer later find the mailbox taken. */
static void query_late(void *arg)
{
	struct proxy_query *pq = arg;

	pq->doors_open++;
	for (size_t i = 0; i < pq->q.n; i++)
		query_put_reason(&pq->m[i], FB_TIMEOUT);
	query_leave(pq);
}

static int query_copy(struct proxy_query *pq, const struct fb_query *q)
{
	if (q->n > FB_MAX_MAILBOXES || !(pq->arena = arena_new(PROXY_ARENA_BYTES)))
		return -1;
	pq->q = *q;
	pq->q.mailboxes = fb_mailboxes_copy(q->mailboxes, q->n);
	pq->m = arena_alloc(pq->arena, (q->n + 1) * sizeof *pq->m);
	if (!pq->q.mailboxes || !pq->m)
		return -1;
	for (size_t i = 0; i < q->n; i++)
		pq->m[i] = (struct proxy_mailbox){.pq = pq, .i = i, .address = pq->q.mailboxes[i].address, .peer = pq->asker};
	pq->unanswered = q->n;
	return 0;
}

struct proxy_query *query_new(struct proxy *p, const struct fb_query *q, const struct conf_peer *asker, int64_t deadline_ms,
                              loop_cb *begin, void *arg)
{
	struct proxy_query *pq;

	if ((asker ? p->open_peers : p->open_ours) >= PROXY_MAX_OPEN || !(pq = calloc(1, sizeof *pq)))
		return NULL;
	pq->p = p;
	pq->asker = asker;
	pq->arg = arg;
	if (query_copy(pq, q) < 0) {
		free(pq->q.mailboxes);
		arena_free(pq->arena);
		free(pq);
		return NULL;
	}
	pq->began = loop_ms();
	pq->deadline = pq->began + deadline_ms;
	if ((pq->next = p->list))
		pq->next->link = &pq->next;
	pq->link = &p->list;
	p->list = pq;
	if (asker)
		p->open_peers++;
	else
		p->open_ours++;
	pq->turn = loop_timer_new(p->l, 0, begin, pq);
	pq->timer = loop_timer_new(p->l, deadline_ms, query_late, pq);
	return pq;
}

/* What was asked and nobody waited for was asked all the same. */
static void audit_rest(struct proxy_query *pq)
{
	for (size_t i = 0; i < pq->q.n; i++)
		if (!pq->m[i].answered && is_told(&pq->m[i], "cancelled"))
			log_audit(&pq->m[i], "cancelled", NULL);
}

void proxy_cancel(struct proxy_query *pq)
{
	if (!pq || pq->ended)
		return;
	audit_rest(pq);
	query_end(pq);
	log_query(pq, "cancelled");
	loop_timer_free(pq->turn);
	pq->turn = NULL;
	if (pq->doors_open == 0)
		query_free(pq);
}

void proxy_free(struct proxy *p)
{
	if (!p)
		return;
	while (p->list) {
		if (!p->list->ended)
			audit_rest(p->list);
		query_free(p->list);
	}
	refused_free(p->refused);
	free(p);
}

/* ---- a question of our own people ---- */

/* Its domain says who answers for a mailbox; one that nobody answers for is done here. */
static void route_all(struct proxy_query *pq)
{
	const struct proxy *p = pq->p;

	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (!*m->address) {
			query_put_reason(m, FB_BAD_ADDRESS);
			continue;
		}
		m->route = address_space_route(p->t, fb_address_domain(m->address), &m->row);
		if (m->route == AS_LOCAL)
			m->peer = conf_peer_named(p->c, "local");
		else if (m->route == AS_PEER)
			m->peer = conf_peer_named(p->c, m->row->peer);
		else
			query_put_reason(m, FB_NO_ADDRESS_SPACE);
	}
}

/* ... and from there on. */
static void answer_known(struct proxy_query *pq)
{
	judge_all(pq);
	local_fetch(pq);
	remote_ask(pq);
}

/* The whole life of one query, in the order it happens: up to what has to be known, */
static void answer_ours(void *arg)
{
	struct proxy_query *pq = arg;

	pq->doors_open++;
	route_all(pq);
	budget_all(pq);
	look_up_all(pq, answer_known);
	query_leave(pq);
}

struct proxy_query *proxy_ask(struct proxy *p, const struct fb_query *q, proxy_done_cb *cb, void *arg)
{
	struct proxy_query *pq = query_new(p, q, NULL, p->c->query_deadline_ms, answer_ours, arg);

	if (pq)
		pq->done = cb;
	return pq;
}
