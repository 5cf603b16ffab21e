#include <string.h>
#include "bridge/base/log.h"
#include "bridge/link/client.h"

/* Our keys' words about themselves, said to a peer on a connection that we ask on. */

/*
 * The key in use gives its word for the next one of ${st}: else whoever runs in a process of the other site could make up what we say. Without it the
 * other site's admin is asked.
 */
static void vouch(const struct pki_signer *current, struct pki_statement *st, struct link_announce *a)
{
	struct buf spki, sig;

	if (!current || memcmp(st->from, pki_signer_pin(current), PKI_PIN_LEN) != 0)
		return;
	buf_init(&spki, LINK_SPKI_BYTES);
	buf_init(&sig, LINK_SIGNATURE_BYTES);
	st->vouches = true;
	pki_signer_spki(current, &spki);
	if (pki_signer_sign(current, st, &sig) == 0 && !spki.failed) {
		a->n_current = spki.len;
		a->n_vouches = sig.len;
		memcpy(a->current, buf_ptr(&spki), spki.len);
		memcpy(a->vouches, buf_ptr(&sig), sig.len);
	}
	buf_free(&spki);
	buf_free(&sig);
}

/* False if there is no connection to sign for. */
static bool compose(const struct client_peer *p, const struct pki_signer *by, const uint8_t *retired, struct buf *out)
{
	struct link_announce a = {.retires = retired != NULL};
	struct pki_statement st = {.retires = retired != NULL};
	const struct client_conn *k = client_peer_route(p);
	struct buf spki, sig;
	bool ok;

	buf_init(&spki, LINK_SPKI_BYTES);
	buf_init(&sig, LINK_SIGNATURE_BYTES);
	memcpy(st.pin, retired ? retired : pki_signer_pin(by), PKI_PIN_LEN);
	pki_signer_spki(by, &spki);
	ok = k && k->session && link_session_binding(k->session, st.exporter, st.from, st.to) == 0 &&
	     pki_signer_sign(by, &st, &sig) == 0 && !spki.failed;
	/* The key that retires another is the one under which we stand here; an old connection is no place to say so. */
	if (ok && (memcmp(st.from, pki_signer_pin(by), PKI_PIN_LEN) == 0) == a.retires) {
		a.n_spki = spki.len;
		a.n_signature = sig.len;
		memcpy(a.spki, buf_ptr(&spki), spki.len);
		memcpy(a.signature, buf_ptr(&sig), sig.len);
		memcpy(a.retired, st.pin, PKI_PIN_LEN);
		if (!a.retires)
			vouch(p->all->self.current, &st, &a);
		ok = link_announce_write(out, &a) == 0;
	} else {
		ok = false;
	}
	buf_free(&spki);
	buf_free(&sig);
	return ok;
}

/* The retirement first: until the peer has dropped the old pin there is no room for a next one. */
void client_announce(struct client_peer *p)
{
	const struct link_self *me = &p->all->self;
	bool retires = me->retired && me->current && !p->told_retired;
	struct buf b;

	for (const struct client_call *c = p->calls; c; c = c->next)
		if (c->is_announce)
			return;
	if (p->all->draining || (!retires && (!me->next || p->told_next)))
		return;
	buf_init(&b, LINK_ANNOUNCE_BYTES);
	if (compose(p, retires ? me->current : me->next, retires ? me->retired : NULL, &b))
		client_announce_call(p, &b, retires);
	buf_free(&b);
}

static void say_not_taken(const struct client_call *c, const char *what, const char *pin)
{
	if (c->status == GRPC_OK && c->taken == LINK_WAITS)
		log_event(LOG_LEVEL_INFO, "announce-waits", LS("peer", c->peer->conf->name), LS("what", what), LS("pin", pin),
		          LS("text", "the peer's admin has to run `availbridge peer confirm-next` for it"));
	else
		log_event(LOG_LEVEL_WARN, "announce-refused", LS("peer", c->peer->conf->name), LS("what", what), LS("pin", pin),
		          LS("text", c->why[0] ? c->why : "no reason given"));
}

/* Has the peer not got it, whatever it said before? Of its other failures that cannot be told. */
static bool says_no(const struct client_call *c)
{
	return c->status == GRPC_FAILED_PRECONDITION || (c->status == GRPC_OK && c->taken == LINK_WAITS);
}

/* It could not now: it is asked again sooner than with the next Hello. */
static void announce_later(struct client_peer *p)
{
	struct client_conn *k = client_peer_route(p);

	if (k && k->hello)
		loop_timer_again(k->hello, ANNOUNCE_AGAIN_MS);
	else if (k)
		loop_timer_again(p->timer, ANNOUNCE_AGAIN_MS);
}

void client_announced(struct client_call *c)
{
	struct client_peer *p = c->peer;
	const struct link_self *me = &p->all->self;
	const uint8_t *pin = c->retires ? me->retired : pki_signer_pin(me->next);
	const char *what = c->retires ? "retired" : "next";
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, pin);
	if (c->status == GRPC_OK && c->taken == LINK_TAKEN) {
		log_event(LOG_LEVEL_INFO, "announce-taken", LS("peer", p->conf->name), LS("what", what), LS("pin", text));
		*(c->retires ? &p->told_retired : &p->told_next) = true;
		if (!c->retires && p->all->taken)
			p->all->taken(p->all->arg, p->conf->name, pin);
	} else {
		if (!c->retires && says_no(c) && p->all->taken)
			p->all->taken(p->all->arg, p->conf->name, NULL);
		if (c->status == GRPC_UNAVAILABLE)
			announce_later(p);
		if (client_may_tell(p)) /* it is said again on each connection */
			say_not_taken(c, what, text);
	}
	/* What this peer does not know about its retirement does not keep the next one from being announced later. */
	if (c->retires && c->status >= 0 && c->status != GRPC_UNAVAILABLE) {
		p->told_retired = true;
		client_announce(p);
	}
}
