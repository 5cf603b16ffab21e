#ifndef BRIDGE_CTL_PAIR_H
#define BRIDGE_CTL_PAIR_H
#include "bridge/conf/conf.h"
#include "bridge/ctl/args.h"
#include "pki/pairing.h"

/* What both admins on the phone need (docs/pairing.md): inviting is in pair_invite.c, accepting and confirming in pair_accept.c. */

/*
 * Fills ${o} with what this site says of itself: its name, the ${endpoints} given, or where its link listens, and its domains. False
 * after a sentence: an endpoint that is none, or more than an offer can hold.
 */
bool pair_offer(const struct conf *c, const struct ctl_words *endpoints, struct pki_offer *o);
/* Our own pin, or false after a sentence. */
bool pair_own_pin(const struct conf *c, uint8_t pin[PKI_PIN_LEN]);
/* Prints the peer ${name} as it is written now, and its six words. CTL_DONE, or CTL_NO after a sentence if it is not there. */
int pair_show(const char *conf_path, const char *name);
#endif
