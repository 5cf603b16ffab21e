#include "bridge/login/ntlm_message.h"
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/base/utf16.h"

static const char signature[8] = "NTLMSSP";

enum { NEGOTIATE_MIN = 16, CHALLENGE_HEADER = 56, AUTHENTICATE_HEADER = 64 };
enum { RESPONSE_PROOF = 16, RESPONSE_PAIRS = 28, RESPONSE_V1 = 24 }; /* the pairs begin 28 bytes behind the proof */

static uint32_t get(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

static void put(struct buf *out, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(out, (char)(v >> 8 * i));
}

enum ntlm_type ntlm_type(const uint8_t *p, size_t n)
{
	uint32_t type;

	if (n < sizeof(signature) + 4 || memcmp(p, signature, sizeof(signature)) != 0)
		return NTLM_NEITHER;
	type = get(p + 8, 4);
	return type >= NTLM_TYPE_NEGOTIATE && type <= NTLM_TYPE_AUTHENTICATE ? (enum ntlm_type)type : NTLM_NEITHER;
}

bool ntlm_read_negotiate(const uint8_t *p, size_t n, uint32_t *flags)
{
	if (ntlm_type(p, n) != NTLM_TYPE_NEGOTIATE || n < NEGOTIATE_MIN)
		return false;
	*flags = get(p + 12, 4);
	return true;
}

/* ---- Type 2 ---- */

/* A name in the client's alphabet: UTF-16, or for a client that has none of it the bytes as they are. */
static void put_name(struct buf *out, const char *name, bool unicode)
{
	if (!unicode)
		buf_puts(out, name);
	else if (utf16_put(out, name, strlen(name)) < 0)
		out->failed = true;
}

static void put_pair(struct buf *out, enum ntlm_av id, const char *name)
{
	struct buf value;

	buf_init(&value, 4 * NTLM_NAME_MAX);
	put_name(&value, name, true);
	put(out, id, 2);
	put(out, value.len, 2);
	buf_add(out, buf_ptr(&value), value.len);
	out->failed |= value.failed;
	buf_free(&value);
}

static void put_pairs(struct buf *out, const struct ntlm_names *names, uint64_t time)
{
	put_pair(out, NTLM_AV_DOMAIN, names->domain);
	put_pair(out, NTLM_AV_COMPUTER, names->computer);
	put_pair(out, NTLM_AV_DNS_DOMAIN, names->dns_domain);
	put_pair(out, NTLM_AV_DNS_COMPUTER, names->dns_computer);
	put(out, NTLM_AV_TIMESTAMP, 2);
	put(out, 8, 2);
	put(out, time, 8);
	put(out, NTLM_AV_END, 4);
}

/* Where a part of ${n} bytes lies. */
static void put_fields(struct buf *out, size_t n, size_t at)
{
	put(out, n, 2);
	put(out, n, 2);
	put(out, at, 4);
}

/* What is agreed on: what was asked for and we know; UTF-16 if the client knows it at all. */
static uint32_t agreed(uint32_t asked)
{
	const uint32_t known = NTLM_SIGN | NTLM_SEAL | NTLM_ALWAYS_SIGN | NTLM_EXTENDED_SECURITY | NTLM_128 | NTLM_56 |
	                       NTLM_KEY_EXCHANGE | NTLM_REQUEST_TARGET | NTLM_VERSION;
	uint32_t alphabet = asked & NTLM_UNICODE || !(asked & NTLM_OEM) ? NTLM_UNICODE : NTLM_OEM;

	return (asked & known) | alphabet | NTLM_NTLM | NTLM_TARGET_INFO | (asked & NTLM_REQUEST_TARGET ? NTLM_TARGET_IS_SERVER : 0);
}

int ntlm_put_challenge(struct buf *out, uint32_t asked, const uint8_t challenge[NTLM_CHALLENGE], const struct ntlm_names *names,
                       uint64_t time)
{
	static const uint8_t version[8] = {10, 0, 0, 0, 0, 0, 0, 15}; /* the last: NTLMSSP_REVISION_W2K3, the only one there is */
	uint32_t flags = agreed(asked);
	struct buf target, pairs;

	buf_init(&target, 4 * NTLM_NAME_MAX);
	buf_init(&pairs, NTLM_MESSAGE_MAX);
	put_name(&target, names->computer, flags & NTLM_UNICODE);
	put_pairs(&pairs, names, time);
	buf_add(out, signature, sizeof(signature));
	put(out, NTLM_TYPE_CHALLENGE, 4);
	put_fields(out, target.len, CHALLENGE_HEADER);
	put(out, flags, 4);
	buf_add(out, challenge, NTLM_CHALLENGE);
	put(out, 0, 8);
	put_fields(out, pairs.len, CHALLENGE_HEADER + target.len);
	buf_add(out, version, sizeof(version));
	buf_add(out, buf_ptr(&target), target.len);
	buf_add(out, buf_ptr(&pairs), pairs.len);
	out->failed |= target.failed || pairs.failed;
	buf_free(&target);
	buf_free(&pairs);
	return out->failed ? -1 : 0;
}

/* ---- Type 3 ---- */

/*
 * The part whose fields stand at ${at}; ${first} becomes the lowest place where one lies. False if it reaches out of the message.
 */
static bool part(const uint8_t *p, size_t n, size_t at, struct login_bytes *out, size_t *first)
{
	size_t len = get(p + at, 2), from = get(p + at + 4, 4);

	*out = (struct login_bytes){NULL, 0};
	if (len == 0)
		return true;
	if (from < AUTHENTICATE_HEADER || from > n || len > n - from)
		return false;
	*out = (struct login_bytes){p + from, len};
	if (from < *first)
		*first = from;
	return true;
}

/* Bytes of an older alphabet are read as UTF-8 if they are, else as Latin-1. */
static bool read_oem(struct login_bytes raw, struct buf *out)
{
	bool utf8 = text_utf8_valid((const char *)raw.p, raw.n);

	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == 0)
			return false;
		if (!utf8 && raw.p[i] >= 0x80) {
			buf_putc(out, (char)(0xc0 | raw.p[i] >> 6));
			buf_putc(out, (char)(0x80 | (raw.p[i] & 0x3f)));
		} else {
			buf_putc(out, (char)raw.p[i]);
		}
	}
	return !out->failed;
}

static bool read_name(struct login_bytes raw, bool unicode, char out[NTLM_NAME_MAX + 1])
{
	struct buf text;
	bool ok;

	buf_init(&text, NTLM_NAME_MAX);
	ok = unicode ? utf16_get(&text, raw.p, raw.n) == 0 : read_oem(raw, &text);
	if (ok && text.len)
		memcpy(out, buf_ptr(&text), text.len);
	out[ok ? text.len : 0] = 0;
	buf_free(&text);
	return ok;
}

bool ntlm_read_authenticate(const uint8_t *p, size_t n, struct ntlm_authenticate *out)
{
	struct login_bytes user, domain, workstation;
	size_t first = n;

	memset(out, 0, sizeof(*out));
	if (ntlm_type(p, n) != NTLM_TYPE_AUTHENTICATE || n < AUTHENTICATE_HEADER || n > NTLM_MESSAGE_MAX)
		return false;
	out->flags = get(p + 60, 4);
	if (!part(p, n, 12, &out->lm, &first) || !part(p, n, 20, &out->nt, &first) || !part(p, n, 28, &domain, &first) ||
	    !part(p, n, 36, &user, &first) || !part(p, n, 44, &workstation, &first) || !part(p, n, 52, &out->session_key, &first))
		return false;
	out->has_mic = n >= NTLM_MIC_AT + NTLM_MIC && first >= NTLM_MIC_AT + NTLM_MIC;
	return read_name(user, out->flags & NTLM_UNICODE, out->user) && read_name(domain, out->flags & NTLM_UNICODE, out->domain);
}

/* One pair of the list; false if it is not right. */
static bool take_pair(uint32_t id, struct login_bytes value, struct ntlm_response *out)
{
	if (id == NTLM_AV_FLAGS) {
		if (value.n != 4)
			return false;
		out->av_flags = get(value.p, 4);
	} else if (id == NTLM_AV_CHANNEL_BINDINGS) {
		if (value.n != 16)
			return false;
		out->binding = value;
	}
	return true;
}

/* A list that ends with NTLM_AV_END; what is behind that is padding. */
static bool read_pairs(const uint8_t *p, size_t n, struct ntlm_response *out)
{
	while (n >= 4) {
		uint32_t id = get(p, 2);
		size_t len = get(p + 2, 2);

		if (id == NTLM_AV_END)
			return len == 0;
		if (len > n - 4 || !take_pair(id, (struct login_bytes){p + 4, len}, out))
			return false;
		p += 4 + len;
		n -= 4 + len;
	}
	return false;
}

bool ntlm_read_response(struct login_bytes nt, struct ntlm_response *out)
{
	memset(out, 0, sizeof(*out));
	if (nt.n <= RESPONSE_V1 || nt.n < RESPONSE_PROOF + RESPONSE_PAIRS)
		return false;
	out->blob = (struct login_bytes){nt.p + RESPONSE_PROOF, nt.n - RESPONSE_PROOF};
	if (out->blob.p[0] != 1 || out->blob.p[1] != 1) /* RespType, HiRespType */
		return false;
	return read_pairs(out->blob.p + RESPONSE_PAIRS, out->blob.n - RESPONSE_PAIRS, out);
}
