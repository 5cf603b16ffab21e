#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/quota.h"
#include "bridge/proxy/query.h"

/* See refused_new(). Only those who asked are more than can be kept apart; peers and reasons are as many as the settings and the list have. */

enum { NAMED = 64 /* of each peer, and of our own people: whom one of them makes up hides none of another's */, TELL_MS = 60000 };

/* How many of one who asked were refused for one reason. */
struct sum {
	char requester[FB_ADDRESS_MAX + 1]; /* "" = all others */
	const char *peer, *direction, *result;
	uint64_t mailboxes;
	time_t since; /* when the first was: the machine may sleep, and the clock be set, before they are told */
};

struct refused {
	struct loop *loop;
	const struct proxy_doors *doors;
	struct log_quota *quota;
	struct sum *sums;
	size_t n, room;
	struct loop_timer *tell; /* runs while something is counted */
};

struct refused *refused_new(struct loop *l, const struct proxy_doors *doors)
{
	struct refused *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	*r = (struct refused){.loop = l, .doors = doors, .quota = log_quota_new(l, 1)};
	return r;
}

bool refused_in_full(const struct proxy_query *pq)
{
	const struct fb_requester *who = &pq->q.requester;

	/* A peer, and an account of a server, can name as many who ask as they like. */
	return log_quota_takes(pq->p->refused->quota, pq->asker ? pq->asker->name : *who->account ? who->account : who->name);
}

/* Writes them down. What cannot be written stays, and is tried again. */
static void tell(void *arg)
{
	struct refused *r = arg;
	time_t now = time(NULL);
	size_t kept = 0;
	bool ok = true;

	loop_timer_free(r->tell);
	r->tell = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct sum *s = &r->sums[i];
		const struct audit_refused what = {
			.requester = *s->requester ? s->requester : NULL, .peer = s->peer, .direction = s->direction, .result = s->result,
			.mailboxes = s->mailboxes, .seconds = now > s->since ? now - s->since : 0};

		if (ok && (ok = r->doors->refused(r->doors->door, &what))) /* where one cannot be written, the next is one more that seems lost */
			continue;
		r->sums[kept++] = *s;
	}
	r->n = kept;
	if (kept)
		r->tell = loop_timer_new(r->loop, TELL_MS, tell, r);
}

void refused_free(struct refused *r)
{
	tell(r);
	loop_timer_free(r->tell);
	log_quota_free(r->quota);
	free(r->sums);
	free(r);
}

static struct sum *find(struct refused *r, const struct sum *like)
{
	for (struct sum *s = r->sums; s < r->sums + r->n; s++)
		if (s->peer == like->peer && s->direction == like->direction && s->result == like->result &&
		    strcmp(s->requester, like->requester) == 0)
			return s;
	return NULL;
}

static bool can_name(const struct refused *r, const struct sum *like)
{
	size_t named = 0;

	for (const struct sum *s = r->sums; s < r->sums + r->n; s++)
		named += *s->requester && s->peer == like->peer && s->direction == like->direction;
	return named < NAMED;
}

static struct sum *add(struct refused *r, const struct sum *like)
{
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 8;
		if (!(r->sums = realloc(r->sums, r->room * sizeof *r->sums)))
			abort();
	}
	r->sums[r->n] = *like;
	return &r->sums[r->n++];
}

void refused_count(const struct proxy_mailbox *m, const char *result)
{
	struct refused *r = m->pq->p->refused;
	struct sum like = {.peer = m->peer ? m->peer->name : NULL, .direction = log_direction(m), .result = result, .since = time(NULL)};
	struct sum *s;

	strcpy(like.requester, m->pq->q.requester.name);
	s = find(r, &like);
	if (!s && !can_name(r, &like)) {
		*like.requester = 0;
		s = find(r, &like);
	}
	if (!s)
		s = add(r, &like);
	s->mailboxes++;
	if (!r->tell)
		r->tell = loop_timer_new(r->loop, TELL_MS, tell, r);
}
