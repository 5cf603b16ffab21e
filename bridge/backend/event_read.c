#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/event.h"
#include "bridge/backend/recur.h"
#include "bridge/base/text.h"

enum { TEXT_MAX = 512 }; /* of a subject or place: Exchange cuts at 255 characters */

const struct fb_zone *ics_event_zone(const struct ics_event *e, const struct fb_zone *floating)
{
	return e->start.zone ? e->start.zone : floating;
}

/* The ${n} bytes at ${s} in the arena; what is no UTF-8, as in a file in Latin 1, becomes replacement characters: nobody takes the text else. */
static const char *kept_text(struct ics_job *j, const char *s, size_t n)
{
	char text[3 * TEXT_MAX];
	size_t len = 0;
	for (size_t i = 0, step; i < n; i += step) {
		const char *c = s + i;
		size_t bytes = step = text_utf8_step(c, n - i);
		if (!step) {
			c = "\xef\xbf\xbd";
			bytes = 3;
			step = 1;
		}
		memcpy(text + len, c, bytes);
		len += bytes;
	}
	return arena_strndup(j->arena, text, len);
}

/* TEXT (RFC 5545 3.3.11) without its backslashes, cut to fit at a character's edge. */
static const char *text_of(struct ics_job *j, const struct ics_property *p)
{
	char text[TEXT_MAX + 1];
	size_t n = 0, i = 0;
	for (; i < p->value_len && n < TEXT_MAX; i++) {
		char c = p->value[i];
		if (c == '\\' && i + 1 < p->value_len) {
			c = p->value[++i];
			c = c == 'n' || c == 'N' ? '\n' : c;
		}
		if (c)
			text[n++] = c;
	}
	return kept_text(j, text, i < p->value_len ? text_utf8_whole(text, n) : n);
}

/* A number that only orders versions: anything unreadable is 0. */
static int64_t number_of(const struct ics_property *p)
{
	int64_t v = 0;
	for (size_t i = 0; i < p->value_len && i < 18 && p->value[i] >= '0' && p->value[i] <= '9'; i++)
		v = v * 10 + (p->value[i] - '0');
	return v;
}

/*
 * So, and with no RRULE, Exchange writes what recurs by the Hijri, Hebrew or a lunar calendar ([MS-OXCICAL] 2.1.3.2.2): all but the first would be
 * free.
 */
static int read_foreign_rule(struct ics_job *j, const struct ics_event *e, const struct ics_property *p)
{
	if (ics_property_of(e->c, ICS_RRULE))
		return 0;
	return ics_fail(j->error, p->line, "this series recurs by another calendar than the Gregorian, which is not known here");
}

/* The midnight of the mailbox, or of whatever zone it is told in, is a date behind a date. */
static void make_date(const struct ics_job *j, struct ics_time *t)
{
	int64_t here = t->is_utc ? fb_zone_wall(j->options->floating, t->wall) : t->wall;
	if (here % 86400 && t->wall % 86400)
		return;
	*t = (struct ics_time){.wall = here % 86400 ? t->wall : here, .is_date = true};
}

/* A date with an ${end} that has a time begins at its midnight: of the zones of the mailbox and of the end that which comes first. */
static void begin_day(const struct ics_job *j, struct ics_event *e, const struct ics_time *end)
{
	const struct fb_zone *here = j->options->floating;
	bool sooner = end->zone && fb_zone_utc_of(here, e->start.wall) < fb_zone_utc_of(end->zone, e->start.wall);
	e->start.is_date = false;
	e->start.zone = sooner && e->c->kind == ICS_VEVENT ? NULL : end->zone;
}

/* DTEND: days for dates, else the exact time between the two instants. */
static int length_to(struct ics_job *j, struct ics_event *e, const struct ics_property *p)
{
	struct ics_time end;
	if (ics_job_time(j, p, p->value, p->value_len, &end))
		return -1;
	if (e->start.is_date && !end.is_date)
		make_date(j, &end);
	if (e->start.is_date && end.is_date) {
		int64_t days = (end.wall - e->start.wall) / 86400;
		e->length.days = days ? days : 1; /* an all-day event that ends on its own day is meant to last it */
	} else {
		const struct fb_zone *floating = j->options->floating;
		if (e->start.is_date) /* one of the two has a time, so the other is that day's midnight */
			begin_day(j, e, &end);
		else if (end.is_date || (!end.zone && e->start.zone))
			end.zone = e->start.zone;
		end.is_date = false;
		e->length.seconds = ics_instant(&end, ics_event_zone(e, floating)) - ics_instant(&e->start, floating);
		if (e->length.seconds < 0 && end.zone == e->start.zone) /* a start in the hour that the clock leaves out */
			e->length.seconds = end.wall - e->start.wall;
	}
	j->in_doubt = e->length.days < 0 || e->length.seconds < 0;
	return j->in_doubt ? ics_fail(j->error, p->line, "this event ends before it starts") : 0;
}

static int read_length(struct ics_job *j, struct ics_event *e, const struct ics_property *end, const struct ics_property *duration)
{
	if (end)
		return length_to(j, e, end);
	if (duration) {
		if (!ics_duration_read(duration->value, duration->value_len, &e->length))
			return ics_fail(j->error, duration->line, "this DURATION is none");
		j->in_doubt = e->length.days < 0 || e->length.seconds < 0;
		if (j->in_doubt)
			return ics_fail(j->error, duration->line, "this event ends before it starts: its DURATION is negative");
	}
	if (e->start.is_date && e->c->kind == ICS_VEVENT) { /* 24 hours are less than a day when the clock goes back */
		e->length.days += (e->length.seconds + 86399) / 86400;
		e->length.seconds = 0;
	}
	if (e->start.is_date && !e->length.days && !e->length.seconds)
		e->length.days = 1;
	return 0;
}

/* Of an event whose digits are all that is known of when it is: it takes time of the window if it begins in here. */
struct span {
	int64_t lo, hi;
};

static int stop(void *arg, int64_t wall)
{
	(void)arg;
	(void)wall;
	return 1;
}

/* Does the rule ${p} of what begins at ${first} name nothing in ${in}, whether or not it begins with a date, for which times of a day are ignored? */
static bool rule_misses(struct ics_job *j, const struct ics_property *p, int64_t first, struct span in)
{
	static const int64_t apart = 3 * 86400; /* UNTIL may be told by any clock, or be a day */
	struct recur_rule r;
	char why[128];
	if (!recur_read(p->value, p->value_len, &r, why, sizeof why))
		return false;
	int64_t hi = r.has_until && r.until.wall + apart < in.hi ? r.until.wall + apart : in.hi;
	bool missed = recur_walk(&r, first, in.lo, hi, &j->work, stop, NULL) == RECUR_DONE;
	return missed && (!recur_forget_times(&r) || recur_walk(&r, first, in.lo, hi, &j->work, stop, NULL) == RECUR_DONE);
}

/* Do the extra dates ${p} name nothing in ${in}? */
static bool dates_miss(const struct ics_property *p, struct span in)
{
	const char *s;
	size_t n, pos = 0;
	while (ics_next_item(p, &pos, &s, &n)) {
		struct ics_time t;
		if (memchr(s, '/', n) || !ics_time_read(s, n, &t) || (t.wall >= in.lo && t.wall <= in.hi)) /* a period may be of any length */
			return false;
	}
	return true;
}

/* Does ${c}, which begins at ${first} and perhaps again, not begin in ${in}? */
static bool misses(struct ics_job *j, const struct ics_component *c, int64_t first, struct span in)
{
	if (first >= in.lo && first <= in.hi)
		return false;
	for (const struct ics_property *p = c->first; p; p = p->next) {
		const char *range;
		size_t n;
		if (p->name == ICS_MICROSOFT_RRULE || (p->name == ICS_RECURRENCE_ID && ics_parameter(p, "RANGE", &range, &n)))
			return false;
		if ((p->name == ICS_RRULE && !rule_misses(j, p, first, in)) || (p->name == ICS_RDATE && !dates_miss(p, in)))
			return false;
	}
	return true;
}

/* Does ${start} call itself a date, with or without a time? */
static bool says_date(const struct ics_property *start)
{
	const char *type;
	size_t n;
	return ics_parameter(start, "VALUE", &type, &n) && n == 4 && !strncasecmp(type, "DATE", n);
}

bool ics_event_outside(struct ics_job *j, const struct ics_component *c)
{
	static const int64_t day = 86400, apart = 2 * 86400;
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *end = ics_property_of(c, ICS_DTEND),
	                          *duration = ics_property_of(c, ICS_DURATION);
	struct ics_time from, to;
	struct ics_duration d = {0};
	if (!start || !ics_time_read(start->value, start->value_len, &from))
		return false;
	if (end ? !ics_time_read(end->value, end->value_len, &to) : duration && !ics_duration_read(duration->value, duration->value_len, &d))
		return false;
	if (from.is_utc && says_date(start) && ics_property_of(c, ICS_RRULE)) /* its rule goes by the day that this is in the mailbox's zone */
		return false;
	int64_t length = end ? to.wall - from.wall : d.days * day + d.seconds;
	int64_t before = length < 0 ? length : 0, behind = length > 0 ? length : 0;
	return misses(j, c, from.wall, (struct span){j->window.start - behind - day - apart, j->window.end - before + apart});
}

/*
 * Is all that is known of ${e} what its digits say, and takes it no time of the window, as these lie outside of it or it is cancelled? Then it is
 * forgotten why no more is known.
 */
static bool is_outside(struct ics_job *j, struct ics_event *e)
{
	if (!j->in_doubt || e->c->kind != ICS_VEVENT || !(e->status.cancelled || ics_event_outside(j, e->c)))
		return false;
	buf_reset(j->error);
	return e->outside = true;
}

/* Which occurrence ${e} stands for; of what takes no time of the window that need not be told by itself. */
static int read_rid(struct ics_job *j, struct ics_event *e, const struct ics_property *p)
{
	const char *range;
	size_t n;
	e->is_override = true;
	if (ics_parameter(p, "RANGE", &range, &n) && !(e->and_future = n == 13 && !strncasecmp(range, "THISANDFUTURE", n)))
		return ics_fail(j->error, p->line, "this RECURRENCE-ID has a RANGE other than THISANDFUTURE, so it is not known which occurrences it changes");
	j->in_doubt = false;
	if (e->unplaced || !ics_job_time(j, p, p->value, p->value_len, &e->rid)) /* said once more */
		return 0;
	const char *why = arena_strdup(j->arena, buf_cstr(j->error));
	if (!is_outside(j, e))
		return -1;
	e->unplaced = why ? why : "out of memory";
	return 0;
}

/* What has to do with time must be right; what is only shown may be anything. */
static int read_property(struct ics_job *j, struct ics_event *e, const struct ics_property *p)
{
	struct ics_time t;
	switch (p->name) {
	case ICS_UID: e->uid = p->value_len ? p->value : NULL; e->uid_len = p->value_len; return 0; /* an empty one names nothing */
	case ICS_SEQUENCE: e->sequence = number_of(p); return 0;
	case ICS_DTSTAMP: e->stamp = ics_time_read(p->value, p->value_len, &t) ? t.wall : 0; return 0;
	case ICS_SUMMARY: e->subject = text_of(j, p); return 0;
	case ICS_LOCATION: e->location = text_of(j, p); return 0;
	case ICS_RECURRENCE_ID: return read_rid(j, e, p);
	case ICS_MICROSOFT_RRULE: return read_foreign_rule(j, e, p);
	default: return 0;
	}
}

static bool same_words(const struct ics_property *a, const struct ics_property *b)
{
	return a->value_len == b->value_len && !memcmp(a->value, b->value, a->value_len) && a->params_len == b->params_len &&
	       !memcmp(a->params, b->params, a->params_len);
}

/* One event has one start, one end and names one occurrence: of two that differ nobody can tell which is meant. */
static int read_properties(struct ics_job *j, struct ics_event *e)
{
	static const unsigned long once = 1UL << ICS_DTSTART | 1UL << ICS_DTEND | 1UL << ICS_DURATION | 1UL << ICS_RECURRENCE_ID;
	const struct ics_property *first[ICS_END + 1] = {0};
	for (const struct ics_property *p = e->c->first; p; p = p->next) {
		const struct ics_property *f = first[p->name] = first[p->name] ? first[p->name] : p;
		if ((once >> p->name & 1) && !same_words(p, f))
			return ics_fail(j->error, p->line, "this event has another %s on line %u: which one counts nobody can tell", ics_property_name(p), f->line);
		if (read_property(j, e, p))
			return -1;
	}
	return 0;
}

/*
 * A time that names no zone is meant in that which its calendar names by X-WR-TIMEZONE, as its makers mean it and as others read it: who publishes
 * times for whomever it may concern does not know where they are. A zone that nobody knows is none. A day is whoever's day it is.
 */
static int place_start(struct ics_job *j, struct ics_event *e)
{
	const struct ics_property *p = j->calendar_zone;
	if (!p || e->start.is_date || e->start.zone || e->c->kind != ICS_VEVENT)
		return 0;
	bool quoted = p->value_len >= 2 && p->value[0] == '"' && p->value[p->value_len - 1] == '"';
	e->start.zone = ics_zone_find(j, p->value + quoted, p->value_len - 2 * quoted, p->line);
	if (e->start.zone || j->work <= 0)
		return e->start.zone ? 0 : -1;
	buf_reset(j->error);
	j->in_doubt = false;
	return 0;
}

/* DTSTART, which is a date where it says so and is a midnight none the less: with no end it would take no time. */
static int read_start(struct ics_job *j, struct ics_event *e, const struct ics_property *p)
{
	if (ics_job_time(j, p, p->value, p->value_len, &e->start))
		return -1;
	if (says_date(p) && !e->start.is_date && e->c->kind == ICS_VEVENT)
		make_date(j, &e->start);
	return place_start(j, e);
}

/* Start and end. What is in doubt of an event does not matter where it takes no time of the window in any case: much in calendars is long over. */
static int read_times(struct ics_job *j, struct ics_event *e, const struct ics_property *start)
{
	j->in_doubt = false;
	if (!read_start(j, e, start) &&
	    !read_length(j, e, ics_property_of(e->c, ICS_DTEND), ics_property_of(e->c, ICS_DURATION)))
		return 0;
	return is_outside(j, e) ? 0 : -1;
}

int ics_event_read(struct ics_job *j, const struct ics_component *c)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART);
	struct ics_event *e = arena_alloc(j->arena, sizeof *e);
	if (!e)
		return ics_fail(j->error, c->line, "the calendar needs more memory than one calendar may have");
	*e = (struct ics_event){.c = c, .file = j->file, .collection = j->collection, .scope = j->scope, .order = (unsigned)j->n_events};
	e->status = ics_status_of(c);
	e->status.flags |= j->all_private ? FB_PRIVATE : 0;
	if (read_properties(j, e))
		return -1;
	if (!start && !e->status.cancelled)
		return ics_fail(j->error, c->line, "this VEVENT has no DTSTART");
	if (!start && !e->is_override)
		return 0; /* cancelled, and takes no time anywhere */
	if (!start)
		e->start = e->rid;
	else if (read_times(j, e, start))
		return -1;
	e->next = j->events;
	j->events = e;
	j->n_events++;
	return 0;
}
