#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"
#include "bridge/conf/schema.h"

/* Reading the main file: libconfig's syntax, the rows of schema.c. */

enum { NAMES_MAX = 10000 };

#define COMPLAIN(l, line, fix, ...) conf_problem_add((l)->problems, (l)->c->file, (line), (fix), __VA_ARGS__)

static void wrong_form(struct conf_loading *l, const struct conf_row *row, int line)
{
	char fix[256];

	if (row->kind == &conf_kind_number)
		snprintf(fix, sizeof(fix), "Write %s from %lld to %lld.", row->kind->form, (long long)row->min, (long long)row->max);
	else if (row->kind == &conf_kind_duration)
		snprintf(fix, sizeof(fix), "Write %s, from %lld ms to %lld ms.", row->kind->form, (long long)row->min, (long long)row->max);
	else if (row->words)
		snprintf(fix, sizeof(fix), "Write one of: %s.", row->words);
	else
		snprintf(fix, sizeof(fix), "Write %s.", row->kind->form);
	COMPLAIN(l, line, fix, "the value of %s is not right", row->name);
}

/* The member ${e} of a list as an address, or as a domain if ${domains}. Malloc'd, or NULL after a complaint. */
static char *read_member(struct conf_loading *l, const config_setting_t *e, const char *what, bool domains)
{
	const char *s = config_setting_get_string(e);
	char normal[FB_ADDRESS_MAX + 1];

	if (s && (strchr(s, '@') ? fb_address_normal(s, normal) : domains && fb_domain_normal(s, normal)))
		return conf_dup(normal);
	COMPLAIN(l, config_setting_source_line(e),
	         domains ? "Write an address or a domain in double quotes." : "Write an address in double quotes.",
	         "%s has a member that is no address: '%s'", what, s ? s : "");
	return NULL;
}

/* Reads the array ${s} into a new list. */
static char **read_members(struct conf_loading *l, const config_setting_t *s, const char *what, bool domains, size_t *n)
{
	char **list = NULL;

	*n = 0;
	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		COMPLAIN(l, config_setting_source_line(s), "Write a list such as [\"anna@a.example\"].", "%s is no list", what);
		return NULL;
	}
	/* the library's lists are vectors: each look-up costs the same */
	for (int i = 0; i < config_setting_length(s); i++) {
		char *one = read_member(l, config_setting_get_elem(s, (unsigned)i), what, domains);

		if (!one)
			continue;
		list = conf_grow(list, *n, sizeof(*list));
		list[(*n)++] = one;
	}
	return list;
}

static void read_groups(struct conf_loading *l, const config_setting_t *s)
{
	if (!config_setting_is_group(s)) {
		COMPLAIN(l, config_setting_source_line(s), "Write groups = { NAME = [\"anna@a.example\"]; };", "groups is no group of lists");
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *one = config_setting_get_elem(s, (unsigned)i);
		struct conf_group g = {.name = conf_dup(config_setting_name(one))};

		g.members = read_members(l, one, g.name, true, &g.n);
		l->c->groups = conf_grow(l->c->groups, l->c->n_groups, sizeof(g));
		l->c->groups[l->c->n_groups++] = g;
	}
}

static void read_setting(struct conf_loading *l, const struct conf_row *row, const config_setting_t *s)
{
	int line = config_setting_source_line(s), type = config_setting_type(s);
	const char *text = config_setting_get_string(s);
	char number[24];

	if (row->kind == &conf_kind_groups) {
		read_groups(l, s);
		return;
	}
	if (row->kind == &conf_kind_addresses) {
		l->c->hidden = read_members(l, s, row->name, false, &l->c->n_hidden);
		return;
	}
	if (type == CONFIG_TYPE_INT && (row->kind->number || row->kind == &conf_kind_duration)) {
		snprintf(number, sizeof(number), "%d", config_setting_get_int(s));
		text = number;
	} else if (row->kind->number) {
		text = NULL;
	}
	if (!text || !row->kind->set(l->c, row, text))
		wrong_form(l, row, line);
}

static void read_unknown(struct conf_loading *l, const config_setting_t *s)
{
	const char *names[CONF_SETTINGS_MAX], *near;
	char fix[128] = "See availbridge.conf(5) for the settings.";

	for (size_t i = 0; i < conf_n_rows; i++)
		names[i] = conf_rows[i].name;
	near = text_nearest(config_setting_name(s), names, conf_n_rows);
	if (near)
		snprintf(fix, sizeof(fix), "Did you mean %s?", near);
	COMPLAIN(l, config_setting_source_line(s), fix, "there is no setting '%s'", config_setting_name(s));
}

static void read_settings(struct conf_loading *l, const config_setting_t *root)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		size_t r = 0;

		while (r < conf_n_rows && strcmp(conf_rows[r].name, config_setting_name(s)) != 0)
			r++;
		if (r == conf_n_rows) {
			read_unknown(l, s);
			continue;
		}
		l->c->setting_lines[r] = config_setting_source_line(s);
		read_setting(l, &conf_rows[r], s);
	}
	for (size_t r = 0; r < conf_n_rows; r++)
		if (!l->c->setting_lines[r] && !conf_rows[r].preset) {
			char fix[192];

			snprintf(fix, sizeof(fix), "Add %s = %s", conf_rows[r].name, conf_rows[r].kind == &conf_kind_addresses ? "[];" : "\"...\";");
			COMPLAIN(l, 0, fix, "the setting %s is missing", conf_rows[r].name);
		}
}

/*
 * What the library must not see: it opens files by itself at an include, and ends the process if that is a folder; and
 * it compares each new name with all before it, which takes minutes for a megabyte of them.
 */
static bool scan(struct conf_loading *l, const char *text, size_t len)
{
	size_t names = 0;
	int line = 1;

	if (text_is_marked(text, len)) {
		COMPLAIN(l, 1, CONF_UNMARKED, "the file begins with a byte order mark, which no editor shows");
		return false;
	}
	for (size_t i = 0; i < len; i++)
		names += text[i] == '=' || text[i] == ':';
	if (names > NAMES_MAX) {
		COMPLAIN(l, 0, "Remove what is not needed.", "the file has more than %d settings and groups", NAMES_MAX);
		return false;
	}
	for (size_t at = 0; at < len; line++) {
		const char *s = text + at, *newline = memchr(s, '\n', len - at);
		size_t n = newline ? (size_t)(newline - s) : len - at, blanks = strspn(s, " \t\r\f\v");

		if (memchr(s, 0, n) || !text_utf8_valid(s, n)) {
			COMPLAIN(l, line, "Save the file as plain UTF-8 text.", "the line is not text");
			return false;
		}
		if (blanks < n && text_istarts(s + blanks, "@include")) {
			COMPLAIN(l, line, "Put the settings into this file.", "@include is not allowed here");
			return false;
		}
		at += n + 1;
	}
	return true;
}

static void parse(struct conf_loading *l, const char *text)
{
	config_t library;

	config_init(&library);
	if (config_read_string(&library, text))
		read_settings(l, config_root_setting(&library));
	else if (strcmp(config_error_text(&library), "duplicate setting name") == 0)
		COMPLAIN(l, config_error_line(&library), "Change the line that is there, and take this one out: `availbridge init` wrote each of them.",
		         "this setting stands in the file already");
	else
		COMPLAIN(l, config_error_line(&library),
		         "Each setting is written NAME = VALUE; with texts in double quotes. The fault may stand in the line before.",
		         "the file cannot be understood (%s)", config_error_text(&library));
	config_destroy(&library);
}

/* The main file's text, from the change that stands for it if there is one. */
static enum file_result read_text(const struct conf_loading *l, struct buf *out)
{
	const struct conf_change *change = conf_change_of(l, l->c->file);

	if (!change)
		return file_read(l->c->file, out);
	if (!change->text)
		return FILE_ABSENT;
	return buf_puts(out, change->text) == 0 ? FILE_OK : FILE_TOO_BIG;
}

void conf_read_main(struct conf_loading *l)
{
	struct buf text;

	for (size_t i = 0; i < conf_n_rows; i++)
		if (conf_rows[i].preset)
			conf_rows[i].kind->set(l->c, &conf_rows[i], conf_rows[i].preset);
	buf_init(&text, CONF_MAIN_MAX);
	switch (read_text(l, &text)) {
	case FILE_OK:
		if (scan(l, buf_cstr(&text), text.len))
			parse(l, buf_cstr(&text));
		break;
	case FILE_ABSENT:
		COMPLAIN(l, 0, "Make a site with `availbridge init`, or name the file with -c.", "there is no such file");
		break;
	case FILE_TOO_BIG:
		COMPLAIN(l, 0, "Remove what is not needed.", "the file is larger than %d bytes", CONF_MAIN_MAX);
		break;
	case FILE_COULD_NOT:
		COMPLAIN(l, 0, "Run this as root or as the user that the daemon runs as, or make it readable for this one.",
		         "the file cannot be read: %s", strerror(errno));
	}
	buf_free(&text);
}
