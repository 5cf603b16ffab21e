#include "bridge/conf/keywords.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "pki/pin.h"

/* Files of lines `WORD VALUE`, read by rows. Each complaint names its line; the reading goes on behind it. */

static void *place(const void *base, size_t at)
{
	return (char *)base + at;
}

static char **text_at(const struct keyword *k, const void *base)
{
	return place(base, k->at);
}

static int *int_at(const struct keyword *k, const void *base)
{
	return place(base, k->at);
}

static void put_line(struct buf *out, const struct keyword *k, const char *value)
{
	buf_puts(out, k->name);
	lines_put_word(out, value);
	buf_putc(out, '\n');
}

static bool keep(const struct keyword *k, void *base, char *text)
{
	free(*text_at(k, base));
	*text_at(k, base) = text;
	return text != NULL;
}

static bool read_text(struct keyword_file *f, const struct keyword *k, const char *word)
{
	return keep(k, f->base, k->normal ? k->normal(word) : *word && strlen(word) <= 255 ? conf_dup(word) : NULL);
}

static bool read_path(struct keyword_file *f, const struct keyword *k, const char *word)
{
	char path[4096];

	return *word && file_join(path, sizeof(path), f->l->c->dir, word) == 0 && keep(k, f->base, conf_dup(path));
}

static void put_text(struct buf *out, const struct keyword *k, const void *base)
{
	if (*text_at(k, base))
		put_line(out, k, *text_at(k, base));
}

static bool read_list(struct keyword_file *f, const struct keyword *k, const char *word)
{
	char ***list = place(f->base, k->at), *one = k->normal(word);
	size_t *n = place(f->base, k->at_n);

	if (!one)
		return false;
	if (k->at_lines) {
		int **lines = place(f->base, k->at_lines);

		*lines = conf_grow(*lines, *n, sizeof(**lines));
		(*lines)[*n] = f->line->number;
	}
	*list = conf_grow(*list, *n, sizeof(**list));
	(*list)[(*n)++] = one;
	return true;
}

static void put_list(struct buf *out, const struct keyword *k, const void *base)
{
	char **list = *(char ***)place(base, k->at);

	for (size_t i = 0; i < *(size_t *)place(base, k->at_n); i++)
		put_line(out, k, list[i]);
}

static bool read_choice(struct keyword_file *f, const struct keyword *k, const char *word)
{
	size_t n = strlen(word);
	int i = 0;

	for (const char *w = k->words; *w; w += strcspn(w, "|"), w += *w == '|', i++)
		if (strcspn(w, "|") == n && strncmp(w, word, n) == 0) {
			*int_at(k, f->base) = i;
			return true;
		}
	return false;
}

static void put_choice(struct buf *out, const struct keyword *k, const void *base)
{
	const char *w = k->words;
	char word[32];

	for (int i = *int_at(k, base); i > 0; i--)
		w += strcspn(w, "|") + 1;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(w, "|"), w);
	put_line(out, k, word);
}

static bool read_number(struct keyword_file *f, const struct keyword *k, const char *word)
{
	int64_t n;

	if (!text_int(word, k->min, k->max, &n))
		return false;
	*int_at(k, f->base) = (int)n;
	return true;
}

static void put_number(struct buf *out, const struct keyword *k, const void *base)
{
	buf_printf(out, "%s %d\n", k->name, *int_at(k, base));
}

static bool read_duration(struct keyword_file *f, const struct keyword *k, const char *word)
{
	return conf_duration_read(word, k->min, k->max, int_at(k, f->base));
}

static void put_duration(struct buf *out, const struct keyword *k, const void *base)
{
	buf_printf(out, "%s \"", k->name);
	conf_duration_put(out, *int_at(k, base));
	buf_puts(out, "\"\n");
}

static bool read_yes_no(struct keyword_file *f, const struct keyword *k, const char *word)
{
	*(bool *)place(f->base, k->at) = strcmp(word, "yes") == 0;
	return strcmp(word, "yes") == 0 || strcmp(word, "no") == 0;
}

static void put_yes_no(struct buf *out, const struct keyword *k, const void *base)
{
	put_line(out, k, *(bool *)place(base, k->at) ? "yes" : "no");
}

static bool read_pin(struct keyword_file *f, const struct keyword *k, const char *word)
{
	return *(bool *)place(f->base, k->at_n) = pki_pin_parse(word, place(f->base, k->at));
}

static void put_pin(struct buf *out, const struct keyword *k, const void *base)
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, place(base, k->at));
	if (*(bool *)place(base, k->at_n))
		put_line(out, k, text);
}

const struct keyword_kind keyword_text = {read_text, put_text}, keyword_path = {read_path, put_text}, keyword_list = {read_list, put_list},
	keyword_choice = {read_choice, put_choice}, keyword_number = {read_number, put_number},
	keyword_duration = {read_duration, put_duration}, keyword_yes_no = {read_yes_no, put_yes_no}, keyword_pin = {read_pin, put_pin};

static void read_unknown(struct keyword_file *f)
{
	const char *names[KEYWORDS_MAX], *near;
	char fix[128];

	for (size_t i = 0; i < f->n; i++)
		names[i] = f->rows[i].name;
	near = text_nearest(f->line->words[0], names, f->n);
	if (near)
		snprintf(fix, sizeof(fix), "Did you mean %s?", near);
	else
		snprintf(fix, sizeof(fix), "See availbridge.conf(5) for the settings of %s.", f->noun);
	KEYWORDS_COMPLAIN(f, f->line->number, fix, "'%s' is no setting of %s", f->line->words[0], f->noun);
}

static void read_line(struct keyword_file *f)
{
	const struct line *line = f->line;
	char fix[256];
	size_t i = 0;

	while (i < f->n && strcmp(f->rows[i].name, line->words[0]) != 0)
		i++;
	if (i == f->n) {
		read_unknown(f);
		return;
	}
	const struct keyword *k = &f->rows[i];
	size_t wanted = 1 + (k->behind ? k->behind : 1);

	snprintf(fix, sizeof(fix), "Write %s %s.", k->name, k->form);
	if (line->n < wanted || line->n > wanted + k->more)
		KEYWORDS_COMPLAIN(f, line->number, fix, "%s has %zu words, not %zu", k->name, wanted, line->n);
	else if (f->lines[i] && !k->repeat)
		KEYWORDS_COMPLAIN(f, line->number, "Remove one of the lines.", "%s is given twice", k->name);
	else if (!k->kind->read(f, k, line->words[1]))
		KEYWORDS_COMPLAIN(f, line->number, fix, "the value of %s is not right: '%s'", k->name, line->words[1]);
	f->lines[i] = line->number;
}

bool keywords_read(struct keyword_file *f)
{
	size_t before = f->l->problems->n;
	struct lines *lines;
	char fix[256];

	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].preset)
			f->rows[i].kind->read(f, &f->rows[i], f->rows[i].preset);
	lines = conf_read_lines(f->l, f->path);
	for (size_t i = 0; lines && i < lines->n; i++)
		if (lines->list[i].n) {
			f->line = &lines->list[i];
			read_line(f);
		}
	lines_free(lines);
	f->line = NULL;
	if (f->l->problems->n != before)
		return false;
	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].required && !f->lines[i]) {
			snprintf(fix, sizeof(fix), "Add a line %s %s.", f->rows[i].name, f->rows[i].form);
			KEYWORDS_COMPLAIN(f, 0, fix, "the setting %s is missing", f->rows[i].name);
		}
	return f->l->problems->n == before;
}

static size_t row_of(const struct keyword_file *f, const char *name)
{
	size_t i = 0;

	while (strcmp(f->rows[i].name, name) != 0)
		i++;
	return i;
}

int keywords_line(const struct keyword_file *f, const char *name)
{
	return f->lines[row_of(f, name)];
}

void keywords_expect(const struct keyword_file *f, const char *name, bool used, bool needed, const char *with)
{
	int line = keywords_line(f, name);
	char fix[256];

	if (line && !used)
		KEYWORDS_COMPLAIN(f, line, "Remove the line.", "%s has no meaning with %s", name, with);
	snprintf(fix, sizeof(fix), "Add a line %s %s.", name, f->rows[row_of(f, name)].form);
	if (!line && needed)
		KEYWORDS_COMPLAIN(f, 0, fix, "%s needs %s", with, name);
}

void keywords_expect_password(const struct keyword_file *f, bool used, const char *with)
{
	int file = keywords_line(f, "password-file"), credential = keywords_line(f, "password-credential");

	if (file && credential)
		KEYWORDS_COMPLAIN(f, file > credential ? file : credential, "Remove one of the lines.", "the password stands in two places");
	keywords_expect(f, "password-file", used, used && !credential, with);
	keywords_expect(f, "password-credential", used, false, with);
}

void keywords_expect_only(const struct keyword_file *f, unsigned bit, const char *with)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].only && !(f->rows[i].only & bit))
			keywords_expect(f, f->rows[i].name, false, false, with);
}

void keywords_put(struct buf *out, const struct keyword *rows, size_t n, const void *base, unsigned bit)
{
	for (size_t i = 0; i < n; i++)
		if (!rows[i].only || rows[i].only & bit)
			rows[i].kind->put(out, &rows[i], base);
}

void keywords_free(const struct keyword *rows, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++) {
		const struct keyword *k = &rows[i];

		if (k->kind == &keyword_list) {
			char **list = *(char ***)place(base, k->at);

			for (size_t j = 0; j < *(size_t *)place(base, k->at_n); j++)
				free(list[j]);
			free(list);
			if (k->at_lines)
				free(*(int **)place(base, k->at_lines));
		} else if (k->kind == &keyword_text || k->kind == &keyword_path) {
			free(*text_at(k, base));
		}
	}
}
