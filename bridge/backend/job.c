#include "bridge/backend/job.h"
#include <string.h>

enum { JOB_BYTES = 256 << 20 };
/* The years 1..9999: all that an answer may hold. */
static const int64_t first_instant = -62135596800, last_instant = 253402300799;

int ics_job_start(struct ics_job *j, struct fb_window w, const struct ics_options *o, struct fb_answer *into, struct buf *error)
{
	*j = (struct ics_job){.window = w, .options = o, .into = into, .error = error, .work = ICS_WORK, .covered = w};
	j->arena = arena_new(JOB_BYTES);
	if (!j->arena)
		return ics_fail(error, 1, "out of memory");
	if (o->hours)
		into->hours = *o->hours;
	return 0;
}

void ics_job_free(struct ics_job *j)
{
	ics_zones_free(j->zones);
	arena_free(j->arena);
}

int ics_job_tired(struct ics_job *j, unsigned line)
{
	return ics_fail(j->error, line, "working out this recurrence takes more steps than one calendar may cost");
}

static int read_component(struct ics_job *j, const struct ics_component *c)
{
	j->has_events |= c->kind == ICS_VEVENT;
	switch (c->kind) {
	case ICS_VEVENT: return ics_event_read(j, c);
	case ICS_VFREEBUSY: return ics_freebusy_read(j, c);
	case ICS_VAVAILABILITY: return ics_availability_read(j, c);
	default: return 0;
	}
}

int ics_job_read(struct ics_job *j, const char *text, size_t len)
{
	struct ics_component root;
	j->file++;
	if (ics_read(text, len, j->arena, &root, j->error))
		return -1;
	struct ics_scope *first = NULL, *last = NULL;
	for (const struct ics_component *v = root.children; v; v = v->next) {
		if (!(last = ics_scope_add(j, last)))
			return ics_fail(j->error, v->line, "the calendar needs more memory than one calendar may have");
		first = first ? first : last;
		const struct ics_property *scale = ics_property_of(v, ICS_CALSCALE);
		if (scale && !ics_value_is(scale, "GREGORIAN"))
			return ics_fail(j->error, scale->line, "the calendar counts its days by another scale than GREGORIAN");
		for (const struct ics_component *c = v->children; c; c = c->next)
			if (c->kind == ICS_VTIMEZONE && ics_zone_declare(j, last, c))
				return -1;
	}
	j->scope = first;
	for (const struct ics_component *v = root.children; v; v = v->next, j->scope = ics_scope_next(j->scope)) {
		const struct ics_property *access = ics_property_of(v, ICS_ACCESS);
		j->calendar_zone = ics_property_of(v, ICS_CALENDAR_ZONE);
		j->all_private = access && !ics_value_is(access, "PUBLIC");
		for (const struct ics_component *c = v->children; c; c = c->next)
			if (read_component(j, c))
				return -1;
	}
	return 0;
}

static int add_gap(struct ics_job *j, int64_t start, int64_t end)
{
	return start < end ? ics_job_emit(j, &(struct fb_event){.start = start, .end = end, .busy = FB_NODATA}) : 0;
}

/* Free/busy that was published for a month says nothing of the months around it. */
static int add_gaps(struct ics_job *j)
{
	const struct fb_window *w = &j->window, *c = &j->covered;
	if (j->has_events)
		return 0;
	if (c->start >= c->end)
		return add_gap(j, w->start, w->end);
	return add_gap(j, w->start, c->start) || add_gap(j, c->end, w->end) ? -1 : 0;
}

int ics_job_finish(struct ics_job *j, unsigned *busy_file)
{
	if (ics_events_expand(j, busy_file))
		return -1;
	if (add_gaps(j))
		return ics_fail(j->error, 1, "the calendar has more busy times in this window than one answer may hold");
	fb_answer_sort(j->into);
	return 0;
}

int ics_job_emit(struct ics_job *j, const struct fb_event *e)
{
	const struct fb_window *w = &j->window;
	struct fb_event out = *e;
	out.start = e->start < first_instant ? first_instant : e->start;
	out.end = e->end > last_instant ? last_instant : e->end;
	bool inside = e->start == e->end ? e->start >= w->start && e->start < w->end : e->start < w->end && e->end > w->start;
	return inside ? fb_answer_add(j->into, &out) : 0;
}

bool ics_next_item(const struct ics_property *p, size_t *pos, const char **s, size_t *n)
{
	if (*pos > p->value_len || !p->value_len) /* some programs write an EXDATE with nothing in it */
		return false;
	*s = p->value + *pos;
	size_t left = p->value_len - *pos;
	const char *comma = memchr(*s, ',', left);
	*n = comma ? (size_t)(comma - *s) : left;
	*pos += *n + 1;
	while (*n && (**s == ' ' || **s == '\t'))
		++*s, --*n;
	while (*n && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		--*n;
	return true;
}

int ics_job_time(struct ics_job *j, const struct ics_property *p, const char *s, size_t n, struct ics_time *out)
{
	const char *tzid;
	size_t len;
	if (!ics_time_read(s, n, out))
		return ics_fail(j->error, p->line, "this %s is no date or time: it must look like 20260302 or 20260302T080000Z", ics_property_name(p));
	if (out->is_date || out->is_utc)
		return 0;
	if (j->placed != p) {
		bool given = ics_parameter(p, "TZID", &tzid, &len) && len; /* Exchange writes an empty one of a floating time */
		j->place = given ? ics_zone_find(j, tzid, len, p->line) : NULL;
		if (given && !j->place)
			return -1;
		j->placed = p;
	}
	out->zone = j->place;
	return 0;
}

int ics_job_period(struct ics_job *j, const struct ics_property *p, const char *s, size_t n, const struct fb_zone *floating, struct ics_time *start,
                   int64_t *seconds)
{
	const char *slash = memchr(s, '/', n);
	size_t first = slash ? (size_t)(slash - s) : n;
	struct ics_time end;
	struct ics_duration d;
	if (!slash)
		return ics_fail(j->error, p->line, "this %s is no period: it has no '/'", ics_property_name(p));
	if (ics_job_time(j, p, s, first, start))
		return -1;
	int64_t from = ics_instant(start, floating);
	const char *rest = slash + 1;
	size_t left = n - first - 1;
	if (ics_duration_read(rest, left, &d))
		*seconds = ics_later(start->zone ? start->zone : floating, start->wall, d) - from;
	else if (ics_job_time(j, p, rest, left, &end))
		return -1;
	else
		*seconds = ics_instant(&end, floating) - from;
	if (*seconds < 0)
		return ics_fail(j->error, p->line, "this %s has a period that ends before it starts", ics_property_name(p));
	return 0;
}
