#include "bridge/audit/record.h"
#include <string.h>
#include <time.h>
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "pki/digest.h"

static const char before_prev[] = ",\"prev\":\"", before_hash[] = ",\"hash\":\"";
enum { HEX = 2 * AUDIT_HASH, PREV_LEN = 9 + HEX + 1, HASH_LEN = 9 + HEX + 2 }; /* ,"prev":"HEX"   ,"hash":"HEX"} */

/* ---- writing ---- */

static void put_field(struct buf *out, const struct audit_field *f)
{
	buf_add(out, f->key, f->key_len);
	if (f->is == AUDIT_INT) {
		buf_puti(out, f->num);
	} else if (f->is == AUDIT_LIST) {
		buf_putc(out, '[');
		for (size_t i = 0; f->list[i]; i++) {
			if (i)
				buf_putc(out, ',');
			text_json(out, f->list[i]);
		}
		buf_putc(out, ']');
	} else if (f->str) {
		text_json(out, f->str);
	} else {
		buf_puts(out, "null");
	}
}

static void put_time(struct buf *out, int64_t ms)
{
	char fraction[] = ".000Z";

	fb_time_put_wall(out, ms / 1000);
	text_digits(fraction + 1, 3, (unsigned)(ms % 1000));
	buf_puts(out, fraction);
}

static void put_hash(struct buf *out, const char *before, const uint8_t hash[AUDIT_HASH])
{
	char hex[AUDIT_HEX];

	text_hex(hex, hash, AUDIT_HASH);
	buf_puts(out, before);
	buf_add(out, hex, HEX);
}

int audit_line_put(struct buf *out, uint64_t n, int64_t ms, const char *kind, const struct audit_field *fields,
                   const uint8_t prev[AUDIT_HASH], uint8_t hash[AUDIT_HASH])
{
	size_t from = out->len;

	buf_puts(out, "{\"n\":");
	buf_putu(out, n);
	buf_puts(out, ",\"time\":\"");
	put_time(out, ms);
	buf_puts(out, "\",\"kind\":\"");
	buf_puts(out, kind);
	buf_putc(out, '"');
	for (; fields->is != AUDIT_END; fields++)
		put_field(out, fields);
	put_hash(out, before_prev, prev);
	buf_putc(out, '"');
	if (!out->failed)
		pki_sha256(hash, buf_ptr(out) + from, out->len - from);
	put_hash(out, before_hash, hash);
	buf_puts(out, "\"}\n");
	if (!out->failed && out->len - from <= AUDIT_LINE_MAX)
		return 0;
	out->len = from; /* what stands before it is whole still */
	out->failed = false;
	return -1;
}

int64_t audit_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- reading: only what is written above ---- */

struct scan {
	char *p, *end;
};

static bool take(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* The character behind a backslash; -1 if none is written so. */
static int take_escape(struct scan *s)
{
	char digits[3] = "";
	uint8_t c;

	if (s->p < s->end && (*s->p == '"' || *s->p == '\\'))
		return *s->p++;
	if (!take(s, "u00") || s->end - s->p < 2)
		return -1;
	memcpy(digits, s->p, 2);
	s->p += 2;
	return text_unhex(&c, 1, digits) && c > 0 && c < 0x80 ? c : -1;
}

/* A string, decoded in its own place from ${to} on; where it ends, or NULL. Its zero is still to be written. */
static char *take_text(struct scan *s, char *to)
{
	int c;

	if (!take(s, "\""))
		return NULL;
	while (s->p < s->end && *s->p != '"') {
		if (*s->p == '\\') {
			s->p++;
			if ((c = take_escape(s)) < 0)
				return NULL;
			*to++ = (char)c;
		} else if ((unsigned char)*s->p < 0x20) {
			return NULL;
		} else {
			*to++ = *s->p++;
		}
	}
	return take(s, "\"") ? to : NULL;
}

static char *take_list(struct scan *s, char *to)
{
	if (!take(s, "["))
		return NULL;
	for (bool first = true; !take(s, "]"); first = false) {
		if (!first && !take(s, ","))
			return NULL;
		if (!first)
			*to++ = ' ';
		if (!(to = take_text(s, to)))
			return NULL;
	}
	return to;
}

/* The digits, moved to ${to}. NULL if there is none. */
static char *take_number(struct scan *s, char *to)
{
	char *first = to;

	while (s->p < s->end && strchr("-0123456789", *s->p))
		*to++ = *s->p++;
	return to == first ? NULL : to;
}

/* One "key":value with what stands before it. */
static bool take_field(struct scan *s, const char *before, const char **key, const char **value)
{
	char *start, *end;

	if (!take(s, before))
		return false;
	start = s->p + 1;
	if (!(end = take_text(s, start)) || !take(s, ":"))
		return false;
	*end = 0;
	*key = start;
	*value = NULL;
	if (take(s, "null"))
		return true;
	if (s->p == s->end)
		return false;
	/* A number goes one place to the left, so that its zero does not fall on the comma behind it. */
	start = s->p - 1;
	end = *s->p == '"' ? take_text(s, start) : *s->p == '[' ? take_list(s, start) : take_number(s, start);
	if (!end)
		return false;
	*end = 0;
	*value = start;
	return true;
}

bool audit_unhex(uint8_t out[AUDIT_HASH], const char *hex)
{
	char again[AUDIT_HEX];

	if (!text_unhex(out, AUDIT_HASH, hex))
		return false;
	text_hex(again, out, AUDIT_HASH);
	return strcmp(again, hex) == 0;
}

static bool take_hash(const char *at, const char *before, uint8_t out[AUDIT_HASH])
{
	char hex[AUDIT_HEX];

	if (memcmp(at, before, 9) != 0 || at[9 + HEX] != '"')
		return false;
	memcpy(hex, at + 9, HEX);
	hex[HEX] = 0;
	return audit_unhex(out, hex);
}

static bool take_body(struct scan *s, struct audit_record *out)
{
	const char *key, *value;
	int64_t n, seconds;

	if (!take_field(s, "{", &key, &value) || strcmp(key, "n") != 0 || !value || !text_int(value, 1, INT64_MAX, &n))
		return false;
	out->n = (uint64_t)n;
	if (!take_field(s, ",", &key, &out->time) || strcmp(key, "time") != 0 || !out->time ||
	    fb_time_parse(out->time, &seconds) != FB_TIME_UTC)
		return false;
	out->seconds = seconds;
	if (!take_field(s, ",", &key, &out->kind) || strcmp(key, "kind") != 0 || !out->kind)
		return false;
	for (out->n_fields = 0; s->p < s->end; out->n_fields++)
		if (out->n_fields == AUDIT_FIELDS_MAX ||
		    !take_field(s, ",", &out->fields[out->n_fields].key, &out->fields[out->n_fields].value))
			return false;
	return true;
}

enum audit_read audit_record_read(char *line, size_t len, struct audit_record *out)
{
	uint8_t real[AUDIT_HASH];
	struct scan s = {line, line};

	if (len <= PREV_LEN + HASH_LEN || len > AUDIT_LINE_MAX || line[len - 1] != '}' || memchr(line, 0, len))
		return AUDIT_NO_RECORD;
	s.end = line + len - HASH_LEN - PREV_LEN;
	if (!take_hash(line + len - HASH_LEN, before_hash, out->hash) || !take_hash(s.end, before_prev, out->prev))
		return AUDIT_NO_RECORD;
	pki_sha256(real, line, len - HASH_LEN);
	if (!take_body(&s, out))
		return AUDIT_NO_RECORD;
	return memcmp(real, out->hash, AUDIT_HASH) == 0 ? AUDIT_WHOLE : AUDIT_CHANGED;
}

const char *audit_record_get(const struct audit_record *r, const char *key)
{
	for (size_t i = 0; i < r->n_fields; i++)
		if (strcmp(r->fields[i].key, key) == 0)
			return r->fields[i].value;
	return NULL;
}

int64_t audit_record_number(const struct audit_record *r, const char *key)
{
	const char *text = audit_record_get(r, key);
	int64_t n;

	return text && text_int(text, 0, INT64_MAX, &n) ? n : -1;
}

bool audit_record_hash(const struct audit_record *r, const char *key, uint8_t out[AUDIT_HASH])
{
	const char *text = audit_record_get(r, key);

	return text && audit_unhex(out, text);
}
