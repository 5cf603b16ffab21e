#include "bridge/ctl/account_secret.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/site.h"
#include "bridge/login/ntlm_verify.h"

/* The first line of ${f} without its end. False after a sentence. */
static bool first_line(FILE *f, char password[ACCOUNT_PASSWORD_MAX])
{
	size_t n;

	if (!fgets(password, ACCOUNT_PASSWORD_MAX, f)) {
		ctl_say("there is no password to read");
		return false;
	}
	n = strcspn(password, "\r\n");
	if (!password[n] && n == ACCOUNT_PASSWORD_MAX - 1) {
		ctl_say("the password is longer than %d bytes", ACCOUNT_PASSWORD_MAX - 2);
		return false;
	}
	password[n] = 0;
	if (n == 0)
		ctl_say("the password is empty");
	if (text_is_marked(password, n)) {
		ctl_say("the password begins with a byte order mark, which no editor shows: save the file as UTF-8 without one");
		return false;
	}
	return n != 0;
}

/* Asks twice on the terminal without showing what is typed. */
static bool ask(char password[ACCOUNT_PASSWORD_MAX])
{
	char again[ACCOUNT_PASSWORD_MAX];
	struct termios was, quiet;
	bool ok, set = tcgetattr(STDIN_FILENO, &was) == 0;

	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (set)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs("Password: ", stderr);
	ok = first_line(stdin, password);
	if (ok) {
		fputs("\nOnce more: ", stderr);
		ok = first_line(stdin, again);
	}
	if (set)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	if (ok && strcmp(password, again) != 0) {
		ctl_say("the two are not the same");
		ok = false;
	}
	explicit_bzero(again, sizeof(again));
	return ok;
}

bool account_read_password(const char *path, char password[ACCOUNT_PASSWORD_MAX])
{
	FILE *f;
	bool ok;

	if (!path)
		return isatty(STDIN_FILENO) ? ask(password) : first_line(stdin, password);
	f = fopen(path, "re");
	if (!f) {
		ctl_say("%s cannot be read: %s", path, strerror(errno));
		return false;
	}
	/* no copy of it stays behind in the stream's buffer */
	setvbuf(f, NULL, _IONBF, 0);
	ok = first_line(f, password);
	fclose(f);
	return ok;
}

bool account_make_nt_hash(const char *password, struct account_nt_hash *out)
{
	struct pki_legacy *legacy;
	struct buf error;

	buf_init(&error, 4096);
	legacy = pki_legacy_new(&error);
	out->given = legacy && ntlm_nt_hash(legacy, password, out->hash) == 0;
	if (!legacy)
		ctl_say("%s", buf_cstr(&error));
	else if (!out->given)
		ctl_say("the password is not UTF-8, so it has no NT hash");
	pki_legacy_free(legacy);
	buf_free(&error);
	return out->given;
}

/* Where the main file says that the hashes are: in another place an old one would stay good. False after sentences. */
static bool hashes_path(const char *conf_path, char out[4096])
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load_main(conf_path, &problems);
	bool ok = c && snprintf(out, 4096, "%s", c->nt_hashes) < 4096;

	ctl_problems_print(stderr, &problems);
	if (!c)
		ctl_say("nothing was changed: without the main file it is not known where NT hashes are kept");
	else if (!ok)
		ctl_say("the path of the NT hashes is too long");
	conf_free(c);
	conf_problems_free(&problems);
	return ok;
}

size_t account_line(const struct lines *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].n && strcasecmp(l->list[i].words[0], name) == 0)
			return i;
	return SIZE_MAX;
}

bool account_edit_nt_hash(struct ctl_edit *edit, const char *name, const struct account_nt_hash *nt)
{
	char path[4096];
	struct lines *l;
	struct buf row;
	size_t at;

	if (!hashes_path(edit->conf_path, path))
		return false;
	if (file_is_loose(path)) {
		ctl_say("%s: others than its owner may read or write this file, which holds NT hashes. Run: chmod 600 on it, and set those "
		        "passwords anew.", path);
		return false;
	}
	if (!(l = ctl_edit_read(edit, path, ctl_header_nt_hashes)))
		return false;
	at = account_line(l, name);
	buf_init(&row, 4096);
	if (nt->given)
		nt_hashes_put_line(&row, name, nt->hash);
	if (nt->given && at == SIZE_MAX)
		ctl_edit_put(edit, path, l, SIZE_MAX, NULL, SIZE_MAX, buf_cstr(&row));
	else if (at != SIZE_MAX)
		ctl_edit_put(edit, path, l, at, nt->given ? buf_cstr(&row) : NULL, SIZE_MAX, NULL);
	buf_wipe(&row);
	lines_free(l);
	return true;
}

struct nt_hashes *account_nt_hashes(const struct conf *c)
{
	struct conf_problems problems = {0};
	struct nt_hashes *h = nt_hashes_read(c, &problems);

	ctl_problems_print(stderr, &problems);
	conf_problems_free(&problems);
	return h;
}
