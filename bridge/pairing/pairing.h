#ifndef BRIDGE_PAIRING_PAIRING_H
#define BRIDGE_PAIRING_PAIRING_H
#include <stdbool.h>
#include "bridge/base/loop.h"
#include "pki/pairing.h"
#include "pki/tls.h"

/*
 * Guests at the link's door: the host's side of pairing (docs/pairing.md). Nothing here knows HTTP/2, a query or a setting, and
 * nobody but the streams that pki_stream_pairs() come here.
 */
struct pairing;

struct pairing_invitation {
	struct pki_invitation inv;
	char name[64];            /* what the guest will be called here */
	unsigned tries;           /* wrong proofs that it still bears; 0 = closed */
	bool proven;              /* a key has proven the secret: */
	uint8_t by[PKI_PIN_LEN];  /* this one; no other may come after it */
	bool done;                /* and it is written */
	bool gone;                /* forget it */
};
struct pairing_events {
	/*
	 * A guest with the key ${pin} tried the invitation ${id} and ${proven} the secret, or not: every process that has the
	 * invitation should know.
	 */
	void (*tried)(void *arg, const uint8_t id[PKI_INVITATION_ID_LEN], const uint8_t pin[PKI_PIN_LEN], bool proven);
	/*
	 * Both proved all. Whoever may write settings writes the peer, then pairing_written() with the same ${handle}. ${offer}
	 * is borrowed; its words are unchecked.
	 */
	void (*paired)(void *arg, uint64_t handle, const uint8_t id[PKI_INVITATION_ID_LEN], const uint8_t pin[PKI_PIN_LEN],
	               const char *code, const struct pki_offer *offer);
};

/*
 * No invitation yet; ${tls}, the link's recipe, lets guests in as long as one is open. ${ev} is borrowed. Aborts when out of memory.
 * Caller frees.
 */
struct pairing *pairing_new(struct loop *l, struct pki_tls *tls, const struct pairing_events *ev, void *arg);
/* Ends every exchange and shuts the door. NULL is allowed. */
void pairing_free(struct pairing *p);
/* A new invitation (known by its id), or a known one changed (copied). */
void pairing_invite(struct pairing *p, const struct pairing_invitation *i);
/* Takes over the stream of a guest from the address ${from} (copied), from inside its `up`. */
void pairing_take(struct pairing *p, struct pki_stream *s, const char *from);
/* The peer of `paired` was written, or was not, with a sentence ${why} that the guest may read. */
void pairing_written(struct pairing *p, uint64_t handle, bool ok, const char *why);
/* True if no exchange is open. */
bool pairing_idle(const struct pairing *p);
#endif
