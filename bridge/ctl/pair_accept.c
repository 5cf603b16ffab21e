#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bridge/base/text.h"
#include "bridge/ctl/pair.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/visit.h"

/* The other of two admins on the phone accepts; then both confirm. */

enum { CALL_MS = 10000 };

/* ---- accept ---- */

/*
 * The text out of the words of the command line, or of standard input for "-"; what stood there is wiped, for it is shown to who
 * lists processes.
 */
static void take_text(struct ctl_words *words, struct buf *text)
{
	char line[4096];

	if (words->n == 1 && strcmp(words->list[0], "-") == 0) {
		while (fgets(line, sizeof(line), stdin))
			buf_puts(text, line);
		explicit_bzero(line, sizeof(line));
		return;
	}
	for (size_t i = 0; i < words->n; i++) {
		buf_puts(text, words->list[i]);
		for (char *s = (char *)words->list[i]; *s; s++)
			*s = *s == 'a' && i == 0 && s == words->list[0] ? 'a' : '*';
	}
}

static void put_time(char out[32], uint64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
}

/* What a text can be wrong about before anybody is asked. */
static bool is_good(const struct conf *c, const char *text, struct pki_invitation *inv)
{
	char until[32], here[32], pin[PKI_PIN_TEXT];
	uint64_t now = (uint64_t)time(NULL);
	uint8_t own[PKI_PIN_LEN];
	const char *why = "the text names something that is no site, endpoint or domain";

	if (!pki_invitation_parse(text, inv, &why) || !conf_offer_valid(&inv->offer)) {
		ctl_say("%s", why);
		return false;
	}
	if (!pair_own_pin(c, own))
		return false;
	if (memcmp(own, inv->pin, PKI_PIN_LEN) == 0) {
		pki_pin_text(pin, own);
		ctl_say("the invitation is our own:\n  in the text  %s\n  ours         %s\nGive it to the admin of the other site, who "
		        "runs `availbridge peer accept` there.", pin, pin);
		return false;
	}
	if (inv->expires <= now) {
		put_time(until, inv->expires);
		put_time(here, now);
		ctl_say("the invitation ran out at %s; by the clock of this machine it is %s. If that is not the time (`timedatectl`), "
		        "set the clock; else ask for a new invitation",
		        until, here);
		return false;
	}
	return true;
}

/* Complains here, and in the daemon's log if there is one: this verb has none. */
static void failed(const char *conf_path, const struct pki_invitation *inv, const char *why, bool unsure)
{
	char request[1024], pin[PKI_PIN_TEXT];
	struct buf reply;
	int code;

	pki_pin_text(pin, inv->pin);
	ctl_say("not paired: %s", why);
	fprintf(stderr, "  the invitation is of %s, pin %s\n", inv->offer.site, pin);
	if (unsure)
		fprintf(stderr, "  %s may have written this site down all the same: its admin runs `availbridge peer remove` there "
		                "before a new try\n", inv->offer.site);
	snprintf(request, sizeof(request), "pairing-failed with %s, pin %s: %.700s", inv->offer.site, pin, why);
	for (char *s = request; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = ' ';
	buf_init(&reply, 4096);
	ctl_daemon_call(conf_path, request, CALL_MS, &code, &reply);
	buf_free(&reply);
}

/* Puts it into use. Without a daemon it waits for one. */
static int switch_on(const char *conf_path, const char *name)
{
	struct buf reply;
	int code = CTL_NO, result = CTL_DONE;

	buf_init(&reply, 1 << 20);
	switch (ctl_daemon_reload(conf_path, &code, &reply)) {
	case CTL_DAEMON_ANSWERED:
		if (code == CTL_DONE) {
			printf("The peer %s is confirmed and in use; the link comes up when the other side has confirmed as well.\n", name);
		} else {
			ctl_say("%s is confirmed, but the daemon did not take it into use: %s", name, buf_cstr(&reply));
			result = CTL_NO;
		}
		break;
	case CTL_DAEMON_ABSENT:
		printf("The peer %s is confirmed; no daemon is running, it will be in use when one starts.\n", name);
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("%s is confirmed, but the daemon did not answer: %s", name, buf_cstr(&reply));
		result = CTL_NO;
	}
	buf_free(&reply);
	if (result == CTL_DONE)
		ctl_peer_next(name);
	return result;
}

/* ${edit_only}: only looks whether it could be written. */
static int write_host(const char *conf_path, const char *name, const struct pki_invitation *inv, const char *code, bool look_only)
{
	const char *endpoints[PKI_OFFER_ENDPOINTS], *domains[PKI_OFFER_DOMAINS];
	struct ctl_new_peer p = {.name = name, .unconfirmed = code, .endpoints = endpoints, .domains = domains,
	                         .n_endpoints = inv->offer.n_endpoints,
	                         .n_domains = inv->offer.n_domains};
	struct ctl_edit edit;
	int result;

	memcpy(p.pin, inv->pin, PKI_PIN_LEN);
	for (size_t i = 0; i < p.n_endpoints; i++)
		endpoints[i] = inv->offer.endpoints[i];
	for (size_t i = 0; i < p.n_domains; i++)
		domains[i] = inv->offer.domains[i];
	if (ctl_peer_put(&edit, conf_path, &p) < 0)
		return -1;
	if (!look_only)
		return ctl_edit_commit(&edit);
	result = ctl_edit_check(&edit);
	ctl_edit_drop(&edit);
	return result;
}

static int accept_invitation(const char *conf_path, const struct conf *c, const struct pki_invitation *inv, const char *name,
                             const struct pki_offer *offer, bool yes)
{
	struct visit v = {.conf = c, .inv = inv, .offer = offer};
	struct buf error;
	bool unsure;
	int r;

	/* what is wrong on our side is found before the invitation is spent */
	if (write_host(conf_path, name, inv, "not yet", true) < 0)
		return CTL_NO;
	buf_init(&error, 4096);
	r = visit_host(&v, &error, &unsure);
	if (r < 0)
		failed(conf_path, inv, buf_cstr(&error), unsure);
	buf_free(&error);
	if (r < 0)
		return CTL_NO;
	if (write_host(conf_path, name, inv, yes ? NULL : v.code, false) < 0) {
		ctl_say("%s has written this site down, and this site could not write %s: its admin runs `availbridge peer remove` "
		        "there before a new try", inv->offer.site, name);
		return CTL_NO;
	}
	if (pair_show(conf_path, name) != CTL_DONE)
		return CTL_NO;
	if (!yes)
		return CTL_DONE;
	printf("\nBoth screens show these six words:\n\n    %s\n\nIf the other side reads others, somebody stands in between: "
	       "availbridge peer remove %s\n", v.code, name);
	return switch_on(conf_path, name);
}

int ctl_peer_accept(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL, *resolver = NULL;
	bool yes = false;
	struct ctl_words words, endpoints = {0};
	const struct ctl_option options[] = {{"name", .value = &name}, {"yes", .flag = &yes}, {"endpoint", .many = &endpoints},
	                                     {"resolver", .value = &resolver}, {0}};
	const char *domains[PKI_OFFER_DOMAINS];
	struct pki_invitation inv;
	struct pki_offer offer;
	int result = CTL_NO;
	struct conf *c;
	struct buf text;

	if (ctl_args(argc, argv, options, &words) < 0 || !words.n)
		return ctl_usage("peer");
	if (name && !ctl_peer_name(name))
		return CTL_USAGE;
	buf_init(&text, 64 << 10);
	take_text(&words, &text);
	c = ctl_load(conf_path);
	if (c && is_good(c, buf_cstr(&text), &inv) && pair_offer(c, &endpoints, &offer)) {
		for (size_t i = 0; i < inv.offer.n_domains; i++)
			domains[i] = inv.offer.domains[i];
		if (ctl_domains_proven(c, domains, inv.offer.n_domains, inv.pin, resolver))
			result = accept_invitation(conf_path, c, &inv, name ? name : inv.offer.site, &offer, yes);
	}
	conf_free(c);
	buf_wipe(&text);
	explicit_bzero(&inv, sizeof(inv));
	return result;
}

/* ---- confirm ---- */

static bool says_yes(void)
{
	char line[64];

	printf("\nAre these the six words that the other side reads? [yes/no] ");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\r\n")] = 0;
	return text_ieq(line, "yes") || text_ieq(line, "y");
}

int ctl_peer_confirm(int argc, char **argv, const char *conf_path)
{
	static const char *const pairs[][2] = {{"unconfirmed", ctl_peer_drop}, {"enabled", "yes"}, {NULL, NULL}};
	const char *resolver = NULL, *domains[CTL_MAX_WORDS];
	bool yes = false, ok = false;
	const struct ctl_option options[] = {{"yes", .flag = &yes}, {"resolver", .value = &resolver}, {0}};
	const struct conf_peer *p;
	struct ctl_words words;
	struct conf *c;
	size_t n = 0;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	p = conf_peer_named(c, words.list[0]);
	if (!p)
		ctl_say("there is no peer %s", words.list[0]);
	else if (!p->unconfirmed)
		ctl_say("%s waits for no confirmation; `availbridge peer list` shows how it stands", words.list[0]);
	else {
		ctl_peer_print(c, p);
		for (size_t i = 0; i < c->n_spaces && n < CTL_MAX_WORDS; i++)
			if (strcmp(c->spaces[i].peer, p->name) == 0)
				domains[n++] = c->spaces[i].forest_name;
		ok = ctl_domains_proven(c, domains, n, p->pins[0], resolver) && (yes || says_yes());
		if (!ok)
			ctl_say("not confirmed, and nothing was changed. If the words differ, run `availbridge peer remove %s` and pair again", words.list[0]);
	}
	conf_free(c);
	if (!ok || ctl_peer_change(conf_path, words.list[0], pairs) != CTL_DONE)
		return CTL_NO;
	return switch_on(conf_path, words.list[0]);
}
