#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/ews/zone_read.h"

/* A TimeZoneDefinition: names of periods, groups of yearly changes between them, and from when which group holds. */

/* Windows has a group, a period and a line for each year of a zone that follows Ramadan, up to 2088. */
enum {
	MAX_PERIODS = 256,
	MAX_GROUPS = 256,
	MAX_CHANGES = 8, /* a group */
	MAX_LINES = 256,
	FIRST_YEAR = 1990,
	LAST_YEAR = 2100,
	MAX_MOMENTS = 2048
};

struct period {
	const char *id;
	int offset; /* seconds east */
};
struct change {
	const char *to;
	bool to_group, by_day; /* by_day: ${day} is a day of the month, else the occurrence of a weekday (-1 = last) */
	int second, month, weekday, day;
	const char *at;        /* AbsoluteDateTransition's DateTime; NULL = from the beginning */
};
struct group {
	const char *id;
	size_t n;
	struct change changes[MAX_CHANGES];
};
struct zone_context {
	const char *id;
	size_t n_periods, n_groups, n_lines;
	struct period periods[MAX_PERIODS];
	struct group groups[MAX_GROUPS];
	struct change lines[MAX_LINES];
	struct change *now, spill; /* spill takes what is over the limits */
	bool in_group, too_many;
};

static struct zone_context *context_of(struct soap *s)
{
	return ((struct zone_reading *)s->arg)->context;
}

static bool definition_open(struct soap *s, const char *text)
{
	struct zone_context *c = context_of(s) ? NULL : arena_alloc(s->arena, sizeof *c);

	if (context_of(s))
		return soap_violation(s, "There is more than one TimeZoneDefinition.");
	if (!c)
		return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the request.");
	c->id = soap_attribute(s, "Id");
	((struct zone_reading *)s->arg)->context = c;
	return true;
}

/* xs:duration as far as clocks go: -P1DT2H3M4.5S. False if it is none, or longer than two days. */
static bool duration(const char *p, int *seconds)
{
	bool minus = *p == '-', time = false, any = false;
	long total = 0;

	p += minus;
	if (*p++ != 'P')
		return false;
	for (; *p; p++) {
		long v = 0;

		if (*p == 'T' && !time) {
			time = true;
			continue;
		}
		for (; *p >= '0' && *p <= '9' && v < 1000000; p++)
			v = v * 10 + *p - '0', any = true;
		if (*p == '.')
			for (p++; *p >= '0' && *p <= '9'; p++)
				;
		if (!time && *p != 'D' && !(v == 0 && (*p == 'Y' || *p == 'M')))
			return false;
		if (time && !(*p && strchr("HMS", *p)))
			return false;
		total += v * (!time ? 86400 : *p == 'H' ? 3600 : *p == 'M' ? 60 : 1);
	}
	*seconds = (int)(minus ? -total : total);
	return any && total <= 2 * 86400;
}

static bool period_open(struct soap *s, const char *text)
{
	struct zone_context *c = context_of(s);
	const char *bias = soap_attribute(s, "Bias");
	int seconds;

	if (c->n_periods == MAX_PERIODS)
		return c->too_many = true;
	if (!bias || !duration(bias, &seconds))
		return soap_violation(s, "A Period's Bias is %.40s; it must be a duration.", bias ? bias : "missing");
	c->periods[c->n_periods++] = (struct period){soap_attribute(s, "Id"), -seconds};
	return true;
}

static bool group_open(struct soap *s, const char *text)
{
	struct zone_context *c = context_of(s);

	if (c->n_groups == MAX_GROUPS)
		return c->too_many = true;
	c->in_group = true;
	c->groups[c->n_groups++] = (struct group){.id = soap_attribute(s, "Id")};
	return true;
}

static bool group_close(struct soap *s, const char *text)
{
	context_of(s)->in_group = false;
	return true;
}

static bool change_open(struct soap *s, const char *text)
{
	struct zone_context *c = context_of(s);
	struct group *g = c->in_group && c->n_groups ? &c->groups[c->n_groups - 1] : NULL;

	c->now = &c->spill;
	if (g ? g->n == MAX_CHANGES : c->n_lines == MAX_LINES)
		return c->too_many = true;
	c->now = g ? &g->changes[g->n++] : &c->lines[c->n_lines++];
	return true;
}

static bool to_open(struct soap *s, const char *text)
{
	const char *kind = soap_attribute(s, "Kind");

	context_of(s)->now->to_group = kind && strcmp(kind, "Group") == 0;
	return true;
}

static bool to_close(struct soap *s, const char *text)
{
	context_of(s)->now->to = arena_strdup(s->arena, text);
	return true;
}

static bool at_close(struct soap *s, const char *text)
{
	context_of(s)->now->at = arena_strdup(s->arena, text);
	return true;
}

static bool offset_close(struct soap *s, const char *text)
{
	return duration(text, &context_of(s)->now->second) || soap_violation(s, "TimeOffset is %.40s; it must be a duration.", text);
}

static bool month_close(struct soap *s, const char *text)
{
	return soap_int(s, "Month", text, 1, 12, &context_of(s)->now->month);
}

static bool weekday_close(struct soap *s, const char *text)
{
	return (context_of(s)->now->weekday = soap_word(s, "DayOfWeek", text, zone_weekdays)) >= 0;
}

static bool occurrence_close(struct soap *s, const char *text)
{
	return soap_int(s, "Occurrence", text, -1, 5, &context_of(s)->now->day);
}

static bool day_close(struct soap *s, const char *text)
{
	context_of(s)->now->by_day = true;
	return soap_int(s, "Day", text, 1, 31, &context_of(s)->now->day);
}

static const struct soap_row change_rows[] = {
	{NS_TYPES, "To", SOAP_REQUIRED, NULL, to_open, to_close},
	{NS_TYPES, "DateTime", 0, NULL, NULL, at_close},
	{NS_TYPES, "TimeOffset", 0, NULL, NULL, offset_close},
	{NS_TYPES, "Month", 0, NULL, NULL, month_close},
	{NS_TYPES, "DayOfWeek", 0, NULL, NULL, weekday_close},
	{NS_TYPES, "Occurrence", 0, NULL, NULL, occurrence_close},
	{NS_TYPES, "Day", 0, NULL, NULL, day_close},
	{0},
};
static const struct soap_row changes_rows[] = {
	{NS_TYPES, "Transition", 0, change_rows, change_open, NULL},
	{NS_TYPES, "AbsoluteDateTransition", 0, change_rows, change_open, NULL},
	{NS_TYPES, "RecurringDayTransition", 0, change_rows, change_open, NULL},
	{NS_TYPES, "RecurringDateTransition", 0, change_rows, change_open, NULL},
	{0},
};
static const struct soap_row groups_rows[] = {
	{NS_TYPES, "TransitionsGroup", SOAP_MANY | SOAP_LAX, changes_rows, group_open, group_close},
	{0},
};
static const struct soap_row periods_rows[] = {
	{NS_TYPES, "Period", SOAP_MANY, NULL, period_open, NULL},
	{0},
};
static const struct soap_row definition_rows[] = {
	{NS_TYPES, "Periods", 0, periods_rows, NULL, NULL},
	{NS_TYPES, "TransitionsGroups", 0, groups_rows, NULL, NULL},
	{NS_TYPES, "Transitions", SOAP_LAX, changes_rows, NULL, NULL},
	{0},
};
const struct soap_row zone_context_rows[] = {
	{NS_TYPES, "TimeZoneDefinition", SOAP_REQUIRED, definition_rows, definition_open, NULL},
	{0},
};

/* ---- from what was read to a zone */

struct moments {
	int first_offset, offset; /* before the first moment; now */
	size_t n;
	struct fb_zone_transition t[MAX_MOMENTS];
};

static const struct period *find_period(const struct zone_context *c, const char *id)
{
	for (size_t i = 0; id && i < c->n_periods; i++)
		if (c->periods[i].id && strcmp(c->periods[i].id, id) == 0)
			return &c->periods[i];
	return NULL;
}

static const struct group *find_group(const struct zone_context *c, const char *id)
{
	for (size_t i = 0; id && i < c->n_groups; i++)
		if (c->groups[i].id && strcmp(c->groups[i].id, id) == 0)
			return &c->groups[i];
	return NULL;
}

/* The wall second of a yearly change in ${y}. */
static int64_t wall_of(const struct change *g, int y)
{
	int length = fb_month_days(y, g->month), day = g->day;

	if (!g->by_day) {
		int first = fb_civil_at(fb_days(y, g->month, 1) * 86400).weekday;

		day = 1 + (g->weekday - first + 7) % 7 + 7 * ((g->day < 1 ? 5 : g->day) - 1);
		while (day > length)
			day -= 7;
	}
	return fb_days(y, g->month, day > length ? length : day) * 86400 + g->second;
}

static bool add_moment(struct moments *m, int64_t utc, int offset)
{
	if (offset == m->offset)
		return true;
	if (m->n && m->t[m->n - 1].utc >= utc)
		m->n--;
	if (m->n == MAX_MOMENTS)
		return false;
	m->t[m->n++] = (struct fb_zone_transition){utc, offset};
	m->offset = offset;
	return true;
}

/* The group's changes, put in the order of the year. False if one names no period. */
static bool year_order(const struct zone_context *c, const struct group *g, const struct change *order[MAX_CHANGES], int offsets[MAX_CHANGES])
{
	for (size_t i = 0; i < g->n; i++) {
		size_t at = i;

		if (!find_period(c, g->changes[i].to) || (g->n > 1 && !g->changes[i].month))
			return false;
		for (; at && wall_of(order[at - 1], FIRST_YEAR) > wall_of(&g->changes[i], FIRST_YEAR); at--)
			order[at] = order[at - 1];
		order[at] = &g->changes[i];
	}
	for (size_t i = 0; i < g->n; i++)
		offsets[i] = find_period(c, order[i]->to)->offset;
	return g->n > 0;
}

/* What ${g} does in [from, to). */
static bool run_group(const struct zone_context *c, const struct group *g, int64_t from, int64_t to, struct moments *m, bool first)
{
	const struct change *order[MAX_CHANGES];
	int offsets[MAX_CHANGES], offset, y = fb_civil_at(from).year - 1, last = fb_civil_at(to).year;
	bool entered = false;

	if (!year_order(c, g, order, offsets))
		return false;
	offset = offsets[g->n - 1];
	for (; y <= last; y++)
		for (size_t i = 0; i < g->n && order[i]->month; i++) {
			int64_t utc = wall_of(order[i], y) - offset;

			if (utc >= to)
				break;
			if (utc > from && !entered) {
				entered = true;
				if (first)
					m->first_offset = m->offset = offset;
				else if (!add_moment(m, from, offset))
					return false;
			}
			offset = offsets[i];
			if (utc > from && !add_moment(m, utc, offset))
				return false;
		}
	if (!entered && first)
		m->first_offset = m->offset = offset;
	return entered || first || add_moment(m, from, offset);
}

static bool run(const struct zone_context *c, struct moments *m)
{
	int64_t from = fb_days(FIRST_YEAR, 1, 1) * 86400, end = fb_days(LAST_YEAR, 1, 1) * 86400;

	for (size_t i = 0; i < c->n_lines; i++) {
		const struct period *p = c->lines[i].to_group ? NULL : find_period(c, c->lines[i].to);
		const struct group *g = c->lines[i].to_group ? find_group(c, c->lines[i].to) : NULL;
		int64_t to = end;
		enum fb_time_kind kind = i + 1 < c->n_lines && c->lines[i + 1].at ? fb_time_parse(c->lines[i + 1].at, &to) : FB_TIME_UTC;

		if ((!p && !g) || kind == FB_TIME_BAD)
			return false;
		if (kind == FB_TIME_WALL)
			to -= m->offset; /* near enough: such a change is at midnight of New Year */
		if (to <= from && i + 1 < c->n_lines)
			continue; /* over before our calendar begins */
		if (to > end)
			to = end;
		if (p && m->n == 0 && from == fb_days(FIRST_YEAR, 1, 1) * 86400)
			m->first_offset = m->offset = p->offset;
		else if (p && !add_moment(m, from, p->offset))
			return false;
		else if (g && !run_group(c, g, from, to, m, from == fb_days(FIRST_YEAR, 1, 1) * 86400))
			return false;
		from = to;
	}
	return c->n_lines > 0;
}

const struct fb_zone *zone_context_zone(struct soap *s, const struct zone_context *c, struct fb_zone **own)
{
	struct moments *m = NULL;
	const struct fb_zone *named;

	if (c->n_periods == 0) {
		named = c->id ? fb_zone_named(c->id) : NULL;
		if (!named)
			soap_fault(s, "ErrorTimeZone", "The time zone %.100s of TimeZoneContext is not known.", c->id ? c->id : "without an Id");
		return named;
	}
	if (c->n_lines == 0 && c->n_groups == 0)
		return *own = fb_zone_fixed(c->periods[0].offset);
	m = arena_alloc(s->arena, sizeof *m);
	if (m && !c->too_many && run(c, m))
		*own = fb_zone_from_transitions(m->first_offset, m->t, m->n);
	if (!*own)
		soap_fault(s, "ErrorTimeZone", "The time zone definition in TimeZoneContext does not make sense.");
	return *own;
}
