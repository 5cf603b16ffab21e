#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/job.h"
#include "bridge/backend/recur.h"

static const int64_t day = 86400;

/* Has the window, which begins at the wall time ${from}, a day of ${p} before the pattern begins, on ${weekday} at ${midnight}? */
static bool begins_late(const struct fb_working_period *p, int weekday, int64_t midnight, int64_t from)
{
	for (int i = 1; i <= 7 && midnight - (i - 1) * day > from; i++)
		if (p->days >> (weekday + 7 - i) % 7 & 1)
			return true;
	return false;
}

/* Does ${r} say more than its days? */
static bool limits(const struct recur_rule *r)
{
	return r->months || r->weeks || r->weeks_back || r->by_year_day || r->month_days || r->month_days_back || r->hours || r->minutes ||
	       r->seconds || r->n_setpos;
}

/* One AVAILABLE as a weekly pattern; 1 if it is one, 0 if it is something that WorkingHours cannot say, -1 with a sentence. */
static int weekly(struct ics_job *j, const struct ics_component *c, const struct fb_zone **zone, struct fb_working_period *out)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *end = ics_property_of(c, ICS_DTEND),
	                          *duration = ics_property_of(c, ICS_DURATION), *rule = ics_property_of(c, ICS_RRULE);
	struct ics_time s, e;
	struct ics_duration d;
	struct recur_rule r;
	char why[128];
	if (!start || ics_job_time(j, start, start->value, start->value_len, &s))
		return start ? -1 : ics_fail(j->error, c->line, "this AVAILABLE has no DTSTART");
	if (rule && !recur_read(rule->value, rule->value_len, &r, why, sizeof why))
		return ics_fail(j->error, rule->line, "this recurrence rule cannot be read: %s", why);
	if (end && ics_job_time(j, end, end->value, end->value_len, &e))
		return -1;
	if (duration && !ics_duration_read(duration->value, duration->value_len, &d))
		return ics_fail(j->error, duration->line, "this DURATION is none");
	const struct fb_zone *z = s.zone ? s.zone : j->options->floating;
	int64_t length = end ? e.wall - s.wall : duration ? d.days * day + d.seconds : 0, from = ((s.wall % day) + day) % day;
	bool same_zone = (!*zone || *zone == z) && (!end || e.zone == s.zone);
	if (ics_property_of(c, ICS_RDATE) || ics_property_of(c, ICS_EXDATE) || ics_property_of(c, ICS_RECURRENCE_ID))
		return 0;
	if (!rule || r.freq != RECUR_WEEKLY || r.interval != 1 || r.guessed || r.count || limits(&r) || s.is_date || !same_zone)
		return 0;
	/* hours hold for the whole window: of a pattern that ends in it, or of which it has days before the first one, the rest would be free */
	if ((r.has_until && r.until.wall - day < j->window.end) || length <= 0 || from + length > day)
		return 0;
	*zone = z;
	int weekday = (int)((((s.wall - from) / day + 4) % 7 + 7) % 7);
	*out = (struct fb_working_period){r.weekdays ? r.weekdays : 1U << weekday, (int)(from / 60), (int)((from + length) / 60)};
	return !begins_late(out, weekday, s.wall - from, fb_zone_wall(z, j->window.start));
}

/* The part of the window of which ${c} speaks; without DTSTART or DTEND it has no bound there. */
static int range_of(struct ics_job *j, const struct ics_component *c, struct fb_window *out)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *end = ics_property_of(c, ICS_DTEND),
	                          *duration = ics_property_of(c, ICS_DURATION);
	const struct fb_zone *floating = j->options->floating;
	struct ics_time s = {0}, e;
	struct ics_duration d;
	*out = j->window;
	if ((start && ics_job_time(j, start, start->value, start->value_len, &s)) || (end && ics_job_time(j, end, end->value, end->value_len, &e)))
		return -1;
	if (duration && !ics_duration_read(duration->value, duration->value_len, &d))
		return ics_fail(j->error, duration->line, "this DURATION is none");
	int64_t from = start ? ics_instant(&s, floating) : INT64_MIN, to = INT64_MAX;
	if (end)
		to = ics_instant(&e, floating);
	else if (start && duration)
		to = ics_later(s.zone ? s.zone : floating, s.wall, d);
	out->start = from > out->start ? from : out->start;
	out->end = to < out->end ? to : out->end;
	return 0;
}

/* BUSYTYPE (RFC 7953 3.2): a word that we do not know counts as BUSY-UNAVAILABLE. */
static enum fb_busy busy_of(const struct ics_component *c)
{
	const struct ics_property *p = ics_property_of(c, ICS_BUSYTYPE);
	if (p && ics_value_is(p, "BUSY"))
		return FB_BUSY_TIME;
	return p && ics_value_is(p, "BUSY-TENTATIVE") ? FB_TENTATIVE : FB_OOF;
}

/* Emits what of ${range}, of which ${c} speaks, none of ${open}'s events, sorted by start, covers. */
static int emit_gaps(struct ics_job *j, const struct ics_component *c, const struct fb_answer *open, struct fb_window range)
{
	struct fb_event gap = {.start = range.start, .busy = busy_of(c)};
	for (size_t i = 0; i <= open->n_events; i++) {
		const struct fb_event *e = i < open->n_events ? &open->events[i] : NULL;
		gap.end = e && e->start < range.end ? e->start : range.end;
		if (gap.start < gap.end && ics_job_emit(j, &gap))
			return ics_fail(j->error, c->line, "the calendar has more busy times in this window than one answer may hold");
		gap.start = e && e->end > gap.start ? e->end : gap.start;
	}
	return 0;
}

/* What is not AVAILABLE is busy (RFC 7953 3.1). AVAILABLE recurs as events do, so it is expanded as they are, into an answer of its own. */
static int emit_unavailable(struct ics_job *j, const struct ics_component *c, struct fb_window range)
{
	struct ics_event *events = j->events;
	struct fb_answer *into = j->into, *open = fb_answer_new(FB_OK);
	size_t n_events = j->n_events;
	int err = open ? 0 : ics_fail(j->error, c->line, "out of memory");
	j->events = NULL;
	j->n_events = 0;
	j->into = open;
	for (const struct ics_component *a = c->children; a && !err; a = a->next)
		err = a->kind == ICS_AVAILABLE ? ics_event_read(j, a) : 0;
	if (!err)
		err = ics_events_expand(j, NULL);
	j->events = events;
	j->n_events = n_events;
	j->into = into;
	if (!err) {
		fb_answer_sort(open);
		err = emit_gaps(j, c, open, range);
	}
	fb_answer_free(open);
	return err;
}

/* The AVAILABLEs of ${c} as working hours: 1 if that is what they are, 0 if not, -1 with a sentence. */
static int read_hours(struct ics_job *j, const struct ics_component *c, struct fb_working_hours *hours)
{
	const struct fb_zone *zone = NULL;
	bool all = true;
	for (const struct ics_component *a = c->children; a; a = a->next) {
		struct fb_working_period p;
		int got = a->kind == ICS_AVAILABLE ? weekly(j, a, &zone, &p) : 0;
		if (got < 0)
			return -1;
		all &= a->kind != ICS_AVAILABLE || (got && hours->n < FB_MAX_PERIODS);
		if (got && all)
			hours->periods[hours->n++] = p;
	}
	if (hours->n)
		fb_zone_rule_at(zone, j->window.start, &hours->zone);
	return all && hours->n;
}

int ics_availability_read(struct ics_job *j, const struct ics_component *c)
{
	struct fb_working_hours hours = {.known = true};
	struct fb_window range;
	int got = read_hours(j, c, &hours);
	if (got < 0 || range_of(j, c, &range))
		return -1;
	if (range.start >= range.end)
		return 0;
	if (!got || range.start > j->window.start || range.end < j->window.end)
		return emit_unavailable(j, c, range);
	j->into->hours = hours;
	return 0;
}
