#ifndef BRIDGE_EWS_DAV_H
#define BRIDGE_EWS_DAV_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"

/*
 * What CalDAV servers answer in XML: multistatus (RFC 4918 13) and schedule-response (RFC 6638 10.1). It lives in this room for
 * libxml2's sake, and is read by the same tables, under the same limits, as EWS. Unknown elements are skipped; what is in another
 * namespace is unknown.
 */
enum {
	DAV_MAX_REPLY = 16 << 20,    /* bytes of a document */
	DAV_MAX_RESPONSES = 20000,   /* in one multistatus: ten years of five events a day */
	DAV_MAX_HOMES = 4,           /* calendar homes of one principal */
	DAV_MAX_TEXT = 8 << 20       /* bytes of one calendar-data */
};

/* DAV:resourcetype, as flags. */
enum dav_type { DAV_COLLECTION = 1, DAV_PRINCIPAL = 2, DAV_CALENDAR = 4 };
/* The classes of events (RFC 5545 3.8.1.3), as flags. */
enum dav_class { DAV_PUBLIC = 1, DAV_PRIVATE = 2, DAV_CONFIDENTIAL = 4 };

/* One DAV:response. Properties count only from a propstat whose status is 2xx; what was not given is NULL or zero. */
struct dav_response {
	const char *href;
	int status;                  /* of the response as a whole; 0 = it has propstats instead */
	unsigned types;              /* enum dav_type */
	const char *principal;       /* DAV:current-user-principal */
	const char *owner;           /* DAV:owner */
	const char *homes[DAV_MAX_HOMES]; /* CALDAV:calendar-home-set */
	size_t n_homes;
	const char *outbox;          /* CALDAV:schedule-outbox-URL */
	const char *mail;            /* the first mailto: of CALDAV:calendar-user-address-set, without that word */
	unsigned classes;            /* enum dav_class: those of SOGo's calendar whose events our account may see; 0 = nothing is said of classes */
	bool transparent;            /* CALDAV:schedule-calendar-transp: it takes no part in free/busy */
	bool no_events;              /* CALDAV:supported-calendar-component-set is given and has no VEVENT */
	const char *data;            /* CALDAV:calendar-data */
	int refused;                 /* the first status of a propstat that is not 2xx, 0 = none */
};
struct dav_multistatus {
	struct dav_response *list;
	size_t n;
};
/*
 * Reads a multistatus of ${n} bytes; ${out} and all in it is in ${arena}, which bounds the memory. False with a sentence in ${why} if
 * it is none, malformed, or over a limit.
 */
bool dav_multistatus_read(const void *p, size_t n, struct arena *arena, struct dav_multistatus *out, struct buf *why);

/* What a schedule-response says of one recipient (RFC 6638 10.2). */
struct dav_recipient {
	const char *who;             /* as it stands in DAV:href, or without one (SOGo) in CALDAV:recipient itself; "mailto:..." */
	const char *status;          /* "2.0;Success" (RFC 5546 3.6) */
	const char *data;            /* calendar-data, or NULL */
};
struct dav_schedule {
	struct dav_recipient *list;
	size_t n;
};
/* Reads a schedule-response; as above. */
bool dav_schedule_read(const void *p, size_t n, struct arena *arena, struct dav_schedule *out, struct buf *why);
#endif
