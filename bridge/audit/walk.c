#include "bridge/audit/walk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/audit/verify.h"
#include "bridge/base/file.h"

struct walk *walk_new(int fd)
{
	struct walk *w = calloc(1, sizeof *w);

	if (w && (w->f = fdopen(fd, "r")))
		return w;
	close(fd);
	free(w);
	return NULL;
}

bool walk_is_empty(const struct walk *w)
{
	struct stat st;

	return fstat(fileno(w->f), &st) == 0 && st.st_size == 0;
}

void walk_free(struct walk *w)
{
	if (!w)
		return;
	fclose(w->f);
	free(w);
}

bool walk_next(struct walk *w)
{
	bool too_long = false;
	int c;

	w->start = w->end;
	w->len = 0;
	w->newline = false;
	while ((c = getc_unlocked(w->f)) != EOF) {
		w->end++;
		if ((w->newline = c == '\n'))
			break;
		if (w->len <= AUDIT_LINE_MAX)
			w->raw[w->len++] = (char)c;
		else
			too_long = true;
	}
	if (w->end == w->start)
		return false;
	w->line++;
	w->raw[w->len] = 0;
	memcpy(w->decoded, w->raw, w->len + 1);
	/* Without its newline a record is not whole: the next one would stand on its line. */
	w->what = too_long || !w->newline ? AUDIT_NO_RECORD : audit_record_read(w->decoded, w->len, &w->record);
	return true;
}

int audit_each_in(int fd, const char *name, audit_record_cb *cb, void *arg, uint64_t *bad)
{
	struct walk *w = walk_new(fd);
	bool on = true;

	if (!w)
		return -1;
	while (on && walk_next(w))
		if (w->what == AUDIT_WHOLE)
			on = cb(arg, &w->record, w->raw, name, w->line);
		else
			++*bad;
	walk_free(w);
	return on ? 0 : 1;
}

static bool is_any(const char *name)
{
	return audit_is_spine(name) || audit_is_closed(name) || audit_is_live(name);
}

int audit_each(int dir, audit_record_cb *cb, void *arg, uint64_t *bad)
{
	size_t n;
	char **names = audit_names(dir, is_any, &n);
	int r = names || errno == 0 ? 0 : -1, fd;

	*bad = 0;
	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n && r == 0; i++) {
			if (audit_is_spine(names[i]) != (pass == 0))
				continue;
			fd = file_open_own(dir, names[i], O_RDONLY);
			if (fd < 0 && errno == ENOENT && audit_is_live(names[i])) { /* it was closed in this moment */
				strcpy(strrchr(names[i], '.'), ".jsonl");
				fd = file_open_own(dir, names[i], O_RDONLY);
			}
			r = fd < 0 ? -1 : audit_each_in(fd, names[i], cb, arg, bad);
		}
	audit_names_free(names, n);
	return r < 0 ? -1 : 0;
}
