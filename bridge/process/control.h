#ifndef BRIDGE_PROCESS_CONTROL_H
#define BRIDGE_PROCESS_CONTROL_H
#include <stddef.h>
#include "bridge/base/buf.h"

/*
 * The control socket (0600, the peer's uid is checked): one request a connection. The asker sends one line, for `query` a body
 * behind it, and shuts its writing side; the daemon answers "0\n" or "1\n" (the verb's exit code), then the text or XML, and closes.
 *
 *   reload                    starts a new generation; answers when it is READY, or why the old one stays
 *   status text|json          generations, processes, peers, front certificate, as text for people or as documented JSON
 *   peer-probe NAME ADDRESS   asks the peer what it says about us, and to ask us about that mailbox: the fields of link_probe, as numbers
 *   peer-show NAME text|json  the peer's Hello beside our own table, differences marked
 *   peer-shut NAME            cuts a peer off at once in every generation (`peer disable`, `peer remove`)
 *   query REQUESTER           body: the EWS request; answer: 0 and the EWS reply, which may be a fault, or 1 and a sentence. REQUESTER is a
 *                             normal address or domain of ours
 */

/*
 * Sends ${request} (one line without its newline) and ${n} bytes of ${body} to the daemon's socket ${path} and appends its text to
 * ${reply}. Returns the daemon's exit code; -1 with a sentence in ${error} if no daemon answers within ${timeout_ms}.
 */
int control_call(const char *path, const char *request, const void *body, size_t n, int timeout_ms, struct buf *reply, struct buf *error);
#endif
