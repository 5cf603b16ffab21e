#ifndef TESTS_UNIT_ZONE_HELP_H
#define TESTS_UNIT_ZONE_HELP_H
#include "bridge/availability/clock.h"
#include "bridge/availability/zone.h"
#include "bridge/availability/zone_inside.h"
#include "tests/unit/check.h"

/* Public facts about clocks, from the decisions of the countries, not from any output of ours. */

/* The instant that an ISO 8601 time says; without a zone as if in UTC. */
static inline int64_t at(const char *s)
{
	int64_t v = 0;

	CHECK(fb_time_parse(s, &v) != FB_TIME_BAD);
	return v;
}

/* The zone of that name; where there is none the test fails and goes on with UTC. */
static inline const struct fb_zone *named(const char *name)
{
	const struct fb_zone *z = fb_zone_named(name);

	if (!CHECK(z != NULL))
		fprintf(stderr, "\tno zone %s\n", name);
	return z ? z : fb_zone_utc();
}

#endif
