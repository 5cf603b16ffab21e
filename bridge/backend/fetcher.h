#ifndef BRIDGE_BACKEND_FETCHER_H
#define BRIDGE_BACKEND_FETCHER_H
#include "bridge/availability/reason.h"
#include "bridge/base/buf.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"

/*
 * The worker's side of one configured backend: takes jobs (fetch_job.h), asks the backend in the way of its type, and replies.
 * A backend that is down is not asked: its questions are answered at once, and it is probed until it is back.
 */
struct fetcher;

/* The packed reply, borrowed for the call. */
typedef void fetcher_reply_cb(void *arg, const uint8_t *reply, size_t len);

/*
 * Reads the secrets and certificates that ${be} names: before the sandbox, and before there are threads (see http_new()). ${c}
 * and ${be} are borrowed for its life. NULL with a sentence. Caller frees.
 */
struct fetcher *fetcher_new(struct loop *l, const struct conf *c, const struct conf_backend *be, struct buf *error);
struct trace;
/* From now on what is said to the backend and by it is recorded in ${t} (borrowed for its life); before the first job. */
void fetcher_trace(struct fetcher *f, struct trace *t);
enum { FETCHER_WHY_MAX = 1000 };
/*
 * ${changed} is told with a sentence of at most FETCHER_WHY_MAX bytes, at each failure, that the backend is down and left alone, and with
 * NULL that it is back. Before the first job.
 */
void fetcher_watch(struct fetcher *f, void (*changed)(void *arg, const char *why), void *arg);
/*
 * Asks once about ${address} and the next day, whatever came before, with the backend's own time limit: exactly one ${cb}, never before
 * this returns. ${why} is a sentence unless the backend answered; an answer of FB_NO_ACCESS is one.
 */
void fetcher_try(struct fetcher *f, const char *address, void (*cb)(void *arg, enum fb_reason reason, const char *why), void *arg);
/*
 * Does the packed ${job}. Exactly one reply, at the end of the job's time at the latest, possibly before this returns. What
 * failed is in its reason, and in the log in more words.
 */
void fetcher_work(struct fetcher *f, const uint8_t *job, size_t len, fetcher_reply_cb *cb, void *arg);
/* Frees it; open jobs get no reply. Not inside a callback. NULL is allowed. */
void fetcher_free(struct fetcher *f);
#endif
