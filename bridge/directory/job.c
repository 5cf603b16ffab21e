#include "bridge/directory/job.h"
#include <string.h>

void directory_job_pack(struct buf *out, enum directory_kind kind, const char *text)
{
	pack_u8(out, (uint8_t)kind);
	pack_str(out, text);
}

bool directory_job_unpack(const void *job, size_t len, enum directory_kind *kind, const char **text)
{
	struct unpack u = unpack_start(job, len);
	uint8_t k = unpack_u8(&u);

	*kind = (enum directory_kind)k;
	*text = unpack_str(&u);
	return unpack_done(&u) && k <= DIRECTORY_PRINCIPAL && *text && strlen(*text) <= DIRECTORY_TEXT_MAX;
}

void directory_answer_pack(struct buf *out, const struct directory_answer *a)
{
	pack_u8(out, (uint8_t)a->exists);
	pack_u8(out, a->hidden);
	pack_u8(out, a->disabled);
	pack_str(out, a->address);
	pack_str(out, a->moved_to);
	pack_str(out, a->dn);
	pack_str(out, a->server);
	pack_str(out, a->why);
	pack_u8(out, a->passing);
	pack_u32(out, (uint32_t)a->n_groups);
	for (size_t i = 0; i < a->n_groups; i++)
		pack_u8(out, (uint8_t)a->groups[i]);
}

static enum fb_fact unpack_fact(struct unpack *u)
{
	uint8_t v = unpack_u8(u);

	return v == FB_YES || v == FB_NO ? (enum fb_fact)v : FB_COULD_NOT_TELL;
}

bool directory_answer_unpack(const void *reply, size_t len, struct directory_answer *a, size_t n)
{
	struct unpack u = unpack_start(reply, len);
	bool ok;

	a->exists = unpack_fact(&u);
	a->hidden = unpack_u8(&u) != 0;
	a->disabled = unpack_u8(&u) != 0;
	ok = unpack_text(&u, a->address, sizeof a->address) && unpack_text(&u, a->moved_to, sizeof a->moved_to) &&
	     unpack_text(&u, a->dn, sizeof a->dn) &&
	     unpack_text(&u, a->server, sizeof a->server) && unpack_text(&u, a->why, sizeof a->why);
	a->passing = unpack_u8(&u) != 0;
	a->n_groups = unpack_u32(&u);
	if (!ok || a->n_groups != n)
		return false;
	for (size_t i = 0; i < n; i++)
		a->groups[i] = unpack_fact(&u);
	return unpack_done(&u);
}
