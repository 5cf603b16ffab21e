#include "bridge/link/session_own.h"
#include <string.h>

/* Who is at the other end. */

const struct pki_peer *link_session_peer(const struct link_session *s)
{
	return s->tls ? pki_stream_peer(s->tls) : NULL;
}

int link_session_binding(const struct link_session *s, uint8_t exporter[PKI_EXPORTER_LEN], uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN])
{
	if (!s->tls || !pki_stream_peer(s->tls) || pki_stream_exporter_announce(s->tls, exporter) != 0)
		return -1;
	pki_stream_pins(s->tls, own, other);
	return 0;
}

void link_session_share(struct link_session *s, size_t *out_bytes)
{
	s->out_bytes = out_bytes;
}

size_t link_session_streams(const struct link_session *s)
{
	return s->n_streams;
}

bool link_session_pin(const struct link_session *s, uint8_t pin[PKI_PIN_LEN])
{
	uint8_t own[PKI_PIN_LEN];

	if (!s->tls || !pki_stream_peer(s->tls))
		return false;
	pki_stream_pins(s->tls, own, pin);
	return true;
}

bool link_session_is_under(const struct link_session *s, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t other[PKI_PIN_LEN];

	return link_session_pin(s, other) && memcmp(other, pin, PKI_PIN_LEN) == 0;
}
