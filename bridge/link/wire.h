#ifndef BRIDGE_LINK_WIRE_H
#define BRIDGE_LINK_WIRE_H
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* How often a repeated field may stand in its message, and how long a string may be; 0 = no limit of that kind. */
struct wire_cap {
	const ProtobufCMessageDescriptor *of;
	uint32_t field;
	size_t max_count, max_length;
};

/*
 * Walks the ${n} bytes at ${p} as a message of type ${d} and takes no memory: true if it is well-formed, every string is
 * UTF-8 without a zero byte, a single field stands at most once, every field in ${caps} (ends with of = NULL) is within its limits, and each
 * message has at most 16 fields that we do not know (a newer peer's). Only then may it be unpacked. On false ${why} is a sentence part (constant).
 */
bool wire_within(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n, const struct wire_cap *caps, const char **why);
/* Memory for reading or writing one message, one at a time: all of it is freed at once. At most about ${max} bytes; past that, or out of memory, there is none. */
void wire_memory(ProtobufCAllocator *out, size_t max);
/* Frees it, and with it the message. */
void wire_memory_free(ProtobufCAllocator *a);
/* Appends ${m} packed. -1 if ${out} is full. */
int wire_pack(struct buf *out, const ProtobufCMessage *m);
#endif
