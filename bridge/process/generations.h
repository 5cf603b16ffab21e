#ifndef BRIDGE_PROCESS_GENERATIONS_H
#define BRIDGE_PROCESS_GENERATIONS_H
#include "bridge/process/generation.h"

/* All generations that still have processes: the one in force, one that is starting, and those that wind down. Zero is an empty set. */
enum { GENERATIONS_MAX = 16 };
struct generations {
	struct generation *list[GENERATIONS_MAX]; /* the owner frees them as each is gone */
	size_t n;
};

/* Adds ${g}; there must be room. */
void generations_add(struct generations *s, struct generation *g);
/* Takes ${g} out; it is not freed. */
void generations_remove(struct generations *s, const struct generation *g);
/* Sends every bridge of all of them the same message without a descriptor; to how many it went. */
size_t generations_tell(const struct generations *s, uint16_t type, const void *data, size_t len);
/* Packs their number and what `status` shows of each. */
void generations_pack(const struct generations *s, struct buf *out);
/* A child ended: sees to it if it belongs to one of them. */
void generations_reaped(const struct generations *s, pid_t pid, int status);
#endif
