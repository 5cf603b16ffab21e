#ifndef BRIDGE_BASE_CHANNEL_OWN_H
#define BRIDGE_BASE_CHANNEL_OWN_H
#include "bridge/base/channel.h"

/* Inside channel*.c: what stands before each message. Its length, its kind and its flags, little endian. */

enum {
	CHANNEL_HEADER = 8, /* bytes */
	CHANNEL_FLAG_FD = 1 /* a descriptor comes with it */
};

/* Writes ${v} to the four bytes at ${to}. */
void channel_put_u32(uint8_t *to, uint32_t v);
/* Writes the header of a message of ${len} bytes to ${h}. */
void channel_put_header(uint8_t *h, size_t len, uint16_t type, uint16_t flags);
/* The row among ${n} for the message that header ${h} announces, its length in ${len}; NULL with ${why} when the table has none that allows it. */
const struct channel_type *channel_check_header(const struct channel_type *types, size_t n, const uint8_t *h, size_t *len, const char **why);
#endif
