#include "bridge/ctl/pair.h"
#include <stdio.h>
#include <string.h>
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "pki/identity.h"

/* Where peers reach our link: as it listens, or, where that is every address of the machine, by the name that clients know. */
static void own_endpoint(const struct conf *c, char out[PKI_OFFER_WORD + 1])
{
	const char *port = strrchr(c->link_listen, ':'), *host = c->public_url + 8;
	bool any = port == c->link_listen || strncmp(c->link_listen, "0.0.0.0:", 8) == 0 ||
	           strncmp(c->link_listen, "[::]:", 5) == 0;
	size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

	if (any)
		snprintf(out, PKI_OFFER_WORD + 1, "%.*s%s", (int)n, host, port);
	else
		snprintf(out, PKI_OFFER_WORD + 1, "%s", c->link_listen);
}

bool pair_offer(const struct conf *c, const struct ctl_words *endpoints, struct pki_offer *o)
{
	memset(o, 0, sizeof(*o));
	snprintf(o->site, sizeof(o->site), "%s", c->site);
	if (endpoints->n > PKI_OFFER_ENDPOINTS) {
		ctl_say("at most %d endpoints can be offered", PKI_OFFER_ENDPOINTS);
		return false;
	}
	for (size_t i = 0; i < endpoints->n; i++) {
		if (!conf_host_port_valid(endpoints->list[i], false) || strlen(endpoints->list[i]) > PKI_OFFER_WORD) {
			ctl_say("'%s' is no endpoint; write HOST:PORT, for example bridge.a.example:7443", endpoints->list[i]);
			return false;
		}
		strcpy(o->endpoints[o->n_endpoints++], endpoints->list[i]);
	}
	if (!o->n_endpoints)
		own_endpoint(c, o->endpoints[o->n_endpoints++]);
	for (size_t i = 0; i < c->n_spaces; i++) {
		if (strcmp(c->spaces[i].peer, "local") != 0)
			continue;
		if (o->n_domains == PKI_OFFER_DOMAINS) {
			ctl_say("pairing offers at most %d domains, and this site has more; pair the manual way: `identity show` and `peer add` on both sides",
			        PKI_OFFER_DOMAINS);
			return false;
		}
		snprintf(o->domains[o->n_domains++], PKI_OFFER_WORD + 1, "%s", c->spaces[i].forest_name);
	}
	return true;
}

bool pair_own_pin(const struct conf *c, uint8_t pin[PKI_PIN_LEN])
{
	struct buf error;
	bool ok;

	buf_init(&error, 4096);
	ok = pki_identity_pin(c->identity_certificate, pin, &error) == 0;
	if (!ok)
		ctl_say("%s", buf_cstr(&error));
	buf_free(&error);
	return ok;
}

static void say_words(const char *name, const char *words)
{
	printf("\nBoth screens show these six words:\n\n    %s\n\n"
	       "Read them to each other by voice. If they are the same, and the domains above are the other site's, run on this side:\n"
	       "  availbridge peer confirm %s\n"
	       "If they are not, somebody stands in between: availbridge peer remove %s\n",
	       words, name, name);
}

int pair_show(const char *conf_path, const char *name)
{
	struct conf *c = ctl_load(conf_path);
	const struct conf_peer *p = c ? conf_peer_named(c, name) : NULL;
	int result = p ? CTL_DONE : CTL_NO;

	if (p) {
		ctl_peer_print(c, p);
		if (p->unconfirmed)
			say_words(name, p->unconfirmed);
		fflush(stdout);
	} else if (c) {
		ctl_say("there is no peer %s any more", name);
	}
	conf_free(c);
	return result;
}
