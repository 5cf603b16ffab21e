#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/process/notes.h"
#include "pki/identity.h"

static const char spaces[] = "address-spaces.conf";

/* Every one of ${domains} in normal form; false after a sentence. */
static bool normal_domains(const struct ctl_words *domains, char (*out)[FB_DOMAIN_MAX + 1])
{
	for (size_t i = 0; i < domains->n; i++) {
		if (!fb_domain_normal(domains->list[i], out[i])) {
			ctl_say("'%s' is no domain", domains->list[i]);
			return false;
		}
		for (size_t k = 0; k < i; k++)
			if (strcmp(out[k], out[i]) == 0) {
				ctl_say("%s is given twice", out[i]);
				return false;
			}
	}
	return true;
}

/* What can be wrong with a pin that was pasted: said with both fingerprints, since they are what two people compare. */
static bool pin_is_free(const struct conf *c, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	char given[PKI_PIN_TEXT];
	uint8_t own[PKI_PIN_LEN];
	struct buf error;
	bool have_own;

	pki_pin_text(given, pin);
	buf_init(&error, 1024);
	have_own = pki_identity_pin(c->identity_certificate, own, &error) == 0;
	buf_free(&error);
	if (have_own && memcmp(own, pin, PKI_PIN_LEN) == 0) {
		ctl_say("the pin is our own, not that of %s:\n  given  %s\n  ours   %s\nRun `availbridge identity show` at %s and use "
		        "what it prints there.",
		        name, given, given, name);
		return false;
	}
	for (size_t i = 1; i < c->n_peers; i++)
		for (size_t k = 0; k < c->peers[i].n_pins; k++)
			if (strcmp(c->peers[i].name, name) != 0 && memcmp(c->peers[i].pins[k], pin, PKI_PIN_LEN) == 0) {
				ctl_say("the pin is that of the peer %s already:\n  given  %s\n  %s  %s\nA key belongs to one site: ask both for what "
				        "`availbridge identity show` prints there, or remove the peer %s first.",
				        c->peers[i].name, given, c->peers[i].name, given, c->peers[i].name);
				return false;
			}
	return true;
}

/* A domain has one owner; the message names it. */
static bool domains_are_free(const struct conf *c, const char *name, const char *const *domains, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < c->n_spaces; k++)
			if (strcmp(c->spaces[k].forest_name, domains[i]) == 0) {
				ctl_say("%s belongs to %s already (%s:%d), so it cannot be given to %s. If it moved, run `availbridge "
				        "address-space remove %s` first.",
				        domains[i], c->spaces[k].peer, spaces, c->spaces[k].line, name, domains[i]);
				return false;
			}
	return true;
}

static void put_file(struct ctl_edit *e, const struct ctl_new_peer *p)
{
	char file[CTL_PEER_FILE], text[PKI_PIN_TEXT];
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, ctl_header_peer);
	buf_puts(&b, p->unconfirmed ? "enabled no\n" : "enabled yes\n");
	if (p->unconfirmed)
		buf_printf(&b, "unconfirmed \"%s\"\n", p->unconfirmed);
	for (size_t i = 0; i < p->n_endpoints; i++)
		buf_printf(&b, "endpoint %s\n", p->endpoints[i]);
	if (p->dial)
		buf_printf(&b, "dial %s\n", p->dial);
	pki_pin_text(text, p->pin);
	buf_printf(&b, "pin %s\n", text);
	/* off until somebody switches it on; then the rules alone decide */
	buf_puts(&b, "free-busy-access-enabled no\nfree-busy-access-level LimitedDetails\n");
	ctl_peer_file(file, p->name);
	ctl_edit_put_text(e, file, buf_cstr(&b));
	buf_free(&b);
}

static int put_rows(struct ctl_edit *e, const struct ctl_new_peer *p)
{
	struct lines *l = ctl_edit_read(e, spaces, ctl_header_spaces);
	struct buf rows;

	if (!l)
		return -1;
	buf_init(&rows, 1 << 20);
	for (size_t i = 0; i < p->n_domains; i++)
		buf_printf(&rows, "%s%s %s OrgWideFB", i ? "\n" : "", p->domains[i], p->name);
	ctl_edit_put(e, spaces, l, SIZE_MAX, NULL, SIZE_MAX, buf_cstr(&rows));
	buf_free(&rows);
	lines_free(l);
	return 0;
}

/* A peer of the same name that was here before may have taken our next key: this one has not. False after a sentence. */
static bool has_taken_nothing(const struct conf *c, const char *name)
{
	if (notes_put(c->state_dir, NOTES_TAKEN, name, NULL) == 0)
		return true;
	ctl_say("%s/%s cannot be written: %s", c->state_dir, NOTES_TAKEN, strerror(errno));
	return false;
}

int ctl_peer_put(struct ctl_edit *e, const char *conf_path, const struct ctl_new_peer *p)
{
	struct conf *c;
	bool ok;

	if (ctl_edit_start(e, conf_path) < 0)
		return -1;
	c = ctl_load(conf_path);
	ok = c && !conf_peer_named(c, p->name);
	if (c && !ok)
		ctl_say("there is a peer %s already; use `availbridge peer set`, or `availbridge peer remove %s` first",
		        p->name, p->name);
	ok = ok && pin_is_free(c, p->name, p->pin) && domains_are_free(c, p->name, p->domains, p->n_domains) && has_taken_nothing(c, p->name);
	conf_free(c);
	if (ok) {
		put_file(e, p);
		ok = !p->n_domains || put_rows(e, p) == 0;
	}
	if (!ok)
		ctl_edit_drop(e);
	return ok ? 0 : -1;
}

void ctl_peer_next(const char *name)
{
	printf("To let it in:\n"
	       "  availbridge rule add --peer %s --direction in|out --requester WHO --target WHO --level LEVEL\n"
	       "  availbridge peer set %s --free-busy-access-enabled yes\n",
	       name, name);
}

/* What stands on the command line, checked; an exit code, or -1 to go on. */
static int read_words(const struct ctl_words *words, const struct ctl_words *endpoints, const char *pin_text, const char *code,
                      struct ctl_new_peer *p)
{
	p->name = words->list[0];
	p->unconfirmed = code;
	if (!ctl_peer_name(p->name) || !ctl_peer_dial(p->dial) || !ctl_peer_endpoints(endpoints))
		return CTL_USAGE;
	if (!pki_pin_parse(pin_text, p->pin)) {
		ctl_say("'%s' is no pin; use what `availbridge identity show` prints at %s: sha256: and 64 hex digits",
		        pin_text, p->name);
		return CTL_USAGE;
	}
	if (code && (!*code || strlen(code) > 64 || strspn(code, "abcdefghijklmnopqrstuvwxyz ") != strlen(code))) {
		ctl_say("--unconfirmed gives the six words of a pairing");
		return CTL_USAGE;
	}
	return -1;
}

int ctl_peer_add(int argc, char **argv, const char *conf_path)
{
	static char normal[CTL_MAX_WORDS][FB_DOMAIN_MAX + 1];
	struct ctl_words words, endpoints = {0}, claimed = {0};
	const char *pin_text = NULL, *dial = NULL, *code = NULL, *resolver = NULL, *domains[CTL_MAX_WORDS];
	const struct ctl_option options[] = {{"endpoint", .many = &endpoints}, {"pin", .value = &pin_text}, {"domain", .many = &claimed},
	                                     {"unconfirmed", .value = &code},  {"resolver", .value = &resolver}, {"dial", .value = &dial}, {0}};
	struct ctl_new_peer p = {.endpoints = endpoints.list, .domains = domains};
	struct ctl_edit edit;
	struct conf *c;
	int result;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || !pin_text || (!endpoints.n && !(dial && strcmp(dial,
	    "in") == 0)))
		return ctl_usage("peer");
	p.dial = dial;
	if (!normal_domains(&claimed, normal))
		return CTL_USAGE;
	for (p.n_domains = 0; p.n_domains < claimed.n; p.n_domains++)
		domains[p.n_domains] = normal[p.n_domains];
	p.n_endpoints = endpoints.n;
	if ((result = read_words(&words, &endpoints, pin_text, code, &p)) >= 0)
		return result;
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	/* of one that is to be confirmed the proof is asked when it is */
	result = code || ctl_domains_proven(c, domains, p.n_domains, p.pin, resolver) ? 0 : -1;
	conf_free(c);
	if (result < 0 || ctl_peer_put(&edit, conf_path, &p) < 0 || ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	ctl_edit_done("The peer %s is added; its free/busy access is off and it has no rule%s.", p.name,
	              code ? ", and it waits for `availbridge peer confirm`" : "");
	ctl_peer_next(p.name);
	return CTL_DONE;
}
