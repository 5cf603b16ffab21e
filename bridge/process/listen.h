#ifndef BRIDGE_PROCESS_LISTEN_H
#define BRIDGE_PROCESS_LISTEN_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/buf.h"

/* The sockets of one HOST:PORT: a name may stand for several addresses. */
enum { LISTEN_MAX = 8 };
struct listening {
	char *address; /* as the settings spell it; owned */
	int fds[LISTEN_MAX];
	size_t n;
};

/*
 * Splits HOST:PORT or [HOST]:PORT at its last colon into ${host} (${size} bytes; "" = every address of this machine) and *${port},
 * borrowed from ${s}. False if it has no such shape.
 */
bool listen_split(const char *s, char *host, size_t size, const char **port);
/* Opens ${address} for listening into ${out} (freed with listen_close()). -1 with a sentence in ${error}. */
int listen_open(struct listening *out, const char *address, struct buf *error);
/* Closes and empties it. */
void listen_close(struct listening *l);
/*
 * The sockets for ${front} and ${link}, two in an array. What is open in ${before} (such a pair, or NULL) under the same address is not
 * opened again, so that no connection is lost. NULL with a sentence in ${error}. Aborts when out of memory. Caller frees.
 */
struct listening *listen_pair_open(const char *front, const char *link, const struct listening *before, struct buf *error);
/* Closes and frees both. NULL is allowed. */
void listen_pair_free(struct listening *pair);
/*
 * The control socket ${path}, mode 0600, owned by ${uid}: a socket left by a daemon that is gone is replaced, one that answers is not, and
 * nothing that is no socket is touched. The folder is made if it is missing. The descriptor, or -1 with a sentence in ${error}.
 */
int listen_control(const char *path, unsigned uid, unsigned gid, struct buf *error);
#endif
