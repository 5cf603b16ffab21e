#ifndef BRIDGE_EWS_WRITING_H
#define BRIDGE_EWS_WRITING_H
#include "bridge/availability/answer.h"
#include "bridge/ews/response.h"

/* What the writers of this room share. Private to this room. */

/* The answer to mailbox ${i} of ${r} if it is one that can be shown, else NULL with the reason in ${why}. */
const struct fb_answer *answer_shown(const struct ews_request *r, struct acl_released *const *answers, size_t i, enum fb_reason *why);
/* Appends m:SuggestionsResponse. */
void suggestions_put(struct buf *out, const struct ews_request *r, struct acl_released *const *answers, const char *request_id);
/* Appends the answer to GetServerTimeZones. */
void zones_put(struct buf *out, const struct ews_request *r);
/* Appends <m:ResponseMessage ResponseClass="Success"> and its code: what a Success holds. */
void success_put(struct buf *out);
/* Appends m:MessageText, m:ResponseCode and m:DescriptiveLinkKey of an error. */
void error_put(struct buf *out, const char *code, const char *text);
#endif
