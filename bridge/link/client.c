#include "bridge/link/client.h"
#include <stdlib.h>
#include <string.h>

struct client_peer *client_peer_named(struct link_clients *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->peers[i].conf->name, name) == 0)
			return &k->peers[i];
	return NULL;
}

struct link_clients *link_clients_new(struct loop *l, const struct conf *c, struct pki_tls *tls)
{
	struct link_clients *k = calloc(1, sizeof *k);

	if (!k)
		abort();
	k->loop = l;
	k->conf = c;
	k->tls = tls;
	k->quota = log_quota_new(l, 1);
	k->peers = calloc(c->n_peers + 1, sizeof *k->peers);
	if (!k->peers)
		abort();
	for (size_t i = 0; i < c->n_peers; i++) {
		struct client_peer *p = &k->peers[k->n];

		if (strcmp(c->peers[i].name, "local") == 0)
			continue;
		p->all = k;
		p->conf = &c->peers[i];
		client_peer_start(p);
		k->n++;
	}
	return k;
}

void link_clients_adopt(struct link_clients *k, const char *peer, struct pki_stream *tls, const char *from)
{
	struct client_peer *p = client_peer_named(k, peer);

	if (p && p->state != CLIENT_DISABLED && !k->draining)
		client_peer_adopt(p, tls, from);
	else
		pki_stream_free(tls);
}

void link_clients_self(struct link_clients *k, const struct link_self *self,
                       void (*taken)(void *arg, const char *peer, const uint8_t *pin), void *arg)
{
	k->self = *self;
	k->taken = taken;
	k->arg = arg;
}

void link_clients_seen(struct link_clients *k, link_seen_cb *cb, void *arg)
{
	k->seen = cb;
	k->seen_arg = arg;
}

bool client_may_tell(const struct client_peer *p)
{
	return log_quota_takes(p->all->quota, p->conf->name);
}

void link_clients_free(struct link_clients *k)
{
	if (!k)
		return;
	k->draining = true;
	for (size_t i = 0; i < k->n; i++) {
		client_peer_stop(&k->peers[i], CLIENT_DISABLED, "this bridge process ends");
		client_calls_fail(&k->peers[i], "this bridge process ends");
		client_peer_release(&k->peers[i]);
	}
	client_turned_free(k);
	log_quota_free(k->quota);
	free(k->peers);
	free(k);
}

void link_clients_drain(struct link_clients *k)
{
	k->draining = true;
	for (size_t i = 0; i < k->n; i++)
		client_peer_settle(&k->peers[i]);
}

void link_clients_shut(struct link_clients *k, const char *peer)
{
	struct client_peer *p = client_peer_named(k, peer);

	if (!p)
		return;
	client_turned_stop(k, p->conf);
	client_peer_stop(p, CLIENT_DISABLED, "this peer was cut off");
	client_calls_fail(p, "this peer was cut off");
}

void link_clients_part(struct link_clients *k, const char *peer, const uint8_t pin[PKI_PIN_LEN])
{
	struct client_peer *p = client_peer_named(k, peer);

	if (p)
		client_peer_leave(p, pin);
}

void link_clients_cut(struct link_clients *k, const uint8_t pin[PKI_PIN_LEN])
{
	for (size_t i = 0; i < k->n; i++)
		client_peer_cut(&k->peers[i], pin);
}

bool link_clients_status(const struct link_clients *k, size_t i, struct link_status *out)
{
	static const char *const states[] = {"disabled", "down", "connecting", "up"};
	const struct client_peer *p = &k->peers[i];
	const struct client_conn *route;

	if (i >= k->n)
		return false;
	route = client_peer_route(p);
	*out = (struct link_status){
		.peer = p->conf->name, .state = states[p->state], .endpoint = p->endpoint, .why = p->why[0] ? p->why : NULL,
		.site = p->hello.site, .version = p->hello.version, .domains = (const char *const *)p->hello.domains,
		.n_domains = p->hello.n_domains, .not_ours = (const char *const *)p->hello.not_ours, .n_not_ours = p->hello.n_not_ours,
		.front_expires = p->hello.front_expires, .clock_ahead = p->hello.ahead, .since_ms = loop_ms() - p->since,
	};
	if (route && !route->to) {
		out->state = states[CLIENT_UP];
		out->they_dialled = true;
		out->since_ms = loop_ms() - route->since;
	}
	return true;
}
