#ifndef BRIDGE_PROCESS_INVITATIONS_H
#define BRIDGE_PROCESS_INVITATIONS_H
#include <stdbool.h>
#include <sys/types.h>
#include "bridge/base/buf.h"
#include "bridge/base/channel.h"

/*
 * The supervisor's part in pairing (docs/pairing.md): it keeps the open invitations, in memory alone, over all generations; hands them to
 * every bridge; counts their tries; and has the peer written, by a child that runs the verb `peer add` as an admin would.
 */
struct invitations;

/* None. ${tell} sends every bridge a message and returns to how many. ${conf_path} is borrowed. Aborts when out of memory. Caller frees. */
struct invitations *invitations_new(struct loop *l, const char *conf_path, size_t (*tell)(void *arg, uint16_t type,
                                    const void *data, size_t len), void *arg);
/* Ends them all; who waits for one hears that the daemon ends. NULL is allowed. */
void invitations_free(struct invitations *v);
/* Answers the request ${line} of the control socket if it is about invitations, and takes over ${fd}. False if it is not. */
bool invitations_request(struct invitations *v, int fd, const char *line);
/* Tells a bridge that was just started of all that are open. */
void invitations_begin(struct invitations *v, struct channel *bridge);
/* A bridge's MSG_TRIED or MSG_PAIRED. */
void invitations_said(struct invitations *v, uint16_t type, const uint8_t *data, size_t len);
/* A child ended: true if it was one of the writers, which is then seen to. */
bool invitations_reaped(struct invitations *v, pid_t pid, int status);
/*
 * Packs what `status` shows: u32 count; each str name, u64 seconds left, u32 tries left, str pin of who used it or NULL, u8 whether
 * it is written.
 */
void invitations_pack(const struct invitations *v, struct buf *out);
#endif
