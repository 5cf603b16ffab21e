#include "bridge/login/ntlm_verify.h"
#include <stdio.h>
#include <string.h>
#include "bridge/availability/upcase.h"
#include "bridge/base/utf16.h"

enum { CHALLENGE_AT = 24, SEQUENCE = 4 };

/* Equal, in a time that does not tell where they differ. */
static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	volatile uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ = (uint8_t)(differ | (a[i] ^ b[i]));
	return differ == 0;
}

int ntlm_nt_hash(const struct pki_legacy *l, const char *password, uint8_t out[PKI_MD])
{
	struct buf wide;
	int r;

	buf_init(&wide, NTLM_MESSAGE_MAX);
	r = utf16_put(&wide, password, strlen(password));
	r = r == 0 ? pki_legacy_md4(l, buf_ptr(&wide), wide.len, out) : -1;
	buf_wipe(&wide);
	return r;
}

int ntlm_channel_binding(const struct pki_legacy *l, const uint8_t *hash, size_t n, uint8_t out[PKI_MD])
{
	static const char prefix[] = "tls-server-end-point:";
	uint8_t head[20 + sizeof(prefix) - 1] = {0}; /* two addresses of type and length 0, the data's length, the data */
	size_t length = sizeof(prefix) - 1 + n;

	for (size_t i = 0; i < 4; i++)
		head[16 + i] = (uint8_t)(length >> 8 * i);
	memcpy(head + 20, prefix, sizeof(prefix) - 1);
	return pki_legacy_md5(l, head, sizeof(head), hash, n, out);
}

/* NTOWFv2: the NT hash bound to the user's name, in upper case, and the domain as the client wrote it. */
static int response_key(const struct pki_legacy *l, const struct ntlm_authenticate *m, const uint8_t nt_hash[PKI_MD], uint8_t out[PKI_MD])
{
	struct buf user, domain;
	int r;

	buf_init(&user, 4 * NTLM_NAME_MAX);
	buf_init(&domain, 4 * NTLM_NAME_MAX);
	r = utf16_put(&user, m->user, strlen(m->user)) < 0 || utf16_put(&domain, m->domain, strlen(m->domain)) < 0 ? -1 : 0;
	fb_upcase_utf16(buf_ptr(&user), user.len);
	r = r == 0 ? pki_legacy_hmac_md5(l, nt_hash, buf_ptr(&user), user.len, buf_ptr(&domain), domain.len, out) : -1;
	buf_free(&user);
	buf_free(&domain);
	return r;
}

/* The key that both sides sign with: the client's own, sent under the session's, or the session's. */
static int exported_key(const struct pki_legacy *l, const struct ntlm_authenticate *m, const uint8_t base[PKI_MD], uint8_t out[PKI_MD])
{
	if (m->flags & NTLM_KEY_EXCHANGE && m->session_key.n == PKI_MD)
		return pki_legacy_rc4(l, base, m->session_key.p, PKI_MD, out);
	memcpy(out, base, PKI_MD);
	return 0;
}

/* The MIC is about all three messages, with its own place zero. */
static enum fb_fact check_mic(const struct pki_legacy *l, const struct ntlm_exchange *x, const uint8_t key[PKI_MD])
{
	static const uint8_t zero[NTLM_MIC];
	const uint8_t *third = x->authenticate.p;
	uint8_t mic[PKI_MD];
	struct buf all;
	int r;

	buf_init(&all, (size_t)3 * NTLM_MESSAGE_MAX);
	buf_add(&all, x->negotiate.p, x->negotiate.n);
	buf_add(&all, x->challenge.p, x->challenge.n);
	buf_add(&all, third, NTLM_MIC_AT);
	buf_add(&all, zero, NTLM_MIC);
	r = all.failed ? -1 : pki_legacy_hmac_md5(l, key, buf_ptr(&all), all.len, third + NTLM_MIC_AT + NTLM_MIC,
	                                          x->authenticate.n - NTLM_MIC_AT - NTLM_MIC, mic);
	buf_free(&all);
	if (r < 0)
		return FB_COULD_NOT_TELL;
	return same(mic, third + NTLM_MIC_AT, NTLM_MIC) ? FB_YES : FB_NO;
}

/* A client that knows nothing of channel bindings names none, or sixteen zeroes. */
static bool binding_fits(const struct ntlm_response *r, const uint8_t *ours)
{
	static const uint8_t zero[PKI_MD];

	if (!r->binding.p || same(r->binding.p, zero, PKI_MD))
		return true;
	return ours && same(r->binding.p, ours, PKI_MD);
}

/* The proof was right: the rest of what the response says must be so too. */
static enum fb_fact check_rest(const struct pki_legacy *l, const struct ntlm_authenticate *m, const struct ntlm_exchange *x,
                               const struct ntlm_response *response, struct ntlm_session *s, const char **why)
{
	*why = "the client names the certificate of another TLS server than ours: something between ends the TLS";
	if (!binding_fits(response, x->binding))
		return FB_NO;
	*why = "the MIC that the client promises is missing or wrong";
	if (!(response->av_flags & NTLM_AV_FLAG_MIC))
		return FB_YES;
	return m->has_mic ? check_mic(l, x, s->key) : FB_NO;
}

enum fb_fact ntlm_verify(const struct pki_legacy *l, const struct ntlm_authenticate *m, const struct ntlm_exchange *x,
                         const uint8_t nt_hash[PKI_MD], struct ntlm_session *s)
{
	uint8_t key[PKI_MD], proof[PKI_MD], base[PKI_MD];
	struct ntlm_response response;
	enum fb_fact fact = FB_NO;
	const char *why = "the password is wrong";

	*s = (struct ntlm_session){.why = "the client sent LM or NTLMv1, and NTLMv2 alone is taken"};
	if (!ntlm_read_response(m->nt, &response))
		return FB_NO;
	if (response_key(l, m, nt_hash, key) < 0 ||
	    pki_legacy_hmac_md5(l, key, x->challenge.p + CHALLENGE_AT, NTLM_CHALLENGE, response.blob.p, response.blob.n, proof) < 0 ||
	    pki_legacy_hmac_md5(l, key, proof, PKI_MD, NULL, 0, base) < 0 || exported_key(l, m, base, s->key) < 0)
		fact = FB_COULD_NOT_TELL;
	else if (same(proof, m->nt.p, PKI_MD))
		fact = check_rest(l, m, x, &response, s, &why);
	s->flags = m->flags;
	if (fact != FB_YES)
		explicit_bzero(s, sizeof(*s));
	s->why = fact == FB_NO ? why : NULL;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(base, sizeof(base));
	return fact;
}

/* SIGNKEY and SEALKEY (3.4.5.2, 3.4.5.3): the same but for the words behind the key, and how much of it counts. */
static int derived(const struct pki_legacy *l, const uint8_t *key, size_t n, bool client, const char *what, uint8_t out[PKI_MD])
{
	char words[80];
	int len = snprintf(words, sizeof(words), "session key to %s %s key magic constant",
	                   client ? "client-to-server" : "server-to-client", what);

	return pki_legacy_md5(l, key, n, words, (size_t)len + 1, out);
}

int ntlm_sign(const struct pki_legacy *l, const struct ntlm_session *s, bool client, const void *p, size_t n, uint8_t out[PKI_MD])
{
	const uint8_t sequence[SEQUENCE] = {0};
	uint8_t sign[PKI_MD], seal[PKI_MD], sum[PKI_MD];
	size_t strength = s->flags & NTLM_128 ? PKI_MD : 7; /* of the sealing key; 40 bits are not offered */
	int r = s->flags & NTLM_EXTENDED_SECURITY ? 0 : -1;

	r = r == 0 ? derived(l, s->key, PKI_MD, client, "signing", sign) : -1;
	r = r == 0 ? pki_legacy_hmac_md5(l, sign, sequence, SEQUENCE, p, n, sum) : -1;
	if (r == 0 && s->flags & NTLM_KEY_EXCHANGE) {
		r = derived(l, s->key, strength, client, "sealing", seal);
		r = r == 0 ? pki_legacy_rc4(l, seal, sum, 8, sum) : -1;
	}
	memset(out, 0, PKI_MD);
	if (r == 0) {
		out[0] = 1; /* version */
		memcpy(out + 4, sum, 8);
	}
	explicit_bzero(sign, sizeof(sign));
	explicit_bzero(seal, sizeof(seal));
	return r;
}
