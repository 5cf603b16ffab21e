#ifndef BRIDGE_EWS_SAX_H
#define BRIDGE_EWS_SAX_H
#include <stdbool.h>
#include <stddef.h>

/*
 * XML as events: what stands in a document, in its order. Two walkers give the same events of the same document: libxml2, which takes all
 * of XML, and our own, which takes what nearly every availability message is made of and leaves the rest to libxml2. Private to this room.
 */

enum {
	SAX_MAX_DEPTH = 64,       /* elements within each other */
	SAX_MAX_ATTRIBUTES = 64,  /* attributes and namespace declarations in one start tag: scan.c sees to it where libxml2 reads */
	SAX_MAX_NAMESPACES = 256  /* declarations in scope */
};

/* Bytes that something else owns, with no zero behind them. Never NULL: nothing is n = 0. */
struct sax_text {
	const char *p;
	size_t n;
};
/* An attribute; ns is empty if its name has no prefix. */
struct sax_attribute {
	struct sax_text ns, name, value;
};

/* Who takes the events. What they point to lasts as long as the call. A function that returns false ends the walk. */
struct sax {
	void *arg;
	/* A start tag: namespace (empty = none), local name, ${n} attributes, no declarations. At most SAX_MAX_DEPTH are open. */
	bool (*start)(void *arg, struct sax_text ns, struct sax_text name, const struct sax_attribute *attributes, size_t n);
	/* The end of the element that was opened last. */
	bool (*end)(void *arg);
	/* ${n} bytes of text; one text may come in any number of pieces, cut between any two characters. */
	bool (*text)(void *arg, const char *p, size_t n);
	/*
	 * The element that ${keep} was set for has come again: the same bytes in the same scope, with as many elements around it. True: it was
	 * taken, and nothing more of it is told. False: it is told like any other. Only sax_plain() calls it; not NULL where keep is set.
	 */
	bool (*again)(void *arg);
	bool keep; /* set by start(): the element at hand may come again; one at a time, and none within it */
	/* Why the walk ends early, as a sentence. Only sax_libxml2() calls it; may be NULL. */
	void (*broken)(void *arg, const char *why);
	int line, column; /* of the event at hand, set by the walker; 0 = not known */
};

/*
 * Our own. True if the document was walked to its end: it is UTF-8 without anything that is rare (DOCTYPE, CDATA, comments, processing
 * instructions, the prefix xml, ...: see sax_plain.c), within every limit, and no function returned false. libxml2 would have given the
 * same events then. False says nothing of the document: events may have been given already, and libxml2 has to be asked from the start.
 */
bool sax_plain(const void *p, size_t n, struct sax *sax);
/*
 * libxml2, for a document that scan_document() found nothing wrong with. True if it was walked to its end. False if a function returned
 * false; after broken() was called, as it is not well-formed, has a DOCTYPE or is over a limit above; without either if there was no
 * memory.
 */
bool sax_libxml2(const void *p, size_t n, struct sax *sax);
#endif
