#include "bridge/process/status.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"

enum { SKEW_SECONDS = 60 };

void status_peer_find(const struct bridge *b, const struct conf_peer *p, struct link_status *st)
{
	size_t i;

	for (i = 0; link_clients_status(b->clients, i, st); i++)
		if (strcmp(st->peer, p->name) == 0)
			return;
	*st = (struct link_status){.peer = p->name, .state = p->enabled ? "down" : "disabled",
	                           .why = p->enabled ? "no endpoint is set: it can only ask us" : NULL};
}

static bool said(const struct link_status *st, const char *domain)
{
	size_t i;

	for (i = 0; i < st->n_domains; i++)
		if (strcmp(st->domains[i], domain) == 0)
			return true;
	return false;
}

/* The six words of a peer that was paired and is not confirmed, or NULL. */
static const char *unconfirmed(const struct conf *c, const struct link_status *st)
{
	const struct conf_peer *p = conf_peer_named(c, st->peer);

	return p ? p->unconfirmed : NULL;
}

void status_peer_json(struct buf *out, const struct bridge *b, const struct link_status *st)
{
	const struct conf *c = b->conf;
	size_t i, round;

	json_open(out, NULL, '{');
	json_str(out, "name", st->peer);
	json_str(out, "state", st->state);
	json_int(out, "since_ms", st->since_ms);
	json_str(out, "dialled_by", strcmp(st->state, "up") != 0 ? NULL : st->they_dialled ? "them" : "us");
	json_str(out, "endpoint", st->endpoint);
	json_str(out, "why", st->why);
	json_int(out, "front_expires", st->front_expires);
	json_str(out, "site", st->site);
	json_str(out, "version", st->version);
	json_str(out, "unconfirmed", unconfirmed(c, st));
	json_int(out, "clock_ahead", st->clock_ahead);
	for (round = 0; round < 2; round++) {
		json_open(out, round ? "surplus" : "said", '[');
		for (i = 0; i < st->n_domains; i++)
			if (!round || !address_space_is_of(b->table, st->domains[i], st->peer))
				json_str(out, NULL, st->domains[i]);
		json_close(out, ']');
	}
	for (round = 0; round < 2; round++) {
		json_open(out, round ? "missing" : "ours", '[');
		for (i = 0; i < c->n_spaces; i++)
			if (strcmp(c->spaces[i].peer, st->peer) == 0 && (!round || (st->site && !said(st, c->spaces[i].forest_name))))
				json_str(out, NULL, c->spaces[i].forest_name);
		json_close(out, ']');
	}
	json_open(out, "refused", '[');
	for (i = 0; i < st->n_not_ours; i++)
		json_str(out, NULL, st->not_ours[i]);
	json_close(out, ']');
	json_close(out, '}');
}

void status_peer_line(struct buf *out, const struct conf *c, const struct link_status *st)
{
	const char *words = unconfirmed(c, st);

	buf_printf(out, "peer %s: %s%s", st->peer, st->state, st->they_dialled ? " (they dialled)" : "");
	if (st->since_ms) {
		buf_puts(out, " for ");
		status_span(out, (uint64_t)st->since_ms);
	}
	if (st->endpoint)
		buf_printf(out, ", %s", st->endpoint);
	if (st->site) {
		buf_puts(out, ", it calls itself ");
		text_safe(out, st->site);
		buf_puts(out, ", version ");
		text_safe(out, st->version ? st->version : "?");
	}
	buf_putc(out, '\n');
	if (st->why) {
		buf_puts(out, "  last failure: ");
		text_safe(out, st->why);
		buf_putc(out, '\n');
	}
	if (llabs((long long)st->clock_ahead) > SKEW_SECONDS) {
		buf_puts(out, "  ! clocks: its clock is ");
		status_span(out, (uint64_t)llabs((long long)st->clock_ahead) * 1000);
		buf_printf(out, " %s ours: see with `timedatectl` at both sites which one is wrong\n", st->clock_ahead > 0 ? "ahead of" : "behind");
	}
	if (words)
		buf_printf(out, "  ! not confirmed: compare the words \"%s\" by voice, then run `availbridge peer confirm %s`\n", words, st->peer);
}

void status_peer_domains(struct buf *out, const struct bridge *b, const struct link_status *st, bool all)
{
	const struct conf *c = b->conf;
	const char *domain;
	size_t i;
	bool has;

	for (i = 0; i < c->n_spaces; i++) {
		domain = c->spaces[i].forest_name;
		if (strcmp(c->spaces[i].peer, st->peer) != 0)
			continue;
		has = said(st, domain);
		if (st->site && !has)
			buf_printf(out, "  domain %s: ! in our table, but the peer does not serve it: ask there, or remove the row\n",
			           domain);
		else if (all)
			buf_printf(out, "  domain %s: in our table%s\n", domain,
			           has ? " and served by the peer" : "; the peer has not been heard");
	}
	for (i = 0; i < st->n_domains; i++)
		if (!address_space_is_of(b->table, st->domains[i], st->peer)) {
			buf_puts(out, "  domain ");
			text_safe(out, st->domains[i]);
			buf_puts(out, ": ! served by the peer, but our table does not give it to the peer: add a row if that is meant\n");
		}
	for (i = 0; i < st->n_not_ours; i++) {
		buf_puts(out, "  domain ");
		text_safe(out, st->not_ours[i]);
		buf_puts(out, ": ! we say that we serve it, but the table there does not give it to us: have a row added there if that is meant\n");
	}
}

int status_put_peer(struct buf *out, const struct bridge *b, const char *peer, bool json)
{
	const struct conf_peer *p = conf_peer_named(b->conf, peer);
	struct link_status st;

	if (!p || p == &b->conf->peers[0])
		return -1;
	status_peer_find(b, p, &st);
	if (json) {
		status_peer_json(out, b, &st);
		buf_putc(out, '\n');
	} else {
		status_peer_line(out, b->conf, &st);
		status_peer_domains(out, b, &st, true);
	}
	return out->failed ? -1 : 0;
}
