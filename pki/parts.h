#ifndef PKI_PARTS_H
#define PKI_PARTS_H
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "pki/pin.h"
#include "pki/tls.h"

/* What the files of pki/ share among themselves; no other room includes it. */

enum { PKI_MIN_SIGNATURE_BITS = 80 }; /* of what signed a certificate: OpenSSL counts SHA-1 as 63 and fewer, SHA-224 as 112 */
enum { PKI_MIN_KEY_BITS = 112 }; /* security bits of OpenSSL's level 2: RSA-2048, P-224 and better */

struct pki_peer {
	char *name;
	uint8_t (*pins)[PKI_PIN_LEN];
	size_t n_pins;
	bool shut;
};

/* The pin of ${cert}'s key. -1 when the key cannot be encoded or memory is out. */
int pki_pin_of_cert(X509 *cert, uint8_t out[PKI_PIN_LEN]);
/* The peer that has ${pin}; only a peer called ${only} if that is not NULL. NULL if there is none. Borrowed from ${s}. */
const struct pki_peer *pki_pinset_find(const struct pki_pinset *s, const char *only, const uint8_t pin[PKI_PIN_LEN]);
/* The peer's own copy of ${name}, if ${s} has a peer of that name that is not shut; else NULL. Borrowed. */
const char *pki_pinset_knows(const struct pki_pinset *s, const char *name);
/* Appends the pins of the peer ${name} as "sha256:... or sha256:...", "none" if it has none. */
void pki_pinset_print(struct buf *out, const struct pki_pinset *s, const char *name);

enum pki_recipe { PKI_LINK, PKI_FRONT, PKI_CLIENT, PKI_GUEST };
struct pki_tls {
	enum pki_recipe recipe;
	SSL_CTX *ctx;
	struct pki_pinset *pins; /* borrowed; PKI_LINK and PKI_GUEST only */
	uint8_t own_pin[PKI_PIN_LEN]; /* the same */
	uint64_t pairing_until; /* PKI_LINK only: guests are let in before this second */
};

/* What the link's certificate check looks at and leaves behind; hung on the SSL so that the check needs nothing of the stream. */
struct pki_check {
	const struct pki_tls *tls;
	const char *only;        /* the peer whose pins alone may answer, or NULL */
	bool up;                 /* the handshake is done */
	char *refusal;           /* why the other key was refused, NULL = it was not, or no memory to say it; owned, freed with the stream */
};
/* Hangs ${c} (borrowed) on ${ssl}. 0, or -1 when out of memory. */
int pki_check_attach(SSL *ssl, struct pki_check *c);
/*
 * As client on the link: offers the ALPN name of turned connections, and one more that nobody takes, which says for which ${process} it is. 0, or -1
 * when out of memory.
 */
int pki_offer_reverse(SSL *ssl, unsigned process);
/* Decides on ${cert}: the peer it belongs to, or NULL with c->refusal filled. The one place where a pin becomes a peer. */
const struct pki_peer *pki_check_cert(struct pki_check *c, X509 *cert);
/* True if ${ssl} has come as a guest whose key may pair; else c->refusal may say why not. */
bool pki_check_guest(struct pki_check *c, SSL *ssl, X509 *cert);
/* Appends what OpenSSL's error queue says first, in lower-case words, and empties the queue. */
void pki_errors_put(struct buf *out);
/*
 * Puts in a sentence why a call on ${ssl} failed with ${error} (of SSL_get_error()) and ${saved_errno}. True if an alert of ours about it is
 * on its way, which the other side should get to read before the socket closes.
 */
bool pki_why(char *out, size_t n, const struct pki_check *c, SSL *ssl, const char *host, int error, int saved_errno);
/* The private key in the PEM file ${path}, opened with this process's passphrase if it is encrypted (key.c). NULL with a sentence in ${error}. */
EVP_PKEY *pki_key_read(const char *path, struct buf *error);
/* ${key} as PEM in memory that is wiped with it: encrypted if this process has a passphrase, unless ${plain}. NULL when out of memory. */
BIO *pki_key_pem(EVP_PKEY *key, bool plain);
/* Makes a BIO over ${fd} (not owned) that never raises SIGPIPE. NULL when out of memory. */
BIO *pki_bio_new(int fd);
#endif
