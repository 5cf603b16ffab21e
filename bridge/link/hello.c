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
	{&availbridge__link__v1__hello_request__descriptor, 1, 0, LINK_SITE_BYTES},
	{&availbridge__link__v1__hello_request__descriptor, 2, 0, LINK_SITE_BYTES},
	{&availbridge__link__v1__hello_request__descriptor, 3, LINK_HELLO_DOMAINS, FB_DOMAIN_MAX},
	{&availbridge__link__v1__hello_reply__descriptor, 1, 0, LINK_SITE_BYTES},
	{&availbridge__link__v1__hello_reply__descriptor, 2, 0, LINK_SITE_BYTES},
	{&availbridge__link__v1__hello_reply__descriptor, 3, LINK_HELLO_DOMAINS, FB_DOMAIN_MAX},
	{0},
};

void link_hello_free(struct link_hello *h)
{
	free(h->site);
	free(h->version);
	for (size_t i = 0; i < h->n_domains; i++)
		free(h->domains[i]);
	free(h->domains);
	memset(h, 0, sizeof *h);
}

int link_hello_write(struct buf *out, const struct conf *c, bool reply, int64_t front_expires)
{
	PB(HelloRequest) ask = AVAILBRIDGE__LINK__V1__HELLO_REQUEST__INIT;
	PB(HelloReply) say = AVAILBRIDGE__LINK__V1__HELLO_REPLY__INIT;
	char *domains[LINK_HELLO_DOMAINS];
	size_t n = 0;

	for (size_t i = 0; i < c->n_spaces && n < LINK_HELLO_DOMAINS; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0)
			domains[n++] = c->spaces[i].forest_name;
	ask.site = say.site = c->site;
	ask.version = say.version = (char *)VERSION;
	ask.domains = say.domains = domains;
	ask.n_domains = say.n_domains = n;
	say.max_mailboxes = FB_MAX_MAILBOXES;
	say.max_window_days = FB_MAX_WINDOW_DAYS;
	say.max_events = FB_MAX_EVENTS;
	ask.processes = (uint32_t)c->bridges;
	say.time = time(NULL);
	say.front_expires = front_expires;
	return wire_pack(out, reply ? &say.base : &ask.base);
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

static bool keep(struct link_hello *h, const char *site, const char *version, char *const *domains, size_t n)
{
	char normal[FB_DOMAIN_MAX + 1];

	h->site = printable(site);
	h->version = printable(version);
	h->domains = calloc(n + 1, sizeof *h->domains);
	for (size_t i = 0; h->domains && i < n; i++)
		if (fb_domain_normal(domains[i], normal) && (h->domains[h->n_domains] = strdup(normal)))
			h->n_domains++;
	return h->site && h->version && h->domains;
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

		ok = keep(h, say->site, say->version, say->domains, say->n_domains);
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
