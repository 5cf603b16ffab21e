#include "bridge/ctl/edit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/audit.h"
#include "bridge/ctl/ctl.h"
#include "bridge/ctl/site.h"

enum { EDIT_MAX = 16 << 20 };

const char ctl_header_spaces[] =
	"# Whose each SMTP domain is, one a line: FOREST-NAME  PEER|local|nobody  [OrgWideFB|PerUserFB]\n"
	"# Exact domains. Edit with `availbridge address-space`, then `availbridge reload`.\n";
const char ctl_header_accounts[] =
	"# Who may log in at the front, one a line: NAME  stands-for=user:ADDRESS|organisation|server  password=HASH\n"
	"# Only its owner may read this file. Edit with `availbridge account`, then `availbridge reload`.\n";
const char ctl_header_nt_hashes[] =
	"# NT hashes of accounts that may log in by NTLM, one a line: NAME nt=32HEX. Each is as good as the password.\n"
	"# Only its owner may read this file. Edit with `availbridge account`, then `availbridge reload`.\n";
const char ctl_header_peer[] =
	"# A peer, one setting a line; edit with `availbridge peer` and `availbridge rule`, then `availbridge reload`.\n"
	"#   enabled yes|no                    endpoint HOST:PORT         pin sha256:HEX       next-pin sha256:HEX\n"
	"#   unconfirmed \"SIX WORDS\"           written by pairing, removed by `availbridge peer confirm`\n"
	"#   free-busy-access-enabled yes|no   free-busy-access-level None|AvailabilityOnly|LimitedDetails\n"
	"#   rule in|out REQUESTER TARGET LEVEL     in = what they may see of ours, out = what we may ask of theirs;\n"
	"#                                          an address, a domain, *, group:NAME or group:DN; the first match counts\n";
const char ctl_header_local[] =
	"# What our own people may see of each other: the first match counts, no match is None.\n"
	"#   rule in REQUESTER TARGET None|AvailabilityOnly|LimitedDetails     an address, a domain, *, group:NAME or group:DN\n"
	"# Edit with `availbridge rule --peer local`, then `availbridge reload`.\n";

int ctl_edit_start(struct ctl_edit *e, const char *conf_path)
{
	struct stat site;
	char path[4096];

	*e = (struct ctl_edit){.conf_path = conf_path, .lock = -1};
	if (stat(conf_path, &site) < 0) {
		ctl_say("%s: %s. Make a site with `availbridge init`, or name its main file with -c.", conf_path, strerror(errno));
		return -1;
	}
	if (conf_file_path(path, sizeof(path), conf_path, ".edit.lock") == 0)
		e->lock = file_open_own(AT_FDCWD, path, O_RDWR | O_CREAT);
	/* root's lock must not lock the site's own user out */
	if (e->lock < 0 && (errno == EMLINK || errno == ELOOP)) {
		ctl_say("%s is a link, or no file: find out who put it there, and remove it.", path);
		return -1;
	}
	if (e->lock < 0 || (geteuid() == 0 && fchown(e->lock, site.st_uid, site.st_gid) < 0) || flock(e->lock, LOCK_EX) < 0) {
		ctl_say("the folder of %s cannot be edited: %s. Run this as the user that owns it.", conf_path, strerror(errno));
		ctl_edit_drop(e);
		return -1;
	}
	return 0;
}

/* ${name} beside the main file, or as it is if it is a whole path. */
static int path_of(char *out, size_t size, const struct ctl_edit *e, const char *name)
{
	int n;

	if (*name != '/')
		return conf_file_path(out, size, e->conf_path, name);
	n = snprintf(out, size, "%s", name);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

struct lines *ctl_edit_read(struct ctl_edit *e, const char *name, const char *header)
{
	struct conf_problems problems = {0};
	struct lines *l = NULL;
	char path[4096];

	if (path_of(path, sizeof(path), e, name) == 0)
		l = access(path, F_OK) < 0 && errno == ENOENT ? lines_parse(path, header, strlen(header), &problems)
		                                              : lines_read(path, EDIT_MAX, &problems);
	ctl_problems_print(stderr, &problems);
	conf_problems_free(&problems);
	return l;
}

void ctl_edit_put_text(struct ctl_edit *e, const char *name, const char *text)
{
	char path[4096];

	if (e->n == CTL_EDIT_FILES || path_of(path, sizeof(path), e, name) < 0)
		abort();
	e->files[e->n].path = strdup(path);
	e->files[e->n].text = text ? strdup(text) : NULL;
	if (!e->files[e->n].path || (text && !e->files[e->n].text))
		abort();
	e->n++;
}

void ctl_edit_put(struct ctl_edit *e, const char *name, const struct lines *l, size_t replace, const char *text, size_t insert_at,
                  const char *insert)
{
	struct buf out;

	buf_init(&out, 2 * EDIT_MAX);
	if (lines_compose(l, replace, text, insert_at, insert, &out) < 0)
		abort();
	ctl_edit_put_text(e, name, buf_cstr(&out));
	buf_wipe(&out);
}

/* Was this very complaint there before the edit? The line may have moved. */
static bool is_old(const struct conf_problem *p, const struct conf_problems *before)
{
	for (size_t i = 0; i < before->n; i++)
		if (strcmp(before->list[i].what, p->what) == 0 && strcmp(before->list[i].file, p->file) == 0)
			return true;
	return false;
}

/* Complaints that the edit would bring, on standard error. Runs in a child: the parser may end its process. */
static int new_problems(const struct ctl_edit *e)
{
	struct conf_change changes[CTL_EDIT_FILES];
	struct conf_problems before = {0}, after = {0}, fresh = {0};

	for (size_t i = 0; i < e->n; i++)
		changes[i] = (struct conf_change){e->files[i].path, e->files[i].text};
	if (conf_load_changed(e->conf_path, changes, e->n, &after))
		return 0;
	conf_load(e->conf_path, &before);
	for (size_t i = 0; i < after.n; i++)
		if (!is_old(&after.list[i], &before))
			conf_problem_add(&fresh, after.list[i].file, after.list[i].line, after.list[i].fix, "%s", after.list[i].what);
	ctl_problems_print(stderr, &fresh);
	return fresh.n ? 1 : 0;
}

int ctl_edit_check(const struct ctl_edit *e)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int result = new_problems(e);

		fflush(NULL);
		_exit(result);
	}
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	ctl_say(pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1
	            ? "nothing was changed: the configuration would not be valid any more"
	            : "nothing was changed: the configuration could not be checked");
	return -1;
}

/*
 * A link is left alone: what it leads to may be anybody's, and a file in its place would leave that behind. -1 after a sentence.
 */
static int refuse_links(const struct ctl_edit *e)
{
	struct stat st;

	for (size_t i = 0; i < e->n; i++)
		if (e->files[i].text && lstat(e->files[i].path, &st) == 0 && S_ISLNK(st.st_mode)) {
			ctl_say("nothing was changed: %s is a symbolic link. Put the file itself in its place, or edit by hand what the link leads to.",
			        e->files[i].path);
			return -1;
		}
	return 0;
}

/* Replaces or removes one file; its rights and its owner stay, a new one belongs to whom the main file belongs. */
static int apply(const char *path, const char *text, const struct stat *site)
{
	struct stat st;
	char folder[4096];
	bool exists = lstat(path, &st) == 0;

	if (!exists && errno != ENOENT)
		return -1; /* it may well be there */
	if (!text)
		return exists ? unlink(path) : 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (mkdir(folder, 0750) == 0 && geteuid() == 0 && lchown(folder, site->st_uid, site->st_gid) < 0)
		return -1;
	if (file_write(path, text, strlen(text), exists ? st.st_mode & 0777 : 0600) < 0)
		return -1;
	if (geteuid() == 0)
		return lchown(path, exists ? st.st_uid : site->st_uid, exists ? st.st_gid : site->st_gid);
	return 0;
}

int ctl_edit_commit(struct ctl_edit *e)
{
	const char *files[CTL_EDIT_FILES + 1] = {NULL};
	struct stat site;
	int result = refuse_links(e) < 0 ? -1 : ctl_edit_check(e);

	if (result == 0 && stat(e->conf_path, &site) < 0) {
		ctl_say("%s: %s", e->conf_path, strerror(errno));
		result = -1;
	}
	for (size_t i = 0; i < e->n; i++)
		files[i] = e->files[i].path;
	/* Written down before it is done: what could not be written down is not done. */
	if (result == 0 && (result = ctl_audit_change(e->conf_path, "change", files)) < 0)
		ctl_say("nothing was changed: every change has its record in the audit");
	for (size_t i = 0; i < e->n && result == 0; i++) {
		result = apply(e->files[i].path, e->files[i].text, &site);
		if (result < 0)
			ctl_say("%s could not be written: %s", e->files[i].path, strerror(errno));
		ctl_audit_came_to(e->conf_path, files, result);
	}
	ctl_edit_drop(e);
	return result;
}

void ctl_edit_drop(struct ctl_edit *e)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->files[i].text)
			explicit_bzero(e->files[i].text, strlen(e->files[i].text));
		free(e->files[i].path);
		free(e->files[i].text);
	}
	e->n = 0;
	if (e->lock >= 0)
		close(e->lock);
	e->lock = -1;
}

int ctl_edit_done(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts(" This takes effect at the next `availbridge reload`.");
	return CTL_DONE;
}
