#include "bridge/backend/looks.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/log.h"

enum { PLACES = 1 << 15, KEEP_MS = 1000, EVENTS = 16 << 10 };

/* One look at ADDRESS.ics and ADDRESS/. */
struct look {
	int64_t at; /* loop_ms() */
	enum fb_fact exists;
	bool plain; /* a file that no other name leads to, or nothing at all: all its changes are told */
	struct ics_stamp file;
	char address[];
};

struct looks {
	int dir_fd, watch_fd; /* watch_fd: inotify; -1 = nobody tells of changes */
	struct loop_fd *watch;
	struct look *places[PLACES];
};

struct looks *looks_new(int dir_fd)
{
	struct looks *k = calloc(1, sizeof *k);

	if (k) {
		k->dir_fd = dir_fd;
		k->watch_fd = -1;
	}
	return k;
}

static void forget(struct look **place)
{
	free(*place);
	*place = NULL;
}

static void forget_all(struct looks *k)
{
	for (size_t i = 0; i < PLACES; i++)
		forget(&k->places[i]);
}

/* Nobody tells of changes any more: from now on each question looks itself. */
static void unwatch(struct looks *k)
{
	loop_fd_free(k->watch);
	if (k->watch_fd >= 0)
		close(k->watch_fd);
	k->watch = NULL;
	k->watch_fd = -1;
	forget_all(k);
}

void looks_free(struct looks *k)
{
	if (!k)
		return;
	unwatch(k);
	free(k);
}

/* The place of the address of ${n} bytes; what stands there may be another's. */
static struct look **place_of(struct looks *k, const char *address, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a: who makes addresses collide makes looks of a microsecond, no more */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)address[i]) * 16777619u;
	return &k->places[(h ^ h >> 15) % PLACES];
}

/* ---- what the kernel tells ---- */

static void changed(struct looks *k, const struct inotify_event *e)
{
	size_t n;

	if (e->mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT))
		log_event(LOG_LEVEL_ERROR, "folder-moved", LS("text", "the folder of calendars was moved or removed, and is read where it is now"),
		          LS("fix", "put one in its place, which is then taken into use within a few seconds"));
	if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT) || !e->len) {
		forget_all(k);
		return;
	}
	n = strlen(e->name);
	if (n > 4 && strcmp(e->name + n - 4, ".ics") == 0)
		forget(place_of(k, e->name, n - 4));
	forget(place_of(k, e->name, n));
}

static void on_change(int fd, int events, void *arg)
{
	_Alignas(struct inotify_event) char buffer[EVENTS];
	struct looks *k = arg;
	const struct inotify_event *e;
	ssize_t n = read(fd, buffer, sizeof buffer);

	for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof *e + e->len)) {
		e = (const void *)(buffer + at);
		changed(k, e);
		if (e->mask & IN_IGNORED) {
			unwatch(k);
			return;
		}
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		unwatch(k);
}

void looks_watch(struct looks *k, struct loop *l)
{
	const uint32_t what = IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
	                      IN_MOVE_SELF | IN_ONLYDIR;
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", k->dir_fd);
	k->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (k->watch_fd >= 0 && inotify_add_watch(k->watch_fd, path, what) >= 0) {
		k->watch = loop_fd_new(l, k->watch_fd, LOOP_READ, on_change, k);
		return;
	}
	log_event(LOG_LEVEL_INFO, "folder-unwatched", LS("why", strerror(errno)),
	          LS("text", "the folder of calendars is looked at for each question, which costs a little"));
	unwatch(k);
}

/* ---- looking ---- */

static bool is_fresh(const struct look *o, const char *address)
{
	return o && strcmp(o->address, address) == 0 && loop_ms() - o->at < KEEP_MS;
}

/* That it cannot be told is nobody's "no": the line says why there is no answer. */
static enum fb_fact told(const char *address, enum fb_fact exists)
{
	char why[160];

	if (exists == FB_COULD_NOT_TELL) {
		snprintf(why, sizeof why, "the folder of calendars cannot be looked into: %s", strerror(errno));
		log_event(LOG_LEVEL_ERROR, "calendar-failed", LS("mailbox", address), LS("why", why));
	}
	return exists;
}

/* What was seen of ${address}, or NULL: then the caller must look itself. */
static const struct look *look(struct looks *k, const char *address)
{
	size_t n = strlen(address);
	struct look **place = place_of(k, address, n), *o;

	if (k->watch_fd < 0)
		return NULL;
	if (is_fresh(*place, address))
		return *place;
	forget(place);
	if (!(o = calloc(1, sizeof *o + n + 1)))
		return NULL;
	memcpy(o->address, address, n);
	o->at = loop_ms();
	o->exists = told(address, ics_look(k->dir_fd, address, &o->file, &o->plain));
	*place = o;
	return o;
}

enum fb_fact looks_exists(struct looks *k, const char *address)
{
	const struct look *o = look(k, address);

	return o ? o->exists : told(address, ics_exists(k->dir_fd, address));
}

bool looks_hold(struct looks *k, const char *address, const struct ics_stamps *s)
{
	const struct look *o = look(k, address);

	/* Of a calendar that is one plain file the stamps are: the file, and that there is no folder. */
	if (!o || !o->plain || s->n != 2 || s->list[1].size >= 0)
		return ics_stamps_hold(s, k->dir_fd);
	return ics_stamp_same(&o->file, &s->list[0]);
}
