#ifndef BRIDGE_PROCESS_NOTES_H
#define BRIDGE_PROCESS_NOTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "pki/pin.h"

/*
 * What a rotation has to remember, in files of the state folder with one "NAME PIN SECONDS" a line (since 1970, when it was noted):
 *   next-taken     peers that have our next key's pin on their disk
 *   next-pending   next pins that peers announced and an admin has to confirm here
 *   next-under     the keys under which those were announced
 *   retired        "self" and our own pin that is used no more: peers are told to drop it
 *   unpinned       the key of each peer that was shut out here last: it is not taken when it is announced again
 *   key-in-use     the key under which each peer connected last, since when
 */
#define NOTES_TAKEN "next-taken"
#define NOTES_PENDING "next-pending"
#define NOTES_UNDER "next-under"
#define NOTES_RETIRED "retired"
#define NOTES_UNPINNED "unpinned"
#define NOTES_IN_USE "key-in-use"

/*
 * The pin noted for ${name} in ${file} of ${state_dir}, and when (may be NULL): 1 = there is one, 0 = there is none, -1 = the file or its line
 * cannot be read.
 */
int notes_look(const char *state_dir, const char *file, const char *name, uint8_t pin[PKI_PIN_LEN], int64_t *when);
/* The same where only one that can be read counts: false if there is none or it cannot be read. */
bool notes_get(const char *state_dir, const char *file, const char *name, uint8_t pin[PKI_PIN_LEN], int64_t *when);
/* Notes ${pin} for ${name} and the time in the place of what was noted, in one step; NULL = removes it. -1 with errno. */
int notes_put(const char *state_dir, const char *file, const char *name, const uint8_t *pin);
/* The same unless that very pin is noted already: 1 = noted now, 0 = it was, -1 with errno. */
int notes_learn(const char *state_dir, const char *file, const char *name, const uint8_t pin[PKI_PIN_LEN]);
/* Packs how many there are in ${file} (u32; 0 if they are too many for a message), then each name and pin. A NULL ${state_dir} has none. */
void notes_pack(const char *state_dir, const char *file, struct buf *out);
#endif
