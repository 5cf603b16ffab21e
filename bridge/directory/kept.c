#include "bridge/directory/kept.h"
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

/* In its bucket's chain and in the list of all, most recently used first. */
struct one {
	const struct fb_entry *entry;
	int64_t until;
	struct one *chain, *newer, *older;
	char address[];
};
struct kept {
	size_t max, n;
	struct one *newest, *oldest;
	struct one *buckets[BUCKETS];
};

struct kept *kept_new(size_t max)
{
	struct kept *k = calloc(1, sizeof *k);

	if (k)
		k->max = max;
	return k;
}

static struct one **bucket_of(struct kept *k, const char *address)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (const char *p = address; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &k->buckets[h % BUCKETS];
}

static void unlist(struct kept *k, struct one *o)
{
	*(o->newer ? &o->newer->older : &k->newest) = o->older;
	*(o->older ? &o->older->newer : &k->oldest) = o->newer;
}

static void list_first(struct kept *k, struct one *o)
{
	o->newer = NULL;
	o->older = k->newest;
	*(k->newest ? &k->newest->newer : &k->oldest) = o;
	k->newest = o;
}

static void forget(struct kept *k, struct one *o)
{
	struct one **at = bucket_of(k, o->address);

	while (*at != o)
		at = &(*at)->chain;
	*at = o->chain;
	unlist(k, o);
	k->n--;
	fb_entry_release(o->entry);
	free(o);
}

void kept_free(struct kept *k)
{
	while (k && k->newest)
		forget(k, k->newest);
	free(k);
}

static struct one *find(struct kept *k, const char *address)
{
	struct one *o = *bucket_of(k, address);

	while (o && strcmp(o->address, address) != 0)
		o = o->chain;
	return o;
}

const struct fb_entry *kept_find(struct kept *k, const char *address, int64_t now)
{
	struct one *o = find(k, address);

	if (!o)
		return NULL;
	if (now >= o->until) {
		forget(k, o);
		return NULL;
	}
	unlist(k, o);
	list_first(k, o);
	return o->entry;
}

void kept_put(struct kept *k, const char *address, const struct fb_entry *e, int64_t until)
{
	struct one *old = find(k, address), *o = malloc(sizeof *o + strlen(address) + 1);

	if (old)
		forget(k, old);
	if (!o)
		return;
	while (k->n >= k->max && k->oldest)
		forget(k, k->oldest);
	*o = (struct one){.entry = fb_entry_hold(e), .until = until};
	strcpy(o->address, address);
	o->chain = *bucket_of(k, address);
	*bucket_of(k, address) = o;
	list_first(k, o);
	k->n++;
}

size_t kept_count(const struct kept *k)
{
	return k->n;
}
