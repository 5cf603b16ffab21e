#include <string.h>
#include "bridge/base/text.h"
#include "bridge/process/bridge.h"

/* Between the link's guests and the supervisor, who keeps the invitations and writes the peers. */

static void tried(void *arg, const uint8_t id[PKI_INVITATION_ID_LEN], const uint8_t pin[PKI_PIN_LEN], bool proven)
{
	char hex[2 * PKI_INVITATION_ID_LEN + 1], text[PKI_PIN_TEXT];
	struct bridge *b = arg;
	struct buf out;

	text_hex(hex, id, PKI_INVITATION_ID_LEN);
	pki_pin_text(text, pin);
	buf_init(&out, CONTROL_LINE_MAX);
	pack_str(&out, hex);
	pack_str(&out, text);
	pack_u8(&out, proven);
	channel_send(b->supervisor, MSG_TRIED, buf_ptr(&out), out.len, -1);
	buf_free(&out);
}

static void paired(void *arg, uint64_t handle, const uint8_t id[PKI_INVITATION_ID_LEN], const uint8_t pin[PKI_PIN_LEN],
                   const char *code,
                   const struct pki_offer *offer)
{
	char hex[2 * PKI_INVITATION_ID_LEN + 1], text[PKI_PIN_TEXT];
	struct bridge *b = arg;
	struct buf out;

	text_hex(hex, id, PKI_INVITATION_ID_LEN);
	pki_pin_text(text, pin);
	buf_init(&out, PAIRED_MAX);
	pack_u64(&out, handle);
	pack_str(&out, hex);
	pack_str(&out, text);
	pack_str(&out, code);
	pki_offer_put(&out, offer);
	if (!conf_offer_valid(offer))
		pairing_written(b->pairing, handle, false, "what this site says of itself is no name, endpoint or domain");
	else if (out.failed || channel_send(b->supervisor, MSG_PAIRED, buf_ptr(&out), out.len, -1) != 0)
		pairing_written(b->pairing, handle, false, "this site could not write it down; its log may say why");
	buf_free(&out);
}

static void guest(void *arg, struct pki_stream *stream, const char *from)
{
	struct bridge *b = arg;

	pairing_take(b->pairing, stream, from);
}

void bridge_pairing_open(struct bridge *b)
{
	static const struct pairing_events events = {tried, paired};

	b->pairing = pairing_new(b->loop, b->tls_link, &events, b);
	link_server_guests(b->server, guest, b);
}

void bridge_pairing_invite(struct bridge *b, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	const char *name = unpack_str(&u), *text = unpack_str(&u), *by, *why;
	struct pairing_invitation i = {.tries = unpack_u32(&u)};

	i.done = unpack_u8(&u);
	i.gone = unpack_u8(&u);
	by = unpack_str(&u);
	i.proven = by && pki_pin_parse(by, i.by);
	if (unpack_done(&u) && name && text && strlen(name) < sizeof i.name && pki_invitation_parse(text, &i.inv, &why)) {
		strcpy(i.name, name);
		pairing_invite(b->pairing, &i);
	}
	explicit_bzero(&i, sizeof i);
}

void bridge_pairing_written(struct bridge *b, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t handle = unpack_u64(&u);
	bool ok = unpack_u8(&u);
	const char *why = unpack_str(&u);

	if (unpack_done(&u))
		pairing_written(b->pairing, handle, ok, why ? why : "");
}
