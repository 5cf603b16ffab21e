#ifndef BRIDGE_DIRECTORY_KEPT_H
#define BRIDGE_DIRECTORY_KEPT_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/facts.h"

/*
 * Entries that are used again for a while, by the address asked for. Never more than a ceiling: the one used longest ago goes
 * first. Times are loop_ms().
 */
struct kept;

/* Room for ${max} entries. NULL when out of memory. Caller frees. */
struct kept *kept_new(size_t max);
/* Frees it and releases what it holds. NULL is allowed. */
void kept_free(struct kept *k);
/* The entry of ${address} that is still good at ${now}, or NULL. Borrowed: hold it to keep it. */
const struct fb_entry *kept_find(struct kept *k, const char *address, int64_t now);
/* Holds ${e} for ${address} until ${until}, in place of what was there. Without memory it is not kept. */
void kept_put(struct kept *k, const char *address, const struct fb_entry *e, int64_t until);
/* How many there are. */
size_t kept_count(const struct kept *k);
#endif
