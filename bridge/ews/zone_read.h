#ifndef BRIDGE_EWS_ZONE_READ_H
#define BRIDGE_EWS_ZONE_READ_H
#include "bridge/availability/zone.h"
#include "bridge/ews/soap.h"

/* The two ways in which EWS spells a time zone, read and written. Private to this room. */

/* One of StandardTime and DaylightTime as read; biases are the wire's minutes west. */
struct zone_half {
	int bias, second, day_order, month, weekday, year; /* weekday -1: Day, Weekday or WeekendDay, which name no day */
	bool has_weekday; /* the element was there */
};
/* SerializableTimeZone as read. */
struct zone_serial {
	bool given;
	bool lenient; /* set by the reader: nonsense sets ${bad} and does not fail the reading */
	bool bad;
	int bias, halves;
	struct zone_half standard, daylight, *now;
};
/* Children of a t:TimeZone element; s->arg must point to a struct whose FIRST member is a struct zone_serial. */
extern const struct soap_row zone_serial_rows[];
/* The same for a lenient reader: the t:TimeZone row itself must be SOAP_LAX. */
extern const struct soap_row zone_serial_lenient_rows[];
/* Start of a t:TimeZone: use as its open function. */
bool zone_serial_open(struct soap *s, const char *text);
/* True if both come at the same moment of the year. */
bool zone_same_change(const struct fb_change *a, const struct fb_change *b);
/*
 * The rule that ${z} spells: no month on either side, or equal biases, is no daylight at all (TIME_ZONE_INFORMATION). False if a field is out of
 * range or missing, or if daylight begins at the moment at which it ends: which of the two holds nobody knows, and Exchange says "The specified
 * time zone isn't valid" (seen).
 */
bool zone_serial_rule(const struct zone_serial *z, struct fb_zone_rule *out);
/* Appends the children of a t:TimeZone for ${rule}. */
void zone_serial_put(struct buf *out, const struct fb_zone_rule *rule);

/* TimeZoneDefinition as read, in the arena. */
struct zone_context;
/* Children of a t:TimeZoneContext header. s->arg must begin with a struct zone_serial followed by a struct zone_context pointer. */
extern const struct soap_row zone_context_rows[];
/* What those two rows' readers share: the beginning of every reader's own struct. */
struct zone_reading {
	struct zone_serial serial;
	struct zone_context *context; /* NULL: no such header */
};
/*
 * The zone of a TimeZoneContext: its full definition if there is one (*own is then set; caller frees), else by its Id. NULL with an
 * ErrorTimeZone fault if it can be neither.
 */
const struct fb_zone *zone_context_zone(struct soap *s, const struct zone_context *c, struct fb_zone **own);

/* "Sunday" .. "Saturday", then NULL. */
extern const char *const zone_weekdays[];
#endif
