#include <stdlib.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/base/text.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/writing.h"
#include "bridge/ews/zone_read.h"

/*
 * GetServerTimeZones with what the zones really do: years of one rule form a group, and an AbsoluteDateTransition at New Year leads from
 * each group to the next. Group ids have two digits, because exchangelib sorts them as strings.
 */

enum { FIRST_YEAR = 2000, LAST_YEAR = 2040, YEARS = LAST_YEAR - FIRST_YEAR + 1 };

struct zone_years {
	size_t n;
	struct { int from; struct fb_zone_rule rule; } groups[YEARS];
};

static bool same_rule(const struct fb_zone_rule *a, const struct fb_zone_rule *b)
{
	return a->standard_offset == b->standard_offset && a->daylight_offset == b->daylight_offset &&
	       zone_same_change(&a->to_standard, &b->to_standard) && zone_same_change(&a->to_daylight, &b->to_daylight);
}

static bool changes(const struct fb_zone_rule *r)
{
	return r->to_standard.month && r->to_daylight.month && r->standard_offset != r->daylight_offset;
}

/* A change bound to one year as the nth weekday of its month: the group holds for that year only, and exchangelib knows no other form. */
static void unbind(struct fb_change *c)
{
	if (!c->year)
		return;
	c->weekday = fb_civil_at(fb_days(c->year, c->month, c->day_order) * 86400).weekday;
	c->day_order = c->day_order + 7 > fb_month_days(c->year, c->month) ? 5 : (c->day_order - 1) / 7 + 1;
	c->year = 0;
}

static void find_years(const struct fb_zone *z, struct zone_years *y)
{
	y->n = 0;
	for (int year = FIRST_YEAR; year <= LAST_YEAR; year++) {
		struct fb_zone_rule rule;

		fb_zone_rule_at(z, fb_days(year, 7, 1) * 86400, &rule);
		if (changes(&rule)) {
			unbind(&rule.to_standard);
			unbind(&rule.to_daylight);
		} else {
			rule.daylight_offset = rule.standard_offset;
			rule.to_standard = rule.to_daylight = (struct fb_change){0};
		}
		if (y->n && same_rule(&rule, &y->groups[y->n - 1].rule))
			continue;
		y->groups[y->n].from = year;
		y->groups[y->n++].rule = rule;
	}
}

static void put_duration(struct buf *out, int seconds)
{
	int s = abs(seconds);

	buf_printf(out, "%sPT%dH%dM", seconds < 0 ? "-" : "", s / 3600, s / 60 % 60);
	if (s % 60)
		buf_printf(out, "%dS", s % 60);
}

static void put_period(struct buf *out, size_t group, const char *name, int offset)
{
	buf_puts(out, "<t:Period Bias=\"");
	put_duration(out, -offset);
	buf_printf(out, "\" Name=\"%s\" Id=\"%02zu/%s\"/>", name, group, name);
}

static void put_change(struct buf *out, size_t group, const char *name, const struct fb_change *c)
{
	buf_printf(out, "<t:RecurringDayTransition><t:To Kind=\"Period\">%02zu/%s</t:To><t:TimeOffset>", group, name);
	put_duration(out, c->second);
	buf_printf(out, "</t:TimeOffset><t:Month>%d</t:Month><t:DayOfWeek>%s</t:DayOfWeek><t:Occurrence>%d</t:Occurrence></t:RecurringDayTransition>",
	           c->month, zone_weekdays[c->weekday], c->day_order == 5 ? -1 : c->day_order);
}

static void put_group(struct buf *out, size_t i, const struct fb_zone_rule *rule)
{
	buf_printf(out, "<t:TransitionsGroup Id=\"%02zu\">", i);
	if (!changes(rule))
		buf_printf(out, "<t:Transition><t:To Kind=\"Period\">%02zu/Standard</t:To></t:Transition>", i);
	else if (rule->to_daylight.month < rule->to_standard.month) {
		put_change(out, i, "Daylight", &rule->to_daylight);
		put_change(out, i, "Standard", &rule->to_standard);
	} else {
		put_change(out, i, "Standard", &rule->to_standard);
		put_change(out, i, "Daylight", &rule->to_daylight);
	}
	buf_puts(out, "</t:TransitionsGroup>");
}

static void put_definition(struct buf *out, const struct zone_years *y)
{
	buf_puts(out, "<t:Periods>");
	for (size_t i = 0; i < y->n; i++) {
		put_period(out, i, "Standard", y->groups[i].rule.standard_offset);
		if (changes(&y->groups[i].rule))
			put_period(out, i, "Daylight", y->groups[i].rule.daylight_offset);
	}
	buf_puts(out, "</t:Periods><t:TransitionsGroups>");
	for (size_t i = 0; i < y->n; i++)
		put_group(out, i, &y->groups[i].rule);
	buf_puts(out, "</t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">00</t:To></t:Transition>");
	for (size_t i = 1; i < y->n; i++)
		buf_printf(out, "<t:AbsoluteDateTransition><t:To Kind=\"Group\">%02zu</t:To><t:DateTime>%04d-01-01T00:00:00</t:DateTime>"
		           "</t:AbsoluteDateTransition>", i, y->groups[i].from);
	buf_puts(out, "</t:Transitions>");
}

static bool put_zone(struct buf *out, const char *id, bool full)
{
	const struct fb_zone *z = fb_zone_named(id);
	struct zone_years y;

	if (!z)
		return false;
	buf_puts(out, "<t:TimeZoneDefinition Id=\"");
	text_xml(out, id);
	buf_puts(out, "\" Name=\"");
	text_xml(out, id);
	buf_puts(out, "\">");
	if (full) {
		find_years(z, &y);
		put_definition(out, &y);
	}
	buf_puts(out, "</t:TimeZoneDefinition>");
	return true;
}

/* Each zone once, however often it is asked for: 500 times the same would be ten megabytes. */
static bool is_repeated(const struct ews_request *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(r->ids[k], r->ids[i]) == 0)
			return true;
	return false;
}

void zones_put(struct buf *out, const struct ews_request *r)
{
	struct buf list;
	size_t found = 0;
	const char *name;

	buf_init(&list, out->max);
	for (size_t i = 0; i < r->n_ids; i++)
		found += !is_repeated(r, i) && put_zone(&list, r->ids[i], r->full_zones);
	for (size_t i = 0; r->n_ids == 0 && (name = fb_zone_windows_at(i)) != NULL; i++)
		found += put_zone(&list, name, r->full_zones);
	buf_printf(out, "<m:GetServerTimeZonesResponse><m:ResponseMessages><m:GetServerTimeZonesResponseMessage ResponseClass=\"%s\">",
	           found ? "Success" : "Error");
	if (found)
		success_put(out);
	else
		error_put(out, "ErrorTimeZone", "None of the time zones that were asked for is known here.");
	buf_puts(out, "<m:TimeZoneDefinitions>");
	buf_add(out, list.data ? buf_cstr(&list) : "", list.len);
	buf_puts(out, "</m:TimeZoneDefinitions></m:GetServerTimeZonesResponseMessage></m:ResponseMessages></m:GetServerTimeZonesResponse>");
	out->failed |= list.failed;
	buf_free(&list);
}
