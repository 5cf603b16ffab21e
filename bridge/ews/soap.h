#ifndef BRIDGE_EWS_SOAP_H
#define BRIDGE_EWS_SOAP_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"
#include "bridge/ews/request.h"

/*
 * Reading XML by tables: a reader says in rows which elements may stand where, in which order, and what to do with each;
 * this file walks the events of ews/sax.h through the rows. No tree is built. Private to this room.
 */

#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_MESSAGES "http://schemas.microsoft.com/exchange/services/2006/messages"
#define NS_TYPES "http://schemas.microsoft.com/exchange/services/2006/types"
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"
#define NS_ERRORS "http://schemas.microsoft.com/exchange/services/2006/errors"
#define NS_AUTODISCOVER "http://schemas.microsoft.com/exchange/2010/Autodiscover"

enum {
	SOAP_MAX_REQUEST = 512 << 10, /* bytes of a request: 100 mailboxes in UTF-16 are a third of it */
	SOAP_MAX_TEXT = 64 << 10     /* bytes of text in one element, unless the reader says otherwise */
};

/* How often and how strictly. Zero: at most once, at its place in the order. */
enum soap_flag {
	SOAP_REQUIRED = 1,
	SOAP_MANY = 2,
	SOAP_LAX = 4,  /* its children may come in any order and number; unknown ones are skipped with all they hold */
	SOAP_SKIP = 8, /* all it holds is skipped */
	SOAP_NILLABLE = 16, /* may be xsi:nil="true", and is empty then */
	SOAP_MIXED = 32, /* with children, but ${close} is also given the text behind the last of them */
	SOAP_CUT = 64, /* text is cut at the limit, and no violation */
	SOAP_AGAIN = 128 /* in one that is SOAP_LAX and not SOAP_MIXED, and often the same as the one before it: then ${close} alone is called, with NULL */
};

struct soap;

/*
 * Called for a start tag (${text} NULL; soap_attribute() works), an end tag (${text} is its text, trimmed) or an element that comes again
 * (SOAP_AGAIN). False ends the reading; say why by soap_violation() first.
 */
typedef bool soap_fn(struct soap *s, const char *text);

/* One element that may stand inside another. A table ends with a row whose name is NULL. */
struct soap_row {
	const char *ns;              /* NULL = any namespace, "" = none */
	const char *name;
	unsigned flags;
	const struct soap_row *inside; /* rows of its children; NULL = it holds text only */
	soap_fn *open, *close;         /* each may be NULL */
};

/* One reading. ${arg} is the reader's own. */
struct soap {
	void *arg;
	struct arena *arena;      /* where soap_keep() copies to */
	struct ews_fault fault;   /* code set = the reading failed */
	size_t max_text;          /* bytes of text in one element; 0 = SOAP_MAX_TEXT */
	char mend;                /* read in a text in the place of what no XML may hold (an answer is not worth less for that); 0 = it fails the whole */
	/*
	 * Makes what was read nothing again, for a reading that begins: at most two do, as a document that our own walker does not take to its end
	 * is read once more, by libxml2. NULL = libxml2 reads it at once.
	 */
	void (*begin)(struct soap *s);
	bool (*header)(struct soap *s, const char *ns, const char *name); /* sees each skipped element that bears mustUnderstand; may be NULL */
	void (*unknown)(struct soap *s, const struct soap_row *in);       /* told of an unknown element, or a text, inside a SOAP_LAX one; may be NULL */
	struct soap_state *state; /* soap.c's own */
};

/*
 * Reads ${n} bytes whose root element is one of ${roots}, refusing what is over ${max} bytes and every limit above and of ews/sax.h, a
 * DOCTYPE, an entity, and any encoding but UTF-8, UTF-16, US-ASCII and ISO-8859-1 (no converter has to be loaded). s->arg, arena, begin
 * and header are set by the caller. False with s->fault filled in (ErrorSchemaValidation, line and column; its texts in the arena) if it
 * is not as the rows say.
 */
bool soap_read(struct soap *s, const void *p, size_t n, size_t max, const struct soap_row *roots);
/* The attribute ${name} without namespace of the start tag at hand, in the arena; NULL if there is none. Only inside an open function. */
const char *soap_attribute(struct soap *s, const char *name);
/* Has the start tag at hand an attribute nil, of whichever namespace, that says anything but false? Only inside an open function. */
bool soap_may_be_nil(const struct soap *s);
/* Records an ErrorSchemaValidation at the place at hand, the first one counts. printf format. Always false, to be returned. */
bool soap_violation(struct soap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Records a fault of another code. Always false. */
bool soap_fault(struct soap *s, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Reads ${text} as xs:int in [min, max]; records a violation naming ${what} and returns false if it is none. */
bool soap_int(struct soap *s, const char *what, const char *text, int min, int max, int *out);
/* Reads ${text} as xs:boolean; as above. */
bool soap_bool(struct soap *s, const char *what, const char *text, bool *out);
/* The place of ${text} in ${words} (ended by NULL), exactly; a violation and -1 if it is none of them. */
int soap_word(struct soap *s, const char *what, const char *text, const char *const *words);

/* Appends the start of an EWS answer: envelope, ServerVersionInfo, body. */
void soap_begin(struct buf *out);
/* Appends what closes it. Returns 0, or -1 if ${out} is full. */
int soap_end(struct buf *out);
/* Appends <prefix:name>text</prefix:name> with the text escaped; ${tag} is "m:MessageText". */
void soap_put(struct buf *out, const char *tag, const char *text);
/* The same with a number. */
void soap_put_int(struct buf *out, const char *tag, long value);
/* The same with true or false. */
void soap_put_bool(struct buf *out, const char *tag, bool value);
#endif
