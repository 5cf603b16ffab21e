#ifndef BRIDGE_BASE_WATCH_H
#define BRIDGE_BASE_WATCH_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Blocking calls of libraries that end in time: neither libldap's TLS handshake and SASL do so by themselves, nor the Kerberos library beside a
 * silent KDC. One at a time in a process; by SIGALRM and the real-time interval timer, which a worker that blocks leaves to this.
 */

/* From now on until watch_end(): at ${deadline} (loop_ms()) the connection ${fd} is shut down, so that whoever waits for it hears of its end. */
void watch_descriptor(int fd, int64_t deadline);
/*
 * The same for a call that asks KDCs, for half a minute if they are silent: every socket that it opens is shut down, too, then and later.
 * ${fd} -1 = no connection beside them.
 */
void watch_kerberos(int fd, int64_t deadline);
/* Ends the watch. True if it had to shut something down. */
bool watch_end(void);
#endif
