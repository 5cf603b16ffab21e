#include "bridge/process/folder_watch.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/availability/zone.h"
#include "bridge/base/log.h"

enum { LOOK_MS = 3000, FAILED_MS = 60000 };

/* A folder, whatever leads to it; all zero: there is none. */
struct folder {
	uint64_t ino;
	uint32_t major, minor;
};

/* What the bridges of a generation have: the folder of calendars, and when the zones' files were exchanged (ns since 1970; 0: they are not there). */
struct opened_folders {
	struct folder calendars;
	int64_t zones;
};

struct folder_watch {
	const struct plan *plan; /* in force, or NULL */
	bool (*reload)(void *arg);
	void *arg;
	struct loop *loop;
	struct opened_folders opened, starting; /* those in force; those that start */
	int64_t zones; /* at the last look */
	struct loop_timer *look;
};

/* Without asking a server that has the folder: one that hangs would hang the supervisor. */
static struct folder folder_at(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) != 0 || !S_ISDIR(st.stx_mode))
		return (struct folder){0};
	return (struct folder){st.stx_ino, st.stx_dev_major, st.stx_dev_minor};
}

/* An empty folder, as below a mount that is gone, has none: who has read them is better off. */
static int64_t zones_of(void)
{
	struct statx st;

	if (access(FB_ZONE_FOLDER "/Etc/UTC", F_OK) != 0 || statx(AT_FDCWD, FB_ZONE_FOLDER, AT_STATX_DONT_SYNC, STATX_MTIME, &st) != 0)
		return 0;
	return st.stx_mtime.tv_sec * INT64_C(1000000000) + st.stx_mtime.tv_nsec;
}

/* Not while they are being exchanged, one after the other. */
static bool zones_changed(struct folder_watch *w)
{
	int64_t found = zones_of();
	bool rest = found == w->zones;

	w->zones = found;
	if (!found) /* a worker that starts meanwhile has none, and cannot read them later */
		w->opened.zones = 0;
	return found && rest && found != w->opened.zones;
}

static bool is_same(struct folder a, struct folder b)
{
	return a.ino == b.ino && a.major == b.major && a.minor == b.minor;
}

/* Nothing there is no reason: whoever changes folders may be between two steps, and bridges that cannot open it would not start. */
static void look(void *arg)
{
	struct folder_watch *w = arg;
	struct folder found = folder_at(w->plan->calendars);
	bool zones = zones_changed(w), folder = found.ino && !is_same(found, w->opened.calendars);

	loop_timer_again(w->look, LOOK_MS);
	if ((!zones && !folder) || !w->reload(w->arg))
		return;
	if (folder)
		log_event(LOG_LEVEL_WARN, "folder-changed", LS("folder", w->plan->calendars),
		          LS("text", "another folder of calendars stands there now; it is taken into use by a reload"));
	else
		log_event(LOG_LEVEL_INFO, "zones-changed", LS("folder", FB_ZONE_FOLDER),
		          LS("text", "the time zones are others now; they are taken into use by a reload"));
}

void folder_watch_starts(struct folder_watch *w, const struct plan *plan)
{
	w->starting = (struct opened_folders){folder_at(plan->calendars), zones_of()};
}

void folder_watch_reloaded(struct folder_watch *w, const struct plan *plan)
{
	if (!plan) {
		if (w->look)
			loop_timer_again(w->look, FAILED_MS);
		return;
	}
	w->plan = plan;
	w->opened = w->starting;
	if (!w->look)
		w->look = loop_timer_new(w->loop, LOOK_MS, look, w);
}

struct folder_watch *folder_watch_new(struct loop *l, bool (*reload)(void *arg), void *arg)
{
	struct folder_watch *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	*w = (struct folder_watch){.loop = l, .reload = reload, .arg = arg};
	return w;
}

void folder_watch_free(struct folder_watch *w)
{
	if (!w)
		return;
	loop_timer_free(w->look);
	free(w);
}
