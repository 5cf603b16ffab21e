#include "pki/pairing.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "pki/digest.h"

enum { PROOF_LEN = 32, HEAD_LEN = 5, CHECK_LEN = 4, RECORD_MAX = 2048, SAID_MAX = 128 << 10, SENTENCE_MAX = 400 };

static const char prefix[] = "avb1:", start_label[] = "availbridge pairing 1", code_label[] = "availbridge pairing 1 code";
/* One label a message: a proof for one place in the exchange is worth nothing in another, or sent back to where it came from. */
static const char *const labels[] = {
	[PKI_PAIRING_ACCEPT] = "availbridge pairing 1 accept",
	[PKI_PAIRING_ANSWER] = "availbridge pairing 1 answer",
	[PKI_PAIRING_AGREED] = "availbridge pairing 1 agreed",
	[PKI_PAIRING_DONE] = "availbridge pairing 1 done",
};

/* ---- offers ---- */

static void put_word(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	pack_u8(out, (uint8_t)n);
	buf_add(out, s, n);
}

static void put_words(struct buf *out, size_t n, const char (*words)[PKI_OFFER_WORD + 1])
{
	pack_u8(out, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		put_word(out, words[i]);
}

void pki_offer_put(struct buf *out, const struct pki_offer *o)
{
	put_word(out, o->site);
	put_words(out, o->n_endpoints, (const char (*)[PKI_OFFER_WORD + 1])o->endpoints);
	put_words(out, o->n_domains, (const char (*)[PKI_OFFER_WORD + 1])o->domains);
}

/* Printing ASCII without blanks: all that a name, an endpoint or a domain can be made of. */
static void take_word(struct unpack *u, char *out, size_t max)
{
	size_t n = unpack_u8(u);

	u->bad |= n == 0 || n > max || n > u->left;
	for (size_t i = 0; !u->bad && i < n; i++)
		u->bad = u->p[i] <= 0x20 || u->p[i] >= 0x7f;
	if (u->bad)
		return;
	memcpy(out, u->p, n);
	out[n] = 0;
	u->p += n;
	u->left -= n;
}

static size_t take_words(struct unpack *u, size_t max, char (*words)[PKI_OFFER_WORD + 1])
{
	size_t n = unpack_u8(u);

	u->bad |= n > max;
	for (size_t i = 0; !u->bad && i < n; i++)
		take_word(u, words[i], PKI_OFFER_WORD);
	return u->bad ? 0 : n;
}

bool pki_offer_read(const uint8_t *p, size_t n, struct pki_offer *out)
{
	struct unpack u = unpack_start(p, n);

	memset(out, 0, sizeof(*out));
	take_word(&u, out->site, PKI_OFFER_SITE);
	out->n_endpoints = take_words(&u, PKI_OFFER_ENDPOINTS, out->endpoints);
	out->n_domains = take_words(&u, PKI_OFFER_DOMAINS, out->domains);
	return unpack_done(&u);
}

/* ---- the invitation's text ---- */

/* Base64 of RFC 4648 chapter 5, without padding. */
static int put_base64url(struct buf *out, const uint8_t *p, size_t n)
{
	struct buf b;
	int r;

	buf_init(&b, 4 * RECORD_MAX);
	r = text_base64(&b, p, n);
	for (size_t i = 0; r == 0 && i < b.len; i++) {
		char c = (char)buf_ptr(&b)[i];

		if (c != '=')
			r = buf_putc(out, c == '+' ? '-' : c == '/' ? '_' : c);
	}
	buf_wipe(&b);
	return r;
}

/* Drops blanks, appends the bytes. */
static int take_base64url(struct buf *out, const char *s)
{
	struct buf b;
	int r = -1;

	buf_init(&b, 4 * RECORD_MAX);
	for (; *s; s++)
		if (*s != '+' && *s != '/' && *s != '=' && !strchr(" \t\r\n", *s))
			buf_putc(&b, *s == '-' ? '+' : *s == '_' ? '/' : *s);
		else if (!strchr(" \t\r\n", *s))
			b.failed = true;
	while (b.len % 4 && !b.failed)
		buf_putc(&b, '=');
	if (!b.failed)
		r = text_unbase64(out, buf_cstr(&b), b.len);
	buf_wipe(&b);
	return r;
}

int pki_invitation_print(struct buf *out, struct pki_invitation *inv)
{
	uint8_t sum[PKI_SHA256];
	size_t before = out->len;
	struct buf b;
	int r = -1;

	buf_init(&b, RECORD_MAX);
	buf_add(&b, inv->id, sizeof(inv->id));
	buf_add(&b, inv->secret, sizeof(inv->secret));
	buf_add(&b, inv->pin, sizeof(inv->pin));
	pack_u64(&b, inv->expires);
	pki_offer_put(&b, &inv->offer);
	if (!b.failed) {
		pki_sha256(inv->digest, buf_ptr(&b), b.len);
		pki_sha256(sum, inv->digest, sizeof(inv->digest)); /* tells a typo; proves nothing */
		buf_add(&b, sum, CHECK_LEN);
		if (!b.failed && buf_puts(out, prefix) == 0)
			r = put_base64url(out, buf_ptr(&b), b.len);
	}
	buf_wipe(&b);
	return r == 0 && out->len - before <= PKI_INVITATION_TEXT_MAX ? 0 : -1;
}

static bool read_record(const uint8_t *p, size_t n, struct pki_invitation *out, const char **why)
{
	enum { FIXED = PKI_INVITATION_ID_LEN + PKI_SECRET_LEN + PKI_PIN_LEN + 8 };
	uint8_t sum[PKI_SHA256];
	struct unpack u;

	*why = "the text is cut off or was changed on its way: copy it whole, from avb1: to its last letter";
	if (n < FIXED + CHECK_LEN)
		return false;
	n -= CHECK_LEN;
	pki_sha256(out->digest, p, n);
	pki_sha256(sum, out->digest, sizeof(out->digest));
	if (memcmp(sum, p + n, CHECK_LEN) != 0)
		return false;
	memcpy(out->id, p, sizeof(out->id));
	memcpy(out->secret, p + PKI_INVITATION_ID_LEN, sizeof(out->secret));
	memcpy(out->pin, p + PKI_INVITATION_ID_LEN + PKI_SECRET_LEN, sizeof(out->pin));
	u = unpack_start(p + FIXED - 8, 8);
	out->expires = unpack_u64(&u);
	*why = "the text holds something that is no invitation: is it from a newer version?";
	return out->expires <= INT64_MAX && pki_offer_read(p + FIXED, n - FIXED, &out->offer);
}

bool pki_invitation_parse(const char *text, struct pki_invitation *out, const char **why)
{
	struct buf b;
	bool ok;

	text += strspn(text, " \t\r\n");
	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
		*why = "this is no invitation: its text begins with avb1:";
		return false;
	}
	buf_init(&b, RECORD_MAX);
	ok = take_base64url(&b, text + sizeof(prefix) - 1) == 0;
	if (!ok)
		*why = "the text holds letters that no invitation has: copy it whole, and nothing else";
	ok = ok && read_record(buf_ptr(&b), b.len, out, why);
	buf_wipe(&b);
	return ok;
}

/* ---- the exchange ---- */

void pki_pairing_start(struct pki_pairing *p, const struct pki_invitation *inv, const uint8_t exporter[PKI_EXPORTER_LEN],
                       const uint8_t guest[PKI_PIN_LEN])
{
	memcpy(p->secret, inv->secret, sizeof(p->secret));
	buf_init(&p->said, SAID_MAX);
	buf_add(&p->said, start_label, sizeof(start_label)); /* its zero too: nothing can run into the next field */
	buf_add(&p->said, inv->digest, sizeof(inv->digest));
	buf_add(&p->said, exporter, PKI_EXPORTER_LEN);
	buf_add(&p->said, inv->pin, PKI_PIN_LEN);
	buf_add(&p->said, guest, PKI_PIN_LEN);
}

void pki_pairing_end(struct pki_pairing *p)
{
	OPENSSL_cleanse(p->secret, sizeof(p->secret));
	buf_wipe(&p->said);
}

/* The proof of what was said so far, for the place ${type}. False if it cannot be made: no proof is then ever right. */
static bool prove(const struct pki_pairing *p, enum pki_pairing_type type, uint8_t out[PROOF_LEN])
{
	struct buf b;
	bool ok;

	buf_init(&b, SAID_MAX + 128);
	buf_add(&b, labels[type], strlen(labels[type]) + 1);
	buf_add(&b, buf_ptr(&p->said), p->said.len);
	ok = !b.failed && !p->said.failed && HMAC(EVP_sha256(), p->secret, sizeof(p->secret), buf_ptr(&b), b.len, out, NULL);
	buf_wipe(&b);
	return ok;
}

static void put_head(struct buf *out, enum pki_pairing_type type, size_t n)
{
	pack_u32(out, (uint32_t)n + 1);
	pack_u8(out, (uint8_t)type);
}

void pki_pairing_put(struct pki_pairing *p, struct buf *out, enum pki_pairing_type type, const void *body, size_t n)
{
	uint8_t proof[PROOF_LEN];
	struct buf frame;

	buf_init(&frame, PKI_PAIRING_FRAME_MAX);
	put_head(&frame, type, n + PROOF_LEN);
	buf_add(&frame, body, n);
	buf_add(&p->said, buf_ptr(&frame), frame.len);
	if (frame.failed || !prove(p, type, proof)) {
		out->failed = true;
	} else {
		buf_add(&frame, proof, PROOF_LEN);
		buf_add(&p->said, proof, PROOF_LEN);
		buf_add(out, buf_ptr(&frame), frame.len);
	}
	buf_wipe(&frame);
}

void pki_pairing_refuse(struct buf *out, const char *why)
{
	size_t n = strlen(why);

	n = n > SENTENCE_MAX ? SENTENCE_MAX : n;
	put_head(out, PKI_PAIRING_REFUSED, n);
	buf_add(out, why, n);
}

/* The frame at the front of ${in}: its type and body. 1 = whole, 0 = more must come, -1 = it is too long or empty. */
static int peek(const struct buf *in, uint8_t *type, const uint8_t **body, size_t *n)
{
	struct unpack u = unpack_start(buf_ptr(in), in->len);
	uint32_t len;

	if (in->len < HEAD_LEN)
		return 0;
	len = unpack_u32(&u);
	if (len < 1 || len > PKI_PAIRING_FRAME_MAX - 4)
		return -1;
	if (len > u.left)
		return 0;
	*type = u.p[0];
	*body = u.p + 1;
	*n = len - 1;
	return 1;
}

bool pki_pairing_id(const struct buf *in, uint8_t id[PKI_INVITATION_ID_LEN], bool *garbage)
{
	const uint8_t *body;
	uint8_t type;
	size_t n;
	int r = peek(in, &type, &body, &n);

	*garbage = r < 0 || (r > 0 && (type != PKI_PAIRING_ACCEPT || n < PKI_INVITATION_ID_LEN + PROOF_LEN));
	if (r <= 0 || *garbage)
		return false;
	memcpy(id, body, PKI_INVITATION_ID_LEN);
	return true;
}

/* A sentence of the other side, which ends in a log or on a terminal. */
static void take_sentence(struct buf *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && i < SENTENCE_MAX; i++)
		buf_putc(out, p[i] < 0x20 || p[i] >= 0x7f ? '?' : (char)p[i]);
}

enum pki_pairing_take pki_pairing_take(struct pki_pairing *p, struct buf *in, enum pki_pairing_type type, struct buf *body)
{
	uint8_t proof[PROOF_LEN], got;
	const uint8_t *at;
	size_t n;
	int r = peek(in, &got, &at, &n);

	if (r == 0)
		return PKI_PAIRING_MORE;
	if (r > 0 && got == PKI_PAIRING_REFUSED) {
		take_sentence(body, at, n);
		return PKI_PAIRING_NO;
	}
	if (r < 0 || got != type || n < PROOF_LEN)
		return PKI_PAIRING_GARBAGE;
	buf_add(&p->said, buf_ptr(in), HEAD_LEN + n - PROOF_LEN);
	if (!prove(p, type, proof) || CRYPTO_memcmp(proof, at + n - PROOF_LEN, PROOF_LEN) != 0)
		return PKI_PAIRING_FALSE;
	buf_add(&p->said, proof, PROOF_LEN);
	buf_add(body, at, n - PROOF_LEN);
	buf_consume(in, HEAD_LEN + n);
	return body->failed ? PKI_PAIRING_GARBAGE : PKI_PAIRING_TAKEN;
}

void pki_pairing_code(char out[PKI_CODE_MAX], const uint8_t host[PKI_PIN_LEN], const uint8_t guest[PKI_PIN_LEN],
                      const uint8_t exporter[PKI_EXPORTER_LEN])
{
	uint8_t all[sizeof(code_label) + 2 * PKI_PIN_LEN + PKI_EXPORTER_LEN], sum[PKI_SHA256], *at = all;
	size_t n = 0;

	memcpy(at, code_label, sizeof(code_label));
	memcpy(at += sizeof(code_label), host, PKI_PIN_LEN);
	memcpy(at += PKI_PIN_LEN, guest, PKI_PIN_LEN);
	memcpy(at += PKI_PIN_LEN, exporter, PKI_EXPORTER_LEN);
	pki_sha256(sum, all, sizeof(all));
	for (size_t i = 0; i < 6; i++)
		n += (size_t)snprintf(out + n, PKI_CODE_MAX - n, "%s%s", i ? " " : "", pki_words[sum[i]]);
}
