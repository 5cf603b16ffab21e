#ifndef BRIDGE_BACKEND_EVENT_SET_H
#define BRIDGE_BACKEND_EVENT_SET_H
#include "bridge/backend/event.h"
#include "bridge/backend/recur.h"

/*
 * The recurrence set of one event (RFC 5545 3.8.5): DTSTART, RRULE and RDATE, less EXDATE. An occurrence is known by its key: for a series
 * of dates its wall midnight, for any other its instant. EXDATE and RECURRENCE-ID name occurrences by where they originally were.
 */
struct occurrence {
	int64_t key, wall;
	int64_t at; /* the instant at which it begins, which its wall time does not tell of the second time the clock shows it */
	bool has_length; /* of an RDATE period */
	int64_t seconds;
};
struct event_set {
	struct ics_job *j;
	const struct fb_zone *floating;
	struct occurrence *occ; /* sorted by key; of equal ones the first counts */
	size_t n_occ, cap_occ;
	int64_t *gone; /* EXDATE and EXRULE, sorted */
	size_t n_gone, cap_gone;
	bool recurs; /* there is more than DTSTART */
	bool apart;  /* two walls that are one instant, where the clock leaves out an hour, are two: they are moved apart (false after gathering) */
	/* the rule being walked */
	const struct ics_event *series;
	const struct recur_rule *rule;
	bool excluding;
};

/*
 * Gathers into ${x} (reused from event to event) all of ${e}'s set between the wall times ${lo} and ${hi}, and perhaps some around.
 * -1 with a sentence.
 */
int event_set_gather(struct event_set *x, const struct ics_event *e, int64_t lo, int64_t hi);
/* True if the ${i}th occurrence is excluded, or the same as the one before it. */
bool event_set_skips(const struct event_set *x, size_t i);
/* Frees what it holds. */
void event_set_free(struct event_set *x);

/* The midnight of ${wall}. */
int64_t event_midnight(int64_t wall);
/* The key of the occurrence of ${s} whose wall time is ${wall}. */
int64_t event_key_at(const struct event_set *x, const struct ics_event *s, int64_t wall);
/*
 * The key that ${t} (EXDATE, RDATE or RECURRENCE-ID) names in ${s}: its value type should be DTSTART's; where it is not, digits of
 * the same kind are compared.
 */
int64_t event_key_of(const struct event_set *x, const struct ics_event *s, const struct ics_time *t);
/* ${t} as a wall time of ${s}; a date in a series with times is that day at the time of DTSTART. */
int64_t event_wall_of(const struct event_set *x, const struct ics_event *s, const struct ics_time *t);
/* Too many occurrences: says so. Always -1. */
int event_no_room(const struct event_set *x, unsigned line);
#endif
