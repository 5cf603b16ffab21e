#ifndef BRIDGE_BASE_UTF16_H
#define BRIDGE_BASE_UTF16_H
#include "bridge/base/buf.h"

/* UTF-16LE, as Windows writes names and passwords, to UTF-8 and back. */

/* Appends ${n} bytes of UTF-8 as UTF-16LE. -1 if they are not well formed or ${out} is full. */
int utf16_put(struct buf *out, const char *s, size_t n);
/* Appends ${n} bytes of UTF-16LE as UTF-8. -1 if they are not well formed (odd, a lone surrogate), hold a zero, or ${out} is full. */
int utf16_get(struct buf *out, const uint8_t *p, size_t n);
#endif
