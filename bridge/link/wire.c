#include "bridge/link/wire.h"
#include <string.h>
#include "bridge/base/arena.h"
#include "bridge/base/text.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5, MAX_FIELDS = 16, MAX_UNKNOWN = 16, VARINT_MAX = 10, HEAD_MAX = 5,
       ROOM = 16 << 10 };

bool wire_same(struct wire_bytes a, struct wire_bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool skip(struct wire_bytes *c, size_t n)
{
	if (n > c->n)
		return false;
	c->p += n;
	c->n -= n;
	return true;
}

static bool long_varint(struct wire_bytes *c, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t b;

		if (!c->n)
			return false;
		b = *c->p;
		skip(c, 1);
		if (shift == 63 && b > 1)
			return false;
		*v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* Most are one byte. */
static bool varint(struct wire_bytes *c, uint64_t *v)
{
	if (!c->n || *c->p & 0x80)
		return long_varint(c, v);
	*v = *c->p;
	return skip(c, 1);
}

/* A key or a length: of these no reader takes more bytes than their 32 bits need. */
static bool head(struct wire_bytes *c, uint64_t *v)
{
	size_t before = c->n;

	return varint(c, v) && before - c->n <= HEAD_MAX;
}

/* One field's value: ${v} of a varint, ${bytes} of a length-delimited one. */
static bool value(struct wire_bytes *c, unsigned wire, uint64_t *v, struct wire_bytes *bytes)
{
	uint64_t n;

	switch (wire) {
	case WIRE_VARINT:
		return varint(c, v);
	case WIRE_FIXED64:
		return skip(c, 8);
	case WIRE_FIXED32:
		return skip(c, 4);
	case WIRE_BYTES:
		if (!head(c, &n) || n > c->n)
			return false;
		*bytes = (struct wire_bytes){c->p, (size_t)n};
		return skip(c, (size_t)n);
	default:
		return false;
	}
}

bool wire_next(struct wire_bytes *m, struct wire_field *out)
{
	uint64_t key;

	out->value = 0;
	out->bytes = (struct wire_bytes){(const uint8_t *)"", 0};
	if (!m->n || !head(m, &key) || !value(m, key & 7, &out->value, &out->bytes))
		return false;
	out->number = (unsigned)(key >> 3);
	return true;
}

int32_t wire_signed(uint64_t value)
{
	uint32_t v = (uint32_t)value;

	return (int32_t)(v >> 1 ^ -(v & 1)); /* zigzag: the sign is the lowest bit */
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

static bool known(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, size_t count, struct wire_bytes bytes,
                  const struct wire_cap *caps, const char **why)
{
	const struct wire_cap *cap = wire_of(f) == WIRE_BYTES || f->label == PROTOBUF_C_LABEL_REPEATED ? cap_of(caps, d, f->id) : NULL;
	size_t most = f->label != PROTOBUF_C_LABEL_REPEATED ? 1 : cap && cap->max_count ? cap->max_count : SIZE_MAX;

	if (count > most) {
		*why = "a field stands more often than it may";
		return false;
	}
	if (cap && cap->max_length && bytes.n > cap->max_length) {
		*why = "a text is longer than it may be";
		return false;
	}
	if (f->type == PROTOBUF_C_TYPE_STRING && bytes.n &&
	    (!text_utf8_valid((const char *)bytes.p, bytes.n) || memchr(bytes.p, 0, bytes.n))) {
		*why = "a text is not UTF-8, or has a zero byte in it";
		return false;
	}
	if (cap && cap->before && wire_same(*cap->before, bytes))
		return true;
	/* The contract nests no message in itself: the depth is that of link.proto. */
	return f->type != PROTOBUF_C_TYPE_MESSAGE || wire_within(f->descriptor, bytes.p, bytes.n, caps, why);
}

/* The field ${id} of ${d}; NULL if we know none. Those of link.proto have the numbers 1, 2, 3 and so on. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, uint64_t id)
{
	return id <= d->n_fields && d->fields[id - 1].id == id ? &d->fields[id - 1] : protobuf_c_message_descriptor_get_field(d, (unsigned)id);
}

bool wire_within(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n, const struct wire_cap *caps, const char **why)
{
	struct wire_bytes c = {p, n};
	size_t counts[MAX_FIELDS] = {0}, unknown = 0;

	*why = "it is no protobuf message of the type that belongs here";
	while (c.n) {
		const ProtobufCFieldDescriptor *f;
		struct wire_bytes bytes = {(const uint8_t *)"", 0};
		uint64_t key, v;
		size_t i;

		if (!head(&c, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff || !value(&c, key & 7, &v, &bytes))
			return false;
		f = field_of(d, key >> 3);
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

/* ---- writing ---- */

/* ${v} as it stands on the wire, at ${to}; returns how many bytes. */
static size_t varint_put(uint8_t to[VARINT_MAX], uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		to[n++] = (uint8_t)(v | 0x80);
	to[n++] = (uint8_t)v;
	return n;
}

void wire_put(struct buf *out, unsigned number, uint64_t v)
{
	uint8_t bytes[2 * VARINT_MAX];
	size_t n;

	if (!v)
		return;
	n = varint_put(bytes, (uint64_t)number << 3 | WIRE_VARINT);
	buf_add(out, bytes, n + varint_put(bytes + n, v));
}

void wire_put_signed(struct buf *out, unsigned number, int32_t v)
{
	wire_put(out, number, (uint32_t)v << 1 ^ (v < 0 ? UINT32_MAX : 0));
}

void wire_put_bytes(struct buf *out, unsigned number, const void *p, size_t n)
{
	uint8_t bytes[2 * VARINT_MAX];
	size_t head;

	if (!n)
		return;
	head = varint_put(bytes, (uint64_t)number << 3 | WIRE_BYTES);
	head += varint_put(bytes + head, n);
	buf_add(out, bytes, head);
	buf_add(out, p, n);
}

size_t wire_begin(struct buf *out, unsigned number)
{
	uint8_t bytes[VARINT_MAX + 1];
	size_t n = varint_put(bytes, (uint64_t)number << 3 | WIRE_BYTES);

	bytes[n] = 0; /* most are short: one byte for their length */
	buf_add(out, bytes, n + 1);
	return out->len;
}

void wire_end(struct buf *out, size_t from)
{
	uint8_t length[VARINT_MAX];
	size_t n, len = out->len - from;

	if (out->failed)
		return;
	n = varint_put(length, len);
	if (n > 1) {
		if (!buf_reserve(out, n - 1))
			return;
		memmove(buf_ptr(out) + from + n - 1, buf_ptr(out) + from, len);
		buf_commit(out, n - 1);
	}
	memcpy(buf_ptr(out) + from - 1, length, n);
}

/* ---- protobuf-c's own, for the messages that are seldom ---- */

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
