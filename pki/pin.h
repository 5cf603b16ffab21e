#ifndef PKI_PIN_H
#define PKI_PIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pin: SHA-256 of a certificate's SubjectPublicKeyInfo in DER (RFC 7469 2.4 counts the same bytes). */
enum { PKI_PIN_LEN = 32, PKI_PIN_TEXT = 72 };

/* Writes "sha256:" and 64 hex digits to ${out} (PKI_PIN_TEXT bytes). */
void pki_pin_text(char out[PKI_PIN_TEXT], const uint8_t pin[PKI_PIN_LEN]);
/* Reads "sha256:" and 64 hex digits (either case; colons between pairs allowed) or 44 characters of base64. False if it is neither. */
bool pki_pin_parse(const char *s, uint8_t out[PKI_PIN_LEN]);

/*
 * THE FIRST SEAL. Who is at the other end of a link, known because a pin matched. Only pki/ makes one; the link
 * serves nothing without it.
 */
struct pki_peer;
/* The peer's name in our configuration. Borrowed from ${p}. */
const char *pki_peer_name(const struct pki_peer *p);

/* The pins that may open a link, each with its peer's name: built from the configuration, const for the process's life. */
struct pki_pinset;
/* An empty set. NULL when out of memory. Caller frees. */
struct pki_pinset *pki_pinset_new(void);
/* Frees it; peers it named must not be used any more. NULL is allowed. */
void pki_pinset_free(struct pki_pinset *s);
/*
 * Adds ${pin} for the peer ${name} (copied). -1 if another peer has that pin already, ${name} was shut, the pin was revoked, or out
 * of memory.
 */
int pki_pinset_add(struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN]);
/* Forgets one pin of ${name}: no new link opens under it; those that are up stay. Nothing happens if it has no such pin. */
void pki_pinset_drop(struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN]);
/* Forgets ${pin}, whosever it is, for good: pki_pinset_add() takes it no more. -1 when out of memory (it is forgotten nevertheless). */
int pki_pinset_revoke(struct pki_pinset *s, const uint8_t pin[PKI_PIN_LEN]);
/* True if ${pin} is one of ${name}'s. */
bool pki_pinset_has(const struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN]);
/* Forgets every pin of ${name} for good in this process: links under it open no more. */
void pki_pinset_shut(struct pki_pinset *s, const char *name);
#endif
