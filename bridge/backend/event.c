#include "bridge/backend/event.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/recur.h"

/*
 * From events to occurrences, one UID at a time. An occurrence is known by its key: for a series of dates its wall midnight,
 * for any other its instant. EXDATE and RECURRENCE-ID name occurrences by where they originally were.
 */
struct occurrence {
	int64_t key, wall;
	bool has_length; /* of an RDATE period */
	int64_t seconds;
};
struct change {
	int64_t key;
	bool by_day; /* RECURRENCE-ID is a date but the series has times: it means that day's occurrences */
	const struct ics_event *e;
};
struct expander {
	struct ics_job *j;
	const struct fb_zone *floating;
	struct occurrence *occ;
	size_t n_occ, cap_occ;
	int64_t *gone; /* EXDATE and EXRULE, sorted */
	size_t n_gone, cap_gone;
	struct change *changes, *futures; /* overrides by key; those with RANGE=THISANDFUTURE once more */
	size_t n_changes, n_futures;
	/* the rule being walked */
	const struct ics_event *series;
	const struct recur_rule *rule;
	bool excluding;
};

static const size_t max_occurrences = 1 << 20;
static const int64_t day = 86400, slack = 2 * 86400; /* slack: wall and UTC are never further apart */

static int64_t floor_day(int64_t wall)
{
	return wall - ((wall % day) + day) % day;
}

/* The key of the occurrence of ${s} whose wall time is ${wall}. */
static int64_t key_at(const struct expander *x, const struct ics_event *s, int64_t wall)
{
	return s->start.is_date ? floor_day(wall) : fb_zone_utc_of(ics_event_zone(s, x->floating), wall);
}

/* The key that ${t} (EXDATE, RDATE or RECURRENCE-ID) names in ${s}: its value type should be DTSTART's; where it is not, digits of the same kind are compared. */
static int64_t key_of(const struct expander *x, const struct ics_event *s, const struct ics_time *t)
{
	if (s->start.is_date)
		return t->wall;
	return ics_instant(t, ics_event_zone(s, x->floating));
}

/* ${t} as a wall time of ${s}. */
static int64_t wall_of(const struct expander *x, const struct ics_event *s, const struct ics_time *t)
{
	if (s->start.is_date)
		return floor_day(t->wall);
	if (!t->zone || t->zone == s->start.zone)
		return t->wall;
	return fb_zone_wall(ics_event_zone(s, x->floating), ics_instant(t, x->floating));
}

static int no_room(struct expander *x, unsigned line)
{
	return ics_fail(x->j->error, line, "this series has more occurrences in this window than one answer may hold");
}

/* Makes room for one more of ${size} bytes in *${list}. */
static bool grow(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	size_t more = *cap ? *cap * 2 : 64;
	void *p = n < max_occurrences ? realloc(*(void **)list, more * size) : NULL;
	if (!p)
		return false;
	*(void **)list = p;
	*cap = more;
	return true;
}

static int add_gone(struct expander *x, int64_t key, unsigned line)
{
	if (!grow(&x->gone, x->n_gone, &x->cap_gone, sizeof *x->gone))
		return no_room(x, line);
	x->gone[x->n_gone++] = key;
	return 0;
}

static int add_occurrence(struct expander *x, struct occurrence o, unsigned line)
{
	if (!grow(&x->occ, x->n_occ, &x->cap_occ, sizeof *x->occ))
		return no_room(x, line);
	x->occ[x->n_occ++] = o;
	return 0;
}

/* UNTIL bounds the start, itself included (RFC 5545 3.3.10). As a date in a series with times it is that day's first moment, as dateutil reads it. */
static bool past_until(const struct expander *x, int64_t wall, int64_t key)
{
	const struct ics_time *u = &x->rule->until;
	if (!x->rule->has_until)
		return false;
	if (x->series->start.is_date)
		return floor_day(wall) > floor_day(u->wall);
	return u->is_utc ? key > u->wall : wall > u->wall;
}

static int take_from_rule(void *arg, int64_t wall)
{
	struct expander *x = arg;
	int64_t key = key_at(x, x->series, wall);
	if (past_until(x, wall, key))
		return 0;
	if (x->series->start.is_date)
		wall = key; /* a rule by the hour names days here, if anything */
	if (x->excluding)
		return add_gone(x, key, x->series->c->line);
	return add_occurrence(x, (struct occurrence){key, wall, false, 0}, x->series->c->line);
}

static int take_rule(struct expander *x, const struct ics_property *p, int64_t lo, int64_t hi)
{
	struct recur_rule r;
	char why[128];
	if (!recur_read(p->value, p->value_len, &r, why, sizeof why))
		return ics_fail(x->j->error, p->line, "this recurrence rule cannot be read: %s", why);
	x->rule = &r;
	x->excluding = p->name == ICS_EXRULE;
	if (x->series->start.is_date && r.freq <= RECUR_DAILY)
		r.hours = 0, r.minutes = r.seconds = 0; /* to be ignored where DTSTART is a date */
	if (r.has_until && r.until.wall + slack < hi)
		hi = r.until.wall + slack;
	switch (recur_walk(&r, x->series->start.wall, lo, hi, &x->j->work, take_from_rule, x)) {
	case RECUR_DONE: return 0;
	case RECUR_STOPPED: return -1;
	default: return ics_job_tired(x->j, p->line);
	}
}

static int take_rdates(struct expander *x, const struct ics_property *p)
{
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		struct ics_time t;
		struct occurrence o = {0};
		o.has_length = memchr(s, '/', n) != NULL;
		if (o.has_length ? ics_job_period(x->j, p, s, n, &t, &o.seconds) : ics_job_time(x->j, p, s, n, &t))
			return -1;
		o.wall = wall_of(x, x->series, &t);
		o.key = x->series->start.is_date ? o.wall : key_of(x, x->series, &t);
		if (add_occurrence(x, o, p->line))
			return -1;
	}
	return 0;
}

static int take_exdates(struct expander *x, const struct ics_property *p)
{
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		struct ics_time t;
		if (ics_job_time(x->j, p, s, n, &t) || add_gone(x, key_of(x, x->series, &t), p->line))
			return -1;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return y->has_length - x->has_length; /* an RDATE's own period counts before a rule's occurrence at the same time */
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int by_change(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	if (x->by_day != y->by_day)
		return x->by_day - y->by_day;
	return (x->key > y->key) - (x->key < y->key);
}

/* Which of two versions of one thing is newer (RFC 5546 2.1.5). */
static bool newer(const struct ics_event *a, const struct ics_event *b)
{
	if (a->sequence != b->sequence)
		return a->sequence > b->sequence;
	if (a->stamp != b->stamp)
		return a->stamp > b->stamp;
	return a->order > b->order;
}

static bool changed_alone(const struct expander *x, const struct occurrence *o)
{
	struct change want = {o->key, false, NULL}, that_day = {floor_day(o->wall), true, NULL};
	if (!x->n_changes)
		return false;
	return bsearch(&want, x->changes, x->n_changes, sizeof want, by_change) ||
	       bsearch(&that_day, x->changes, x->n_changes, sizeof want, by_change);
}

/* The last RANGE=THISANDFUTURE override at or before ${key}, or NULL. */
static const struct change *change_before(const struct expander *x, int64_t key)
{
	size_t lo = 0, hi = x->n_futures;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (x->futures[mid].key <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &x->futures[lo - 1] : NULL;
}

static int emit(struct expander *x, const struct ics_event *e, int64_t wall, const struct occurrence *own, unsigned flags)
{
	const struct fb_zone *z = ics_event_zone(e, x->floating);
	struct fb_event out = {.busy = e->status.busy, .has_details = true, .flags = e->status.flags | flags, .subject = e->subject, .location = e->location};
	if (e->status.cancelled)
		return 0;
	out.start = fb_zone_utc_of(z, wall);
	if (own && own->has_length)
		out.end = out.start + own->seconds;
	else
		out.end = e->length.days ? ics_later(z, wall, e->length) : out.start + e->length.seconds;
	if (out.end < out.start)
		out.end = out.start;
	return ics_job_emit(x->j, &out) ? no_room(x, e->c->line) : 0;
}

/* By how much ${c} moves the series from its RECURRENCE-ID on, in wall time (RFC 5545 3.8.4.4). */
static int64_t shift_of(const struct expander *x, const struct ics_event *series, const struct change *c)
{
	const struct ics_event *e = c->e;
	if (series->start.is_date || e->start.is_date)
		return e->start.wall - wall_of(x, series, &e->rid);
	return wall_of(x, series, &e->start) - wall_of(x, series, &e->rid);
}

static int emit_occurrence(struct expander *x, const struct ics_event *series, const struct occurrence *o, unsigned flags)
{
	const struct change *c = x->n_futures ? change_before(x, o->key) : NULL;
	if (!c)
		return emit(x, series, o->wall, o, flags);
	int64_t wall = o->wall + shift_of(x, series, c);
	if (c->e->start.is_date)
		return emit(x, c->e, floor_day(wall), NULL, flags);
	if (!series->start.is_date && c->e->start.zone != series->start.zone)
		wall = fb_zone_wall(ics_event_zone(c->e, x->floating), fb_zone_utc_of(ics_event_zone(series, x->floating), wall));
	return emit(x, c->e, wall, NULL, flags);
}

static int64_t longest(const struct ics_event *e)
{
	return e->length.days * day + e->length.seconds;
}

/* The span of original wall times whose occurrences can touch the window, moved ones included. */
static void search_span(const struct expander *x, const struct ics_event *series, int64_t *lo, int64_t *hi)
{
	int64_t length = longest(series), forward = 0, back = 0;
	for (size_t i = 0; i < x->n_futures; i++) {
		int64_t shift = shift_of(x, series, &x->futures[i]), l = longest(x->futures[i].e);
		length = l > length ? l : length;
		forward = shift > forward ? shift : forward;
		back = -shift > back ? -shift : back;
	}
	*lo = x->j->window.start - length - forward - slack;
	*hi = x->j->window.end + back + slack;
}

/* Gathers all of ${e}'s recurrence set that matters; 0, or -1. *${recurs} says if there is more than DTSTART. */
static int gather(struct expander *x, const struct ics_event *e, bool *recurs)
{
	int64_t lo, hi;
	search_span(x, e, &lo, &hi);
	x->n_occ = x->n_gone = 0;
	x->series = e;
	*recurs = false;
	if (add_occurrence(x, (struct occurrence){key_at(x, e, e->start.wall), e->start.wall, false, 0}, e->c->line))
		return -1;
	for (const struct ics_property *p = e->c->first; p; p = p->next) {
		int err = 0;
		if (p->name == ICS_RRULE || p->name == ICS_EXRULE)
			err = take_rule(x, p, lo, hi);
		else if (p->name == ICS_RDATE)
			err = take_rdates(x, p);
		else if (p->name == ICS_EXDATE)
			err = take_exdates(x, p);
		if (err)
			return -1;
		*recurs |= p->name == ICS_RRULE || p->name == ICS_RDATE;
	}
	if (x->n_occ > 1)
		qsort(x->occ, x->n_occ, sizeof *x->occ, by_key);
	if (x->n_gone > 1)
		qsort(x->gone, x->n_gone, sizeof *x->gone, by_number);
	return 0;
}

/* Keys of overrides, as this series sees them, newest version of each only. */
static void sort_changes(struct expander *x, const struct ics_event *series, const struct ics_event *const *list, size_t n)
{
	x->n_changes = x->n_futures = 0;
	for (size_t i = 0; i < n; i++) {
		const struct ics_time *t = &list[i]->rid;
		bool by_day = series && t->is_date && !series->start.is_date;
		int64_t key = !series ? ics_instant(t, x->floating) : by_day || series->start.is_date ? floor_day(t->wall) : key_of(x, series, t);
		x->changes[x->n_changes++] = (struct change){key, by_day, list[i]};
	}
	qsort(x->changes, x->n_changes, sizeof *x->changes, by_change);
	size_t kept = 0;
	for (size_t i = 0; i < x->n_changes; i++) {
		struct change *c = &x->changes[i], *last = kept ? &x->changes[kept - 1] : NULL;
		if (last && !by_change(last, c))
			last->e = newer(c->e, last->e) ? c->e : last->e;
		else
			x->changes[kept++] = *c;
	}
	x->n_changes = kept;
	for (size_t i = 0; i < kept; i++)
		if (series && x->changes[i].e->and_future) {
			struct change *f = &x->futures[x->n_futures++];
			*f = x->changes[i];
			f->key = f->by_day ? key_at(x, series, f->key) : f->key;
		}
	for (size_t i = 1; i < x->n_futures; i++) /* by day and by instant are two sorted runs; there is rarely more than one of them */
		if (x->futures[i - 1].key > x->futures[i].key) {
			qsort(x->futures, x->n_futures, sizeof *x->futures, by_change);
			break;
		}
}

static int expand_series(struct expander *x, const struct ics_event *e)
{
	bool recurs;
	if (gather(x, e, &recurs))
		return -1;
	for (size_t i = 0; i < x->n_occ; i++) {
		const struct occurrence *o = &x->occ[i];
		if ((i && o[-1].key == o->key) || (x->n_gone && bsearch(&o->key, x->gone, x->n_gone, sizeof *x->gone, by_number)))
			continue;
		if (!changed_alone(x, o) && emit_occurrence(x, e, o, recurs ? FB_RECURRING : 0))
			return -1;
	}
	return 0;
}

/* All events of one UID: overrides stand first in ${list}. */
static int expand_group(struct expander *x, const struct ics_event **list, size_t n, unsigned *busy_file)
{
	const struct ics_event **overrides = list, **series;
	size_t n_over = 0;
	int64_t best = INT64_MIN;
	while (n_over < n && list[n_over]->is_override)
		n_over++;
	series = list + n_over;
	for (size_t i = 0; i < n - n_over; i++)
		best = series[i]->sequence > best ? series[i]->sequence : best;
	sort_changes(x, NULL, overrides, n_over);
	for (size_t i = 0; i < n - n_over; i++) {
		if (series[i]->sequence != best) /* an older version of the same series */
			continue;
		*busy_file = series[i]->file;
		x->j->work -= 64 * (int64_t)n_over; /* they are sorted anew for each series */
		if (x->j->work < 0)
			return ics_job_tired(x->j, series[i]->c->line);
		if (n_over)
			sort_changes(x, series[i], overrides, n_over);
		if (expand_series(x, series[i]))
			return -1;
	}
	for (size_t i = 0; i < x->n_changes; i++) {
		const struct ics_event *e = x->changes[i].e;
		*busy_file = e->file;
		if (emit(x, e, e->start.wall, NULL, FB_RECURRING | FB_EXCEPTION))
			return -1;
	}
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct ics_event *x = *(const struct ics_event *const *)a, *y = *(const struct ics_event *const *)b;
	if (!x->uid || !y->uid)
		return x->uid ? 1 : y->uid ? -1 : (x->order > y->order) - (x->order < y->order);
	size_t n = x->uid_len < y->uid_len ? x->uid_len : y->uid_len;
	int c = memcmp(x->uid, y->uid, n);
	if (c || x->uid_len != y->uid_len)
		return c ? c : x->uid_len < y->uid_len ? -1 : 1;
	if (x->is_override != y->is_override)
		return x->is_override ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool same_uid(const struct ics_event *a, const struct ics_event *b)
{
	return a->uid && b->uid && a->uid_len == b->uid_len && !memcmp(a->uid, b->uid, a->uid_len);
}

static int expand_all(struct expander *x, const struct ics_event **list, size_t n, unsigned *busy_file)
{
	for (size_t i = 0, to; i < n; i = to) {
		to = i + 1;
		while (to < n && same_uid(list[i], list[to]))
			to++;
		if (expand_group(x, list + i, to - i, busy_file))
			return -1;
	}
	return 0;
}

int ics_events_expand(struct ics_job *j, unsigned *busy_file)
{
	struct expander x = {.j = j, .floating = j->options->floating};
	const struct ics_event **list = calloc(j->n_events + 1, sizeof *list);
	unsigned nobody;
	size_t n = 0;
	int err = -1;
	x.changes = calloc(j->n_events + 1, sizeof *x.changes);
	x.futures = calloc(j->n_events + 1, sizeof *x.futures);
	if (list && x.changes && x.futures) {
		for (const struct ics_event *e = j->events; e; e = e->next)
			list[n++] = e;
		qsort(list, n, sizeof *list, by_uid);
		err = expand_all(&x, list, n, busy_file ? busy_file : &nobody);
	} else {
		ics_fail(j->error, 1, "out of memory");
	}
	free(list);
	free(x.changes);
	free(x.futures);
	free(x.occ);
	free(x.gone);
	return err;
}
