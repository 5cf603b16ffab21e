#ifndef BRIDGE_BACKEND_DEFAULTS_H
#define BRIDGE_BACKEND_DEFAULTS_H
#include "bridge/backend/ics.h"
#include "bridge/conf/conf.h"

/*
 * How a calendar is read that says nothing of it itself: floating times and dates in the zone of the settings, with the working hours
 * of the settings (as that zone is at ${at}). ${hours} is filled in; ${o} points to it.
 */
void ics_default_options(const struct conf *c, int64_t at, struct fb_working_hours *hours, struct ics_options *o);
#endif
