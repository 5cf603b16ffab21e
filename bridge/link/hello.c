#include "bridge/link/convert.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/availability/address.h"
#include "bridge/conf/conf.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

#define PB(name) Availbridge__Link__V1__##name

static const struct wire_cap hello_caps[] = {
	{&availbridge__link__v1__hello_request__descriptor, 1, 0, LINK_SITE_BYTES, NULL},
	{&availbridge__link__v1__hello_request__descriptor, 2, 0, LINK_SITE_BYTES, NULL},
	{&availbridge__link__v1__hello_request__descriptor, 3, LINK_HELLO_DOMAINS, FB_DOMAIN_MAX, NULL},
	{&availbridge__link__v1__hello_reply__descriptor, 1, 0, LINK_SITE_BYTES, NULL},
	{&availbridge__link__v1__hello_reply__descriptor, 2, 0, LINK_SITE_BYTES, NULL},
	{&availbridge__link__v1__hello_reply__descriptor, 3, LINK_HELLO_DOMAINS, FB_DOMAIN_MAX, NULL},
	{&availbridge__link__v1__hello_reply__descriptor, 9, LINK_HELLO_DOMAINS, FB_DOMAIN_MAX, NULL},
	{0},
};

static void free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void link_hello_free(struct link_hello *h)
{
	free(h->site);
	free(h->version);
	free_list(h->domains, h->n_domains);
	free_list(h->not_ours, h->n_not_ours);
	memset(h, 0, sizeof *h);
}

/* Our own domains, as many as a Hello holds. */
static size_t our_domains(const struct conf *c, char *out[LINK_HELLO_DOMAINS])
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_spaces && n < LINK_HELLO_DOMAINS; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0)
			out[n++] = c->spaces[i].forest_name;
	return n;
}

int link_hello_write(struct buf *out, const struct conf *c)
{
	PB(HelloRequest) ask = AVAILBRIDGE__LINK__V1__HELLO_REQUEST__INIT;
	char *domains[LINK_HELLO_DOMAINS];

	ask.site = c->site;
	ask.version = (char *)VERSION;
	ask.domains = domains;
	ask.n_domains = our_domains(c, domains);
	ask.processes = (uint32_t)c->bridges;
	return wire_pack(out, &ask.base);
}

int link_hello_answer(struct buf *out, const struct conf *c, const struct address_space *t, const char *peer, const struct link_hello *asked,
                      int64_t front_expires)
{
	PB(HelloReply) say = AVAILBRIDGE__LINK__V1__HELLO_REPLY__INIT;
	char *domains[LINK_HELLO_DOMAINS], *not_yours[LINK_HELLO_DOMAINS];

	say.site = c->site;
	say.version = (char *)VERSION;
	say.domains = domains;
	say.n_domains = our_domains(c, domains);
	say.not_yours = not_yours;
	for (size_t i = 0; i < asked->n_domains && i < LINK_HELLO_DOMAINS; i++)
		if (!address_space_is_of(t, asked->domains[i], peer))
			not_yours[say.n_not_yours++] = asked->domains[i];
	say.max_mailboxes = FB_MAX_MAILBOXES;
	say.max_window_days = FB_MAX_WINDOW_DAYS;
	say.max_events = FB_MAX_EVENTS;
	say.time = time(NULL);
	say.front_expires = front_expires;
	return wire_pack(out, &say.base);
}

/* These words end on an admin's terminal: no control bytes. */
static char *printable(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

/* Those of ${domains} that are domains, in normal form. False when out of memory. */
static bool keep_domains(char *const *domains, size_t n, char ***list, size_t *count)
{
	char normal[FB_DOMAIN_MAX + 1];

	*list = calloc(n + 1, sizeof **list);
	for (size_t i = 0; *list && i < n; i++)
		if (fb_domain_normal(domains[i], normal) && ((*list)[*count] = strdup(normal)))
			++*count;
	return *list != NULL;
}

static bool keep(struct link_hello *h, const char *site, const char *version, char *const *domains, size_t n)
{
	h->site = printable(site);
	h->version = printable(version);
	return keep_domains(domains, n, &h->domains, &h->n_domains) && h->site && h->version;
}

bool link_hello_read(const uint8_t *p, size_t n, bool reply, struct link_hello *h, const char **why)
{
	const ProtobufCMessageDescriptor *d = reply ? &availbridge__link__v1__hello_reply__descriptor : &availbridge__link__v1__hello_request__descriptor;
	ProtobufCMessage *m;
	bool ok;

	memset(h, 0, sizeof *h);
	if (!wire_within(d, p, n, hello_caps, why))
		return false;
	m = protobuf_c_message_unpack(d, NULL, n, p);
	if (!m) {
		*why = "the hello could not be read";
		return false;
	}
	if (reply) {
		const PB(HelloReply) *say = (const PB(HelloReply) *)m;

		ok = keep(h, say->site, say->version, say->domains, say->n_domains) &&
		     keep_domains(say->not_yours, say->n_not_yours, &h->not_ours, &h->n_not_ours);
		h->time = say->time;
		if (say->time > 0 && say->time <= 253402300799) /* the year 9999 */
			h->ahead = say->time - time(NULL);
		h->front_expires = say->front_expires;
	} else {
		const PB(HelloRequest) *ask = (const PB(HelloRequest) *)m;

		ok = keep(h, ask->site, ask->version, ask->domains, ask->n_domains);
		h->processes = ask->processes;
	}
	protobuf_c_message_free_unpacked(m, NULL);
	if (!ok) {
		link_hello_free(h);
		*why = "out of memory";
	}
	return ok;
}
