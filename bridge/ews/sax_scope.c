#include "bridge/ews/sax_scope.h"
#include <strings.h>

/* What such a URI is made of. */
static const bool plain[256] = {
	['-' ... '/'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['_'] = true, ['a' ... 'z'] = true,
};

/* libxml2 wants a URI, and not those two that no prefix may have. */
static bool is_namespace(struct sax_text uri)
{
	static const char scheme[] = "http://";
	size_t n = sizeof scheme - 1;

	if (uri.n <= n || memcmp(uri.p, scheme, n) != 0 || strchr("-./0123456789", uri.p[n]))
		return false;
	for (size_t i = n; i < uri.n; i++)
		if (!plain[(unsigned char)uri.p[i]])
			return false;
	return !sax_is(uri, "http://www.w3.org/XML/1998/namespace") && !sax_is(uri, "http://www.w3.org/2000/xmlns/");
}

bool sax_scope_declare(struct sax_scope *s, struct sax_text prefix, struct sax_text uri, size_t outside)
{
	if (s->n == SAX_SCOPE_MAX || (uri.n ? !is_namespace(uri) : prefix.n != 0) || (prefix.n >= 3 && strncasecmp(prefix.p, "xml", 3) == 0))
		return false;
	for (size_t i = outside; i < s->n; i++)
		if (sax_same(s->spaces[i].prefix, prefix))
			return false;
	s->spaces[s->n++] = (struct sax_namespace){prefix, uri};
	return true;
}

bool sax_scope_same(const struct sax_scope *a, const struct sax_scope *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!sax_same(a->spaces[i].prefix, b->spaces[i].prefix) || !sax_same(a->spaces[i].uri, b->spaces[i].uri))
			return false;
	return true;
}
