#include "bridge/process/front_watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "bridge/base/log.h"
#include "bridge/process/expiry.h"

enum { LOOK_MS = 3000, AGAIN_MS = 600 * 1000, SENTENCE = 1000 };

/* A file as stat(2) shows it. */
struct stamp {
	struct timespec mtime, ctime;
	ino_t ino;
	off_t size;
};

struct front_watch {
	const struct plan *plan; /* in force, or NULL */
	bool (*reload)(void *arg);
	void *arg;
	struct loop *loop;
	struct stamp seen[2], tried[2], used[2]; /* the certificate and the key: at the last look, at the last reload, at the last that came to something */
	int64_t tried_ms;        /* loop_ms() of that reload */
	bool ours;               /* the reload under way was our doing */
	char trouble[SENTENCE];  /* the files changed and cannot be used; "" = no */
	enum expiry warned;
	struct loop_timer *look;
};

void front_watch_warn(struct front_watch *w)
{
	enum expiry e = expiry_of(w->plan->front_expires, time(NULL));
	struct buf b;

	if (e >= EXPIRY_60 && e != w->warned) {
		buf_init(&b, 256);
		expiry_put(&b, w->plan->front_expires, time(NULL));
		log_event(e >= EXPIRY_7 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "front-certificate", LS("text", buf_cstr(&b)),
		          LS("file", w->plan->front_certificate),
		          LS("fix", "put a new certificate and key in their place; they are taken into use at once"));
		buf_free(&b);
	}
	w->warned = e;
}

static void look_at(const struct front_watch *w, struct stamp out[2])
{
	const char *const paths[2] = {w->plan->front_certificate, w->plan->front_key};
	struct stat st;

	memset(out, 0, 2 * sizeof *out);
	for (int i = 0; i < 2; i++)
		if (stat(paths[i], &st) == 0) {
			out[i].mtime = st.st_mtim;
			out[i].ctime = st.st_ctim;
			out[i].ino = st.st_ino;
			out[i].size = st.st_size;
		}
}

/*
 * Others than those in use, and the same as at the last look: whoever writes two files is done with both. What was tried already is tried again after
 * a while: what stood in its way may have been something else.
 */
static void look(void *arg)
{
	struct front_watch *w = arg;
	struct stamp found[2];
	bool quiet;

	loop_timer_again(w->look, LOOK_MS);
	look_at(w, found);
	quiet = memcmp(found, w->seen, sizeof found) == 0;
	memcpy(w->seen, found, sizeof found);
	if (!quiet || memcmp(found, w->used, sizeof found) == 0)
		return;
	if (memcmp(found, w->tried, sizeof found) == 0 && loop_ms() - w->tried_ms < AGAIN_MS)
		return;
	w->ours = true;
	if (w->reload(w->arg))
		log_event(LOG_LEVEL_INFO, "front-certificate", LS("text", "its files have changed"), LS("file", w->plan->front_certificate));
	else
		w->ours = false;
}

void front_watch_reloads(struct front_watch *w)
{
	w->tried_ms = loop_ms();
	if (w->plan)
		look_at(w, w->tried);
}

void front_watch_reloaded(struct front_watch *w, const struct plan *plan, const char *why)
{
	bool ours = w->ours;

	w->ours = false;
	if (!plan) {
		if (ours)
			snprintf(w->trouble, sizeof w->trouble, "%s", why);
		return;
	}
	w->plan = plan;
	w->trouble[0] = 0;
	look_at(w, w->seen);
	if (!w->look) {
		memcpy(w->tried, w->seen, sizeof w->tried);
		w->look = loop_timer_new(w->loop, LOOK_MS, look, w);
	}
	memcpy(w->used, w->tried, sizeof w->used);
	front_watch_warn(w);
}

const char *front_watch_trouble(const struct front_watch *w)
{
	return w->trouble[0] ? w->trouble : NULL;
}

struct front_watch *front_watch_new(struct loop *l, bool (*reload)(void *arg), void *arg)
{
	struct front_watch *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	*w = (struct front_watch){.loop = l, .reload = reload, .arg = arg};
	return w;
}

void front_watch_free(struct front_watch *w)
{
	if (!w)
		return;
	loop_timer_free(w->look);
	free(w);
}
