#include "bridge/ews/soap.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/sax.h"
#include "bridge/ews/scan.h"

/* One open element. */
struct soap_frame {
	const struct soap_row *row;  /* NULL for the document itself */
	const struct soap_row *rows; /* what may stand in it */
	size_t at;                   /* the row matched last */
	bool seen;                   /* rows[at] was met */
};

struct soap_state {
	struct soap *s;
	struct sax sax;
	struct soap_frame frames[SAX_MAX_DEPTH + 1];
	size_t depth;   /* frames in use; frames[0] is the document */
	size_t skipped; /* open elements inside what is skipped */
	struct buf text;
	const struct sax_attribute *attributes;
	size_t n_attributes;
	struct sax_text ns; /* what ns_word, of some row, was found to be last */
	const char *ns_word;
	const struct soap_row *kept, *kept_in; /* the element that may come again, and what it stands in */
};

static void note(struct soap *s, const char *code, const char *why, bool placed)
{
	if (s->fault.code)
		return;
	s->fault.code = code;
	s->fault.text = arena_strdup(s->arena, why);
	if (!s->fault.text)
		s->fault.text = "The request could not be read.";
	if (placed) {
		s->fault.violation = s->fault.text;
		s->fault.line = s->state ? s->state->sax.line : 0;
		s->fault.column = s->state ? s->state->sax.column : 0;
	}
}

bool soap_violation(struct soap *s, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	note(s, "ErrorSchemaValidation", why, true);
	return false;
}

bool soap_fault(struct soap *s, const char *code, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	note(s, code, why, false);
	return false;
}

static bool is(struct sax_text t, const char *word)
{
	if (t.n && *t.p != *word)
		return false; /* most words */
	return strlen(word) == t.n && memcmp(t.p, word, t.n) == 0;
}

/* In most documents one namespace is asked about again and again, and stands at the same place each time. */
static bool in_namespace(struct soap_state *st, struct sax_text ns, const char *word)
{
	if (ns.p == st->ns.p && ns.n == st->ns.n && word == st->ns_word)
		return true;
	if (!is(ns, word))
		return false;
	st->ns = ns;
	st->ns_word = word;
	return true;
}

static bool same_name(struct soap_state *st, const struct soap_row *row, struct sax_text ns, struct sax_text name)
{
	return is(name, row->name) && (!row->ns || in_namespace(st, ns, row->ns));
}

/* The first required row from where the frame stands to before ${end} that was never met; NULL if none. */
static const char *missing(const struct soap_frame *f, size_t end)
{
	for (size_t i = f->at; i < end; i++)
		if ((f->rows[i].flags & SOAP_REQUIRED) && !(i == f->at && f->seen))
			return f->rows[i].name;
	return NULL;
}

/* For "%.*s": a name is no reason for a long sentence. */
static int shown(struct sax_text name)
{
	return name.n < 100 ? (int)name.n : 100;
}

/* Finds the row of an element inside ${f} and moves the frame on. NULL: a violation was recorded, or (lax) it is to be skipped. */
static const struct soap_row *step(struct soap *s, struct soap_frame *f, struct sax_text ns, struct sax_text name)
{
	bool lax = f->row && (f->row->flags & SOAP_LAX);
	const char *absent;
	size_t i = lax ? 0 : f->at;

	while (f->rows && f->rows[i].name && !same_name(s->state, &f->rows[i], ns, name))
		i++;
	if (!f->rows || !f->rows[i].name) {
		if (lax && s->unknown)
			s->unknown(s, f->row);
		else if (!lax)
			soap_violation(s, "Element %.*s is not expected here: it is unknown, in another namespace, or out of order.", shown(name), name.p);
		return NULL;
	}
	if (lax)
		return &f->rows[i];
	if (i == f->at && f->seen && !(f->rows[i].flags & SOAP_MANY)) {
		soap_violation(s, "Element %.100s may stand here only once.", f->rows[i].name);
		return NULL;
	}
	absent = missing(f, i);
	if (absent) {
		soap_violation(s, "Element %.100s is expected before %.100s.", absent, f->rows[i].name);
		return NULL;
	}
	f->at = i;
	f->seen = true;
	return &f->rows[i];
}

/* The attribute ${name} in ${ns}, NULL if the start tag at hand has none. */
static const struct sax_attribute *attribute(const struct soap_state *st, const char *ns, const char *name)
{
	for (size_t i = 0; i < st->n_attributes; i++)
		if (is(st->attributes[i].name, name) && is(st->attributes[i].ns, ns))
			return &st->attributes[i];
	return NULL;
}

const char *soap_attribute(struct soap *s, const char *name)
{
	const struct sax_attribute *a = attribute(s->state, "", name);

	return a ? arena_strndup(s->arena, a->value.p, a->value.n) : NULL;
}

/* An element that is skipped; false if it bears mustUnderstand and must not be. */
static bool may_skip(struct soap *s, struct sax_text ns, struct sax_text name)
{
	const struct sax_attribute *must = attribute(s->state, NS_SOAP, "mustUnderstand");
	const char *space, *local;

	if (!must || !is(must->value, "1") || !s->header)
		return true;
	space = arena_strndup(s->arena, ns.p, ns.n);
	local = arena_strndup(s->arena, name.p, name.n);
	if (!space || !local)
		return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the request.");
	return s->header(s, space, local);
}

static bool is_nil(const struct soap_state *st)
{
	const struct sax_attribute *nil = attribute(st, NS_XSI, "nil");

	return nil && (is(nil->value, "true") || is(nil->value, "1"));
}

bool soap_may_be_nil(const struct soap *s)
{
	const struct soap_state *st = s->state;

	for (size_t i = 0; i < st->n_attributes; i++)
		if (is(st->attributes[i].name, "nil") && !is(st->attributes[i].value, "false") && !is(st->attributes[i].value, "0"))
			return true;
	return false;
}

static void keep(struct soap_state *st, const struct soap_row *row)
{
	st->kept = row;
	st->kept_in = st->frames[st->depth - 2].row;
	st->sax.keep = true;
}

static bool on_start(void *arg, struct sax_text ns, struct sax_text name, const struct sax_attribute *attributes, size_t n_attributes)
{
	struct soap_state *st = arg;
	struct soap *s = st->s;
	static const struct soap_row nothing[] = {{0}};
	const struct soap_row *row;

	if (st->skipped) {
		st->skipped++;
		return true;
	}
	st->attributes = attributes;
	st->n_attributes = n_attributes;
	row = step(s, &st->frames[st->depth - 1], ns, name);
	if (s->fault.code || (!row && !may_skip(s, ns, name)))
		return false;
	if (!row || (row->flags & SOAP_SKIP)) {
		st->skipped = 1;
		return true;
	}
	st->frames[st->depth++] = (struct soap_frame){.row = row, .rows = (row->flags & SOAP_NILLABLE) && is_nil(st) ? nothing : row->inside};
	buf_reset(&st->text);
	if (row->open)
		row->open(s, NULL);
	st->n_attributes = 0;
	if (row->flags & SOAP_AGAIN)
		keep(st, row);
	return !s->fault.code;
}

static bool on_again(void *arg)
{
	struct soap_state *st = arg;

	return !st->skipped && st->frames[st->depth - 1].row == st->kept_in && st->kept->close(st->s, NULL);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *trimmed(struct buf *b)
{
	const char *s = buf_cstr(b);

	while (b->len && is_blank(s[b->len - 1]))
		b->len--;
	for (s = buf_cstr(b); is_blank(*s); s++)
		;
	return s;
}

static bool on_end(void *arg)
{
	struct soap_state *st = arg;
	struct soap *s = st->s;
	struct soap_frame *f = &st->frames[st->depth - 1];
	const char *absent;

	if (st->skipped) {
		st->skipped--;
		return true;
	}
	if (f->rows && !(f->row->flags & SOAP_LAX)) {
		size_t end = f->at;

		while (f->rows[end].name)
			end++;
		absent = missing(f, end);
		if (absent)
			return soap_violation(s, "Element %.100s is missing in %.100s.", absent, f->row->name);
	}
	if (st->text.len == st->text.max)
		st->text.len = text_utf8_whole(buf_cstr(&st->text), st->text.len); /* it may have been cut */
	if (f->row->close && !f->row->close(s, f->rows && !(f->row->flags & SOAP_MIXED) ? "" : trimmed(&st->text)) && !s->fault.code)
		soap_violation(s, "Element %.100s could not be taken.", f->row->name);
	st->depth--;
	buf_reset(&st->text);
	return !s->fault.code;
}

static bool on_text(void *arg, const char *p, size_t n)
{
	struct soap_state *st = arg;
	struct soap_frame *f = &st->frames[st->depth - 1];
	size_t room = st->text.max - st->text.len;

	if (st->skipped || !f->row)
		return true;
	if (!f->rows || (f->row->flags & SOAP_MIXED)) {
		if (buf_add(&st->text, p, (f->row->flags & SOAP_CUT) && n > room ? room : n))
			return soap_violation(st->s, "The text of element %.100s is over %zu bytes.", f->row->name, st->text.max);
		return true;
	}
	while (n && is_blank(*p))
		p++, n--;
	if (n && !(f->row->flags & SOAP_LAX))
		return soap_violation(st->s, "Text is not allowed in element %.100s.", f->row->name);
	if (n && st->s->unknown)
		st->s->unknown(st->s, f->row);
	return true;
}

static void on_broken(void *arg, const char *why)
{
	struct soap_state *st = arg;

	soap_violation(st->s, "%s", why);
}

/* The first element is still to come. */
static void begin(struct soap *s, const struct soap_row *roots)
{
	struct soap_state *st = s->state;

	s->fault = (struct ews_fault){0};
	st->frames[0] = (struct soap_frame){.rows = roots};
	st->depth = 1;
	st->skipped = 0;
	st->ns_word = NULL;
	if (s->begin)
		s->begin(s);
}

static void read_any(struct soap *s, const void *p, size_t n, size_t max)
{
	struct buf utf8, mended;
	const char *why;

	buf_init(&utf8, max * 2);
	why = scan_document(&p, &n, &utf8);
	buf_init(&mended, n + 1);
	if (s->mend && !why)
		scan_mend(&p, &n, s->mend, &mended);
	if (why)
		soap_violation(s, "%s", why);
	else if (!sax_libxml2(p, n, &s->state->sax) && !s->fault.code)
		soap_fault(s, "ErrorInternalServerError", "There was no memory to read the request.");
	buf_free(&utf8);
	buf_free(&mended);
}

bool soap_read(struct soap *s, const void *p, size_t n, size_t max, const struct soap_row *roots)
{
	struct soap_state st = {.s = s, .sax = {.arg = &st, .start = on_start, .end = on_end, .text = on_text, .again = on_again, .broken = on_broken}};

	s->state = &st;
	buf_init(&st.text, s->max_text ? s->max_text : SOAP_MAX_TEXT);
	begin(s, roots);
	if (n > max)
		soap_violation(s, "The document is over %zu bytes.", max);
	else if (!s->begin || !sax_plain(p, n, &st.sax)) {
		/* Whatever there is to say against a document, libxml2 is to say it, and where. */
		begin(s, roots);
		read_any(s, p, n, max);
	}
	if (!s->fault.code && !st.frames[0].seen)
		soap_violation(s, "The document is empty.");
	s->state = NULL;
	buf_free(&st.text);
	return !s->fault.code;
}

bool soap_int(struct soap *s, const char *what, const char *text, int min, int max, int *out)
{
	int64_t v;

	if (*text == '+' && text[1] >= '0' && text[1] <= '9')
		text++;
	if (!text_int(text, min, max, &v))
		return soap_violation(s, "%s is %.40s; it must be a whole number from %d to %d.", what, *text ? text : "empty", min, max);
	*out = (int)v;
	return true;
}

bool soap_bool(struct soap *s, const char *what, const char *text, bool *out)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

	if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return soap_violation(s, "%s is %.40s; it must be true or false.", what, *text ? text : "empty");
	*out = yes;
	return true;
}

int soap_word(struct soap *s, const char *what, const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	soap_violation(s, "%s is %.60s, which is none of the words that the schema allows.", what, *text ? text : "empty");
	return -1;
}
