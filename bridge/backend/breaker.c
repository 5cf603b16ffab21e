#include "bridge/backend/breaker.h"

static int64_t at_most(int64_t ms, int64_t limit)
{
	return ms < limit ? ms : limit;
}

static int64_t at_least(int64_t ms, int64_t limit)
{
	return ms > limit ? ms : limit;
}

/* The next pause: twice the one before while it stays open, four times after a refused login, of which an hour bears few. */
static int64_t next_pause(const struct breaker *b, enum fetch_health h, int64_t asked_ms)
{
	int64_t first = h == FETCH_REFUSED ? BREAKER_REFUSED_PAUSE_MS : BREAKER_PAUSE_MS;
	int64_t longer = h == FETCH_REFUSED ? at_most(4 * b->pause_ms, BREAKER_LONGEST_REFUSED_MS) : at_most(2 * b->pause_ms, BREAKER_LONGEST_PAUSE_MS);
	int64_t own = b->open ? longer : first;

	if (own < first)
		own = first;

	return asked_ms > own ? at_most(asked_ms, BREAKER_BUSY_PAUSE_MAX_MS) : own;
}

void breaker_probe(struct breaker *b)
{
	b->probing = true;
}

int64_t breaker_heard(struct breaker *b, enum fetch_health h, int64_t pause_ms)
{
	bool says_nothing = b->open && !b->probing && b->why != FETCH_DOWN;

	if (h == FETCH_WORKS) {
		if (!says_nothing)
			*b = (struct breaker){0};
		return -1;
	}
	b->failures++;
	if (b->open ? !b->probing : h == FETCH_DOWN && b->failures < BREAKER_FAILURES)
		return -1;
	if (b->open && b->why == FETCH_REFUSED && h != FETCH_REFUSED) {
		/* a server that is down or busy says nothing of the login, which is tried again no sooner for that */
		b->pause_ms = at_least(at_most(pause_ms, BREAKER_BUSY_PAUSE_MAX_MS), b->pause_ms);
	} else {
		b->pause_ms = next_pause(b, h, pause_ms);
		b->why = h;
	}
	b->open = true;
	b->probing = false;
	return b->pause_ms;
}
