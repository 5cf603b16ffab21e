#ifndef BRIDGE_BACKEND_EVENT_H
#define BRIDGE_BACKEND_EVENT_H
#include "bridge/backend/job.h"
#include "bridge/backend/status.h"

/* A VEVENT as it was read: a series with its DTSTART, or an override (RECURRENCE-ID) of one. */
struct ics_event {
	const struct ics_component *c;
	unsigned file, order; /* order: in which it was read, over all files */
	unsigned collection;
	struct ics_scope *scope;
	const char *uid;      /* NULL: none (or an empty one), so it belongs to nothing */
	size_t uid_len;
	struct ics_time start;
	struct ics_duration length; /* days nominal, seconds exact (RFC 5545 3.8.5.3) */
	bool is_override, and_future;
	bool outside; /* of the window, however it is meant (in_doubt), or cancelled */
	struct ics_time rid;
	const char *unplaced; /* why it is not known what rid is, though it takes no time of the window; NULL: it is known */
	int64_t sequence, stamp;
	struct ics_status status;
	const char *subject, *location; /* in the job's arena */
	struct ics_event *next;
};

/*
 * Does ${c} lie outside of the window in whatever zone its digits are told, and whichever of start and end comes first? False also if that cannot be
 * told. No two clocks are further apart than two days.
 */
bool ics_event_outside(struct ics_job *j, const struct ics_component *c);
/* The zone in which ${e}'s wall times are read: its own, or ${floating}. */
const struct fb_zone *ics_event_zone(const struct ics_event *e, const struct fb_zone *floating);
#endif
