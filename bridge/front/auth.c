#include "bridge/front/auth.h"
#include <string.h>
#include "bridge/base/text.h"

static enum auth_result read_basic(const char *token, struct auth_claim *claim);

struct scheme {
	const char *name, *package;
	enum auth_result (*read)(const char *token, struct auth_claim *claim);
};
static const struct scheme schemes[] = {
	{"Basic", NULL, read_basic},
};
enum { SCHEMES = sizeof(schemes) / sizeof(*schemes) };

/* Older clients send the bytes of their code page: what is no UTF-8 is read as Latin-1. False if it does not fit. */
static bool to_utf8(char *out, size_t size, const char *s, size_t n)
{
	bool utf8 = text_utf8_valid(s, n);
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)s[i];

		if (b < 0x20 || b == 0x7f || o + 2 >= size)
			return false;
		if (utf8 || b < 0x80) {
			out[o++] = (char)b;
		} else {
			out[o++] = (char)(0xc0 | b >> 6);
			out[o++] = (char)(0x80 | (b & 0x3f));
		}
	}
	out[o] = 0;
	return true;
}

static enum auth_result read_basic(const char *token, struct auth_claim *claim)
{
	struct buf raw;
	const char *text, *colon;
	enum auth_result r = AUTH_MALFORMED;

	buf_init(&raw, AUTH_USER_MAX + 1 + AUTH_PASSWORD_MAX);
	if (text_unbase64(&raw, token, strlen(token)) == 0 && raw.len > 0) {
		text = (const char *)buf_ptr(&raw);
		colon = memchr(text, ':', raw.len);
		if (colon && colon > text && to_utf8(claim->user, sizeof(claim->user), text, (size_t)(colon - text)) &&
		    to_utf8(claim->password, sizeof(claim->password), colon + 1, raw.len - (size_t)(colon + 1 - text)))
			r = AUTH_PASSWORD;
	}
	buf_wipe(&raw);
	claim->credential = token;
	return r;
}

enum auth_result auth_read(const char *field, struct auth_claim *claim)
{
	memset(claim, 0, sizeof(*claim));
	for (size_t i = 0; field && i < SCHEMES; i++) {
		size_t n = strlen(schemes[i].name);

		if (text_istarts(field, schemes[i].name) && field[n] == ' ')
			return schemes[i].read(field + n + strspn(field + n, " "), claim);
	}
	return AUTH_ABSENT;
}

void auth_wipe(struct auth_claim *claim)
{
	explicit_bzero(claim, sizeof(*claim));
}

void auth_challenges(struct buf *out, const char *realm)
{
	for (size_t i = 0; i < SCHEMES; i++)
		buf_printf(out, "WWW-Authenticate: %s realm=\"%s\"\r\n", schemes[i].name, realm);
}

const char *auth_package(void)
{
	return schemes[0].package;
}
