#ifndef BRIDGE_BACKEND_ICS_H
#define BRIDGE_BACKEND_ICS_H
#include "bridge/availability/answer.h"
#include "bridge/availability/facts.h"
#include "bridge/base/buf.h"

/*
 * iCalendar to busy time: the embedded backend, worker side (and `freebusy`, offline). Plain blocking code, no globals; run it
 * under limits. component.c reads, recur.c expands recurrence.
 */
struct ics_options {
	const struct fb_zone *floating; /* what floating and all-day times are in (the mailbox's own zone, or --zone) */
	const struct fb_working_hours *hours; /* used if the calendar has no VAVAILABILITY; may be NULL */
	struct buf *note; /* a sentence goes here on the first VTIMEZONE that is not what everybody means by its name; NULL: nobody wants to know */
};

/*
 * Adds to ${into} every occurrence in the iCalendar text that overlaps ${w} (already running at its start counts), with details;
 * free (TRANSPARENT) time as FB_FREE, CANCELLED never. -1 with a sentence in ${error} naming the line: the whole text then counts for
 * nothing.
 */
int ics_expand(const char *text, size_t len, struct fb_window w, const struct ics_options *o, struct fb_answer *into, struct buf *error);

/* One file as it was when it was read: a cached answer counts as long as every stamp still fits. */
struct ics_stamp {
	char name[FB_ADDRESS_MAX + 64]; /* relative to the calendars folder */
	int64_t mtime_ns, ctime_ns, size, inode;
};
struct ics_stamps {
	struct ics_stamp *list; /* malloc'd */
	size_t n;
	bool settled; /* no file changed so lately (100 ms, or 2.1 s if stamps count seconds) that another change could leave the same stamp */
};
/* Frees the list. */
void ics_stamps_free(struct ics_stamps *s);
/* Is every stamp still true of the folder ${dir_fd}? Opens nothing (fstatat). */
bool ics_stamps_hold(const struct ics_stamps *s, int dir_fd);

/* Do both tell of the same file, unchanged? */
bool ics_stamp_same(const struct ics_stamp *a, const struct ics_stamp *b);
/*
 * As ics_exists(), with the stamp of ADDRESS.ics in ${file}. ${*plain}: whatever may become of this calendar happens to the name
 * ADDRESS.ics or ADDRESS itself: it is no folder, no link, and has no second name.
 */
enum fb_fact ics_look(int dir_fd, const char *address, struct ics_stamp *file, bool *plain);

/*
 * Has ${address} (normal) a calendar: ADDRESS.ics or ADDRESS/ under ${dir_fd}? Opens nothing; an error other than "absent" is
 * could-not-tell, and then in errno.
 */
enum fb_fact ics_exists(int dir_fd, const char *address);
/*
 * Reads ADDRESS.ics, or every *.ics in ADDRESS/, and expands it over ${w}. Never NULL but when out of memory: a fault is an answer with
 * FB_CALENDAR_FAILED and a sentence (file, line, why) in ${error}; an absent calendar is FB_NO_ACCESS. ${stamps} is filled. Caller
 * frees both.
 */
struct fb_answer *ics_fetch(int dir_fd, const char *address, struct fb_window w, const struct ics_options *o, struct ics_stamps *stamps,
                            struct buf *error);
#endif
