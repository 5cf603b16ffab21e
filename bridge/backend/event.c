#include "bridge/backend/event.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/event_set.h"

/* From events to occurrences, one UID at a time: the series, and the overrides that move, change or cancel parts of it. */
struct change {
	int64_t key;
	bool by_day; /* RECURRENCE-ID is a date but the series has times: it means that day's occurrences */
	const struct ics_event *e;
};
struct expander {
	struct event_set set;
	struct change *changes, *futures; /* overrides by key; those with RANGE=THISANDFUTURE once more */
	size_t n_changes, n_futures;
	unsigned hidden; /* FB_PRIVATE: hidden_of() the UID at hand; an override that says nothing of it is no less so than its series */
};

static const int64_t day = 86400, slack = 2 * 86400; /* slack: wall and UTC are never further apart */

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
	struct change want = {o->key, false, NULL}, that_day = {event_midnight(o->wall), true, NULL};
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
	const struct fb_zone *z = ics_event_zone(e, x->set.floating);
	struct fb_event out = {.busy = e->status.busy, .has_details = true, .flags = e->status.flags | flags | x->hidden, .subject = e->subject,
	                       .location = e->location};
	if (e->status.cancelled)
		return 0;
	out.start = own ? own->at : fb_zone_utc_of(z, wall);
	if (own && own->has_length)
		out.end = out.start + own->seconds;
	else
		out.end = e->length.days ? ics_later(z, wall, e->length) : out.start + e->length.seconds;
	if (out.end < out.start)
		out.end = out.start;
	return ics_job_emit(x->set.j, &out) ? event_no_room(&x->set, e->c->line) : 0;
}

/* By how much ${c} moves the series from its RECURRENCE-ID on, in wall time (RFC 5545 3.8.4.4). */
static int64_t shift_of(const struct expander *x, const struct ics_event *series, const struct change *c)
{
	const struct ics_event *e = c->e;
	struct ics_time start = e->start;
	if (series->start.is_date || start.is_date)
		return start.wall - event_wall_of(&x->set, series, &e->rid);
	if (!start.zone && series->start.zone) /* it is in the mailbox's zone, unlike what else of the series names none */
		start.zone = x->set.floating;
	return event_wall_of(&x->set, series, &start) - event_wall_of(&x->set, series, &e->rid);
}

static int emit_occurrence(struct expander *x, const struct ics_event *series, const struct occurrence *o, unsigned flags)
{
	const struct change *c = x->n_futures ? change_before(x, o->key) : NULL;
	if (!c)
		return emit(x, series, o->wall, o, flags);
	int64_t wall = o->wall + shift_of(x, series, c);
	if (c->e->start.is_date)
		return emit(x, c->e, event_midnight(wall), NULL, flags);
	if (!series->start.is_date && c->e->start.zone != series->start.zone)
		wall = fb_zone_wall(ics_event_zone(c->e, x->set.floating), fb_zone_utc_of(ics_event_zone(series, x->set.floating), wall));
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
	*lo = x->set.j->window.start - length - forward - slack;
	*hi = x->set.j->window.end + back + slack;
}

/* Keys of overrides, as this series sees them, newest version of each only. */
static void sort_changes(struct expander *x, const struct ics_event *series, const struct ics_event *const *list, size_t n)
{
	x->n_changes = x->n_futures = 0;
	for (size_t i = 0; i < n; i++) {
		const struct ics_time *t = &list[i]->rid;
		bool by_day = series && t->is_date && !series->start.is_date;
		int64_t key = !series ? ics_instant(t, x->set.floating) : by_day ? t->wall : event_key_of(&x->set, series, t);
		if (series && series->start.is_date && !t->is_utc) /* of UTC that is no midnight here nobody can tell which day it is elsewhere */
			key = event_midnight(key);
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
			f->key = f->by_day ? event_key_at(&x->set, series, f->key) : f->key;
			f->by_day = false;
		}
	qsort(x->futures, x->n_futures, sizeof *x->futures, by_change);
}

/*
 * An override says where its one occurrence went. Where it has a rule or dates of its own, these count as well: such a one is a series that came
 * without its first part (Lotus Notes sends a whole meeting so), and left out they would be free.
 */
static int expand_override(struct expander *x, const struct ics_event *e)
{
	const unsigned flags = FB_RECURRING | FB_EXCEPTION;
	const struct fb_window *w = &x->set.j->window;
	if (e->outside)
		return 0;
	if (!ics_property_of(e->c, ICS_RRULE) && !ics_property_of(e->c, ICS_RDATE))
		return emit(x, e, e->start.wall, NULL, flags);
	if (event_set_gather(&x->set, e, w->start - longest(e) - slack, w->end + slack))
		return -1;
	int64_t own = event_key_at(&x->set, e, e->start.wall);
	for (size_t i = 0; i < x->set.n_occ; i++) {
		const struct occurrence *o = &x->set.occ[i];
		bool again = i && o[-1].key == own; /* its own occurrence is there whatever EXDATE says */
		if ((o->key == own ? !again : !event_set_skips(&x->set, i)) && emit(x, e, o->wall, o, flags))
			return -1;
	}
	return 0;
}

/* Does nothing of ${list} take time of the window, however that is meant which could not be read of it? */
static bool are_over(struct expander *x, const struct ics_event *const *list, size_t n)
{
	struct ics_job *j = x->set.j;
	for (size_t i = 0; i < n; i++) {
		const struct ics_event *e = list[i];
		if (e->c->kind != ICS_VEVENT || !(e->outside || e->status.cancelled || ics_event_outside(j, e->c)))
			return false;
	}
	return j->work > 0;
}

static int expand_series(struct expander *x, const struct ics_event *e)
{
	int64_t lo, hi;
	if (e->outside)
		return 0;
	search_span(x, e, &lo, &hi);
	if (event_set_gather(&x->set, e, lo, hi))
		return -1;
	x->set.apart = x->n_futures > 0;
	for (size_t i = 0; i < x->set.n_occ; i++) {
		const struct occurrence *o = &x->set.occ[i];
		if (event_set_skips(&x->set, i) || changed_alone(x, o))
			continue;
		if (emit_occurrence(x, e, o, x->set.recurs ? FB_RECURRING : 0))
			return -1;
	}
	return 0;
}

/* The first of ${list}, of those of the newest version ${best}, of which it cannot be told what it changes or has changed; NULL: there is none. */
static const struct ics_event *unclear_of(const struct ics_event *const *list, size_t n, int64_t best)
{
	size_t i = 0;
	while (i < n && !(list[i]->is_override ? list[i]->unplaced != NULL : list[i]->outside && list[i]->sequence == best))
		i++;
	return i < n ? list[i] : NULL;
}

/* Says why of ${e} that cannot be told. Always -1. */
static int unclear(struct ics_job *j, const struct ics_event *e)
{
	if (!e->unplaced)
		return ics_fail(j->error, e->c->line, "when this is cannot be told, so neither can what others of its UID change");
	buf_puts(j->error, e->unplaced);
	return -1;
}

/* The series ${series}, whose overrides are the first ${n_over} of ${list}. */
static int expand_version(struct expander *x, const struct ics_event *series, const struct ics_event *const *list, size_t n_over)
{
	x->set.j->work -= 64 * (int64_t)n_over; /* they are sorted anew for each series */
	if (x->set.j->work < 0)
		return ics_job_tired(x->set.j, series->c->line);
	if (n_over)
		sort_changes(x, series, list, n_over);
	return expand_series(x, series);
}

/* All events of one UID and collection: overrides stand first in ${list}. What could not be read of one does not matter where all are over. */
static int expand_group(struct expander *x, const struct ics_event **list, size_t n, unsigned *busy_file)
{
	const struct ics_event *first;
	size_t n_over = 0;
	int64_t best = INT64_MIN;
	while (n_over < n && list[n_over]->is_override)
		n_over++;
	for (size_t i = n_over; i < n; i++)
		best = list[i]->sequence > best ? list[i]->sequence : best;
	if (n_over && (first = unclear_of(list, n, best))) {
		*busy_file = first->file;
		return are_over(x, list, n) ? 0 : unclear(x->set.j, first);
	}
	sort_changes(x, NULL, list, n_over);
	for (size_t i = n_over; i < n; i++) {
		if (list[i]->sequence != best) /* an older version of the same series */
			continue;
		*busy_file = list[i]->file;
		if (!expand_version(x, list[i], list, n_over))
			continue;
		if (!are_over(x, n_over ? list : list + i, n_over ? n : 1))
			return -1;
		buf_reset(x->set.j->error);
		if (n_over)
			return 0;
	}
	for (size_t i = 0; i < x->n_changes; i++) {
		const struct ics_event *e = x->changes[i].e;
		*busy_file = e->file;
		if (expand_override(x, e))
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
	if (x->collection != y->collection)
		return x->collection < y->collection ? -1 : 1;
	if (x->is_override != y->is_override)
		return x->is_override ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool same_uid(const struct ics_event *a, const struct ics_event *b)
{
	return a->uid && b->uid && a->uid_len == b->uid_len && !memcmp(a->uid, b->uid, a->uid_len);
}

/*
 * FB_PRIVATE if a series of the UID that ${list} begins with is, or its rest from an override on; in whatever collection. Of several collections
 * any one occurrence is enough: nobody can tell which of another's is its copy.
 */
static unsigned hidden_of(const struct ics_event **list, size_t n)
{
	unsigned hidden = 0, once = 0;
	bool copied = false;
	for (size_t i = 0; i < n && (!i || same_uid(list[0], list[i])); i++) {
		bool alone = list[i]->is_override && !list[i]->and_future;
		*(alone ? &once : &hidden) |= list[i]->status.flags & FB_PRIVATE;
		copied |= list[i]->collection != list[0]->collection;
	}
	return copied ? hidden | once : hidden;
}

static int expand_all(struct expander *x, const struct ics_event **list, size_t n, unsigned *busy_file)
{
	for (size_t i = 0, to; i < n; i = to) {
		to = i + 1;
		while (to < n && same_uid(list[i], list[to]) && list[i]->collection == list[to]->collection)
			to++;
		if (!i || !same_uid(list[i - 1], list[i]))
			x->hidden = hidden_of(list + i, n - i);
		if (expand_group(x, list + i, to - i, busy_file))
			return -1;
	}
	return 0;
}

int ics_events_expand(struct ics_job *j, unsigned *busy_file)
{
	struct expander x = {.set = {.j = j, .floating = j->options->floating}};
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
	event_set_free(&x.set);
	return err;
}
