#ifndef BRIDGE_DIRECTORY_TICKET_H
#define BRIDGE_DIRECTORY_TICKET_H
#include <stdint.h>
#include "bridge/availability/facts.h"
#include "bridge/base/buf.h"

/* Kerberos tickets for the directory's GSSAPI bind, kept in this process's memory. */

/*
 * Sees that there is a ticket of ${principal} that is good for five minutes more, and gets one with ${keytab} until ${deadline} (loop_ms()) if not.
 * ${good_until} (time_t seconds, 0 at first) is kept by the caller from call to call. FB_YES; or with a sentence FB_NO: the KDC
 * refuses the principal or its key, which locks the account if it is tried on and on; or FB_COULD_NOT_TELL: the keytab cannot be read or
 * lacks the principal, no KDC answered, the clocks differ...
 */
enum fb_fact ticket_get(const char *keytab, const char *principal, int64_t *good_until, int64_t deadline, struct buf *error);
#endif
