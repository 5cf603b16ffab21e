#include "bridge/link/session_own.h"
#include <stdlib.h>
#include <sys/mman.h>

/*
 * nghttp2 keeps room for one frame of 16 KiB for each connection, more than half of what an idle one would take. Between two frames there is nothing
 * in it: so it has pages of its own, and a connection that rests gives them back.
 */
enum { PAGE = 4096, FRAME = 16 << 10, FRAME_PAGES = FRAME + PAGE };

static void *take(size_t n, void *arg)
{
	struct link_session *s = arg;

	if (s->h2 || s->frame || n < FRAME || n > FRAME_PAGES) /* it is made with the session: later pieces of its size are others */
		return malloc(n);
	return s->frame = aligned_alloc(PAGE, FRAME_PAGES);
}

static void *take_zeroed(size_t count, size_t n, void *arg)
{
	return calloc(count, n);
}

static void give(void *p, void *arg)
{
	struct link_session *s = arg;

	if (p && p == s->frame)
		s->frame = NULL;
	free(p);
}

static void *take_more(void *p, size_t n, void *arg)
{
	struct link_session *s = arg;

	if (!p)
		return take(n, arg);
	if (p == s->frame)
		s->frame = NULL;
	return realloc(p, n);
}

nghttp2_mem link_session_memory(struct link_session *s)
{
	return (nghttp2_mem){s, take, give, take_zeroed, take_more};
}

void link_session_rest(struct link_session *s)
{
	if (s->frame && !nghttp2_session_want_write(s->h2)) /* no frame is begun that is not out */
		madvise(s->frame, FRAME_PAGES, MADV_DONTNEED);
}
