#ifndef BRIDGE_DIRECTORY_ENTRY_H
#define BRIDGE_DIRECTORY_ENTRY_H
#include "bridge/conf/conf.h"
#include "bridge/directory/groups.h"
#include "bridge/directory/job.h"

/* Making the entries that the rest of the house sees, of what the settings say and of what a worker found. Bridge's side. */
struct entry_maker;

/* Over ${c} (borrowed for its life). NULL when out of memory. Caller frees. */
struct entry_maker *entry_maker_new(const struct conf *c);
/* Frees it. NULL is allowed. */
void entry_maker_free(struct entry_maker *m);
/* The groups of the directory that are mentioned, in the order in which a worker's answer has them. */
const struct directory_groups *entry_maker_dns(const struct entry_maker *m);
/*
 * Is the server to be asked about ${address} (normal)? It is one of ours, or there are groups of the directory that a contact
 * may be in.
 */
bool entry_needs_server(const struct entry_maker *m, const char *address);
/*
 * An entry of ${address} with all that the settings say; with a directory what only that knows could not be told. NULL when
 * out of memory. Caller releases.
 */
struct fb_entry *entry_from_settings(const struct entry_maker *m, const char *address);
/*
 * An entry of a worker's answer to ${kind} of question about ${asked}, and of what the settings say. NULL when out of memory.
 * Caller releases.
 */
struct fb_entry *entry_from_answer(const struct entry_maker *m, const struct directory_answer *a, enum directory_kind kind,
                                   const char *asked);
#endif
