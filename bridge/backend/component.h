#ifndef BRIDGE_BACKEND_COMPONENT_H
#define BRIDGE_BACKEND_COMPONENT_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"

/*
 * iCalendar text (RFC 5545 3.1) as a tree of components. Only what free/busy needs is kept; every property knows its line.
 * Own code and not libical's parser: that one drops the line numbers that our error sentences owe the admin, and what it does with
 * a bad value is not safe here: version 3.0.16 takes 20261302T259900 for a time, drops the good values behind a bad one of an EXDATE
 * list, refuses the valid INTERVAL=40000, and is stalled by one long line.
 */
enum ics_kind {
	ICS_OTHER = 0, ICS_VCALENDAR, ICS_VEVENT, ICS_VALARM, ICS_VFREEBUSY, ICS_VTIMEZONE, ICS_STANDARD, ICS_DAYLIGHT,
	ICS_VAVAILABILITY, ICS_AVAILABLE
};
enum ics_name {
	ICS_UNKNOWN = 0, ICS_DTSTART, ICS_DTEND, ICS_DURATION, ICS_RRULE, ICS_EXRULE, ICS_RDATE, ICS_EXDATE, ICS_RECURRENCE_ID, ICS_UID,
	ICS_SEQUENCE, ICS_DTSTAMP, ICS_SUMMARY, ICS_LOCATION, ICS_STATUS, ICS_TRANSP, ICS_CLASS, ICS_ATTENDEE, ICS_BUSYSTATUS,
	ICS_MICROSOFT_RRULE, ICS_CALSCALE, ICS_CALENDAR_ZONE, ICS_TZID, ICS_TZOFFSETFROM, ICS_TZOFFSETTO, ICS_FREEBUSY, ICS_BUSYTYPE, ICS_ACCESS,
	ICS_BEGIN, ICS_END
};

/* Limits of one text; past them it is an error. */
enum { ICS_MAX_TEXT = 64 << 20, ICS_MAX_LINE = 1 << 20, ICS_MAX_DEPTH = 8, ICS_MAX_COMPONENTS = 1 << 20 };

struct ics_property {
	enum ics_name name;
	unsigned line;
	const char *params; /* what stands between the name and ':', with its leading ';'; not terminated */
	size_t params_len;
	const char *value; /* not terminated */
	size_t value_len;
	struct ics_property *next; /* in the order of the text */
};
struct ics_component {
	enum ics_kind kind;
	unsigned line; /* of its BEGIN */
	struct ics_property *first, *last;
	struct ics_component *children, *last_child, *next;
};

/*
 * Reads ${len} bytes of ${text} into a tree whose children of ${root} are the VCALENDARs. Both ${text} and ${arena} must outlive the tree.
 * -1 with a sentence naming the line in ${error}: no VCALENDAR, an END that does not match, a text that stops early, a limit passed.
 */
int ics_read(const char *text, size_t len, struct arena *arena, struct ics_component *root, struct buf *error);
/* The first ${name} in ${c}, or NULL. */
const struct ics_property *ics_property_of(const struct ics_component *c, enum ics_name name);
/* What ${p} is called, in capitals. */
const char *ics_property_name(const struct ics_property *p);
/* The value of the parameter ${name} (upper case) of ${p} without its quotes; false if it has none. */
bool ics_parameter(const struct ics_property *p, const char *name, const char **value, size_t *len);
/* True if ${p}'s value is ${word}, ASCII case ignored, blanks around it ignored. */
bool ics_value_is(const struct ics_property *p, const char *word);
/* Replaces ${error} by "line N: " and the printf text. Always -1. */
int ics_fail(struct buf *error, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
