#ifndef BRIDGE_CONF_LINES_H
#define BRIDGE_CONF_LINES_H
#include <stddef.h>
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/*
 * The files that verbs own: one entry a line, words between blanks; a word with blanks, '#' or '"' stands in double
 * quotes with \" and \\ inside; '#' starts a comment at the start of a word. An edit copies every other line as it was read.
 */
enum { LINES_MAX_WORDS = 8 };
struct line {
	int number;               /* 1-based */
	const char *raw;          /* the line as read, without its newline; borrowed from the file */
	size_t raw_len;
	size_t n;                 /* words; 0 = blank or comment */
	char *words[LINES_MAX_WORDS];
};
struct lines {
	char *path;
	char *text;
	char *store; /* the words' bytes */
	size_t len;  /* of text; store is no longer */
	struct line *list;
	size_t n;
};

/*
 * Reads ${path}; a missing file is an empty list. NULL with problems added if it cannot be read, is over ${max} bytes or a line
 * is malformed. Caller frees.
 */
struct lines *lines_read(const char *path, size_t max, struct conf_problems *problems);
/* The same from ${len} bytes of ${text} in memory; ${path} is for the messages. Caller frees. */
struct lines *lines_parse(const char *path, const char *text, size_t len, struct conf_problems *problems);
/* Frees it. NULL is allowed. */
void lines_free(struct lines *l);
/* Appends one word in the file's syntax, quoted if need be, with a blank before it unless it is the first of the line. */
void lines_put_word(struct buf *b, const char *word);
/*
 * Writes the file anew in one step: all lines as read, but line ${replace} (index into list; SIZE_MAX = none) becomes ${text}
 * (NULL = removed), and ${insert_at} (index; SIZE_MAX = at the end) gets ${insert} (NULL = nothing) before it. -1 with errno.
 */
int lines_write(const struct lines *l, size_t replace, const char *text, size_t insert_at, const char *insert);
/* What lines_write() would write, appended to ${out}. -1 if ${out} is full. */
int lines_compose(const struct lines *l, size_t replace, const char *text, size_t insert_at, const char *insert, struct buf *out);
#endif
