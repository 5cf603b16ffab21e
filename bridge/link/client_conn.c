#include "bridge/link/client.h"
#include <stdlib.h>
#include <unistd.h>
#include "bridge/link/server.h"

void client_conn_free(struct client_conn *k)
{
	if (!k)
		return;
	loop_fd_free(k->watch);
	if (k->fd >= 0)
		close(k->fd);
	link_session_free(k->session);
	server_turned_free(k->turned);
	loop_timer_free(k->hello);
	free(k);
}

void client_conn_drain(struct client_conn *k)
{
	if (k->session)
		link_session_drain(k->session);
	else if (k->turned)
		server_turned_drain(k->turned);
}

void client_conns_free(struct client_conn **list)
{
	while (*list) {
		struct client_conn *k = *list;

		*list = k->next;
		client_conn_free(k);
	}
}

static bool is_under(const struct client_conn *k, const uint8_t pin[PKI_PIN_LEN])
{
	return k->session && link_session_is_under(k->session, pin);
}

void client_peer_leave(struct client_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	for (struct client_conn *k = p->theirs; k; k = k->next)
		if (is_under(k, pin)) {
			k->usable = false;
			client_conn_drain(k);
		}
	if (p->state == CLIENT_UP && is_under(p->conn, pin)) {
		client_conn_drain(client_peer_part(p));
		if (p->calls)
			client_peer_want(p);
	}
}

static struct client_conn *find_under(const struct client_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	struct client_conn *lists[] = {p->conn, p->old, p->theirs};

	for (size_t i = 0; i < 3; i++)
		for (struct client_conn *k = lists[i]; k; k = i ? k->next : NULL)
			if (is_under(k, pin))
				return k;
	return NULL;
}

void client_peer_cut(struct client_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	struct client_conn *k;

	while ((k = find_under(p, pin))) /* each of them is gone after it */
		link_session_break(k->session, "its key was revoked here");
}
