#ifndef BRIDGE_DIRECTORY_NETWORK_H
#define BRIDGE_DIRECTORY_NETWORK_H
#include <stdint.h>
#include "bridge/base/buf.h"

/* Connections whose connecting ends in time, for libldap. */

/*
 * Connects to ${host}:${port} by TCP until ${deadline} (loop_ms()). The descriptor, blocking, or -1 with a sentence that goes
 * behind the server's name.
 */
int network_connect(const char *host, int port, int64_t deadline, struct buf *error);
#endif
