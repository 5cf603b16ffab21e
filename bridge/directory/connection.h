#ifndef BRIDGE_DIRECTORY_CONNECTION_H
#define BRIDGE_DIRECTORY_CONNECTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/facts.h"
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/*
 * One LDAP connection to one server, always with TLS and always verified; libldap lives behind this header alone. Blocking,
 * each call at most until its ${deadline} (loop_ms()). Referrals and search references are never followed.
 */
struct connection;

/*
 * Connects to ${url} of ${d} and ends the TLS handshake; nobody is logged in yet. NULL with a sentence that begins with the
 * URL. Caller frees.
 */
struct connection *connection_open(const struct conf_directory *d, const char *url, int64_t deadline, struct buf *error);
/* Closes it. NULL is allowed. */
void connection_free(struct connection *c);
/*
 * Simple bind as ${name} (DN or UPN) with ${password}: yes, no (the server refused the two), or could not tell; with a
 * sentence unless yes. An empty password is refused here: to a server it would be an anonymous bind, which succeeds.
 */
enum fb_fact connection_bind(struct connection *c, const char *name, const char *password, int64_t deadline, struct buf *error);
/*
 * Has the SASL library load its mechanisms, which are files that a worker cannot load once it has given up its rights. -1
 * with a sentence.
 */
int connection_prepare_gssapi(struct buf *error);
/* SASL GSSAPI with the tickets that ticket_get() got, without a security layer of its own inside TLS. As connection_bind(). */
enum fb_fact connection_bind_gssapi(struct connection *c, int64_t deadline, struct buf *error);

struct directory_query {
	const char *about;             /* for a trace; NULL = nothing in particular */
	const char *base;
	bool below;                    /* the whole tree under base; else base alone */
	const char *filter;            /* RFC 4515, made by filter.h */
	const char *const *attributes; /* up to NULL; "" stands for none */
	size_t max;                    /* entries wanted at most; above PAGE they are asked for page by page */
};
enum { DIRECTORY_PAGE = 100 }; /* some servers refuse larger ones */

/* What a search found; all of it lives in the arena. */
struct found_value {
	const char *p; /* with a zero behind it, which is not counted */
	size_t n;
};
struct found_values {
	size_t n;
	const struct found_value *list;
};
struct found_entry {
	struct found_entry *next;
	const char *dn;
	struct found_values *values; /* one for each attribute asked, in that order */
};
struct found {
	struct arena *arena;
	struct found_entry *first, **last;
	size_t n;
	bool more; /* there are more than max */
};
/* Makes ${f} empty. Aborts when out of memory. The caller ends with found_free(). */
void found_init(struct found *f);
/* Frees what it holds. */
void found_free(struct found *f);

enum search_result { SEARCH_FAILED = 0, SEARCH_DONE, SEARCH_NO_BASE, SEARCH_REFUSED };
/*
 * Searches, and adds what it finds to ${out}. SEARCH_NO_BASE: there is no such entry as the base. SEARCH_REFUSED with a
 * sentence: the server answers, but not this. SEARCH_FAILED with a sentence: the connection is of no more use; another server
 * may do better. A reply of more than 4 MiB is refused.
 */
enum search_result connection_search(struct connection *c, const struct directory_query *q, int64_t deadline, struct found *out,
                                     struct buf *error);
#endif
