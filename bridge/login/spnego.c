#include "bridge/login/spnego.h"
#include <string.h>
#include "bridge/login/ntlm_message.h"

enum tag {
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_ENUMERATED = 0x0a,
	TAG_SEQUENCE = 0x30,
	TAG_WRAPPER = 0x60,
	TAG_PART = 0xa0 /* [0], and so on */
};
enum { LENGTH_BYTES_MAX = 3, STATES = 4 };

/* The content of each object identifier, as DER has it. */
static const struct {
	enum spnego_mech mech;
	uint8_t n, oid[12];
} oids[] = {
	{SPNEGO_NTLM, 10, {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10}},
	{SPNEGO_KERBEROS, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2}},
	{SPNEGO_MS_KERBEROS, 9, {0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2}},
};
static const uint8_t spnego_oid[] = {0x2b, 6, 1, 5, 5, 2};

/* Takes the element at the front of ${in} off it; false if it has not the tag ${tag} or reaches out. */
static bool take(struct login_bytes *in, uint8_t tag, struct login_bytes *content)
{
	size_t n, head = 2, extra;

	if (in->n < 2 || in->p[0] != tag)
		return false;
	n = in->p[1];
	if (n & 0x80) {
		extra = n & 0x7f;
		if (extra == 0 || extra > LENGTH_BYTES_MAX || in->n < head + extra)
			return false;
		n = 0;
		while (extra--)
			n = n << 8 | in->p[head++];
	}
	if (n > in->n - head)
		return false;
	*content = (struct login_bytes){in->p + head, n};
	in->p += head + n;
	in->n -= head + n;
	return true;
}

/*
 * The element [${number}] if it stands at the front: its one element with the tag ${tag}. False if it is malformed; absent leaves
 * ${content}.
 */
static bool take_part(struct login_bytes *in, uint8_t number, uint8_t tag, struct login_bytes *content)
{
	struct login_bytes outer;

	if (in->n == 0 || in->p[0] != (TAG_PART | number))
		return true;
	return take(in, (uint8_t)(TAG_PART | number), &outer) && take(&outer, tag, content) && outer.n == 0;
}

static enum spnego_mech mech_of(struct login_bytes oid)
{
	for (size_t i = 0; i < sizeof(oids) / sizeof(*oids); i++)
		if (oid.n == oids[i].n && memcmp(oid.p, oids[i].oid, oid.n) == 0)
			return oids[i].mech;
	return SPNEGO_OTHER;
}

/* Takes the wrapper off: which mechanism it is for, and what is in it. */
static bool unwrap(const uint8_t *p, size_t n, struct login_bytes *oid, struct login_bytes *inner)
{
	struct login_bytes in = {p, n};

	return take(&in, TAG_WRAPPER, inner) && in.n == 0 && take(inner, TAG_OID, oid);
}

static bool is_spnego(struct login_bytes oid)
{
	return oid.n == sizeof(spnego_oid) && memcmp(oid.p, spnego_oid, oid.n) == 0;
}

enum spnego_kind spnego_kind(const uint8_t *p, size_t n)
{
	struct login_bytes oid, inner;

	if (ntlm_type(p, n) != NTLM_NEITHER)
		return SPNEGO_KIND_NTLM;
	if (n && p[0] == (TAG_PART | 1))
		return SPNEGO_KIND_RESPONSE;
	if (!unwrap(p, n, &oid, &inner))
		return SPNEGO_KIND_UNKNOWN;
	if (is_spnego(oid))
		return SPNEGO_KIND_INIT;
	return mech_of(oid) == SPNEGO_KERBEROS ? SPNEGO_KIND_KERBEROS : SPNEGO_KIND_UNKNOWN;
}

/* mechTypes [0]: the list itself, and each of it. */
static bool read_mechs(struct login_bytes *in, struct spnego_init *out)
{
	struct login_bytes outer, list, oid;

	if (!take(in, TAG_PART | 0, &outer))
		return false;
	out->list = outer;
	if (!take(&outer, TAG_SEQUENCE, &list) || outer.n)
		return false;
	while (list.n) {
		if (out->n == SPNEGO_MECHS_MAX || !take(&list, TAG_OID, &oid))
			return false;
		out->mechs[out->n++] = mech_of(oid);
	}
	return out->n > 0;
}

bool spnego_read_init(const uint8_t *p, size_t n, struct spnego_init *out)
{
	struct login_bytes oid, in, body, ignored;

	memset(out, 0, sizeof(*out));
	if (!unwrap(p, n, &oid, &in) || !is_spnego(oid) || !take(&in, TAG_PART | 0, &body) || in.n)
		return false;
	in = body;
	if (!take(&in, TAG_SEQUENCE, &body) || in.n || !read_mechs(&body, out))
		return false;
	if (body.n && body.p[0] == (TAG_PART | 1) && !take(&body, TAG_PART | 1, &ignored)) /* reqFlags: deprecated, and not protected */
		return false;
	return take_part(&body, 2, TAG_OCTETS, &out->token) && take_part(&body, 3, TAG_OCTETS, &out->mic) && body.n == 0;
}

bool spnego_read_response(const uint8_t *p, size_t n, struct spnego_response *out)
{
	struct login_bytes in = {p, n}, body, state = {NULL, 0}, mech;

	*out = (struct spnego_response){.state = SPNEGO_NOT_SAID};
	if (!take(&in, TAG_PART | 1, &body) || in.n)
		return false;
	in = body;
	if (!take(&in, TAG_SEQUENCE, &body) || in.n || !take_part(&body, 0, TAG_ENUMERATED, &state) ||
	    !take_part(&body, 1, TAG_OID, &mech) || !take_part(&body, 2, TAG_OCTETS, &out->token) ||
	    !take_part(&body, 3, TAG_OCTETS, &out->mic) || body.n)
		return false;
	if (!state.p)
		return true;
	out->state = state.n == 1 ? (enum spnego_state)state.p[0] : SPNEGO_NOT_SAID;
	return state.n == 1 && state.p[0] < STATES;
}

/* ---- writing ---- */

/* How many bytes the length ${n} takes, and the tag before it. */
static size_t head_size(size_t n)
{
	return n < 0x80 ? 2 : n < 0x100 ? 3 : n < 0x10000 ? 4 : 5;
}

static void put_head(struct buf *out, uint8_t tag, size_t n)
{
	size_t bytes = head_size(n) - 2;

	buf_putc(out, (char)tag);
	buf_putc(out, (char)(bytes ? 0x80 | bytes : n));
	while (bytes--)
		buf_putc(out, (char)(n >> 8 * bytes));
}

static void put_part(struct buf *out, uint8_t number, uint8_t tag, struct login_bytes content)
{
	if (!content.p)
		return;
	put_head(out, (uint8_t)(TAG_PART | number), head_size(content.n) + content.n);
	put_head(out, tag, content.n);
	buf_add(out, content.p, content.n);
}

int spnego_put_response(struct buf *out, enum spnego_state state, enum spnego_mech mech, struct login_bytes token,
                        struct login_bytes mic)
{
	const uint8_t said = (uint8_t)state;
	struct login_bytes oid = {NULL, 0};
	struct buf body;

	for (size_t i = 0; i < sizeof(oids) / sizeof(*oids); i++)
		if (mech != SPNEGO_OTHER && oids[i].mech == mech)
			oid = (struct login_bytes){oids[i].oid, oids[i].n};
	buf_init(&body, out->max);
	put_part(&body, 0, TAG_ENUMERATED, (struct login_bytes){&said, 1});
	put_part(&body, 1, TAG_OID, oid);
	put_part(&body, 2, TAG_OCTETS, token);
	put_part(&body, 3, TAG_OCTETS, mic);
	put_head(out, TAG_PART | 1, head_size(body.len) + body.len);
	put_head(out, TAG_SEQUENCE, body.len);
	buf_add(out, buf_ptr(&body), body.len);
	out->failed |= body.failed;
	buf_free(&body);
	return out->failed ? -1 : 0;
}
