#include "bridge/base/pack.h"
#include <string.h>

static void pack_number(struct buf *b, uint64_t v, size_t bytes)
{
	uint8_t out[8];
	size_t i;

	for (i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> 8 * i);
	buf_add(b, out, bytes);
}

void pack_u8(struct buf *b, uint8_t v)
{
	pack_number(b, v, 1);
}

void pack_u32(struct buf *b, uint32_t v)
{
	pack_number(b, v, 4);
}

void pack_u64(struct buf *b, uint64_t v)
{
	pack_number(b, v, 8);
}

/* Length with the zero, so that 0 is free to mean NULL. */
void pack_str(struct buf *b, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;

	if (n > UINT32_MAX) {
		b->failed = true;
		return;
	}
	pack_u32(b, (uint32_t)n);
	buf_add(b, s, n);
}

void pack_bytes(struct buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX) {
		b->failed = true;
		return;
	}
	pack_u32(b, (uint32_t)n);
	buf_add(b, p, n);
}

struct unpack unpack_start(const void *p, size_t n)
{
	return (struct unpack){.p = p, .left = n};
}

static const uint8_t *take(struct unpack *u, size_t n)
{
	const uint8_t *p = u->p;

	if (u->bad || n > u->left) {
		u->bad = true;
		return NULL;
	}
	if (n)
		u->p += n;
	u->left -= n;
	return p;
}

static uint64_t unpack_number(struct unpack *u, size_t bytes)
{
	const uint8_t *p = take(u, bytes);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p && i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

uint8_t unpack_u8(struct unpack *u)
{
	return (uint8_t)unpack_number(u, 1);
}

uint32_t unpack_u32(struct unpack *u)
{
	return (uint32_t)unpack_number(u, 4);
}

uint64_t unpack_u64(struct unpack *u)
{
	return unpack_number(u, 8);
}

const char *unpack_str(struct unpack *u)
{
	size_t n = unpack_u32(u);
	const uint8_t *p = n ? take(u, n) : NULL;

	if (p && memchr(p, 0, n) != p + n - 1) {
		u->bad = true;
		return NULL;
	}
	return (const char *)p;
}

bool unpack_text(struct unpack *u, char *out, size_t size)
{
	const char *s = unpack_str(u);

	if (!s || strlen(s) >= size)
		return false;
	strcpy(out, s);
	return true;
}

bool unpack_done(const struct unpack *u)
{
	return !u->bad && u->left == 0;
}

const uint8_t *unpack_bytes(struct unpack *u, size_t *n)
{
	size_t len = unpack_u32(u);
	const uint8_t *p = take(u, len);

	*n = p ? len : 0;
	return *n ? p : NULL;
}
