#ifndef BRIDGE_PROCESS_OPENED_H
#define BRIDGE_PROCESS_OPENED_H
#include "bridge/process/control_server.h"
#include "bridge/process/listen.h"
#include "bridge/process/plan.h"

/* A reading of the settings and what the supervisor keeps open for it. Zero is nothing. */
struct opened {
	struct plan *plan;
	struct listening *sockets;      /* front, link */
	struct control_server *control; /* NULL while one before it has it: the address is the same */
};

/*
 * Opens what ${plan} (taken over) asks for; what ${before} has open under the same address goes on. As root it also becomes the
 * plan's user.
 * -1 with a sentence in ${error}. Either way end it with opened_drop() or opened_replace().
 */
int opened_new(struct opened *o, struct loop *l, struct plan *plan, const struct opened *before, control_request_cb *cb, void *arg,
               struct buf *error);
/* ${next} is in force from now on, in the place of ${now}; it is empty then. */
void opened_replace(struct opened *now, struct opened *next);
/* Closes and frees what it has; the control socket's name goes too. */
void opened_drop(struct opened *o);
#endif
