#ifndef BRIDGE_AVAILABILITY_ZONE_H
#define BRIDGE_AVAILABILITY_ZONE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Time zones. UTC is seconds since 1970 without leap seconds; "wall" is the
 * same count for a local clock reading (days and hours as if they were UTC).
 */

/* When a yearly change happens, in the meaning of SYSTEMTIME inside TIME_ZONE_INFORMATION ([MS-DTYP]). */
struct fb_change {
	int month;     /* 1..12; 0 = there is no change */
	int day_order; /* 1..5, 5 = last; with year != 0 a day of the month 1..31 */
	int weekday;   /* 0 = Sunday .. 6 */
	int second;    /* wall-clock second of the day, in the period being left; 0..86400, or beyond for POSIX tails */
	int year;      /* 0 = every year, else that year alone */
};
/*
 * Outer offset as a rule: what SerializableTimeZone carries. Offsets are seconds EAST of UTC (the wire's Bias
 * is minutes west).
 */
struct fb_zone_rule {
	int standard_offset;            /* in force while daylight is not */
	int daylight_offset;            /* in force while daylight is */
	struct fb_change to_standard;   /* daylight ends */
	struct fb_change to_daylight;   /* daylight begins */
};

/* Where the zones' files are; the package tzdata exchanges them when a government changes its clocks. */
#define FB_ZONE_FOLDER "/usr/share/zoneinfo"

struct fb_zone; /* immutable; may be shared by many */

/* A change of the offset. */
struct fb_zone_transition {
	int64_t utc; /* from this instant on */
	int offset;  /* seconds east */
};

/*
 * A zone that is always ${offset} seconds east of UTC. NULL when out of memory or if no clock is that far off
 * (26 hours, RFC 8536). Caller frees.
 */
struct fb_zone *fb_zone_fixed(int offset);
/*
 * A zone from a yearly rule (no change, or equal offsets, is a fixed zone; southern order allowed). NULL if a
 * field is out of range. Caller frees. Of the same rule, soon again, it is the same zone and costs nothing.
 */
struct fb_zone *fb_zone_from_rule(const struct fb_zone_rule *rule);
/*
 * A zone from ${n} transitions in rising order, ${first_offset} before them; the last offset goes on for ever. NULL when
 * out of memory, if they do not rise, an offset is out of range, or there are more than 65,536. Caller frees.
 */
struct fb_zone *fb_zone_from_transitions(int first_offset, const struct fb_zone_transition *t, size_t n);
/* Frees a zone made by one of the three above. NULL is allowed. Never for one that fb_zone_named() gave. */
void fb_zone_free(struct fb_zone *z);

/*
 * The zone called ${name}: an IANA name ("Europe/Berlin"; read from /usr/share/zoneinfo, TZif of RFC 8536 with
 * its POSIX tail, so that the system's tzdata updates count), a Windows name ("W. Europe Standard Time", mapped by ICU),
 * "UTC", "Z", Exchange's "tzone://Microsoft/Utc", or a fixed offset "+02:00" (18 hours at most). Loaded once, kept for the process's life, borrowed
 * by all. NULL if there is no such zone.
 */
const struct fb_zone *fb_zone_named(const char *name);
/*
 * Loads every zone that a Windows name maps to, and every IANA name if ${all}, so that no file is opened later.
 * Returns how many.
 */
int fb_zone_preload(bool all);
/* Coordinated Universal Time; never NULL. */
const struct fb_zone *fb_zone_utc(void);

/* Seconds east of UTC in force at the instant ${utc}. */
int fb_zone_offset(const struct fb_zone *z, int64_t utc);
/* The wall time at ${utc}. */
int64_t fb_zone_wall(const struct fb_zone *z, int64_t utc);
/* The instant of a wall time: in a gap by the offset before it, in a fold the first of the two (RFC 5545 3.3.5). */
int64_t fb_zone_utc_of(const struct fb_zone *z, int64_t wall);
/* The first transition after ${utc}; false if there is none. */
bool fb_zone_next(const struct fb_zone *z, int64_t utc, struct fb_zone_transition *out);
/*
 * The yearly rule that describes ${z} in the year that holds ${utc}, for SerializableTimeZone. A year with
 * other than two changes gives the offset in force, or year-bound changes.
 * Change times are always 0..86399.
 */
void fb_zone_rule_at(const struct fb_zone *z, int64_t utc, struct fb_zone_rule *out);

/* The IANA name for a Windows zone name (territory 001), or NULL. Borrowed for the process's life. */
const char *fb_zone_iana_of_windows(const char *windows);
/* The ${i}th Windows zone name (its order is ICU's), or NULL past the end. */
const char *fb_zone_windows_at(size_t i);
#endif
