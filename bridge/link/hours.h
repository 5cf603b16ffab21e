#ifndef BRIDGE_LINK_HOURS_H
#define BRIDGE_LINK_HOURS_H
#include "bridge/availability/answer.h"
#include "bridge/link/wire.h"

/*
 * WorkingHours of link.proto, a part of a MailboxAnswer. Those of colleagues are often the same: what was written last is not worked out again,
 * and neither is what was read last, as long as link_hours_forget() is not called.
 */

/* The numbers of link.proto: where they stand in a MailboxAnswer, and what stands in them. */
enum { LINK_ANSWER_HOURS = 7, LINK_HOURS_ZONE = 1, LINK_HOURS_PERIODS };

/* Appends ${w} as that field of a MailboxAnswer; nothing if there is nothing to tell, or what no reader would take. */
void link_hours_write(struct buf *out, const struct fb_working_hours *w);
/* Reads ${in}, which wire_within() has passed, into ${out} (all zero). False if such hours cannot be. */
bool link_hours_read(struct wire_bytes in, struct fb_working_hours *out);
/* The bytes that were read last; n = 0: none. */
extern struct wire_bytes link_hours_known;
/* What was read is forgotten: at the end of a call, since nothing that a peer has said stays with who asked. */
void link_hours_forget(void);
#endif
