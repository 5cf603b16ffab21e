#include "bridge/backend/status.h"

/* From the least time that is taken to the most. */
static const struct {
	const char *word;
	enum fb_busy busy;
} microsoft[] = {
	{"FREE", FB_FREE}, {"WORKINGELSEWHERE", FB_ELSEWHERE}, {"TENTATIVE", FB_TENTATIVE}, {"BUSY", FB_BUSY_TIME}, {"OOF", FB_OOF},
};
enum { MICROSOFT_WORDS = sizeof microsoft / sizeof *microsoft };

/* Which of them ${p} says, counted from 1; 0 if none. */
static size_t microsoft_of(const struct ics_property *p)
{
	size_t i = MICROSOFT_WORDS;
	while (i && !ics_value_is(p, microsoft[i - 1].word))
		i--;
	return i;
}

/* Was none ${kept} yet, or only ${word}? Of two that say different things the one counts that takes more time. */
static bool is_less(const struct ics_property *kept, const char *word)
{
	return !kept || ics_value_is(kept, word);
}

static enum fb_busy busy_of(size_t own, const struct ics_property *transp, const struct ics_property *status)
{
	if (own)
		return microsoft[own - 1].busy;
	if (transp && ics_value_is(transp, "TRANSPARENT"))
		return FB_FREE;
	return status && ics_value_is(status, "TENTATIVE") ? FB_TENTATIVE : FB_BUSY_TIME;
}

struct ics_status ics_status_of(const struct ics_component *c)
{
	struct ics_status s = {0};
	const struct ics_property *transp = NULL, *status = NULL;
	size_t own = 0, said;
	for (const struct ics_property *p = c->first; p; p = p->next) {
		switch (p->name) {
		case ICS_BUSYSTATUS: own = (said = microsoft_of(p)) > own ? said : own; break;
		case ICS_TRANSP: transp = is_less(transp, "TRANSPARENT") ? p : transp; break;
		case ICS_STATUS:
			if (is_less(status, "CANCELLED") || (is_less(status, "TENTATIVE") && !ics_value_is(p, "CANCELLED")))
				status = p;
			break;
		case ICS_ATTENDEE: s.flags |= FB_MEETING; break;
		case ICS_CLASS:
			/* an unknown class is to be treated as PRIVATE (RFC 5545 3.8.1.3) */
			if (!ics_value_is(p, "PUBLIC"))
				s.flags |= FB_PRIVATE;
			break;
		default: break;
		}
	}
	for (const struct ics_component *a = c->children; a; a = a->next)
		if (a->kind == ICS_VALARM)
			s.flags |= FB_REMINDER;
	s.cancelled = status && ics_value_is(status, "CANCELLED");
	s.busy = busy_of(own, transp, status);
	return s;
}
