#ifndef BRIDGE_BACKEND_VALUE_H
#define BRIDGE_BACKEND_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/zone.h"

/* The values of iCalendar (RFC 5545 3.3) that have to do with time, read strictly. */

/* A DATE or DATE-TIME. */
struct ics_time {
	int64_t wall;               /* the digits as wall seconds; a date is its midnight */
	bool is_date;
	bool is_utc;                /* ended in Z */
	const struct fb_zone *zone; /* from TZID (or UTC); NULL: floating, or a date */
};
/* A DURATION: days are nominal, seconds exact; both carry its sign. */
struct ics_duration {
	int64_t days, seconds;
};

/*
 * Reads YYYYMMDD or YYYYMMDDTHHMMSS[Z] (year 1 and later; second 60 is read as 59), where Google leaves out SS and MM if they are 00; ${t}'s zone is
 * UTC or NULL. False if it is neither.
 */
bool ics_time_read(const char *s, size_t n, struct ics_time *t);
/* Reads P1W, P1DT2H3M4S and the like. False if it is none, or longer than 10,000 years. */
bool ics_duration_read(const char *s, size_t n, struct ics_duration *d);
/* Reads a UTC-OFFSET, +HHMM or -HHMMSS, less than a day, as seconds east; some programs leave out the plus. False if it is none. */
bool ics_offset_read(const char *s, size_t n, int *seconds);
/* The instant of ${t}; floating times and dates are taken in ${floating}. */
int64_t ics_instant(const struct ics_time *t, const struct fb_zone *floating);
/* ${wall} of ${zone} and ${d} later: days by the calendar first, then exact seconds (RFC 5545 3.3.6). */
int64_t ics_later(const struct fb_zone *zone, int64_t wall, struct ics_duration d);
#endif
