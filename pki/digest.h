#ifndef PKI_DIGEST_H
#define PKI_DIGEST_H
#include <stddef.h>
#include <stdint.h>

enum { PKI_SHA256 = 32 };

/* Writes the SHA-256 (FIPS 180-4) of ${n} bytes at ${p} to ${out}; aborts when out of memory. */
void pki_sha256(uint8_t out[PKI_SHA256], const void *p, size_t n);
#endif
