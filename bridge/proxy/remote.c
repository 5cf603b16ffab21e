#include "bridge/proxy/query.h"
#include <string.h>
#include "bridge/base/log.h"

/* One rpc: the mailboxes of one peer that are asked with one access method. It lives in the query's arena. */
struct rpc {
	struct proxy_query *pq;
	const struct conf_peer *peer;
	enum conf_access_method method;
	enum fb_level level; /* the highest any of them may get: nothing above it need cross the link */
	struct fb_query q;
	struct proxy_mailbox **list;
};

static void answered(void *arg, size_t i, const struct fb_answer *raw)
{
	struct rpc *r = arg;
	struct proxy_mailbox *m;

	if (i >= r->q.n || (m = r->list[i])->answered || r->pq->ended)
		return;
	/* Our own verdict counts as well, whatever the other side chose to send. */
	query_put(m, acl_release(raw, m->verdict, &r->pq->q));
}

static void finished(void *arg, enum fb_reason reason, const char *why)
{
	struct rpc *r = arg;
	struct proxy_query *pq = r->pq;

	if (reason != FB_OK && !pq->ended)
		log_event(LOG_LEVEL_WARN, "ask-failed", LS("request-id", pq->q.request_id), LS("peer", r->peer->name),
		          LS("result", fb_reason_row(reason)->word), LS("text", why));
	/* A peer that ends well and says nothing of a mailbox has failed it. */
	if (reason == FB_OK || reason == FB_NOT_COMPUTED)
		reason = FB_PEER_FAILED;
	for (size_t i = 0; i < r->q.n; i++)
		query_put_reason(r->list[i], reason);
	query_leave(pq);
}

static bool belongs(const struct rpc *r, const struct proxy_mailbox *m)
{
	return !m->answered && m->route == AS_PEER && m->peer == r->peer && m->row->method == r->method;
}

/* On an organisation-wide row the other side learns our domain and no name; it is also what is said where no user is known. */
static void name_requester(struct rpc *r)
{
	struct fb_requester *who = &r->q.requester;

	if (r->method == CONF_PER_USER_FB && who->is_person)
		return;
	*who = (struct fb_requester){.is_person = false};
	strncpy(who->name, r->pq->p->c->primary_domain, sizeof who->name - 1);
}

/* The rpc that the mailbox ${first} opens, with every later one that fits. NULL when out of memory. */
static struct rpc *gather(struct proxy_query *pq, struct proxy_mailbox *first)
{
	struct rpc *r = arena_alloc(pq->arena, sizeof *r);
	size_t n = 0, left = pq->q.n - first->i;

	if (!r)
		return NULL;
	*r = (struct rpc){.pq = pq, .peer = first->peer, .method = first->row->method, .q = pq->q};
	r->list = arena_alloc(pq->arena, left * sizeof *r->list);
	r->q.mailboxes = arena_alloc(pq->arena, left * sizeof *r->q.mailboxes);
	if (!r->list || !r->q.mailboxes)
		return NULL;
	for (struct proxy_mailbox *m = first; m < pq->m + pq->q.n; m++) {
		if (!belongs(r, m))
			continue;
		r->list[n] = m;
		r->q.mailboxes[n++] = (struct fb_mailbox){m->address, m->address};
		if (m->verdict->level > r->level)
			r->level = m->verdict->level;
	}
	r->q.n = n;
	r->q.view = fb_view_cut(pq->q.view, r->level);
	name_requester(r);
	return r;
}

static bool was_gathered(struct rpc *const *rpcs, size_t n, const struct proxy_mailbox *m)
{
	for (size_t i = 0; i < n; i++)
		if (belongs(rpcs[i], m))
			return true;
	return false;
}

void remote_ask(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;
	struct rpc *rpcs[FB_MAX_MAILBOXES];
	size_t n = 0;

	/* All are gathered before the first is asked: an answer on the spot must not change who belongs where. */
	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (m->answered || m->route != AS_PEER || was_gathered(rpcs, n, m))
			continue;
		if ((rpcs[n] = gather(pq, m)))
			n++;
		else
			query_put_reason(m, FB_NOT_COMPUTED);
	}
	for (size_t i = 0; i < n && !pq->ended; i++) {
		int64_t left = pq->deadline - loop_ms() - PROXY_LINK_RESERVE_MS;

		pq->doors_open++;
		doors->ask(doors->door, rpcs[i]->peer->name, &rpcs[i]->q, left > 1 ? left : 1, answered, finished, rpcs[i]);
	}
}
