#include "bridge/front/front.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/front/parts.h"

/* The host in https://HOST[:PORT][/...], with the brackets of an IPv6 address. */
static void host_of(const char *url, char *out, size_t size)
{
	const char *from = strstr(url, "://");
	size_t n;

	from = from ? from + 3 : url;
	n = *from == '[' ? strcspn(from, "]") + 1 : strcspn(from, ":/");
	snprintf(out, size, "%.*s", (int)n, from);
	for (char *p = out; *p; p++)
		if (*p < 0x21 || *p > 0x7e || *p == '"' || *p == '\\')
			*p = '_';
}

/* What Autodiscover may speak of: the domains of the table that are somebody's. */
static bool published(void *arg, const char *address)
{
	const struct front *f = ((const struct connection *)arg)->front;
	const char *at = strrchr(address, '@');
	char domain[FB_DOMAIN_MAX + 1];
	const struct conf_address_space *row;
	enum as_route route;

	if (!fb_domain_normal(at ? at + 1 : address, domain))
		return false;
	route = address_space_route(f->table, domain, &row);
	return route == AS_LOCAL || route == AS_PEER;
}

static void refused(void *arg, const char *code, const char *why, const char *asked)
{
	const struct connection *c = arg;

	if (connection_may_tell(c))
		log_event(LOG_LEVEL_INFO, "autodiscover-refused", LS("request-id", c->request_id), LS("code", code), LS("asked", asked), LS("why", why));
}

static void on_reaper(void *arg)
{
	connection_reap(arg);
}

struct front *front_new(struct loop *l, const struct conf *c, const struct address_space *t, struct pki_tls *tls,
                        const struct front_doors *doors)
{
	struct front *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct front){.loop = l, .conf = c, .table = t, .tls = tls, .doors = doors, .unsent_max = FRONT_UNSENT_MAX};
	f->strangers = log_quota_new(l, FRONT_STRANGERS_LINES);
	f->remembered = pki_remembered_new(FRONT_REMEMBERED);
	f->slow = slow_new(FRONT_SLOW);
	if (!f->remembered || !f->slow) {
		pki_remembered_free(f->remembered);
		slow_free(f->slow);
		log_quota_free(f->strangers);
		free(f);
		return NULL;
	}
	f->end_point_len = pki_tls_end_point(tls, f->end_point);
	host_of(c->public_url, f->host, sizeof(f->host));
	f->autodiscover = (struct ews_autodiscover){.public_url = c->public_url, .host = f->host, .published = published, .refused = refused};
	front_offer(f, AUTH_OFFER(LOGIN_BASIC));
	f->reaper = loop_timer_new(l, 0, on_reaper, f);
	return f;
}

void front_offer(struct front *f, unsigned can)
{
	const char *const words[LOGIN_SCHEMES] = {
		[LOGIN_BASIC] = f->conf->login_basic, [LOGIN_NTLM] = f->conf->login_ntlm, [LOGIN_NEGOTIATE] = f->conf->login_negotiate};

	f->offered = 0;
	for (size_t i = 0; i < LOGIN_SCHEMES; i++)
		if (can & AUTH_OFFER(i) && strcmp(words[i], "no") != 0)
			f->offered |= AUTH_OFFER(i);
	f->autodiscover.auth_package = auth_package(f->offered);
}

void front_put_offered(const struct front *f, struct buf *out)
{
	auth_put_names(out, f->offered);
}

void front_trace(struct front *f, struct trace *t)
{
	f->trace = t;
	f->autodiscover.spelled = t != NULL;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	while (f->open)
		connection_drop(f->open);
	login_orphan_all(f);
	connection_reap(f);
	loop_timer_free(f->reaper);
	pki_remembered_free(f->remembered);
	slow_free(f->slow);
	log_quota_free(f->strangers);
	free(f);
}

/*
 * How readily ${c} makes room: 2 = it waits for its client, which never logged in on it; 1 = nothing is under way on it, and its client comes again
 * on another when there is (RFC 9112 9.5); 0 = not at all.
 */
static int readiness(const struct connection *c)
{
	if (!c->known && c->state != CONN_LOGIN && c->state != CONN_ASKING)
		return 2;
	return c->state == CONN_HEAD && !c->started;
}

/* Of the readiest, and of ${address} alone if that is not NULL, the one that has waited longest. NULL if none is ready at all. */
static struct connection *idlest(const struct front *f, const char *address)
{
	struct connection *found = NULL;
	int most = 0;

	for (struct connection *c = f->open; c; c = c->next) {
		int ready = readiness(c);

		if (!ready || ready < most || (address && strcmp(c->address, address) != 0))
			continue;
		if (ready > most || c->quiet_since <= found->quiet_since)
			found = c; /* of equals the one that came first, which stands last */
		most = ready;
	}
	return found;
}

/* Said once in a while: whoever fills the front shall not fill the log too. */
static void say_full(struct front *f, const char *peer, size_t same)
{
	int64_t now = loop_ms();

	if (f->full_said && now - f->full_said < FRONT_FULL_SAY_MS)
		return;
	f->full_said = now;
	log_event(LOG_LEVEL_WARN, "front-full", LS("address", peer), LI("open", f->n_open), LI("of-this-address", same));
}

void front_accept(struct front *f, int fd, const char *peer)
{
	struct connection *least = NULL;
	bool all, one;
	size_t same = 0;

	for (struct connection *c = f->open; c; c = c->next)
		same += strcmp(c->address, peer) == 0;
	all = f->n_open >= (size_t)f->conf->max_connections;
	one = same >= (size_t)f->conf->max_connections_per_address;
	if ((all || one) && !f->draining) {
		say_full(f, peer, same);
		least = idlest(f, one ? peer : NULL);
	}
	if (f->draining || ((all || one) && !least)) {
		close(fd);
		return;
	}
	if (least)
		connection_drop(least);
	connection_new(f, fd, peer);
}

void front_drain(struct front *f)
{
	struct connection *next;

	f->draining = true;
	for (struct connection *c = f->open; c; c = next) {
		next = c->next;
		connection_drain(c);
	}
}

size_t front_open(const struct front *f)
{
	return f->n_open;
}
