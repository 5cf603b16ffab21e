#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/log.h"
#include "bridge/link/server.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

/* What we say to a peer about itself. It knows our key and we know its, but it is not to measure us by the second. */

#define PB(name) Availbridge__Link__V1__##name

enum { EVERY_MS = 10000, AT_ONCE = 6 };

static const struct wire_cap caps[] = {{&availbridge__link__v1__probe_request__descriptor, 1, 0, FB_ADDRESS_MAX, NULL}, {0}};

int link_probe_ask_write(struct buf *out, const char *mailbox)
{
	PB(ProbeRequest) m = AVAILBRIDGE__LINK__V1__PROBE_REQUEST__INIT;

	m.mailbox = (char *)mailbox;
	return wire_pack(out, &m.base);
}

bool link_probe_ask_read(const uint8_t *p, size_t n, char mailbox[FB_ADDRESS_MAX + 1])
{
	const char *why;
	PB(ProbeRequest) *m;
	bool ok;

	mailbox[0] = 0;
	if (!wire_within(&availbridge__link__v1__probe_request__descriptor, p, n, caps, &why))
		return false;
	m = availbridge__link__v1__probe_request__unpack(NULL, n, p);
	if (!m)
		return false;
	ok = !*m->mailbox || fb_address_normal(m->mailbox, mailbox);
	availbridge__link__v1__probe_request__free_unpacked(m, NULL);
	return ok;
}

int link_probe_write(struct buf *out, const struct link_probe *say)
{
	PB(ProbeReply) m = AVAILBRIDGE__LINK__V1__PROBE_REPLY__INIT;

	m.rows = say->rows;
	m.access = say->access;
	m.rules_in = say->rules_in;
	m.rules_out = say->rules_out;
	m.backend = say->backend;
	m.link = say->link;
	m.look_up = (PB(Reason))say->look_up;
	return wire_pack(out, &m.base);
}

bool link_probe_read(const uint8_t *p, size_t n, struct link_probe *said)
{
	const char *why;
	PB(ProbeReply) *m;

	memset(said, 0, sizeof *said);
	if (n > LINK_PROBE_BYTES || !wire_within(&availbridge__link__v1__probe_reply__descriptor, p, n, caps, &why))
		return false;
	m = availbridge__link__v1__probe_reply__unpack(NULL, n, p);
	if (!m)
		return false;
	*said = (struct link_probe){.rows = m->rows, .rules_in = m->rules_in, .rules_out = m->rules_out, .access = m->access, .backend = m->backend,
	                            .link = m->link};
	if (m->look_up > 0 && (unsigned)m->look_up < FB_REASONS)
		said->look_up = (enum fb_reason)m->look_up;
	else if (m->look_up) /* of a later version: a failure */
		said->look_up = FB_PEER_FAILED;
	availbridge__link__v1__probe_reply__free_unpacked(m, NULL);
	return true;
}

/* Each probe costs so long of the future; more than so many in advance are not given. */
static bool spend(struct link_server *s, const char *peer)
{
	int64_t now = loop_ms(), *at;
	size_t i = server_peer_index(s, peer);

	at = &s->probed[i];
	if (i == s->conf->n_peers || *at > now + (AT_ONCE - 1) * EVERY_MS)
		return false;
	*at = (*at > now ? *at : now) + EVERY_MS;
	return true;
}

void server_probe(struct link_call *c, const uint8_t *p, size_t n)
{
	struct link_server *s = c->conn->server;
	const char *peer = pki_peer_name(c->conn->peer);
	char mailbox[FB_ADDRESS_MAX + 1];

	if (!s->probe) {
		server_call_finish(c, GRPC_UNIMPLEMENTED, "no such method");
		return;
	}
	if (!link_probe_ask_read(p, n, mailbox)) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "this is no probe");
		return;
	}
	if (!spend(s, peer)) {
		server_call_finish(c, GRPC_RESOURCE_EXHAUSTED, "probed too often; once in ten seconds is answered");
		return;
	}
	log_event(LOG_LEVEL_INFO, "link-probed", LS("peer", peer), LS("from", c->conn->from));
	s->probe(s->probe_arg, server_call_handle(c), c->conn->peer, mailbox);
}

void link_server_probed(struct link_server *s, uint64_t handle, const struct link_probe *say)
{
	struct link_call *c = server_call_of_handle(s, handle);
	struct buf b;
	uint8_t *to;

	if (!c)
		return;
	buf_init(&b, LINK_PROBE_BYTES);
	to = link_probe_write(&b, say) == 0 ? link_stream_put(&c->st, b.len) : NULL;
	if (to && b.len)
		memcpy(to, buf_ptr(&b), b.len);
	server_call_finish(c, to ? GRPC_OK : GRPC_INTERNAL, to ? NULL : "our answer could not be written");
	buf_free(&b);
}

void link_server_probes(struct link_server *s, link_probe_cb *probe, void *arg)
{
	s->probed = calloc(s->conf->n_peers + 1, sizeof *s->probed);
	if (!s->probed)
		abort();
	s->probe = probe;
	s->probe_arg = arg;
}
