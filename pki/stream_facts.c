#include "pki/stream_own.h"
#include <string.h>

bool stream_acceptable(struct pki_stream *s)
{
	static const char turned[] = "availbridge-reverse/1";
	const char *want = s->tls->recipe == PKI_GUEST ? "availbridge-pair/1" : s->reverse ? turned : "h2";
	const unsigned char *alpn;
	unsigned n;
	X509 *cert;

	if (s->tls->recipe != PKI_LINK && s->tls->recipe != PKI_GUEST)
		return true;
	cert = SSL_get0_peer_certificate(s->ssl);
	SSL_get0_alpn_selected(s->ssl, &alpn, &n);
	if (!cert || SSL_session_reused(s->ssl) || pki_pin_of_cert(cert, s->other_pin) < 0) {
		stream_because(s, "the other side proved no key");
		return false;
	}
	/* Even a peer's key is nobody while it pairs. */
	if (pki_check_guest(&s->check, s->ssl, cert))
		return s->pairs = true;
	s->peer = pki_check_cert(&s->check, cert);
	if (s->server && n == strlen(turned) && memcmp(alpn, turned, n) == 0) { /* a client may choose, from what we take */
		s->reverse = true;
		want = turned;
	}
	if (!s->peer)
		stream_because(s, "%s", s->check.refusal ? s->check.refusal : "the other side proved no key");
	else if (n != strlen(want) || memcmp(alpn, want, n) != 0)
		stream_because(s, "%s does not speak %s there (no ALPN %s): is this its link port?", s->peer->name,
		               s->tls->recipe == PKI_GUEST ? "pairing" : s->reverse ? "turned connections" : "HTTP/2", want);
	else
		return true;
	s->peer = NULL;
	return false;
}

void stream_take_facts(struct pki_stream *s)
{
	const unsigned char *alpn;
	unsigned n;

	snprintf(s->protocol, sizeof(s->protocol), "%s %s", SSL_get_version(s->ssl), SSL_get_cipher_name(s->ssl));
	SSL_get0_alpn_selected(s->ssl, &alpn, &n);
	snprintf(s->alpn, sizeof(s->alpn), "%.*s", (int)n, n ? (const char *)alpn : "");
}

const struct pki_peer *pki_stream_peer(const struct pki_stream *s)
{
	return s->peer;
}

int pki_stream_turn(struct pki_stream *s, unsigned process)
{
	s->reverse = true;
	return pki_offer_reverse(s->ssl, process);
}

bool pki_stream_turned(const struct pki_stream *s)
{
	return s->reverse;
}

bool pki_stream_pairs(const struct pki_stream *s)
{
	return s->pairs;
}

int pki_stream_exporter(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-availbridge-pairing";

	return SSL_export_keying_material(s->ssl, out, PKI_EXPORTER_LEN, label, sizeof(label) - 1, NULL, 0, 0) == 1 ? 0 : -1;
}

int pki_stream_exporter_announce(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-availbridge-announce";

	return SSL_export_keying_material(s->ssl, out, PKI_EXPORTER_LEN, label, sizeof(label) - 1, NULL, 0, 0) == 1 ? 0 : -1;
}

void pki_stream_pins(const struct pki_stream *s, uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN])
{
	memcpy(own, s->tls->own_pin, PKI_PIN_LEN);
	memcpy(other, s->other_pin, PKI_PIN_LEN);
}

const char *pki_stream_protocol(const struct pki_stream *s)
{
	return s->protocol;
}

bool pki_stream_named(const struct pki_stream *s)
{
	return s->ssl && SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) != NULL;
}

const char *pki_stream_alpn(const struct pki_stream *s)
{
	return s->alpn;
}
