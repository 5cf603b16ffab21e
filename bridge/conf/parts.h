#ifndef BRIDGE_CONF_PARTS_H
#define BRIDGE_CONF_PARTS_H
#include "bridge/conf/conf.h"

/* What the files of this room share; nobody else includes it. */

enum { CONF_MAIN_MAX = 1 << 20, CONF_LINES_MAX = 16 << 20, CONF_PEERS_MAX = 10000, CONF_PROBLEMS_MAX = 1000 };

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
/* The change for ${path}, or NULL. */
const struct conf_change *conf_change_of(const struct conf_loading *l, const char *path);

/* Reads the main file into l->c, every row checked (conf/schema.c). */
void conf_read_main(struct conf_loading *l);
/* Reads address-spaces.conf, accounts.conf and peers.d (conf/files.c). */
void conf_read_spaces(struct conf_loading *l);
/* See conf_read_spaces(). */
void conf_read_accounts(struct conf_loading *l);
/* See conf_read_spaces(). Puts "local" first. */
void conf_read_peers(struct conf_loading *l);
/* What no file can know alone (conf/cross.c). */
void conf_cross_check(struct conf_loading *l);
/* Frees what the rows of the main file own (conf/schema.c). */
void conf_free_main(struct conf *c);
#endif
