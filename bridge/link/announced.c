#include <string.h>
#include "bridge/base/log.h"
#include "bridge/link/server.h"

/* What a peer's key says about itself: only the form and the signature are judged here, not what becomes of it. */

static void refuse(struct link_call *c, const char *why)
{
	if (log_quota_takes(c->conn->server->by_peer, pki_peer_name(c->conn->peer)))
		log_event(LOG_LEVEL_WARN, "announce-bad", LS("peer", pki_peer_name(c->conn->peer)), LS("from", c->conn->from), LS("text", why));
	server_call_finish(c, GRPC_INVALID_ARGUMENT, why);
}

/* What shows to the process that writes it down that the key of this connection has said it: that one does not take our word. "" if nothing does. */
static void put_proof(struct buf *out, const struct pki_statement *st, const struct link_announce *a)
{
	if (st->retires)
		pki_proof_put(out, st, a->spki, a->n_spki, a->signature, a->n_signature);
	else if (a->n_vouches)
		pki_proof_put(out, st, a->current, a->n_current, a->vouches, a->n_vouches);
}

/* The pin that it is about, and the proof of it; false after a refusal. */
static bool verified(struct link_call *c, const struct link_announce *a, uint8_t seen[PKI_PIN_LEN], uint8_t pin[PKI_PIN_LEN], struct buf *proof)
{
	struct pki_statement st = {.retires = a->retires};
	uint8_t by[PKI_PIN_LEN];
	const char *why;

	if (link_session_binding(c->conn->session, st.exporter, st.to, st.from) != 0) {
		server_call_finish(c, GRPC_INTERNAL, "the connection has no exporter");
		return false;
	}
	memcpy(st.pin, a->retired, PKI_PIN_LEN);
	if (!pki_statement_verify(&st, a->spki, a->n_spki, a->signature, a->n_signature, by, &why)) {
		refuse(c, why);
		return false;
	}
	memcpy(seen, st.from, PKI_PIN_LEN);
	memcpy(pin, st.pin, PKI_PIN_LEN);
	if (memcmp(by, seen, PKI_PIN_LEN) != 0 && a->retires) {
		refuse(c, "only the key under which a connection stands may retire another");
		return false;
	}
	if (memcmp(pin, seen, PKI_PIN_LEN) == 0) {
		refuse(c, a->retires ? "the key of this connection cannot retire itself" : "the next key is the one in use");
		return false;
	}
	put_proof(proof, &st, a);
	return true;
}

void server_announce(struct link_call *c, const uint8_t *p, size_t n)
{
	struct link_server *s = c->conn->server;
	struct link_announce a;
	uint8_t seen[PKI_PIN_LEN], pin[PKI_PIN_LEN];
	struct buf proof;
	const char *why;

	if (!link_announce_read(p, n, &a, &why)) {
		refuse(c, why);
		return;
	}
	buf_init(&proof, PKI_PROOF_TEXT);
	if (verified(c, &a, seen, pin, &proof)) {
		if (s->announced)
			s->announced(s->announced_arg, server_call_handle(c), c->conn->peer, seen, a.retires, pin, buf_cstr(&proof));
		else
			server_call_finish(c, GRPC_UNIMPLEMENTED, "no such method");
	}
	buf_free(&proof);
}

void link_server_announcements(struct link_server *s, link_announced_cb *cb, void *arg)
{
	s->announced = cb;
	s->announced_arg = arg;
}

void link_server_seen(struct link_server *s, link_seen_cb *cb, void *arg)
{
	s->seen = cb;
	s->seen_arg = arg;
}

void link_server_announced(struct link_server *s, uint64_t handle, enum link_said said, const char *why)
{
	static const enum grpc_status statuses[] = {GRPC_OK, GRPC_OK, GRPC_FAILED_PRECONDITION, GRPC_UNAVAILABLE};
	struct link_call *c = server_call_of_handle(s, handle);
	struct buf b;
	uint8_t *to;

	if (!c)
		return;
	buf_init(&b, 64);
	if (statuses[said] != GRPC_OK)
		server_call_finish(c, statuses[said], why);
	else if (link_announced_write(&b, said == LINK_SAID_TAKEN ? LINK_TAKEN : LINK_WAITS) == 0 &&
	         (to = link_stream_put(&c->st, b.len))) {
		memcpy(to, buf_ptr(&b), b.len);
		server_call_finish(c, GRPC_OK, NULL);
	} else
		server_call_finish(c, GRPC_INTERNAL, "our answer could not be written");
	buf_free(&b);
}

void link_server_front_expires(struct link_server *s, int64_t seconds)
{
	s->front_expires = seconds;
}
