#ifndef BRIDGE_BUDGET_BUDGET_H
#define BRIDGE_BUDGET_BUDGET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/conf/conf.h"

/*
 * How many mailboxes somebody may ask about in a minute, and about how many different ones in a UTC day: whoever may ask
 * about one may not therefore carry off the whole address book. What was spent stands in one piece of shared memory that all
 * bridge processes of all generations have, so a reload, or the death of a process, gives nothing back; a new start of the
 * daemon does.
 *
 * Exact: the number of different targets, as far as 56 bits of a keyed hash tell them apart, up to 3 million (requester,
 * target) pairs a day in all. Past that, and past 262,144 pairs a day of requesters that one peer names, a target cannot be
 * remembered, and asking about it again costs again. A minute's worth may be spent at once; it comes back evenly.
 *
 * A requester whom a peer names is the peer's word: the peer's own budget counts for each of them as well. Of one peer 16,384
 * such names a day have a budget of their own; further ones have the peer's alone. They never take the place of anybody else.
 */
struct budget;

enum budget_kind { BUDGET_PERSON, BUDGET_ORGANISATION, BUDGET_PEER, BUDGET_KINDS };

/* Whose budget. */
struct budget_asker {
	enum budget_kind kind;
	const char *peer; /* who says that it is he; NULL = we know it ourselves */
	const char *name;
};
/* The limits of one kind; 0 = none. */
struct budget_limits {
	uint32_t per_minute, targets_per_day;
};

enum budget_said {
	BUDGET_COULD_NOT = 0, /* it cannot be told: no */
	BUDGET_GO,
	BUDGET_OVER
};

/* One that was over its budget lately. */
struct budget_over {
	char name[FB_ADDRESS_MAX + 1], peer[64]; /* ${peer} "" = our own */
	const char *setting;                     /* which limit it was */
	uint32_t limit;
	uint64_t refused;                        /* mailboxes, since it was first over this limit (that day) */
};

/* Makes the shared memory: empty, of a fixed size, with a new random key. The descriptor, or -1 with errno. Caller closes. */
int budget_make(void);
/* Maps ${fd} (stays the caller's), which budget_make() made. NULL if it is not that, or out of memory. Caller frees. */
struct budget *budget_open(int fd);
/* Unmaps it. What was spent stays. NULL is allowed. */
void budget_free(struct budget *b);

/*
 * May somebody ask about each of the ${count} ${targets} (at most FB_MAX_MAILBOXES, in the order in which they are paid for)? What is
 * said of each goes to ${said}. ${askers} (${n}, at most 2) all pay, each within ${limits} of its kind, or nobody does.
 * Refusals are logged (event=over-budget), for each asker once a minute. ${day} counts UTC days since 1970, ${now}
 * nanoseconds of a clock that is the same in all processes and never goes back.
 */
void budget_ask(struct budget *b, const struct budget_limits limits[BUDGET_KINDS], const struct budget_asker *askers, size_t n,
                const char *const *targets, size_t count, int64_t day, int64_t now, enum budget_said *said);
/* The number ${i} of those that are over a budget: of the day ${day}, or of the minute before ${now}. False past the last. */
bool budget_over(struct budget *b, size_t i, int64_t day, int64_t now, struct budget_over *out);

/* Fills ${out} with the settings. */
void budget_limits_of(const struct conf *c, struct budget_limits out[BUDGET_KINDS]);
/*
 * budget_ask() with the time of now, for ${requester}: one of our own people, whom perhaps an account of ours named, which then pays too; or
 * (${peer} not NULL) one whom that peer names, and then the peer does.
 */
void budget_ask_now(struct budget *b, const struct budget_limits limits[BUDGET_KINDS], const char *peer,
                    const struct fb_requester *requester, const char *const *targets, size_t count, enum budget_said *said);
/* budget_over() with the time of now. */
bool budget_over_now(struct budget *b, size_t i, struct budget_over *out);
#endif
