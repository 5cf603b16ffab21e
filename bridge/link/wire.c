#include "bridge/link/wire.h"
#include <string.h>
#include "bridge/base/arena.h"
#include "bridge/base/text.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5, MAX_FIELDS = 16, MAX_UNKNOWN = 16, ROOM = 16 << 10 };

struct cursor {
	const uint8_t *p;
	size_t left;
};

static bool take(struct cursor *c, size_t n)
{
	if (n > c->left)
		return false;
	c->p += n;
	c->left -= n;
	return true;
}

static bool varint(struct cursor *c, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t b;

		if (!c->left)
			return false;
		b = *c->p;
		take(c, 1);
		if (shift == 63 && b > 1)
			return false;
		*v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* One field's value; ${bytes} is set for a length-delimited one. */
static bool value(struct cursor *c, unsigned wire, struct cursor *bytes)
{
	uint64_t n;

	switch (wire) {
	case WIRE_VARINT:
		return varint(c, &n);
	case WIRE_FIXED64:
		return take(c, 8);
	case WIRE_FIXED32:
		return take(c, 4);
	case WIRE_BYTES:
		if (!varint(c, &n) || n > c->left)
			return false;
		*bytes = (struct cursor){c->p, (size_t)n};
		return take(c, (size_t)n);
	default:
		return false;
	}
}

static unsigned wire_of(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_BYTES ? WIRE_BYTES : WIRE_VARINT;
}

static const struct wire_cap *cap_of(const struct wire_cap *caps, const ProtobufCMessageDescriptor *d, uint32_t field)
{
	for (; caps->of; caps++)
		if (caps->of == d && caps->field == field)
			return caps;
	return NULL;
}

static bool known(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, size_t count, struct cursor bytes,
                  const struct wire_cap *caps, const char **why)
{
	const struct wire_cap *cap = wire_of(f) == WIRE_BYTES || f->label == PROTOBUF_C_LABEL_REPEATED ? cap_of(caps, d, f->id) : NULL;
	size_t most = f->label != PROTOBUF_C_LABEL_REPEATED ? 1 : cap && cap->max_count ? cap->max_count : SIZE_MAX;

	if (count > most) {
		*why = "a field stands more often than it may";
		return false;
	}
	if (cap && cap->max_length && bytes.left > cap->max_length) {
		*why = "a text is longer than it may be";
		return false;
	}
	if (f->type == PROTOBUF_C_TYPE_STRING && bytes.left &&
	    (!text_utf8_valid((const char *)bytes.p, bytes.left) || memchr(bytes.p, 0, bytes.left))) {
		*why = "a text is not UTF-8, or has a zero byte in it";
		return false;
	}
	/* The contract nests no message in itself: the depth is that of link.proto. */
	return f->type != PROTOBUF_C_TYPE_MESSAGE || wire_within(f->descriptor, bytes.p, bytes.left, caps, why);
}

bool wire_within(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n, const struct wire_cap *caps, const char **why)
{
	struct cursor c = {p, n};
	size_t counts[MAX_FIELDS] = {0}, unknown = 0;

	*why = "it is no protobuf message of the type that belongs here";
	while (c.left) {
		const ProtobufCFieldDescriptor *f;
		struct cursor bytes = {(const uint8_t *)"", 0};
		uint64_t key;
		size_t i;

		if (!varint(&c, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff || !value(&c, key & 7, &bytes))
			return false;
		f = protobuf_c_message_descriptor_get_field(d, (unsigned)(key >> 3));
		if (!f) {
			if (++unknown > MAX_UNKNOWN)
				return false;
			continue;
		}
		i = (size_t)(f - d->fields);
		if ((key & 7) != wire_of(f) || i >= MAX_FIELDS || !known(d, f, ++counts[i], bytes, caps, why))
			return false;
	}
	return true;
}

/* What one message needs: most fit into the room, the rest is in an arena. Only one is unpacked or packed at a time. */
static struct {
	size_t used, max;
	struct arena *more; /* NULL until it is needed */
	_Alignas(max_align_t) uint8_t room[ROOM];
} message_memory;

static void *take_memory(void *unused, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	void *p = message_memory.room + message_memory.used;

	if (n > ROOM - message_memory.used) {
		if (!message_memory.more && !(message_memory.more = arena_new(message_memory.max)))
			return NULL;
		return arena_alloc(message_memory.more, n);
	}
	n = (n + align - 1) / align * align;
	message_memory.used = n < ROOM - message_memory.used ? message_memory.used + n : ROOM;
	return p;
}

static void keep_memory(void *unused, void *p)
{
}

void wire_memory(ProtobufCAllocator *out, size_t max)
{
	message_memory.used = 0;
	message_memory.max = max;
	message_memory.more = NULL;
	*out = (ProtobufCAllocator){take_memory, keep_memory, &message_memory};
}

void wire_memory_free(ProtobufCAllocator *a)
{
	arena_free(message_memory.more);
	message_memory.more = NULL;
}

int wire_pack(struct buf *out, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *p = buf_reserve(out, n);

	if (!p)
		return -1;
	protobuf_c_message_pack(m, p);
	buf_commit(out, n);
	return 0;
}
