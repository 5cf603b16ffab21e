#ifndef BRIDGE_BACKEND_BACKENDS_H
#define BRIDGE_BACKEND_BACKENDS_H
#include "bridge/backend/calendars.h"

/*
 * The bridge's side of all backends: chooses whose mailbox it is and hands the question on. A mailbox is served by the backend
 * whose `serves` names its address, else one of its groups, else its domain, else everybody; by the folder of calendars if none
 * does.
 */
struct backends;

/*
 * How a packed job (fetch_job.h) reaches a worker of the backend that ${pool} stands for: exactly one reply for each call,
 * within ${deadline_ms} or soon after, never before it returns.
 */
typedef void backends_submit_fn(void *pool, const void *job, size_t len, int64_t deadline_ms, calendars_reply_cb *cb, void *arg);

/*
 * Over ${c} and the folder of calendars; pools[i] is for c->backends[i]. All are borrowed for its life. Aborts when out of
 * memory. Caller frees.
 */
struct backends *backends_new(const struct conf *c, struct calendars *folder, backends_submit_fn *submit, void *const *pools);
/* Frees it; open fetches never call back. NULL is allowed. */
void backends_free(struct backends *b);

/*
 * What a fetch ends with: never NULL, borrowed for the call. Its digits, if there are any, are those of exactly the window and
 * interval asked.
 */
typedef void backends_done_cb(void *arg, const struct fb_answer *raw);
/*
 * Fetches the calendar of ${address}, which was looked up as ${who} (borrowed for the call), over ${w}: exactly one callback,
 * possibly before it returns, with a failure if there is no answer within ${deadline_ms}. Events may lie around the window. The question has
 * come through ${hops} bridges, and in a ring of them it ends here.
 */
void backends_fetch(struct backends *b, const struct fb_entry *who, const char *address, struct fb_window w, int interval,
                    unsigned hops, int64_t deadline_ms, backends_done_cb *cb, void *arg);
/* Who serves ${address}: yes, then ${found} does; no, then it is the folder; or a group that may decide could not be asked about. */
enum fb_fact backends_serving(const struct backends *b, const struct fb_entry *who, const char *address, const struct conf_backend **found);
/* Has ${address} a calendar? At once, without opening anything: of one that a backend serves, yes, for only the backend knows. */
enum fb_fact backends_exists(struct backends *b, const struct fb_entry *who, const char *address);
#endif
