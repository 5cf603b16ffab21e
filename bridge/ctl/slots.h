#ifndef BRIDGE_CTL_SLOTS_H
#define BRIDGE_CTL_SLOTS_H
#include "bridge/conf/conf.h"
#include "bridge/ctl/edit.h"
#include "pki/pin.h"

/* The pins of a peer as they shall be: the current one, and perhaps the next. */
struct ctl_slot {
	uint8_t pin[PKI_PIN_LEN];
	size_t n_from; /* 0 = the admin wrote it */
	/* the keys that it comes from, the newest first: it was announced under the first, that under the second... */
	uint8_t from[CONF_FROM_MAX][PKI_PIN_LEN];
};
struct ctl_slots {
	struct ctl_slot slot[2];
	size_t n;
};

/* As they are. */
void ctl_slots_of(const struct conf_peer *p, struct ctl_slots *out);
/* ${pin}, which has no ancestors, becomes the ${i}th; those behind it go. ${i} is at most s->n. */
void ctl_slots_set(struct ctl_slots *s, size_t i, const uint8_t pin[PKI_PIN_LEN]);
/* ${pin} was announced under the first one and becomes the second. Of more ancestors than there is room for the oldest are forgotten. */
void ctl_slots_announce(struct ctl_slots *s, const uint8_t pin[PKI_PIN_LEN]);
/* Takes the ${i}th out; one behind it moves up. */
void ctl_slots_remove(struct ctl_slots *s, size_t i);
/* How many announcements lie between ${pin} and ${slot}: 0 = it is that pin, -1 = it does not come from it. */
int ctl_slot_generation(const struct ctl_slot *slot, const uint8_t pin[PKI_PIN_LEN]);
/*
 * Notes for the edit the file of ${name} with these pins; a peer without any is switched off, since it cannot be known any more. -1 after a
 * sentence.
 */
int ctl_slots_put(struct ctl_edit *e, const char *name, const struct ctl_slots *s);
#endif
