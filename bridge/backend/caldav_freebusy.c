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

/* Does ${c} say of which time it speaks? */
static bool says_when(const struct ics_component *c)
{
	const struct ics_property *start = ics_property_of(c, ICS_DTSTART), *end = ics_property_of(c, ICS_DTEND);
	struct ics_time from, to;
	if (!start || !end || !ics_time_read(start->value, start->value_len, &from) || !ics_time_read(end->value, end->value_len, &to))
		return false;
	return from.is_utc && to.is_utc;
}

/* Goes through the VFREEBUSYs of the tree; what each says of whom and when. */
static enum caldav_end inspect(const struct caldav_ask *a, const struct ics_component *root, struct buf *why)
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
			if (!says_when(c)) {
				buf_puts(why, "the free/busy does not say which time it speaks of: it has no DTSTART and DTEND in UTC");
				return CALDAV_FAILED;
			}
		}
	if (n)
		return CALDAV_ANSWERED;
	buf_puts(why, "there is no VFREEBUSY in the answer");
	return CALDAV_FAILED;
}

/* The free/busy types and periods themselves are read as those of a calendar file are; of what is not covered there is no data. */
static enum caldav_end expand(struct caldav_ask *a, const char *text, size_t len, struct buf *why)
{
	struct fb_working_hours hours;
	struct ics_options options;
	ics_default_options(a->d->site.conf, a->window.start, &hours, &options);
	return ics_expand(text, len, a->window, &options, a->answer, why) ? CALDAV_FAILED : CALDAV_ANSWERED;
}

enum caldav_end caldav_take_freebusy(struct caldav_ask *a, const char *text, size_t len, struct buf *why)
{
	struct ics_component root;
	struct arena *arena = arena_new(CALDAV_ARENA);
	enum caldav_end end = CALDAV_FAILED;
	if (!arena)
		buf_puts(why, "out of memory");
	else if (!ics_read(text, len, arena, &root, why))
		end = inspect(a, &root, why);
	arena_free(arena);
	return end == CALDAV_ANSWERED ? expand(a, text, len, why) : end;
}
