#ifndef BRIDGE_PROCESS_FOLDER_WATCH_H
#define BRIDGE_PROCESS_FOLDER_WATCH_H
#include "bridge/base/loop.h"
#include "bridge/process/plan.h"

/*
 * Looks every few seconds whether the folder of calendars is still the one that the bridges opened: where a link was turned, another
 * folder put in its place or a file system mounted over it, they would answer from the old one, which may show free what is busy by
 * now. Another folder is a reload. So are other files of the time zones, of which bridges and workers read what they need once.
 */
struct folder_watch;

/* ${reload} asks for a reload; false if one is under way, and then it is asked again. Aborts when out of memory. Caller frees. */
struct folder_watch *folder_watch_new(struct loop *l, bool (*reload)(void *arg), void *arg);
/* Ends it. NULL is allowed. */
void folder_watch_free(struct folder_watch *w);
/* A generation starts with ${plan}: what its path leads to from here on is what the new bridges open. */
void folder_watch_starts(struct folder_watch *w, const struct plan *plan);
/* A reload has ended: ${plan} (borrowed until the next) is in force; or it failed (NULL), and none is asked for within a minute. */
void folder_watch_reloaded(struct folder_watch *w, const struct plan *plan);
#endif
