#ifndef BRIDGE_EWS_REQUEST_H
#define BRIDGE_EWS_REQUEST_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/availability/query.h"
#include "bridge/availability/zone.h"
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"

/*
 * One SOAP 1.1 request at /EWS/Exchange.asmx, read by SAX. A DOCTYPE, an entity, depth over 64 or a size over the caps of ews/soap.h and ews/sax.h
 * is a fault.
 */
enum ews_operation {
	EWS_UNKNOWN = 0, /* a fault ErrorInvalidRequest */
	EWS_GET_USER_AVAILABILITY,
	EWS_CONVERT_ID,
	EWS_GET_SERVER_TIME_ZONES,
	EWS_GET_FOLDER,
	EWS_SYNC_FOLDER_ITEMS,
	EWS_SYNC_FOLDER_HIERARCHY,
	EWS_GET_MAIL_TIPS,
	EWS_GET_SERVICE_CONFIGURATION,
	EWS_GET_USER_OOF_SETTINGS,
	EWS_GET_USER_PHOTO,
	EWS_FIND_MESSAGE_TRACKING_REPORT,
	EWS_GET_MESSAGE_TRACKING_REPORT
};

/* Ordered, so that "older than" can be asked. None given counts as 2007. */
enum ews_version { EWS_2007 = 0, EWS_2007_SP1, EWS_2010, EWS_2010_SP1, EWS_2010_SP2, EWS_2013, EWS_2013_SP1, EWS_2016, EWS_LATER };

enum ews_attendee { EWS_ORGANIZER, EWS_REQUIRED, EWS_OPTIONAL, EWS_ROOM, EWS_RESOURCE };
enum ews_quality { EWS_EXCELLENT, EWS_GOOD, EWS_FAIR, EWS_POOR };

/* SuggestionsViewOptions, with its defaults filled in. */
struct ews_suggestions {
	bool asked;
	int good_threshold, max_by_day, max_non_work_by_day, duration; /* percent, count, count, minutes */
	enum ews_quality minimum;
	struct fb_window window;
};

/* A fault: what the client did wrong. code NULL = none. Both are borrowed from the request's arena or static. */
struct ews_fault {
	const char *code;    /* ResponseCode: "ErrorSchemaValidation", ... */
	const char *text;
	int line, column;    /* of the schema violation; 0 = not known */
	const char *violation;
};

struct ews_request {
	struct arena *arena;
	enum ews_operation operation;
	enum ews_version version;
	struct ews_fault fault;
	/*
	 * SerializedSecurityContext's PrimarySmtpAddress and UserSid, as written; NULL = not given. Claims: they count if the account that asks may
	 * make them
	 */
	const char *named_address, *named_sid;
	/* GetUserAvailability */
	bool wants_free_busy;           /* FreeBusyViewOptions was there */
	struct fb_query query;          /* window, interval, view, mailboxes (in the arena); requester and ids are the caller's to fill */
	enum ews_attendee *attendees;   /* one a mailbox */
	bool *exclude;                  /* one a mailbox: ExcludeConflicts, no time is suggested that this one has not free */
	const struct fb_zone *zone;     /* the requester's zone for wall times in the answer; own_zone or a named one */
	struct fb_zone *own_zone;       /* freed with the request */
	struct ews_suggestions suggestions;
	/* the other operations: what their answers need to echo */
	const char **ids; size_t n_ids; /* folder, zone or item ids, recipients' addresses */
	const char *destination;        /* ConvertId's format */
	bool full_zones;                /* GetServerTimeZones ReturnFullTimeZoneData */
	const char *requested;          /* MailTipsRequested, first ConfigurationName, ... */
};

/*
 * Reads ${n} bytes (UTF-8, UTF-16 with BOM, or as the declaration says). Always returns a request (caller frees with ews_request_free()); NULL only
 * when out of memory. A request with fault.code set is to be answered by ews_write_fault() with HTTP 500. Sees to: order and shape per the schema (a
 * violation is ErrorSchemaValidation), the documented limits (EWS reference, ResponseCode), zone rules of SerializableTimeZone. Times in a zone that
 * is in no TimeZone, TimeZoneContext or offset are taken as UTC. Unknown headers are ignored unless mustUnderstand.
 */
struct ews_request *ews_read(const void *p, size_t n);
/* Frees it. NULL is allowed. */
void ews_request_free(struct ews_request *r);
/* The operation's name for the log. */
const char *ews_operation_name(enum ews_operation op);
#endif
