#ifndef BRIDGE_BASE_PACK_H
#define BRIDGE_BASE_PACK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * Messages between our own processes: fixed-width little-endian numbers and
 * length-prefixed strings. The reader never runs off the end: the first read
 * that does not fit sets `bad`, and everything read after it is 0 or "".
 */
struct unpack {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* Appends an unsigned number of 1, 4 or 8 bytes; out of room shows in b->failed. */
void pack_u8(struct buf *b, uint8_t v);
/* As pack_u8(), four bytes. */
void pack_u32(struct buf *b, uint32_t v);
/* As pack_u8(), eight bytes. */
void pack_u64(struct buf *b, uint64_t v);
/* Appends a string; NULL and "" are kept apart. */
void pack_str(struct buf *b, const char *s);
/* Appends ${n} bytes of anything; a ${p} of NULL and no bytes are not kept apart. */
void pack_bytes(struct buf *b, const void *p, size_t n);
/* Starts reading ${n} bytes at ${p} (borrowed). */
struct unpack unpack_start(const void *p, size_t n);
/* The next number, or 0 with u->bad set. */
uint8_t unpack_u8(struct unpack *u);
/* As unpack_u8(), four bytes. */
uint32_t unpack_u32(struct unpack *u);
/* As unpack_u8(), eight bytes. */
uint64_t unpack_u64(struct unpack *u);
/* The next string, zero-terminated inside the message itself (borrowed); NULL if NULL was packed or with u->bad set. */
const char *unpack_str(struct unpack *u);
/* The next string, copied to ${out}. False if none was packed, or it does not fit ${size} bytes with its zero. */
bool unpack_text(struct unpack *u, char *out, size_t size);
/* The next bytes, inside the message itself (borrowed), and how many in ${n}; NULL and 0 with u->bad set, or if there were none. */
const uint8_t *unpack_bytes(struct unpack *u, size_t *n);
/* True if all was read and nothing is left over. */
bool unpack_done(const struct unpack *u);
#endif
