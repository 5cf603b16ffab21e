#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/zone_inside.h"

/* A rule comes with a request and its zone goes with it: some decades of table are enough. */
enum { RULE_ROOM = 120, KEPT = 16 };

static bool change_valid(const struct fb_change *c)
{
	if (c->month < 1 || c->month > 12 || c->second < -ZONE_MAX_SECOND || c->second > ZONE_MAX_SECOND)
		return false;
	if (c->year == 0)
		return c->day_order >= 1 && c->day_order <= 5 && c->weekday >= 0 && c->weekday <= 6;
	return c->year >= 1 && c->year <= 9999 && c->day_order >= 1 && c->day_order <= fb_month_days(c->year, c->month);
}

static struct zone_when when_of(const struct fb_change *c)
{
	struct zone_when w = {.month = c->month, .year = c->year, .second = c->second};

	if (c->year) {
		w.kind = ZONE_DATE;
		w.day = c->day_order;
	} else {
		w.kind = ZONE_WEEKDAY;
		w.order = c->day_order;
		w.weekday = c->weekday;
	}
	return w;
}

/* Two changes that happen once each are a table; what was before the earlier one is the offset that it ends. */
static struct fb_zone *from_dates(const struct zone_yearly *y)
{
	struct fb_zone_transition t[2], c[2];
	int n = zone_yearly_changes(y, y->to_daylight.year, t);

	if (n == 1) {
		zone_yearly_changes(y, y->to_standard.year, c);
		t[1] = c[0];
		if (t[1].utc < t[0].utc) {
			t[1] = t[0];
			t[0] = c[0];
		}
	}
	n = t[0].utc < t[1].utc ? 2 : 1;
	return fb_zone_from_transitions(t[0].offset == y->daylight ? y->standard : y->daylight, t, (size_t)n);
}

static struct fb_zone *from_rule(const struct fb_zone_rule *rule)
{
	struct zone_yearly y = {.standard = rule->standard_offset, .daylight = rule->daylight_offset};

	if (!zone_offset_fits(y.standard) || !zone_offset_fits(y.daylight))
		return NULL;
	/* Windows: without a month there is no daylight saving, whatever else is written (TIME_ZONE_INFORMATION). */
	if (rule->to_standard.month == 0 || rule->to_daylight.month == 0)
		return fb_zone_fixed(y.standard);
	if (!change_valid(&rule->to_standard) || !change_valid(&rule->to_daylight))
		return NULL;
	y.changes = true;
	y.to_standard = when_of(&rule->to_standard);
	y.to_daylight = when_of(&rule->to_daylight);
	zone_yearly_settle(&y);
	if (!y.changes)
		return fb_zone_fixed(y.standard);
	if (y.to_standard.year && y.to_daylight.year)
		return from_dates(&y);
	struct fb_zone *z = zone_alloc(RULE_ROOM);
	if (z) {
		z->has_yearly = true;
		z->yearly = y;
		zone_lay_out(z, RULE_ROOM, ZONE_TABLE_YEAR);
	}
	return z;
}

/* The people of a site live in few zones and name them with every request: the last few are kept, for they are dear to lay out. */
struct fb_zone *fb_zone_from_rule(const struct fb_zone_rule *rule)
{
	static struct {
		struct fb_zone_rule rule;
		struct fb_zone *zone;
	} kept[KEPT];
	static size_t next;
	struct fb_zone *z;

	for (size_t i = 0; i < KEPT; i++)
		if (kept[i].zone && memcmp(&kept[i].rule, rule, sizeof *rule) == 0) {
			kept[i].zone->others++;
			return kept[i].zone;
		}
	if (!(z = from_rule(rule)))
		return NULL;
	fb_zone_free(kept[next].zone);
	kept[next].rule = *rule;
	kept[next].zone = z;
	z->others++;
	next = (next + 1) % KEPT;
	return z;
}

/* The rule ${w} in words of the wire, if the wire has them and they mean the instant ${wall} in that year. */
static bool same_words(const struct zone_when *w, int64_t wall, struct fb_change *out)
{
	struct fb_civil c = fb_civil_at(wall);

	if (w->kind != ZONE_WEEKDAY || w->second < 0 || w->second >= ZONE_DAY || w->month != c.month || w->weekday != c.weekday)
		return false;
	if (w->order == 5 ? c.day + 7 <= fb_month_days(c.year, c.month) : (c.day - 1) / 7 + 1 != w->order)
		return false;
	if (w->second != c.hour * 3600 + c.minute * 60 + c.second)
		return false;
	*out = (struct fb_change){.month = w->month, .day_order = w->order, .weekday = w->weekday, .second = w->second};
	return true;
}

/*
 * The change at ${wall} (clock of the period being left) as a yearly one: the zone's own words if they fit,
 * else counted from the date.
 */
static struct fb_change yearly_change(const struct fb_zone *z, int64_t wall)
{
	struct fb_civil c = fb_civil_at(wall);
	struct fb_change out;

	if (z->has_yearly && z->yearly.changes &&
	    (same_words(&z->yearly.to_standard, wall, &out) || same_words(&z->yearly.to_daylight, wall, &out)))
		return out;
	out = (struct fb_change){.month = c.month, .weekday = c.weekday, .second = c.hour * 3600 + c.minute * 60 + c.second};
	out.day_order = c.day + 7 > fb_month_days(c.year, c.month) ? 5 : (c.day - 1) / 7 + 1;
	return out;
}

static struct fb_change dated_change(int64_t wall)
{
	struct fb_civil c = fb_civil_at(wall);

	return (struct fb_change){.month = c.month, .day_order = c.day, .weekday = c.weekday,
		.second = c.hour * 3600 + c.minute * 60 + c.second, .year = c.year};
}

/*
 * One change in the year, from ${before} to t->offset: the wire has no word for it but two dated changes, of
 * which the other is put at the instant the year begins (${begin}), where it brings what is in force anyway.
 */
static void rule_once(int before, const struct fb_zone_transition *t, int64_t begin, struct fb_zone_rule *out)
{
	bool up = t->offset > before;

	out->standard_offset = up ? before : t->offset;
	out->daylight_offset = up ? t->offset : before;
	*(up ? &out->to_daylight : &out->to_standard) = dated_change(t->utc + before);
	*(up ? &out->to_standard : &out->to_daylight) = dated_change(begin + t->offset);
}

void fb_zone_rule_at(const struct fb_zone *z, int64_t utc, struct fb_zone_rule *out)
{
	int year = fb_civil_at(fb_zone_wall(z, utc)).year;
	int64_t begin = fb_zone_utc_of(z, fb_days(year, 1, 1) * ZONE_DAY), end = fb_zone_utc_of(z, fb_days(year + 1, 1, 1) * ZONE_DAY);
	int before = fb_zone_offset(z, begin);
	struct fb_zone_transition t[2];
	int n = 0;

	memset(out, 0, sizeof *out);
	out->standard_offset = out->daylight_offset = fb_zone_offset(z, utc);
	for (struct fb_zone_transition next; fb_zone_next(z, n ? t[n - 1].utc : begin, &next) && next.utc < end; t[n++] = next)
		if (n == 2)
			return;
	if (n == 1)
		rule_once(before, t, begin, out);
	if (n != 2 || t[1].offset != before)
		return;
	bool up = t[0].offset > before;
	out->standard_offset = up ? before : t[0].offset;
	out->daylight_offset = up ? t[0].offset : before;
	*(up ? &out->to_daylight : &out->to_standard) = yearly_change(z, t[0].utc + before);
	*(up ? &out->to_standard : &out->to_daylight) = yearly_change(z, t[1].utc + t[0].offset);
}
