#include <stdio.h>
#include <string.h>
#include "bridge/base/pack.h"
#include "bridge/login/login.h"

/* Questions and replies between the front's process and a login worker. */

void login_reply_init(struct login_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->result = LOGIN_NO;
	buf_init(&r->token, LOGIN_TOKEN_MAX);
	buf_init(&r->memory, LOGIN_MEMORY_MAX);
}

void login_reply_why(struct login_reply *r, const char *why)
{
	snprintf(r->why, sizeof(r->why), "%s", why);
}

void login_reply_wipe(struct login_reply *r)
{
	buf_wipe(&r->token);
	buf_wipe(&r->memory);
	login_reply_init(r);
}

void login_question_pack(struct buf *out, const struct login_question *q)
{
	pack_u8(out, (uint8_t)q->scheme);
	pack_str(out, q->user);
	pack_str(out, q->password);
	pack_bytes(out, q->token.p, q->token.n);
	pack_bytes(out, q->memory.p, q->memory.n);
	pack_bytes(out, q->end_point.p, q->end_point.n);
}

static struct login_bytes take_bytes(struct unpack *u)
{
	struct login_bytes b;

	b.p = unpack_bytes(u, &b.n);
	return b;
}

bool login_question_unpack(const uint8_t *p, size_t n, struct login_question *q)
{
	struct unpack u = unpack_start(p, n);
	uint8_t scheme = unpack_u8(&u);

	q->scheme = (enum login_scheme)scheme;
	q->user = unpack_str(&u);
	q->password = unpack_str(&u);
	q->token = take_bytes(&u);
	q->memory = take_bytes(&u);
	q->end_point = take_bytes(&u);
	return unpack_done(&u) && scheme < LOGIN_SCHEMES && (scheme != LOGIN_BASIC || (q->user && q->password));
}

void login_reply_pack(struct buf *out, const struct login_reply *r)
{
	pack_u8(out, (uint8_t)r->result);
	pack_str(out, r->typed);
	pack_str(out, r->account);
	pack_str(out, r->address);
	pack_str(out, r->why);
	pack_bytes(out, buf_ptr(&r->token), r->token.len);
	pack_bytes(out, buf_ptr(&r->memory), r->memory.len);
}

static bool take_buf(struct unpack *u, struct buf *out)
{
	struct login_bytes b = take_bytes(u);

	return buf_add(out, b.p, b.n) == 0;
}

bool login_reply_unpack(const uint8_t *p, size_t n, struct login_reply *r)
{
	struct unpack u = unpack_start(p, n);
	uint8_t result = unpack_u8(&u);

	if (unpack_text(&u, r->typed, sizeof(r->typed)) && unpack_text(&u, r->account, sizeof(r->account)) &&
	    unpack_text(&u, r->address, sizeof(r->address)) && unpack_text(&u, r->why, sizeof(r->why)) && take_buf(&u, &r->token) &&
	    take_buf(&u, &r->memory) && unpack_done(&u) &&
	    result <= LOGIN_MORE && (result != LOGIN_YES || !*r->account != !*r->address)) {
		r->result = (enum login_result)result;
		return true;
	}
	login_reply_wipe(r);
	r->result = LOGIN_COULD_NOT_TELL;
	return false;
}
