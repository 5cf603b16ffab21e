#include <stdio.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/peer.h"
#include "bridge/dns/resolve.h"
#include "bridge/ctl/site.h"
#include "pki/identity.h"

/* Who may write into a domain's DNS can say there which key speaks for it: _availbridge.DOMAIN TXT "v=availbridge1; pin=sha256:HEX". */

enum proof { COULD_NOT_TELL = 0, PROVEN, CONTRADICTED };
static const char *const words[] = {"could not tell", "proven", "contradicted"};

struct looking {
	const uint8_t (*pins)[PKI_PIN_LEN];
	size_t n_pins;
	bool ours, other;  /* a record names one of these pins; one names another */
	char seen[PKI_PIN_TEXT];
};

/* One record: fields between semicolons; those that we do not know are left to later versions. */
static void read_record(void *arg, const char *text)
{
	struct looking *l = arg;
	uint8_t pin[PKI_PIN_LEN];
	bool version = false;
	char field[160];

	while (*text) {
		size_t n = strcspn(text, ";"), blanks = strspn(text, " \t");

		snprintf(field, sizeof(field), "%.*s", (int)(n > blanks ? n - blanks : 0), text + blanks);
		field[strcspn(field, " \t")] = 0;
		if (strcmp(field, "v=availbridge1") == 0) {
			version = true;
		} else if (version && strncmp(field, "pin=", 4) == 0 && pki_pin_parse(field + 4, pin)) {
			bool known = false;

			for (size_t i = 0; i < l->n_pins; i++)
				known |= memcmp(pin, l->pins[i], PKI_PIN_LEN) == 0;
			l->ours |= known;
			l->other |= !known;
			if (!known)
				pki_pin_text(l->seen, pin);
		}
		text += n + (text[n] == ';');
	}
}

/* Why is appended to ${why}: a sentence for the person who asked. */
static enum proof prove(const char *domain, const uint8_t (*pins)[PKI_PIN_LEN], size_t n_pins, const char *resolver,
                        struct buf *why)
{
	struct looking l = {.pins = pins, .n_pins = n_pins};
	char name[FB_DOMAIN_MAX + 16];

	snprintf(name, sizeof(name), "_availbridge.%s", domain);
	switch (resolve_txt(name, resolver, read_record, &l, why)) {
	case RESOLVE_COULD_NOT:
		return COULD_NOT_TELL;
	case RESOLVE_NONE:
		buf_printf(why, "there is no TXT record %s", name);
		return COULD_NOT_TELL;
	case RESOLVE_FOUND:
		break;
	}
	if (l.ours) {
		buf_printf(why, "%s names this pin", name);
		return PROVEN;
	}
	if (l.other)
		buf_printf(why, "%s names another pin: %s", name, l.seen);
	else
		buf_printf(why, "the TXT records of %s have no v=availbridge1 and pin=sha256:HEX", name);
	return l.other ? CONTRADICTED : COULD_NOT_TELL;
}

bool ctl_domains_proven(const struct conf *c, const char *const *domains, size_t n, const uint8_t pin[PKI_PIN_LEN],
                        const char *resolver)
{
	const uint8_t (*pins)[PKI_PIN_LEN] = (const void *)pin;
	char text[PKI_PIN_TEXT];
	bool all = true;
	struct buf why;

	if (strcmp(c->require_domain_proof, "yes") != 0)
		return true;
	pki_pin_text(text, pin);
	for (size_t i = 0; i < n; i++) {
		enum proof p;

		buf_init(&why, 4096);
		p = prove(domains[i], pins, 1, resolver, &why);
		if (p != PROVEN)
			ctl_say("%s: %s: %s.\nrequire_domain_proof is yes here: the other site publishes\n  _availbridge.%s TXT "
			        "\"v=availbridge1; pin=%s\"", domains[i],
			        words[p], buf_cstr(&why), domains[i], text);
		all &= p == PROVEN;
		buf_free(&why);
	}
	return all;
}

/* One row of check-domains. */
static bool check_one(struct buf *json, const char *peer, const char *domain, const uint8_t (*pins)[PKI_PIN_LEN], size_t n_pins,
                      const char *resolver)
{
	char text[PKI_PIN_TEXT];
	enum proof p;
	struct buf why;

	buf_init(&why, 4096);
	pki_pin_text(text, pins[0]);
	p = prove(domain, pins, n_pins, resolver, &why);
	if (json) {
		json_open(json, NULL, '{');
		json_str(json, "peer", peer);
		json_str(json, "domain", domain);
		json_str(json, "pin", text);
		json_str(json, "result", p == PROVEN ? "proven" : p == CONTRADICTED ? "contradicted" : "could-not-tell");
		json_str(json, "why", buf_cstr(&why));
		json_close(json, '}');
	} else {
		printf("%-16s %-32s %-14s %s\n", peer, domain, words[p], buf_cstr(&why));
		if (p != PROVEN)
			printf("    wanted: _availbridge.%s TXT \"v=availbridge1; pin=%s\"\n", domain, text);
		fflush(stdout);
	}
	buf_free(&why);
	return p == PROVEN;
}

/* All rows of ${peer}; how many of them to ${n}. True if all are proven. */
static bool check_peer(struct buf *json, const struct conf *c, const struct conf_peer *p, const char *resolver, size_t *n)
{
	uint8_t own[1][PKI_PIN_LEN];
	const uint8_t (*pins)[PKI_PIN_LEN] = p->pins;
	size_t n_pins = p->n_pins;
	bool all = true;
	struct buf error;

	if (p == &c->peers[0]) {
		buf_init(&error, 4096);
		pins = (const uint8_t (*)[PKI_PIN_LEN])own;
		n_pins = pki_identity_pin(c->identity_certificate, own[0], &error) == 0;
		if (!n_pins)
			ctl_say("%s", buf_cstr(&error));
		buf_free(&error);
	}
	for (size_t i = 0; n_pins && i < c->n_spaces; i++) {
		if (strcmp(c->spaces[i].peer, p->name) != 0)
			continue;
		++*n;
		all &= check_one(json, p->name, c->spaces[i].forest_name, pins, n_pins, resolver);
	}
	return all && n_pins;
}

int ctl_peer_check_domains(int argc, char **argv, const char *conf_path)
{
	const char *resolver = NULL;
	bool json = false, all = true;
	const struct ctl_option options[] = {{"resolver", .value = &resolver}, {"json", .flag = &json}, {0}};
	struct ctl_words list;
	struct conf *c;
	struct buf b;
	size_t n = 0;

	if (ctl_args(argc, argv, options, &list) < 0 || list.n > 1)
		return ctl_usage("peer");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	if (list.n && !conf_peer_named(c, list.list[0])) {
		ctl_say("there is no peer %s", list.list[0]);
		conf_free(c);
		return CTL_NO;
	}
	buf_init(&b, 16 << 20);
	json_open(&b, NULL, '[');
	for (size_t i = list.n ? 0 : 1; i < c->n_peers; i++)
		if (!list.n || strcmp(c->peers[i].name, list.list[0]) == 0)
			all &= check_peer(json ? &b : NULL, c, &c->peers[i], resolver, &n);
	json_close(&b, ']');
	if (json)
		json_print(&b);
	else if (!n)
		printf("There is no domain to check.\n");
	buf_free(&b);
	conf_free(c);
	return all ? CTL_DONE : CTL_NO;
}
