#ifndef BRIDGE_BASE_ARENA_H
#define BRIDGE_BASE_ARENA_H
#include <stddef.h>

/* Memory that lives exactly as long as one query or one answer. */
struct arena;

/* A new arena that will give out at most ${max} bytes. NULL when out of memory. Caller frees. */
struct arena *arena_new(size_t max);
/* Frees the arena and everything it gave out. NULL is allowed. */
void arena_free(struct arena *a);
/* Frees everything the arena gave out; it is as new. */
void arena_reset(struct arena *a);
/* ${n} zeroed bytes, aligned for any type. NULL past the ceiling or out of memory. */
void *arena_alloc(struct arena *a, size_t n);
/* A zero-terminated copy of ${n} bytes of ${s}. NULL as above. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* A copy of ${s}; NULL stays NULL, and NULL as above. */
char *arena_strdup(struct arena *a, const char *s);
/* Bytes given out so far. */
size_t arena_used(const struct arena *a);
#endif
