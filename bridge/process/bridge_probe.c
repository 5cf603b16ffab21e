#include <string.h>
#include "bridge/process/bridge.h"

/* What this site says to a peer about itself: what its own settings and parts are, and no more than counts of them. */

static bool can_ask(const struct bridge *b, const char *peer)
{
	struct link_status st;

	for (size_t i = 0; link_clients_status(b->clients, i, &st); i++)
		if (strcmp(st.peer, peer) == 0)
			return strcmp(st.state, "up") == 0;
	return false;
}

/* Is there somebody who reads our calendars, of each kind that we have? */
static bool calendars_work_here(const struct bridge *b)
{
	struct pool_status st;

	pool_status(b->pools[WORKER_CALENDAR], &st);
	for (size_t i = 0; st.ready && i < b->conf->n_backends; i++)
		pool_status(b->backend_pools[i], &st);
	return st.ready > 0;
}

static void probed(void *arg, const struct pki_peer *peer, struct link_probe *out)
{
	const struct bridge *b = arg;
	const char *name = pki_peer_name(peer);
	const struct conf_peer *p = conf_peer_named(b->conf, name);

	if (!p || !p->enabled)
		return;
	for (size_t i = 0; i < b->conf->n_spaces; i++)
		out->rows += strcmp(b->conf->spaces[i].peer, name) == 0;
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].level > FB_LEVEL_NONE)
			++*(p->rules[i].in ? &out->rules_in : &out->rules_out);
	out->access = p->access_enabled && p->access_level > FB_LEVEL_NONE;
	out->backend = calendars_work_here(b);
	out->link = can_ask(b, name);
}

void bridge_probe_open(struct bridge *b)
{
	link_server_probes(b->server, probed, b);
}
