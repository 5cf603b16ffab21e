#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>
#include "bridge/availability/address.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/json.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/password.h"

static const char file[] = "accounts.conf";
enum { PASSWORD_MAX = 1024 };

/* The line of the account ${name}, or SIZE_MAX. */
static size_t find_line(const struct lines *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].n && strcasecmp(l->list[i].words[0], name) == 0)
			return i;
	return SIZE_MAX;
}

/* The first line of ${f} without its end. False after a sentence. */
static bool first_line(FILE *f, char password[PASSWORD_MAX])
{
	size_t n;

	if (!fgets(password, PASSWORD_MAX, f)) {
		ctl_say("there is no password to read");
		return false;
	}
	n = strcspn(password, "\r\n");
	if (!password[n] && n == PASSWORD_MAX - 1) {
		ctl_say("the password is longer than %d bytes", PASSWORD_MAX - 2);
		return false;
	}
	password[n] = 0;
	if (n == 0)
		ctl_say("the password is empty");
	return n != 0;
}

/* Asks twice on the terminal without showing what is typed. */
static bool ask(char password[PASSWORD_MAX])
{
	char again[PASSWORD_MAX];
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

static bool read_password(const char *path, char password[PASSWORD_MAX])
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

/* user:ADDRESS with the address in normal form, organisation or server. */
static bool normal_stands_for(const char *s, char out[FB_ADDRESS_MAX + 8])
{
	char address[FB_ADDRESS_MAX + 1];

	if (strcmp(s, "organisation") == 0 || strcmp(s, "server") == 0) {
		strcpy(out, s);
		return true;
	}
	if (strncmp(s, "user:", 5) == 0 && fb_address_normal(s + 5, address)) {
		snprintf(out, FB_ADDRESS_MAX + 8, "user:%s", address);
		return true;
	}
	ctl_say("--stands-for is user:ADDRESS, organisation or server, not '%s'", s);
	return false;
}

/* The whole line of the new account in ${row}. False after a sentence. */
static bool make_row(struct buf *row, const char *name, const char *stands_for, const char *password_file)
{
	char password[PASSWORD_MAX], word[FB_ADDRESS_MAX + 24];
	struct buf hash;
	bool ok;

	buf_init(&hash, 1024);
	buf_puts(&hash, "password=");
	ok = read_password(password_file, password);
	if (ok && pki_password_hash(&hash, password) < 0) {
		ctl_say("the password could not be hashed: out of memory");
		ok = false;
	}
	explicit_bzero(password, sizeof(password));
	snprintf(word, sizeof(word), "stands-for=%s", stands_for);
	lines_put_word(row, name);
	lines_put_word(row, word);
	lines_put_word(row, buf_cstr(&hash));
	buf_wipe(&hash);
	return ok;
}

static int write_row(const char *conf_path, const char *name, const char *stands_for, const char *row)
{
	struct ctl_edit edit;
	struct lines *l;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_accounts);
	if (!l || find_line(l, name) != SIZE_MAX) {
		if (l)
			ctl_say("there is an account %s already; remove it first with `availbridge account remove %s`", name, name);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	ctl_edit_put(&edit, file, l, SIZE_MAX, NULL, SIZE_MAX, row);
	lines_free(l);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	return ctl_edit_done("The account %s stands for %s.", name, stands_for);
}

static int add(int argc, char **argv, const char *conf_path)
{
	const char *stands_for = NULL, *password_file = NULL;
	const struct ctl_option options[] = {{"stands-for", .value = &stands_for}, {"password-file", .value = &password_file}, {0}};
	char normal[FB_ADDRESS_MAX + 8];
	struct ctl_words words;
	const char *name;
	struct buf row;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || !stands_for)
		return ctl_usage("account");
	name = words.list[0];
	if (!*name || strlen(name) > 256 || strchr(name, ':')) {
		ctl_say("an account's name has 1 to 256 characters and no ':'");
		return CTL_USAGE;
	}
	if (!normal_stands_for(stands_for, normal))
		return CTL_USAGE;
	buf_init(&row, 4096);
	if (make_row(&row, name, normal, password_file))
		code = write_row(conf_path, name, normal, buf_cstr(&row));
	buf_wipe(&row);
	return code;
}

static int remove_account(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct lines *l;
	size_t at;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("account");
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_accounts);
	at = l ? find_line(l, words.list[0]) : SIZE_MAX;
	if (at == SIZE_MAX) {
		if (l)
			ctl_say("there is no account %s", words.list[0]);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	ctl_edit_put(&edit, file, l, at, NULL, SIZE_MAX, NULL);
	lines_free(l);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	return ctl_edit_done("The account %s is removed.", words.list[0]);
}

static int list(int argc, char **argv, const char *conf_path)
{
	static const char *const kinds[] = {
		[CONF_FOR_USER] = "user", [CONF_FOR_ORGANISATION] = "organisation", [CONF_FOR_SERVER] = "server"};
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	struct ctl_words words;
	struct conf *c;
	struct buf b;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("account");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	buf_init(&b, 64 << 20);
	json_open(&b, NULL, '[');
	for (size_t i = 0; i < c->n_accounts; i++) {
		const struct conf_account *a = &c->accounts[i];

		char stands_for[FB_ADDRESS_MAX + 16];

		snprintf(stands_for, sizeof(stands_for), "%s%s%s", kinds[a->kind], a->address ? ":" : "", a->address ? a->address : "");
		if (!json) {
			printf("%-24s %s\n", a->name, stands_for);
			continue;
		}
		json_open(&b, NULL, '{');
		json_str(&b, "name", a->name);
		json_str(&b, "stands_for", stands_for);
		json_close(&b, '}');
	}
	json_close(&b, ']');
	if (json)
		json_print(&b);
	buf_free(&b);
	conf_free(c);
	return CTL_DONE;
}

int ctl_account(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"add", add}, {"remove", remove_account}, {"list", list}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
