#include "bridge/backend/fetch_job.h"
#include <string.h>
#include "bridge/base/loop.h"
#include "bridge/base/pack.h"

enum { DAY = 86400 };

void fetch_job_pack(struct buf *b, const struct fetch_job *j)
{
	pack_str(b, j->address);
	pack_u64(b, (uint64_t)j->window.start);
	pack_u64(b, (uint64_t)j->window.end);
	pack_u32(b, (uint32_t)j->interval);
	pack_u8(b, (uint8_t)j->hops);
	pack_u64(b, (uint64_t)(loop_ms() + j->left_ms)); /* one clock for all processes: a job may wait long for its worker */
}

static bool is_sane(const struct fetch_job *j)
{
	return j->address && *j->address && strlen(j->address) <= FB_ADDRESS_MAX && j->window.start < j->window.end &&
	       /* a zone's change may add an hour */
	       (uint64_t)j->window.end - (uint64_t)j->window.start <= (uint64_t)(FB_MAX_WINDOW_DAYS + 1) * DAY &&
	       j->interval >= FB_MIN_INTERVAL && j->interval <= FB_MAX_INTERVAL && j->hops <= FB_HOPS_MAX;
}

bool fetch_job_unpack(const uint8_t *data, size_t len, struct fetch_job *j)
{
	struct unpack u = unpack_start(data, len);

	j->address = unpack_str(&u);
	j->window.start = (int64_t)unpack_u64(&u);
	j->window.end = (int64_t)unpack_u64(&u);
	j->interval = (int)unpack_u32(&u);
	j->hops = unpack_u8(&u);
	j->left_ms = (int64_t)(unpack_u64(&u) - (uint64_t)loop_ms());
	return unpack_done(&u) && is_sane(j);
}

void fetch_reply_pack(struct buf *b, const struct fb_answer *a)
{
	fb_answer_pack(b, a);
}

struct fb_answer *fetch_reply_unpack(const uint8_t *data, size_t len, const struct fetch_job *j)
{
	struct unpack u = unpack_start(data, len);
	struct fb_answer *a = fb_answer_unpack(&u);

	if (a && unpack_done(&u) && (!a->merged || fb_merged_valid(a->merged, j->window, j->interval)))
		return a;
	fb_answer_free(a);
	return NULL;
}
