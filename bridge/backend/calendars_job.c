#include "bridge/backend/calendars_job.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/pack.h"

enum { MAX_STAMPS = 20000 };

static void pack_window(struct buf *b, struct fb_window w)
{
	pack_u64(b, (uint64_t)w.start);
	pack_u64(b, (uint64_t)w.end);
}

static struct fb_window unpack_window(struct unpack *u)
{
	struct fb_window w;
	w.start = (int64_t)unpack_u64(u);
	w.end = (int64_t)unpack_u64(u);
	u->bad |= w.start >= w.end;
	return w;
}

void calendars_job_pack(struct buf *b, const struct calendars_job *j)
{
	pack_str(b, j->address);
	pack_window(b, j->wide);
	pack_window(b, j->asked);
}

bool calendars_job_unpack(const uint8_t *data, size_t len, struct calendars_job *j)
{
	struct unpack u = unpack_start(data, len);
	j->address = unpack_str(&u);
	j->wide = unpack_window(&u);
	j->asked = unpack_window(&u);
	return unpack_done(&u) && j->address;
}

void calendars_result_pack(struct buf *b, const struct calendars_result *r)
{
	pack_window(b, r->window);
	pack_u8(b, r->keep);
	pack_u32(b, (uint32_t)r->stamps.n);
	for (size_t i = 0; i < r->stamps.n; i++) {
		const struct ics_stamp *s = &r->stamps.list[i];
		pack_str(b, s->name);
		pack_u64(b, (uint64_t)s->mtime_ns);
		pack_u64(b, (uint64_t)s->ctime_ns);
		pack_u64(b, (uint64_t)s->size);
		pack_u64(b, (uint64_t)s->inode);
	}
	fb_answer_pack(b, r->answer);
}

static void unpack_stamps(struct unpack *u, struct ics_stamps *out)
{
	size_t n = unpack_u32(u);
	if (n > MAX_STAMPS || (n && !(out->list = calloc(n, sizeof *out->list)))) {
		u->bad = true;
		return;
	}
	for (; out->n < n && !u->bad; out->n++) {
		struct ics_stamp *s = &out->list[out->n];
		const char *name = unpack_str(u);
		if (!name || strlen(name) >= sizeof s->name) {
			u->bad = true;
			return;
		}
		strcpy(s->name, name);
		s->mtime_ns = (int64_t)unpack_u64(u);
		s->ctime_ns = (int64_t)unpack_u64(u);
		s->size = (int64_t)unpack_u64(u);
		s->inode = (int64_t)unpack_u64(u);
	}
}

bool calendars_result_unpack(const uint8_t *data, size_t len, struct calendars_result *r)
{
	struct unpack u = unpack_start(data, len);
	*r = (struct calendars_result){0};
	r->window = unpack_window(&u);
	r->keep = unpack_u8(&u) == 1;
	unpack_stamps(&u, &r->stamps);
	r->answer = u.bad ? NULL : fb_answer_unpack(&u);
	if (r->answer && unpack_done(&u))
		return true;
	fb_answer_free(r->answer);
	ics_stamps_free(&r->stamps);
	return false;
}
