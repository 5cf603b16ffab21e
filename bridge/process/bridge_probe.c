#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/availability/address.h"
#include "bridge/process/bridge.h"
#include "bridge/process/control_server.h"

/*
 * What this site says to a peer about itself: what its own settings and parts are, no more than counts of them, and what came of one
 * question about a mailbox of that peer's, asked over our own link to it.
 */

enum { ASK_MS = 5000, PROBE_MS = 10000, HOUR = 3600, DAY = 24 * HOUR };

/* A probe that waits for the answer to that question. */
struct probing {
	struct bridge *bridge;
	uint64_t handle;
	struct link_probe say;
};

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

static void describe(const struct bridge *b, const struct conf_peer *p, struct link_probe *out)
{
	for (size_t i = 0; i < b->conf->n_spaces; i++)
		out->rows += strcmp(b->conf->spaces[i].peer, p->name) == 0;
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].level > FB_LEVEL_NONE)
			++*(p->rules[i].in ? &out->rules_in : &out->rules_out);
	out->access = p->access_enabled && p->access_level > FB_LEVEL_NONE;
	out->backend = calendars_work_here(b);
	out->link = can_ask(b, p->name);
}

/* Only about a mailbox that our own table gives to this peer, and that our rules let the organisation ask about. */
static bool may_ask(const struct bridge *b, const struct conf_peer *p, const char *mailbox)
{
	const char *domain = *mailbox ? fb_address_domain(mailbox) : NULL;
	struct proxy_explanation x = {0};

	if (!domain || !b->conf->primary_domain || !address_space_is_of(b->table, domain, p->name))
		return false;
	proxy_explain(b->conf, b->table, b->conf->primary_domain, NULL, mailbox, NULL, FB_YES, &x);
	return x.level > FB_LEVEL_NONE;
}

static void answered(void *arg, size_t i, const struct fb_answer *raw)
{
	struct probing *p = arg;

	p->say.look_up = raw->reason;
}

static void done(void *arg, enum fb_reason reason, const char *why)
{
	struct probing *p = arg;

	if (p->say.look_up == FB_NOT_COMPUTED)
		p->say.look_up = reason == FB_OK ? FB_PEER_FAILED : reason;
	if (p->bridge->server)
		link_server_probed(p->bridge->server, p->handle, &p->say);
	free(p);
}

static void ask(struct bridge *b, uint64_t handle, const struct link_probe *say, const char *peer, const char *mailbox)
{
	static const struct link_client_events events = {answered, done};
	struct fb_mailbox box = {mailbox, mailbox};
	struct fb_query q = {.interval = FB_DEFAULT_INTERVAL, .view = FB_VIEW_MERGED, .n = 1, .mailboxes = &box};
	struct probing *p = malloc(sizeof *p);

	if (!p)
		abort();
	*p = (struct probing){b, handle, *say};
	strncpy(q.requester.name, b->conf->primary_domain, sizeof q.requester.name - 1);
	q.window.start = time(NULL) / HOUR * HOUR;
	q.window.end = q.window.start + DAY;
	fb_request_id_new(q.request_id);
	link_ask(b->clients, peer, &q, ASK_MS, &events, p);
}

static void probed(void *arg, uint64_t handle, const struct pki_peer *peer, const char *mailbox)
{
	struct bridge *b = arg;
	const struct conf_peer *p = conf_peer_named(b->conf, pki_peer_name(peer));
	struct link_probe say = {0};

	if (p && p->enabled)
		describe(b, p, &say);
	if (p && p->enabled && may_ask(b, p, mailbox))
		ask(b, handle, &say, p->name, mailbox);
	else
		link_server_probed(b->server, handle, &say);
}

/* Somebody at the control socket waits for what a peer says. */
struct asking {
	struct loop *loop;
	int fd;
};

static void told(void *arg, const struct link_probe *said, const char *why)
{
	struct asking *a = arg;
	char text[512];

	if (said)
		snprintf(text, sizeof text, "%u %u %u %u %u %u %u\n", said->rows, said->access, said->rules_in, said->rules_out,
		         said->backend, said->link,
		         said->look_up);
	else
		snprintf(text, sizeof text, "%s", why && *why ? why : "what came is no answer");
	control_say(a->loop, a->fd, said ? 0 : 1, text);
	free(a);
}

void bridge_probe_ask(struct bridge *b, const char *words, int fd)
{
	const char *mailbox = strchr(words, ' ');
	struct asking *a = malloc(sizeof *a);
	char peer[64], normal[FB_ADDRESS_MAX + 1];

	if (!a)
		abort();
	*a = (struct asking){b->loop, fd};
	snprintf(peer, sizeof peer, "%.*s", mailbox ? (int)(mailbox - words) : 0, words);
	if (!mailbox || !fb_address_normal(mailbox + 1, normal))
		told(a, NULL, "peer-probe NAME ADDRESS");
	else
		link_probe(b->clients, peer, normal, PROBE_MS, told, a);
}

void bridge_probe_open(struct bridge *b)
{
	link_server_probes(b->server, probed, b);
}
