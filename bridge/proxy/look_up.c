#include "bridge/proxy/query.h"
#include <string.h>

/* Who the requester is and what the targets are, all of it before anything is decided: how long it takes tells nothing about whom. */

static bool is_ours(const struct address_space *t, const char *address)
{
	const struct conf_address_space *row;

	return address_space_route(t, fb_address_domain(address), &row) == AS_LOCAL;
}

bool look_up_is_moved(const struct address_space *t, const struct fb_entry *whom)
{
	return *whom->moved_to || !is_ours(t, whom->address);
}

struct fb_facts look_up_facts(const struct address_space *t, const struct fb_entry *whom, enum fb_fact exists)
{
	if (!whom)
		return (struct fb_facts){FB_COULD_NOT_TELL, FB_COULD_NOT_TELL};
	return (struct fb_facts){look_up_is_moved(t, whom) ? FB_NO : exists, whom->hidden};
}

const char *look_up_name(const struct address_space *t, const char *address, const struct fb_entry *who)
{
	if (!who || strcmp(address, who->address) == 0)
		return address; /* the canonical one is what was asked: nothing to look for */
	return is_ours(t, address) && is_ours(t, who->address) ? who->address : address;
}

/* What was found becomes what the rules, the audit and the backend see. */
static void take_in(struct proxy_query *pq)
{
	const struct proxy_doors *doors = pq->p->doors;
	const struct address_space *t = pq->p->t;
	char *name = pq->q.requester.name;

	if (pq->who) /* a copy onto itself if there is nothing new */
		memmove(name, look_up_name(t, name, pq->who), strlen(look_up_name(t, name, pq->who)) + 1);
	for (size_t i = 0; i < pq->q.n; i++) {
		struct proxy_mailbox *m = &pq->m[i];

		if (m->answered)
			continue;
		if (m->route == AS_LOCAL) {
			m->facts = look_up_facts(t, m->whom, m->whom ? doors->exists(doors->door, m->whom) : FB_COULD_NOT_TELL);
			m->address = look_up_name(t, m->address, m->whom);
		} else {
			m->facts = (struct fb_facts){FB_YES, FB_NO}; /* the other side looks its own up */
		}
	}
}

/* One look-up less is open; behind the last of them the query goes on. */
static void one_less(struct proxy_query *pq)
{
	if (--pq->looking_up > 0 || pq->ended)
		return;
	take_in(pq);
	pq->then(pq);
}

static void found_requester(void *arg, const struct fb_entry *who)
{
	struct proxy_query *pq = arg;

	pq->who = who;
	one_less(pq);
	query_leave(pq);
}

static void found_target(void *arg, const struct fb_entry *whom)
{
	struct proxy_mailbox *m = arg;
	struct proxy_query *pq = m->pq;

	m->whom = whom;
	one_less(pq);
	query_leave(pq);
}

static void look_up(struct proxy_query *pq, const char *address, void (*found)(void *arg, const struct fb_entry *e), void *arg)
{
	pq->looking_up++;
	pq->doors_open++;
	pq->p->doors->look_up(pq->p->doors->door, address, found, arg);
}

void look_up_all(struct proxy_query *pq, void (*then)(struct proxy_query *pq))
{
	bool any = false;

	pq->then = then;
	pq->looking_up = 1; /* ours: no answer on the spot goes on before all have been asked for */
	for (size_t i = 0; i < pq->q.n; i++)
		if (!pq->m[i].answered) {
			any = true;
			look_up(pq, pq->m[i].address, found_target, &pq->m[i]);
		}
	if (any && pq->q.requester.is_person)
		look_up(pq, pq->q.requester.name, found_requester, pq);
	one_less(pq);
}
