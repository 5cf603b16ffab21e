#include "bridge/audit/spine.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"

enum { LOCK_TRIES = 300, LOCK_WAIT_MS = 10 };

/* ---- the folder ---- */

static int make_folder(const char *path, uid_t uid, gid_t gid)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? 0 : -1;
	return geteuid() == 0 ? lchown(path, uid, gid) : 0;
}

int audit_folder_make(const char *state_dir, uid_t uid, gid_t gid, struct buf *error)
{
	char path[4096];
	int dir = -1;

	if (file_join(path, sizeof path, state_dir, "audit") != 0)
		errno = ENAMETOOLONG;
	else if (make_folder(state_dir, uid, gid) == 0 && make_folder(path, uid, gid) == 0)
		dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		buf_printf(error,
		           "%s/audit: the folder of the audit cannot be made or opened: %s. Give state_dir to the user that availbridge "
		           "runs as.",
		           state_dir, strerror(errno));
	return dir;
}

static bool is_any(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* By errno. */
static const char *remedy(void)
{
	switch (errno) {
	case EBADMSG:
		return ". Its end is no record any more: run `availbridge audit verify`, then move the folder away and keep it";
	case ELOOP:
	case EMLINK:
		return ". In its place in the folder of the audit stands a link, or no file: find out who put it there, and move it away";
	case ENOSPC:
	case EDQUOT:
		return ". Make room in state_dir";
	case EACCES:
	case EPERM:
	case EROFS:
		return ". Give state_dir to the user that availbridge runs as, or see that it may be written";
	default:
		return "";
	}
}

/* What is theirs already, and a folder, which holds nothing of ours (lost+found, where the audit has a file system of its own), is left as it is. */
static int give_file(int dir, const char *name, uid_t uid, gid_t gid)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = -1; /* what was looked at is what is given, whoever renames meanwhile */
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode) || (st.st_uid == uid && st.st_gid == gid))
			r = 0;
		else if (file_is_ours_alone(&st))
			r = fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
	}
	close(fd);
	return r;
}

int audit_folder_give(int dir, uid_t uid, gid_t gid, struct buf *error)
{
	const char *what = ".";
	size_t n;
	char **names = audit_names(dir, is_any, &n);
	int r = names || errno == 0 ? 0 : -1;

	for (size_t i = 0; i < n && r == 0; i++)
		r = give_file(dir, what = names[i], uid, gid);
	if (r == 0)
		r = fchown(dir, uid, gid);
	if (r != 0)
		buf_printf(error, "the folder of the audit cannot be given to the user that availbridge is to run as: %s: %s%s", what, strerror(errno),
		           remedy());
	audit_names_free(names, n);
	return r;
}

int audit_folder_open(const char *state_dir)
{
	char path[4096];

	if (file_join(path, sizeof path, state_dir, "audit") != 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int audit_folder_sync(int dir)
{
	int r = fsync(dir);

	return r != 0 && (errno == EINVAL || errno == ENOTSUP) ? 0 : r; /* a file system that cannot: nothing more to be had */
}

/* A file made by root in a folder of the service must be the service's. */
static void give_away(int dir, int fd)
{
	struct stat st;

	if (geteuid() == 0 && fstat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
		errno = 0; /* then its owner cannot append, and says so */
}

int audit_lock(int dir, bool shared)
{
	int fd = file_open_own(dir, "lock", O_RDONLY | O_CREAT), tries;

	if (fd >= 0)
		give_away(dir, fd);
	for (tries = 0; fd >= 0 && flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0; tries++)
		if (errno != EWOULDBLOCK || tries == LOCK_TRIES) {
			close(fd);
			errno = ETIMEDOUT;
			return -1;
		} else {
			poll(NULL, 0, LOCK_WAIT_MS);
		}
	return fd;
}

/* ---- the end of the spine ---- */

struct spine {
	int fd;
	unsigned number;        /* of its newest file */
	struct audit_tail tail; /* of that file; n and last are those of the file before if it is empty */
};

static int open_numbered(int dir, unsigned number, int flags)
{
	char name[AUDIT_NAME];

	snprintf(name, sizeof name, "spine-%06u.jsonl", number);
	return file_open_own(dir, name, flags);
}

/* How the newest spine file that is not empty ends. */
static int read_before(int dir, unsigned number, struct audit_tail *out)
{
	int fd, r;

	for (*out = (struct audit_tail){.found = false}; number > 0; number--) {
		if ((fd = open_numbered(dir, number, O_RDONLY)) < 0)
			return errno == ENOENT ? 0 : -1;
		r = audit_tail_read(fd, out);
		close(fd);
		if (r != 0 || out->size)
			return r;
	}
	return 0;
}

static int begin_file(int dir, struct spine *s, const struct audit_tail *before)
{
	if ((s->fd = open_numbered(dir, s->number, O_RDWR | O_CREAT | O_APPEND)) < 0 || audit_folder_sync(dir) != 0)
		return -1;
	give_away(dir, s->fd);
	s->tail = (struct audit_tail){.found = before->found, .n = before->n};
	memcpy(s->tail.last, before->last, AUDIT_HASH);
	return 0;
}

/* A file without a record: a crash cut its first one short, which leaves a piece of one line, and the chain goes on from the file before. */
static int go_on_from_before(int dir, struct spine *s)
{
	struct audit_tail before;

	if (!s->tail.one_piece || s->tail.torn >= AUDIT_LINE_MAX) {
		errno = EBADMSG;
		return -1;
	}
	if (read_before(dir, s->number - 1, &before) != 0)
		return -1;
	s->tail.n = before.n;
	memcpy(s->tail.last, before.last, AUDIT_HASH);
	return 0;
}

static int open_end(int dir, struct spine *s)
{
	struct audit_tail before;
	size_t n;
	char **names = audit_names(dir, audit_is_spine, &n);

	s->fd = -1;
	if (!names && errno) /* an end that cannot be seen is not where a spine begins */
		return -1;
	s->number = names ? (unsigned)strtoul(names[n - 1] + 6, NULL, 10) : 0;
	audit_names_free(names, n);
	if (read_before(dir, s->number, &before) != 0)
		return -1;
	/* A file is left for the next one only when its end is whole: what is torn is closed where it stands. */
	if (s->number == 0 || (before.size > AUDIT_SPINE_MAX && !before.torn)) {
		s->number++;
		return begin_file(dir, s, &before);
	}
	if ((s->fd = open_numbered(dir, s->number, O_RDWR | O_APPEND)) < 0 || audit_tail_read(s->fd, &s->tail) != 0)
		return -1;
	if (s->tail.size)
		return s->tail.found ? 0 : go_on_from_before(dir, s);
	close(s->fd);
	return begin_file(dir, s, &before);
}

/* What a crash left is closed by a newline and a record that names its bytes: so that nobody can hide a record as torn. */
static int put_torn(struct buf *out, struct spine *s)
{
	char hex[AUDIT_HEX];

	text_hex(hex, s->tail.torn_hash, AUDIT_HASH);
	if (!s->tail.ends_line)
		buf_putc(out, '\n');
	return audit_line_put(out, ++s->tail.n, audit_now(), "torn", A_FIELDS(A_INT("bytes", s->tail.torn), A_STR("sha256", hex)),
	                      s->tail.last, s->tail.last);
}

/* The head beside the spine: a spine that was cut short does not hold it any more. */
static void put_head(int dir, const struct spine *s)
{
	char text[128], hex[AUDIT_HEX];
	int fd = file_open_own(dir, "head", O_WRONLY | O_CREAT), n;

	if (fd < 0)
		return;
	text_hex(hex, s->tail.last, AUDIT_HASH);
	n = snprintf(text, sizeof text, "%020" PRIu64 " %s\n", s->tail.n, hex);
	if (pwrite(fd, text, (size_t)n, 0) == n)
		give_away(dir, fd);
	close(fd);
}

static int put_record(struct spine *s, const char *kind, const struct audit_field *fields, struct buf *error)
{
	struct buf lines;
	int r;

	buf_init(&lines, 2 * AUDIT_LINE_MAX);
	r = s->tail.torn ? put_torn(&lines, s) : 0;
	if (r == 0)
		r = audit_line_put(&lines, ++s->tail.n, audit_now(), kind, fields, s->tail.last, s->tail.last);
	if (r != 0) {
		buf_puts(error, "a record of the audit would be too long");
	} else if (audit_write(s->fd, buf_ptr(&lines), lines.len) != lines.len || fdatasync(s->fd) != 0) {
		buf_printf(error, "the audit could not be written: %s%s", strerror(errno), remedy());
		/* Nobody else appends while the lock is held: what was taken of it goes again. */
		if (ftruncate(s->fd, (off_t)s->tail.size) != 0)
			buf_puts(error, "; its last line is torn now, which the next record will say");
		r = -1;
	}
	buf_free(&lines);
	return r;
}

int audit_spine_put(int dir, const char *kind, const struct audit_field *fields, uint8_t hash[AUDIT_HASH], struct buf *error)
{
	int lock = audit_lock(dir, false), r = -1;
	struct spine s = {.fd = -1};

	if (lock < 0)
		buf_printf(error, "the audit could not be written: its lock: %s%s", strerror(errno), remedy());
	else if (open_end(dir, &s) != 0)
		buf_printf(error, "the audit could not be written: its spine: %s%s", strerror(errno), remedy());
	else if ((r = put_record(&s, kind, fields, error)) == 0) {
		put_head(dir, &s);
		if (hash)
			memcpy(hash, s.tail.last, AUDIT_HASH);
	}
	if (s.fd >= 0)
		close(s.fd);
	if (lock >= 0)
		close(lock);
	return r;
}
