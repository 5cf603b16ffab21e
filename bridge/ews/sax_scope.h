#ifndef BRIDGE_EWS_SAX_SCOPE_H
#define BRIDGE_EWS_SAX_SCOPE_H
#include <string.h>
#include "bridge/ews/sax.h"

/* The namespaces that are declared where our own walker stands (Namespaces in XML 1.0). Private to sax_plain.c. */

enum { SAX_SCOPE_MAX = 32 };

struct sax_namespace {
	struct sax_text prefix, uri; /* an empty prefix is the default namespace, an empty URI takes it back */
};
struct sax_scope {
	struct sax_namespace spaces[SAX_SCOPE_MAX]; /* the innermost last */
	size_t n;
};

/* The same bytes? */
static inline bool sax_same(struct sax_text a, struct sax_text b)
{
	return a.n == b.n && (a.n == 0 || (*a.p == *b.p && memcmp(a.p, b.p, a.n) == 0));
}

/* The bytes of ${word}? */
static inline bool sax_is(struct sax_text a, const char *word)
{
	return sax_same(a, (struct sax_text){word, strlen(word)});
}

/* The namespace of ${prefix} in ${uri}, an empty one of none; false for a prefix that is not declared. */
static inline bool sax_scope_resolve(const struct sax_scope *s, struct sax_text prefix, struct sax_text *uri)
{
	for (size_t i = s->n; i-- > 0;)
		if (sax_same(s->spaces[i].prefix, prefix)) {
			*uri = s->spaces[i].uri;
			return true;
		}
	*uri = (struct sax_text){"", 0};
	return prefix.n == 0;
}

/*
 * Declares ${prefix} in a tag whose own declarations begin at ${outside}. False for what is wrong, twice in one tag, too many, or no plain
 * http: URI, of which nothing is said here.
 */
bool sax_scope_declare(struct sax_scope *s, struct sax_text prefix, struct sax_text uri, size_t outside);
/* Are the same declarations in scope, in the same order? What the two point to must live still. */
bool sax_scope_same(const struct sax_scope *a, const struct sax_scope *b);
#endif
