#ifndef PKI_ROTATION_H
#define PKI_ROTATION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "pki/pin.h"
#include "pki/tls.h"

/*
 * The keys of a site while they change. Beside the identity IDENTITY.key and IDENTITY.pem stand the next one, IDENTITY-next.key and .pem,
 * from `identity next` to `identity promote`, and then the old one, IDENTITY-old.key and .pem, until `identity retire`.
 *
 * The promotion is four renames or links, in this order: the current certificate and key get a second name, -old; the next certificate
 * takes the current one's name; the next key takes the current one's name. Whatever the moment of a crash, IDENTITY.pem has its key beside
 * it: before the third step in IDENTITY.key, after it in IDENTITY-next.key, where pki_rotation_key() finds it.
 */
struct pki_identity_files {
	const char *cert, *key; /* of the current identity */
};
enum pki_which { PKI_NEXT, PKI_OLD };

/*
 * The key file that belongs to the current certificate: f->key, or the next one's when a promotion was cut short. Written to ${out}.
 * -1 if it does not fit.
 */
int pki_rotation_key(const struct pki_identity_files *f, char *out, size_t size);
/* 1 with the pin of the next or the old identity, 0 if there is none, -1 with a sentence. */
int pki_rotation_pin(const struct pki_identity_files *f, enum pki_which which, uint8_t pin[PKI_PIN_LEN], struct buf *error);
/* The path of the next or the old identity's key or certificate. -1 if it does not fit. */
int pki_rotation_path(const char *current, enum pki_which which, char *out, size_t size);
/* Makes the next identity, for ${site}; refuses if there is one. -1 with a sentence. */
int pki_rotation_next(const struct pki_identity_files *f, const char *site, struct buf *error);
/* One step of the promotion; where it stands is read from the files. 1 = there are more, 0 = it is done, -1 with a sentence. */
int pki_rotation_promote_step(const struct pki_identity_files *f, struct buf *error);
/* All of them. -1 with a sentence. */
int pki_rotation_promote(const struct pki_identity_files *f, struct buf *error);
/* Removes the old identity. 1 with its pin, 0 if there was none, -1 with a sentence. */
int pki_rotation_retire(const struct pki_identity_files *f, uint8_t pin[PKI_PIN_LEN], struct buf *error);
/* When the certificate in ${path} (PEM, the first one) began and ends, in seconds since 1970. -1 with a sentence. */
int pki_cert_dates(const char *path, int64_t *from, int64_t *until, struct buf *error);

/* ---- what is said to a peer: docs/link-protocol.md, Announce ---- */
enum { PKI_SPKI_MAX = 256, PKI_SIGNATURE_MAX = 128, PKI_PROOF_TEXT = 2 * (PKI_EXPORTER_LEN + PKI_PIN_LEN + PKI_SPKI_MAX + PKI_SIGNATURE_MAX) + 2 };
/* What a key says about itself on one connection. */
struct pki_statement {
	bool retires;                        /* ${pin} is used no more (the current key signs); else ${pin} comes next (and signs) */
	bool vouches;                        /* ${pin} comes next, says the current key */
	uint8_t exporter[PKI_EXPORTER_LEN];  /* pki_stream_exporter_announce() */
	uint8_t from[PKI_PIN_LEN], to[PKI_PIN_LEN]; /* who says it to whom: the two keys of the connection */
	uint8_t pin[PKI_PIN_LEN];
};
struct pki_signer; /* a P-256 key that can sign */
/* The key in ${key_path} with the certificate's public half. NULL with a sentence. Caller frees. */
struct pki_signer *pki_signer_new(const char *cert_path, const char *key_path, struct buf *error);
/* Wipes and frees it. NULL is allowed. */
void pki_signer_free(struct pki_signer *s);
/* Its pin (borrowed). */
const uint8_t *pki_signer_pin(const struct pki_signer *s);
/* Appends its SubjectPublicKeyInfo (DER). */
void pki_signer_spki(const struct pki_signer *s, struct buf *out);
/* Appends the signature (ECDSA with SHA-256, DER) of ${st}. -1 when out of memory. */
int pki_signer_sign(const struct pki_signer *s, const struct pki_statement *st, struct buf *out);
/*
 * The pin of the ${n} bytes at ${spki}, if they are a P-256 key and the signature ${sig} (${n_sig} bytes) of ${st} is by it; a
 * statement that neither retires nor vouches is about that very pin, which is put into ${st} first. False with a sentence part in ${why}.
 */
bool pki_statement_verify(struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig,
                          uint8_t pin[PKI_PIN_LEN], const char **why);
/*
 * Appends as words what shows to another process that the key ${spki} has made the signature ${sig} of ${st}: that process need not believe this one.
 */
void pki_proof_put(struct buf *out, const struct pki_statement *st, const uint8_t *spki, size_t n, const uint8_t *sig, size_t n_sig);
/* True if ${text} shows that the key with the pin ${st}->from has signed ${st}, of which what that text holds need not be filled in. */
bool pki_proof_holds(const char *text, const struct pki_statement *st);
#endif
