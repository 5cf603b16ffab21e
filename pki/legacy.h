#ifndef PKI_LEGACY_H
#define PKI_LEGACY_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * The algorithms that NTLM is made of ([MS-NLMP] 3.3, 3.4) and nothing else of ours may use: MD4 and RC4 come from OpenSSL's
 * legacy provider, which lives in a library context of its own, so that TLS and all the rest of the process never see it.
 */
struct pki_legacy;
enum { PKI_MD = 16 }; /* bytes of MD4, MD5 and HMAC-MD5 */

/*
 * Loads the provider's file: before the sandbox. NULL with a sentence in ${error} that says what is missing and what to install.
 * Caller frees.
 */
struct pki_legacy *pki_legacy_new(struct buf *error);
/* Frees it. NULL is allowed. */
void pki_legacy_free(struct pki_legacy *l);
/* MD4 (RFC 1320) of ${n} bytes at ${p}. -1 when out of memory; ${out} is then zero. */
int pki_legacy_md4(const struct pki_legacy *l, const void *p, size_t n, uint8_t out[PKI_MD]);
/* MD5 (RFC 1321) of the ${n} bytes at ${p} and the ${m} bytes at ${q} behind them. -1 as above. */
int pki_legacy_md5(const struct pki_legacy *l, const void *p, size_t n, const void *q, size_t m, uint8_t out[PKI_MD]);
/*
 * HMAC-MD5 (RFC 2104) under a ${key} of 16 bytes, of the ${n} bytes at ${p} and the ${m} bytes at ${q} behind them. -1 as above.
 */
int pki_legacy_hmac_md5(const struct pki_legacy *l, const uint8_t key[PKI_MD], const void *p, size_t n, const void *q, size_t m,
                        uint8_t out[PKI_MD]);
/* RC4 with a fresh ${key} of 16 bytes over ${n} bytes from ${in} to ${out}, which may be the same. -1 as above. */
int pki_legacy_rc4(const struct pki_legacy *l, const uint8_t key[PKI_MD], const void *in, size_t n, uint8_t *out);
#endif
