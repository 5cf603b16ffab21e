#ifndef PKI_PASSWORD_H
#define PKI_PASSWORD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* Appends "scrypt:N:r:p:salt:hash" (base64) of ${password} with a fresh salt (RFC 7914; N=16384 r=8 p=1). -1 when out of memory. */
int pki_password_hash(struct buf *out, const char *password);
/* 1 = ${password} is the one, 0 = it is not, -1 = ${hash} is malformed or out of memory. Constant-time comparison. */
int pki_password_verify(const char *hash, const char *password);
/* The same work as a verify, for accounts that do not exist; always 0. */
int pki_password_verify_nobody(const char *password);
/* True if ${hash} has the shape that pki_password_hash() makes, within sane costs. */
bool pki_password_hash_valid(const char *hash);

/* Memory of verified credentials: an HMAC-SHA-256 under a random key of this process, kept five minutes, at most ${max} of them. */
struct pki_remembered;
/* An empty memory. NULL when out of memory. Caller frees. */
struct pki_remembered *pki_remembered_new(size_t max);
/* Wipes and frees. NULL is allowed. */
void pki_remembered_free(struct pki_remembered *r);
enum { PKI_REMEMBERED_WHO = 340 };
/*
 * Whose ${credential} (the base64 of a Basic header) that is, if this very one was remembered within five minutes of ${now_ms}; else
 * NULL. Borrowed.
 */
const char *pki_remembered_who(struct pki_remembered *r, const char *credential, int64_t now_ms);
/* Remembers ${credential} as verified at ${now_ms} to be that of ${who}, PKI_REMEMBERED_WHO bytes at most; the oldest goes when full. */
void pki_remembered_add(struct pki_remembered *r, const char *credential, const char *who, int64_t now_ms);
#endif
