#ifndef BRIDGE_CONF_PARTS_H
#define BRIDGE_CONF_PARTS_H
#include "bridge/conf/conf.h"

/* What the files of this room share; nobody else includes it. */

enum {
	CONF_MAIN_MAX = 1 << 20, CONF_LINES_MAX = 16 << 20, /* bytes of a file */
	CONF_PEERS_MAX = 10000, CONF_BACKENDS_MAX = 64, CONF_DN_MAX = 1024, CONF_PROBLEMS_MAX = 1000
};

/* What to do about a text that text_is_marked(). */
#define CONF_UNMARKED "Save it as UTF-8 without a byte order mark (BOM)."

/* One loading: what is being built and where complaints go. */
struct conf_loading {
	struct conf *c;
	struct conf_problems *problems;
	const struct conf_change *changes;
	size_t n_changes;
};

/* A copy of ${s}; aborts when out of memory (there are no settings without it). */
char *conf_dup(const char *s);
/* Room for one more element of ${size} bytes behind ${n} in ${list} (doubling); aborts when out of memory. Returns the list. */
void *conf_grow(void *list, size_t n, size_t size);
/* Reads "10 s", "500 ms" or "2 min" (a bare number is seconds) between ${min} and ${max} milliseconds. False if it is not of the form. */
bool conf_duration_read(const char *text, int64_t min, int64_t max, int *ms);
/* Appends the text that conf_duration_read() would read. */
void conf_duration_put(struct buf *out, int ms);
/* The change for ${path}, or NULL. */
const struct conf_change *conf_change_of(const struct conf_loading *l, const char *path);

/* Reads the main file into l->c, every row checked (conf/main_file.c). */
void conf_read_main(struct conf_loading *l);
/* Reads address-spaces.conf and accounts.conf (conf/files.c), and peers.d (conf/peers.c). */
void conf_read_spaces(struct conf_loading *l);
/* See conf_read_spaces(). */
void conf_read_accounts(struct conf_loading *l);
/* See conf_read_spaces(). Puts "local" first. */
void conf_read_peers(struct conf_loading *l);
/* Reads backends.d (conf/backends.c) and directory.conf (conf/directory.c). */
void conf_read_backends(struct conf_loading *l);
/* See conf_read_backends(). */
void conf_read_directory(struct conf_loading *l);
/* Appends the lines that are in force of ${b}. */
void conf_put_backend(struct buf *out, const struct conf_backend *b);
/* Appends the lines that are in force of ${d}. */
void conf_put_directory(struct buf *out, const struct conf_directory *d);
/* Frees what the lines of a file gave. */
void conf_free_backend(struct conf_backend *b);
/* See conf_free_backend(); ${d} itself too. NULL is allowed. */
void conf_free_directory(struct conf_directory *d);

/* The NAMEs of the files NAME.conf in one folder beside the main file, sorted. */
struct conf_names {
	char (*list)[64];
	size_t n;
};
/*
 * Lists the folder ${folder} (conf/folder.c), with what the changes add and take away; a folder that is not there has none. A name that
 * cannot be that of a ${noun}, and more than ${max}, are complained of. Free the list.
 */
struct conf_names conf_folder_names(struct conf_loading *l, const char *folder, const char *noun, size_t max);
/* The lines of ${path}, or of the change that stands for it. NULL after a complaint. Caller frees with lines_free(). */
struct lines *conf_read_lines(struct conf_loading *l, const char *path);

/* What no file can know alone (conf/cross.c). */
void conf_cross_check(struct conf_loading *l);
/* The rows of ${c} sorted by domain. Caller frees the list alone. */
const struct conf_address_space **conf_rows_sorted(const struct conf *c);
/* The row of ${domain} in a ${list} of conf_rows_sorted(), or NULL. */
const struct conf_address_space *conf_row_of(const struct conf *c, const struct conf_address_space **list, const char *domain);
/* True if that row is ${peer}'s. */
bool conf_is_of(const struct conf *c, const struct conf_address_space **list, const char *domain, const char *peer);
/* Frees what the rows of the main file own (conf/schema.c). */
void conf_free_main(struct conf *c);
#endif
