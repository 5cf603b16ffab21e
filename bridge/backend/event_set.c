#include "bridge/backend/event_set.h"
#include <stdlib.h>
#include <string.h>

static const size_t max_occurrences = 1 << 20;
static const int64_t day = 86400, slack = 2 * 86400; /* slack: wall and UTC are never further apart */
static const int64_t first_midnight = 10 * 3600; /* of the zones ahead of UTC: in Kiritimati the next day begins then */

int64_t event_midnight(int64_t wall)
{
	return wall - ((wall % day) + day) % day;
}

int64_t event_key_at(const struct event_set *x, const struct ics_event *s, int64_t wall)
{
	return s->start.is_date ? event_midnight(wall) : fb_zone_utc_of(ics_event_zone(s, x->floating), wall);
}

/*
 * ${t} as a wall time in a series of dates. The midnight of the mailbox told in UTC, as Exchange writes it, is that very day; of any other time
 * the digits count.
 */
static int64_t wall_in_dates(const struct event_set *x, const struct ics_time *t)
{
	int64_t here = t->is_utc ? fb_zone_wall(x->floating, t->wall) : t->wall;
	return here == event_midnight(here) ? here : t->wall;
}

/*
 * Hours of UTC from ${least} on, in quarters, may be the midnight of a zone ahead of UTC, by up to 14 hours: then they name the day behind. That of
 * the mailbox is no such case.
 */
static bool is_next_day(const struct event_set *x, const struct ics_time *t, int64_t least)
{
	int64_t at = wall_in_dates(x, t), time = at - event_midnight(at);
	return t->is_utc && time >= least && time % 900 == 0;
}

int64_t event_key_of(const struct event_set *x, const struct ics_event *s, const struct ics_time *t)
{
	if (s->start.is_date)
		return wall_in_dates(x, t);
	return ics_instant(t, ics_event_zone(s, x->floating));
}

int64_t event_wall_of(const struct event_set *x, const struct ics_event *s, const struct ics_time *t)
{
	if (s->start.is_date) /* ten o'clock is Hawaii's midnight of that very day, eleven is New Zealand's of the next */
		return event_midnight(wall_in_dates(x, t)) + (is_next_day(x, t, first_midnight + 1) ? day : 0);
	if (t->is_date) /* KDE: that day, at the time of the series */
		return t->wall + s->start.wall - event_midnight(s->start.wall);
	if (!t->zone || t->zone == s->start.zone)
		return t->wall;
	return fb_zone_wall(ics_event_zone(s, x->floating), ics_instant(t, x->floating));
}

int event_no_room(const struct event_set *x, unsigned line)
{
	return ics_fail(x->j->error, line, "this series has more occurrences in this window than one answer may hold");
}

/* ${list} with room for one more of ${size} bytes, or NULL (it then stays as it was). */
static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	size_t more = *cap ? *cap * 2 : 64;
	void *p = n < max_occurrences ? realloc(list, more * size) : NULL;
	*cap = p ? more : *cap;
	return p;
}

static int add_gone(struct event_set *x, int64_t key, unsigned line)
{
	int64_t *list = grown(x->gone, x->n_gone, &x->cap_gone, sizeof *list);
	if (!list)
		return event_no_room(x, line);
	x->gone = list;
	x->gone[x->n_gone++] = key;
	return 0;
}

static int add_occurrence(struct event_set *x, struct occurrence o, unsigned line)
{
	struct occurrence *list = grown(x->occ, x->n_occ, &x->cap_occ, sizeof *list);
	if (!list)
		return event_no_room(x, line);
	x->occ = list;
	x->occ[x->n_occ++] = o;
	return 0;
}

static struct occurrence occurrence_at(const struct event_set *x, int64_t key, int64_t wall)
{
	return (struct occurrence){.key = key, .wall = wall, .at = x->series->start.is_date ? fb_zone_utc_of(x->floating, wall) : key};
}

/* The day that UNTIL lets a series of dates begin last. */
static int64_t last_day(const struct event_set *x, bool frees)
{
	const struct ics_time *u = &x->rule->until;
	return event_midnight(wall_in_dates(x, u)) + (!frees && is_next_day(x, u, first_midnight) ? day : 0);
}

/* Does the rule at hand make time free? */
static bool makes_free(const struct event_set *x)
{
	return x->excluding != (x->series->c->kind == ICS_AVAILABLE);
}

/*
 * UNTIL bounds the start, itself included (RFC 5545 3.3.10). As a date in a series with times, which the RFC does not want, it is all of that day:
 * so mean it the programs that write it (Evolution, old KDE), while most libraries end with its first moment. What is in doubt is busy, so what
 * makes time free, an EXRULE or an AVAILABLE, gets the shorter reading.
 */
static bool past_until(const struct event_set *x, int64_t wall, int64_t key)
{
	const struct ics_time *u = &x->rule->until;
	bool frees = makes_free(x);
	if (!x->rule->has_until)
		return false;
	if (x->series->start.is_date)
		return event_midnight(wall) > last_day(x, frees);
	if (u->is_utc)
		return key > u->wall;
	return wall > u->wall + (u->is_date && !frees ? day - 1 : 0);
}

static int take_from_rule(void *arg, int64_t wall)
{
	struct event_set *x = arg;
	int64_t key = event_key_at(x, x->series, wall);
	if (past_until(x, wall, key))
		return 0;
	if (x->series->start.is_date)
		wall = key; /* a rule by the hour names days here, if anything */
	if (x->excluding)
		return add_gone(x, key, x->series->c->line);
	return add_occurrence(x, occurrence_at(x, key, wall), x->series->c->line);
}

static int take_rule(struct event_set *x, const struct ics_property *p, int64_t lo, int64_t hi)
{
	struct recur_rule r;
	char why[128];
	if (!recur_read(p->value, p->value_len, &r, why, sizeof why))
		return ics_fail(x->j->error, p->line, "this recurrence rule cannot be read: %s", why);
	x->rule = &r;
	x->excluding = p->name == ICS_EXRULE;
	if (r.guessed && makes_free(x))
		return ics_fail(x->j->error, p->line, "this rule makes time free and has an INTERVAL, COUNT or BYDAY that says nothing, so it is not known when");
	if (x->series->start.is_date)
		recur_forget_times(&r);
	if (r.has_until && r.until.wall + slack < hi)
		hi = r.until.wall + slack;
	switch (recur_walk(&r, x->series->start.wall, lo, hi, &x->j->work, take_from_rule, x)) {
	case RECUR_DONE: return 0;
	case RECUR_STOPPED: return -1;
	default: return ics_job_tired(x->j, p->line);
	}
}

/* Of an extra day told in UTC that names one of two, which one event_wall_of() has not named is shown as well, unless it would make time free. */
static int take_other_day(struct event_set *x, const struct ics_time *t, int64_t wall, unsigned line)
{
	if (!is_next_day(x, t, first_midnight) || x->series->c->kind == ICS_AVAILABLE)
		return 0;
	int64_t digits = event_midnight(t->wall), other = wall == digits ? digits + day : digits;
	return add_occurrence(x, occurrence_at(x, other, other), line);
}

static int take_rdates(struct event_set *x, const struct ics_property *p)
{
	const struct fb_zone *zone = ics_event_zone(x->series, x->floating);
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		struct ics_time t;
		int64_t seconds = 0;
		bool period = memchr(s, '/', n) != NULL;
		if (period ? ics_job_period(x->j, p, s, n, zone, &t, &seconds) : ics_job_time(x->j, p, s, n, &t))
			return -1;
		int64_t wall = event_wall_of(x, x->series, &t);
		bool by_day = t.is_date || (x->series->start.is_date && !period); /* a period is one more than the day in which it lies */
		struct occurrence o = occurrence_at(x, by_day ? event_key_at(x, x->series, wall) : event_key_of(x, x->series, &t), wall);
		o.has_length = period;
		o.seconds = seconds;
		if (period)
			o.at = ics_instant(&t, zone);
		if (add_occurrence(x, o, p->line) || (x->series->start.is_date && !period && take_other_day(x, &t, wall, p->line)))
			return -1;
	}
	return 0;
}

static int take_exdates(struct event_set *x, const struct ics_property *p)
{
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		struct ics_time t;
		if (!n) /* some lists end with a comma: what names nothing takes nothing out */
			continue;
		if (ics_job_time(x->j, p, s, n, &t) || add_gone(x, event_key_of(x, x->series, &t), p->line))
			return -1;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->has_length != y->has_length)
		return y->has_length - x->has_length; /* an RDATE's own period counts before a rule's occurrence at the same time */
	if (x->seconds != y->seconds)
		return x->seconds > y->seconds ? -1 : 1; /* and of two periods the longer one */
	return (y->wall > x->wall) - (y->wall < x->wall); /* two walls are one instant where the clock leaves out an hour: the later lasts longer */
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int event_set_gather(struct event_set *x, const struct ics_event *e, int64_t lo, int64_t hi)
{
	x->n_occ = x->n_gone = 0;
	x->series = e;
	x->recurs = x->apart = false;
	x->j->scope = e->scope;
	if (add_occurrence(x, occurrence_at(x, event_key_at(x, e, e->start.wall), e->start.wall), e->c->line))
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
		x->recurs |= p->name == ICS_RRULE || p->name == ICS_RDATE;
	}
	if (x->n_occ > 1)
		qsort(x->occ, x->n_occ, sizeof *x->occ, by_key);
	if (x->n_gone > 1)
		qsort(x->gone, x->n_gone, sizeof *x->gone, by_number);
	return 0;
}

bool event_set_skips(const struct event_set *x, size_t i)
{
	const struct occurrence *o = &x->occ[i];
	bool again = i && o[-1].key == o->key && !(x->apart && o[-1].wall != o->wall);
	return again || (x->n_gone && bsearch(&o->key, x->gone, x->n_gone, sizeof *x->gone, by_number));
}

void event_set_free(struct event_set *x)
{
	free(x->occ);
	free(x->gone);
}
