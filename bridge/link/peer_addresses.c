#include "bridge/link/client.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"

enum { RESOLVE_MS = 10000 }; /* for all names: a process that waited for each would never be ready where no resolver answers */

/* Splits HOST:PORT or [V6]:PORT; HOST is malloc'd. */
static char *split(const char *endpoint, const char **port)
{
	const char *colon = strrchr(endpoint, ':');
	size_t n;

	if (!colon || colon == endpoint)
		return NULL;
	*port = colon + 1;
	n = (size_t)(colon - endpoint);
	if (endpoint[0] == '[' && endpoint[n - 1] == ']')
		return strndup(endpoint + 1, n - 2);
	return strndup(endpoint, n);
}

static void resolve(struct client_peer *p, const char *endpoint)
{
	int64_t began = loop_ms();
	bool late = p->all->resolving_ms >= RESOLVE_MS;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (late ? AI_NUMERICHOST : 0)};
	struct addrinfo *list = NULL;
	const char *port = NULL;
	char *host = split(endpoint, &port);
	int rc = host ? getaddrinfo(host, port, &hints, &list) : EAI_NONAME;

	p->all->resolving_ms += loop_ms() - began;
	if (rc != 0) {
		snprintf(p->why, sizeof p->why, "endpoint %s: %s; it is looked up again and again", endpoint,
		         late ? "not looked up, since other names took the resolver too long" : gai_strerror(rc));
		log_event(LOG_LEVEL_ERROR, "link-endpoint-unknown", LS("peer", p->conf->name), LS("endpoint", endpoint), LS("text", p->why));
	}
	for (const struct addrinfo *a = rc ? NULL : list; a && p->n_addresses < LINK_ADDRESSES; a = a->ai_next) {
		struct client_address *to = &p->addresses[p->n_addresses];

		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
		to->endpoint = endpoint;
		to->host = strdup(host);
		p->n_addresses += to->host != NULL;
	}
	if (list)
		freeaddrinfo(list);
	free(host);
}

void client_addresses_resolve(struct client_peer *p)
{
	p->addresses = calloc(LINK_ADDRESSES, sizeof *p->addresses);
	for (size_t i = 0; p->addresses && i < p->conf->n_endpoints; i++)
		resolve(p, p->conf->endpoints[i]);
}

static bool is_name(const char *endpoint)
{
	const char *port;
	char *host = split(endpoint, &port);
	struct in6_addr a;
	bool name = host && inet_pton(AF_INET, host, &a) != 1 && inet_pton(AF_INET6, host, &a) != 1;

	free(host);
	return name;
}

/* Could an address that is not known yet help? Of one more than are kept each reload would lose another one, and never be the last. */
static bool is_unreached(const struct client_peer *p)
{
	bool any = false;

	if (p->n_addresses == LINK_ADDRESSES)
		return false;
	for (size_t i = 0; i < p->conf->n_endpoints && !any; i++)
		any = is_name(p->conf->endpoints[i]);
	return any && p->state != CLIENT_DISABLED && p->conf->dial != CONF_DIAL_IN && !client_peer_route(p);
}

const char *link_clients_unreached(struct link_clients *k, struct buf *addresses)
{
	char text[INET6_ADDRSTRLEN + 16];

	for (size_t i = 0; i < k->n; i++) {
		const struct client_peer *p = &k->peers[k->looked_at++ % k->n];

		if (!is_unreached(p))
			continue;
		for (size_t n = 0; n < p->n_addresses; n++)
			if (getnameinfo((const struct sockaddr *)&p->addresses[n].sa, p->addresses[n].len, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
				buf_printf(addresses, "%s%s", addresses->len ? " " : "", text);
		return p->conf->name;
	}
	return NULL;
}

void client_addresses_copy(struct client_peer *p, const struct client_peer *from)
{
	p->addresses = calloc(LINK_ADDRESSES, sizeof *p->addresses);
	for (size_t i = 0; p->addresses && i < from->n_addresses; i++) {
		struct client_address *to = &p->addresses[p->n_addresses];

		*to = (struct client_address){.sa = from->addresses[i].sa, .len = from->addresses[i].len, .endpoint = from->addresses[i].endpoint,
		                              .host = strdup(from->addresses[i].host)};
		p->n_addresses += to->host != NULL;
	}
}

void client_addresses_free(struct client_peer *p)
{
	for (size_t i = 0; i < p->n_addresses; i++)
		free(p->addresses[i].host);
	free(p->addresses);
}

static int64_t preference(const struct client_peer *p, size_t i)
{
	const struct client_address *a = &p->addresses[i];
	int64_t now = loop_ms();

	return a->bad_until > now ? a->bad_until : i == p->good ? -1 : 0;
}

struct client_address *client_address_choose(struct client_peer *p)
{
	size_t best = p->n_addresses;

	for (size_t i = 0; i < p->n_addresses; i++)
		if (!p->tried[i] && (best == p->n_addresses || preference(p, i) < preference(p, best)))
			best = i;
	if (best == p->n_addresses) /* cannot be: left_in_round counts them */
		best = p->good;
	p->tried[best] = true;
	return &p->addresses[best];
}
