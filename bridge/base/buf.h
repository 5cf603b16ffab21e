#ifndef BRIDGE_BASE_BUF_H
#define BRIDGE_BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A growable byte buffer with a ceiling. A write past the ceiling (or out of
 * memory) sets `failed`, leaves the content as it was and makes every later
 * write do nothing: a writer may append freely and check once at the end.
 * data is NOT zero-terminated; use buf_cstr().
 */
struct buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len;    /* bytes in use, counted from data + off */
	size_t off;    /* bytes already consumed in front */
	size_t cap;    /* bytes allocated */
	size_t max;    /* ceiling for off + len */
	bool failed;   /* a write did not fit */
};

/* Makes ${b} an empty buffer that will hold at most ${max} bytes. */
void buf_init(struct buf *b, size_t max);
/* Releases the memory; ${b} is then empty with the same ceiling. NULL is allowed. */
void buf_free(struct buf *b);
/* Overwrites the content with zeroes, then releases it: for secrets. */
void buf_wipe(struct buf *b);
/* Empties ${b} but keeps its memory for reuse. */
void buf_reset(struct buf *b);
/* First unconsumed byte (NULL when nothing was ever written). Borrowed until the next write. */
uint8_t *buf_ptr(const struct buf *b);
/* buf_add() where there is no room yet, or nothing more may be written. */
int buf_add_growing(struct buf *b, const void *p, size_t n);
/* Appends ${n} bytes of ${p}. Returns 0, or -1 with b->failed set. Inline: of our own words the compiler knows the length. */
static inline int buf_add(struct buf *b, const void *p, size_t n)
{
	if (!n || b->failed || n >= b->cap - b->off - b->len)
		return buf_add_growing(b, p, n);
	memcpy(b->data + b->off + b->len, p, n);
	b->len += n;
	return 0;
}
/* Appends the string ${s} without its zero. Returns 0, or -1 with b->failed set. */
static inline int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}
/* Appends one byte. Returns 0, or -1 with b->failed set. */
int buf_putc(struct buf *b, char c);
/* Appends ${v} in decimal. Returns 0, or -1 with b->failed set. */
int buf_putu(struct buf *b, uint64_t v);
/* The same of a number that may be negative. */
int buf_puti(struct buf *b, int64_t v);
/* Appends by printf format. Returns 0, or -1 with b->failed set. */
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for ${n} more bytes and returns where they go (call buf_commit() after); NULL on failure. */
uint8_t *buf_reserve(struct buf *b, size_t n);
/* Counts ${n} bytes, written where buf_reserve() pointed, as content. */
void buf_commit(struct buf *b, size_t n);
/* Drops ${n} bytes (at most len) from the front. */
void buf_consume(struct buf *b, size_t n);
/* The content with a zero behind it (the zero is not counted). Borrowed; "" if it cannot be made. */
const char *buf_cstr(struct buf *b);
#endif
