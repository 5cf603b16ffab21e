#ifndef BRIDGE_EWS_CLIENT_H
#define BRIDGE_EWS_CLIENT_H
#include <stddef.h>
#include "bridge/availability/answer.h"
#include "bridge/base/buf.h"

enum { EWS_CLIENT_REPLY_MAX = 32 << 20, EWS_CLIENT_CODE_MAX = 64, EWS_CLIENT_TEXT_MAX = 300 };

/*
 * The other end of EWS: what `query` and the EWS backend send and read. ${rule} is the zone that wall times are in, ${version}
 * the year of the Exchange that is asked (2007, 2010, 2013 or 2016): what it is told to speak. -1 if ${out} is full.
 */
int ews_client_write(struct buf *out, const struct fb_query *q, const struct fb_zone_rule *rule, int version);

/* What the server said besides, in its own words: for logs, and to know when to leave it alone. */
struct ews_client_said {
	char (*codes)[EWS_CLIENT_CODE_MAX]; /* room for the ResponseCode of each answer, "" = none was given; or NULL */
	char **texts;     /* NULLs, for the MessageText (to EWS_CLIENT_TEXT_MAX) of each failure that has one; or NULL. Caller frees each, whatever came */
	char fault[EWS_CLIENT_CODE_MAX];    /* the code of a SOAP fault; "" = there was none */
	int back_off_ms;                    /* how long the fault, or one of the answers, asks to wait; 0 = they do not */
	bool is_2007;                       /* set by the caller: it is an Exchange 2007 as far as is known, unless it says its version itself */
};
/*
 * Reads a GetUserAvailabilityResponse: answers[i] (${n} of them, set to NULL first) for each FreeBusyResponse; unqualified
 * times, and any of Exchange 2007, are in ${zone}. Where the array of events is missing, the view is what the digits show;
 * where the digits are missing beside it, merged is NULL. An element that fails to make sense makes that one
 * FB_CALENDAR_FAILED, never free. Returns 0; -1 with a sentence in ${error} for a fault, another count of answers, or anything
 * that is no such response. ${said} may be NULL. Caller frees each answer.
 */
int ews_client_read(const void *p, size_t len, const struct fb_zone *zone, struct fb_answer **answers, size_t n, struct buf *error,
                    struct ews_client_said *said);
#endif
