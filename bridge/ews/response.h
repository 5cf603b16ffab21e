#ifndef BRIDGE_EWS_RESPONSE_H
#define BRIDGE_EWS_RESPONSE_H
#include "bridge/acl/release.h"
#include "bridge/ews/request.h"

/*
 * Appends the GetUserAvailabilityResponse envelope for ${r}: one FreeBusyResponse a mailbox in the order asked, from ${answers} (r->query.n of
 * them; NULL counts as FB_NOT_COMPUTED), times unqualified in the requester's zone, WorkingElsewhere as Free below 2013 (digits are 0 anyway),
 * SuggestionsResponse if it was asked. ${request_id} goes into each MessageText of a failure. Status 200. -1 if ${out} is full.
 */
int ews_write_availability(struct buf *out, const struct ews_request *r, struct acl_released *const *answers, const char *request_id);
/*
 * Appends the answer to any other operation. ${address} is the mailbox of the person who is logged in ("" = none). Returns the HTTP status (200 or
 * 500), or -1 if ${out} is full.
 */
int ews_write_other(struct buf *out, const struct ews_request *r, const char *address);
/* Appends a SOAP fault, HTTP 500. -1 if ${out} is full. */
int ews_write_fault(struct buf *out, const struct ews_fault *f);
/* Appends a SOAP fault ErrorServerBusy or another code for the whole request, with our own words ${text}. -1 if ${out} is full. */
int ews_write_fault_code(struct buf *out, const char *code, const char *text);
#endif
