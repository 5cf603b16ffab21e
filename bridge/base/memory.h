#ifndef BRIDGE_BASE_MEMORY_H
#define BRIDGE_BASE_MEMORY_H
#include <stdbool.h>
#include <stddef.h>

/*
 * Gives what was freed back to the system, pages between what is in use, too, if that may be a MiB or more. malloc(3) still counts what it
 * gave back as free, and each time goes through all of it again, which can hold the caller for tens of milliseconds: so only if ${kept}, 0
 * at first, which holds the free bytes that are known to be given back or too little to matter, has been exceeded by that much. True if it
 * did.
 */
bool memory_give_back(size_t *kept);
#endif
