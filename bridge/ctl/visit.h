#ifndef BRIDGE_CTL_VISIT_H
#define BRIDGE_CTL_VISIT_H
#include "bridge/conf/conf.h"
#include "pki/pairing.h"

/* The guest's side of pairing (docs/pairing.md): one visit at the door of the site that invited. */
struct visit {
	const struct conf *conf;                /* whose identity is shown */
	const struct pki_invitation *inv;
	const struct pki_offer *offer;          /* what we say of ourselves */
	char code[PKI_CODE_MAX];                /* the six words, once it is done */
};
/*
 * Goes through the endpoints of the invitation until one answers, and through the whole exchange, at most 20 s each. 0: both have
 * proven all, and the host has written us. -1 with a sentence in ${error}; *${unsure} then tells that the host may have written us
 * all the same.
 */
int visit_host(struct visit *v, struct buf *error, bool *unsure);
#endif
