#ifndef BRIDGE_BACKEND_LOOKS_H
#define BRIDGE_BACKEND_LOOKS_H
#include "bridge/backend/ics.h"
#include "bridge/base/loop.h"

/*
 * What was seen of the folder of calendars, so that a question need not look again. It holds until the kernel tells of a change in the
 * folder (inotify), and a second at the longest: changes that the kernel does not tell, such as those of another machine, are seen then.
 * Bounded: 32,768 mailboxes.
 */
struct looks;

/* Over the folder ${dir_fd} (borrowed for its life). NULL when out of memory. Caller frees. */
struct looks *looks_new(int dir_fd);
/* Frees it. NULL is allowed. */
void looks_free(struct looks *k);
/*
 * From now on, while ${l} runs, what was seen is kept. Opens a descriptor and needs /proc, so it is for before the sandbox. Where
 * that cannot be each question looks anew.
 */
void looks_watch(struct looks *k, struct loop *l);
/* As ics_exists(). */
enum fb_fact looks_exists(struct looks *k, const char *address);
/* As ics_stamps_hold(), of the calendar of ${address}. */
bool looks_hold(struct looks *k, const char *address, const struct ics_stamps *s);
#endif
