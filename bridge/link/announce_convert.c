#include <string.h>
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

#define PB(name) Availbridge__Link__V1__##name

static const struct wire_cap caps[] = {
	{&availbridge__link__v1__announce_request__descriptor, 1, 0, LINK_SPKI_BYTES, NULL},
	{&availbridge__link__v1__announce_request__descriptor, 2, 0, LINK_SIGNATURE_BYTES, NULL},
	{&availbridge__link__v1__announce_request__descriptor, 3, 0, LINK_PIN_BYTES, NULL},
	{&availbridge__link__v1__announce_request__descriptor, 4, 0, LINK_SPKI_BYTES, NULL},
	{&availbridge__link__v1__announce_request__descriptor, 5, 0, LINK_SIGNATURE_BYTES, NULL},
	{0},
};

int link_announce_write(struct buf *out, const struct link_announce *a)
{
	PB(AnnounceRequest) ask = AVAILBRIDGE__LINK__V1__ANNOUNCE_REQUEST__INIT;

	ask.next_spki = (ProtobufCBinaryData){a->n_spki, (uint8_t *)a->spki};
	ask.signature = (ProtobufCBinaryData){a->n_signature, (uint8_t *)a->signature};
	ask.current_spki = (ProtobufCBinaryData){a->n_current, (uint8_t *)a->current};
	ask.current_signature = (ProtobufCBinaryData){a->n_vouches, (uint8_t *)a->vouches};
	if (a->retires)
		ask.retired_pin = (ProtobufCBinaryData){LINK_PIN_BYTES, (uint8_t *)a->retired};
	return wire_pack(out, &ask.base);
}

/* How long the field is that goes to ${to}. */
static size_t take(uint8_t *to, const ProtobufCBinaryData *from)
{
	if (from->len)
		memcpy(to, from->data, from->len);
	return from->len;
}

bool link_announce_read(const uint8_t *p, size_t n, struct link_announce *a, const char **why)
{
	const ProtobufCMessageDescriptor *d = &availbridge__link__v1__announce_request__descriptor;
	PB(AnnounceRequest) *m;

	memset(a, 0, sizeof *a);
	if (!wire_within(d, p, n, caps, why))
		return false;
	m = (PB(AnnounceRequest) *)protobuf_c_message_unpack(d, NULL, n, p);
	*why = "the announcement could not be read";
	if (!m)
		return false;
	if (m->retired_pin.len == 0 || m->retired_pin.len == LINK_PIN_BYTES) {
		*why = NULL;
		a->retires = m->retired_pin.len != 0;
		a->n_spki = take(a->spki, &m->next_spki);
		a->n_signature = take(a->signature, &m->signature);
		a->n_current = take(a->current, &m->current_spki);
		a->n_vouches = take(a->vouches, &m->current_signature);
		take(a->retired, &m->retired_pin);
	} else {
		*why = "retired_pin is not 32 bytes";
	}
	protobuf_c_message_free_unpacked(&m->base, NULL);
	return !*why;
}

int link_announced_write(struct buf *out, enum link_taken taken)
{
	PB(AnnounceReply) say = AVAILBRIDGE__LINK__V1__ANNOUNCE_REPLY__INIT;

	say.taken = (PB(Taken))taken;
	return wire_pack(out, &say.base);
}

enum link_taken link_announced_read(const uint8_t *p, size_t n)
{
	static const struct wire_cap none[] = {{0}};
	const ProtobufCMessageDescriptor *d = &availbridge__link__v1__announce_reply__descriptor;
	enum link_taken taken = LINK_NOT_TAKEN;
	PB(AnnounceReply) *m;
	const char *why;

	if (!wire_within(d, p, n, none, &why))
		return LINK_NOT_TAKEN;
	m = (PB(AnnounceReply) *)protobuf_c_message_unpack(d, NULL, n, p);
	if (m && (int)m->taken >= LINK_NOT_TAKEN && (int)m->taken <= LINK_WAITS)
		taken = (enum link_taken)m->taken;
	if (m)
		protobuf_c_message_free_unpacked(&m->base, NULL);
	return taken;
}
