#ifndef PKI_PAIRING_H
#define PKI_PAIRING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "pki/pin.h"
#include "pki/tls.h"

/*
 * Two sites that hold one secret show each other, on one TLS connection, that they do and that they see each other's keys. docs/pairing.md
 * has each byte and why it is safe. The host is who invited (server of the connection), the guest who accepts. Nothing here does I/O.
 */
enum {
	PKI_SECRET_LEN = 16,
	PKI_INVITATION_ID_LEN = 8,
	PKI_OFFER_SITE = 63,
	PKI_OFFER_ENDPOINTS = 8,
	PKI_OFFER_DOMAINS = 64,
	PKI_OFFER_WORD = 255,
	PKI_INVITATION_TEXT_MAX = 1800, /* characters of an invitation: it travels in one line of the control socket */
	PKI_PAIRING_FRAME_MAX = 24 << 10,
	PKI_CODE_MAX = 64               /* six words, blanks between them, a zero */
};

/* What a site says of itself. Only the shape is checked here: who uses it asks conf/ whether these are names, endpoints and domains. */
struct pki_offer {
	char site[PKI_OFFER_SITE + 1];
	size_t n_endpoints, n_domains;
	char endpoints[PKI_OFFER_ENDPOINTS][PKI_OFFER_WORD + 1];
	char domains[PKI_OFFER_DOMAINS][PKI_OFFER_WORD + 1];
};

struct pki_invitation {
	uint8_t id[PKI_INVITATION_ID_LEN];   /* which of the open ones: whoever does not know it costs no try */
	uint8_t secret[PKI_SECRET_LEN];
	uint8_t pin[PKI_PIN_LEN];            /* the host's */
	uint64_t expires;                    /* seconds since 1970 UTC */
	struct pki_offer offer;              /* the host's */
	uint8_t digest[PKI_PIN_LEN];         /* SHA-256 of all of the above as it stands in the text; filled by both calls below */
};
/*
 * Appends the invitation as text ("avb1:" and base64url) and fills inv->digest. -1 if it would be longer than PKI_INVITATION_TEXT_MAX
 * or ${out} is full.
 */
int pki_invitation_print(struct buf *out, struct pki_invitation *inv);
/* Reads a text; blanks and line breaks anywhere in it are dropped (mail programs make them). On false ${why} is a sentence. */
bool pki_invitation_parse(const char *text, struct pki_invitation *out, const char **why);
/* Appends an offer: what is between our own processes and in PKI_PAIRING_ACCEPT. */
void pki_offer_put(struct buf *out, const struct pki_offer *o);
/* Reads an offer from the ${n} bytes at ${p} to the last. False if it is none. */
bool pki_offer_read(const uint8_t *p, size_t n, struct pki_offer *out);

/* The messages in their order; PKI_PAIRING_REFUSED may stand instead of any. */
enum pki_pairing_type { PKI_PAIRING_ACCEPT = 1, PKI_PAIRING_ANSWER, PKI_PAIRING_AGREED, PKI_PAIRING_DONE, PKI_PAIRING_REFUSED = 15 };
enum pki_pairing_take { PKI_PAIRING_MORE = 0, PKI_PAIRING_TAKEN, PKI_PAIRING_NO, PKI_PAIRING_FALSE, PKI_PAIRING_GARBAGE };

/* One side of one exchange: the secret, and everything that was said. */
struct pki_pairing {
	uint8_t secret[PKI_SECRET_LEN];
	struct buf said;
};
/*
 * Starts with what both sides must agree on before the first byte: the invitation, the exporter of this connection, both keys as each
 * side sees them.
 */
void pki_pairing_start(struct pki_pairing *p, const struct pki_invitation *inv, const uint8_t exporter[PKI_EXPORTER_LEN],
                       const uint8_t guest[PKI_PIN_LEN]);
/* Wipes and empties it. Zeroed memory is allowed. */
void pki_pairing_end(struct pki_pairing *p);
/* Appends the frame ${type} with ${n} bytes of ${body} and its proof to ${out}. */
void pki_pairing_put(struct pki_pairing *p, struct buf *out, enum pki_pairing_type type, const void *body, size_t n);
/*
 * Takes the next frame from ${in} if it is there whole. PKI_PAIRING_TAKEN: it was ${type} and its proof is right; its body is in
 * ${body}. FALSE: its proof is wrong. NO: it was PKI_PAIRING_REFUSED; the sentence is in ${body}. GARBAGE: anything else. MORE: not
 * all has come.
 */
enum pki_pairing_take pki_pairing_take(struct pki_pairing *p, struct buf *in, enum pki_pairing_type type, struct buf *body);
/* Appends a refusal with the sentence ${why}; it proves nothing. */
void pki_pairing_refuse(struct buf *out, const char *why);
/*
 * The id in the body of a PKI_PAIRING_ACCEPT that lies whole in ${in}, before anything in it is believed. False with ${garbage} set,
 * or if more must come.
 */
bool pki_pairing_id(const struct buf *in, uint8_t id[PKI_INVITATION_ID_LEN], bool *garbage);

/* The six words that both screens show. */
void pki_pairing_code(char out[PKI_CODE_MAX], const uint8_t host[PKI_PIN_LEN], const uint8_t guest[PKI_PIN_LEN],
                      const uint8_t exporter[PKI_EXPORTER_LEN]);
/* The list of 256 words that codes are made of (pki/words.c). */
extern const char *const pki_words[256];
#endif
