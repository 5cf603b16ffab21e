#include "bridge/backend/status.h"

static const struct {
	const char *word;
	enum fb_busy busy;
} microsoft[] = {
	{"FREE", FB_FREE}, {"TENTATIVE", FB_TENTATIVE}, {"BUSY", FB_BUSY_TIME}, {"OOF", FB_OOF}, {"WORKINGELSEWHERE", FB_ELSEWHERE},
};

static enum fb_busy busy_of(const struct ics_property *own, const struct ics_property *transp, const struct ics_property *status)
{
	for (size_t i = 0; own && i < sizeof microsoft / sizeof *microsoft; i++)
		if (ics_value_is(own, microsoft[i].word))
			return microsoft[i].busy;
	if (transp && ics_value_is(transp, "TRANSPARENT"))
		return FB_FREE;
	return status && ics_value_is(status, "TENTATIVE") ? FB_TENTATIVE : FB_BUSY_TIME;
}

struct ics_status ics_status_of(const struct ics_component *c)
{
	struct ics_status s = {0};
	const struct ics_property *own = NULL, *transp = NULL, *status = NULL;
	for (const struct ics_property *p = c->first; p; p = p->next) {
		switch (p->name) {
		case ICS_BUSYSTATUS: own = p; break;
		case ICS_TRANSP: transp = p; break;
		case ICS_STATUS: status = p; break;
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
