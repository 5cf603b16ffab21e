#include <time.h>
#include "bridge/budget/budget.h"

/* The budgets of this site, at this moment. */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t today(void)
{
	return (int64_t)time(NULL) / 86400;
}

void budget_limits_of(const struct conf *c, struct budget_limits out[BUDGET_KINDS])
{
	out[BUDGET_PERSON] = (struct budget_limits){(uint32_t)c->budget_person_per_minute, (uint32_t)c->budget_person_targets_per_day};
	out[BUDGET_ORGANISATION] =
		(struct budget_limits){(uint32_t)c->budget_organisation_per_minute, (uint32_t)c->budget_organisation_targets_per_day};
	out[BUDGET_PEER] = (struct budget_limits){(uint32_t)c->budget_peer_per_minute, (uint32_t)c->budget_peer_targets_per_day};
}

void budget_ask_now(struct budget *b, const struct budget_limits limits[BUDGET_KINDS], const char *peer,
                    const struct fb_requester *requester, const char *const *targets, size_t count, enum budget_said *said)
{
	const char *account = *requester->account ? requester->account : NULL;
	const struct budget_asker askers[] = {
		requester->is_person ? (struct budget_asker){BUDGET_PERSON, peer, requester->name}
		                     : (struct budget_asker){BUDGET_ORGANISATION, peer, account ? account : requester->name},
		/* who says that it is this person: as many as it likes may be named, and it pays for each */
		peer ? (struct budget_asker){BUDGET_PEER, NULL, peer} : (struct budget_asker){BUDGET_ORGANISATION, NULL, account},
	};

	budget_ask(b, limits, askers, peer || (requester->is_person && account) ? 2 : 1, targets, count, today(), now_ns(), said);
}

bool budget_over_now(struct budget *b, size_t i, struct budget_over *out)
{
	return budget_over(b, i, today(), now_ns(), out);
}
