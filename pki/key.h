#ifndef PKI_KEY_H
#define PKI_KEY_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/buf.h"

/*
 * Files of private keys (PEM). One passphrase a process opens those that are encrypted; with one set, keys that are made are encrypted too:
 * PKCS#8 with scrypt and AES-256 (RFC 7914, RFC 8018).
 */

/*
 * Sets the passphrase of this process: ${n} bytes at ${text}, copied; NULL = none. What was set before is wiped. Aborts when out of
 * memory.
 */
void pki_key_passphrase(const char *text, size_t n);
/* Can the key in ${path} be read, with the passphrase if it is encrypted? -1 with a sentence that says what is missing. */
int pki_key_check(const char *path, struct buf *error);
/*
 * Writes the key in ${path} anew in one step, encrypted with the passphrase or (${plain}) without; owner and rights stay. 1 if it was so
 * already, 0, -1 with a sentence, and then nothing is changed.
 */
int pki_key_rewrite(const char *path, bool plain, struct buf *error);
#endif
