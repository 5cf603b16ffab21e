#include "pki/pin.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include "bridge/base/text.h"
#include "pki/parts.h"

struct pki_pinset {
	struct pki_peer **peers; /* each on its own, so that a seal stays where it is while others are added */
	size_t n;
	uint8_t (*revoked)[PKI_PIN_LEN];
	size_t n_revoked;
};

void pki_pin_text(char out[PKI_PIN_TEXT], const uint8_t pin[PKI_PIN_LEN])
{
	memcpy(out, "sha256:", 7);
	text_hex(out + 7, pin, PKI_PIN_LEN);
}

/* Copies the hex digits of ${s} without the colons between pairs. False if a colon stands elsewhere or the length is wrong. */
static bool drop_colons(const char *s, char out[2 * PKI_PIN_LEN + 1])
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s == ':') {
			if (n == 0 || n % 2 || s[-1] == ':' || !s[1])
				return false;
			continue;
		}
		if (n == 2 * PKI_PIN_LEN)
			return false;
		out[n++] = *s;
	}
	out[n] = 0;
	return n == 2 * PKI_PIN_LEN;
}

bool pki_pin_parse(const char *s, uint8_t out[PKI_PIN_LEN])
{
	char hex[2 * PKI_PIN_LEN + 1];
	struct buf raw;
	bool ok;

	if (text_istarts(s, "sha256:"))
		return drop_colons(s + 7, hex) && text_unhex(out, PKI_PIN_LEN, hex);
	if (strlen(s) != 44)
		return false;
	buf_init(&raw, PKI_PIN_LEN);
	ok = text_unbase64(&raw, s, 44) == 0 && raw.len == PKI_PIN_LEN;
	if (ok)
		memcpy(out, buf_ptr(&raw), PKI_PIN_LEN);
	buf_free(&raw);
	return ok;
}

int pki_pin_of_cert(X509 *cert, uint8_t out[PKI_PIN_LEN])
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return ok ? 0 : -1;
}

const char *pki_peer_name(const struct pki_peer *p)
{
	return p->name;
}

struct pki_pinset *pki_pinset_new(void)
{
	return calloc(1, sizeof(struct pki_pinset));
}

void pki_pinset_free(struct pki_pinset *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->peers[i]->name);
		free(s->peers[i]->pins);
		free(s->peers[i]);
	}
	free(s->peers);
	free(s->revoked);
	free(s);
}

static struct pki_peer *peer_named(const struct pki_pinset *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->peers[i]->name, name) == 0)
			return s->peers[i];
	return NULL;
}

static struct pki_peer *peer_add(struct pki_pinset *s, const char *name)
{
	struct pki_peer **more = realloc(s->peers, (s->n + 1) * sizeof(*more));
	struct pki_peer *p;

	if (!more)
		return NULL;
	s->peers = more;
	p = calloc(1, sizeof(*p));
	if (!p || !(p->name = strdup(name))) {
		free(p);
		return NULL;
	}
	return s->peers[s->n++] = p;
}

const struct pki_peer *pki_pinset_find(const struct pki_pinset *s, const char *only, const uint8_t pin[PKI_PIN_LEN])
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pki_peer *p = s->peers[i];

		if (p->shut || (only && strcmp(p->name, only) != 0))
			continue;
		for (size_t k = 0; k < p->n_pins; k++)
			if (CRYPTO_memcmp(p->pins[k], pin, PKI_PIN_LEN) == 0)
				return p;
	}
	return NULL;
}

static bool is_revoked(const struct pki_pinset *s, const uint8_t pin[PKI_PIN_LEN])
{
	for (size_t i = 0; i < s->n_revoked; i++)
		if (memcmp(s->revoked[i], pin, PKI_PIN_LEN) == 0)
			return true;
	return false;
}

int pki_pinset_add(struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	struct pki_peer *p = peer_named(s, name);
	const struct pki_peer *owner = pki_pinset_find(s, NULL, pin);
	uint8_t (*more)[PKI_PIN_LEN];

	if (owner)
		return owner == p ? 0 : -1;
	if ((p && p->shut) || is_revoked(s, pin))
		return -1;
	if (!p && !(p = peer_add(s, name)))
		return -1;
	more = realloc(p->pins, (p->n_pins + 1) * sizeof(*more));
	if (!more)
		return -1;
	p->pins = more;
	memcpy(p->pins[p->n_pins++], pin, PKI_PIN_LEN);
	return 0;
}

void pki_pinset_drop(struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	struct pki_peer *p = peer_named(s, name);

	for (size_t k = 0; p && k < p->n_pins; k++)
		if (memcmp(p->pins[k], pin, PKI_PIN_LEN) == 0) {
			memmove(p->pins[k], p->pins[k + 1], (p->n_pins - k - 1) * PKI_PIN_LEN);
			p->n_pins--;
			return;
		}
}

int pki_pinset_revoke(struct pki_pinset *s, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t (*more)[PKI_PIN_LEN];

	for (size_t i = 0; i < s->n; i++)
		pki_pinset_drop(s, s->peers[i]->name, pin);
	if (is_revoked(s, pin))
		return 0;
	more = realloc(s->revoked, (s->n_revoked + 1) * sizeof(*more));
	if (!more)
		return -1;
	s->revoked = more;
	memcpy(s->revoked[s->n_revoked++], pin, PKI_PIN_LEN);
	return 0;
}

bool pki_pinset_has(const struct pki_pinset *s, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	const struct pki_peer *p = pki_pinset_find(s, name, pin);

	return p != NULL;
}

void pki_pinset_shut(struct pki_pinset *s, const char *name)
{
	struct pki_peer *p = peer_named(s, name);

	if (p)
		p->shut = true;
}

const char *pki_pinset_knows(const struct pki_pinset *s, const char *name)
{
	const struct pki_peer *p = peer_named(s, name);

	return p && !p->shut ? p->name : NULL;
}

void pki_pinset_print(struct buf *out, const struct pki_pinset *s, const char *name)
{
	const struct pki_peer *p = peer_named(s, name);
	char text[PKI_PIN_TEXT];

	if (!p || p->shut || p->n_pins == 0) {
		buf_puts(out, "none");
		return;
	}
	for (size_t k = 0; k < p->n_pins; k++) {
		pki_pin_text(text, p->pins[k]);
		buf_printf(out, "%s%s", k ? " or " : "", text);
	}
}
