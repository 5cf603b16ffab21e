#ifndef PKI_IDENTITY_H
#define PKI_IDENTITY_H
#include <stdint.h>
#include "bridge/base/buf.h"
#include "pki/pin.h"

/*
 * Makes a P-256 link identity: key to ${key_path} (0600), self-signed certificate to ${cert_path} (CN and one SAN = ${site},
 * also usable as its own trust anchor, 100 years; the dates carry no trust). Refuses to overwrite. -1 with a sentence in ${error}.
 */
int pki_identity_create(const char *site, const char *key_path, const char *cert_path, struct buf *error);
/* The pin of the certificate in ${cert_path}. -1 with a sentence in ${error}. */
int pki_identity_pin(const char *cert_path, uint8_t pin[PKI_PIN_LEN], struct buf *error);
/*
 * Makes a front certificate: RSA-2048 key (0600), certificate for ${names} (${n} DNS names or IP literals) signed by an own
 * CA whose certificate goes to ${ca_path}; ${cert_path} holds the chain, leaf first. The CA's key is thrown away. 825 days. Refuses
 * to overwrite. -1 with a sentence.
 */
int pki_front_create(const char *const *names, size_t n, const char *key_path, const char *cert_path, const char *ca_path,
                     struct buf *error);
#endif
