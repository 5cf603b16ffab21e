#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/conf/lines.h"
#include "bridge/conf/parts.h"

/* Folders of files NAME.conf, and files of lines, as they are on the disk or as an edit would leave them. */

struct lines *conf_read_lines(struct conf_loading *l, const char *path)
{
	const struct conf_change *change = conf_change_of(l, path);

	if (change)
		return lines_parse(path, change->text ? change->text : "", change->text ? strlen(change->text) : 0, l->problems);
	return lines_read(path, CONF_LINES_MAX, l->problems);
}

bool conf_file_counts(const char *file)
{
	size_t n = strlen(file);

	return n >= 6 && n <= 68 && strcmp(file + n - 5, ".conf") == 0 && file[0] != '.';
}

/* The NAME of NAME.conf in ${out}; false for what is none of ours (editors leave their own files). */
static bool name_of_file(const char *file, char out[64])
{
	size_t n = strlen(file);

	if (!conf_file_counts(file))
		return false;
	memcpy(out, file, n - 5);
	out[n - 5] = 0;
	return true;
}

/* One listing: what was found, and what to call it in a complaint. */
struct listing {
	struct conf_loading *l;
	struct conf_names names;
	const char *dir, *noun;
	size_t max;
};

static void add_name(struct listing *s, const char *name)
{
	if (!conf_name_valid(name)) {
		conf_problem_add(s->l->problems, s->dir, 0, "Rename the file.", "'%s' cannot be the name of a %s", name, s->noun);
		return;
	}
	if (s->names.n == s->max)
		conf_problem_add(s->l->problems, s->dir, 0, "Remove files that are not needed.", "there are more than %zu %ss", s->max, s->noun);
	for (size_t i = 0; i < s->names.n; i++)
		if (strcmp(s->names.list[i], name) == 0)
			return;
	if (s->names.n == s->max)
		return;
	s->names.list = conf_grow(s->names.list, s->names.n, sizeof(*s->names.list));
	strcpy(s->names.list[s->names.n++], name);
}

static void add_from_disk(struct listing *s)
{
	char path[4096 + 300], name[64];
	const struct dirent *e;
	DIR *d = opendir(s->dir);

	while (d && (errno = 0, e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, e->d_name);
		const struct conf_change *change = conf_change_of(s->l, path);

		if (name_of_file(e->d_name, name) && (!change || change->text))
			add_name(s, name);
	}
	if (d ? errno != 0 : errno != ENOENT)
		conf_problem_add(s->l->problems, s->dir, 0, "Make it readable for this user, who must be able to enter the folders above it, too.",
		                 "the folder cannot be read: %s", strerror(errno));
	if (d)
		closedir(d);
}

static void add_from_changes(struct listing *s)
{
	size_t n = strlen(s->dir);
	char name[64];

	for (size_t i = 0; i < s->l->n_changes; i++) {
		const struct conf_change *change = &s->l->changes[i];

		if (change->text && strncmp(change->path, s->dir, n) == 0 && change->path[n] == '/' &&
		    name_of_file(change->path + n + 1, name))
			add_name(s, name);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct conf_names conf_folder_names(struct conf_loading *l, const char *folder, const char *noun, size_t max)
{
	struct listing s = {.l = l, .noun = noun, .max = max};
	char dir[4096];

	if (conf_file_path(dir, sizeof(dir), l->c->file, folder) < 0)
		return s.names; /* the main file's own path is longer still and was refused */
	s.dir = dir;
	add_from_disk(&s);
	add_from_changes(&s);
	if (s.names.n)
		qsort(s.names.list, s.names.n, sizeof(*s.names.list), by_name);
	return s.names;
}
