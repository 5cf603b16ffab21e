#ifndef BRIDGE_DIRECTORY_TICKET_H
#define BRIDGE_DIRECTORY_TICKET_H
#include <stdint.h>
#include "bridge/base/buf.h"

/* Kerberos tickets for the directory's GSSAPI bind, kept in this process's memory. */

/*
 * Sees that there is a ticket of ${principal} that is good for five minutes more, and gets one with ${keytab} if not.
 * ${good_until} (time_t seconds, 0 at first) is kept by the caller from call to call. 0, or -1 with a sentence: the keytab
 * cannot be read or lacks the principal, no KDC answered, the clocks differ...
 */
int ticket_get(const char *keytab, const char *principal, int64_t *good_until, struct buf *error);
#endif
