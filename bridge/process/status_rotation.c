#include "bridge/process/status.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/process/expiry.h"
#include "pki/rotation.h"

static struct status_pin *read_notes(struct unpack *u, uint32_t *n)
{
	uint32_t count = unpack_u32(u);
	struct status_pin *list = calloc(count < 100000 ? count + 1 : 1, sizeof *list);

	if (!list)
		abort();
	for (*n = 0; count < 100000 && *n < count && !u->bad; ++*n) {
		list[*n].peer = unpack_str(u);
		list[*n].pin = unpack_str(u);
	}
	*n = u->bad ? 0 : *n;
	return list;
}

struct status_rotation status_rotation_read(struct unpack *u)
{
	struct status_rotation r = {.front_expires = (int64_t)unpack_u64(u)};

	r.trouble = unpack_str(u);
	r.taken = read_notes(u, &r.n_taken);
	r.pending = read_notes(u, &r.n_pending);
	return r;
}

/* True if ${peer} told that it has ${pin} on its disk. */
static bool has_taken(const struct status_rotation *r, const char *peer, const char *pin)
{
	for (uint32_t i = 0; i < r->n_taken; i++)
		if (strcmp(r->taken[i].peer, peer) == 0 && strcmp(r->taken[i].pin, pin) == 0)
			return true;
	return false;
}

static void put_rotation_json(struct buf *out, const struct bridge *b, const struct status_rotation *r, const char *own, const char *next)
{
	json_open(out, "front_certificate", '{');
	json_int(out, "expires", r->front_expires);
	json_str(out, "trouble", r->trouble);
	json_close(out, '}');
	json_open(out, "identity", '{');
	json_str(out, "pin", own);
	json_str(out, "next", next);
	for (int round = 0; round < 2; round++) {
		json_open(out, round ? "not_taken" : "taken", '[');
		for (size_t i = 1; next && i < b->conf->n_peers; i++)
			if (b->conf->peers[i].enabled && has_taken(r, b->conf->peers[i].name, next) == !round)
				json_str(out, NULL, b->conf->peers[i].name);
		json_close(out, ']');
	}
	json_close(out, '}');
	json_open(out, "pending", '[');
	for (uint32_t i = 0; i < r->n_pending; i++) {
		if (!conf_peer_named(b->conf, r->pending[i].peer)) /* it was removed since */
			continue;
		json_open(out, NULL, '{');
		json_str(out, "peer", r->pending[i].peer);
		json_str(out, "pin", r->pending[i].pin);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void put_expiry(struct buf *out, const char *before, int64_t until)
{
	int64_t now = time(NULL);

	if (expiry_of(until, now) == EXPIRY_UNKNOWN)
		return;
	buf_printf(out, "%s%s", before, expiry_of(until, now) >= EXPIRY_60 ? "! " : "");
	expiry_put(out, until, now);
	buf_putc(out, '\n');
}

void status_rotation_put(struct buf *out, const struct bridge *b, const struct status_rotation *r, bool json)
{
	char own[PKI_PIN_TEXT], next[PKI_PIN_TEXT];

	pki_pin_text(own, b->own_pin);
	if (b->next)
		pki_pin_text(next, pki_signer_pin(b->next));
	if (json) {
		put_rotation_json(out, b, r, own, b->next ? next : NULL);
		return;
	}
	put_expiry(out, "front certificate: ", r->front_expires);
	if (r->trouble)
		buf_printf(out, "front certificate: ! its files have changed, but cannot be used; the old one stays in use: %s\n", r->trouble);
	if (b->next)
		buf_printf(out, "identity: %s, next %s\n", own, next);
	for (uint32_t i = 0; i < r->n_pending; i++)
		if (conf_peer_named(b->conf, r->pending[i].peer))
			buf_printf(out, "peer %s: ! announced its next key %s: `availbridge peer confirm-next %s` takes it\n", r->pending[i].peer, r->pending[i].pin,
			           r->pending[i].peer);
}

void status_rotation_peer(struct buf *out, const struct bridge *b, const struct status_rotation *r, const struct conf_peer *p,
                          const struct link_status *st)
{
	char own[PKI_PIN_TEXT], next[PKI_PIN_TEXT];

	pki_pin_text(own, b->own_pin);
	if (b->next)
		pki_pin_text(next, pki_signer_pin(b->next));
	if (p->enabled && b->next && b->has_old && !has_taken(r, p->name, next))
		buf_puts(out, "  ! it has not taken our next key yet: there is room for it when the old one is retired, by `availbridge identity retire`\n");
	else if (p->enabled && b->next && !has_taken(r, p->name, next))
		buf_printf(out, "  ! it has not taken our next key yet: that is announced while the link is up. By hand, there: availbridge peer set %s "
		                "--next-pin %s\n", b->conf->site, next);
	else if (p->enabled && b->rotated && !b->next && strcmp(st->state, "up") != 0 && !has_taken(r, p->name, own))
		buf_printf(out, "  ! it missed our change of key. If it still knows the old one, there: availbridge peer set %s --pin %s\n", b->conf->site, own);
	put_expiry(out, "  its front certificate: ", expiry_of(st->front_expires, time(NULL)) >= EXPIRY_60 ? st->front_expires : 0);
}
