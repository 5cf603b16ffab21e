#ifndef BRIDGE_AVAILABILITY_ANSWER_H
#define BRIDGE_AVAILABILITY_ANSWER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/query.h"
#include "bridge/availability/reason.h"
#include "bridge/availability/zone.h"
#include "bridge/base/buf.h"
#include "bridge/base/pack.h"

/* BusyType. Zero is "no data", never "free". The numbers travel on the link: only ever append. */
enum fb_busy { FB_NODATA = 0, FB_FREE = 1, FB_TENTATIVE = 2, FB_BUSY_TIME = 3, FB_OOF = 4, FB_ELSEWHERE = 5, FB_BUSY_TYPES };
/* The EWS word ("NoData", "Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"). */
const char *fb_busy_name(enum fb_busy b);

enum fb_event_flag { FB_MEETING = 1, FB_RECURRING = 2, FB_EXCEPTION = 4, FB_REMINDER = 8, FB_PRIVATE = 16 };

/* One occurrence, whole (not clipped to a window). */
struct fb_event {
	int64_t start, end;    /* UTC seconds, start <= end */
	enum fb_busy busy;
	bool has_details;      /* flags, subject and location were given */
	unsigned flags;        /* enum fb_event_flag */
	const char *subject;   /* UTF-8 or NULL; in the answer's arena */
	const char *location;
};

/* Weekly working hours in the mailbox's own zone. */
struct fb_working_period {
	unsigned days; /* bit 0 = Sunday .. bit 6 = Saturday */
	int start, end; /* minutes of the day, 0..1440 */
};
enum { FB_MAX_PERIODS = 14, FB_ANSWER_BYTES = 16 << 20 };
struct fb_working_hours {
	bool known;
	struct fb_zone_rule zone;
	size_t n;
	struct fb_working_period periods[FB_MAX_PERIODS];
};

struct arena;

/* What is known of one mailbox over a window. Events are sorted by start, then end. */
struct fb_answer {
	struct arena *arena;        /* owns the answer itself, its events and their texts */
	enum fb_reason reason;      /* the rest counts only with FB_OK */
	unsigned view;              /* what this answer holds */
	bool events_short;          /* its digits tell of more than its events do, which alone would show as free what is not */
	struct fb_event *events;
	size_t n_events, cap_events;
	char *merged;               /* in the arena: digits for exactly the window and interval asked, or NULL = not computed */
	struct fb_working_hours hours;
};

/* An empty answer with ${reason}. NULL when out of memory. Caller frees. */
struct fb_answer *fb_answer_new(enum fb_reason reason);
/* Frees all of it. NULL is allowed. */
void fb_answer_free(struct fb_answer *a);
/*
 * Appends a copy of ${e} (whose times lie in the years 1..9999) with copies of its texts. -1 when out of memory
 * or past FB_ANSWER_BYTES.
 */
int fb_answer_add(struct fb_answer *a, const struct fb_event *e);
/* Appends ${e}, whose texts lie in the answer's arena already. -1 as above. */
int fb_answer_take(struct fb_answer *a, const struct fb_event *e);
/* Sorts the events by start, then end, then busy type. */
void fb_answer_sort(struct fb_answer *a);

/* Number of digits for a window: ceil((end - start) / interval). */
size_t fb_merged_length(struct fb_window w, int interval);
/*
 * Writes the digits of ${a}'s events over ${w} to ${to}, fb_merged_length() of them: one per ${interval} minutes of absolute time from w.start,
 * highest wins, any overlap counts; 0 free or working elsewhere, 1 tentative, 2 busy, 3 OOF, 4 no data (EWS reference, MergedFreeBusy). An event of
 * no length marks the one interval that holds its instant. An answer whose reason is not FB_OK gives 4 everywhere. -1 if memory is out.
 */
int fb_merged_write(char *to, const struct fb_answer *a, struct fb_window w, int interval);
/* Appends them to ${out}. -1 if that is full, too. */
int fb_merged_put(struct buf *out, const struct fb_answer *a, struct fb_window w, int interval);
/* True if ${s} is exactly as long as ${w} and ${interval} want and has only the digits 0..4. */
bool fb_merged_valid(const char *s, struct fb_window w, int interval);

/* Packs the whole of ${a} for another of our processes; unpack gives NULL on anything malformed. Caller frees. */
void fb_answer_pack(struct buf *b, const struct fb_answer *a);
/* See fb_answer_pack(). */
struct fb_answer *fb_answer_unpack(struct unpack *u);
#endif
