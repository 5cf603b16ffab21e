#ifndef BRIDGE_PROCESS_GENERATION_H
#define BRIDGE_PROCESS_GENERATION_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "bridge/base/buf.h"
#include "bridge/base/channel.h"
#include "bridge/base/loop.h"
#include "bridge/process/listen.h"
#include "bridge/process/plan.h"

/*
 * The processes that run with one reading of the settings: bridges, and workers divided among them. A reload makes the next generation
 * and drains this one. What dies is started again: at once, or more and more slowly if it lived for less than a second.
 */
struct generation;

struct generation_events {
	void (*ready)(void *arg, struct generation *g);                   /* every bridge serves. Once */
	void (*failed)(void *arg, struct generation *g, const char *why); /* it cannot come up; only before ready. Then generation_end() it */
	void (*gone)(void *arg, struct generation *g);                    /* drained or ended and its last process is reaped: free it */
	/* a bridge of ${g} was started: what it should know from the start is sent now */
	void (*begins)(void *arg, const struct generation *g, struct channel *bridge);
	/* a bridge's MSG_ANNOUNCED, MSG_TOOK, MSG_SEEN, MSG_PIN_DONE, MSG_TRIED, MSG_PAIRED or MSG_SHUT_DONE */
	void (*said)(void *arg, uint16_t type, const uint8_t *data, size_t len);
	void (*cut)(void *arg); /* a bridge has ended or will: it says nothing more */
};

/*
 * Starts generation ${number} of ${conf_path} on ${sockets} (${n}: front, link; borrowed until it drains). ${plan} is borrowed as
 * long, but for its audit. NULL with a sentence in ${error}.
 */
struct generation *generation_new(struct loop *l, unsigned number, const char *conf_path, const struct plan *plan,
                                  const struct listening *sockets,
                                  const struct generation_events *ev, void *arg, struct buf *error);
/* Frees it; its processes must be gone. NULL is allowed. */
void generation_free(struct generation *g);
/* A child ended: true if it was one of this generation's, which is then seen to. */
bool generation_reaped(struct generation *g, pid_t pid, int status);
/* No new work: what is open is finished, then all of it ends, at last by force. */
void generation_drain(struct generation *g);
/* Ends all of it at once. */
void generation_end(struct generation *g);
/* Hands the connection ${fd} (stays the caller's) with ${line} and ${rest} to one of its bridges. -1 if none runs. */
int generation_control(struct generation *g, const char *line, const void *known, size_t known_len, const void *rest, size_t rest_len,
                       int fd);
/*
 * Tells every bridge, and each that will be started later, to cut off ${what}: "peer NAME" or "pin PIN...". ${number} counts the
 * requests up.
 */
void generation_shut(struct generation *g, uint32_t number, const char *what);
/*
 * How many of its bridges run and have not done request ${number} yet. Each that does so, or ends, is told by `said` or
 * generation_reaped().
 */
size_t generation_shut_open(const struct generation *g, uint32_t number);
/* Ends these by force. */
void generation_shut_force(struct generation *g, uint32_t number);
/* Sends every bridge the same message without a descriptor; to how many it went. */
size_t generation_tell(struct generation *g, uint16_t type, const void *data, size_t len);
/* Packs what `status` shows of its processes (status_processes.c reads it). */
void generation_pack(const struct generation *g, struct buf *out);
/* Its number. */
unsigned generation_number(const struct generation *g);
#endif
