#ifndef TESTS_UNIT_SAX_EVENTS_H
#define TESTS_UNIT_SAX_EVENTS_H
#include "bridge/base/buf.h"
#include "bridge/ews/sax.h"
#include "bridge/ews/scan.h"

/* The events of a document, written down to be compared: what no document can hold parts them, and pieces of one text are joined. */
enum { EVENT_START = 1, EVENT_PART, EVENT_ATTRIBUTE, EVENT_END, EVENT_TEXT, EVENTS_MAX = 64 << 20 };

struct events {
	struct buf out;
	bool in_text;
	size_t n, most; /* events; the last one is refused */
	bool late;      /* one came after that */
	struct sax *sax;        /* the walk, where elements that come again are taken by what was written of the one before */
	size_t depth, deep;     /* open elements; one is kept if so many are */
	size_t kept;            /* where the end of the one kept is still to come: its depth, else 0 */
	size_t from, to, again; /* what was written of it; how many came again */
};

static inline bool events_go_on(struct events *e)
{
	e->late = e->late || e->n >= e->most;
	return ++e->n < e->most;
}

static inline void events_part(struct events *e, char mark, struct sax_text t)
{
	buf_putc(&e->out, mark);
	buf_add(&e->out, t.p, t.n);
}

static inline bool events_start(void *arg, struct sax_text ns, struct sax_text name, const struct sax_attribute *list, size_t n)
{
	struct events *e = arg;

	if (++e->depth >= e->deep && e->sax && !e->kept) {
		e->sax->keep = true;
		e->kept = e->depth;
		e->from = e->out.len;
	}
	events_part(e, EVENT_START, ns);
	events_part(e, EVENT_PART, name);
	for (size_t i = 0; i < n; i++) {
		events_part(e, EVENT_ATTRIBUTE, list[i].ns);
		events_part(e, EVENT_PART, list[i].name);
		events_part(e, EVENT_PART, list[i].value);
	}
	e->in_text = false;
	return events_go_on(e);
}

static inline bool events_end(void *arg)
{
	struct events *e = arg;

	buf_putc(&e->out, EVENT_END);
	if (e->kept == e->depth--) {
		e->to = e->out.len;
		e->kept = 0;
	}
	e->in_text = false;
	return events_go_on(e);
}

static inline bool events_again(void *arg)
{
	struct events *e = arg;
	uint8_t *to = buf_reserve(&e->out, e->to - e->from);

	if (to) {
		memcpy(to, buf_ptr(&e->out) + e->from, e->to - e->from);
		buf_commit(&e->out, e->to - e->from);
	}
	e->again++;
	e->in_text = false;
	return true;
}

static inline bool events_text(void *arg, const char *p, size_t n)
{
	struct events *e = arg;

	if (!e->in_text)
		buf_putc(&e->out, EVENT_TEXT);
	buf_add(&e->out, p, n);
	e->in_text = true;
	return events_go_on(e);
}

static inline void events_init(struct events *e)
{
	*e = (struct events){.most = SIZE_MAX};
	buf_init(&e->out, EVENTS_MAX);
}

/* Our own walk over ${n} bytes; true if it took them. */
static inline bool events_plain(struct events *e, const void *p, size_t n)
{
	struct sax sax = {.arg = e, .start = events_start, .end = events_end, .text = events_text};

	return sax_plain(p, n, &sax);
}

/* The same, and elements ${deep} within others or deeper that come again are not walked twice. */
static inline bool events_plain_again(struct events *e, const void *p, size_t n, size_t deep)
{
	struct sax sax = {.arg = e, .start = events_start, .end = events_end, .text = events_text, .again = events_again};

	e->sax = &sax;
	e->deep = deep;
	return sax_plain(p, n, &sax);
}

/* Whatever else is read: what is looked at first, then libxml2's walk. */
static inline bool events_libxml2(struct events *e, const void *p, size_t n)
{
	struct sax sax = {.arg = e, .start = events_start, .end = events_end, .text = events_text};
	struct buf utf8;
	bool ok;

	buf_init(&utf8, EVENTS_MAX);
	ok = !scan_document(&p, &n, &utf8) && sax_libxml2(p, n, &sax);
	buf_free(&utf8);
	return ok;
}

static inline bool events_same(const struct events *a, const struct events *b)
{
	return a->out.len == b->out.len && !a->out.failed && memcmp(buf_ptr(&a->out), buf_ptr(&b->out), a->out.len) == 0;
}

/* True unless our own walk took what libxml2 does not take, or took it for something else, or for something else where elements are kept. ${taken} may be NULL. */
static inline bool events_agree(const void *p, size_t n, bool *taken)
{
	struct events ours, again, theirs;
	bool took, ok;

	events_init(&ours);
	events_init(&again);
	events_init(&theirs);
	took = events_plain(&ours, p, n);
	ok = events_plain_again(&again, p, n, 2 + n % 3) == took &&
	     (!took || (events_libxml2(&theirs, p, n) && events_same(&ours, &theirs) && events_same(&again, &theirs)));
	if (taken)
		*taken = took;
	buf_free(&ours.out);
	buf_free(&again.out);
	buf_free(&theirs.out);
	return ok;
}
#endif
