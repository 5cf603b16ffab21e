#include "bridge/budget/shared_own.h"
#include "bridge/base/log.h"

/* One question: who pays for it, and what is said of each mailbox. */

enum {
	NAMED_MAX = 1 << 14,       /* requesters that one peer names in a day and that have an entry */
	NAMED_PAIRS_MAX = 1 << 18, /* of theirs, that are remembered */
	ASKERS_MAX = 2
};

/* One who has to pay. */
struct payer {
	const struct budget_asker *asker;
	struct budget_limits limits;
	struct budget_entry *e;
	uint64_t key;
	uint64_t pairs[FB_MAX_MAILBOXES]; /* with each target */
	uint64_t pair;                    /* with the one that it is about, */
	bool known;                       /* and it asked about that today */
};

/* Of whom a line is due: an asker has at most one a minute, and a question is one moment. */
struct told {
	const struct budget_asker *who[ASKERS_MAX];
	struct budget_over over[ASKERS_MAX];
};

static int64_t cost(uint32_t per_minute)
{
	return per_minute ? BUDGET_MINUTE_NS / per_minute : 0;
}

static int64_t full_after(const struct payer *p, int64_t now)
{
	return (p->e->full > now ? p->e->full : now) + cost(p->limits.per_minute);
}

/* Which of the two limits it is over: 0 the minute's, 1 the day's, -1 none. */
static int over_which(const struct payer *p, int64_t now)
{
	if (p->limits.targets_per_day && !p->known && p->e->targets >= p->limits.targets_per_day)
		return 1;
	return p->limits.per_minute && full_after(p, now) - now > BUDGET_MINUTE_NS ? 0 : -1;
}

/* Whether it asked about that today, and where that stands, or could, if it had to be looked for. */
static uint64_t *look(struct budget *b, struct payer *p)
{
	uint64_t *at = NULL;

	p->known = budget_pair_seen(b, p->pair);
	if (!p->known && (at = budget_pair_place(b->s, p->pair, &p->known)) && p->known)
		budget_pair_note(b, p->pair);
	return at;
}

static void remember(struct budget *b, struct payer *p, struct budget_entry *peer)
{
	bool named = p->e->rank == BUDGET_RANK_NAMED;
	uint64_t *at = look(b, p);

	if (p->known)
		return;
	p->e->targets++;
	if (!at || (named && (!peer || peer->named_pairs >= NAMED_PAIRS_MAX)))
		return;
	if (named)
		peer->named_pairs++;
	*at = p->pair;
	budget_pair_note(b, p->pair);
}

static void pay(struct budget *b, struct payer *p, struct budget_entry *peer, int64_t now)
{
	p->e->used = now;
	if (p->limits.per_minute)
		p->e->full = full_after(p, now);
	if (p->limits.targets_per_day)
		remember(b, p, peer);
}

/* Without the lock: nothing of it is read but what never changes. Where the pairs stand is fetched, all at once, before it is looked at. */
static void prepare(const struct budget *b, struct payer *p, const struct budget_limits *limits, const struct budget_asker *a,
                    const char *const *targets, size_t count, int64_t day)
{
	p->asker = a;
	p->limits = limits[a->kind];
	p->key = budget_key(b->s, a);
	for (size_t i = 0; i < count; i++) {
		p->pairs[i] = budget_pair(b->s, p->key, targets[i], day);
		if (!budget_pair_seen(b, p->pairs[i]))
			budget_pair_prefetch(b->s, p->pairs[i]);
	}
}

static enum budget_rank rank_of(const struct budget_asker *a)
{
	return a->kind == BUDGET_PEER ? BUDGET_RANK_PEER : a->peer ? BUDGET_RANK_NAMED : BUDGET_RANK_OURS;
}

/*
 * Finds or makes the entries. Those whom a peer names come after it: its entry may take the place of one of theirs. False if
 * somebody who must have one has none.
 */
static bool find_all(struct budget_segment *s, struct payer *p, size_t n, struct budget_entry **peer, int64_t day, int64_t now)
{
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < n; i++) {
			enum budget_rank rank = rank_of(p[i].asker);

			if ((rank == BUDGET_RANK_NAMED) != (round == 1))
				continue;
			p[i].e = p[i].key ? budget_entry_find(s, p[i].key) : NULL;
			if (p[i].e)
				budget_entry_new_day(p[i].e, day);
			else if (p[i].key && rank != BUDGET_RANK_NAMED)
				p[i].e = budget_entry_make(s, p[i].key, rank, day, now);
			else if (p[i].key && *peer && (*peer)->named < NAMED_MAX && (p[i].e = budget_entry_make(s, p[i].key, rank, day, now)))
				(*peer)->named++;
			if (!p[i].e && rank != BUDGET_RANK_NAMED)
				return false;
			if (rank == BUDGET_RANK_PEER)
				*peer = p[i].e;
		}
	return true;
}

static enum budget_said ask_one(struct budget *b, struct payer *p, size_t n, struct budget_entry *peer, int64_t day, int64_t now,
                                struct told *told)
{
	uint32_t limit;
	int which;

	for (size_t i = 0; i < n; i++) {
		if (!p[i].e)
			continue;
		look(b, &p[i]);
		if ((which = over_which(&p[i], now)) < 0)
			continue;
		p[i].e->used = now;
		limit = which ? p[i].limits.targets_per_day : p[i].limits.per_minute;
		if (budget_note(b->s, p[i].asker, p[i].e, which, limit, day, now, &told->over[i]))
			told->who[i] = p[i].asker;
		return BUDGET_OVER;
	}
	for (size_t i = 0; i < n; i++)
		if (p[i].e)
			pay(b, &p[i], peer, now);
	return BUDGET_GO;
}

static void ask_locked(struct budget *b, struct payer *p, size_t n, size_t count, int64_t day, int64_t now, struct told *told,
                       enum budget_said *said)
{
	struct budget_entry *peer = NULL;
	bool found = find_all(b->s, p, n, &peer, day, now);

	for (size_t k = 0; k < count; k++) {
		for (size_t i = 0; i < n; i++)
			p[i].pair = p[i].pairs[k];
		said[k] = found ? ask_one(b, p, n, peer, day, now, told) : BUDGET_COULD_NOT;
	}
}

static void say_over(const struct budget_asker *who, const struct budget_over *over)
{
	log_event(LOG_LEVEL_WARN, "over-budget", LS("who", who->name), LS("peer", who->peer), LS("budget", over->setting),
	          LI("limit", over->limit), LI("refused", over->refused),
	          LS("text", "what goes beyond it is answered with busy; others are not touched"));
}

void budget_ask(struct budget *b, const struct budget_limits limits[BUDGET_KINDS], const struct budget_asker *askers, size_t n,
                const char *const *targets, size_t count, int64_t day, int64_t now, enum budget_said *said)
{
	struct payer p[ASKERS_MAX];
	struct told told = {0};

	for (size_t k = 0; k < count; k++)
		said[k] = BUDGET_COULD_NOT;
	if (n > ASKERS_MAX || count > FB_MAX_MAILBOXES)
		return;
	for (size_t i = 0; i < n; i++)
		prepare(b, &p[i], limits, &askers[i], targets, count, day);
	if (!budget_lock(b->s))
		return;
	ask_locked(b, p, n, count, day, now, &told, said);
	budget_unlock(b->s);
	for (size_t i = 0; i < n; i++)
		if (told.who[i])
			say_over(told.who[i], &told.over[i]);
}
