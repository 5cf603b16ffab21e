#ifndef BRIDGE_DIRECTORY_LOOK_UP_H
#define BRIDGE_DIRECTORY_LOOK_UP_H
#include "bridge/directory/job.h"
#include "bridge/directory/session.h"

/*
 * One look-up, as directory_work() does it: fills ${a}, whose groups point to room for DIRECTORY_GROUPS_MAX. Never fails:
 * what could not be told is said so in its place, with the sentence in a->why.
 */
void directory_session_look_up(struct directory_session *s, enum directory_kind kind, const char *text, struct directory_answer *a);
#endif
