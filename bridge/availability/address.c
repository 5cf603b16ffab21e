#include "bridge/availability/address.h"
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include "bridge/base/text.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63 };

/* The one UTS #46 profile: opened once, immutable, kept for the process's life. */
static const UIDNA *idna(void)
{
	static UIDNA *one;
	UErrorCode e = U_ZERO_ERROR;

	if (!one)
		one = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, &e);
	return U_FAILURE(e) ? NULL : one;
}

static bool has_a_label(const char *s)
{
	for (; s; s = strchr(s, '.') ? strchr(s, '.') + 1 : NULL)
		if (text_istarts(s, "xn--"))
			return true;
	return false;
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

/* Letters, digits and inner hyphens, labels of 1..63, the last not a number (so that no IPv4 address is a domain). */
static bool is_host_name(const char *s)
{
	for (;;) {
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
		if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
			return false;
		if (s[n] == '\0')
			return strspn(s, "0123456789") < n;
		if (s[n] != '.')
			return false;
		s += n + 1;
	}
}

bool fb_domain_normal(const char *s, char out[FB_DOMAIN_MAX + 1])
{
	size_t n = s ? strlen(s) : 0;

	if (n == 0 || n > 4 * FB_DOMAIN_MAX)
		return false;
	if (is_ascii(s) && !has_a_label(s)) { /* nearly every domain, and ICU has nothing to say about it */
		n -= s[n - 1] == '.';
		if (n == 0 || n > FB_DOMAIN_MAX)
			return false;
		memcpy(out, s, n);
		out[n] = '\0';
		text_lower(out);
		return is_host_name(out);
	}
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode e = U_ZERO_ERROR;
	char ascii[FB_DOMAIN_MAX + 2]; /* one more for the trailing dot */
	if (!idna() || !text_utf8_valid(s, n))
		return false;
	int32_t len = uidna_nameToASCII_UTF8(idna(), s, (int32_t)n, ascii, sizeof ascii, &info, &e);
	if (U_FAILURE(e) || len <= 0 || len > FB_DOMAIN_MAX + 1)
		return false;
	/* An empty last label is the trailing dot; is_host_name() refuses any other empty one. */
	if (info.errors & ~(uint32_t)UIDNA_ERROR_EMPTY_LABEL)
		return false;
	len -= ascii[len - 1] == '.';
	if (len == 0 || len > FB_DOMAIN_MAX)
		return false;
	memcpy(out, ascii, (size_t)len);
	out[len] = '\0';
	text_lower(out);
	return is_host_name(out);
}

/* RFC 5322 atext but for the slash, which would lead out of a folder. */
static bool is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-=?^_`{|}~", c));
}

static bool is_dot_string(const char *s)
{
	bool dot = true; /* a dot may neither come first, nor last, nor twice */

	for (; *s; s++) {
		if (*s == '.' ? dot : (unsigned char)*s < 0x80 && !is_atext(*s))
			return false;
		dot = *s == '.';
	}
	return !dot;
}

/*
 * True if no character is unassigned, private, a control, an invisible mark or a blank: two addresses that look
 * alike must not differ by those.
 */
static bool is_visible(const UChar *s, int32_t n)
{
	for (int32_t i = 0; i < n;) {
		UChar32 c;
		U16_NEXT(s, i, n, c);
		uint32_t bad = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CN_MASK | U_GC_CO_MASK | U_GC_CS_MASK | U_GC_Z_MASK;
		if (U_GET_GC_MASK(c) & bad)
			return false;
	}
	return true;
}

/* Lower case and NFC of a UTF-8 local part of ${n} bytes, whole characters compared as RFC 6531 wants them. */
static bool local_utf8(const char *s, size_t n, char out[LOCAL_MAX + 1])
{
	UErrorCode e = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&e);
	UChar wide[LOCAL_MAX + 1], low[4 * LOCAL_MAX], normal[4 * LOCAL_MAX];
	int32_t len;

	if (!text_utf8_valid(s, n))
		return false;
	u_strFromUTF8(wide, LOCAL_MAX + 1, &len, s, (int32_t)n, &e);
	len = u_strToLower(low, 4 * LOCAL_MAX, wide, len, "", &e);
	len = unorm2_normalize(nfc, low, len, normal, 4 * LOCAL_MAX, &e);
	if (U_FAILURE(e) || !is_visible(normal, len))
		return false;
	u_strToUTF8(out, LOCAL_MAX + 1, NULL, normal, len, &e);
	return U_SUCCESS(e) && e != U_STRING_NOT_TERMINATED_WARNING && is_dot_string(out);
}

bool fb_address_normal(const char *s, char out[FB_ADDRESS_MAX + 1])
{
	char local[LOCAL_MAX + 1], domain[FB_DOMAIN_MAX + 1];

	if (s && text_istarts(s, "smtp:"))
		s += 5;
	const char *at = s ? strchr(s, '@') : NULL;
	size_t n = at ? (size_t)(at - s) : 0;
	if (n == 0 || n > LOCAL_MAX || !fb_domain_normal(at + 1, domain))
		return false;
	memcpy(local, s, n);
	local[n] = '\0';
	text_lower(local);
	if (is_ascii(local) ? !is_dot_string(local) : !local_utf8(s, n, local))
		return false;
	n = strlen(local);
	memcpy(out, local, n);
	out[n] = '@';
	strcpy(out + n + 1, domain); /* 64 + 1 + 253 fit into 320 */
	return true;
}

bool fb_address_unicode(const char *address, char out[FB_ADDRESS_UNICODE_MAX + 1])
{
	const char *domain = fb_address_domain(address);
	size_t n = (size_t)(domain - address);
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode e = U_ZERO_ERROR;
	int32_t len;

	if (!has_a_label(domain) || !idna() || n > FB_ADDRESS_MAX)
		return false;
	memcpy(out, address, n);
	len = uidna_nameToUnicodeUTF8(idna(), domain, -1, out + n, (int32_t)(FB_ADDRESS_UNICODE_MAX - n), &info, &e);
	if (U_FAILURE(e) || info.errors || len <= 0 || (size_t)len > FB_ADDRESS_UNICODE_MAX - n)
		return false;
	out[n + (size_t)len] = '\0';
	return true;
}

const char *fb_address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}
