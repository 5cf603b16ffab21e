#ifndef BRIDGE_BACKEND_REMOTE_H
#define BRIDGE_BACKEND_REMOTE_H
#include "bridge/backend/backends.h"

/*
 * Questions on their way to backend workers: identical ones in flight share one, and an answer may be given again for as long
 * as its backend's `cache` says. Private to the room.
 */
struct remote;

/* As backends_new() has them. Aborts when out of memory. Caller frees. */
struct remote *remote_new(const struct conf *c, backends_submit_fn *submit, void *const *pools);
/* Frees it; open questions never call back. Allowed inside a callback. NULL is allowed. */
void remote_free(struct remote *r);
/* Asks the backend c->backends[${i}]; as backends_fetch(). */
void remote_fetch(struct remote *r, size_t i, const char *address, struct fb_window w, int interval, unsigned hops,
                  int64_t deadline_ms, backends_done_cb *cb, void *arg);
#endif
