#include <stdlib.h>
#include <string.h>
#include "bridge/backend/job.h"
#include "bridge/backend/recur.h"

/* A VTIMEZONE, and what its TZID means. */
struct ics_zone {
	const char *name;
	size_t name_len;
	unsigned line;
	const struct ics_component *vtimezone;
	const struct fb_zone *zone;            /* NULL until needed */
	struct fb_zone *owned;
	const char *why;                       /* it cannot be read; NULL until that was seen */
	struct ics_zone *in_scope, *in_file, *next, *built; /* the next one of its VCALENDAR, of its file's VTIMEZONEs, of all, of all that own theirs */
};
/* What a TZID means is the business of its VCALENDAR: two programs may call different zones "Customized Time Zone". */
struct ics_scope {
	struct ics_zone *zones;
	struct ics_zone *defined, *last_defined; /* of the first one: the VTIMEZONEs of the file in its order, of each name the first at least */
	struct ics_scope *first, *next; /* of the file */
};

enum { MAX_TRANSITIONS = 4000, MAX_OBSERVANCES = 1000, MAX_ZONES = 100000, COMPARED = 16 /* many calendars in one file have the same few zones */ };

struct builder {
	struct ics_job *job;
	struct fb_zone_transition *list;
	size_t n;
	int64_t until; /* UTC; of the rule that is being walked */
	int from, to;
	int64_t first_utc; /* of the earliest onset, whether kept or not, with the offset before it */
	int first_from;
	bool ruled; /* there is an RRULE, so the changes go on by what the file says */
	unsigned line;
};

void ics_zones_free(struct ics_zone *list)
{
	for (; list; list = list->next)
		fb_zone_free(list->owned);
}

struct ics_scope *ics_scope_add(struct ics_job *j, struct ics_scope *before)
{
	struct ics_scope *s = arena_alloc(j->arena, sizeof *s);
	if (s)
		*s = (struct ics_scope){.first = before ? before->first : s};
	if (s && before)
		before->next = s;
	return s;
}

struct ics_scope *ics_scope_next(const struct ics_scope *s)
{
	return s->next;
}

static struct ics_zone *zone_add(struct ics_job *j, struct ics_scope *s, const char *name, size_t n, const struct ics_component *c)
{
	struct ics_zone *z = NULL;
	if (j->n_zones++ >= MAX_ZONES) {
		ics_fail(j->error, c->line, "the calendar defines more than %d time zones", MAX_ZONES);
		return NULL;
	}
	z = arena_alloc(j->arena, sizeof *z);
	if (!z) {
		ics_fail(j->error, c->line, "the calendar needs more memory than one calendar may have");
		return NULL;
	}
	*z = (struct ics_zone){.name = name, .name_len = n, .line = c->line, .vtimezone = c, .in_scope = s->zones, .next = j->zones};
	s->zones = z;
	j->zones = z;
	return z;
}

/* The one name of a VTIMEZONE; NULL if it has none, or two: a program for WordPress lets several run into one, whose parts nobody can tell apart. */
static const struct ics_property *only_name(const struct ics_component *c)
{
	const struct ics_property *id = ics_property_of(c, ICS_TZID), *p = id;
	while (p && (p->name != ICS_TZID || (p->value_len == id->value_len && !memcmp(p->value, id->value, p->value_len))))
		p = p->next;
	return p ? NULL : id;
}

/* Is the name of ${z} that of one of the first VTIMEZONEs in its file, ${first}? That one is then what others of the file mean by it. */
static bool is_defined(const struct ics_zone *first, const struct ics_zone *z)
{
	for (int i = 0; first && i < COMPARED; i++, first = first->in_file)
		if (first->name_len == z->name_len && !memcmp(first->name, z->name, z->name_len))
			return true;
	return false;
}

int ics_zone_declare(struct ics_job *j, struct ics_scope *s, const struct ics_component *c)
{
	const struct ics_property *id = only_name(c);
	if (!id) /* nobody can mean it */
		return 0;
	bool quoted = id->value_len >= 2 && id->value[0] == '"' && id->value[id->value_len - 1] == '"';
	struct ics_zone *z = zone_add(j, s, id->value + quoted, id->value_len - 2 * quoted, c);
	if (!z)
		return -1;
	if (is_defined(s->first->defined, z))
		return 0;
	*(s->first->defined ? &s->first->last_defined->in_file : &s->first->defined) = z;
	s->first->last_defined = z;
	return 0;
}

/* Onsets of rules before 1965 are left out, unless years so far back are asked about: Outlook's VTIMEZONEs begin in 1601. */
static int64_t oldest_onset(const struct ics_job *j)
{
	static const int64_t year_1965 = -157766400, year_1967 = -94694400;
	return j->window.start < year_1967 ? INT64_MIN : year_1965;
}

/* What comes after this cannot matter to the window. */
static int64_t horizon(const struct ics_job *j)
{
	return j->window.end + 800LL * 86400;
}

/* Takes the onset whose local time, by the offset before it, is ${wall}. */
static int take_onset(void *arg, int64_t wall)
{
	struct builder *b = arg;
	int64_t utc = wall - b->from;
	if (utc > b->until)
		return 0;
	if (utc < b->first_utc) {
		b->first_utc = utc;
		b->first_from = b->from;
	}
	if (b->n == MAX_TRANSITIONS)
		return ics_fail(b->job->error, b->line, "this VTIMEZONE has more than %d changes", MAX_TRANSITIONS);
	b->list[b->n++] = (struct fb_zone_transition){utc, b->to};
	return 0;
}

static int take_rule(struct builder *b, const struct ics_property *p, int64_t start)
{
	struct recur_rule r;
	char why[128];
	if (!recur_read(p->value, p->value_len, &r, why, sizeof why))
		return ics_fail(b->job->error, p->line, "this RRULE cannot be read: %s", why);
	int64_t hi = horizon(b->job);
	b->ruled = true;
	if (r.has_until) {
		b->until = r.until.is_utc ? r.until.wall : r.until.wall - b->from + (r.until.is_date ? 86399 : 0);
		if (b->until + 86400 < hi)
			hi = b->until + 86400;
	}
	int64_t oldest = oldest_onset(b->job), lo = start > oldest ? start : oldest;
	switch (recur_walk(&r, start, lo, hi, &b->job->work, take_onset, b)) {
	case RECUR_DONE: b->until = INT64_MAX; return 0;
	case RECUR_STOPPED: return -1;
	default: return ics_job_tired(b->job, p->line);
	}
}

static int take_dates(struct builder *b, const struct ics_property *p)
{
	struct ics_time t;
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		if (!ics_time_read(s, n, &t))
			return ics_fail(b->job->error, p->line, "this RDATE is no time");
		if (take_onset(b, t.is_utc ? t.wall + b->from : t.wall))
			return -1;
	}
	return 0;
}

/* One STANDARD or DAYLIGHT. */
static int take_observance(struct builder *b, const struct ics_component *c)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *from = ics_property_of(c, ICS_TZOFFSETFROM),
	                          *to = ics_property_of(c, ICS_TZOFFSETTO);
	struct ics_time t;
	b->line = c->line;
	if (!start || !from || !to)
		return ics_fail(b->job->error, c->line, "this part of a VTIMEZONE lacks DTSTART, TZOFFSETFROM or TZOFFSETTO");
	if (!ics_time_read(start->value, start->value_len, &t))
		return ics_fail(b->job->error, start->line, "this DTSTART is no time");
	if (!ics_offset_read(from->value, from->value_len, &b->from) || !ics_offset_read(to->value, to->value_len, &b->to))
		return ics_fail(b->job->error, from->line, "this part of a VTIMEZONE has an offset that is none");
	b->until = INT64_MAX;
	if (take_onset(b, t.is_utc ? t.wall + b->from : t.wall))
		return -1;
	for (const struct ics_property *p = c->first; p; p = p->next)
		if ((p->name == ICS_RRULE && take_rule(b, p, t.wall)) || (p->name == ICS_RDATE && take_dates(b, p)))
			return -1;
	return 0;
}

static int by_utc(const void *a, const void *b)
{
	const struct fb_zone_transition *x = a, *y = b;
	return (x->utc > y->utc) - (x->utc < y->utc);
}

static bool same_properties(struct ics_job *j, const struct ics_component *a, const struct ics_component *b)
{
	const struct ics_property *p = a->first, *q = b->first;
	for (; p && q; p = p->next, q = q->next) {
		j->work--;
		if (p->name != q->name || p->value_len != q->value_len || memcmp(p->value, q->value, p->value_len))
			return false;
	}
	return !p && !q;
}

/* The zone of a VTIMEZONE with the same name and parts, or NULL: in a folder of many files all have the same few. */
static const struct fb_zone *built_before(struct ics_job *j, const struct ics_zone *one)
{
	for (const struct ics_zone *z = j->built; z && j->work > 0; z = z->built) {
		const struct ics_component *a = one->vtimezone->children, *b = z->vtimezone->children;
		j->work--;
		if (z->name_len != one->name_len || memcmp(z->name, one->name, z->name_len))
			continue;
		while (a && b && a->kind == b->kind && same_properties(j, a, b)) {
			a = a->next;
			b = b->next;
		}
		if (!a && !b)
			return z->zone;
	}
	return NULL;
}

/* Sorts the onsets, strictly rising as the zone wants it: of two at one instant the later counts. */
static void sort(struct builder *b)
{
	size_t kept = 0;
	qsort(b->list, b->n, sizeof *b->list, by_utc);
	for (size_t i = 0; i < b->n; i++)
		if (kept && b->list[kept - 1].utc == b->list[i].utc)
			b->list[kept - 1] = b->list[i];
		else
			b->list[kept++] = b->list[i];
	b->n = kept;
}

/*
 * Some programs write out the changes of a few years and no rule. If these are the changes of the well-known zone ${z}, more of its own follow:
 * else a series would keep for ever the offset of the last one that was written.
 */
static void go_on(struct builder *b, const struct fb_zone *z)
{
	int before = b->first_from;
	bool changes = false;
	for (size_t i = 0; i < b->n; before = b->list[i++].offset) {
		const struct fb_zone_transition *t = &b->list[i];
		bool change = t->offset != before;
		changes |= change;
		if (fb_zone_offset(z, t->utc) != t->offset || (change && fb_zone_offset(z, t->utc - 1) != before))
			return;
	}
	for (struct fb_zone_transition t; changes && b->n < MAX_TRANSITIONS; b->list[b->n++] = t)
		if (!fb_zone_next(z, b->list[b->n - 1].utc, &t) || t.utc > horizon(b->job))
			return;
}

/*
 * Is ${z} at ${at} what ${model} is, but cut to whole hours? So vobject writes the definition that it adds where none came, and with it
 * Radicale: of the +05:30 of Asia/Kolkata it makes +0500. Nobody means that by the name of such a place.
 */
static bool is_cut(const struct fb_zone *z, const struct fb_zone *model, int64_t at)
{
	int offset = fb_zone_offset(model, at);
	return offset % 3600 && fb_zone_offset(z, at) == offset / 3600 * 3600;
}

/* Says so if ${z} is not what ${known}, the zone that everybody means by its name, is in the year from the window's start on. */
static void note_difference(struct ics_job *j, const struct ics_zone *z, const struct fb_zone *known)
{
	static const int64_t day = 86400;
	struct buf *note = j->options->note;
	if (!note || note->len)
		return;
	for (int64_t at = j->window.start; at < j->window.start + 366 * day; at += 7 * day)
		if (fb_zone_offset(z->zone, at) != fb_zone_offset(known, at)) {
			buf_printf(note, "line %u: this VTIMEZONE says of %.*s what this system's time zones do not say, and it is what counts", z->line,
			           (int)(z->name_len > 80 ? 80 : z->name_len), z->name);
			return;
		}
}

/* Works ${z} out from its VTIMEZONE; 1 if that has no parts, so that only its name is left. */
static int build(struct ics_job *j, struct ics_zone *z)
{
	struct builder b = {.job = j, .first_utc = INT64_MAX};
	size_t parts = 0;
	int err = 0;
	if ((z->zone = built_before(j, z)))
		return 0;
	b.list = malloc(MAX_TRANSITIONS * sizeof *b.list);
	if (!b.list)
		return ics_fail(j->error, z->line, "out of memory");
	for (const struct ics_component *c = z->vtimezone->children; c && !err; c = c->next) {
		if (c->kind != ICS_STANDARD && c->kind != ICS_DAYLIGHT)
			continue;
		if (++parts > MAX_OBSERVANCES)
			err = ics_fail(j->error, c->line, "this VTIMEZONE has more than %d parts", MAX_OBSERVANCES);
		else
			err = take_observance(&b, c);
	}
	if (!err && b.n) {
		const struct fb_zone *model = ics_zone_known(j, z->name, z->name_len);
		sort(&b);
		if (model && !b.ruled)
			go_on(&b, model);
		z->zone = z->owned = fb_zone_from_transitions(b.first_from, b.list, b.n);
		if (!z->zone)
			err = ics_fail(j->error, z->line, "this VTIMEZONE cannot be used");
		else if (model && (is_cut(z->zone, model, j->window.start) || is_cut(z->zone, model, j->window.end)))
			z->zone = model;
		else if (model)
			note_difference(j, z, model);
		z->built = j->built;
		j->built = z->zone ? z : j->built;
	}
	free(b.list);
	return err ? err : !b.n;
}

/*
 * Is it one name, with its commas and semicolons escaped or not? It is TEXT in a VTIMEZONE, where they must be, and a parameter
 * elsewhere.
 */
static bool same_name(const struct ics_zone *z, const char *s, size_t n)
{
	const char *a = z->name, *a_end = a + z->name_len, *b = s, *b_end = s + n;
	for (;; a++, b++) {
		a += a_end - a > 1 && *a == '\\' && strchr("\\,;", a[1]);
		b += b_end - b > 1 && *b == '\\' && strchr("\\,;", b[1]);
		if (a == a_end || b == b_end)
			return a == a_end && b == b_end;
		if (*a != *b)
			return false;
	}
}

/* What the present VCALENDAR calls ${tzid}, or else another one of its file. */
static struct ics_zone *find(struct ics_job *j, const char *tzid, size_t n)
{
	struct ics_zone *z = j->scope->zones;
	for (j->work--; z && !same_name(z, tzid, n); z = z->in_scope)
		j->work--;
	if (z)
		return z;
	for (z = j->scope->first->defined; z && j->work > 0 && !same_name(z, tzid, n); z = z->in_file)
		j->work--;
	return z;
}

/* ${z} has a definition that cannot be read, which is said anew and not tried anew: any number of events may be in it. */
static const struct fb_zone *unreadable(struct ics_job *j, struct ics_zone *z)
{
	j->in_doubt |= j->work > 0;
	if (!z->why)
		z->why = arena_strdup(j->arena, buf_cstr(j->error));
	buf_reset(j->error);
	buf_puts(j->error, z->why ? z->why : "out of memory");
	return NULL;
}

const struct fb_zone *ics_zone_find(struct ics_job *j, const char *tzid, size_t n, unsigned line)
{
	struct ics_zone *z = find(j, tzid, n);
	bool broken = z && !z->zone && (z->why || build(j, z) < 0);
	const struct fb_zone *zone = z ? z->zone : NULL;
	if (!zone && !(z && z->why))
		zone = ics_zone_known(j, tzid, n);
	if (broken && !zone)
		return unreadable(j, z);
	if (z)
		z->zone = zone;
	if (broken) /* the name is one that everybody knows */
		buf_reset(j->error);
	if (j->work <= 0) { /* what was not found may be there */
		ics_fail(j->error, line, "finding out what the names of its time zones mean takes more steps than one calendar may cost");
		return NULL;
	}
	j->in_doubt |= !zone;
	if (!zone)
		ics_fail(j->error, line, "the time zone \"%.*s\" is not known: there is no VTIMEZONE for it, and it is no IANA or Windows name",
		         (int)(n > 80 ? 80 : n), tzid);
	return zone;
}
