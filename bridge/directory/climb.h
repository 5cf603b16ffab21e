#ifndef BRIDGE_DIRECTORY_CLIMB_H
#define BRIDGE_DIRECTORY_CLIMB_H
#include <stdbool.h>
#include "bridge/base/arena.h"

/*
 * A walk through groups that hold each other, link by link: up, where a server does not follow chains of them itself, or down, where it
 * knows that somebody is in a group but not that nobody else is.
 */
struct climb;
struct directory_session;

enum climb_way { CLIMB_UP = 0, CLIMB_DOWN };

/* One that has seen nothing yet. Aborts when out of memory. Caller frees. */
struct climb *climb_new(void);
/* Frees it. */
void climb_free(struct climb *k);
/* It begins at ${dn}, too (copied). */
void climb_add(struct climb *k, const char *dn);
/*
 * Goes to the end: up to all groups that hold what it began at, directly or not; or down to all groups in it that the server has the
 * members of. -1: it cannot be told, with a sentence in s->why.
 */
int climb_all(struct directory_session *s, struct climb *k, enum climb_way way);
/* Was ${dn} met, or begun at? In any case of letters. */
bool climb_has(const struct climb *k, const char *dn);
/*
 * Of a walk down: the domains of the groups whose members the server does not have, each once and NULL behind the last, in ${a}; *${domains}
 * NULL = there are none. False if ${a} is full.
 */
bool climb_lacking(const struct climb *k, struct arena *a, const char ***domains);
#endif
