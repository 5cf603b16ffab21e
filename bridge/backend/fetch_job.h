#ifndef BRIDGE_BACKEND_FETCH_JOB_H
#define BRIDGE_BACKEND_FETCH_JOB_H
#include "bridge/availability/answer.h"

/* What travels between a bridge and its backend workers. */

enum { FETCH_JOB_MAX = 1024 }; /* bytes of a packed job */

struct fetch_job {
	const char *address; /* normal; borrowed from the message */
	struct fb_window window;
	int interval;        /* minutes */
	unsigned hops;       /* bridges that it has come through, 0 to FB_HOPS_MAX */
	int64_t left_ms;     /* until its answer is of no use any more */
};

/* Appends ${j}; its time goes on running on the way. */
void fetch_job_pack(struct buf *b, const struct fetch_job *j);
/* False if ${data} is no job: no address, a window or an interval out of its limits. */
bool fetch_job_unpack(const uint8_t *data, size_t len, struct fetch_job *j);
/* Appends the reply. */
void fetch_reply_pack(struct buf *b, const struct fb_answer *a);
/*
 * The answer in a reply, whose digits are for exactly ${j}'s window and interval or not there. NULL if ${data} is none. Caller
 * frees.
 */
struct fb_answer *fetch_reply_unpack(const uint8_t *data, size_t len, const struct fetch_job *j);
#endif
