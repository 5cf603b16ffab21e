#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "pki/digest.h"
#include "pki/parts.h"
#include "pki/rotation.h"

struct pki_signer {
	EVP_PKEY *key;
	uint8_t spki[PKI_SPKI_MAX], pin[PKI_PIN_LEN];
	size_t n;
};

static bool is_p256(EVP_PKEY *key)
{
	char group[32] = "";

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

/* One encoding for each statement: all parts have a fixed length. */
static void encode(struct buf *out, const struct pki_statement *st)
{
	static const char what[] = "availbridge announcement 1";

	buf_add(out, what, sizeof(what)); /* with its zero */
	buf_putc(out, st->retires ? 'R' : st->vouches ? 'V' : 'N');
	buf_add(out, st->exporter, PKI_EXPORTER_LEN);
	buf_add(out, st->from, PKI_PIN_LEN);
	buf_add(out, st->to, PKI_PIN_LEN);
	buf_add(out, st->pin, PKI_PIN_LEN);
}

struct pki_signer *pki_signer_new(const char *cert_path, const char *key_path, struct buf *error)
{
	if (file_is_loose(key_path)) { /* as pki_tls_link() will refuse it when it is the one in use */
		buf_printf(error, "The key file %s can be read or written by others than its owner: run chmod 600 on it.", key_path);
		return NULL;
	}
	struct pki_signer *s = calloc(1, sizeof(*s));
	BIO *in = BIO_new_file(cert_path, "r");
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	uint8_t *at = s ? s->spki : NULL;
	int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), NULL) : 0;
	bool ok = s && n > 0 && n <= PKI_SPKI_MAX && (s->key = pki_key_read(key_path, error)) && X509_check_private_key(cert, s->key) == 1;

	BIO_free(in);
	ERR_clear_error();
	if (ok) {
		s->n = (size_t)i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &at);
		pki_sha256(s->pin, s->spki, s->n);
	}
	X509_free(cert);
	if (ok && is_p256(s->key))
		return s;
	buf_printf(error, ok ? "The key %s is not on the curve P-256, so nothing is announced with it."
	                     : "The key %s cannot be used to announce, or does not belong to its certificate.", key_path);
	pki_signer_free(s);
	return NULL;
}

void pki_signer_free(struct pki_signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

const uint8_t *pki_signer_pin(const struct pki_signer *s)
{
	return s->pin;
}

void pki_signer_spki(const struct pki_signer *s, struct buf *out)
{
	buf_add(out, s->spki, s->n);
}

int pki_signer_sign(const struct pki_signer *s, const struct pki_statement *st, struct buf *out)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[PKI_SIGNATURE_MAX];
	size_t n = sizeof(sig);
	struct buf text;
	bool ok;

	buf_init(&text, 512);
	encode(&text, st);
	ok = c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, s->key) == 1 && EVP_DigestSign(c, sig, &n, buf_ptr(&text),
	                             text.len) == 1;
	EVP_MD_CTX_free(c);
	buf_free(&text);
	ERR_clear_error();
	return ok && buf_add(out, sig, n) == 0 ? 0 : -1;
}

bool pki_statement_verify(struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig,
                          uint8_t pin[PKI_PIN_LEN], const char **why)
{
	const uint8_t *at = spki;
	EVP_PKEY *key = n <= PKI_SPKI_MAX ? d2i_PUBKEY(NULL, &at, (long)n) : NULL;
	bool known = key && at == spki + n && is_p256(key), ok = false;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	struct buf text;

	buf_init(&text, 512);
	*why = known ? "the signature is not by that key over this connection" : "the key is not one on the curve P-256";
	if (known) {
		pki_sha256(pin, spki, n);
		if (!st->retires && !st->vouches)
			memcpy(st->pin, pin, PKI_PIN_LEN);
		encode(&text, st);
		ok = c && n_sig <= PKI_SIGNATURE_MAX && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
		     EVP_DigestVerify(c, sig, n_sig, buf_ptr(&text), text.len) == 1;
	}
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	buf_free(&text);
	ERR_clear_error();
	return ok;
}

static void put_hex(struct buf *out, const void *p, size_t n)
{
	char hex[2 * PKI_SPKI_MAX + 1];

	text_hex(hex, p, n);
	buf_puts(out, hex);
}

void pki_proof_put(struct buf *out, const struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig)
{
	put_hex(out, st->exporter, PKI_EXPORTER_LEN);
	put_hex(out, st->to, PKI_PIN_LEN);
	put_hex(out, spki, n <= PKI_SPKI_MAX ? n : 0);
	buf_putc(out, '.');
	put_hex(out, sig, n_sig <= PKI_SIGNATURE_MAX ? n_sig : 0);
}

/* The ${n} bytes, or (SIZE_MAX) all up to ${most}, that stand as hex digits at ${*at} before ${end}. How many; SIZE_MAX if they are none. */
static size_t take_hex(const char **at, const char *end, uint8_t *to, size_t n, size_t most)
{
	char hex[2 * PKI_SPKI_MAX + 1];
	size_t left = (size_t)(end - *at);

	n = n == SIZE_MAX ? left / 2 : n;
	if (n > most || 2 * n > left)
		return SIZE_MAX;
	memcpy(hex, *at, 2 * n);
	hex[2 * n] = 0;
	*at += 2 * n;
	return text_unhex(to, n, hex) ? n : SIZE_MAX;
}

bool pki_proof_holds(const char *text, const struct pki_statement *st)
{
	const char *dot = strchr(text, '.'), *at = text, *end = text + strlen(text), *why;
	uint8_t spki[PKI_SPKI_MAX], sig[PKI_SIGNATURE_MAX], by[PKI_PIN_LEN];
	struct pki_statement said = *st;
	size_t n, n_sig;

	if (!dot || take_hex(&at, dot, said.exporter, PKI_EXPORTER_LEN, PKI_EXPORTER_LEN) == SIZE_MAX ||
	    take_hex(&at, dot, said.to, PKI_PIN_LEN, PKI_PIN_LEN) == SIZE_MAX)
		return false;
	n = take_hex(&at, dot, spki, SIZE_MAX, sizeof spki);
	if (n == SIZE_MAX || at != dot)
		return false;
	at = dot + 1;
	n_sig = take_hex(&at, end, sig, SIZE_MAX, sizeof sig);
	return n_sig != SIZE_MAX && at == end && pki_statement_verify(&said, spki, n, sig, n_sig, by, &why) &&
	       memcmp(by, st->from, PKI_PIN_LEN) == 0;
}
