#ifndef BRIDGE_DIRECTORY_DIRECTORY_H
#define BRIDGE_DIRECTORY_DIRECTORY_H
#include "bridge/availability/facts.h"
#include "bridge/conf/conf.h"

/*
 * What is known about people: for now from the configuration (groups, hidden addresses); whether a mailbox exists is
 * said by the calendar backend. A directory server comes behind the same three-valued interface.
 */
struct directory;

/* Builds the look-ups over ${c} (borrowed for its life). NULL when out of memory. Caller frees. */
struct directory *directory_new(const struct conf *c);
/* Frees it. NULL is allowed. */
void directory_free(struct directory *d);
/*
 * Is ${address} (normal) in the group ${group}? A group that no configuration has: could not tell. Fits acl_member_fn with the
 * directory as its first argument.
 */
enum fb_fact directory_member(void *directory, const char *group, const char *address);
/* Is ${address} hidden? */
enum fb_fact directory_hidden(const struct directory *d, const char *address);
#endif
