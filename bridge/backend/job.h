#ifndef BRIDGE_BACKEND_JOB_H
#define BRIDGE_BACKEND_JOB_H
#include "bridge/backend/component.h"
#include "bridge/backend/ics.h"
#include "bridge/backend/value.h"

/*
 * One calendar being expanded: all its files are read first (an override may stand in another file than its series), then
 * ics_job_finish() makes the occurrences. Inside the backend room only.
 */
struct ics_zone;
struct ics_tzid;
struct ics_scope;
struct ics_event;

enum { ICS_WORK = 30 * 1000 * 1000 }; /* steps of recurrence one calendar may cost: about half a second */

struct ics_job {
	struct arena *arena;
	struct fb_window window;
	const struct ics_options *options;
	struct fb_answer *into;
	struct buf *error;
	int64_t work;             /* left of ICS_WORK */
	unsigned file;            /* counts the files */
	unsigned collection;      /* of the files that are read now: a UID means one thing in its own alone (RFC 4791 5.3.2) */
	struct ics_scope *scope;  /* of the VCALENDAR whose times are being read: what a TZID means there */
	struct ics_zone *zones, *built; /* those of all files, newest first; those that own what they mean */
	size_t n_zones;
	struct ics_tzid *tzids;   /* that were looked for among the well-known ones */
	bool in_doubt; /* of the event being read: its zone is not known, or it ends before it starts; its digits say about when it is all the same */
	const struct ics_property *placed; /* the property whose TZID was looked up last, for long lists of times */
	const struct fb_zone *place;       /* what it gave; NULL: it has none */
	struct ics_event *events; /* of all files, newest first */
	size_t n_events;
	const struct ics_property *calendar_zone; /* what the present VCALENDAR calls its zone; NULL: nothing */
	bool all_private;         /* Apple's server says of the present VCALENDAR that its events are not for everybody */
	bool has_events;          /* there is a VEVENT, so the calendar speaks of all time */
	struct fb_window covered; /* else only of what its VFREEBUSYs say that they cover, all of them */
};

/* Starts a job; everything given is borrowed until ics_job_free(). -1 when out of memory. */
int ics_job_start(struct ics_job *j, struct fb_window w, const struct ics_options *o, struct fb_answer *into, struct buf *error);
/* Takes in one file; ${text} must stay until ics_job_free(). -1 with a sentence. */
int ics_job_read(struct ics_job *j, const char *text, size_t len);
/*
 * Expands what was read, puts "no data" where nothing is covered, and sorts the answer. -1 with a sentence; *${busy_file} (may be NULL) is
 * the number, from 1, of the file that is at fault.
 */
int ics_job_finish(struct ics_job *j, unsigned *busy_file);
/* Frees what the job holds; safe after a failed start. */
void ics_job_free(struct ics_job *j);

/* One step of recurrence work was too much: says so. Always -1. */
int ics_job_tired(struct ics_job *j, unsigned line);
/* An occurrence that lasts [${start}, ${end}) goes into the answer if it touches the window. -1 when the answer is full. */
int ics_job_emit(struct ics_job *j, const struct fb_event *e);

/* Reads ${n} bytes of ${p}'s value at ${s} as a time, in the zone that its TZID names. -1 with a sentence. */
int ics_job_time(struct ics_job *j, const struct ics_property *p, const char *s, size_t n, struct ics_time *out);
/*
 * Reads "start/end" or "start/duration" of ${p} as the wall time and zone of the start and how long that lasts; what names no zone is in ${floating}.
 * -1 with a sentence.
 */
int ics_job_period(struct ics_job *j, const struct ics_property *p, const char *s, size_t n, const struct fb_zone *floating, struct ics_time *start,
                   int64_t *seconds);
/* Steps through a comma-separated value: the next item in ${s} and ${n}; false when there is none. ${pos} starts at 0. */
bool ics_next_item(const struct ics_property *p, size_t *pos, const char **s, size_t *n);

/* A VCALENDAR of the present file, behind ${before} (NULL: the first). NULL when out of memory. */
struct ics_scope *ics_scope_add(struct ics_job *j, struct ics_scope *before);
/* The VCALENDAR behind ${s} in its file, or NULL. */
struct ics_scope *ics_scope_next(const struct ics_scope *s);
/* Remembers the VTIMEZONE ${c} of ${s}; it is worked out when first needed. -1 with a sentence. */
int ics_zone_declare(struct ics_job *j, struct ics_scope *s, const struct ics_component *c);
/*
 * The zone that ${tzid} (${n} bytes, on ${line}) means in the present scope: its own VTIMEZONE first, then one of another VCALENDAR in the
 * file, then an IANA or Windows name. NULL with a sentence: never a guess.
 */
const struct fb_zone *ics_zone_find(struct ics_job *j, const char *tzid, size_t n, unsigned line);
/*
 * The zone that everybody knows by the name ${tzid} (${n} bytes): an IANA or Windows name, also behind a prefix such as
 * /freeassociation.sourceforge.net/Europe/Berlin, or one that says its offset. NULL if it is none, and when too much work was spent. Looked for
 * once a job.
 */
const struct fb_zone *ics_zone_known(struct ics_job *j, const char *tzid, size_t n);
/* Frees what the list owns. */
void ics_zones_free(struct ics_zone *list);

/* Takes in a VEVENT. -1 with a sentence. */
int ics_event_read(struct ics_job *j, const struct ics_component *c);
/* Expands all events that were taken in. -1 with a sentence; *${busy_file} as above. */
int ics_events_expand(struct ics_job *j, unsigned *busy_file);

/*
 * Takes in a VFREEBUSY: its FREEBUSY periods go straight into the answer (RFC 5545 3.2.9, 3.8.2.6), its DTSTART and DTEND narrow what is covered.
 * -1 with a sentence.
 */
int ics_freebusy_read(struct ics_job *j, const struct ics_component *c);
/*
 * Takes in a VAVAILABILITY (RFC 7953): as working hours if it is one weekly pattern in one zone, for the whole window; if not, what of its time
 * is not AVAILABLE goes into the answer as busy. PRIORITY is not weighed: what one of several says is busy, is. -1 with a sentence.
 */
int ics_availability_read(struct ics_job *j, const struct ics_component *c);
#endif
