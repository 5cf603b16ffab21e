#ifndef BRIDGE_DIRECTORY_DIRECTORY_H
#define BRIDGE_DIRECTORY_DIRECTORY_H
#include <stdint.h>
#include "bridge/availability/facts.h"
#include "bridge/conf/conf.h"

/*
 * What is known about people: from the settings (groups, hidden addresses) and from the directory server, if directory.conf
 * names one. The bridge's side: one look-up serves all who ask for the same; what a worker found is used again for the
 * `cache` of the settings, of at most DIRECTORY_KEPT_MAX addresses, and that it could not be told for DIRECTORY_FAILED_MS.
 */
struct directory;

/* A worker's reply, or data NULL and in ${why} a sentence for the log. */
typedef void directory_reply_cb(void *arg, const uint8_t *data, size_t len, const char *why);
/* How a job reaches a worker: exactly one reply for each call within ${deadline_ms}, never before it returns. */
typedef void directory_submit_fn(void *pool, const void *job, size_t len, int64_t deadline_ms, directory_reply_cb *cb, void *arg);

enum { DIRECTORY_KEPT_MAX = 10000, DIRECTORY_FAILED_MS = 1000 };
/*
 * Builds the look-ups over ${c} (borrowed for its life). Without directory.conf ${submit} is never called; without ${submit}
 * nothing that the server knows can be told. NULL when out of memory. Caller frees.
 */
struct directory *directory_new(const struct conf *c, directory_submit_fn *submit, void *pool);
/* Frees it; open look-ups never call back. NULL is allowed. */
void directory_free(struct directory *d);

/* What a look-up ends with: an entry, which the callback has to release, or NULL when out of memory. */
typedef void directory_found_cb(void *arg, const struct fb_entry *who);
/*
 * Looks ${address} (normal) up, ours or not; exactly one callback, possibly before it returns. The entry has every group that
 * a rule or a `serves` mentions; of somebody who is not ours the server is asked only if a group of the directory is among
 * them.
 */
void directory_look_up(struct directory *d, const char *address, directory_found_cb *cb, void *arg);
/*
 * Who is ${name}, of ours, as a login or a SOAP header says it: a SID ("S-1-..."), a UPN, DOMAIN\NAME, or an address? As
 * directory_look_up(), with the person's canonical address in the entry; exists is could-not-tell if the server could not be
 * asked, and no for whoever is disabled or has no address. Without directory.conf nobody is known.
 */
void directory_identify(struct directory *d, const char *name, directory_found_cb *cb, void *arg);
#endif
