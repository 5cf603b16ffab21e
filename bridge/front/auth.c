#include "bridge/front/auth.h"
#include <string.h>
#include "bridge/base/text.h"

static enum auth_result read_basic(const char *token, struct auth_claim *claim);
static enum auth_result read_token(const char *token, struct auth_claim *claim);

/* The strongest first. */
static const struct scheme {
	enum login_scheme scheme;
	const char *name;
	enum auth_result (*read)(const char *token, struct auth_claim *claim);
} schemes[] = {
	{LOGIN_NEGOTIATE, "Negotiate", read_token},
	{LOGIN_NTLM, "NTLM", read_token},
	{LOGIN_BASIC, "Basic", read_basic},
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

	buf_init(&raw, AUTH_USER_MAX + 1 + LOGIN_PASSWORD_MAX);
	if (text_unbase64(&raw, token, strlen(token)) == 0 && raw.len > 0) {
		text = (const char *)buf_ptr(&raw);
		colon = memchr(text, ':', raw.len);
		if (colon && colon > text && to_utf8(claim->user, sizeof(claim->user), text, (size_t)(colon - text)) &&
		    to_utf8(claim->password, sizeof(claim->password), colon + 1, raw.len - (size_t)(colon + 1 - text)))
			r = AUTH_CLAIM;
	}
	buf_wipe(&raw);
	claim->credential = token;
	return r;
}

static enum auth_result read_token(const char *token, struct auth_claim *claim)
{
	return text_unbase64(&claim->token, token, strlen(token)) == 0 && claim->token.len > 0 ? AUTH_CLAIM : AUTH_MALFORMED;
}

enum auth_result auth_read(const char *field, unsigned offered, struct auth_claim *claim)
{
	memset(claim, 0, sizeof(*claim));
	buf_init(&claim->token, LOGIN_TOKEN_MAX);
	for (size_t i = 0; field && i < SCHEMES; i++) {
		size_t n = strlen(schemes[i].name);

		if (!(offered & AUTH_OFFER(schemes[i].scheme)) || !text_istarts(field, schemes[i].name) || field[n] != ' ')
			continue;
		claim->scheme = schemes[i].scheme;
		return schemes[i].read(field + n + strspn(field + n, " "), claim);
	}
	return field ? AUTH_UNKNOWN : AUTH_ABSENT;
}

void auth_wipe(struct auth_claim *claim)
{
	buf_wipe(&claim->token);
	explicit_bzero(claim, sizeof(*claim));
}

void auth_challenges(struct buf *out, unsigned offered, const char *realm)
{
	for (size_t i = 0; i < SCHEMES; i++) {
		if (!(offered & AUTH_OFFER(schemes[i].scheme)))
			continue;
		buf_printf(out, "WWW-Authenticate: %s", schemes[i].name);
		if (schemes[i].scheme == LOGIN_BASIC)
			buf_printf(out, " realm=\"%s\"", realm);
		buf_puts(out, "\r\n");
	}
}

void auth_put_names(struct buf *out, unsigned offered)
{
	const char *between = "";

	for (size_t i = 0; i < SCHEMES; i++)
		if (offered & AUTH_OFFER(schemes[i].scheme)) {
			buf_printf(out, "%s%s", between, schemes[i].name);
			between = ", ";
		}
}

void auth_challenge(struct buf *out, enum login_scheme scheme, const struct buf *token)
{
	buf_printf(out, "WWW-Authenticate: %s ", auth_name(scheme));
	text_base64(out, buf_ptr(token), token->len);
	buf_puts(out, "\r\n");
}

const char *auth_name(enum login_scheme scheme)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if (schemes[i].scheme == scheme)
			return schemes[i].name;
	return "";
}

const char *auth_package(unsigned offered)
{
	if (offered & AUTH_OFFER(LOGIN_NTLM))
		return "Ntlm"; /* every client that speaks Negotiate speaks it too, and exchangelib takes the word at its value */
	return offered == AUTH_OFFER(LOGIN_NEGOTIATE) ? "Negotiate" : NULL;
}
