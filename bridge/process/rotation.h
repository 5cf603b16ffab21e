#ifndef BRIDGE_PROCESS_ROTATION_H
#define BRIDGE_PROCESS_ROTATION_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "bridge/base/channel.h"
#include "bridge/base/loop.h"
#include "bridge/process/plan.h"

/*
 * The supervisor's part in changes of keys and certificates. A peer's announcement that a bridge has verified is judged and written by a verb in a
 * process of its own (`peer take-next`, `peer drop-old`), one at a time; then every bridge learns the pin, and only when all of them have said so
 * the peer is answered. After each reload and once an hour `identity rotate` and `peer drop-due` do what is due. The front's certificate and key are
 * looked at every few seconds; a change is a reload.
 */
struct rotation;
struct rotation_doors {
	/* Sends a message to every bridge of every generation; returns to how many. */
	size_t (*tell)(void *arg, uint16_t type, const void *data, size_t len);
	/* Asks for a reload. False if one is under way. */
	bool (*reload)(void *arg);
};

/* ${conf_path} is borrowed. Aborts when out of memory. Caller frees. */
struct rotation *rotation_new(struct loop *l, const char *conf_path, const struct rotation_doors *doors, void *arg);
/* Ends it; verbs that run are killed. NULL is allowed. */
void rotation_free(struct rotation *r);
/* A reload begins: what is taken from now on may not be in the settings that it reads. */
void rotation_reloads(struct rotation *r);
/* The first processes start with ${plan} (borrowed), so that what they say can be noted; NULL = they did not come up. */
void rotation_starts(struct rotation *r, const struct plan *plan);
/* It ended: ${plan} (borrowed) is in force now; or it failed, with the sentence ${why}. */
void rotation_reloaded(struct rotation *r, const struct plan *plan, const char *why);
/*
 * A bridge was started: tells it the pins that its settings may not have. ${fresh}: they were read by the last reload, so that what was written
 * before it began is in them, unless an admin has taken it out again.
 */
void rotation_begin(struct rotation *r, struct channel *bridge, bool fresh);
/* A bridge's MSG_ANNOUNCED, MSG_PIN_DONE, MSG_TOOK or MSG_SEEN. */
void rotation_said(struct rotation *r, uint16_t type, const uint8_t *data, size_t len);
/* A bridge has ended: what it was told it can say no more that it knows. */
void rotation_bridge_ended(struct rotation *r);
/* True if ${pid} was one of its verbs. */
bool rotation_reaped(struct rotation *r, pid_t pid, int status);
/*
 * The peers or pins named in ${line}, between blanks, were cut off: what was taken of them lately, or is being written at this moment, is not told to
 * anybody any more.
 */
void rotation_forget(struct rotation *r, const char *line);
/* Packs what `status` shows (status_rotation.c reads it). */
void rotation_pack(const struct rotation *r, struct buf *out);
#endif
