#ifndef BRIDGE_PROCESS_LIVE_PINS_H
#define BRIDGE_PROCESS_LIVE_PINS_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "pki/pin.h"

/* The pins that were taken or dropped while bridges run, whose settings were read before: a bridge that starts with those is told. */
struct live_pin {
	struct live_pin *next;
	bool adds, told; /* told: all bridges knew it before its announcement was answered */
	char peer[64], pin[PKI_PIN_TEXT];
	unsigned reload; /* how many reloads had begun */
};

/* The one of ${peer} with ${pin} in ${list}, or NULL. */
struct live_pin *live_pin_find(struct live_pin *list, const char *peer, const char *pin);
/* Notes in ${list} that ${pin} of ${peer} was taken (${adds}) or dropped after ${reloads} reloads had begun. Aborts when out of memory. */
struct live_pin *live_pin_note(struct live_pin **list, const char *peer, const char *pin, bool adds, unsigned reloads);
/* Packs MSG_PIN; ${number} is given back in MSG_PIN_DONE, 0 = nobody waits. */
void live_pin_pack(struct buf *out, uint64_t number, const struct live_pin *p);
/* Forgets those that were written before the last of ${reloads} reloads began: its settings have them. */
void live_pins_written(struct live_pin **list, unsigned reloads);
/* Is ${word} one of the words of ${line}, between blanks? */
bool live_pins_named(const char *line, const char *word);
/* Forgets those of a peer or with a pin that is a word of ${line}. */
void live_pins_forget(struct live_pin **list, const char *line);
/* Frees all. */
void live_pins_free(struct live_pin **list);
#endif
