/*
 * For LD_PRELOAD: of the calls that change files, number FAULT_AT (from 1) is struck. FAULT=die ends the process before it; FAULT=once lets it fail with EIO;
 * FAULT=full lets it and all later ones that need room fail with ENOSPC, a write after half of its bytes. With FAULT_COUNT the number of calls is written
 * into that file at the end, and the number of calls that look at files, of which FAULT=blind lets number FAULT_AT fail with EIO.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int calls, looks, owner;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
	owner = getpid();
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAULT_COUNT");
	FILE *f = path && getpid() == owner ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%d %d", calls, looks);
		fclose(f);
	}
}

/* Whether this call fails, by errno. ${room}: it needs room on the disk. */
static int struck(int room)
{
	const char *how = getenv("FAULT"), *at = getenv("FAULT_AT");
	int n = at ? atoi(at) : 0;

	calls++;
	if (!how || !n || calls < n || getpid() != owner || strcmp(how, "blind") == 0)
		return 0;
	if (strcmp(how, "die") == 0)
		kill(getpid(), SIGKILL);
	errno = strcmp(how, "full") == 0 ? ENOSPC : EIO;
	return strcmp(how, "full") == 0 ? room : calls == n;
}

static int blind(void)
{
	const char *how = getenv("FAULT"), *at = getenv("FAULT_AT");

	looks++;
	if (!how || !at || strcmp(how, "blind") != 0 || looks != atoi(at) || getpid() != owner)
		return 0;
	errno = EIO;
	return 1;
}

static int fails(int flags)
{
	return flags & O_CREAT ? struck(1) : blind();
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails(flags) ? -1 : REAL(open)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails(flags) ? -1 : REAL(openat)(dir, path, flags, mode);
}

ssize_t write(int fd, const void *p, size_t n)
{
	static int half;

	if (fd <= 2 || !struck(1))
		return REAL(write)(fd, p, n);
	return errno == ENOSPC && !half++ && n > 1 ? REAL(write)(fd, p, n / 2) : -1;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return struck(1) ? -1 : REAL(pwrite)(fd, p, n, at);
}

int fsync(int fd)
{
	return struck(1) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return struck(1) ? -1 : REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to)
{
	return struck(1) ? -1 : REAL(rename)(from, to);
}

int renameat(int a, const char *from, int b, const char *to)
{
	return struck(1) ? -1 : REAL(renameat)(a, from, b, to);
}

int link(const char *from, const char *to)
{
	return struck(1) ? -1 : REAL(link)(from, to);
}

int unlink(const char *path)
{
	return struck(0) ? -1 : REAL(unlink)(path);
}

int unlinkat(int dir, const char *path, int flags)
{
	return struck(0) ? -1 : REAL(unlinkat)(dir, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
	return struck(1) ? -1 : REAL(mkdir)(path, mode);
}

int fchmod(int fd, mode_t mode)
{
	return struck(0) ? -1 : REAL(fchmod)(fd, mode);
}

int fchown(int fd, uid_t u, gid_t g)
{
	return struck(0) ? -1 : REAL(fchown)(fd, u, g);
}

int lchown(const char *path, uid_t u, gid_t g)
{
	return struck(0) ? -1 : REAL(lchown)(path, u, g);
}

int ftruncate(int fd, off_t n)
{
	return struck(0) ? -1 : REAL(ftruncate)(fd, n);
}

ssize_t read(int fd, void *p, size_t n)
{
	return blind() ? -1 : REAL(read)(fd, p, n);
}

int stat(const char *path, struct stat *st)
{
	return blind() ? -1 : REAL(stat)(path, st);
}

int lstat(const char *path, struct stat *st)
{
	return blind() ? -1 : REAL(lstat)(path, st);
}

int fstat(int fd, struct stat *st)
{
	return blind() ? -1 : REAL(fstat)(fd, st);
}

DIR *opendir(const char *path)
{
	return blind() ? NULL : REAL(opendir)(path);
}

struct dirent *readdir(DIR *d)
{
	return blind() ? NULL : REAL(readdir)(d);
}

FILE *fopen(const char *path, const char *mode)
{
	return blind() ? NULL : REAL(fopen)(path, mode);
}

int flock(int fd, int how)
{
	return blind() ? -1 : REAL(flock)(fd, how);
}
