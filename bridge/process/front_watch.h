#ifndef BRIDGE_PROCESS_FRONT_WATCH_H
#define BRIDGE_PROCESS_FRONT_WATCH_H
#include "bridge/base/loop.h"
#include "bridge/process/plan.h"

/*
 * Looks at the front's certificate and key every few seconds: a pair that has changed and come to rest is a reload, and what then cannot be
 * used is told by `status`. Warns in the log of a certificate that ends soon.
 */
struct front_watch;

/* ${reload} asks for a reload; false if one is under way. Aborts when out of memory. Caller frees. */
struct front_watch *front_watch_new(struct loop *l, bool (*reload)(void *arg), void *arg);
/* Ends it. NULL is allowed. */
void front_watch_free(struct front_watch *w);
/* A reload begins. */
void front_watch_reloads(struct front_watch *w);
/* It ended: ${plan} (borrowed) is in force now; or it failed, with the sentence ${why}. */
void front_watch_reloaded(struct front_watch *w, const struct plan *plan, const char *why);
/* Once an hour: says in the log if the certificate has come nearer to its end. */
void front_watch_warn(struct front_watch *w);
/* Why the files, which have changed, cannot be used; NULL = they can. Borrowed. */
const char *front_watch_trouble(const struct front_watch *w);
#endif
