#include "bridge/backend/defaults.h"

void ics_default_options(const struct conf *c, int64_t at, struct fb_working_hours *hours, struct ics_options *o)
{
	const struct fb_zone *zone = fb_zone_named(c->working_zone);
	if (!zone)
		zone = fb_zone_utc();
	*hours = (struct fb_working_hours){.known = true, .n = 1};
	hours->periods[0] = (struct fb_working_period){c->working_days, c->working_start, c->working_end};
	fb_zone_rule_at(zone, at, &hours->zone);
	*o = (struct ics_options){.floating = zone, .hours = hours};
}
