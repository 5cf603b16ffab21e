#include "bridge/base/buf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 512 }; /* a buffer that fills byte by byte grows seldom; one of few bytes does not live long */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void buf_reset(struct buf *b)
{
	b->len = b->off = 0;
	b->failed = false;
}

uint8_t *buf_ptr(const struct buf *b)
{
	return b->data ? b->data + b->off : NULL;
}

/* Moves the content to the very front: what was consumed counts against the ceiling no longer. */
static void compact(struct buf *b)
{
	if (b->off && b->len)
		memmove(b->data, b->data + b->off, b->len);
	b->off = 0;
}

/* A copy instead of realloc(): the old memory may hold a secret and is wiped when it is let go. */
static int grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : b->max < LEAST ? b->max : LEAST;
	uint8_t *p;

	while (cap < want)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	p = malloc(cap + 1); /* one spare byte, so that buf_cstr() of a full buffer has room */
	if (!p)
		return -1;
	if (b->len)
		memcpy(p, b->data + b->off, b->len);
	if (b->data)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	b->data = p;
	b->off = 0;
	b->cap = cap;
	return 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed || n > b->max - b->len) {
		b->failed = true;
		return NULL;
	}
	if (b->data && n > b->cap - b->off - b->len)
		compact(b);
	if ((!b->data || n > b->cap - b->len) && grow(b, b->len + n) != 0) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->off + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	if (b->data && n <= b->cap - b->off - b->len)
		b->len += n;
}

int buf_add_growing(struct buf *b, const void *p, size_t n)
{
	uint8_t *to = buf_reserve(b, n);

	if (!to)
		return -1;
	if (n)
		memcpy(to, p, n);
	b->len += n;
	return 0;
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_putu(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof digits;

	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	return buf_add(b, digits + n, sizeof digits - n);
}

int buf_puti(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_putc(b, '-');
	return buf_putu(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !(to = buf_reserve(b, (size_t)n))) {
		b->failed = true;
		return -1;
	}
	va_start(ap, fmt); /* the spare byte behind cap takes the zero */
	vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	b->len -= n;
	b->off = b->len ? b->off + n : 0;
}

const char *buf_cstr(struct buf *b)
{
	if (!b->data)
		return "";
	b->data[b->off + b->len] = 0;
	return (const char *)b->data + b->off;
}
