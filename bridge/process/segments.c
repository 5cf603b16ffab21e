#include "bridge/process/segments.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/process/messages.h"
#include "pki/digest.h"

enum { SEGMENT_MS = 24 * 3600 * 1000, SEGMENT_BYTES = 256 << 20, SENTENCE = 8192 };

static void complain(struct buf *error)
{
	log_event(LOG_LEVEL_ERROR, "audit-failed", LS("why", buf_cstr(error)));
	buf_free(error);
}

/* A lock that lasts as long as the folder is open. One that a file system cannot give is nothing that stands in the way. */
static bool is_served(int dir)
{
	return flock(dir, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

int segments_folder(const char *state_dir, uid_t uid, gid_t gid, struct buf *error)
{
	int dir = audit_folder_make(state_dir, uid, gid, error);
	struct buf why;
	size_t closed;

	if (dir < 0)
		return -1;
	if (is_served(dir)) {
		buf_printf(error, "state_dir = \"%s\": another availbridge already serves with it; stop it first, use `availbridge reload`, or set another "
		           "state_dir. If this one served with it until its last reload, what still ends of that has it: try again in a minute.",
		           state_dir);
		close(dir);
		return -1;
	}
	/* Verbs that root ran may have made it, before `user` was set. */
	if (geteuid() == 0 && uid != 0 && audit_folder_give(dir, uid, gid, error) != 0) {
		close(dir);
		return -1;
	}
	buf_init(&why, SENTENCE);
	if (audit_segments_close(dir, &closed, &why) != 0)
		complain(&why);
	else if (closed)
		log_event(LOG_LEVEL_WARN, "audit-left-open", LI("segments", closed),
		          LS("text", "the daemon before this one did not end in order"));
	buf_free(&why);
	return dir;
}

bool segments_are_in(int dir, const char *state_dir)
{
	struct stat ours, there;
	char path[PATH_MAX];

	return file_join(path, sizeof path, state_dir, "audit") == 0 && fstat(dir, &ours) == 0 && stat(path, &there) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static void close_one(struct segments *s, char name[AUDIT_NAME])
{
	struct buf error;

	if (!name[0])
		return;
	buf_init(&error, SENTENCE);
	if (audit_segment_close(s->dir, name, &error) == 0)
		name[0] = 0;
	else
		complain(&error);
	buf_free(&error);
}

void segments_next(struct segments *s, struct channel *to)
{
	struct audit_segment next;
	struct buf error;
	int fd, r;

	if (s->old[0])
		return; /* one at a time */
	buf_init(&error, SENTENCE);
	fd = audit_segment_open(s->dir, s->generation, &next, &error);
	if (fd < 0) {
		complain(&error);
		return;
	}
	r = channel_send(to, MSG_AUDIT, next.link, AUDIT_HASH, fd);
	if (r != 0)
		buf_printf(&error, "a segment of the audit could not be given to the bridge: %s", strerror(errno));
	close(fd);
	if (r != 0) {
		complain(&error);
		close_one(s, next.name);
		return;
	}
	buf_free(&error);
	memcpy(s->old, s->now.name, AUDIT_NAME);
	s->turned = !s->given; /* of a process before this one, which could not be closed: nobody writes to it */
	s->given = true;
	s->now = next;
}

void segments_grown(const struct segments *s)
{
	audit_segment_drop_cache(s->dir, &s->now);
	log_drop_cache();
}

void segments_turned(struct segments *s)
{
	s->turned = true;
	close_one(s, s->old);
}

void segments_minute(struct segments *s, struct channel *to)
{
	struct buf error;

	if (s->old[0] && (s->turned || !s->given))
		close_one(s, s->old);
	buf_init(&error, SENTENCE);
	if (s->now.name[0] && audit_segment_check(s->dir, &s->now, &error) != 0)
		complain(&error);
	buf_free(&error);
	if (to && (!s->given || loop_ms() - s->now.opened_ms > SEGMENT_MS || s->now.size > SEGMENT_BYTES))
		segments_next(s, to);
}

void segments_end(struct segments *s)
{
	s->lost_before += s->lost;
	s->lost = 0;
	s->failing = s->given = false;
	close_one(s, s->old);
	close_one(s, s->now.name);
}

/* Which settings are in force can be told by it, whoever edited the files and however. */
static void settings_hash(int snapshot, char hex[AUDIT_HEX])
{
	uint8_t hash[PKI_SHA256];
	struct stat st;
	void *data;

	hex[0] = 0;
	if (fstat(snapshot, &st) != 0 || st.st_size == 0)
		return;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, snapshot, 0);
	if (data == MAP_FAILED)
		return;
	pki_sha256(hash, data, (size_t)st.st_size);
	munmap(data, (size_t)st.st_size);
	text_hex(hex, hash, sizeof hash);
}

void segments_note(int dir, unsigned number, int snapshot)
{
	char hex[AUDIT_HEX];
	struct buf error;
	int r;

	buf_init(&error, SENTENCE);
	if (number) {
		settings_hash(snapshot, hex);
		r = audit_spine_put(dir, "serving",
		                    A_FIELDS(A_INT("generation", number), A_STR("version", VERSION), A_STR("settings", hex)), NULL,
		                    &error);
	} else {
		r = audit_spine_put(dir, "stopped", A_FIELDS(A_INT("uid", getuid())), NULL, &error);
	}
	if (r != 0)
		complain(&error);
	buf_free(&error);
}

void segments_prune(int dir, int days)
{
	struct buf error;
	size_t doubted;

	buf_init(&error, SENTENCE);
	if (audit_prune(dir, days, audit_now(), &doubted, &error) != 0)
		complain(&error);
	if (doubted)
		log_event(LOG_LEVEL_WARN, "audit-kept", LI("files", doubted),
		          LS("text", "by the clock these are older than audit_keep_days, but the times of the other files do not show that so many "
		                     "days have passed: no daemon ran, or the clock is wrong. Each day what was written on the oldest of those days "
		                     "goes; if the clock is wrong, set it"));
	buf_free(&error);
}

void segments_lost(struct segments *s, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);

	s->lost = unpack_u64(&u);
	s->failing = unpack_u8(&u);
}
