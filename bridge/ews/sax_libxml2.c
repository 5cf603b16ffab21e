#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdio.h>
#include <string.h>
#include "bridge/ews/sax.h"
#include "bridge/ews/xml_error.h"

enum { KEPT_NAMES = 64 << 10 }; /* bytes */

struct walk {
	struct sax *sax;
	xmlParserCtxtPtr ctxt;
	size_t open, namespaces, declared[SAX_MAX_DEPTH]; /* elements; namespaces in scope; by each open element */
	bool ended; /* early */
};

static void place(struct walk *w)
{
	w->sax->line = w->ctxt->input ? w->ctxt->input->line : 0;
	w->sax->column = w->ctxt->input ? w->ctxt->input->col : 0;
}

static void go_on(struct walk *w, bool yes)
{
	if (yes)
		return;
	w->ended = true;
	xmlStopParser(w->ctxt);
}

static void end_because(struct walk *w, const char *why)
{
	if (w->ended)
		return;
	place(w);
	if (w->sax->broken)
		w->sax->broken(w->sax->arg, why);
	go_on(w, false);
}

/* Counts an element in. libxml2 looks each prefix up among all that are in scope, one by one. */
static bool enter(struct walk *w, size_t declared)
{
	char why[64];

	if (w->open == SAX_MAX_DEPTH) {
		snprintf(why, sizeof why, "Elements are nested more than %d deep.", SAX_MAX_DEPTH);
		end_because(w, why);
		return false;
	}
	w->declared[w->open++] = declared;
	w->namespaces += declared;
	if (w->namespaces > SAX_MAX_NAMESPACES) {
		snprintf(why, sizeof why, "There are more than %d namespaces.", SAX_MAX_NAMESPACES);
		end_because(w, why);
		return false;
	}
	return true;
}

static struct sax_text text_of(const xmlChar *s)
{
	return s ? (struct sax_text){(const char *)s, strlen((const char *)s)} : (struct sax_text){"", 0};
}

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int n_ns, const xmlChar **ns,
                     int n_attributes, int n_defaulted, const xmlChar **list)
{
	struct walk *w = arg;
	struct sax_attribute attributes[SAX_MAX_ATTRIBUTES];
	size_t n = 0;

	if (w->ended || !enter(w, (size_t)n_ns))
		return;
	/* libxml2 gives five pointers an attribute: name, prefix, URI, value, end of value. */
	for (; n < (size_t)n_attributes && n < SAX_MAX_ATTRIBUTES; n++, list += 5)
		attributes[n] = (struct sax_attribute){text_of(list[2]), text_of(list[0]), {(const char *)list[3], (size_t)(list[4] - list[3])}};
	place(w);
	go_on(w, w->sax->start(w->sax->arg, text_of(uri), text_of(local), attributes, n));
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct walk *w = arg;

	if (w->ended)
		return;
	w->namespaces -= w->declared[--w->open];
	place(w);
	go_on(w, w->sax->end(w->sax->arg));
}

static void on_text(void *arg, const xmlChar *p, int n)
{
	struct walk *w = arg;

	if (w->ended)
		return;
	place(w);
	go_on(w, w->sax->text(w->sax->arg, (const char *)p, (size_t)n));
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	end_because(arg, "A document type declaration is not allowed.");
}

static void on_error(void *arg, xml_error e)
{
	char why[300];

	if (e->level < XML_ERR_ERROR)
		return;
	snprintf(why, sizeof why, "The XML is not well-formed: %.199s", e->message ? e->message : "This is not well-formed XML.");
	why[strcspn(why, "\n")] = 0;
	end_because(arg, why);
}

/* A parser takes longer to make than a small document to read, so one is kept, with the names that it met, until they are too many. */
bool sax_libxml2(const void *p, size_t n, struct sax *sax)
{
	static xmlParserCtxtPtr kept;
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
		.serror = on_error,
	};
	struct walk w = {.sax = sax, .ctxt = kept ? kept : xmlNewParserCtxt()};

	kept = NULL;
	if (!w.ctxt)
		return false;
	*w.ctxt->sax = handler;
	w.ctxt->userData = &w;
	/* NOENT: without it "&amp;" in an attribute arrives as "&#38;". There is nothing else to replace: no DOCTYPE comes this far. */
	xmlCtxtReadMemory(w.ctxt, p, (int)n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOENT);
	if (!w.ctxt->wellFormed)
		end_because(&w, "The XML is not well-formed.");
	sax->line = sax->column = 0;
	w.ctxt->userData = NULL;
	xmlCtxtReset(w.ctxt);
	if (xmlDictGetUsage(w.ctxt->dict) < KEPT_NAMES)
		kept = w.ctxt;
	else
		xmlFreeParserCtxt(w.ctxt);
	return !w.ended;
}
