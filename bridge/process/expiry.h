#ifndef BRIDGE_PROCESS_EXPIRY_H
#define BRIDGE_PROCESS_EXPIRY_H
#include <stdint.h>
#include "bridge/base/buf.h"

/* Warnings ahead of the end of a front certificate. Pure. */
enum expiry { EXPIRY_UNKNOWN = 0, EXPIRY_FAR, EXPIRY_60, EXPIRY_30, EXPIRY_7, EXPIRY_OVER };
/* How near ${until} (seconds since 1970; 0 = not known) is at ${now}. */
enum expiry expiry_of(int64_t until, int64_t now);
/* Appends "ended 3 days ago (on 2026-03-02)", "ends in 12 days (on 2026-03-14)". */
void expiry_put(struct buf *out, int64_t until, int64_t now);
#endif
