#ifndef BRIDGE_AVAILABILITY_CLOCK_H
#define BRIDGE_AVAILABILITY_CLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

struct fb_zone;

/* A civil date and time, proleptic Gregorian. */
struct fb_civil {
	int year, month, day;     /* month 1..12, day 1..31 */
	int hour, minute, second; /* 0..23, 0..59, 0..59 */
	int weekday;              /* 0 = Sunday; ignored on input */
};
/* Days since 1970-01-01 of a civil date (any day number; months are normalised). */
int64_t fb_days(int year, int month, int day);
/* Seconds since 1970 of ${c}. */
int64_t fb_civil_seconds(const struct fb_civil *c);
/* The civil time at ${seconds}. */
struct fb_civil fb_civil_at(int64_t seconds);
/* Days in ${month} of ${year}. */
int fb_month_days(int year, int month);

/* What was behind the digits of a parsed time. */
enum fb_time_kind { FB_TIME_BAD = 0, FB_TIME_WALL, FB_TIME_UTC };
/*
 * Reads an xs:dateTime or RFC 3339 time, years 1..9999, fractions cut off, 24:00:00 allowed: "2026-03-02T08:00:00",
 * with "Z" or "+hh:mm" (also "+hhmm") behind it, or a date alone (midnight). FB_TIME_WALL: ${out} is wall seconds,
 * no zone was given; FB_TIME_UTC: ${out} is UTC seconds. FB_TIME_BAD for anything else.
 */
enum fb_time_kind fb_time_parse(const char *s, int64_t *out);
/* As above; a time without offset is taken in ${z}. False if it is no time. */
bool fb_time_parse_in(const char *s, const struct fb_zone *z, int64_t *utc);
/* Appends wall seconds as 2026-03-02T08:00:00. */
int fb_time_put_wall(struct buf *b, int64_t wall);
/* Appends UTC seconds as 2026-03-02T08:00:00Z. */
int fb_time_put_utc(struct buf *b, int64_t utc);
#endif
