#include <string.h>
#include "bridge/base/log.h"
#include "bridge/link/server.h"

/* Strangers who come and say nothing keep out no peer; those of one address not even the strangers of another. */

enum { MAX_STRANGERS_OF_ADDRESS = 64, SAY_MS = 60000 };

/* ${a} and ${b}: HOST:PORT. */
static bool same_host(const char *a, const char *b)
{
	const char *port = strrchr(a, ':');
	size_t n = port ? (size_t)(port - a) + 1 : strlen(a) + 1;

	return strncmp(a, b, n) == 0;
}

bool server_has_room(struct link_server *s, const char *from)
{
	struct server_conn *oldest = NULL, *own = NULL;
	size_t n = 0;

	for (struct server_conn *k = s->conns; k; k = k->next) { /* the newest first */
		if (!k->hurry)
			continue;
		oldest = k;
		if (same_host(from, k->from)) {
			own = k;
			n++;
		}
	}
	own = n >= MAX_STRANGERS_OF_ADDRESS ? own : s->n_conns >= LINK_MAX_CONNS ? oldest : NULL;
	if (own && (!s->crowded || loop_ms() - s->crowded > SAY_MS)) {
		s->crowded = loop_ms();
		log_event(LOG_LEVEL_WARN, "link-crowded", LS("from", from), LI("connections", s->n_conns), LI("of-this-address", n),
		          LS("text", "too many connections have shown no key yet: the oldest of them give way to new ones"));
	}
	if (own)
		server_conn_free(own);
	return s->n_conns < LINK_MAX_CONNS;
}
