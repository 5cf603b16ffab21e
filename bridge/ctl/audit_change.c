#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/ctl/audit.h"

enum { COMMAND_MAX = 200 };

static struct {
	int argc;
	char **argv;
} command;

void ctl_audit_command(int argc, char **argv)
{
	command.argc = argc;
	command.argv = argv;
}

/* The command without what must not be kept: an invitation holds a secret. */
static void command_of(const char *words[COMMAND_MAX + 1])
{
	int n;

	for (n = 0; n < command.argc && n < COMMAND_MAX; n++)
		words[n] = strncmp(command.argv[n], "avb1:", 5) == 0 ? "(invitation)" : command.argv[n];
	words[n] = NULL;
}

/* The folder that the daemon keeps its state in; a main file that is broken now was not when it started. */
static void state_of(char out[4096], const char *conf_path)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load_main(conf_path, &problems);

	out[0] = 0;
	if (c)
		snprintf(out, 4096, "%s", c->state_dir);
	else if (conf_file_path(out, 4096, conf_path, "state") < 0)
		out[0] = 0;
	conf_free(c);
	conf_problems_free(&problems);
}

/* What is made belongs to whom the state folder belongs, or else the folder of the settings. */
static void owner_of(const char *state, const char *conf_path, struct stat *st)
{
	char folder[4096];

	*st = (struct stat){.st_uid = getuid(), .st_gid = getgid()};
	if (stat(state, st) != 0 && conf_file_path(folder, sizeof(folder), conf_path, ".") == 0)
		stat(folder, st);
}

static const char *user_named(uid_t uid, char out[64])
{
	const struct passwd *pw = getpwuid(uid);

	snprintf(out, 64, "%s", pw ? pw->pw_name : "");
	return pw ? out : NULL;
}

/* Who logged in, whatever he became since; NULL if the system does not know. */
static const char *login_user(char out[64])
{
	struct buf text;
	const char *name = NULL;
	int64_t uid;

	buf_init(&text, 64);
	if (file_read("/proc/self/loginuid", &text) == FILE_OK && text_int(buf_cstr(&text), 0, UINT32_MAX - 1, &uid))
		name = user_named((uid_t)uid, out);
	buf_free(&text);
	if (!name && getuid() == 0 && getenv("SUDO_USER")) {
		snprintf(out, 64, "%s", getenv("SUDO_USER"));
		name = out;
	}
	return name;
}

int ctl_audit_change(const char *conf_path, const char *kind, const char *const *files)
{
	const char *words[COMMAND_MAX + 1];
	char state[4096], user[64], login[64];
	struct buf error;
	struct stat st;
	int dir, r = -1;

	command_of(words);
	buf_init(&error, 4096);
	state_of(state, conf_path);
	owner_of(state, conf_path, &st);
	dir = audit_folder_make(state, st.st_uid, st.st_gid, &error);
	if (dir >= 0) {
		const struct audit_field *fields =
			A_FIELDS(A_INT("uid", getuid()), A_STR("user", user_named(getuid(), user)), A_STR("login", login_user(login)),
			         A_LIST("command", words), A_LIST("files", files));

		r = audit_spine_put(dir, kind, fields, NULL, &error);
		close(dir);
	}
	if (r < 0)
		ctl_say("%s", buf_cstr(&error));
	buf_free(&error);
	return r;
}

int ctl_audit_came_to(const char *conf_path, const char *const *files, int r)
{
	if (r < 0)
		ctl_audit_change(conf_path, "change-failed", files);
	return r;
}
