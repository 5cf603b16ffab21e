#ifndef BRIDGE_PROCESS_SHUTTING_H
#define BRIDGE_PROCESS_SHUTTING_H
#include "bridge/process/generations.h"

/*
 * The supervisor's part in cutting off a peer or a key: every bridge of every generation is told, whoever asked is answered when all of
 * them have done it, and a bridge that has not within a second is ended by force.
 */
struct shutting;

/* ${all} is borrowed. Aborts when out of memory. Caller frees. */
struct shutting *shutting_new(struct loop *l, const struct generations *all);
/* Ends it; whoever waits finds the connection closed. NULL is allowed. */
void shutting_free(struct shutting *s);
/*
 * Cuts off what ${line} says, "peer-shut NAME" or "pin-shut PIN...". The asker ${fd} (taken over) hears of it when no link is left in any
 * process. ${noted}: settings are being read that may be older than this; see shutting_late().
 */
void shutting_ask(struct shutting *s, int fd, const char *line, bool noted);
/* A bridge has cut off what it was told to, or a process is gone: tells those who wait for what is done now. */
void shutting_check(struct shutting *s);
/* Settings begin to be read. */
void shutting_reads(struct shutting *s);
/* They were read, and ${g} (NULL: they are of no use) starts with them: it is told what was cut off meanwhile. */
void shutting_late(struct shutting *s, struct generation *g);
#endif
