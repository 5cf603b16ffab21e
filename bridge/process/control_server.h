#ifndef BRIDGE_PROCESS_CONTROL_SERVER_H
#define BRIDGE_PROCESS_CONTROL_SERVER_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/loop.h"

/* The daemon's side of the control socket: control.h has the protocol. */
struct control_server;

/*
 * A request line came, with ${n} bytes that were read behind it. The connection ${fd} is the receiver's now: answer it with
 * control_reply(), or hand it on and close it.
 */
typedef void control_request_cb(void *arg, int fd, const char *line, const void *rest, size_t n);

/*
 * Serves askers with root's uid or ours on the listening socket ${fd} (taken over), which was just made at ${path}. Aborts when out of memory.
 * Caller frees.
 */
struct control_server *control_server_new(struct loop *l, int fd, const char *path, control_request_cb *cb, void *arg);
/* Is it what stands at ${path}? Its name may be gone, or be another's, where somebody exchanged or cleared a folder. */
bool control_server_is_at(const struct control_server *s, const char *path);
/* Closes it and all that have not sent their line. NULL is allowed. */
void control_server_free(struct control_server *s);

/* Sends "${code}\n" and ${n} bytes of ${text} to the asker on ${fd}, which it takes over, in its own time (at most 10 s). */
void control_reply(struct loop *l, int fd, int code, const void *text, size_t n);
/* The same with a string. */
void control_say(struct loop *l, int fd, int code, const char *text);
/* Replies that are not out yet. */
size_t control_replies_open(void);
#endif
