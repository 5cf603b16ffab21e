#include "bridge/base/arena.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096, FIRST = 968 }; /* an answer with a few events needs no more; of this size malloc() is at its quickest */

struct chunk {
	struct chunk *next;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks;
	unsigned char *at; /* what is left of the first bytes, or of a chunk */
	size_t left;
	size_t max, used;
	_Alignas(max_align_t) unsigned char first[FIRST];
};

static void empty(struct arena *a)
{
	a->chunks = NULL;
	a->at = a->first;
	a->left = sizeof a->first;
	a->used = 0;
}

struct arena *arena_new(size_t max)
{
	struct arena *a = malloc(sizeof *a);

	if (!a)
		return NULL;
	a->max = max;
	empty(a);
	return a;
}

void arena_reset(struct arena *a)
{
	struct chunk *c, *next;

	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	empty(a);
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a);
}

/* ${n} bytes of a new chunk, not zeroed; NULL when out of memory. */
static struct chunk *add_chunk(struct arena *a, size_t n)
{
	struct chunk *c = malloc(sizeof *c + n);

	if (!c)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	struct chunk *c;
	void *p;

	if (n > a->max - a->used)
		return NULL;
	n = n ? (n + align - 1) / align * align : align;
	if (n > a->max - a->used)
		return NULL;
	if (n > a->left && n > CHUNK / 4) { /* large ones stand alone */
		if (!(c = add_chunk(a, n)))
			return NULL;
		a->used += n;
		return memset(c->bytes, 0, n);
	}
	if (n > a->left) {
		if (!(c = add_chunk(a, CHUNK)))
			return NULL;
		a->at = c->bytes;
		a->left = CHUNK;
	}
	p = a->at;
	a->at += n;
	a->left -= n;
	a->used += n;
	return memset(p, 0, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

	if (p && n)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
