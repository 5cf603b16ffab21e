#include "bridge/audit/spine.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/loop.h"
#include "bridge/base/text.h"

/* ---- names: 20260302T080000Z-0123abcd.live, .jsonl when closed ---- */

enum { NAME_LEN = 25, AUDIT_SENTENCE = 8192 };

/* In ${form} 0 stands for a digit, x for a hex digit. */
static bool has_form(const char *name, const char *form, const char *suffix)
{
	for (; *form; form++, name++) {
		const char *set = *form == '0' ? "0123456789" : *form == 'x' ? "0123456789abcdef" : NULL;

		if (set ? !*name || !strchr(set, *name) : *name != *form)
			return false;
	}
	return strcmp(name, suffix) == 0;
}

bool audit_is_spine(const char *name)
{
	return has_form(name, "spine-000000", ".jsonl");
}

bool audit_is_live(const char *name)
{
	return has_form(name, "00000000T000000Z-xxxxxxxx", ".live");
}

bool audit_is_closed(const char *name)
{
	return has_form(name, "00000000T000000Z-xxxxxxxx", ".jsonl");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **audit_names(int dir, bool (*wanted)(const char *name), size_t *n)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char **names = NULL, **more;
	struct dirent *e;
	int why;

	*n = 0;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while (errno = 0, (e = readdir(d))) {
		if (!wanted(e->d_name))
			continue;
		more = realloc(names, (*n + 1) * sizeof *names);
		if (!more || !(more[*n] = strdup(e->d_name)))
			abort();
		names = more;
		++*n;
	}
	why = errno;
	closedir(d);
	if (why) { /* some of them are none: whoever went on from those would go on from the wrong end */
		audit_names_free(names, *n);
		names = NULL;
		*n = 0;
	} else if (*n) {
		qsort(names, *n, sizeof *names, by_name);
	}
	errno = why;
	return names;
}

void audit_names_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}

/* ---- a segment's life ---- */

static void file_of(char out[AUDIT_NAME + 8], const char *name, const char *suffix)
{
	snprintf(out, AUDIT_NAME + 8, "%s%s", name, suffix);
}

int audit_segment_open(int dir, unsigned generation, struct audit_segment *out, struct buf *error)
{
	char file[AUDIT_NAME + 8], stamp[20], mark[9];
	unsigned char random[4];
	time_t now;
	struct tm tm;
	int fd;

	*out = (struct audit_segment){.opened_ms = loop_ms()};
	now = time(NULL);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	text_random(random, sizeof random);
	text_hex(mark, random, sizeof random);
	snprintf(out->name, sizeof out->name, "%s-%s", stamp, mark);
	file_of(file, out->name, ".live");
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || audit_folder_sync(dir) != 0)
		buf_printf(error, "a segment of the audit could not be made: %s", strerror(errno));
	else if (audit_spine_put(dir, "segment-opened", A_FIELDS(A_STR("segment", out->name), A_INT("generation", generation)),
	                         out->link, error) == 0)
		return fd;
	if (fd >= 0) {
		unlinkat(dir, file, 0);
		close(fd);
	}
	out->name[0] = 0;
	return -1;
}

int audit_file_tail(int dir, const char *file, struct audit_tail *out, struct buf *error)
{
	int fd = file_open_own(dir, file, O_RDONLY), r = -1;

	if (fd >= 0) {
		r = audit_tail_read(fd, out);
		close(fd);
	}
	if (r != 0)
		buf_printf(error, "the audit's file %s cannot be read: %s%s", file, strerror(errno),
		           errno == EBADMSG ? ". Its end is no record any more: run `availbridge audit verify`, then move that file away and keep it." : "");
	return r;
}

int audit_segment_check(int dir, struct audit_segment *s, struct buf *error)
{
	char file[AUDIT_NAME + 8], hex[AUDIT_HEX];
	struct audit_tail tail;

	file_of(file, s->name, ".live");
	if (audit_file_tail(dir, file, &tail, error) != 0)
		return -1;
	s->size = tail.size;
	if (tail.n < s->checked) {
		buf_printf(error, "the audit's file %s had %llu records and has %llu: somebody cut it. Run `availbridge audit verify`.",
		           file, (unsigned long long)s->checked, (unsigned long long)tail.n);
		return -1;
	}
	if (tail.n == s->checked)
		return 0;
	text_hex(hex, tail.last, AUDIT_HASH);
	if (audit_spine_put(dir, "checkpoint", A_FIELDS(A_STR("segment", s->name), A_INT("records", tail.n), A_STR("last", hex)),
	                    NULL, error) != 0)
		return -1;
	s->checked = tail.n;
	return 0;
}

void audit_segment_drop_cache(int dir, const struct audit_segment *s)
{
	char file[AUDIT_NAME + 8];
	int fd;

	file_of(file, s->name, ".live");
	fd = file_open_own(dir, file, O_RDONLY);
	if (fd < 0)
		return;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

int audit_segment_close(int dir, const char *name, struct buf *error)
{
	char live[AUDIT_NAME + 8], closed[AUDIT_NAME + 8], last[AUDIT_HEX], torn[AUDIT_HEX];
	struct audit_tail tail;

	file_of(live, name, ".live");
	file_of(closed, name, ".jsonl");
	if (audit_file_tail(dir, live, &tail, error) != 0)
		return -1;
	text_hex(last, tail.last, AUDIT_HASH);
	text_hex(torn, tail.torn_hash, AUDIT_HASH);
	if (audit_spine_put(dir, "segment-closed",
	                    A_FIELDS(A_STR("segment", name), A_INT("records", tail.n), A_STR("last", tail.found ? last : NULL),
	                             A_INT("torn", tail.torn), A_STR("torn_sha256", tail.torn ? torn : NULL)),
	                    NULL, error) != 0)
		return -1;
	if (renameat(dir, live, dir, closed) != 0) {
		buf_printf(error, "the audit's file %s cannot be renamed: %s", live, strerror(errno));
		return -1;
	}
	return 0;
}

int audit_segments_close(int dir, size_t *closed, struct buf *error)
{
	char name[AUDIT_NAME];
	size_t n;
	char **names = audit_names(dir, audit_is_live, &n);
	struct buf why;
	int r = 0;

	*closed = 0;
	if (!names && errno) {
		buf_printf(error, "the folder of the audit cannot be read: %s", strerror(errno));
		return -1;
	}
	buf_init(&why, AUDIT_SENTENCE);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%.*s", NAME_LEN, names[i]);
		buf_reset(&why);
		if (audit_segment_close(dir, name, &why) == 0)
			++*closed;
		else if (r == 0) {
			buf_puts(error, buf_cstr(&why));
			r = -1;
		}
	}
	buf_free(&why);
	audit_names_free(names, n);
	return r;
}
