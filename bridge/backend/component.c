#include "bridge/backend/component.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One unfolded line. The text is borrowed from the file where nothing was folded, else from the arena. */
struct line {
	const char *s;
	size_t len;
	unsigned number; /* of its first physical line */
};
struct reader {
	const char *p, *end;
	unsigned number; /* of the physical line at p */
	struct arena *arena;
	struct buf *error;
	size_t components;
	struct ics_component *stack[ICS_MAX_DEPTH];
	size_t depth;
};
struct word {
	const char *text;
	int id;
};

static const struct word kinds[] = {
	{"VCALENDAR", ICS_VCALENDAR}, {"VEVENT", ICS_VEVENT}, {"VALARM", ICS_VALARM}, {"VFREEBUSY", ICS_VFREEBUSY},
	{"VTIMEZONE", ICS_VTIMEZONE}, {"STANDARD", ICS_STANDARD}, {"DAYLIGHT", ICS_DAYLIGHT},
	{"VAVAILABILITY", ICS_VAVAILABILITY}, {"AVAILABLE", ICS_AVAILABLE}, {NULL, ICS_OTHER},
};
static const struct word names[] = {
	{"DTSTART", ICS_DTSTART}, {"DTEND", ICS_DTEND}, {"DURATION", ICS_DURATION}, {"RRULE", ICS_RRULE}, {"EXRULE", ICS_EXRULE},
	{"RDATE", ICS_RDATE}, {"EXDATE", ICS_EXDATE}, {"RECURRENCE-ID", ICS_RECURRENCE_ID}, {"UID", ICS_UID},
	{"SEQUENCE", ICS_SEQUENCE}, {"DTSTAMP", ICS_DTSTAMP}, {"SUMMARY", ICS_SUMMARY}, {"LOCATION", ICS_LOCATION},
	{"STATUS", ICS_STATUS}, {"TRANSP", ICS_TRANSP}, {"CLASS", ICS_CLASS}, {"ATTENDEE", ICS_ATTENDEE},
	{"X-MICROSOFT-CDO-BUSYSTATUS", ICS_BUSYSTATUS}, {"X-MICROSOFT-RRULE", ICS_MICROSOFT_RRULE}, {"CALSCALE", ICS_CALSCALE},
	{"X-WR-TIMEZONE", ICS_CALENDAR_ZONE}, {"TZID", ICS_TZID}, {"TZOFFSETFROM", ICS_TZOFFSETFROM},
	{"TZOFFSETTO", ICS_TZOFFSETTO}, {"FREEBUSY", ICS_FREEBUSY}, {"BUSYTYPE", ICS_BUSYTYPE}, {"X-CALENDARSERVER-ACCESS", ICS_ACCESS},
	{"BEGIN", ICS_BEGIN}, {"END", ICS_END}, {NULL, ICS_UNKNOWN},
};

int ics_fail(struct buf *error, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_reset(error);
	buf_printf(error, "line %u: %s", line, text);
	return -1;
}

static int find_word(const struct word *list, const char *s, size_t n)
{
	for (; list->text; list++)
		if ((list->text[0] ^ s[0]) % 32 == 0 && strlen(list->text) == n && !strncasecmp(list->text, s, n))
			break;
	return list->id;
}

/* The end of the physical line at p; *next is where the following one starts. What ends it: LF, CRs and LF, CR alone. */
static const char *line_end(const char *p, const char *end, const char **next)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	const char *after = p;
	while (after < end && *after == '\r')
		after++;
	*next = after < end && *after == '\n' ? after + 1 : after;
	return p;
}

/* The line that continues the one before ${p}, or NULL; lines with nothing in them do not part the two, and are counted. */
static const char *continuation(const char *p, const char *end, unsigned *empty)
{
	*empty = 0;
	for (const char *next; p < end && line_end(p, end, &next) == p; p = next)
		++*empty;
	return p < end && (*p == ' ' || *p == '\t') ? p : NULL;
}

/* Joins the continuation lines behind the first one [s, e): their leading blank is not part of the text. */
static int unfold(struct reader *r, struct line *out, const char *s, const char *e, const char *next)
{
	size_t total = (size_t)(e - s), n = total;
	const char *p = next, *after;
	unsigned empty;
	while ((p = continuation(p, r->end, &empty))) {
		total += (size_t)(line_end(p, r->end, &after) - p) - 1;
		if (total > ICS_MAX_LINE)
			return ics_fail(r->error, out->number, "this line is longer than %d bytes", ICS_MAX_LINE);
		p = after;
	}
	char *copy = arena_alloc(r->arena, total + 1);
	if (!copy)
		return ics_fail(r->error, out->number, "the calendar needs more memory than one calendar may have");
	memcpy(copy, s, n);
	r->p = next;
	while ((p = continuation(r->p, r->end, &empty))) {
		size_t more = (size_t)(line_end(p, r->end, &r->p) - p) - 1;
		memcpy(copy + n, p + 1, more);
		n += more;
		r->number += empty + 1;
	}
	out->s = copy;
	out->len = n;
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct line trimmed(const char *s, size_t n, unsigned number)
{
	while (n && blank(s[n - 1]))
		n--;
	while (n && blank(*s))
		s++, n--;
	return (struct line){s, n, number};
}

/* The property that the ${n} bytes at ${s} name; blanks behind a name are not part of it, lest a rule pass for a property of no account. */
static int name_of(const char *s, size_t n)
{
	n = trimmed(s, n, 0).len;
	return n ? find_word(names, s, n) : ICS_UNKNOWN;
}

/*
 * Does the line that starts with [s, e) hold a property that nobody here needs? It may be long then: a picture, a whole invitation in
 * HTML.
 */
static bool needless(const char *s, const char *e)
{
	size_t n = 0, left = (size_t)(e - s);
	while (n < left && n < 64 && s[n] != ';' && s[n] != ':')
		n++;
	return n && n < left && n < 64 && name_of(s, n) == ICS_UNKNOWN;
}

/* Goes past the lines that continue the one before r->p. */
static void skip_folds(struct reader *r)
{
	unsigned empty;
	for (const char *p; (p = continuation(r->p, r->end, &empty)); r->number += empty + 1)
		line_end(p, r->end, &r->p);
}

/* 1 with the next line that is not blank, 0 at the end, -1 at a limit. */
static int next_line(struct reader *r, struct line *out)
{
	while (r->p < r->end) {
		const char *next, *s = r->p, *e = line_end(s, r->end, &next);
		*out = (struct line){s, (size_t)(e - s), r->number++};
		if (r->depth > 1 && needless(s, e)) {
			r->p = next;
			skip_folds(r);
			continue;
		}
		if (out->len > ICS_MAX_LINE)
			return ics_fail(r->error, out->number, "this line is longer than %d bytes", ICS_MAX_LINE);
		unsigned empty;
		r->p = next;
		if (e == s)
			continue;
		if (continuation(next, r->end, &empty) && unfold(r, out, s, e, next))
			return -1;
		if (trimmed(out->s, out->len, 0).len)
			return 1;
	}
	return 0;
}

/* Where the value starts: the first ':' outside of quotes; NULL if there is none. */
static const char *find_colon(const char *s, const char *end)
{
	bool quoted = false;
	for (; s < end; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == ':' && !quoted)
			return s;
	}
	return NULL;
}

/* Does a value of ${name} have to do with time? Then it holds no ':'. */
static bool is_of_time(int name)
{
	return name >= ICS_DTSTART && name <= ICS_RECURRENCE_ID;
}

/* What is read in no other place than its own would be lost anywhere else, and with it what is busy. */
static bool misplaced(enum ics_kind kind, const struct ics_component *parent, size_t depth)
{
	if (kind == ICS_VCALENDAR)
		return depth > 1;
	bool timed = kind == ICS_VEVENT || kind == ICS_VFREEBUSY || kind == ICS_VAVAILABILITY;
	return timed && parent->kind != ICS_VCALENDAR && parent->kind != ICS_OTHER;
}

static int begin(struct reader *r, const struct line *l, const char *value, size_t n)
{
	struct line name = trimmed(value, n, l->number);
	if (r->depth == ICS_MAX_DEPTH)
		return ics_fail(r->error, l->number, "components are nested more than %d deep", ICS_MAX_DEPTH);
	if (++r->components > ICS_MAX_COMPONENTS)
		return ics_fail(r->error, l->number, "the calendar has more than %d components", ICS_MAX_COMPONENTS);
	struct ics_component *c = arena_alloc(r->arena, sizeof *c), *parent = r->stack[r->depth - 1];
	if (!c)
		return ics_fail(r->error, l->number, "the calendar needs more memory than one calendar may have");
	c->kind = name.len ? find_word(kinds, name.s, name.len) : ICS_OTHER;
	c->line = l->number;
	if (misplaced(c->kind, parent, r->depth))
		return ics_fail(r->error, l->number, "this may not begin inside of what begins on line %u, whose END is perhaps missing", parent->line);
	if (r->depth == 1 && c->kind != ICS_VCALENDAR)
		return ics_fail(r->error, l->number, "this is not an iCalendar file: it must start with BEGIN:VCALENDAR");
	if (parent->last_child)
		parent->last_child->next = c;
	else
		parent->children = c;
	parent->last_child = c;
	r->stack[r->depth++] = c;
	return 0;
}

static int end(struct reader *r, const struct line *l, const char *value, size_t n)
{
	struct line name = trimmed(value, n, l->number);
	int kind = name.len ? find_word(kinds, name.s, name.len) : ICS_OTHER;
	if (r->depth == 1 || (int)r->stack[r->depth - 1]->kind != kind)
		return ics_fail(r->error, l->number, "this END has no BEGIN that it belongs to");
	r->depth--;
	return 0;
}

/*
 * Is what stands behind a word like BEGIN or END no component's name (letters, digits and '-'), but more of a text that was broken without
 * folding ("End: 17:00")?
 */
static bool is_text(const char *s, size_t n)
{
	struct line l = trimmed(s, n, 0);
	size_t w = 0;
	while (w < l.len && ((l.s[w] >= '0' && l.s[w] <= '9') || ((l.s[w] | 32) >= 'a' && (l.s[w] | 32) <= 'z') || l.s[w] == '-'))
		w++;
	return w < l.len && (!w || find_word(kinds, l.s, w) == ICS_OTHER);
}

/* A line that is no property is noise (some programs break long texts without folding), unless it may have been meant for a time. */
static int noise(struct reader *r, const struct line *l)
{
	size_t n = 0;
	while (n < l->len && l->s[n] != ' ' && l->s[n] != ';' && l->s[n] != '=' && l->s[n] != '\t')
		n++;
	int name = name_of(l->s, n);
	if (name >= ICS_BEGIN && is_text(l->s + n, l->len - n))
		return 0;
	if (is_of_time(name) || name >= ICS_TZID)
		return ics_fail(r->error, l->number, "this line has no ':' behind the property's name");
	return 0;
}

static int take_line(struct reader *r, const struct line *l)
{
	const char *stop = l->s + l->len, *colon = find_colon(l->s, stop), *more;
	size_t n = 0;
	while (colon && l->s + n < colon && l->s[n] != ';')
		n++;
	int name = name_of(l->s, n);
	if (r->depth == 1 && name == ICS_UNKNOWN && r->stack[0]->children)
		return 0; /* what a cache or a mail wrote behind it */
	if (r->depth == 1 && name != ICS_BEGIN)
		return ics_fail(r->error, l->number, "this is not an iCalendar file: it must start with BEGIN:VCALENDAR and end with END:VCALENDAR");
	if (!colon)
		return noise(r, l);
	while (is_of_time(name) && (more = memchr(colon + 1, ':', (size_t)(stop - colon) - 1))) /* TZID=GMT+05:30 without quotes: Google */
		colon = more;
	size_t left = (size_t)(stop - colon) - 1;
	if (name == ICS_UNKNOWN || (name >= ICS_BEGIN && r->depth > 1 && is_text(colon + 1, left)))
		return 0;
	if (name == ICS_BEGIN)
		return begin(r, l, colon + 1, left);
	if (name == ICS_END)
		return end(r, l, colon + 1, left);
	struct line value = trimmed(colon + 1, left, l->number);
	struct ics_property *p = arena_alloc(r->arena, sizeof *p);
	if (!p)
		return ics_fail(r->error, l->number, "the calendar needs more memory than one calendar may have");
	*p = (struct ics_property){name, l->number, l->s + n, (size_t)(colon - l->s) - n, value.s, value.len, NULL};
	struct ics_component *c = r->stack[r->depth - 1];
	if (c->last)
		c->last->next = p;
	else
		c->first = p;
	c->last = p;
	return 0;
}

int ics_read(const char *text, size_t len, struct arena *arena, struct ics_component *root, struct buf *error)
{
	struct reader r = {text, text + len, 1, arena, error, 0, {root}, 1};
	*root = (struct ics_component){0};
	if (len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
		return ics_fail(error, 1, "this file is in UTF-16, and iCalendar is in UTF-8: have it written so");
	if (len > ICS_MAX_TEXT)
		return ics_fail(error, 1, "the calendar is larger than %d MiB", ICS_MAX_TEXT >> 20);
	struct line l;
	int got;
	while ((got = next_line(&r, &l)) == 1) {
		bool marked = r.depth == 1 && l.len >= 3 && !memcmp(l.s, "\xef\xbb\xbf", 3); /* also where several files were joined */
		l.s += marked ? 3 : 0;
		l.len -= marked ? 3 : 0;
		if (l.len && take_line(&r, &l))
			return -1;
	}
	if (got < 0)
		return -1;
	if (!root->children)
		return ics_fail(error, 1, "this is not an iCalendar file: there is no BEGIN:VCALENDAR");
	if (r.depth > 1)
		return ics_fail(error, r.stack[r.depth - 1]->line, "what begins here has no END: the file is cut off");
	return 0;
}

const struct ics_property *ics_property_of(const struct ics_component *c, enum ics_name name)
{
	const struct ics_property *p = c->first;
	while (p && p->name != name)
		p = p->next;
	return p;
}

const char *ics_property_name(const struct ics_property *p)
{
	const struct word *w = names;
	while (w->text && w->id != (int)p->name)
		w++;
	return w->text ? w->text : "property";
}

/* If the parameter [${s}, ${stop}) is called ${name}: where its value begins; else NULL. */
static const char *parameter_value(const char *s, const char *stop, const char *name)
{
	const char *eq = memchr(s, '=', (size_t)(stop - s));
	struct line l = trimmed(s, eq ? (size_t)(eq - s) : 0, 0);
	return eq && strlen(name) == l.len && !strncasecmp(l.s, name, l.len) ? eq + 1 : NULL;
}

bool ics_parameter(const struct ics_property *p, const char *name, const char **value, size_t *len)
{
	const char *s = p->params, *stop = s + p->params_len, *v;
	while (s < stop) {
		const char *start = ++s; /* behind the ';' */
		bool quoted = false;
		while (s < stop && (quoted || *s != ';'))
			quoted ^= *s++ == '"';
		if (!(v = parameter_value(start, s, name)))
			continue;
		struct line l = trimmed(v, (size_t)(s - v), 0);
		bool quotes = l.len >= 2 && *l.s == '"' && l.s[l.len - 1] == '"';
		*value = l.s + quotes;
		*len = l.len - 2 * quotes;
		return true;
	}
	return false;
}

bool ics_value_is(const struct ics_property *p, const char *word)
{
	struct line v = trimmed(p->value, p->value_len, p->line);
	return strlen(word) == v.len && !strncasecmp(v.s, word, v.len);
}
