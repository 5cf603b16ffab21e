#include "pki/tls.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include "bridge/base/file.h"
#include "pki/identity.h"
#include "pki/parts.h"

enum { LINK_CHAIN_MAX = 32 << 10, FRONT_CHAIN_MAX = 4 << 10 };
enum { LINK_BLOCK = 1024 }; /* records of the link are multiples of it, so that how much is in them hardly shows (RFC 8446 5.4) */

/* Forward secrecy always; the two CBC suites are the best that older Windows has for an RSA certificate. */
static const char FRONT_CIPHERS[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384";
/* No groups of large integers: one handshake with ffdhe8192 takes a hundred times the time of the others, and anybody may ask for it. */
static const char GROUPS[] = "X25519:P-256:P-384:P-521";
static const char SUITES_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static const unsigned char ALPN_H2[] = "\x02h2", ALPN_HTTP[] = "\x08http/1.1", ALPN_PAIR[] = "\x12" "availbridge-pair/1",
                           ALPN_REVERSE[] = "\x15" "availbridge-reverse/1";

static int check_slot = -1; /* where a struct pki_check hangs on an SSL */

int pki_check_attach(SSL *ssl, struct pki_check *c)
{
	if (check_slot < 0)
		check_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return check_slot >= 0 && SSL_set_ex_data(ssl, check_slot, c) ? 0 : -1;
}

/* Notes in a printf sentence why the other key is refused; the last counts. In memory of its own: nearly every connection is without. */
static void __attribute__((format(printf, 2, 3))) refuse(struct pki_check *c, const char *fmt, ...)
{
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(c->refusal);
	c->refusal = strdup(text);
}

/* The peer that ${cert} calls itself, if there is such a one here: a hint for a message, worth nothing else. */
static const char *claimed_name(const struct pki_check *c, X509 *cert)
{
	char name[128];
	int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));

	if (n <= 0 || strlen(name) != (size_t)n)
		return NULL;
	return pki_pinset_knows(c->tls->pins, name);
}

/* Both fingerprints and what to do, for two people who compare them. */
static void explain_stranger(struct pki_check *c, X509 *cert, const uint8_t pin[PKI_PIN_LEN], const char *seen)
{
	const struct pki_peer *other = c->only ? pki_pinset_find(c->tls->pins, NULL, pin) : NULL;
	const char *name = c->only ? c->only : claimed_name(c, cert);
	struct buf expected;

	buf_init(&expected, 4096);
	if (name)
		pki_pinset_print(&expected, c->tls->pins, name);
	if (memcmp(pin, c->tls->own_pin, PKI_PIN_LEN) == 0)
		refuse(c, "the other side's key is %s, our own: the endpoint leads back to this site, or this site's key was copied", seen);
	else if (other)
		refuse(c, "%s answered with the key %s, the pin of %s here; its own pin here is %s: are the two pins, or the two endpoints, swapped?",
		       name, seen, other->name, buf_cstr(&expected));
	else if (c->only)
		refuse(c, "%s answered with the key %s, but its pin here is %s: compare with `availbridge identity show` there; if ours is "
		       "wrong, `availbridge peer set %s --pin PIN` here", name, seen, buf_cstr(&expected), name);
	else if (name)
		refuse(c, "the other side's key is %s, which is the pin of no enabled peer here; it calls itself %s, whose pin here is %s: compare with "
		       "`availbridge identity show` there; if ours is wrong, `availbridge peer set %s --pin PIN` here", seen, name, buf_cstr(&expected), name);
	else
		refuse(c, "the other side's key is %s, which is the pin of no enabled peer here: `availbridge peer list` shows those", seen);
	buf_free(&expected);
}

const struct pki_peer *pki_check_cert(struct pki_check *c, X509 *cert)
{
	uint8_t pin[PKI_PIN_LEN];
	char seen[PKI_PIN_TEXT];
	const struct pki_peer *peer;
	int bits;
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (!key || pki_pin_of_cert(cert, pin) < 0) {
		refuse(c, "the other side's certificate holds a key that cannot be read");
		return NULL;
	}
	pki_pin_text(seen, pin);
	peer = pki_pinset_find(c->tls->pins, c->only, pin);
	if (peer && EVP_PKEY_get_security_bits(key) < PKI_MIN_KEY_BITS) {
		refuse(c, "the key %s of %s is pinned but too weak (%d security bits, %d are the least); it needs a new identity", seen, peer->name,
		       EVP_PKEY_get_security_bits(key), PKI_MIN_KEY_BITS);
		return NULL;
	}
	if (peer && X509_get_signature_info(cert, NULL, NULL, &bits, NULL) && bits < PKI_MIN_SIGNATURE_BITS) {
		refuse(c, "the certificate of %s has the pinned key %s, but is signed with a hash as weak as SHA-1: make a new certificate for that key there",
		       peer->name, seen);
		return NULL;
	}
	if (peer)
		return peer;
	explain_stranger(c, cert, pin, seen);
	return NULL;
}

static bool is_guest(const struct pki_check *c, SSL *ssl)
{
	const unsigned char *alpn;
	unsigned n;

	SSL_get0_alpn_selected(ssl, &alpn, &n);
	return c->tls->recipe == PKI_LINK && SSL_is_server(ssl) && n == ALPN_PAIR[0] && memcmp(alpn, ALPN_PAIR + 1, n) == 0;
}

bool pki_check_guest(struct pki_check *c, SSL *ssl, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (!is_guest(c, ssl))
		return false;
	if (key && EVP_PKEY_get_security_bits(key) >= PKI_MIN_KEY_BITS)
		return true;
	refuse(c, "a key that wants to pair is too weak, or no key; its site needs a new identity");
	return false;
}

/* Takes the place of chain verification on the link: names, dates, usage and issuer are not even looked at. */
static int verify_pin(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct pki_check *c = ssl && check_slot >= 0 ? SSL_get_ex_data(ssl, check_slot) : NULL;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	if (c && leaf && (is_guest(c, ssl) ? pki_check_guest(c, ssl, leaf) : pki_check_cert(c, leaf) != NULL)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

/* A client that offers protocols, but not ours, is told so (RFC 7301 3.2). */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
                       void *arg)
{
	const unsigned char *ours = arg;
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_len, ours, ours[0] + 1u, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool offers(const unsigned char *in, unsigned in_len, const unsigned char *name)
{
	for (unsigned i = 0; i < in_len; i += in[i] + 1u)
		if (in[i] == name[0] && in[i] < in_len - i && memcmp(in + i + 1, name + 1, name[0]) == 0)
			return true;
	return false;
}

int pki_offer_reverse(SSL *ssl, unsigned process)
{
	char names[64], wish[32];
	int n = snprintf(wish, sizeof(wish), "availbridge-process/%u", process);

	n = snprintf(names, sizeof(names), "%s%c%s", ALPN_REVERSE, n, wish);
	return SSL_set_alpn_protos(ssl, (const unsigned char *)names, (unsigned)n) == 0 ? 0 : -1;
}

/* At the link's door guests are let in while an invitation is open; a peer speaks HTTP/2, from either end. */
static int select_link_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct pki_tls *t = arg;
	struct pki_check *c = check_slot >= 0 ? SSL_get_ex_data(ssl, check_slot) : NULL;
	time_t now = time(NULL);

	if (!offers(in, in_len, ALPN_H2) && offers(in, in_len, ALPN_REVERSE))
		return select_alpn(ssl, out, out_len, in, in_len, (void *)ALPN_REVERSE);
	if (offers(in, in_len, ALPN_H2) || !offers(in, in_len, ALPN_PAIR))
		return select_alpn(ssl, out, out_len, in, in_len, (void *)ALPN_H2);
	if (c && now >= 0 && (uint64_t)now < t->pairing_until)
		return select_alpn(ssl, out, out_len, in, in_len, (void *)ALPN_PAIR);
	if (c)
		refuse(c, "somebody came to accept an invitation, but none is open here: run `availbridge peer invite` if that was meant");
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What all recipes have in common. System-wide OpenSSL settings are overruled, so that a bridge is the same everywhere. */
static struct pki_tls *recipe_new(enum pki_recipe recipe, int lowest, struct buf *error)
{
	struct pki_tls *t = calloc(1, sizeof(*t));

	if (!t || !(t->ctx = SSL_CTX_new(TLS_method())) || SSL_CTX_set1_groups_list(t->ctx, GROUPS) != 1) {
		buf_puts(error, t && t->ctx ? "TLS cannot be set up: OpenSSL lacks one of the groups X25519, P-256, P-384 and P-521."
		                            : "TLS cannot be set up: out of memory.");
		pki_tls_free(t);
		return NULL;
	}
	t->recipe = recipe;
	SSL_CTX_set_security_level(t->ctx, 2);
	SSL_CTX_set_min_proto_version(t->ctx, lowest);
	SSL_CTX_set_max_proto_version(t->ctx, TLS1_3_VERSION);
	SSL_CTX_set_cipher_list(t->ctx, FRONT_CIPHERS);
	SSL_CTX_set_ciphersuites(t->ctx, SUITES_13);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(t->ctx, 0);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* Else a peer that sends key updates without end would keep one read, and with it the whole loop, busy as long as it likes. */
	SSL_CTX_clear_mode(t->ctx, SSL_MODE_AUTO_RETRY);
	return t;
}

static int load(struct pki_tls *t, const char *cert_path, const char *key_path, struct buf *error)
{
	EVP_PKEY *key;
	bool taken;

	if (file_is_loose(key_path)) {
		buf_printf(error, "The key file %s can be read or written by others than its owner: run chmod 600 on it.", key_path);
		return -1;
	}
	ERR_clear_error();
	errno = 0;
	if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_path) != 1) {
		buf_printf(error, "The certificate %s cannot be used: ", cert_path);
	} else {
		if (!(key = pki_key_read(key_path, error)))
			return -1;
		errno = 0;
		taken = SSL_CTX_use_PrivateKey(t->ctx, key) == 1 && SSL_CTX_check_private_key(t->ctx) == 1;
		EVP_PKEY_free(key);
		if (taken)
			return 0;
		buf_printf(error, "The key %s does not belong to the certificate %s: ", key_path, cert_path);
	}
	if (errno) {
		buf_puts(error, strerror(errno));
		ERR_clear_error();
	} else {
		pki_errors_put(error);
	}
	buf_putc(error, '.');
	return -1;
}

static struct pki_tls *pinned_new(enum pki_recipe recipe, const char *cert_path, const char *key_path, struct pki_pinset *pins, struct buf *error)
{
	struct pki_tls *t = recipe_new(recipe, TLS1_3_VERSION, error);

	if (!t)
		return NULL;
	t->pins = pins;
	if (load(t, cert_path, key_path, error) < 0 || pki_identity_pin(cert_path, t->own_pin, error) < 0) {
		pki_tls_free(t);
		return NULL;
	}
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	SSL_CTX_set_block_padding(t->ctx, LINK_BLOCK);
	SSL_CTX_set_max_cert_list(t->ctx, LINK_CHAIN_MAX);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify_pin, NULL);
	return t;
}

struct pki_tls *pki_tls_link(const char *cert_path, const char *key_path, struct pki_pinset *pins, struct buf *error)
{
	struct pki_tls *t = pinned_new(PKI_LINK, cert_path, key_path, pins, error);

	if (t) {
		SSL_CTX_set_alpn_protos(t->ctx, ALPN_H2, sizeof(ALPN_H2) - 1);
		SSL_CTX_set_alpn_select_cb(t->ctx, select_link_alpn, t);
	}
	return t;
}

struct pki_tls *pki_tls_pairing(const char *cert_path, const char *key_path, struct pki_pinset *pins, struct buf *error)
{
	struct pki_tls *t = pinned_new(PKI_GUEST, cert_path, key_path, pins, error);

	if (t)
		SSL_CTX_set_alpn_protos(t->ctx, ALPN_PAIR, sizeof(ALPN_PAIR) - 1);
	return t;
}

void pki_tls_pairing_until(struct pki_tls *t, uint64_t seconds)
{
	t->pairing_until = seconds;
}

struct pki_tls *pki_tls_front(const char *cert_path, const char *key_path, struct buf *error)
{
	struct pki_tls *t = recipe_new(PKI_FRONT, TLS1_2_VERSION, error);

	if (!t)
		return NULL;
	if (load(t, cert_path, key_path, error) < 0) {
		pki_tls_free(t);
		return NULL;
	}
	SSL_CTX_set_num_tickets(t->ctx, 1);
	SSL_CTX_set_max_cert_list(t->ctx, FRONT_CHAIN_MAX); /* no client certificate is ever asked for */
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_alpn_select_cb(t->ctx, select_alpn, (void *)ALPN_HTTP);
	return t;
}

struct pki_tls *pki_tls_client(const char *ca_path, struct buf *error)
{
	struct pki_tls *t = recipe_new(PKI_CLIENT, TLS1_2_VERSION, error);

	if (!t)
		return NULL;
	ERR_clear_error();
	if (SSL_CTX_load_verify_file(t->ctx, ca_path) != 1) {
		buf_printf(error, "The CA file %s cannot be used: ", ca_path);
		pki_errors_put(error);
		buf_putc(error, '.');
		pki_tls_free(t);
		return NULL;
	}
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_alpn_protos(t->ctx, ALPN_HTTP, sizeof(ALPN_HTTP) - 1);
	return t;
}

void pki_tls_free(struct pki_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

size_t pki_tls_end_point(const struct pki_tls *t, uint8_t out[PKI_END_POINT_MAX])
{
	const X509 *cert = SSL_CTX_get0_certificate(t->ctx);
	unsigned int n = 0;
	int hash;

	if (!cert || !X509_get_signature_info((X509 *)cert, &hash, NULL, NULL, NULL) || hash == NID_undef)
		return 0;
	if (hash == NID_md5 || hash == NID_sha1)
		hash = NID_sha256;
	return X509_digest(cert, EVP_get_digestbynid(hash), out, &n) == 1 ? n : 0;
}
