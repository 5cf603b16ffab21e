#include "pki/legacy.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include "pki/parts.h"

struct pki_legacy {
	OSSL_LIB_CTX *ctx;
	OSSL_PROVIDER *legacy, *standard;
	EVP_MD *md4, *md5;
	EVP_MAC *hmac;
	EVP_CIPHER *rc4;
};

/* Everything is fetched here: later, in the sandbox, no file can be opened. */
static bool fetch(struct pki_legacy *l)
{
	l->ctx = OSSL_LIB_CTX_new();
	if (!l->ctx || !(l->standard = OSSL_PROVIDER_load(l->ctx, "default")) || !(l->legacy = OSSL_PROVIDER_load(l->ctx, "legacy")))
		return false;
	l->md4 = EVP_MD_fetch(l->ctx, "MD4", NULL);
	l->md5 = EVP_MD_fetch(l->ctx, "MD5", NULL);
	l->hmac = EVP_MAC_fetch(l->ctx, "HMAC", NULL);
	l->rc4 = EVP_CIPHER_fetch(l->ctx, "RC4", NULL);
	return l->md4 && l->md5 && l->hmac && l->rc4;
}

struct pki_legacy *pki_legacy_new(struct buf *error)
{
	struct pki_legacy *l = calloc(1, sizeof(*l));

	if (l && fetch(l))
		return l;
	buf_puts(error, "NTLM needs MD4 and RC4, and OpenSSL's legacy provider, which has them, cannot be loaded (");
	pki_errors_put(error);
	buf_puts(error, "). It is the file legacy.so of OpenSSL's modules (`openssl version -m` names the folder; Debian 12's libssl3 brings "
	                "it, Debian 13's openssl-provider-legacy)");
	pki_legacy_free(l);
	return NULL;
}

void pki_legacy_free(struct pki_legacy *l)
{
	if (!l)
		return;
	EVP_CIPHER_free(l->rc4);
	EVP_MAC_free(l->hmac);
	EVP_MD_free(l->md5);
	EVP_MD_free(l->md4);
	if (l->legacy)
		OSSL_PROVIDER_unload(l->legacy);
	if (l->standard)
		OSSL_PROVIDER_unload(l->standard);
	OSSL_LIB_CTX_free(l->ctx);
	free(l);
}

static int digest(const EVP_MD *md, const void *p, size_t n, const void *q, size_t m, uint8_t out[PKI_MD])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex2(c, md, NULL) == 1 && EVP_DigestUpdate(c, p, n) == 1 && EVP_DigestUpdate(c, q, m) == 1 &&
	          EVP_DigestFinal_ex(c, out, NULL) == 1;

	EVP_MD_CTX_free(c);
	if (!ok)
		memset(out, 0, PKI_MD);
	return ok ? 0 : -1;
}

int pki_legacy_md4(const struct pki_legacy *l, const void *p, size_t n, uint8_t out[PKI_MD])
{
	return digest(l->md4, p, n, NULL, 0, out);
}

int pki_legacy_md5(const struct pki_legacy *l, const void *p, size_t n, const void *q, size_t m, uint8_t out[PKI_MD])
{
	return digest(l->md5, p, n, q, m, out);
}

int pki_legacy_hmac_md5(const struct pki_legacy *l, const uint8_t key[PKI_MD], const void *p, size_t n, const void *q, size_t m,
                        uint8_t out[PKI_MD])
{
	char name[] = "MD5";
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(l->hmac);
	size_t len = 0;
	bool ok = c && EVP_MAC_init(c, key, PKI_MD, params) == 1 && EVP_MAC_update(c, p, n) == 1 && EVP_MAC_update(c, q, m) == 1 &&
	          EVP_MAC_final(c, out, &len, PKI_MD) == 1 && len == PKI_MD;

	EVP_MAC_CTX_free(c);
	if (!ok)
		memset(out, 0, PKI_MD);
	return ok ? 0 : -1;
}

int pki_legacy_rc4(const struct pki_legacy *l, const uint8_t key[PKI_MD], const void *in, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len;
	bool ok = n <= INT_MAX && c && EVP_EncryptInit_ex2(c, l->rc4, key, NULL, NULL) == 1 &&
	          EVP_EncryptUpdate(c, out, &len, in, (int)n) == 1 && (size_t)len == n;

	EVP_CIPHER_CTX_free(c);
	if (!ok)
		memset(out, 0, n);
	return ok ? 0 : -1;
}
