#ifndef BRIDGE_AVAILABILITY_ZONE_INSIDE_H
#define BRIDGE_AVAILABILITY_ZONE_INSIDE_H
#include "bridge/availability/zone.h"

/* What the files zone*.c share; nobody else includes it. */

enum {
	ZONE_DAY = 86400,
	ZONE_MAX_OFFSET = 26 * 3600 - 1,    /* RFC 8536 3.2: utoff stays below 26 hours */
	ZONE_MAX_SECOND = 168 * 3600 - 1,   /* RFC 8536 3.3.1: a rule's time is at most 167 hours and a bit */
	ZONE_MAX_TRANSITIONS = 1 << 16,
	ZONE_FIRST_YEAR = 2000,             /* zones that have nothing but a yearly rule are laid out as a table from here ... */
	ZONE_TABLE_YEAR = 2100              /* ... and all named zones up to here, so that a look-up is one binary search */
};

/* How a yearly change names its day. */
enum zone_when_kind { ZONE_WEEKDAY, ZONE_DATE, ZONE_JULIAN, ZONE_DAY_OF_YEAR };
struct zone_when {
	enum zone_when_kind kind;
	int month, order, weekday; /* ZONE_WEEKDAY */
	int day;                   /* ZONE_DATE: of that month; ZONE_JULIAN: 1..365 without 29 February; ZONE_DAY_OF_YEAR: 0..365 */
	int year;                  /* 0 = every year */
	int second;                /* wall clock of the period being left */
};
/* What holds outside the table: two changes a year, or none. */
struct zone_yearly {
	bool changes;
	int standard, daylight;
	struct zone_when to_standard, to_daylight;
};

struct fb_zone {
	unsigned others;    /* who hold it too, besides the one that fb_zone_free() is called for */
	int first_offset;   /* before the table */
	bool has_yearly;    /* after the table */
	bool yearly_before; /* and before it */
	struct zone_yearly yearly;
	size_t n;
	struct fb_zone_transition t[]; /* rising; each changes the offset */
};

/* True if a clock can be ${offset} seconds off (ZONE_MAX_OFFSET either way). */
bool zone_offset_fits(int offset);
/* A zone with room for ${n} transitions, all zero. NULL when out of memory. Caller frees. */
struct fb_zone *zone_alloc(size_t n);
/* Reads a TZ string of RFC 8536 3.3.1 ("CET-1CEST,M3.5.0,M10.5.0/3"). False if it is none. */
bool zone_yearly_parse(const char *s, struct zone_yearly *out);
/* Replaces rules that come to one offset for ever (equal offsets, daylight from change to change) by that offset. */
void zone_yearly_settle(struct zone_yearly *y);
/* The changes of ${year}, in order, in ${out}; returns how many (0..2). */
int zone_yearly_changes(const struct zone_yearly *y, int year, struct fb_zone_transition out[2]);
/*
 * Appends the yearly changes of ${z} to its table up to ${room} entries or the year ${end}; an empty table
 * begins with ZONE_FIRST_YEAR.
 */
void zone_lay_out(struct fb_zone *z, size_t room, int end);
/* The offset at ${utc} under ${y} alone. */
int zone_yearly_offset(const struct zone_yearly *y, int64_t utc);
/* The first change after ${utc} under ${y} alone; false if there is none. */
bool zone_yearly_next(const struct zone_yearly *y, int64_t utc, struct fb_zone_transition *out);
/*
 * What ${load} gives for the first other name of the IANA zone ${name} that it has something for ("Europe/Kyiv" for "Europe/Kiev": tzdata's links
 * in either direction, as ICU knows them); NULL if there is none, or if ICU does not know the zone.
 */
const struct fb_zone *zone_by_alias(const char *name, const struct fb_zone *(*load)(const char *name));
/* The yearly rule of the Windows zone ${windows}, if there is no IANA zone for it; else NULL. */
const struct fb_zone_rule *zone_windows_rule(const char *windows);
/*
 * Reads the TZif file ${path} (RFC 8536, version 2 or later, no leap seconds). NULL if it is none or cannot be
 * read. Caller frees.
 */
struct fb_zone *zone_tzif_load(const char *path);
/* The same from ${n} bytes at ${p}. */
struct fb_zone *zone_tzif_read(const uint8_t *p, size_t n);
#endif
