#ifndef BRIDGE_ACL_RELEASE_H
#define BRIDGE_ACL_RELEASE_H
#include "bridge/acl/decide.h"
#include "bridge/availability/answer.h"
#include "bridge/availability/query.h"

/*
 * THE THIRD SEAL: what may leave the house. Only acl/release.c makes one, from a raw answer and a verdict; the EWS
 * writer and the link writer take nothing else.
 */
struct acl_released;

/*
 * Cuts ${raw} down to ${verdict} for the question ${q}: the view is min(asked, allowed, what raw holds); fields are built, not
 * filtered; a private event keeps its time and its five flags and loses subject and location at every level; an ID does not exist
 * here. Events are given only if the view has them: then over FB_MAX_EVENTS is FB_TOO_BIG. Digits are raw's own if it has valid
 * ones, else computed from the events; an OK answer that should have digits or events and has no way to them becomes
 * FB_CALENDAR_FAILED. A verdict of None gives its reason and nothing else. NULL only when out of memory. Caller frees.
 */
struct acl_released *acl_release(const struct fb_answer *raw, const struct acl_verdict *verdict, const struct fb_query *q);
/*
 * A failure, for a mailbox that has no raw answer; FB_OK is turned into FB_NOT_COMPUTED. NULL only when out of memory. Caller
 * frees.
 */
struct acl_released *acl_release_reason(enum fb_reason reason);
/* Frees it. NULL is allowed. */
void acl_released_free(struct acl_released *r);
/* What it holds, to be written out. Borrowed. */
const struct fb_answer *acl_released_view(const struct acl_released *r);
#endif
