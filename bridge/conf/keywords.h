#ifndef BRIDGE_CONF_KEYWORDS_H
#define BRIDGE_CONF_KEYWORDS_H
#include "bridge/conf/lines.h"
#include "bridge/conf/parts.h"

/* Files of lines `WORD VALUE...` as rows: what each word is called, where its value goes, what it must look like. */
struct keyword;
struct keyword_file;
/* How one kind of value is read and written back (conf/keywords.c). ${base} is the struct whose rows these are. */
struct keyword_kind {
	/* False: it is not of the form. What has more to say says so by itself, and gives true. */
	bool (*read)(struct keyword_file *f, const struct keyword *k, const char *word);
	void (*put)(struct buf *out, const struct keyword *k, const void *base); /* appends the lines that read would read */
};
struct keyword {
	const char *name;
	const struct keyword_kind *kind;
	size_t at;                         /* offset of the value in the struct */
	const char *form;                  /* what is to be written behind the name */
	const char *preset;                /* the default as text; NULL = zero, or given by the reader */
	bool repeat, required;
	size_t behind, more;               /* words behind the name, and as many more at most; 0 is one */
	unsigned only;                     /* bits of the types that it has a meaning for; 0 = all */
	int64_t min, max;                  /* of numbers and times, in the unit of the struct */
	const char *words;                 /* of a choice, in the order of its enum: "none|simple" */
	char *(*normal)(const char *word); /* of texts: the normal form (malloc'd), or NULL if it is not of the form */
	size_t at_n, at_lines;             /* of lists: their count and (0 = none) the lines; of a pin: whether it is there */
};
enum { KEYWORDS_MAX = 32 };

/* One file while it is read. */
struct keyword_file {
	struct conf_loading *l;
	const char *path, *noun; /* noun: "a backend" */
	const struct keyword *rows;
	size_t n;
	void *base;
	const struct line *line; /* the present one; NULL while defaults are set */
	int lines[KEYWORDS_MAX]; /* where each row was given last; 0 = nowhere */
};

/* Gives every row its default, then reads the file. False if a line was wrong or a required one is missing (complained of). */
bool keywords_read(struct keyword_file *f);
/* Adds a problem of the line ${number} (0 = the file as a whole). */
#define KEYWORDS_COMPLAIN(f, number, fix, ...) conf_problem_add((f)->l->problems, (f)->path, (number), (fix), __VA_ARGS__)
/* The line of ${name}, 0 if it was not given. */
int keywords_line(const struct keyword_file *f, const char *name);
/* Complains if ${name} was given although ${with} does not use it, or was not given although ${with} needs it. */
void keywords_expect(const struct keyword_file *f, const char *name, bool used, bool needed, const char *with);
/* Complains of what is wrong with a pair of `password-file` and `password-credential`; otherwise as keywords_expect(). */
void keywords_expect_password(const struct keyword_file *f, bool used, const char *with);
/* Complains of each row that was given although it has no meaning for the type ${bit}, which is called ${with}. */
void keywords_expect_only(const struct keyword_file *f, unsigned bit, const char *with);
/* Appends every row that has a value, and a meaning for the type ${bit}, as a line. */
void keywords_put(struct buf *out, const struct keyword *rows, size_t n, const void *base, unsigned bit);
/* Frees the texts and lists of all rows. */
void keywords_free(const struct keyword *rows, size_t n, void *base);

extern const struct keyword_kind keyword_text, keyword_path, keyword_list, keyword_choice, keyword_number, keyword_duration, keyword_yes_no,
	keyword_pin;
#endif
