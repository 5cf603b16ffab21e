#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/lines.h"
#include "bridge/conf/parts.h"
#include "pki/password.h"

/* The files that verbs own. Each complaint names its line; the reading goes on behind it. */

static void read_space(struct conf_loading *l, const char *path, const struct line *line)
{
	struct conf_address_space row = {.line = line->number};
	char domain[FB_DOMAIN_MAX + 1];

	if (line->n < 2 || line->n > 3) {
		conf_problem_add(l->problems, path, line->number, "Write FOREST-NAME PEER [OrgWideFB|PerUserFB].",
		                 "an address space has two or three words, not %zu", line->n);
		return;
	}
	if (!fb_domain_normal(line->words[0], domain)) {
		conf_problem_add(l->problems, path, line->number, "Write a domain such as b.example.", "'%s' is no domain", line->words[0]);
		return;
	}
	if (line->n == 3 && text_ieq(line->words[2], "PerUserFB"))
		row.method = CONF_PER_USER_FB;
	else if (line->n == 3 && !text_ieq(line->words[2], "OrgWideFB"))
		conf_problem_add(l->problems, path, line->number, "Write OrgWideFB or PerUserFB.", "'%s' is no access method", line->words[2]);
	row.forest_name = conf_dup(domain);
	row.peer = conf_dup(line->words[1]);
	l->c->spaces = conf_grow(l->c->spaces, l->c->n_spaces, sizeof(row));
	l->c->spaces[l->c->n_spaces++] = row;
}

void conf_read_spaces(struct conf_loading *l)
{
	char path[4096];
	struct lines *lines;

	if (conf_file_path(path, sizeof(path), l->c->file, "address-spaces.conf") < 0)
		return; /* the main file's own path is longer still and was refused */
	lines = conf_read_lines(l, path);
	for (size_t i = 0; lines && i < lines->n; i++)
		if (lines->list[i].n)
			read_space(l, path, &lines->list[i]);
	lines_free(lines);
}

/* user:ADDRESS, organisation or server. */
static bool read_stands_for(const char *s, struct conf_account *a)
{
	char address[FB_ADDRESS_MAX + 1];

	if (strcmp(s, "organisation") == 0)
		a->kind = CONF_FOR_ORGANISATION;
	else if (strcmp(s, "server") == 0)
		a->kind = CONF_FOR_SERVER;
	else if (strncmp(s, "user:", 5) == 0 && fb_address_normal(s + 5, address))
		a->address = conf_dup(address);
	else
		return false;
	return true;
}

static void read_account(struct conf_loading *l, const char *path, const struct line *line)
{
	struct conf_account a = {.line = line->number, .kind = CONF_FOR_USER};
	char **w = (char **)line->words;

	if (line->n != 3 || strncmp(w[1], "stands-for=", 11) != 0 || strncmp(w[2], "password=", 9) != 0) {
		conf_problem_add(l->problems, path, line->number,
		                 "Write NAME stands-for=user:ADDRESS password=HASH, or use `availbridge account add`.",
		                 "this is no account");
		return;
	}
	if (!*w[0] || strlen(w[0]) > 256 || strchr(w[0], ':')) {
		conf_problem_add(l->problems, path, line->number, "Choose 1 to 256 characters without ':'.",
		                 "the account's name cannot be used to log in");
		return;
	}
	if (!pki_password_hash_valid(w[2] + 9)) {
		conf_problem_add(l->problems, path, line->number, "Set it with `availbridge account add`.",
		                 "the password of %s is no hash", w[0]);
		return;
	}
	if (!read_stands_for(w[1] + 11, &a)) {
		conf_problem_add(l->problems, path, line->number, "Write user:ADDRESS, organisation or server.",
		                 "%s stands for nobody: '%s'", w[0], w[1] + 11);
		return;
	}
	a.name = conf_dup(w[0]);
	a.password = conf_dup(w[2] + 9);
	l->c->accounts = conf_grow(l->c->accounts, l->c->n_accounts, sizeof(a));
	l->c->accounts[l->c->n_accounts++] = a;
}

void conf_read_accounts(struct conf_loading *l)
{
	char path[4096], fix[4096 + 32];
	struct lines *lines;

	if (conf_file_path(path, sizeof(path), l->c->file, "accounts.conf") < 0)
		return;
	if (!conf_change_of(l, path) && file_is_loose(path)) {
		snprintf(fix, sizeof(fix), "Run: chmod 600 %s", path);
		conf_problem_add(l->problems, path, 0, fix,
		                 "others than its owner may read or write this file, which holds password hashes");
		return;
	}
	lines = conf_read_lines(l, path);
	for (size_t i = 0; lines && i < lines->n; i++)
		if (lines->list[i].n)
			read_account(l, path, &lines->list[i]);
	lines_free(lines);
}
