#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/process/bridge.h"
#include "bridge/process/notes.h"
#include "pki/identity.h"
#include "pki/rotation.h"

/*
 * The bridge's part in changes of keys: it holds the keys that sign, and the pins that a link opens with. Files and judgement are the
 * supervisor's.
 */

enum { ANNOUNCEMENTS = 60, ANNOUNCEMENTS_MS = 60000 }; /* a course of next, promote and retire needs two */

/* What is known here of one peer's announcements and keys. */
struct announcing {
	int64_t since; /* how often it announced lately: each announcement costs a process. It stops one behind what is allowed */
	unsigned n;
	bool has_seen;
	uint8_t seen[PKI_PIN_LEN]; /* the key under which it stood when it connected last */
};

/* The log says so once for each such minute: a peer can go on as fast as it likes. */
static bool too_often(struct announcing *a, const char *peer)
{
	if (loop_ms() - a->since > ANNOUNCEMENTS_MS) {
		a->since = loop_ms();
		a->n = 0;
	}
	if (a->n == ANNOUNCEMENTS)
		log_event(LOG_LEVEL_WARN, "announce-too-often", LS("peer", peer));
	a->n += a->n <= ANNOUNCEMENTS;
	return a->n > ANNOUNCEMENTS;
}

static void announced(void *arg, uint64_t handle, const struct pki_peer *peer, const uint8_t seen[PKI_PIN_LEN], bool retires,
                      const uint8_t pin[PKI_PIN_LEN], const char *proof)
{
	char under[PKI_PIN_TEXT], text[PKI_PIN_TEXT];
	struct bridge *b = arg;
	const struct conf_peer *p = conf_peer_named(b->conf, pki_peer_name(peer));
	struct buf out;

	/* Each of the peer's generations says it once more, behind a course that is long over: nothing is to be done. */
	if (p && retires && !pki_pinset_has(b->pins, p->name, pin)) {
		link_server_announced(b->server, handle, LINK_SAID_TAKEN, NULL);
		return;
	}
	if (!p || too_often(&b->announcing[p - b->conf->peers], p->name)) {
		link_server_announced(b->server, handle, LINK_SAID_FAILED, "too many announcements within a minute");
		return;
	}
	pki_pin_text(under, seen);
	pki_pin_text(text, pin);
	buf_init(&out, CONTROL_LINE_MAX);
	pack_u64(&out, handle);
	pack_u8(&out, retires);
	pack_str(&out, p->name);
	pack_str(&out, under);
	pack_str(&out, text);
	pack_str(&out, proof);
	channel_send(b->supervisor, MSG_ANNOUNCED, buf_ptr(&out), out.len, -1);
	buf_free(&out);
}

static void say_pin(struct bridge *b, uint16_t type, const char *peer, const uint8_t *pin)
{
	char text[PKI_PIN_TEXT] = "";
	struct buf out;

	if (pin)
		pki_pin_text(text, pin);
	buf_init(&out, CONTROL_LINE_MAX);
	pack_str(&out, peer);
	pack_str(&out, text);
	channel_send(b->supervisor, type, buf_ptr(&out), out.len, -1);
	buf_free(&out);
}

static void taken(void *arg, const char *peer, const uint8_t *pin)
{
	say_pin(arg, MSG_TOOK, peer, pin);
}

static void seen(void *arg, const char *peer, const uint8_t pin[PKI_PIN_LEN])
{
	struct bridge *b = arg;
	const struct conf_peer *p = conf_peer_named(b->conf, peer);
	struct announcing *a = p ? &b->announcing[p - b->conf->peers] : NULL;

	if (!a || (a->has_seen && memcmp(a->seen, pin, PKI_PIN_LEN) == 0))
		return;
	a->has_seen = true;
	memcpy(a->seen, pin, PKI_PIN_LEN);
	say_pin(b, MSG_SEEN, peer, pin);
}

int bridge_rotation_open(struct bridge *b)
{
	const struct conf *c = b->conf;
	const struct pki_identity_files f = {c->identity_certificate, c->identity_key};
	char cert[4096], key[4096];
	uint8_t pin[PKI_PIN_LEN];
	struct link_self self = {0};
	struct buf why;
	int64_t from;
	bool retired;

	buf_init(&why, 4096);
	pki_cert_dates(c->front_certificate, &from, &self.front_expires, &why);
	if (pki_rotation_pin(&f, PKI_NEXT, pin, &why) > 0 && pki_rotation_path(f.cert, PKI_NEXT, cert, sizeof cert) == 0 &&
	    pki_rotation_path(f.key, PKI_NEXT, key, sizeof key) == 0 && !(b->next = pki_signer_new(cert, key, &why)))
		log_event(LOG_LEVEL_ERROR, "next-identity", LS("text", buf_cstr(&why)));
	retired = notes_get(c->state_dir, NOTES_RETIRED, "self", b->retired, NULL);
	if ((retired || b->next) && pki_rotation_key(&f, key, sizeof key) == 0)
		b->signer = pki_signer_new(f.cert, key, &why);
	pki_identity_pin(f.cert, b->own_pin, &why);
	b->has_old = pki_rotation_pin(&f, PKI_OLD, pin, &why) > 0;
	b->rotated = (retired && b->signer) || b->has_old;
	buf_free(&why);
	self.next = b->next;
	self.current = b->signer;
	self.retired = retired && b->signer && memcmp(b->retired, pki_signer_pin(b->signer), PKI_PIN_LEN) != 0 ? b->retired : NULL;
	link_clients_self(b->clients, &self, taken, b);
	link_server_announcements(b->server, announced, b);
	link_server_seen(b->server, seen, b);
	link_clients_seen(b->clients, seen, b);
	link_server_front_expires(b->server, self.front_expires);
	b->announcing = calloc(c->n_peers, sizeof *b->announcing);
	return b->announcing ? 0 : -1;
}

void bridge_rotation_close(struct bridge *b)
{
	pki_signer_free(b->next);
	pki_signer_free(b->signer);
	free(b->announcing);
}

/* Whoever has the key still must not go on with a connection that he made before. A peer may name any pin: of others' connections none is touched. */
static void drop(struct bridge *b, const char *peer, const uint8_t pin[PKI_PIN_LEN])
{
	pki_pinset_drop(b->pins, peer, pin); /* first: what is let go may come back at once */
	link_clients_part(b->clients, peer, pin);
	link_server_part(b->server, peer, pin);
}

/* A pin was written or dropped while we run. A peer that was cut off, or that is not in our settings, stays out. */
void bridge_rotation_pin(struct bridge *b, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t number = unpack_u64(&u);
	bool adds = unpack_u8(&u);
	const char *name = unpack_str(&u), *text = unpack_str(&u);
	const struct conf_peer *p = name ? conf_peer_named(b->conf, name) : NULL;
	uint8_t pin[PKI_PIN_LEN];
	struct buf out;

	if (unpack_done(&u) && text && p && p->enabled && pki_pin_parse(text, pin)) {
		if (!adds)
			drop(b, name, pin);
		else if (pki_pinset_add(b->pins, name, pin) != 0)
			log_event(LOG_LEVEL_WARN, "next-pin-not-used", LS("peer", name), LS("pin", text),
			          LS("text", "the peer was cut off, or another peer has this pin"));
	}
	if (!number)
		return;
	buf_init(&out, 8);
	pack_u64(&out, number);
	channel_send(b->supervisor, MSG_PIN_DONE, buf_ptr(&out), out.len, -1);
	buf_free(&out);
}

void bridge_rotation_answered(struct bridge *b, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t handle = unpack_u64(&u);
	uint8_t said = unpack_u8(&u);
	const char *why = unpack_str(&u);

	if (unpack_done(&u) && said <= LINK_SAID_FAILED)
		link_server_announced(b->server, handle, (enum link_said)said, why);
}
