#ifndef BRIDGE_LINK_WIRE_H
#define BRIDGE_LINK_WIRE_H
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* A message, or the text of a field: borrowed. */
struct wire_bytes {
	const uint8_t *p;
	size_t n;
};
/* How often a repeated field may stand in its message, and how long a string may be; 0 = no limit of that kind. */
struct wire_cap {
	const ProtobufCMessageDescriptor *of;
	uint32_t field;
	size_t max_count, max_length;
	const struct wire_bytes *before; /* a message with these bytes was found to be within before, and is not walked again; NULL = each is walked */
};

/* The same bytes? */
bool wire_same(struct wire_bytes a, struct wire_bytes b);

/*
 * Walks the ${n} bytes at ${p} as a message of type ${d} and takes no memory: true if it is well-formed, every string is
 * UTF-8 without a zero byte, a single field stands at most once, every field in ${caps} (ends with of = NULL) is within its limits, and each
 * message has at most 16 fields that we do not know (a newer peer's). Only then may it be unpacked. On false ${why} is a sentence part (constant).
 */
bool wire_within(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n, const struct wire_cap *caps, const char **why);

struct wire_field {
	unsigned number;
	uint64_t value;          /* of a varint: what link.proto calls int64, uint32, bool or enum is in its low bits */
	struct wire_bytes bytes; /* of a string or a message; never NULL */
};
/* Cuts the next field off ${m}, a message that wire_within() has passed. False at its end. */
bool wire_next(struct wire_bytes *m, struct wire_field *out);
/* The value of a sint32. */
int32_t wire_signed(uint64_t value);

/* Appends the field ${number} as a varint (int64, uint32, bool or enum); 0 is what a field that is not there means. */
void wire_put(struct buf *out, unsigned number, uint64_t v);
/* The same as a sint32. */
void wire_put_signed(struct buf *out, unsigned number, int32_t v);
/* The same as ${n} bytes; none if they are none. */
void wire_put_bytes(struct buf *out, unsigned number, const void *p, size_t n);
/* Begins the field ${number}, a message: what is appended up to wire_end() is its fields. Returns what that wants to have. */
size_t wire_begin(struct buf *out, unsigned number);
/* Ends what wire_begin() began. */
void wire_end(struct buf *out, size_t from);

/*
 * Memory for reading or writing one message, one at a time: all of it is freed at once. At most about ${max} bytes; past that, or out of memory,
 * there is none.
 */
void wire_memory(ProtobufCAllocator *out, size_t max);
/* Frees it, and with it the message. */
void wire_memory_free(ProtobufCAllocator *a);
/* Appends ${m} packed. -1 if ${out} is full. */
int wire_pack(struct buf *out, const ProtobufCMessage *m);
#endif
