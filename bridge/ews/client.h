#ifndef BRIDGE_EWS_CLIENT_H
#define BRIDGE_EWS_CLIENT_H
#include <stddef.h>
#include "bridge/availability/answer.h"
#include "bridge/base/buf.h"

/*
 * The other end of EWS: what `query` sends and reads (and later the EWS backend). ${rule} is the zone that wall times are in.
 * Appends a GetUserAvailabilityRequest of version 2016. -1 if ${out} is full.
 */
int ews_client_write(struct buf *out, const struct fb_query *q, const struct fb_zone_rule *rule);
/*
 * Reads a GetUserAvailabilityResponse: answers[i] (${n} of them, set to NULL first) for each FreeBusyResponse; unqualified times, and any of Exchange 2007, are in ${zone}.
 * Where the array of events is missing, the view is what the digits show.
 * An element that fails to make sense makes that one FB_CALENDAR_FAILED, never free. Returns 0; -1 with a sentence in ${error} for a fault,
 * another count of answers, or anything that is no such response. Caller frees each answer.
 */
int ews_client_read(const void *p, size_t len, const struct fb_zone *zone, struct fb_answer **answers, size_t n, struct buf *error);
#endif
