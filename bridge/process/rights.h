#ifndef BRIDGE_PROCESS_RIGHTS_H
#define BRIDGE_PROCESS_RIGHTS_H
#include <sys/types.h>
#include "bridge/base/buf.h"

/* What the supervisor gives up when it was started as root, and what it takes of what it may have. */

/* The ids of the user ${name}. -1 with a sentence in ${error}. */
int rights_user(const char *name, uid_t *uid, gid_t *gid, struct buf *error);
/*
 * Becomes that user, with root's rights gone but for one, opening low ports at a later reload, which exec() drops from the children.
 * Root itself stays as it is. -1 with a sentence in ${error}.
 */
int rights_drop_root(const char *name, uid_t uid, gid_t gid, struct buf *error);
/* max_connections may be far above the descriptors that a shell or systemd gives at first (1,024): takes what is allowed. */
void rights_raise_descriptors(void);
#endif
