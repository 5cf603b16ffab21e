#include "bridge/base/utf16.h"
#include "bridge/base/text.h"

static void put_unit(struct buf *out, uint32_t unit)
{
	const uint8_t bytes[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};

	buf_add(out, bytes, 2);
}

/* The well-formed character of ${step} bytes at ${s}. */
static uint32_t character(const unsigned char *s, size_t step)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = s[0] & first[step];

	for (size_t i = 1; i < step; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

int utf16_put(struct buf *out, const char *s, size_t n)
{
	size_t step;

	for (; n && (step = text_utf8_step(s, n)); s += step, n -= step) {
		uint32_t c = character((const unsigned char *)s, step);

		if (c >= 0x10000) {
			put_unit(out, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(out, c);
		}
	}
	return n || out->failed ? -1 : 0;
}

static void put_character(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		if (c < 0x10000) {
			buf_putc(out, (char)(0xe0 | c >> 12));
		} else {
			buf_putc(out, (char)(0xf0 | c >> 18));
			buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

int utf16_get(struct buf *out, const uint8_t *p, size_t n)
{
	if (n % 2)
		return -1;
	for (size_t i = 0; i < n; i += 2) {
		uint32_t c = p[i] | (uint32_t)p[i + 1] << 8, low;

		if (c >= 0xd800 && c < 0xe000) {
			if (c >= 0xdc00 || n - i < 4)
				return -1;
			i += 2;
			low = p[i] | (uint32_t)p[i + 1] << 8;
			if (low < 0xdc00 || low >= 0xe000)
				return -1;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
		if (c == 0)
			return -1;
		put_character(out, c);
	}
	return out->failed ? -1 : 0;
}
