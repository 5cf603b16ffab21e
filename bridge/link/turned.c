#include <stdlib.h>
#include "bridge/link/client.h"
#include "bridge/link/server.h"

/*
 * Connections that we make so that a peer can ask us (docs/link-protocol.md, section 8). Each process of the peer that asks wants one of its
 * own: the first is made unasked, and on it the peer's Hello says how many processes there are.
 */

static struct client_peer *turned_new(struct link_clients *k, const struct conf_peer *conf, struct client_peer *first, unsigned process)
{
	struct client_peer *p = calloc(1, sizeof *p), **more = realloc(k->turned, (k->n_turned + 1) * sizeof *more);

	if (!p || !more)
		abort();
	k->turned = more;
	k->turned[k->n_turned++] = p;
	*p = (struct client_peer){.all = k, .conf = conf, .turned = true, .first = first ? first : p, .process = process, .processes = 1};
	client_peer_start(p);
	return p;
}

void link_clients_serve(struct link_clients *k, struct link_server *s)
{
	k->server = s;
	for (size_t i = 0; i < k->n; i++)
		if (k->peers[i].conf->dial == CONF_DIAL_OUT)
			turned_new(k, k->peers[i].conf, NULL, 0);
}

bool client_turned_wanted(const struct client_peer *p)
{
	return !p->all->draining && !server_is_draining(p->all->server) && p->process < p->first->processes;
}

static struct client_peer *turned_of(const struct link_clients *k, const struct client_peer *first, unsigned process)
{
	for (size_t i = 0; i < k->n_turned; i++)
		if (k->turned[i]->first == first && k->turned[i]->process == process)
			return k->turned[i];
	return NULL;
}

void client_turned_processes(struct client_peer *p, uint32_t n)
{
	struct client_peer *first = p->first, *other;

	first->processes = n < 1 ? 1 : n < LINK_PROCESSES ? n : LINK_PROCESSES;
	for (unsigned i = 1; i < first->processes; i++) {
		other = turned_of(p->all, first, i);
		if (!other)
			turned_new(p->all, first->conf, first, i);
		else if (other->state == CLIENT_DOWN)
			client_peer_want(other);
	}
	for (size_t i = 0; i < p->all->n_turned; i++) {
		other = p->all->turned[i];
		if (other->first == first && other->state == CLIENT_UP && !client_turned_wanted(other))
			client_conn_drain(client_peer_part(other));
	}
}

void client_turned_renew(const struct client_peer *p)
{
	for (size_t i = 0; i < p->all->n_turned; i++) {
		struct client_peer *t = p->all->turned[i];

		if (t->conf == p->conf && t != p && t->state == CLIENT_UP)
			client_peer_part(t);
	}
}

void client_turned_stop(struct link_clients *k, const struct conf_peer *conf)
{
	for (size_t i = 0; i < k->n_turned; i++)
		if (!conf || k->turned[i]->conf == conf)
			client_peer_stop(k->turned[i], CLIENT_DISABLED, NULL);
}

void client_turned_free(struct link_clients *k)
{
	client_turned_stop(k, NULL);
	for (size_t i = 0; i < k->n_turned; i++) {
		client_peer_release(k->turned[i]);
		free(k->turned[i]);
	}
	free(k->turned);
}
