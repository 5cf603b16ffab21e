#ifndef BRIDGE_CTL_PEER_H
#define BRIDGE_CTL_PEER_H
#include <stdbool.h>

/* The two halves of the verb `peer`: edits in peer.c, looking in peer_show.c. */

/* True if ${name} may be a peer's; else a sentence was printed. */
bool ctl_peer_name(const char *name);
/* peer list: what is configured. */
int ctl_peer_list(int argc, char **argv, const char *conf_path);
/* peer show: what the peer says of itself beside what is configured, asked of the daemon. */
int ctl_peer_show(int argc, char **argv, const char *conf_path);
#endif
