#include "bridge/ews/scan.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/sax.h"

static int put_utf8(struct buf *out, uint32_t c)
{
	char u[4];
	size_t n = 0;

	if (c < 0x80)
		u[n++] = (char)c;
	else if (c < 0x800)
		u[n++] = (char)(0xc0 | c >> 6);
	else if (c < 0x10000)
		u[n++] = (char)(0xe0 | c >> 12);
	else {
		u[n++] = (char)(0xf0 | c >> 18);
		u[n++] = (char)(0x80 | (c >> 12 & 0x3f));
	}
	if (c >= 0x800)
		u[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	if (c >= 0x80)
		u[n++] = (char)(0x80 | (c & 0x3f));
	return buf_add(out, u, n);
}

static const char *from_utf16(const uint8_t *p, size_t n, bool big, struct buf *out)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = big ? (uint32_t)(p[i] << 8 | p[i + 1]) : (uint32_t)(p[i + 1] << 8 | p[i]);

		if (c >= 0xd800 && c < 0xdc00 && n - i >= 4) {
			uint32_t low = big ? (uint32_t)(p[i + 2] << 8 | p[i + 3]) : (uint32_t)(p[i + 3] << 8 | p[i + 2]);

			if (low < 0xdc00 || low > 0xdfff)
				return "The UTF-16 text has half a surrogate pair.";
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if (c >= 0xd800 && c < 0xe000)
			return "The UTF-16 text has half a surrogate pair.";
		if (put_utf8(out, c))
			return "The document is too long.";
	}
	return n % 2 ? "The UTF-16 text ends in the middle of a character." : NULL;
}

/* Where ${what} next stands in [p, end); NULL if nowhere. */
static const char *find(const char *p, const char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what));
}

/* Copies the XML declaration's encoding, lower-cased, to ${name}; "" if it has none. */
static void declared(const char *p, const char *end, char name[32])
{
	const char *stop = find(p, end, "?>"), *e;
	size_t n = 0;
	char quote;

	name[0] = 0;
	if (!stop || end - p < 6 || memcmp(p, "<?xml", 5) != 0 || !(e = find(p, stop, "encoding")))
		return;
	for (e += 8; e < stop && strchr(" \t\r\n=", *e); e++)
		;
	if (e >= stop)
		return;
	for (quote = *e++; e < stop && *e != quote && n < 31; e++)
		name[n++] = *e;
	name[n] = 0;
	text_lower(name);
}

/* Walks one tag from behind its '<' to behind its '>'. NULL if it never ends or has too many attributes. */
static const char *walk_tag(const char *p, const char *end)
{
	size_t attributes = 0;

	for (; p < end && *p != '>'; p++) {
		if (*p == '=' && ++attributes > SAX_MAX_ATTRIBUTES)
			return NULL;
		if (*p == '"' || *p == '\'') {
			p = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (!p)
				return NULL;
		}
	}
	return p < end ? p + 1 : NULL;
}

/* Behind the comment, CDATA section or processing instruction that begins at ${p}; ${p} itself if none does; NULL if it never ends. */
static const char *walk_other(const char *p, const char *end)
{
	static const char *const kinds[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

	if (end - p < 2 || (p[1] != '!' && p[1] != '?'))
		return p; /* a tag, as nearly all are */
	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(kinds[i][0]);

		if ((size_t)(end - p) >= n && memcmp(p, kinds[i][0], n) == 0) {
			const char *stop = find(p + n, end, kinds[i][1]);

			return stop ? stop + strlen(kinds[i][1]) : NULL;
		}
	}
	return p;
}

static const char *walk(const char *p, const char *end)
{
	while ((p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		const char *past = walk_other(p, end);

		if (past == p) {
			if (end - p > 1 && p[1] == '!')
				return "A document type declaration is not allowed.";
			past = walk_tag(p + 1, end);
		}
		if (!past)
			return "The XML is not well-formed: a tag, comment or section has no end, or a tag has too many attributes.";
		p = past;
	}
	return NULL;
}

const char *scan_document(const void **p, size_t *n, struct buf *room)
{
	const uint8_t *b = *p;
	const char *why = NULL, *text, *end;
	bool wide = false;
	char name[32];

	if (*n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
		wide = true;
		why = from_utf16(b + 2, *n - 2, b[0] == 0xfe, room);
	} else if (*n >= 4 && ((b[0] == '<' && !b[1] && b[2] && !b[3]) || (!b[0] && b[1] == '<' && !b[2] && b[3]))) {
		wide = true;
		why = from_utf16(b, *n, !b[0], room);
	} else if (*n >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0) {
		*p = b + 3;
		*n -= 3;
	}
	if (why)
		return why;
	if (wide) {
		*p = buf_cstr(room);
		*n = room->len;
	}
	text = *p;
	end = text + *n;
	if (*n == 0 || memchr(text, 0, *n) || !strchr("< \t\r\n", *text))
		return "This is no XML document.";
	declared(text, end, name);
	if (name[0] && (wide || strcmp(name, "utf-16") == 0)) {
		/* The declaration said UTF-16; it is UTF-8 now, or was so all along (what .NET writes to a string says UTF-16 of itself): it has to go. */
		text = find(text, end, "?>") + 2;
		*p = text;
		*n = (size_t)(end - text);
	} else if (name[0] && strcmp(name, "utf-8") != 0 && strcmp(name, "us-ascii") != 0 && strcmp(name, "ascii") != 0 &&
	           strcmp(name, "iso-8859-1") != 0)
		return "The document's encoding is not supported: send UTF-8 or UTF-16.";
	return walk(text, end);
}

/* XML 1.0, 2.2: Char. */
static bool is_char(uint64_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c < 0x110000);
}

static int digit_of(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How long the reference at ${p} is if it names no character; else 0. */
static size_t bad_reference(const char *p, size_t n)
{
	bool hex = n > 2 && p[2] == 'x';
	size_t first = hex ? 3 : 2, i = first;
	uint64_t c = 0;

	if (n < 4 || p[1] != '#')
		return 0;
	for (int d; i < n && i - first < 15 && (d = digit_of(p[i], hex)) >= 0; i++)
		c = c * (hex ? 16 : 10) + (unsigned)d;
	return i > first && i < n && p[i] == ';' && !is_char(c) ? i + 1 : 0;
}

/* The bytes of the character, or of the bad reference, at ${p}; ${bad}: it must not stand there. */
static size_t step(const char *p, size_t n, bool utf8, bool *bad)
{
	size_t length = 1;

	*bad = false;
	if (*p == '&') {
		length = bad_reference(p, n);
		*bad = length;
	} else if ((unsigned char)*p < 0x80) {
		*bad = !is_char((unsigned char)*p);
	} else if (utf8) {
		length = text_utf8_step(p, n);
		*bad = !length || (length == 3 && (memcmp(p, "\xef\xbf\xbe", 3) == 0 || memcmp(p, "\xef\xbf\xbf", 3) == 0));
	}
	return length ? length : 1;
}

/* The bytes of the tag at ${p}; 0 if none begins there, as in a comment, section or instruction, whose end *${section} is. */
static size_t tag_at(const char *p, const char *end, const char **section)
{
	const char *past;

	if (*p != '<' || p < *section)
		return 0;
	past = walk_other(p, end);
	if (past != p) {
		*section = past;
		return 0;
	}
	past = walk_tag(p + 1, end);
	return past ? (size_t)(past - p) : 0;
}

void scan_mend(const void **p, size_t *n, char instead, struct buf *room)
{
	const char *text = *p, *end = text + *n, *kept = text, *section = text;
	char encoding[32];
	bool bad, utf8;

	declared(text, end, encoding);
	utf8 = strcmp(encoding, "iso-8859-1") != 0;
	for (size_t length; text < end; text += length) {
		bad = false;
		length = tag_at(text, end, &section);
		if (!length)
			length = step(text, (size_t)(end - text), utf8, &bad);
		if (!bad)
			continue;
		buf_add(room, kept, (size_t)(text - kept));
		buf_putc(room, instead);
		kept = text + length;
	}
	if (kept == *p || buf_add(room, kept, (size_t)(end - kept)) < 0)
		return;
	*p = buf_cstr(room);
	*n = room->len;
}
