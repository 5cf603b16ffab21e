#include "bridge/front/slow.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "pki/digest.h"

enum { PAIR_FREE = 4, PAIR_FIRST_MS = 500, PAIR_STEP_MS = 8000, PAIR_MOST_MS = 30000 };
enum { ADDRESS_FREE = 50, ADDRESS_STEP_MS = 200, ADDRESS_MOST_MS = 5000 };
enum { FORGET_MS = 15 * 60 * 1000, KEY = 16 };

struct entry {
	uint8_t key[KEY];
	int64_t last;  /* when it was touched */
	int64_t until; /* the next turn */
	unsigned wrong;
	bool used, right;
};
struct slow {
	size_t max;
	int64_t until; /* the latest turn of all: behind it nobody waits, and nothing has to be looked for */
	struct entry list[];
};

struct slow *slow_new(size_t max)
{
	struct slow *s = calloc(1, sizeof(*s) + max * sizeof(s->list[0]));

	if (s)
		s->max = max;
	return s;
}

void slow_free(struct slow *s)
{
	free(s);
}

/* What counts as one address: a host of IPv4, a network of 64 bits of IPv6. */
static void one_address(const char *address, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr six;

	snprintf(out, INET6_ADDRSTRLEN, "%s", address);
	if (inet_pton(AF_INET6, address, &six) == 1) {
		memset(&six.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &six, out, INET6_ADDRSTRLEN);
	}
}

/* ${user} NULL: the address alone. */
static void key_of(const char *address, const char *user, uint8_t key[KEY])
{
	const char *slash = user ? strchr(user, '\\') : NULL;
	char host[INET6_ADDRSTRLEN], text[1024];
	uint8_t hash[PKI_SHA256];

	one_address(address, host);
	snprintf(text, sizeof(text), "%s %s%s", host, user ? "user " : "", slash ? slash + 1 : user ? user : "");
	text_lower(text);
	pki_sha256(hash, text, strlen(text));
	memcpy(key, hash, KEY);
}

static const struct entry *find(const struct slow *s, const char *address, const char *user, int64_t now)
{
	uint8_t key[KEY];

	key_of(address, user, key);
	for (size_t i = 0; i < s->max; i++)
		if (s->list[i].used && now - s->list[i].last < FORGET_MS && memcmp(s->list[i].key, key, KEY) == 0)
			return &s->list[i];
	return NULL;
}

/* The entry, a new one if there is none: in a free place, or in that of the one touched longest ago. */
static struct entry *touch(struct slow *s, const char *address, const char *user, int64_t now)
{
	struct entry *e = (struct entry *)find(s, address, user, now), *oldest = &s->list[0];

	for (size_t i = 0; i < s->max && !e; i++)
		if (!s->list[i].used || (oldest->used && s->list[i].last < oldest->last))
			oldest = &s->list[i];
	if (!e) {
		e = oldest;
		*e = (struct entry){.used = true};
		key_of(address, user, e->key);
	}
	e->last = now;
	return e;
}

int64_t slow_wait(const struct slow *s, const char *address, const char *user, bool yes, int64_t now)
{
	const struct entry *pair, *all;
	int64_t wait;

	if (now >= s->until)
		return 0;
	pair = find(s, address, user, now);
	all = find(s, address, NULL, now);
	wait = pair && pair->until > now ? pair->until - now : 0;
	if (!(yes && pair && pair->right) && all && all->until - now > wait)
		wait = all->until - now;
	return wait;
}

/* The turn after the present one, which is ${now} or still to come; no further away than ${most}. */
static void push(struct slow *s, struct entry *e, int64_t now, int64_t step, int64_t most)
{
	e->until = (e->until > now ? e->until : now) + step;
	if (e->until > now + most)
		e->until = now + most;
	if (e->until > s->until)
		s->until = e->until;
}

void slow_wrong(struct slow *s, const char *address, const char *user, int64_t now)
{
	struct entry *pair = *user ? touch(s, address, user, now) : NULL, *all;
	int64_t step = PAIR_FIRST_MS;

	for (unsigned i = PAIR_FREE; pair && i < pair->wrong && step < PAIR_STEP_MS; i++)
		step *= 2;
	if (pair && ++pair->wrong > PAIR_FREE)
		push(s, pair, now, step, PAIR_MOST_MS);
	all = touch(s, address, NULL, now);
	if (++all->wrong > ADDRESS_FREE)
		push(s, all, now, ADDRESS_STEP_MS, ADDRESS_MOST_MS);
}

void slow_right(struct slow *s, const char *address, const char *user, int64_t now)
{
	struct entry *pair = touch(s, address, user, now);

	if (pair->until > now)
		return;
	pair->right = true;
	pair->wrong = 0;
}
