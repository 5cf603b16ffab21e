#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/audit/spine.h"
#include "bridge/base/text.h"

/* Removing what is too old. */

enum { DAY = 86400, RUNNING = DAY + 2 * 3600 }; /* seconds: a bridge that runs turns to a new segment each day */

struct file {
	char *name;
	int64_t written; /* the last time, in seconds since 1970 */
	int64_t shown;   /* seconds from then to now of which the other files show that they have passed */
	bool gone;
};

struct folder {
	int dir;
	int64_t now;
	struct file *files; /* the newest first */
	size_t n;
};

static bool is_any(const char *name)
{
	return audit_is_closed(name) || audit_is_spine(name) || audit_is_live(name);
}

static int newest_first(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return x->written == y->written ? strcmp(y->name, x->name) : x->written < y->written ? 1 : -1;
}

/* What a clock that was ahead has written lies in the future, and shows nothing. */
static void count_time(struct folder *f)
{
	int64_t shown = 0, last = f->now;

	for (struct file *x = f->files; x < f->files + f->n; x++) {
		if (x->written <= last) {
			shown += last - x->written <= RUNNING ? last - x->written : 0;
			last = x->written;
		}
		x->shown = shown;
	}
}

/* Reads ${f}->dir. -1 with errno; ${names} is to be freed anyhow. */
static int read_folder(struct folder *f, char ***names, size_t *n)
{
	struct stat st;

	*names = audit_names(f->dir, is_any, n);
	if (!*names)
		return errno ? -1 : 0;
	if (!(f->files = calloc(*n, sizeof *f->files)))
		return -1;
	for (size_t i = 0; i < *n; i++)
		if (fstatat(f->dir, (*names)[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			f->files[f->n++] = (struct file){.name = (*names)[i], .written = (int64_t)st.st_mtime};
	qsort(f->files, f->n, sizeof *f->files, newest_first);
	count_time(f);
	return 0;
}

static int remove_one(int dir, const char *file, struct buf *error)
{
	char hex[AUDIT_HEX];
	struct audit_tail tail;

	if (audit_file_tail(dir, file, &tail, error) != 0)
		return -1;
	text_hex(hex, tail.last, AUDIT_HASH);
	if (audit_spine_put(dir, "pruned",
	                    A_FIELDS(A_STR("file", file), A_INT("records", tail.n), A_STR("last", tail.found ? hex : NULL)), NULL,
	                    error) != 0)
		return -1;
	if (unlinkat(dir, file, 0) != 0) {
		buf_printf(error, "the audit's old file %s cannot be removed: %s", file, strerror(errno));
		return -1;
	}
	return 0;
}

/* A file of the spine goes when the one before it has, for no gap may be in it; the last one is written to. Their names tell the order. */
static bool is_first_spine(const struct folder *f, const struct file *x)
{
	bool more = false;

	for (const struct file *y = f->files; y < f->files + f->n; y++) {
		int after = y->gone || !audit_is_spine(y->name) ? 0 : strcmp(y->name, x->name);

		if (after < 0)
			return false;
		more = more || after > 0;
	}
	return more;
}

/* Is it old by the clock, and may it go? */
static bool is_due(const struct folder *f, const struct file *x, int days)
{
	return (f->now - x->written) / DAY >= days && (audit_is_closed(x->name) || (audit_is_spine(x->name) && is_first_spine(f, x)));
}

static int remove_due(const struct folder *f, int days, size_t *doubted, struct buf *error)
{
	const struct file *oldest = NULL;

	for (size_t i = f->n; i > 0; i--) {
		struct file *x = &f->files[i - 1];

		if (!is_due(f, x, days))
			continue;
		if (!oldest)
			oldest = x;
		if (x->shown / DAY < days && x->written - oldest->written >= DAY)
			++*doubted;
		else if (remove_one(f->dir, x->name, error) == 0)
			x->gone = true;
		else
			return -1;
	}
	return 0;
}

int audit_prune(int dir, int days, int64_t now_ms, size_t *doubted, struct buf *error)
{
	struct folder f = {.dir = dir, .now = now_ms / 1000};
	char **names;
	size_t n;
	int r;

	*doubted = 0;
	if ((r = read_folder(&f, &names, &n)) != 0)
		buf_printf(error, "the folder of the audit cannot be read: %s", strerror(errno));
	else
		r = remove_due(&f, days, doubted, error);
	free(f.files);
	audit_names_free(names, n);
	return r;
}
