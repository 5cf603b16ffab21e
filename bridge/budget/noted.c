#include "bridge/budget/shared_own.h"
#include <string.h>

/* Who was over a budget lately, as `status` and the log tell it. */

static const char *const settings[BUDGET_KINDS][2] = {
	[BUDGET_PERSON] = {"budget_person_per_minute", "budget_person_targets_per_day"},
	[BUDGET_ORGANISATION] = {"budget_organisation_per_minute", "budget_organisation_targets_per_day"},
	[BUDGET_PEER] = {"budget_peer_per_minute", "budget_peer_targets_per_day"},
};

/* Where it is noted, or the place of the one that was noted longest ago. */
static struct budget_noted *place_for(struct budget_segment *s, uint64_t key, bool by_day)
{
	struct budget_noted *oldest = s->noted;

	for (struct budget_noted *o = s->noted; o < s->noted + BUDGET_NOTED; o++) {
		if (o->key == key && o->by_day == by_day)
			return o;
		if (o->last < oldest->last)
			oldest = o;
	}
	return oldest;
}

bool budget_note(struct budget_segment *s, const struct budget_asker *a, struct budget_entry *e, bool by_day, uint32_t limit, int64_t day,
                 int64_t now, struct budget_over *told)
{
	struct budget_noted *o = place_for(s, e->key, by_day);

	if (o->key != e->key || o->by_day != by_day || o->day != day) {
		*o = (struct budget_noted){.key = e->key, .day = day, .kind = (uint8_t)a->kind, .by_day = by_day};
		memcpy(o->name, a->name, strlen(a->name) + 1);
		memcpy(o->peer, a->peer ? a->peer : "", a->peer ? strlen(a->peer) + 1 : 1);
	}
	o->limit = limit;
	o->last = now;
	o->refused++;
	if (e->alerted && now - e->alerted < BUDGET_MINUTE_NS)
		return false;
	e->alerted = now;
	*told = (struct budget_over){.setting = settings[a->kind][by_day], .limit = limit, .refused = o->refused};
	return true;
}

bool budget_over(struct budget *b, size_t i, int64_t day, int64_t now, struct budget_over *out)
{
	const struct budget_noted *o;
	bool found = false;

	if (!budget_lock(b->s))
		return false;
	for (o = b->s->noted; o < b->s->noted + BUDGET_NOTED && !found; o++) {
		if (!o->key || (o->by_day ? o->day != day : now - o->last >= BUDGET_MINUTE_NS) || i--)
			continue;
		*out = (struct budget_over){.setting = settings[o->kind][o->by_day], .limit = o->limit, .refused = o->refused};
		memcpy(out->name, o->name, sizeof out->name);
		memcpy(out->peer, o->peer, sizeof out->peer);
		found = true;
	}
	budget_unlock(b->s);
	return found;
}
