#include "bridge/base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

void text_lower(char *s)
{
	for (; *s; s++)
		*s = lower(*s);
}

bool text_ieq(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return lower(*a) == lower(*b);
}

bool text_istarts(const char *s, const char *prefix)
{
	while (*prefix && lower(*s) == lower(*prefix))
		s++, prefix++;
	return *prefix == 0;
}

bool text_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	int64_t v;

	if (!(*s >= '0' && *s <= '9') && !(*s == '-' && s[1] >= '0' && s[1] <= '9'))
		return false;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*out = v;
	return true;
}

size_t text_int_put(char *out, int64_t v)
{
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char digits[TEXT_INT_MAX];
	size_t n = sizeof digits;

	do
		digits[--n] = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		digits[--n] = '-';
	memcpy(out, digits + n, sizeof digits - n);
	return sizeof digits - n;
}

void text_digits(char *out, size_t n, unsigned v)
{
	for (; n; v /= 10)
		out[--n] = (char)('0' + v % 10);
}

/* RFC 3629 section 4: the second byte's range depends on the first; the rest are 80..BF. */
size_t text_utf8_step(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t len, i;

	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	len = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	if (len == 0 || len > n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t text_utf8_whole(const char *s, size_t n)
{
	for (size_t at = n; at && n - at < 4;)
		if (((unsigned char)s[--at] & 0xc0) != 0x80)
			return text_utf8_step(s + at, n - at) ? n : at;
	return n;
}

/* How many bytes at the front of the ${n} at ${s} are ASCII, by eights: most texts go whole. */
static size_t ascii_run(const char *s, size_t n)
{
	uint64_t eight;
	size_t i = 0;

	for (; n - i >= sizeof eight; i += sizeof eight) {
		memcpy(&eight, s + i, sizeof eight);
		if (eight & 0x8080808080808080)
			break;
	}
	while (i < n && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

bool text_is_marked(const char *s, size_t n)
{
	return n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0;
}

bool text_utf8_valid(const char *s, size_t n)
{
	size_t step;

	for (; n; s += step, n -= step)
		if ((step = ascii_run(s, n)) == 0 && (step = text_utf8_step(s, n)) == 0)
			return false;
	return true;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int text_base64(struct buf *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	uint32_t v;
	char four[4];

	for (; n; in += 3, n -= n < 3 ? n : 3) {
		v = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
		four[0] = base64_digits[v >> 18];
		four[1] = base64_digits[v >> 12 & 63];
		four[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
		four[3] = n > 2 ? base64_digits[v & 63] : '=';
		buf_add(out, four, 4);
	}
	return out->failed ? -1 : 0;
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	return at ? (int)(at - base64_digits) : -1;
}

int text_unbase64(struct buf *out, const char *s, size_t n)
{
	size_t before = out->len, pad, i, j;
	uint32_t v;
	int digit;

	if (n % 4)
		return -1;
	for (i = 0; i < n; i += 4) {
		pad = i + 4 < n ? 0 : s[i + 3] != '=' ? 0 : s[i + 2] != '=' ? 1 : 2;
		for (v = 0, j = 0; j < 4; j++) {
			digit = j >= 4 - pad ? 0 : base64_value(s[i + j]);
			if (digit < 0)
				goto bad;
			v = v << 6 | (uint32_t)digit;
		}
		/* Bits that the padding leaves over must be zero: one text for one value. */
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
			goto bad;
		if (buf_add(out, (uint8_t[]){(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 3 - pad) != 0)
			return -1;
	}
	return 0;
bad:
	out->len = before;
	return -1;
}

void text_hex(char *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = "0123456789abcdef"[in[i] >> 4];
		*out++ = "0123456789abcdef"[in[i] & 15];
	}
	*out = 0;
}

static int hex_value(char c)
{
	c = lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_unhex(void *out, size_t n, const char *s)
{
	unsigned char *to = out;
	size_t i;

	if (strlen(s) != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		int high = hex_value(s[2 * i]), low = hex_value(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void text_random(void *out, size_t n)
{
	unsigned char *to = out;
	ssize_t got;

	while (n) {
		got = getrandom(to, n, 0);
		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* What goes as it is, in JSON and in XML: printable ASCII but " & < > and the backslash. */
static const bool plain[256] = {
	[' '] = true, ['!'] = true, ['#' ... '%'] = true, ['\'' ... ';'] = true, ['='] = true, ['?' ... '['] = true, [']' ... '~'] = true,
};

/* How many bytes at the front of the ${n} at ${s} are plain: most texts go whole. */
static size_t plain_run(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && plain[(unsigned char)s[i]])
		i++;
	return i;
}

static int put_quoted(struct buf *out, const char *s, size_t n)
{
	uint8_t *to = buf_reserve(out, n + 2);

	if (!to)
		return -1;
	to[0] = '"';
	memcpy(to + 1, s, n);
	to[n + 1] = '"';
	buf_commit(out, n + 2);
	return 0;
}

int text_json(struct buf *out, const char *s)
{
	size_t n = strlen(s), step = plain_run(s, n);

	if (step == n)
		return put_quoted(out, s, n);
	buf_putc(out, '"');
	for (; n; s += step, n -= step) {
		if ((step = plain_run(s, n))) {
			buf_add(out, s, step);
			continue;
		}
		step = text_utf8_step(s, n);
		if (step == 0) {
			buf_puts(out, replacement);
			step = 1;
		} else if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(out, "\\u%04x", *s);
		else
			buf_add(out, s, step);
	}
	buf_putc(out, '"');
	return out->failed ? -1 : 0;
}

/* XML 1.0 Char: no controls but tab, LF and CR; not U+FFFE and U+FFFF. */
static bool xml_may_hold(const char *s, size_t step)
{
	if (step == 1)
		return (unsigned char)*s >= 0x20 || *s == '\t' || *s == '\n' || *s == '\r';
	return step != 3 || (memcmp(s, "\xef\xbf\xbe", 3) != 0 && memcmp(s, "\xef\xbf\xbf", 3) != 0);
}

int text_xml(struct buf *out, const char *s)
{
	size_t n = strlen(s), step;

	for (; n; s += step, n -= step) {
		if ((step = plain_run(s, n))) {
			buf_add(out, s, step);
			continue;
		}
		step = text_utf8_step(s, n);
		if (step == 0 || !xml_may_hold(s, step)) {
			buf_puts(out, replacement);
			step = step ? step : 1;
		} else if (*s == '&')
			buf_puts(out, "&amp;");
		else if (*s == '<')
			buf_puts(out, "&lt;");
		else if (*s == '>')
			buf_puts(out, "&gt;");
		else if (*s == '"')
			buf_puts(out, "&quot;");
		else if (*s == '\r') /* a bare one would be read back as a line feed */
			buf_puts(out, "&#13;");
		else
			buf_add(out, s, step);
	}
	return out->failed ? -1 : 0;
}

bool text_is_control(const char *s, size_t step)
{
	const unsigned char *p = (const unsigned char *)s;

	if (step == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (step == 2)
		return (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c); /* C1; U+061C */
	if (step != 3 || p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae); /* U+200E, U+200F; U+2028 to U+202E */
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9; /* U+2066 to U+2069 */
}

int text_safe(struct buf *out, const char *s)
{
	size_t n = strlen(s), step;

	for (; n; s += step, n -= step) {
		step = text_utf8_step(s, n);
		if (step == 0 || text_is_control(s, step)) {
			buf_putc(out, '?');
			step = step ? step : 1;
		} else
			buf_add(out, s, step);
	}
	return out->failed ? -1 : 0;
}
