#ifndef BRIDGE_DIRECTORY_NETWORK_H
#define BRIDGE_DIRECTORY_NETWORK_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * Blocking calls that end in time, which neither libldap's TLS handshake nor its SASL does by itself, nor the Kerberos library beside a silent
 * KDC.
 */

/*
 * Connects to ${host}:${port} by TCP until ${deadline} (loop_ms()). The descriptor, blocking, or -1 with a sentence that goes
 * behind the server's name.
 */
int network_connect(const char *host, int port, int64_t deadline, struct buf *error);
/*
 * From now on until network_unwatch(): at ${deadline} the connection ${fd} is shut down, so that whoever waits for it hears
 * of its end. One at a time in a process; by SIGALRM and the real-time interval timer, which a worker of the directory or of
 * logins leaves to this.
 */
void network_watch(int fd, int64_t deadline);
/*
 * The same for a call that asks KDCs, for half a minute if they are silent: every socket that it opens is shut down, too, then and later.
 * ${fd} -1 = no connection beside them.
 */
void network_watch_kerberos(int fd, int64_t deadline);
/* Ends the watch. True if it had to shut something down. */
bool network_unwatch(void);
#endif
