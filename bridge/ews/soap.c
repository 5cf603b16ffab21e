#include "bridge/ews/soap.h"
#include <ctype.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/scan.h"

enum { KEPT_NAMES = 64 << 10 }; /* bytes */

/* One open element. */
struct soap_frame {
	const struct soap_row *row;  /* NULL for the document itself */
	const struct soap_row *rows; /* what may stand in it */
	size_t at;                   /* the row matched last */
	bool seen;                   /* rows[at] was met */
};

struct soap_state {
	struct soap *s;
	xmlParserCtxtPtr ctxt;
	struct soap_frame frames[SOAP_MAX_DEPTH + 1];
	size_t depth;   /* frames in use; frames[0] is the document */
	size_t skipped; /* open elements inside what is skipped */
	size_t open;    /* open elements in all */
	size_t namespaces, declared[SOAP_MAX_DEPTH + 1]; /* in scope; by each open element */
	struct buf text;
	const xmlChar **attributes;
	int n_attributes;
};

static void note(struct soap *s, const char *code, const char *why, bool placed)
{
	struct soap_state *st = s->state;

	if (s->fault.code)
		return;
	s->fault.code = code;
	s->fault.text = arena_strdup(s->arena, why);
	if (!s->fault.text)
		s->fault.text = "The request could not be read.";
	if (placed) {
		s->fault.violation = s->fault.text;
		if (st && st->ctxt && st->ctxt->input) {
			s->fault.line = st->ctxt->input->line;
			s->fault.column = st->ctxt->input->col;
		}
	}
	if (st && st->ctxt)
		xmlStopParser(st->ctxt);
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

static bool same_name(const struct soap_row *row, const char *ns, const char *name)
{
	return strcmp(row->name, name) == 0 && (!row->ns || strcmp(row->ns, ns ? ns : "") == 0);
}

/* The first required row from where the frame stands to before ${end} that was never met; NULL if none. */
static const char *missing(const struct soap_frame *f, size_t end)
{
	for (size_t i = f->at; i < end; i++)
		if ((f->rows[i].flags & SOAP_REQUIRED) && !(i == f->at && f->seen))
			return f->rows[i].name;
	return NULL;
}

/* Finds the row of an element inside ${f} and moves the frame on. NULL: a violation was recorded, or (lax) it is to be skipped. */
static const struct soap_row *step(struct soap *s, struct soap_frame *f, const char *ns, const char *name)
{
	bool lax = f->row && (f->row->flags & SOAP_LAX);
	const char *absent;
	size_t i = lax ? 0 : f->at;

	while (f->rows && f->rows[i].name && !same_name(&f->rows[i], ns, name))
		i++;
	if (!f->rows || !f->rows[i].name) {
		if (!lax)
			soap_violation(s, "Element %.100s is not expected here: it is unknown, in another namespace, or out of order.", name);
		return NULL;
	}
	if (lax)
		return &f->rows[i];
	if (i == f->at && f->seen && !(f->rows[i].flags & SOAP_MANY)) {
		soap_violation(s, "Element %.100s may stand here only once.", name);
		return NULL;
	}
	absent = missing(f, i);
	if (absent) {
		soap_violation(s, "Element %.100s is expected before %.100s.", absent, name);
		return NULL;
	}
	f->at = i;
	f->seen = true;
	return &f->rows[i];
}

const char *soap_attribute(struct soap *s, const char *name)
{
	struct soap_state *st = s->state;

	/* libxml2 gives five pointers an attribute: name, prefix, URI, value, end of value. */
	for (int i = 0; i < st->n_attributes; i++) {
		const xmlChar **a = st->attributes + 5 * i;

		if (!a[2] && strcmp((const char *)a[0], name) == 0)
			return arena_strndup(s->arena, (const char *)a[3], (size_t)(a[4] - a[3]));
	}
	return NULL;
}

static bool must_understand(struct soap_state *st)
{
	for (int i = 0; i < st->n_attributes; i++) {
		const xmlChar **a = st->attributes + 5 * i;

		if (a[2] && strcmp((const char *)a[2], NS_SOAP) == 0 && strcmp((const char *)a[0], "mustUnderstand") == 0)
			return a[4] - a[3] == 1 && *a[3] == '1';
	}
	return false;
}

static bool is_nil(struct soap_state *st)
{
	for (int i = 0; i < st->n_attributes; i++) {
		const xmlChar **a = st->attributes + 5 * i;
		size_t n = (size_t)(a[4] - a[3]);

		if (a[2] && strcmp((const char *)a[2], NS_XSI) == 0 && strcmp((const char *)a[0], "nil") == 0)
			return (n == 4 && memcmp(a[3], "true", 4) == 0) || (n == 1 && *a[3] == '1');
	}
	return false;
}

/* Counts an element in. libxml2 looks each prefix up among all that are in scope, one by one. */
static bool enter(struct soap *s, struct soap_state *st, size_t n_ns)
{
	if (st->open == SOAP_MAX_DEPTH)
		return soap_violation(s, "Elements are nested more than %d deep.", SOAP_MAX_DEPTH);
	st->declared[st->open++] = n_ns;
	st->namespaces += n_ns;
	return st->namespaces <= SOAP_MAX_NAMESPACES || soap_violation(s, "There are more than %d namespaces.", SOAP_MAX_NAMESPACES);
}

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int n_ns, const xmlChar **ns,
                     int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	struct soap_state *st = arg;
	struct soap *s = st->s;
	static const struct soap_row nothing[] = {{0}};
	struct soap_frame *f = &st->frames[st->depth - 1];
	const char *name = (const char *)local, *space = (const char *)uri;
	const struct soap_row *row;

	if (s->fault.code || !enter(s, st, (size_t)n_ns))
		return;
	if (st->skipped) {
		st->skipped++;
		return;
	}
	st->attributes = attributes;
	st->n_attributes = n_attributes;
	row = step(s, f, space, name);
	if (s->fault.code)
		return;
	if (!row && must_understand(st) && s->header && !s->header(s, space ? space : "", name))
		return;
	if (!row || (row->flags & SOAP_SKIP)) {
		st->skipped = 1;
		return;
	}
	st->frames[st->depth++] = (struct soap_frame){.row = row, .rows = (row->flags & SOAP_NILLABLE) && is_nil(st) ? nothing : row->inside};
	buf_reset(&st->text);
	if (row->open)
		row->open(s, NULL);
	st->n_attributes = 0;
}

static const char *trimmed(struct buf *b)
{
	const char *s = buf_cstr(b);
	size_t n = b->len;

	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	b->len = n;
	s = buf_cstr(b);
	return s + strspn(s, " \t\r\n");
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct soap_state *st = arg;
	struct soap *s = st->s;
	struct soap_frame *f = &st->frames[st->depth - 1];
	const char *absent;

	if (s->fault.code)
		return;
	st->namespaces -= st->declared[--st->open];
	if (st->skipped) {
		st->skipped--;
		return;
	}
	if (f->rows && !(f->row->flags & SOAP_LAX)) {
		size_t end = f->at;

		while (f->rows[end].name)
			end++;
		absent = missing(f, end);
		if (absent) {
			soap_violation(s, "Element %.100s is missing in %.100s.", absent, (const char *)local);
			return;
		}
	}
	if (f->row->close && !f->row->close(s, f->rows && !(f->row->flags & SOAP_MIXED) ? "" : trimmed(&st->text)) && !s->fault.code)
		soap_violation(s, "Element %.100s could not be taken.", (const char *)local);
	st->depth--;
	buf_reset(&st->text);
}

static void on_text(void *arg, const xmlChar *p, int n)
{
	struct soap_state *st = arg;
	struct soap_frame *f = &st->frames[st->depth - 1];

	if (st->s->fault.code || st->skipped || !f->row)
		return;
	if (!f->rows || (f->row->flags & SOAP_MIXED)) {
		if (f->row->flags & SOAP_CUT && (size_t)n > st->text.max - st->text.len)
			return;
		if (buf_add(&st->text, p, (size_t)n))
			soap_violation(st->s, "The text of element %.100s is over %zu bytes.", f->row->name, st->text.max);
		return;
	}
	for (int i = 0; i < n && !(f->row->flags & SOAP_LAX); i++)
		if (!strchr(" \t\r\n", p[i])) {
			soap_violation(st->s, "Text is not allowed in element %.100s.", f->row->name);
			return;
		}
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	struct soap_state *st = arg;

	soap_violation(st->s, "A document type declaration is not allowed.");
}

static void on_error(void *arg, xmlErrorPtr e)
{
	struct soap_state *st = arg;
	char why[200];

	if (e->level < XML_ERR_ERROR)
		return;
	snprintf(why, sizeof why, "%s", e->message ? e->message : "This is not well-formed XML.");
	why[strcspn(why, "\n")] = 0;
	soap_violation(st->s, "The XML is not well-formed: %s", why);
}

/* A parser takes longer to make than a small request to read, so one is kept, with the names that it met, until they are too many. */
static void parse(struct soap_state *st, const char *p, size_t n)
{
	static xmlParserCtxtPtr kept;
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
		.serror = on_error,
	};
	xmlParserCtxtPtr ctxt = kept ? kept : xmlNewParserCtxt();

	kept = NULL;
	if (!ctxt) {
		note(st->s, "ErrorInternalServerError", "There was no memory to read the request.", false);
		return;
	}
	*ctxt->sax = sax;
	ctxt->userData = st;
	st->ctxt = ctxt;
	/* NOENT: without it "&amp;" in an attribute arrives as "&#38;". There is nothing else to replace: no DOCTYPE comes this far. */
	xmlCtxtReadMemory(ctxt, p, (int)n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOENT);
	if (!ctxt->wellFormed && !st->s->fault.code)
		soap_violation(st->s, "The XML is not well-formed.");
	st->ctxt = NULL;
	ctxt->userData = NULL;
	xmlCtxtReset(ctxt);
	if (xmlDictGetUsage(ctxt->dict) < KEPT_NAMES)
		kept = ctxt;
	else
		xmlFreeParserCtxt(ctxt);
}

bool soap_read(struct soap *s, const void *p, size_t n, size_t max, const struct soap_row *roots)
{
	struct soap_state st = {.s = s, .depth = 1};
	struct buf utf8;
	const char *why;

	s->state = &st;
	s->fault = (struct ews_fault){0};
	buf_init(&utf8, max * 2);
	buf_init(&st.text, s->max_text ? s->max_text : SOAP_MAX_TEXT);
	st.frames[0].rows = roots;
	if (n > max)
		soap_violation(s, "The document is over %zu bytes.", max);
	else if ((why = scan_document(&p, &n, &utf8)) != NULL)
		soap_violation(s, "%s", why);
	else
		parse(&st, p, n);
	if (!s->fault.code && !st.frames[0].seen)
		soap_violation(s, "The document is empty.");
	s->state = NULL;
	buf_free(&st.text);
	buf_free(&utf8);
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

void soap_begin(struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES
	              "\" xmlns:t=\"" NS_TYPES "\"><s:Header><t:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" "
	              "MajorBuildNumber=\"2562\" MinorBuildNumber=\"17\" Version=\"V2017_07_11\"/></s:Header><s:Body>");
}

int soap_end(struct buf *out)
{
	return buf_puts(out, "</s:Body></s:Envelope>");
}

static void put_tag(struct buf *out, const char *before, const char *tag)
{
	buf_puts(out, before);
	buf_puts(out, tag);
	buf_putc(out, '>');
}

void soap_put(struct buf *out, const char *tag, const char *text)
{
	put_tag(out, "<", tag);
	text_xml(out, text);
	put_tag(out, "</", tag);
}

void soap_put_int(struct buf *out, const char *tag, long value)
{
	put_tag(out, "<", tag);
	buf_puti(out, value);
	put_tag(out, "</", tag);
}

void soap_put_bool(struct buf *out, const char *tag, bool value)
{
	soap_put(out, tag, value ? "true" : "false");
}
