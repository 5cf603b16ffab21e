#ifndef BRIDGE_BUDGET_SHARED_OWN_H
#define BRIDGE_BUDGET_SHARED_OWN_H
#include <pthread.h>
#include "bridge/budget/budget.h"

/* What the files of this room share: how the memory is laid out, and what is done in it. Nobody else includes it. */

#define BUDGET_MINUTE_NS 60000000000 /* also how much may be spent at once */

enum {
	BUDGET_ENTRIES = 1 << 17, BUDGET_PAIRS = 1 << 22, /* powers of two */
	BUDGET_WINDOW = 64,                               /* how far from its place something may stand */
	BUDGET_NOTED = 64,
	BUDGET_SEEN = 1 << 14                             /* a power of two, too */
};

/* Who may lose its place to whom: only a higher one takes a lower one's. */
enum budget_rank { BUDGET_RANK_NAMED, BUDGET_RANK_OURS, BUDGET_RANK_PEER };

struct budget_entry {
	uint64_t key;          /* 0 = nobody; written last */
	int64_t full;          /* when all that was spent in a minute is back */
	int64_t used, alerted; /* when it last asked; when a line last told of it */
	int64_t day;           /* of the counts */
	uint32_t targets;      /* different ones */
	uint32_t named, named_pairs; /* a peer's: entries of requesters it named, and their pairs */
	uint32_t rank;
};

/* One that was over a budget, for `status`. */
struct budget_noted {
	uint64_t key;
	int64_t day, last;
	uint32_t limit;
	uint8_t kind, by_day;
	uint64_t refused;
	char name[FB_ADDRESS_MAX + 1], peer[64];
};

/*
 * The shared memory. Whoever is killed while it holds the lock leaves every word valid: an entry without its newest target, at
 * worst. A pair's top byte tells its day, so that yesterday's need no clearing away.
 */
struct budget_segment {
	uint64_t mark;
	uint64_t hash_key[2];
	pthread_mutex_t lock;
	struct budget_noted noted[BUDGET_NOTED];
	struct budget_entry entries[BUDGET_ENTRIES];
	uint64_t pairs[BUDGET_PAIRS];
};

struct budget {
	struct budget_segment *s;
	/*
	 * Of this process alone: pairs that stand in the shared memory, each where its lowest bits say. A pair stays there for its day, and most are asked
	 * about again soon: 32 MiB in which no two lie beside each other need not be looked through for those.
	 */
	uint64_t seen[BUDGET_SEEN];
};

/* shared.c: takes the lock. False if it cannot be had within a moment: then nothing can be told. Caller gives it back. */
bool budget_lock(struct budget_segment *s);
/* shared.c: gives it back. */
void budget_unlock(struct budget_segment *s);

/* entries.c: the key of ${a} in this memory, 0 if one of its names is too long. Needs no lock. */
uint64_t budget_key(const struct budget_segment *s, const struct budget_asker *a);
/* entries.c: the entry of ${key}; NULL if it has none. */
struct budget_entry *budget_entry_find(struct budget_segment *s, uint64_t key);
/* entries.c: a new one, empty. NULL if all places that it may have are taken. */
struct budget_entry *budget_entry_make(struct budget_segment *s, uint64_t key, enum budget_rank rank, int64_t day, int64_t now);
/* entries.c: what it counts by the day begins anew if ${day} is another one. */
void budget_entry_new_day(struct budget_entry *e, int64_t day);

/* pairs.c: the word for (who has ${key}, ${target}) on that day. Needs no lock. */
uint64_t budget_pair(const struct budget_segment *s, uint64_t key, const char *target, int64_t day);
/* pairs.c: fetches where ${pair} stands, before it is looked at. Needs no lock. */
void budget_pair_prefetch(const struct budget_segment *s, uint64_t pair);
/* pairs.c: was ${pair} seen in the shared memory by this process? No is no more than that. */
bool budget_pair_seen(const struct budget *b, uint64_t pair);
/* pairs.c: ${pair} stands there. */
void budget_pair_note(struct budget *b, uint64_t pair);
/* pairs.c: where ${pair} stands, or could; NULL if there is no room. ${*known} says which. */
uint64_t *budget_pair_place(struct budget_segment *s, uint64_t pair, bool *known);

/*
 * noted.c: notes for `status` that ${a}, whose entry is ${e}, was over ${limit}: the day's (${by_day}) or the minute's. True if it
 * is time for a line in the log; then ${told} has what it says.
 */
bool budget_note(struct budget_segment *s, const struct budget_asker *a, struct budget_entry *e, bool by_day, uint32_t limit, int64_t day,
                 int64_t now, struct budget_over *told);
#endif
