#include "bridge/process/snapshot.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/pack.h"

enum { FILE_MAX = 16 << 20 }; /* conf.h: no file of ours is larger */

int snapshot_new(void)
{
	return memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int snapshot_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

static int put_file(int fd, const char *path)
{
	struct buf text, out;
	enum file_result r;
	size_t done = 0;
	ssize_t n = 0;

	buf_init(&text, FILE_MAX);
	r = file_read(path, &text);
	if (r == FILE_ABSENT) {
		buf_free(&text);
		return 0;
	}
	buf_init(&out, text.len + strlen(path) + 32);
	pack_str(&out, path);
	pack_str(&out, buf_cstr(&text));
	while (r == FILE_OK && done < out.len && (n = write(fd, buf_ptr(&out) + done, out.len - done)) > 0)
		done += (size_t)n;
	r = r == FILE_OK && !out.failed && done == out.len ? FILE_OK : FILE_COULD_NOT;
	buf_wipe(&text);
	buf_wipe(&out);
	return r == FILE_OK ? 0 : -1;
}

/*
 * The path of each file beside the main one, there or not, and of each that counts in the folders of settings: others may be large, or another
 * user's. ${f} returns nonzero to stop. -1 if what is there could not be told.
 */
static int each_file(const char *conf_path, int (*f)(void *arg, const char *path), void *arg)
{
	static const char *const names[] = {"address-spaces.conf", "accounts.conf", "directory.conf"};
	static const char *const folders[] = {"peers.d", "backends.d"};
	char dir[4096], path[4096 + 300];
	struct dirent *e;
	int r = 0;
	DIR *d;

	for (size_t i = 0; r == 0 && i < sizeof names / sizeof names[0]; i++)
		r = conf_file_path(path, sizeof path, conf_path, names[i]) == 0 ? f(arg, path) : -1;
	for (size_t i = 0; r == 0 && i < sizeof folders / sizeof folders[0]; i++) {
		d = conf_file_path(dir, sizeof dir, conf_path, folders[i]) == 0 ? opendir(dir) : NULL;
		if (!d && errno == ENOENT)
			continue;
		while (d && r == 0 && (errno = 0, e = readdir(d))) {
			snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
			if (conf_file_counts(e->d_name))
				r = f(arg, path);
		}
		if (!d || (r == 0 && errno))
			r = -1;
		if (d)
			closedir(d);
	}
	return r;
}

static int put_regular(void *arg, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode) ? put_file(*(int *)arg, path) : 0;
	/* of these the check of the settings has complained, if the file is one of them */
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES ? 0 : -1;
}

int snapshot_take(int fd, const char *conf_path)
{
	return put_file(fd, conf_path) == 0 ? each_file(conf_path, put_regular, &fd) : -1;
}

struct changes {
	struct conf_change *list;
	char **added; /* paths of files that came later: they do not count */
	size_t n, n_added;
};

static void add_change(struct changes *c, const char *path, const char *text)
{
	if ((c->n & (c->n - 1)) == 0 && !(c->list = realloc(c->list, (c->n ? 2 * c->n : 1) * sizeof *c->list)))
		abort();
	c->list[c->n++] = (struct conf_change){path, text};
}

static int hide_later(void *arg, const char *path)
{
	struct changes *c = arg;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->list[i].path, path) == 0)
			return 0;
	if ((c->n_added & (c->n_added - 1)) == 0)
		c->added = realloc(c->added, (c->n_added ? 2 * c->n_added : 1) * sizeof *c->added);
	if (!c->added)
		abort();
	c->added[c->n_added] = strdup(path);
	add_change(c, c->added[c->n_added++], NULL);
	return 0;
}

struct conf *snapshot_load(int fd, const char *conf_path, struct conf_problems *problems)
{
	struct changes c = {0};
	struct conf *conf = NULL;
	const char *path, *text;
	struct unpack u;
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size == 0 ||
	    (p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		conf_problem_add(problems, conf_path, 0, "", "the settings as they were checked cannot be read: %s", strerror(errno));
		return NULL;
	}
	u = unpack_start(p, (size_t)st.st_size);
	while (u.left && !u.bad) {
		path = unpack_str(&u);
		text = unpack_str(&u);
		if (!u.bad && path && text)
			add_change(&c, path, text);
	}
	if (u.bad)
		conf_problem_add(problems, conf_path, 0, "", "the settings as they were checked are cut short");
	else if (each_file(conf_path, hide_later, &c) != 0)
		conf_problem_add(problems, conf_path, 0, "", "the folders beside it cannot be read: %s", strerror(errno));
	else
		conf = conf_load_changed(conf_path, c.list, c.n, problems);
	munmap(p, (size_t)st.st_size);
	while (c.n_added)
		free(c.added[--c.n_added]);
	free(c.added);
	free(c.list);
	return conf;
}

struct conf *snapshot_of_role(const char *conf_path, struct buf *error)
{
	struct conf_problems problems = {0};
	struct conf *c = snapshot_load(SNAPSHOT_FD, conf_path, &problems);

	if (!c && problems.n)
		conf_problem_put(error, &problems.list[0]);
	conf_problems_free(&problems);
	close(SNAPSHOT_FD);
	return c;
}
