#include "bridge/budget/shared_own.h"
#include <string.h>
#include "bridge/budget/siphash.h"

/* What: whom each of them has asked about in a day. */

uint64_t budget_pair(const struct budget_segment *s, uint64_t key, const char *target, int64_t day)
{
	char text[sizeof key + FB_ADDRESS_MAX];
	size_t n = strnlen(target, FB_ADDRESS_MAX);

	memcpy(text, &key, sizeof key);
	memcpy(text + sizeof key, target, n);
	return siphash(s->hash_key, text, sizeof key + n) >> 8 | (uint64_t)(day % 255 + 1) << 56;
}

void budget_pair_prefetch(const struct budget_segment *s, uint64_t pair)
{
	__builtin_prefetch(&s->pairs[pair & (BUDGET_PAIRS - 1)]);
}

static size_t seen_at(uint64_t pair)
{
	return pair & (BUDGET_SEEN - 1);
}

bool budget_pair_seen(const struct budget *b, uint64_t pair)
{
	return b->seen[seen_at(pair)] == pair; /* with its day in it, it is never zero */
}

void budget_pair_note(struct budget *b, uint64_t pair)
{
	b->seen[seen_at(pair)] = pair;
}

uint64_t *budget_pair_place(struct budget_segment *s, uint64_t pair, bool *known)
{
	uint64_t *at, *room = NULL;

	*known = false;
	for (size_t i = 0; i < BUDGET_WINDOW; i++) {
		at = &s->pairs[(pair + i) & (BUDGET_PAIRS - 1)];
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
