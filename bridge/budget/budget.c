#include "bridge/budget/budget.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/budget/siphash.h"

#define MINUTE_NS 60000000000 /* also how much may be spent at once */
#define LOCK_WAIT_NS 100000000

enum {
	VERSION_MARK = 0x42554401,
	ENTRIES = 1 << 17, PAIRS = 1 << 22, /* powers of two */
	WINDOW = 64,                        /* how far from its place something may stand */
	NAMED_MAX = 1 << 14,                /* requesters that one peer names in a day and that have an entry */
	NAMED_PAIRS_MAX = 1 << 18,          /* of theirs, that are remembered */
	OVERS = 64,
	ASKERS_MAX = 2
};

/* Who may lose its place to whom: only a higher one takes a lower one's. */
enum rank { RANK_NAMED, RANK_OURS, RANK_PEER };

struct entry {
	uint64_t key;          /* 0 = nobody; written last */
	int64_t full;          /* when all that was spent in a minute is back */
	int64_t used, alerted; /* when it last asked; when a line last told of it */
	int64_t day;           /* of the counts */
	uint32_t targets;      /* different ones */
	uint32_t named, named_pairs; /* a peer's: entries of requesters it named, and their pairs */
	uint32_t rank;
};

/* One that was over a budget, for `status`. */
struct over {
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
struct segment {
	uint64_t mark;
	uint64_t hash_key[2];
	pthread_mutex_t lock;
	struct over overs[OVERS];
	struct entry entries[ENTRIES];
	uint64_t pairs[PAIRS];
};

struct budget {
	struct segment *s;
};

static const char *const settings[BUDGET_KINDS][2] = {
	[BUDGET_PERSON] = {"budget_person_per_minute", "budget_person_targets_per_day"},
	[BUDGET_ORGANISATION] = {"budget_organisation_per_minute", "budget_organisation_targets_per_day"},
	[BUDGET_PEER] = {"budget_peer_per_minute", "budget_peer_targets_per_day"},
};

/* ---- the memory ---- */

static struct segment *map(int fd)
{
	void *p = mmap(NULL, sizeof(struct segment), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The lock outlives its holders: whoever dies with it passes it on. */
static int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t how;
	int r = pthread_mutexattr_init(&how);

	if (r)
		return r;
	r = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	r = r ? r : pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	r = r ? r : pthread_mutex_init(lock, &how);
	pthread_mutexattr_destroy(&how);
	return r;
}

static int fill(int fd)
{
	struct segment *s;
	int r;

	if (ftruncate(fd, sizeof *s) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 || !(s = map(fd)))
		return -1;
	text_random(s->hash_key, sizeof s->hash_key);
	r = lock_init(&s->lock);
	s->mark = VERSION_MARK;
	munmap(s, sizeof *s);
	errno = r;
	return r ? -1 : 0;
}

int budget_make(void)
{
	int fd = memfd_create("budgets", MFD_CLOEXEC | MFD_ALLOW_SEALING), e;

	if (fd >= 0 && fill(fd) != 0) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

struct budget *budget_open(int fd)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK;
	struct budget *b;
	struct stat st;

	/* Memory that shrinks would end the process that reads it. */
	if (fstat(fd, &st) != 0 || st.st_size != sizeof(struct segment) || (fcntl(fd, F_GET_SEALS) & seals) != seals ||
	    !(b = calloc(1, sizeof *b)))
		return NULL;
	if ((b->s = map(fd)) && b->s->mark == VERSION_MARK)
		return b;
	budget_free(b);
	return NULL;
}

void budget_free(struct budget *b)
{
	if (b && b->s)
		munmap(b->s, sizeof *b->s);
	free(b);
}

/* A process that was stopped with the lock must not stop its brothers: after a moment it is a matter that cannot be told. */
static bool take_lock(struct segment *s)
{
	struct timespec until;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOCK_WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	r = pthread_mutex_clocklock(&s->lock, CLOCK_MONOTONIC, &until);
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&s->lock);
	return r == 0;
}

/* ---- who ---- */

static uint64_t key_of(const struct segment *s, const struct budget_asker *a)
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

static struct entry *find(struct segment *s, uint64_t key)
{
	struct entry *e;

	for (size_t i = 0; i < WINDOW; i++) {
		e = &s->entries[(key + i) & (ENTRIES - 1)];
		if (e->key == key)
			return e;
		if (!e->key)
			break;
	}
	return NULL;
}

/* Whether ${a} should rather lose its place than ${b}. */
static bool worse(const struct entry *a, const struct entry *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->used < b->used;
}

/* A place for a new entry: nobody's, one of a day before that has nothing to pay back, or that of the least of lower rank. */
static struct entry *place_for(struct segment *s, uint64_t key, enum rank rank, int64_t day, int64_t now)
{
	struct entry *e, *least = NULL;

	for (size_t i = 0; i < WINDOW; i++) {
		e = &s->entries[(key + i) & (ENTRIES - 1)];
		if (!e->key || (e->day != day && e->full <= now))
			return e;
		if (!least || worse(e, least))
			least = e;
	}
	/* Our own give way to our own: whoever logs in as one cannot become so many. */
	return rank > least->rank || (rank == RANK_OURS && least->rank == RANK_OURS) ? least : NULL;
}

static void new_day(struct entry *e, int64_t day)
{
	if (e->day == day)
		return;
	e->targets = e->named = e->named_pairs = 0;
	e->day = day;
}

static struct entry *enter(struct segment *s, uint64_t key, enum rank rank, int64_t day, int64_t now)
{
	struct entry *e = place_for(s, key, rank, day, now);

	if (!e)
		return NULL;
	__atomic_store_n(&e->key, 0, __ATOMIC_RELEASE);
	*e = (struct entry){.day = day, .rank = rank, .full = now, .used = now};
	__atomic_store_n(&e->key, key, __ATOMIC_RELEASE);
	return e;
}

/* ---- what ---- */

static uint64_t pair_of(const struct segment *s, uint64_t key, const char *target, int64_t day)
{
	char text[sizeof key + FB_ADDRESS_MAX];
	size_t n = strnlen(target, FB_ADDRESS_MAX);

	memcpy(text, &key, sizeof key);
	memcpy(text + sizeof key, target, n);
	return siphash(s->hash_key, text, sizeof key + n) >> 8 | (uint64_t)(day % 255 + 1) << 56;
}

/* Where ${pair} stands, or could; NULL if there is no room. ${*known} says which. */
static uint64_t *pair_place(struct segment *s, uint64_t pair, bool *known)
{
	uint64_t *at, *room = NULL;

	*known = false;
	for (size_t i = 0; i < WINDOW; i++) {
		at = &s->pairs[(pair + i) & (PAIRS - 1)];
		if (*at == pair) {
			*known = true;
			return at;
		}
		if (!room && *at >> 56 != pair >> 56)
			room = at;
		if (!*at)
			break;
	}
	return room;
}

/* ---- one question ---- */

/* One who has to pay. */
struct payer {
	const struct budget_asker *asker;
	struct budget_limits limits;
	struct entry *e;
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
	return per_minute ? MINUTE_NS / per_minute : 0;
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
	return p->limits.per_minute && full_after(p, now) - now > MINUTE_NS ? 0 : -1;
}

static void remember(struct segment *s, struct payer *p, struct entry *peer)
{
	bool named = p->e->rank == RANK_NAMED;
	uint64_t *at = pair_place(s, p->pair, &p->known);

	if (p->known)
		return;
	p->e->targets++;
	if (!at || (named && (!peer || peer->named_pairs >= NAMED_PAIRS_MAX)))
		return;
	if (named)
		peer->named_pairs++;
	*at = p->pair;
}

static void pay(struct segment *s, struct payer *p, struct entry *peer, int64_t now)
{
	p->e->used = now;
	if (p->limits.per_minute)
		p->e->full = full_after(p, now);
	if (p->limits.targets_per_day)
		remember(s, p, peer);
}

/* Notes it for `status`; true if it is time for a line. */
static bool note_over(struct segment *s, struct payer *p, int which, int64_t day, int64_t now, struct budget_over *told)
{
	const struct budget_asker *a = p->asker;
	struct over *o = s->overs, *oldest = o;

	for (; o < s->overs + OVERS && (o->key != p->key || o->by_day != which); o++)
		if (o->last < oldest->last)
			oldest = o;
	if (o == s->overs + OVERS)
		o = oldest;
	if (o->key != p->key || o->by_day != which || o->day != day) {
		*o = (struct over){.key = p->key, .day = day, .kind = (uint8_t)a->kind, .by_day = (uint8_t)which};
		memcpy(o->name, a->name, strlen(a->name) + 1);
		memcpy(o->peer, a->peer ? a->peer : "", a->peer ? strlen(a->peer) + 1 : 1);
	}
	o->limit = which ? p->limits.targets_per_day : p->limits.per_minute;
	o->last = now;
	o->refused++;
	if (p->e->alerted && now - p->e->alerted < MINUTE_NS)
		return false;
	p->e->alerted = now;
	*told = (struct budget_over){.setting = settings[a->kind][which], .limit = o->limit, .refused = o->refused};
	return true;
}

/* Without the lock: nothing of it is read but what never changes. Where the pairs stand is fetched, all at once, before it is looked at. */
static void prepare(const struct segment *s, struct payer *p, const struct budget_limits *limits, const struct budget_asker *a,
                    const char *const *targets, size_t count, int64_t day)
{
	p->asker = a;
	p->limits = limits[a->kind];
	p->key = key_of(s, a);
	for (size_t i = 0; i < count; i++) {
		p->pairs[i] = pair_of(s, p->key, targets[i], day);
		__builtin_prefetch(&s->pairs[p->pairs[i] & (PAIRS - 1)]);
	}
}

/* Finds or makes the entries. Those whom a peer names come after it. False if somebody who must have one has none. */
static bool find_all(struct segment *s, struct payer *p, size_t n, struct entry **peer, int64_t day, int64_t now)
{
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < n; i++) {
			enum rank rank = p[i].asker->kind == BUDGET_PEER ? RANK_PEER : p[i].asker->peer ? RANK_NAMED : RANK_OURS;

			if ((rank == RANK_NAMED) != (round == 1))
				continue;
			if (p[i].e)
				new_day(p[i].e, day);
			else if (p[i].key && rank != RANK_NAMED)
				p[i].e = enter(s, p[i].key, rank, day, now);
			else if (p[i].key && *peer && (*peer)->named < NAMED_MAX && (p[i].e = enter(s, p[i].key, rank, day, now)))
				(*peer)->named++;
			if (!p[i].e && rank != RANK_NAMED)
				return false;
			if (rank == RANK_PEER)
				*peer = p[i].e;
		}
	return true;
}

static enum budget_said ask_one(struct segment *s, struct payer *p, size_t n, struct entry *peer, int64_t day, int64_t now,
                                struct told *told)
{
	int which;

	for (size_t i = 0; i < n; i++) {
		if (!p[i].e)
			continue;
		pair_place(s, p[i].pair, &p[i].known);
		if ((which = over_which(&p[i], now)) < 0)
			continue;
		p[i].e->used = now;
		if (note_over(s, &p[i], which, day, now, &told->over[i]))
			told->who[i] = p[i].asker;
		return BUDGET_OVER;
	}
	for (size_t i = 0; i < n; i++)
		if (p[i].e)
			pay(s, &p[i], peer, now);
	return BUDGET_GO;
}

static void ask_locked(struct segment *s, struct payer *p, size_t n, size_t count, int64_t day, int64_t now, struct told *told,
                       enum budget_said *said)
{
	struct entry *peer = NULL;
	bool found;

	for (size_t i = 0; i < n; i++)
		p[i].e = p[i].key ? find(s, p[i].key) : NULL;
	found = find_all(s, p, n, &peer, day, now);
	for (size_t k = 0; k < count; k++) {
		for (size_t i = 0; i < n; i++)
			p[i].pair = p[i].pairs[k];
		said[k] = found ? ask_one(s, p, n, peer, day, now, told) : BUDGET_COULD_NOT;
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
		prepare(b->s, &p[i], limits, &askers[i], targets, count, day);
	if (!take_lock(b->s))
		return;
	ask_locked(b->s, p, n, count, day, now, &told, said);
	pthread_mutex_unlock(&b->s->lock);
	for (size_t i = 0; i < n; i++)
		if (told.who[i])
			say_over(told.who[i], &told.over[i]);
}

bool budget_over(struct budget *b, size_t i, int64_t day, int64_t now, struct budget_over *out)
{
	const struct over *o;
	bool found = false;

	if (!take_lock(b->s))
		return false;
	for (o = b->s->overs; o < b->s->overs + OVERS && !found; o++) {
		if (!o->key || (o->by_day ? o->day != day : now - o->last >= MINUTE_NS) || i--)
			continue;
		*out = (struct budget_over){.setting = settings[o->kind][o->by_day], .limit = o->limit, .refused = o->refused};
		memcpy(out->name, o->name, sizeof out->name);
		memcpy(out->peer, o->peer, sizeof out->peer);
		found = true;
	}
	pthread_mutex_unlock(&b->s->lock);
	return found;
}
