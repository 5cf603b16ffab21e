#include <stdio.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/json.h"
#include "bridge/ctl/account_secret.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/password.h"

static const char file[] = "accounts.conf";

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

/* What to write about an account's passwords. */
struct secrets {
	struct buf word;              /* password=HASH */
	struct account_nt_hash nt;
};

/* Reads the password and makes what is kept of it; an NT hash if ${ntlm}. False after a sentence. */
static bool make_secrets(struct secrets *s, const char *password_file, bool ntlm)
{
	char password[ACCOUNT_PASSWORD_MAX];
	bool ok;

	memset(s, 0, sizeof(*s));
	buf_init(&s->word, 1024);
	buf_puts(&s->word, "password=");
	ok = account_read_password(password_file, password);
	if (ok && pki_password_hash(&s->word, password) < 0) {
		ctl_say("the password could not be hashed: out of memory");
		ok = false;
	}
	ok = ok && (!ntlm || account_make_nt_hash(password, &s->nt));
	explicit_bzero(password, sizeof(password));
	return ok;
}

static void wipe_secrets(struct secrets *s)
{
	buf_wipe(&s->word);
	explicit_bzero(&s->nt, sizeof(s->nt));
}

static void put_row(struct buf *row, const char *name, const char *stands_for, struct buf *password)
{
	buf_init(row, 4096);
	lines_put_word(row, name);
	lines_put_word(row, stands_for);
	lines_put_word(row, buf_cstr(password));
}

/*
 * One edit of both files: the account's line ${at} of ${l} (SIZE_MAX = a new one) becomes ${row} (NULL = it goes), and so does
 * its NT hash: without one an old hash must not stay behind.
 */
static int write_both(struct ctl_edit *edit, struct lines *l, size_t at, const char *row, const char *name,
                      const struct account_nt_hash *nt)
{
	bool ok = account_edit_nt_hash(edit, name, nt);

	if (ok)
		ctl_edit_put(edit, file, l, at, at == SIZE_MAX ? NULL : row, SIZE_MAX, at == SIZE_MAX ? row : NULL);
	lines_free(l);
	if (ok)
		return ctl_edit_commit(edit);
	ctl_edit_drop(edit);
	return -1;
}

static int write_new(const char *conf_path, const char *name, const char *stands_for, struct secrets *s)
{
	char word[FB_ADDRESS_MAX + 24];
	struct ctl_edit edit;
	struct lines *l;
	struct buf row;
	int code;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_accounts);
	if (!l || account_line(l, name) != SIZE_MAX) {
		if (l)
			ctl_say("there is an account %s already; `availbridge account passwd %s` gives it another password", name, name);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	snprintf(word, sizeof(word), "stands-for=%s", stands_for);
	put_row(&row, name, word, &s->word);
	code = write_both(&edit, l, SIZE_MAX, buf_cstr(&row), name, &s->nt);
	buf_wipe(&row);
	return code < 0 ? CTL_NO : ctl_edit_done("The account %s stands for %s.", name, stands_for);
}

static int add(int argc, char **argv, const char *conf_path)
{
	const char *stands_for = NULL, *password_file = NULL;
	bool ntlm = false;
	const struct ctl_option options[] = {
		{"stands-for", .value = &stands_for}, {"password-file", .value = &password_file}, {"ntlm", .flag = &ntlm}, {0}};
	char normal[FB_ADDRESS_MAX + 8];
	struct ctl_words words;
	struct secrets s;
	const char *name;
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
	if (make_secrets(&s, password_file, ntlm))
		code = write_new(conf_path, name, normal, &s);
	wipe_secrets(&s);
	return code;
}

/* The lines of the file with the account ${name} in ${at}; NULL after a sentence, the edit is then over. */
static struct lines *existing(struct ctl_edit *edit, const char *conf_path, const char *name, size_t *at)
{
	struct lines *l;

	if (ctl_edit_start(edit, conf_path) < 0)
		return NULL;
	l = ctl_edit_read(edit, file, ctl_header_accounts);
	*at = l ? account_line(l, name) : SIZE_MAX;
	if (*at != SIZE_MAX)
		return l;
	if (l)
		ctl_say("there is no account %s", name);
	lines_free(l);
	ctl_edit_drop(edit);
	return NULL;
}

static int passwd(int argc, char **argv, const char *conf_path)
{
	const char *password_file = NULL;
	bool ntlm = false;
	const struct ctl_option options[] = {{"password-file", .value = &password_file}, {"ntlm", .flag = &ntlm}, {0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct secrets s;
	struct lines *l;
	struct buf row;
	size_t at;
	int code = -1;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("account");
	if (make_secrets(&s, password_file, ntlm) && (l = existing(&edit, conf_path, words.list[0], &at))) {
		put_row(&row, l->list[at].words[0], l->list[at].words[1], &s.word);
		code = write_both(&edit, l, at, buf_cstr(&row), words.list[0], &s.nt);
		buf_wipe(&row);
	}
	wipe_secrets(&s);
	return code < 0 ? CTL_NO : ctl_edit_done("The account %s has another password%s.", words.list[0],
	                                         ntlm ? ", and can log in by NTLM with it" : ", which is not good for NTLM");
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
	l = existing(&edit, conf_path, words.list[0], &at);
	if (!l || write_both(&edit, l, at, NULL, words.list[0], &(struct account_nt_hash){0}) < 0)
		return CTL_NO;
	return ctl_edit_done("The account %s is removed.", words.list[0]);
}

static int list(int argc, char **argv, const char *conf_path)
{
	static const char *const kinds[] = {
		[CONF_FOR_USER] = "user", [CONF_FOR_ORGANISATION] = "organisation", [CONF_FOR_SERVER] = "server"};
	bool json = false;
	struct nt_hashes *hashes;
	struct conf *c;
	struct buf b;
	int code;

	if (!(c = ctl_load_list(argc, argv, conf_path, "account", &json, &code)))
		return code;
	hashes = account_nt_hashes(c);
	buf_init(&b, 64 << 20);
	json_open(&b, NULL, '[');
	for (size_t i = 0; i < c->n_accounts; i++) {
		const struct conf_account *a = &c->accounts[i];
		bool ntlm = hashes && nt_hashes_of(hashes, a->name);
		char stands_for[FB_ADDRESS_MAX + 16];

		snprintf(stands_for, sizeof(stands_for), "%s%s%s", kinds[a->kind], a->address ? ":" : "", a->address ? a->address : "");
		if (!json) {
			printf("%-24s %s%s\n", a->name, stands_for, ntlm ? "  ntlm" : "");
			continue;
		}
		json_open(&b, NULL, '{');
		json_str(&b, "name", a->name);
		json_str(&b, "stands_for", stands_for);
		json_bool(&b, "ntlm", ntlm);
		json_close(&b, '}');
	}
	json_close(&b, ']');
	if (json)
		json_print(&b);
	buf_free(&b);
	nt_hashes_free(hashes);
	conf_free(c);
	return CTL_DONE;
}

int ctl_account(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"add", add}, {"passwd", passwd}, {"remove", remove_account}, {"list", list}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
