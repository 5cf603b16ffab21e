#include "bridge/budget/shared_own.h"
#include <string.h>
#include "bridge/budget/siphash.h"

/* Who: what each of those who asked has spent. */

uint64_t budget_key(const struct budget_segment *s, const struct budget_asker *a)
{
	char text[FB_ADDRESS_MAX + 80];
	size_t n = 0, peer = a->peer ? strlen(a->peer) : 0, name = strlen(a->name);
	uint64_t key;

	if (peer > 63 || name > FB_ADDRESS_MAX)
		return 0;
	text[n++] = (char)('0' + a->kind);
	text[n++] = a->peer ? 'p' : 'o';
	memcpy(text + n, a->peer ? a->peer : "", peer + 1);
	n += peer + 1;
	memcpy(text + n, a->name, name);
	key = siphash(s->hash_key, text, n + name);
	return key ? key : 1;
}

struct budget_entry *budget_entry_find(struct budget_segment *s, uint64_t key)
{
	struct budget_entry *e;

	for (size_t i = 0; i < BUDGET_WINDOW; i++) {
		e = &s->entries[(key + i) & (BUDGET_ENTRIES - 1)];
		if (e->key == key)
			return e;
		if (!e->key)
			break;
	}
	return NULL;
}

/* Whether ${a} should rather lose its place than ${b}. */
static bool worse(const struct budget_entry *a, const struct budget_entry *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->used < b->used;
}

/* A place for a new entry: nobody's, one of a day before that has nothing to pay back, or that of the least of lower rank. */
static struct budget_entry *place_for(struct budget_segment *s, uint64_t key, enum budget_rank rank, int64_t day, int64_t now)
{
	struct budget_entry *e, *least = NULL;

	for (size_t i = 0; i < BUDGET_WINDOW; i++) {
		e = &s->entries[(key + i) & (BUDGET_ENTRIES - 1)];
		if (!e->key || (e->day != day && e->full <= now))
			return e;
		if (!least || worse(e, least))
			least = e;
	}
	/* Our own give way to our own: whoever logs in as one cannot become so many. */
	return rank > least->rank || (rank == BUDGET_RANK_OURS && least->rank == BUDGET_RANK_OURS) ? least : NULL;
}

void budget_entry_new_day(struct budget_entry *e, int64_t day)
{
	if (e->day == day)
		return;
	e->targets = e->named = e->named_pairs = 0;
	e->day = day;
}

struct budget_entry *budget_entry_make(struct budget_segment *s, uint64_t key, enum budget_rank rank, int64_t day, int64_t now)
{
	struct budget_entry *e = place_for(s, key, rank, day, now);

	if (!e)
		return NULL;
	__atomic_store_n(&e->key, 0, __ATOMIC_RELEASE);
	*e = (struct budget_entry){.day = day, .rank = rank, .full = now, .used = now};
	__atomic_store_n(&e->key, key, __ATOMIC_RELEASE);
	return e;
}
