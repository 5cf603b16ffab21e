#ifndef BRIDGE_BACKEND_CALENDARS_H
#define BRIDGE_BACKEND_CALENDARS_H
#include "bridge/availability/answer.h"
#include "bridge/availability/facts.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"

/*
 * The bridge's side of the backend: keeps expanded calendars (least recently used go first), checks their stamps at each
 * use, shares one fetch among identical questions in flight, and hands the rest to calendar workers.
 */
struct calendars;

enum { CALENDARS_NO_WORKER = 1 };
/*
 * A worker's reply, or data NULL and in ${why} a sentence for the log: with ${len} CALENDARS_NO_WORKER no worker took it up in time,
 * else the worker died or its time ran out.
 */
typedef void calendars_reply_cb(void *arg, const uint8_t *data, size_t len, const char *why);
/* How a job reaches a worker: exactly one reply for each call, never before it returns. */
typedef void calendars_submit_fn(void *pool, const void *job, size_t len, calendars_reply_cb *cb, void *arg);

/* ${dir_fd} is the calendars folder, opened before the sandbox (borrowed). NULL when out of memory. Caller frees. */
struct calendars *calendars_new(const struct conf *c, int dir_fd, calendars_submit_fn *submit, void *pool);
/* Frees it; open fetches never call back. NULL is allowed. */
void calendars_free(struct calendars *c);
/* Before the sandbox: from now on changes in the folder are told to ${l}, and not looked for with each question (looks.h). */
void calendars_watch(struct calendars *c, struct loop *l);
/* Has ${address} a calendar? At once, without opening anything. */
enum fb_fact calendars_exists(struct calendars *c, const char *address);
/*
 * What calendars_fetch() ends with: ${raw} (never NULL) holds every event that overlaps the window asked, and may hold more around
 * it; borrowed for the call.
 */
typedef void calendars_done_cb(void *arg, const struct fb_answer *raw);
/* Fetches ${address} over ${w}; exactly one callback, possibly before it returns (a cache hit). */
void calendars_fetch(struct calendars *c, const char *address, struct fb_window w, calendars_done_cb *cb, void *arg);

/* Worker side: does the packed ${job} under ${dir_fd} and appends the packed reply. The sentence of a fault goes to the log. */
void calendars_work(const struct conf *c, int dir_fd, const uint8_t *job, size_t len, struct buf *reply);
#endif
