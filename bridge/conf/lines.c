#include "bridge/conf/lines.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies the word at ${*s} to ${*to} and moves both behind it. Returns what is wrong with it, or NULL. */
static const char *take_word(const char **s, const char *end, char **to)
{
	const char *p = *s;
	bool quoted = *p == '"';

	for (p += quoted; p < end && (quoted ? *p != '"' : !is_blank(*p)); p++) {
		if (!quoted && *p == '"')
			return "a quote stands in the middle of a word";
		if (quoted && *p == '\\' && (++p == end || (*p != '"' && *p != '\\')))
			return "a backslash in quotes stands before something else than a quote or a backslash";
		*(*to)++ = *p;
	}
	if (quoted && p == end)
		return "a quote is not closed";
	p += quoted;
	if (p < end && !is_blank(*p))
		return "a closing quote has no blank behind it";
	*(*to)++ = 0;
	*s = p;
	return NULL;
}

static const char *split(struct line *line, char **to)
{
	const char *s = line->raw, *end = line->raw + line->raw_len;

	if (end > s && end[-1] == '\r')
		end--;
	for (const char *p = s; p < end; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return "a control character stands in it";
	if (!text_utf8_valid(s, (size_t)(end - s)))
		return "it is not UTF-8 text";
	for (;;) {
		while (s < end && is_blank(*s))
			s++;
		if (s == end || *s == '#')
			return NULL;
		if (line->n == LINES_MAX_WORDS)
			return "it has too many words";
		line->words[line->n++] = *to;
		const char *wrong = take_word(&s, end, to);

		if (wrong)
			return wrong;
	}
}

struct lines *lines_parse(const char *path, const char *text, size_t len, struct conf_problems *problems)
{
	struct lines *l = calloc(1, sizeof(*l));
	bool bad = false;
	char *to;

	if (text_is_marked(text, len)) {
		conf_problem_add(problems, path, 1, CONF_UNMARKED, "the file begins with a byte order mark, which no editor shows");
		free(l);
		return NULL;
	}
	if (!l || !(l->text = malloc(len + 1)) || !(l->store = calloc(1, len + 1)))
		abort();
	memcpy(l->text, text, len);
	l->text[len] = 0;
	l->len = len;
	l->path = conf_dup(path);
	to = l->store;
	for (size_t at = 0; at < len;) {
		const char *raw = l->text + at, *newline = memchr(raw, '\n', len - at);
		size_t n = newline ? (size_t)(newline - raw) : len - at;

		l->list = conf_grow(l->list, l->n, sizeof(*l->list));
		l->list[l->n] = (struct line){.number = (int)l->n + 1, .raw = raw, .raw_len = n};
		const char *wrong = split(&l->list[l->n++], &to);

		if (wrong)
			conf_problem_add(problems, path, (int)l->n, "Mend the line, or put a '#' and a blank before it.", "%s", wrong);
		bad |= wrong != NULL;
		at += n + 1;
	}
	if (bad) {
		lines_free(l);
		return NULL;
	}
	return l;
}

struct lines *lines_read(const char *path, size_t max, struct conf_problems *problems)
{
	struct lines *l = NULL;
	struct buf text;

	buf_init(&text, max);
	switch (file_read(path, &text)) {
	case FILE_ABSENT:
		l = lines_parse(path, "", 0, problems);
		break;
	case FILE_OK:
		l = lines_parse(path, buf_cstr(&text), text.len, problems);
		break;
	case FILE_TOO_BIG:
		conf_problem_add(problems, path, 0, "Remove entries that are not needed.", "the file is larger than %zu bytes", max);
		break;
	case FILE_COULD_NOT:
		conf_problem_add(problems, path, 0, "Make it readable for this user, who must be able to enter the folders above it, too.",
		                 "the file cannot be read: %s", strerror(errno));
	}
	buf_wipe(&text);
	return l;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	/* accounts.conf holds password hashes */
	if (l->text)
		explicit_bzero(l->text, l->len);
	if (l->store)
		explicit_bzero(l->store, l->len);
	free(l->path);
	free(l->text);
	free(l->store);
	free(l->list);
	free(l);
}

void lines_put_word(struct buf *b, const char *word)
{
	const uint8_t *p = buf_ptr(b);

	if (b->len && p[b->len - 1] != '\n')
		buf_putc(b, ' ');
	if (*word && *word != '#' && !strpbrk(word, " \t\"\\")) {
		buf_puts(b, word);
		return;
	}
	buf_putc(b, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *word);
	}
	buf_putc(b, '"');
}

static void put_line(struct buf *out, const char *s, size_t n)
{
	buf_add(out, s, n);
	buf_putc(out, '\n');
}

int lines_compose(const struct lines *l, size_t replace, const char *text, size_t insert_at, const char *insert, struct buf *out)
{
	for (size_t i = 0; i <= l->n; i++) {
		if (insert && (i == insert_at || (i == l->n && insert_at > l->n)))
			put_line(out, insert, strlen(insert));
		if (i == l->n)
			break;
		if (i != replace)
			put_line(out, l->list[i].raw, l->list[i].raw_len);
		else if (text)
			put_line(out, text, strlen(text));
	}
	return out->failed ? -1 : 0;
}

int lines_write(const struct lines *l, size_t replace, const char *text, size_t insert_at, const char *insert)
{
	struct buf out;
	struct stat st;
	int result = -1;

	buf_init(&out, 32 << 20);
	/* a file keeps the rights it has; a new one is for its owner alone */
	if (lines_compose(l, replace, text, insert_at, insert, &out) == 0)
		result = file_write(l->path, buf_ptr(&out), out.len, stat(l->path, &st) == 0 ? st.st_mode & 0777 : 0600);
	else
		errno = EFBIG;
	buf_wipe(&out);
	return result;
}
