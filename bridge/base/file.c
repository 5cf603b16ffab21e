#include "bridge/base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/text.h"

enum { STEP = 65536, TMP_SIZE = 4096 };

static enum file_result read_all(int fd, struct buf *out)
{
	uint8_t extra, *to;
	ssize_t n;
	size_t room;

	for (;;) {
		room = out->max - out->len;
		if (room == 0) { /* full: only the end of the file may follow */
			n = read(fd, &extra, 1);
			return n == 0 ? FILE_OK : n > 0 ? FILE_TOO_BIG : FILE_COULD_NOT;
		}
		room = room < STEP ? room : STEP;
		to = buf_reserve(out, room);
		if (!to) {
			errno = ENOMEM;
			return FILE_COULD_NOT;
		}
		n = read(fd, to, room);
		if (n == 0)
			return FILE_OK;
		if (n < 0 && errno != EINTR)
			return FILE_COULD_NOT;
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
}

enum file_result file_read(const char *path, struct buf *out)
{
	/* O_NONBLOCK: a named pipe in the file's place must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), saved;
	enum file_result r = FILE_COULD_NOT;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? FILE_ABSENT : FILE_COULD_NOT;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode))
			r = read_all(fd, out);
		else
			errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void folder_of(char *dir, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 1;

	snprintf(dir, size, "%.*s", slash == path ? 1 : n, slash ? path : ".");
}

/*
 * What root writes for a daemon that runs as somebody else must stay readable to it: it belongs to whom the old file, or the folder,
 * does.
 */
static int keep_owner(int fd, const char *path)
{
	char dir[4096];
	struct stat old;

	if (geteuid() != 0)
		return 0;
	folder_of(dir, sizeof dir, path);
	if (lstat(path, &old) != 0 && stat(dir, &old) != 0)
		return -1;
	return fchown(fd, old.st_uid, old.st_gid);
}

/* The rename itself is only safe on disk once the folder is. */
static int sync_folder(const char *path)
{
	char dir[4096];
	int fd, r;

	folder_of(dir, sizeof dir, path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	if (r != 0 && (errno == EINVAL || errno == ENOTSUP))
		r = 0; /* a file system that cannot: nothing more to be had */
	close(fd);
	return r;
}

/* Writes all of it to a file beside ${path}, whose name goes to ${tmp}. -1 with errno: there is none then. */
static int write_beside(char tmp[TMP_SIZE], const char *path, const void *data, size_t len, mode_t mode)
{
	char mark[17];
	unsigned char random[8];
	int fd, saved, r;

	text_random(random, sizeof random);
	text_hex(mark, random, sizeof random);
	if (snprintf(tmp, TMP_SIZE, "%s.%s.new", path, mark) >= TMP_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	r = keep_owner(fd, path) == 0 && fchmod(fd, mode) == 0 && write_all(fd, data, len) == 0 && fsync(fd) == 0 ? 0 : -1;
	saved = errno;
	if (close(fd) != 0 && r == 0) {
		saved = errno;
		r = -1;
	}
	if (r != 0)
		unlink(tmp);
	errno = saved;
	return r;
}

/* Removes ${path}; errno stays what it was. */
static void take_back(const char *path)
{
	int saved = errno;

	unlink(path);
	errno = saved;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	char tmp[TMP_SIZE];

	if (write_beside(tmp, path, data, len, mode) != 0)
		return -1;
	if (rename(tmp, path) == 0)
		return sync_folder(path);
	take_back(tmp);
	return -1;
}

int file_write_new(const char *path, const void *data, size_t len, mode_t mode)
{
	char tmp[TMP_SIZE];
	int r;

	if (write_beside(tmp, path, data, len, mode) != 0)
		return -1;
	r = link(tmp, path);
	if (r == 0 && (r = sync_folder(path)) != 0)
		take_back(path); /* who hears that it failed takes it for not there */
	take_back(tmp);
	return r;
}

bool file_is_ours_alone(const struct stat *st)
{
	if (S_ISREG(st->st_mode) && (geteuid() != 0 || st->st_nlink == 1))
		return true;
	errno = EMLINK;
	return false;
}

int file_open_own(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	bool reads = (flags & (O_ACCMODE | O_CREAT)) == O_RDONLY;
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && (reads ? S_ISREG(st.st_mode) : file_is_ours_alone(&st))))
		return fd;
	close(fd);
	errno = EMLINK;
	return -1;
}

static bool is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t n = dir ? strlen(dir) : 0;

	return n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool file_is_loose(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (is_credential(path) ? 007 : 077)) != 0;
}

int file_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) /* the lowest that is free */
			return -1;
	return 0;
}

int file_join(char *out, size_t size, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	int len;

	if (name[0] == '/' || n == 0)
		len = snprintf(out, size, "%s", name);
	else
		len = snprintf(out, size, "%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
	return len < 0 || (size_t)len >= size ? -1 : 0;
}
