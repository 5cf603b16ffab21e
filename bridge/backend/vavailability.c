#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/job.h"
#include "bridge/backend/recur.h"

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
	int64_t length = end ? e.wall - s.wall : duration ? d.days * 86400 + d.seconds : 0, from = ((s.wall % 86400) + 86400) % 86400;
	bool same_zone = (!*zone || *zone == z) && (!end || e.zone == s.zone);
	if (!rule || r.freq != RECUR_WEEKLY || r.interval != 1 || r.count || r.months || r.n_setpos || r.hours || s.is_date || !same_zone)
		return 0;
	if ((r.has_until && r.until.wall < j->window.start) || s.wall > j->window.end || length <= 0 || from + length > 86400)
		return 0;
	*zone = z;
	int weekday = (int)((((s.wall - from) / 86400 + 4) % 7 + 7) % 7);
	*out = (struct fb_working_period){r.weekdays ? r.weekdays : 1U << weekday, (int)(from / 60), (int)((from + length) / 60)};
	return 1;
}

int ics_availability_read(struct ics_job *j, const struct ics_component *c)
{
	struct fb_working_hours hours = {.known = true};
	const struct fb_zone *zone = NULL;
	for (const struct ics_component *a = c->children; a; a = a->next) {
		if (a->kind != ICS_AVAILABLE)
			continue;
		struct fb_working_period p;
		int got = weekly(j, a, &zone, &p);
		if (got < 0)
			return -1;
		if (!got || hours.n == FB_MAX_PERIODS)
			return 0;
		hours.periods[hours.n++] = p;
	}
	if (!hours.n)
		return 0;
	fb_zone_rule_at(zone, j->window.start, &hours.zone);
	j->into->hours = hours;
	return 0;
}
