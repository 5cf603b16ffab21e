#include <string.h>
#include <strings.h>
#include "bridge/base/text.h"
#include "bridge/ews/sax_scope.h"

/*
 * One pass over the bytes and no memory but what is below. It takes XML 1.0 with namespaces as far as software writes it: UTF-8, declared
 * or not; names of ASCII letters; http: namespaces; attributes without references and line ends; texts with references to ASCII characters.
 * Anything else, whether it is wrong or only rare, is not taken: this never has to say what is wrong with a document.
 */

/* Less than the limits of sax.h, and than any that libxml2 has of its own. */
enum { LARGEST = 8 << 20, LONGEST_NAME = 100, ATTRIBUTES = 16 };

/* What a byte may be. */
enum {
	BLANK = 1,
	NAME_START = 2,
	NAME = 4,
	TEXT = 8,  /* stands for itself between tags */
	VALUE = 16 /* stands for itself in an attribute, whichever its quotes are */
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
	['-' ... '.'] = TEXT | VALUE | NAME,
	['/'] = TEXT | VALUE,
	['0' ... '9'] = TEXT | VALUE | NAME,
	[':' ... ';'] = TEXT | VALUE,
	['=' ... '@'] = TEXT | VALUE,
	['A' ... 'Z'] = TEXT | VALUE | NAME | NAME_START,
	['[' ... '\\'] = TEXT | VALUE,
	[']'] = VALUE, /* "]]>" may not stand in a text */
	['^'] = TEXT | VALUE,
	['_'] = TEXT | VALUE | NAME | NAME_START,
	['`'] = TEXT | VALUE,
	['a' ... 'z'] = TEXT | VALUE | NAME | NAME_START,
	['{' ... 0x7f] = TEXT | VALUE,
};

/* A name as written, and its parts. */
struct name {
	struct sax_text whole, prefix, local;
};
/* An element that is open. */
struct element {
	struct sax_text name;
	size_t outside; /* namespaces in scope around it */
};
/* The element that may come again. */
struct kept {
	struct sax_text bytes;  /* n = 0 while it is open, and when there is none */
	size_t depth;           /* of what it stands in */
	struct sax_scope scope; /* around it */
};
struct walk {
	const char *p, *end;
	struct sax *sax;
	struct element open[SAX_MAX_DEPTH];
	size_t depth;
	struct sax_scope scope;
	struct kept kept;
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

/* ---- attributes */

static bool attribute(struct walk *w, size_t outside)
{
	struct name n;
	struct sax_text v;

	if (!name(w, &n) || !value(w, &v))
		return false;
	if (sax_is(n.prefix, "xmlns"))
		return sax_scope_declare(&w->scope, n.local, v, outside);
	if (sax_is(n.whole, "xmlns"))
		return sax_scope_declare(&w->scope, n.prefix, v, outside);
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

		if (a->ns.n && !sax_scope_resolve(&w->scope, a->ns, &a->ns))
			return false;
		for (size_t j = 0; j < i; j++)
			if (sax_same(w->attributes[j].name, a->name) && sax_same(w->attributes[j].ns, a->ns))
				return false;
	}
	return true;
}

/* ---- elements that come again */

/* The element from ${from} on, whose scope around it is the ${outside} outermost, may come again. Its end is still to come. */
static void keep(struct walk *w, const char *from, size_t outside)
{
	w->sax->keep = false;
	w->kept = (struct kept){.bytes = {from, 0}, .depth = w->depth, .scope = w->scope};
	w->kept.scope.n = outside;
}

/* Is it there once more from ${from} on? */
static bool is_again(const struct walk *w, const char *from)
{
	const struct kept *k = &w->kept;

	return k->bytes.n && (size_t)(w->end - from) >= k->bytes.n && memcmp(from, k->bytes.p, k->bytes.n) == 0 && w->depth == k->depth &&
	       sax_scope_same(&w->scope, &k->scope);
}

/* ---- tags */

static bool end_element(struct walk *w)
{
	w->scope.n = w->open[--w->depth].outside;
	if (!w->kept.bytes.n && w->kept.bytes.p && w->depth == w->kept.depth)
		w->kept.bytes = text_to(w->kept.bytes.p, w->p);
	return w->sax->end(w->sax->arg);
}

/* From behind its "<". */
static bool start_tag(struct walk *w)
{
	size_t outside = w->scope.n;
	const char *from = w->p;
	struct sax_text ns;
	struct name n;
	bool blank, empty;

	if (is_again(w, from) && w->sax->again(w->sax->arg)) {
		w->p += w->kept.bytes.n;
		return true;
	}
	if (w->depth == SAX_MAX_DEPTH || !name(w, &n))
		return false;
	w->n_attributes = 0;
	while ((blank = skip_blanks(w)), w->p < w->end && is(w->p, NAME_START))
		if (!blank || !attribute(w, outside))
			return false;
	empty = skip(w, "/");
	if (!skip(w, ">") || !sax_scope_resolve(&w->scope, n.prefix, &ns) || !resolve_attributes(w))
		return false;
	if (!w->sax->start(w->sax->arg, ns, n.local, w->attributes, w->n_attributes))
		return false;
	if (w->sax->keep)
		keep(w, from, outside);
	w->open[w->depth++] = (struct element){n.whole, outside};
	return !empty || end_element(w);
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
	return skip(w, "?>") && sax_is(version, "1.0") && encoding.n == 5 && strncasecmp(encoding.p, "utf-8", 5) == 0 &&
	       (sax_is(standalone, "yes") || sax_is(standalone, "no"));
}

bool sax_plain(const void *p, size_t n, struct sax *sax)
{
	struct walk w;

	sax->line = sax->column = 0;
	sax->keep = false;
	if (n == 0 || n > LARGEST)
		return false;
	w.p = p;
	w.end = w.p + n;
	w.sax = sax;
	w.depth = w.scope.n = 0;
	w.kept.bytes = (struct sax_text){NULL, 0};
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
