#include <string.h>
#include <strings.h>
#include "bridge/base/text.h"
#include "bridge/ews/sax.h"

/*
 * One pass over the bytes and no memory but what is below. It takes XML 1.0 with namespaces as far as software writes it: UTF-8, declared
 * or not; names of ASCII letters; http: namespaces; attributes without references and line ends; texts with references to ASCII characters.
 * Anything else, whether it is wrong or only rare, is not taken: this never has to say what is wrong with a document.
 */

/* Less than the limits of sax.h, and than any that libxml2 has of its own. */
enum { LARGEST = 8 << 20, LONGEST_NAME = 100, ATTRIBUTES = 16, NAMESPACES = 32 };

/* What a byte may be. */
enum {
	BLANK = 1,
	NAME_START = 2,
	NAME = 4,
	TEXT = 8,   /* stands for itself between tags */
	VALUE = 16, /* stands for itself in an attribute, whichever its quotes are */
	URI = 32    /* of the namespaces that are taken */
};
static const unsigned char kinds[256] = {
	['\t' ... '\n'] = BLANK | TEXT,
	['\r'] = BLANK,
	[' '] = BLANK | TEXT | VALUE,
	['!'] = TEXT | VALUE,
	['"'] = TEXT,
	['#' ... '%'] = TEXT | VALUE,
	['\''] = TEXT,
	['(' ... ','] = TEXT | VALUE,
	['-' ... '.'] = TEXT | VALUE | URI | NAME,
	['/'] = TEXT | VALUE | URI,
	['0' ... '9'] = TEXT | VALUE | URI | NAME,
	[':' ... ';'] = TEXT | VALUE,
	['=' ... '@'] = TEXT | VALUE,
	['A' ... 'Z'] = TEXT | VALUE | URI | NAME | NAME_START,
	['[' ... '\\'] = TEXT | VALUE,
	[']'] = VALUE, /* "]]>" may not stand in a text */
	['^'] = TEXT | VALUE,
	['_'] = TEXT | VALUE | URI | NAME | NAME_START,
	['`'] = TEXT | VALUE,
	['a' ... 'z'] = TEXT | VALUE | URI | NAME | NAME_START,
	['{' ... 0x7f] = TEXT | VALUE,
};

/* A name as written, and its parts. */
struct name {
	struct sax_text whole, prefix, local;
};
struct namespace {
	struct sax_text prefix, uri; /* an empty prefix is the default namespace, an empty URI takes it back */
};
/* An element that is open. */
struct element {
	struct sax_text name;
	size_t outside; /* namespaces in scope around it */
};
struct walk {
	const char *p, *end;
	const struct sax *sax;
	struct element open[SAX_MAX_DEPTH];
	size_t depth;
	struct namespace spaces[NAMESPACES];
	size_t n_spaces;
	struct sax_attribute attributes[ATTRIBUTES]; /* of the tag at hand; ns is the prefix until all are read */
	size_t n_attributes;
};

static inline bool is(const char *p, unsigned kind)
{
	return kinds[(unsigned char)*p] & kind;
}

static inline struct sax_text text_to(const char *from, const char *to)
{
	return (struct sax_text){from, (size_t)(to - from)};
}

static inline bool same(struct sax_text a, struct sax_text b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static inline bool same_word(struct sax_text a, const char *word)
{
	return same(a, text_to(word, word + strlen(word)));
}

/* True if there was a blank. */
static inline bool skip_blanks(struct walk *w)
{
	const char *from = w->p;

	while (w->p < w->end && is(w->p, BLANK))
		w->p++;
	return w->p > from;
}

static inline bool skip(struct walk *w, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(w->end - w->p) < n || memcmp(w->p, word, n) != 0)
		return false;
	w->p += n;
	return true;
}

/* Past the character above ASCII at hand; false if it is none. XML has all of them but two. */
static bool skip_wide(struct walk *w)
{
	size_t n = (unsigned char)*w->p < 0x80 ? 0 : text_utf8_step(w->p, (size_t)(w->end - w->p));

	if (n == 0 || (n == 3 && memcmp(w->p, "\xef\xbf", 2) == 0 && (unsigned char)w->p[2] >= 0xbe))
		return false;
	w->p += n;
	return true;
}

/* A name without a colon. */
static bool simple_name(struct walk *w, struct sax_text *out)
{
	const char *from = w->p;

	if (w->p == w->end || !is(w->p, NAME_START))
		return false;
	while (w->p < w->end && is(w->p, NAME))
		w->p++;
	*out = text_to(from, w->p);
	return out->n <= LONGEST_NAME;
}

static bool name(struct walk *w, struct name *out)
{
	const char *from = w->p;

	if (!simple_name(w, &out->local))
		return false;
	out->prefix = text_to(from, from);
	if (w->p < w->end && *w->p == ':') {
		w->p++;
		out->prefix = out->local;
		if (!simple_name(w, &out->local))
			return false;
	}
	out->whole = text_to(from, w->p);
	return true;
}

/* What stands between quotes, with "=" before them. */
static bool value(struct walk *w, struct sax_text *out)
{
	const char *from;
	char quote;

	skip_blanks(w);
	if (!skip(w, "="))
		return false;
	skip_blanks(w);
	if (w->p == w->end || (*w->p != '"' && *w->p != '\''))
		return false;
	quote = *w->p++;
	for (from = w->p; w->p < w->end && *w->p != quote;)
		if (is(w->p, VALUE) || *w->p == '"' || *w->p == '\'')
			w->p++;
		else if (!skip_wide(w))
			return false;
	*out = text_to(from, w->p);
	return w->p++ < w->end;
}

/* ---- namespaces */

/* The namespace of ${prefix}; an empty one of none, and false for a prefix that is not declared. */
static bool resolve(const struct walk *w, struct sax_text prefix, struct sax_text *uri)
{
	for (size_t i = w->n_spaces; i-- > 0;)
		if (same(w->spaces[i].prefix, prefix)) {
			*uri = w->spaces[i].uri;
			return true;
		}
	*uri = (struct sax_text){"", 0};
	return prefix.n == 0;
}

/* libxml2 wants a URI, and not those two that no prefix may have. */
static bool is_namespace(struct sax_text uri)
{
	static const char scheme[] = "http://";
	size_t n = sizeof scheme - 1;

	if (uri.n <= n || memcmp(uri.p, scheme, n) != 0 || !is(uri.p + n, NAME_START))
		return false;
	for (size_t i = n; i < uri.n; i++)
		if (!is(uri.p + i, URI))
			return false;
	return !same_word(uri, "http://www.w3.org/XML/1998/namespace") && !same_word(uri, "http://www.w3.org/2000/xmlns/");
}

/* ${outside}: where those of this tag begin; it may not declare a prefix twice. */
static bool declare(struct walk *w, struct sax_text prefix, struct sax_text uri, size_t outside)
{
	if (w->n_spaces == NAMESPACES || (uri.n ? !is_namespace(uri) : prefix.n != 0) || (prefix.n >= 3 && strncasecmp(prefix.p, "xml", 3) == 0))
		return false;
	for (size_t i = outside; i < w->n_spaces; i++)
		if (same(w->spaces[i].prefix, prefix))
			return false;
	w->spaces[w->n_spaces++] = (struct namespace){prefix, uri};
	return true;
}

/* ---- tags */

static bool attribute(struct walk *w, size_t outside)
{
	struct name n;
	struct sax_text v;

	if (!name(w, &n) || !value(w, &v))
		return false;
	if (same_word(n.prefix, "xmlns"))
		return declare(w, n.local, v, outside);
	if (same_word(n.whole, "xmlns"))
		return declare(w, n.prefix, v, outside);
	if (w->n_attributes == ATTRIBUTES)
		return false;
	w->attributes[w->n_attributes++] = (struct sax_attribute){n.prefix, n.local, v};
	return true;
}

/* Gives each attribute its namespace; none may be there twice. */
static bool resolve_attributes(struct walk *w)
{
	for (size_t i = 0; i < w->n_attributes; i++) {
		struct sax_attribute *a = &w->attributes[i];

		if (a->ns.n && !resolve(w, a->ns, &a->ns))
			return false;
		for (size_t j = 0; j < i; j++)
			if (same(w->attributes[j].name, a->name) && same(w->attributes[j].ns, a->ns))
				return false;
	}
	return true;
}

static bool end_element(struct walk *w)
{
	w->n_spaces = w->open[--w->depth].outside;
	return w->sax->end(w->sax->arg);
}

/* From behind its "<". */
static bool start_tag(struct walk *w)
{
	size_t outside = w->n_spaces;
	struct sax_text ns;
	struct name n;
	bool blank, empty;

	if (w->depth == SAX_MAX_DEPTH || !name(w, &n))
		return false;
	w->n_attributes = 0;
	while ((blank = skip_blanks(w)), w->p < w->end && is(w->p, NAME_START))
		if (!blank || !attribute(w, outside))
			return false;
	empty = skip(w, "/");
	if (!skip(w, ">") || !resolve(w, n.prefix, &ns) || !resolve_attributes(w))
		return false;
	w->open[w->depth++] = (struct element){n.whole, outside};
	return w->sax->start(w->sax->arg, ns, n.local, w->attributes, w->n_attributes) && (!empty || end_element(w));
}

/* From behind its "</". */
static bool end_tag(struct walk *w)
{
	struct sax_text n = w->open[w->depth - 1].name;

	if ((size_t)(w->end - w->p) < n.n || memcmp(w->p, n.p, n.n) != 0)
		return false;
	w->p += n.n;
	skip_blanks(w);
	return skip(w, ">") && end_element(w);
}

/* ---- texts */

/* What the digit ${c} counts, in either base; 16 for what is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* "65;" and "x41;". */
static bool character(struct walk *w, char *out)
{
	unsigned base = skip(w, "x") ? 16 : 10, c = 0;
	const char *from = w->p;

	for (; w->p < w->end && digit(*w->p) < base && c < 0x80; w->p++)
		c = c * base + digit(*w->p);
	*out = (char)c;
	return w->p > from && c < 0x80 && (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') && skip(w, ";");
}

static bool reference(struct walk *w)
{
	static const struct { const char *name; char c; } known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	char c;

	w->p++;
	if (skip(w, "#"))
		return character(w, &c) && w->sax->text(w->sax->arg, &c, 1);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (skip(w, known[i].name))
			return w->sax->text(w->sax->arg, &known[i].c, 1);
	return false;
}

/* What stands for itself, as far as it goes. */
static bool plain_text(struct walk *w)
{
	const char *from = w->p;

	while (w->p < w->end)
		if (is(w->p, TEXT) || (*w->p == ']' && w->end - w->p > 2 && memcmp(w->p, "]]>", 3) != 0))
			w->p++;
		else if (!skip_wide(w))
			break;
	return w->p == from || w->sax->text(w->sax->arg, from, (size_t)(w->p - from));
}

/* All up to the next tag. Of the two characters that end a line the second one counts. */
static bool text(struct walk *w)
{
	while (plain_text(w) && w->p < w->end) {
		if (*w->p == '<')
			return true;
		if (!(*w->p == '&' ? reference(w) : skip(w, "\r") && w->p < w->end && *w->p == '\n'))
			return false;
	}
	return false;
}

/* ---- the document */

static bool given(struct walk *w, const char *what, struct sax_text *v)
{
	const char *from = w->p;

	if (skip_blanks(w) && skip(w, what))
		return value(w, v);
	w->p = from;
	return true;
}

static bool declaration(struct walk *w)
{
	struct sax_text version = {"", 0}, encoding = {"utf-8", 5}, standalone = {"no", 2};

	if (!skip(w, "<?xml"))
		return true;
	if (!given(w, "version", &version) || !given(w, "encoding", &encoding) || !given(w, "standalone", &standalone))
		return false;
	skip_blanks(w);
	return skip(w, "?>") && same_word(version, "1.0") && encoding.n == 5 && strncasecmp(encoding.p, "utf-8", 5) == 0 &&
	       (same_word(standalone, "yes") || same_word(standalone, "no"));
}

bool sax_plain(const void *p, size_t n, struct sax *sax)
{
	struct walk w;

	sax->line = sax->column = 0;
	if (n == 0 || n > LARGEST)
		return false;
	w.p = p;
	w.end = w.p + n;
	w.sax = sax;
	w.depth = w.n_spaces = 0;
	skip(&w, "\xef\xbb\xbf");
	if (!declaration(&w))
		return false;
	skip_blanks(&w);
	if (!skip(&w, "<") || !start_tag(&w))
		return false;
	while (w.depth)
		if (!text(&w) || !skip(&w, "<") || !(skip(&w, "/") ? end_tag(&w) : start_tag(&w)))
			return false;
	skip_blanks(&w);
	return w.p == w.end;
}
