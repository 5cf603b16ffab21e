#include "bridge/link/client.h"
#include <stdlib.h>
#include "bridge/base/log.h"

struct client_conn *client_peer_route(const struct client_peer *p)
{
	struct client_conn *k = p->theirs;

	if (p->state == CLIENT_UP)
		return p->conn;
	while (k && !k->usable)
		k = k->next;
	return k;
}

static void say_hello(void *arg)
{
	struct client_conn *k = arg;

	loop_timer_again(k->hello, HELLO_EVERY_MS);
	if (client_peer_route(k->peer) != k)
		return;
	client_hello_send(k->peer);
	client_announce(k->peer);
}

void client_peer_adopt(struct client_peer *p, struct pki_stream *tls, const char *from)
{
	struct client_conn *k = calloc(1, sizeof *k), *last = p->theirs;
	size_t n = 1;

	if (!k) {
		pki_stream_free(tls);
		return;
	}
	*k = (struct client_conn){.peer = p, .fd = -1, .since = loop_ms(), .next = p->theirs};
	k->session = link_session_adopt(p->all->loop, tls, &client_session_events, k);
	if (!k->session) {
		free(k);
		return;
	}
	k->hello = loop_timer_new(p->all->loop, HELLO_EVERY_MS, say_hello, k);
	p->theirs = k;
	if (client_may_tell(p))
		log_event(LOG_LEVEL_INFO, "link-up", LS("peer", p->conf->name), LS("from", from), LS("text", "they dialled"));
	for (; last && last->next; last = last->next)
		n++;
	if (last && n >= LINK_THEIRS)
		link_session_break(last->session, "the peer made more connections than are kept");
}
