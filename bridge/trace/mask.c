#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/budget/siphash.h"
#include "bridge/trace/parts.h"

enum { TOKEN_MAX = 4096, ADDRESS_MAX = 512, SENTENCE_WORDS = 120 };
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool made_of(const char *s, size_t n, const char *set)
{
	for (size_t i = 0; i < n; i++)
		if (!s[i] || !strchr(set, s[i]))
			return false;
	return n > 0;
}

/* The same text gets the same number within one recording, and nobody can tell the text from it without the key. */
static unsigned number_of(const uint64_t key[2], const char *s, size_t n)
{
	char lower[ADDRESS_MAX];

	if (n > sizeof lower)
		n = sizeof lower;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)s[i]);
	return (unsigned)siphash(key, lower, n);
}

static void hide(struct buf *out, size_t n)
{
	buf_printf(out, "[%zu bytes]", n);
}

/* A URL is shown up to its query. */
static void put_token(struct buf *out, const char *s, size_t n)
{
	size_t shown = n;

	if (n > 8 && (strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0))
		for (shown = 0; shown < n && s[shown] != '?' && s[shown] != '#'; shown++)
			;
	if (shown > TOKEN_MAX || (shown && !made_of(s, shown, LETTERS DIGITS " -+.:;,_/{}")))
		hide(out, n);
	else
		buf_add(out, s, shown);
	if (shown < n && shown <= TOKEN_MAX)
		hide(out, n - shown);
}

/* What Exchange asks Autodiscover for when it looks for the way to a whole organisation; it is nobody. */
static bool is_anchor(const char *s, size_t n)
{
	static const char anchor[] = "01B62C6D-4324-448f-9884-5FEC6D18A7E2";

	return n == sizeof anchor - 1 && strncasecmp(s, anchor, n) == 0;
}

/* The domain is an organisation's and stays; the person becomes a number. */
static void put_address(struct buf *out, const uint64_t key[2], const char *s, size_t n)
{
	const char *at = memrchr(s, '@', n);
	size_t local = at ? (size_t)(at - s) : 0, domain = at ? n - local - 1 : 0;

	if (n == 0)
		return;
	if (!at || n > ADDRESS_MAX || !made_of(at + 1, domain, LETTERS DIGITS ".-"))
		buf_printf(out, "[who-%08x, %zu bytes%s]", number_of(key, s, n), n, *s == '/' ? ", begins with a slash" : "");
	else if (is_anchor(s, local))
		buf_printf(out, "%.*s", (int)n, s);
	else
		buf_printf(out, "who-%08x@%.*s", number_of(key, s, local), (int)domain, at + 1);
}

/*
 * What stands for everyone or for a kind of login is shown (S-1-5-11); of a domain's accounts the two that tell them apart become
 * numbers.
 */
static void put_sid(struct buf *out, const uint64_t key[2], const char *s, size_t n)
{
	const char *last = memrchr(s, '-', n);
	size_t tail = last ? n - (size_t)(last - s) - 1 : 0, dashes = 0;

	for (size_t i = 0; i < n; i++)
		dashes += s[i] == '-';
	if (n < 5 || n > 184 || strncmp(s, "S-1-", 4) != 0 || !made_of(s + 4, n - 4, DIGITS "-"))
		hide(out, n);
	else if (n <= 12 && dashes <= 4)
		buf_add(out, s, n);
	else if (dashes == 7 && strncmp(s, "S-1-5-21-", 9) == 0 && tail <= 3)
		buf_printf(out, "S-1-5-21-[domain-%08x]-%.*s", number_of(key, s, n - tail - 1), (int)tail, last + 1);
	else
		buf_printf(out, "%.8s-[domain-%08x]-[who-%08x]", s, number_of(key, s, n - tail - 1), number_of(key, s, n));
}

/* An error's words: plain ones are shown, and addresses as elsewhere. What is no plain word may be anything, so it is hidden. */
static void put_sentence(struct buf *out, const uint64_t key[2], const char *s, size_t n)
{
	size_t words = 0;

	for (size_t i = 0, len; i < n; i += len) {
		for (; i < n && strchr(" \t\r\n", s[i]); i++)
			;
		for (len = 0; i + len < n && !strchr(" \t\r\n", s[i + len]); len++)
			;
		if (len == 0)
			return;
		if (words++)
			buf_putc(out, ' ');
		if (words > SENTENCE_WORDS) {
			hide(out, n - i);
			return;
		}
		if (made_of(s + i, len, LETTERS DIGITS "-.:,;'()_/") && len <= 200)
			buf_add(out, s + i, len);
		else if (memchr(s + i, '@', len))
			put_address(out, key, s + i, len);
		else
			hide(out, len);
	}
}

static void put_value(struct buf *out, const uint64_t key[2], const char *s, size_t n)
{
	if (n > 8 && (strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0))
		put_token(out, s, n);
	else if (memchr(s, '@', n))
		put_address(out, key, s, n);
	else if (made_of(s, n, DIGITS ".:,+-"))
		buf_add(out, s, n);
	else
		hide(out, n);
}

void trace_mask(void *arg, struct buf *out, enum ews_text kind, const char *s, size_t n)
{
	const uint64_t *key = arg;

	switch (kind) {
	case EWS_TEXT_TOKEN:
		put_token(out, s, n);
		return;
	case EWS_TEXT_VALUE:
		put_value(out, key, s, n);
		return;
	case EWS_TEXT_ADDRESS:
		put_address(out, key, s, n);
		return;
	case EWS_TEXT_SID:
		put_sid(out, key, s, n);
		return;
	case EWS_TEXT_SENTENCE:
		put_sentence(out, key, s, n);
		return;
	case EWS_TEXT_HIDDEN:
		break;
	}
	hide(out, n);
}
