#include <stdlib.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/caldav_own.h"
#include "bridge/backend/defaults.h"
#include "bridge/backend/job.h"
#include "bridge/base/text.h"

void caldav_put_time(struct buf *out, int64_t utc)
{
	struct fb_civil c = fb_civil_at(utc);
	buf_printf(out, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

/*
 * Whom the component speaks of: 1 our address or nobody by name, 0 nobody at all ("mailto:(null)"), -1 somebody else. Unless ${exact} the
 * domain may be another: a server that was asked by a URL may have another address first.
 */
static int about(const struct ics_component *c, const char *address, bool exact)
{
	const struct ics_property *p = ics_property_of(c, ICS_ATTENDEE);
	const char *who = p ? p->value : NULL;
	size_t n = p ? p->value_len : 0;
	if (!p)
		return 1;
	if (n >= 7 && !strncasecmp(who, "mailto:", 7)) {
		who += 7;
		n -= 7;
	}
	size_t same = exact ? strlen(address) : (size_t)(fb_address_domain(address) - address); /* with its '@' */
	if (n >= same && (!exact || n == same) && !strncasecmp(who, address, same))
		return 1;
	return memchr(who, '@', n) || memchr(who, '/', n) ? -1 : 0;
}

/* Narrows ${covered} to what ${c} says that it speaks of. False if it does not say. */
static bool covers(const struct ics_component *c, struct fb_window *covered)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *end = ics_property_of(c, ICS_DTEND);
	struct ics_time from, to;
	if (!start || !end || !ics_time_read(start->value, start->value_len, &from) || !ics_time_read(end->value, end->value_len, &to))
		return false;
	if (!from.is_utc || !to.is_utc)
		return false;
	covered->start = from.wall > covered->start ? from.wall : covered->start;
	covered->end = to.wall < covered->end ? to.wall : covered->end;
	return true;
}

/* Goes through the VFREEBUSYs of the tree; what each says of whom and when. */
static enum caldav_end inspect(const struct caldav_ask *a, const struct ics_component *root, struct fb_window *covered, struct buf *why)
{
	size_t n = 0;
	for (const struct ics_component *v = root->children; v; v = v->next)
		for (const struct ics_component *c = v->children; c; c = c->next) {
			if (c->kind != ICS_VFREEBUSY)
				continue;
			int whom = about(c, a->address, a->method == CONF_CALDAV_OUTBOX);
			n++;
			if (whom <= 0) {
				buf_puts(why, whom ? "the free/busy is about somebody else" : "the free/busy is about nobody: the server knows no such person");
				return whom ? CALDAV_FAILED : CALDAV_REFUSED;
			}
			if (!covers(c, covered)) {
				buf_puts(why, "the free/busy does not say which time it speaks of: it has no DTSTART and DTEND in UTC");
				return CALDAV_FAILED;
			}
		}
	if (n)
		return CALDAV_ANSWERED;
	buf_puts(why, "there is no VFREEBUSY in the answer");
	return CALDAV_FAILED;
}

static int add_gap(struct fb_answer *into, int64_t start, int64_t end)
{
	return start < end ? fb_answer_add(into, &(struct fb_event){.start = start, .end = end, .busy = FB_NODATA}) : 0;
}

/* No data before and behind what is covered. */
static int add_gaps(struct fb_answer *into, struct fb_window w, struct fb_window covered)
{
	if (covered.start >= covered.end)
		return add_gap(into, w.start, w.end);
	return add_gap(into, w.start, covered.start) || add_gap(into, covered.end, w.end) ? -1 : 0;
}

/* The free/busy types and periods themselves are read as those of a calendar file are. */
static enum caldav_end expand(struct caldav_ask *a, const char *text, size_t len, struct buf *why)
{
	struct fb_working_hours hours;
	struct ics_options options;
	ics_default_options(a->d->site.conf, a->window.start, &hours, &options);
	return ics_expand(text, len, a->window, &options, a->answer, why) ? CALDAV_FAILED : CALDAV_ANSWERED;
}

enum caldav_end caldav_take_freebusy(struct caldav_ask *a, const char *text, size_t len, struct buf *why)
{
	struct fb_window covered = a->window;
	struct ics_component root;
	struct arena *arena = arena_new(CALDAV_ARENA);
	enum caldav_end end = CALDAV_FAILED;
	if (!arena)
		buf_puts(why, "out of memory");
	else if (!ics_read(text, len, arena, &root, why))
		end = inspect(a, &root, &covered, why);
	arena_free(arena);
	if (end == CALDAV_ANSWERED)
		end = expand(a, text, len, why);
	if (end == CALDAV_ANSWERED && add_gaps(a->answer, a->window, covered)) {
		buf_puts(why, "the answer is too large");
		end = CALDAV_FAILED;
	}
	return end;
}
