#include <string.h>
#include "bridge/base/log.h"
#include "bridge/link/server.h"

/*
 * Strangers who come and say nothing keep out no peer; those of one address not even the strangers of another. And where peers have all places,
 * none keeps out the others.
 */

enum { MAX_STRANGERS_OF_ADDRESS = 64, SAY_MS = 60000 };

/* Who can give way: at the doorway, or behind it. Both NULL: nobody. */
struct candidate {
	struct link_doorway *doorway;
	struct server_conn *conn;
};

/* ${a} and ${b}: HOST:PORT. */
static bool same_host(const char *a, const char *b)
{
	const char *port = strrchr(a, ':');
	size_t n = port ? (size_t)(port - a) + 1 : strlen(a) + 1;

	return strncmp(a, b, n) == 0;
}

/* Of those who have shown no key the oldest that has come from ${from} (NULL = from anywhere); how many they are goes to ${n}. */
static struct candidate oldest(const struct link_server *s, const char *from, size_t *n)
{
	struct candidate c = {0};

	*n = 0;
	for (struct link_doorway *d = s->doorways; d; d = d->next) /* the newest first */
		if (!from || same_host(from, d->from)) {
			c.doorway = d;
			++*n;
		}
	for (struct server_conn *k = s->conns; k; k = k->next)
		if (k->hurry && (!from || same_host(from, k->from))) {
			c.conn = k;
			++*n;
		}
	if (c.conn && c.doorway && c.doorway->since < c.conn->since)
		c.conn = NULL;
	else if (c.conn)
		c.doorway = NULL;
	return c;
}

/* The oldest connection of the peer that has the most, if it has several; one on which nothing is asked, if there is such a one. */
static struct candidate spare(const struct link_server *s)
{
	struct candidate c = {0};
	size_t most = 2, n;

	for (struct server_conn *k = s->conns; k; k = k->next) {
		n = k->peer && !k->owner ? server_conns_of(s, k->peer) : 0;
		if (n > most || (n == most && (!c.conn || !k->calls || c.conn->calls))) {
			most = n;
			c.conn = k;
		}
	}
	return c;
}

static void make_way(const struct candidate *c)
{
	if (c->doorway)
		server_doorway_close(c->doorway);
	else if (c->conn)
		server_conn_free(c->conn);
}

static void say(struct link_server *s, const char *from, size_t of_address)
{
	if (s->crowded && loop_ms() - s->crowded <= SAY_MS)
		return;
	s->crowded = loop_ms();
	log_event(LOG_LEVEL_WARN, "link-crowded", LS("from", from), LI("connections", s->n_conns + s->n_doorways), LI("of-this-address", of_address),
	          LS("text", "too many connections: the oldest that has shown no key gives way to each new one, or else one of the peer that has the most"));
}

bool server_has_room(struct link_server *s, const char *from)
{
	size_t of_address, all;
	struct candidate own = oldest(s, from, &of_address), any = oldest(s, NULL, &all);

	if (of_address < MAX_STRANGERS_OF_ADDRESS && s->n_conns + s->n_doorways < LINK_MAX_CONNS)
		return true;
	say(s, from, of_address);
	if (of_address < MAX_STRANGERS_OF_ADDRESS)
		own = all ? any : spare(s);
	make_way(&own);
	return s->n_conns + s->n_doorways < LINK_MAX_CONNS;
}
