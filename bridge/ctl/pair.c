#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/visit.h"
#include "pki/identity.h"

/* Two admins on the phone: invite, accept, confirm. */

enum { CALL_MS = 10000, RELOAD_MS = 40000, VALID_DEFAULT = 900, VALID_MIN = 1, VALID_MAX = 7 * 86400, EXTRA_MS = 15000 };

/* ---- what we say of ourselves ---- */

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

static bool make_offer(const struct conf *c, const struct ctl_words *endpoints, struct pki_offer *o)
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

/* Our own pin, or false after a sentence. */
static bool own_pin(const struct conf *c, uint8_t pin[PKI_PIN_LEN])
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

/* ---- what is shown ---- */

static void say_words(const char *name, const char *words)
{
	printf("\nBoth screens show these six words:\n\n    %s\n\n"
	       "Read them to each other by voice. If they are the same, and the domains above are the other site's, run on this side:\n"
	       "  availbridge peer confirm %s\n"
	       "If they are not, somebody stands in between: availbridge peer remove %s\n",
	       words, name, name);
}

/* The peer ${name} as it is written now. CTL_DONE, or CTL_NO if it is not there. */
static int show_paired(const char *conf_path, const char *name)
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

/* Asks the daemon; false after a sentence, unless it answered with code 0. */
static bool ask_daemon(const char *conf_path, const char *request, int timeout_ms)
{
	struct buf reply;
	int code = CTL_NO;
	enum ctl_daemon d;

	buf_init(&reply, 1 << 20);
	d = ctl_daemon_call(conf_path, request, timeout_ms, &code, &reply);
	while (reply.len && buf_ptr(&reply)[reply.len - 1] == '\n')
		reply.len--;
	if (d == CTL_DAEMON_ABSENT)
		ctl_say("no daemon is running with %s, and it is the daemon that opens the door to a guest; start it with `availbridge serve`", conf_path);
	else if (d == CTL_DAEMON_SILENT)
		ctl_say("the daemon did not answer: %s", buf_cstr(&reply));
	else if (code != CTL_DONE)
		ctl_say("%s", buf_cstr(&reply));
	buf_free(&reply);
	return d == CTL_DAEMON_ANSWERED && code == CTL_DONE;
}

/* ---- invite ---- */

/* "90", "90s", "15m", "2h", "1d" in seconds; 0 if it is none of these or out of range. */
static int64_t read_valid(const char *s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t n = strlen(s);
	char number[16];
	int64_t v, by = 1;

	if (!n || n >= sizeof(number))
		return 0;
	strcpy(number, s);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (number[n - 1] == units[i].unit) {
			by = units[i].seconds;
			number[n - 1] = 0;
			break;
		}
	return text_int(number, 1, VALID_MAX, &v) && v * by >= VALID_MIN && v * by <= VALID_MAX ? v * by : 0;
}

static int invite(const char *conf_path, const char *name, int64_t valid, const struct ctl_words *endpoints, bool wait)
{
	char request[PKI_INVITATION_TEXT_MAX + 128];
	struct pki_invitation inv = {.expires = (uint64_t)(time(NULL) + valid)};
	struct conf *c = ctl_load(conf_path);
	bool ok = c && own_pin(c, inv.pin) && make_offer(c, endpoints, &inv.offer);
	struct buf text;

	buf_init(&text, 4096);
	if (ok && conf_peer_named(c, name)) {
		ctl_say("there is a peer %s already; choose another name, or `availbridge peer remove %s` first", name, name);
		ok = false;
	}
	conf_free(c);
	text_random(inv.id, sizeof(inv.id));
	text_random(inv.secret, sizeof(inv.secret));
	if (ok && pki_invitation_print(&text, &inv) < 0) {
		ctl_say("this site has too many domains for an invitation of one line; pair the manual way: `identity show` and `peer add` on both sides");
		ok = false;
	}
	snprintf(request, sizeof(request), "invite %s %s", name, buf_cstr(&text));
	ok = ok && ask_daemon(conf_path, request, CALL_MS);
	if (ok) {
		printf("%s\n\n", buf_cstr(&text));
		printf("Send this text to the admin of %s, who runs: availbridge peer accept TEXT\n"
		       "It works once, for one key, and for %lld s. It holds a secret: who uses it first is named in the log.\n\n", name, (long long)valid);
		fflush(stdout);
	}
	explicit_bzero(request, sizeof(request));
	explicit_bzero(&inv, sizeof(inv));
	buf_wipe(&text);
	if (!ok)
		return CTL_NO;
	if (!wait)
		return CTL_DONE;
	snprintf(request, sizeof(request), "invite-wait %s", name);
	return ask_daemon(conf_path, request, (int)(valid * 1000 + EXTRA_MS)) ? show_paired(conf_path, name) : CTL_NO;
}

int ctl_peer_invite(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL, *valid_text = NULL;
	bool no_wait = false, cancel = false;
	struct ctl_words words, endpoints = {0};
	const struct ctl_option options[] = {{"name", .value = &name},  {"valid", .value = &valid_text}, {"endpoint", .many = &endpoints},
	                                     {"no-wait", .flag = &no_wait}, {"cancel", .flag = &cancel}, {0}};
	char request[96];
	int64_t valid = VALID_DEFAULT;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !name)
		return ctl_usage("peer");
	if (!ctl_peer_name(name))
		return CTL_USAGE;
	if (valid_text && !(valid = read_valid(valid_text))) {
		ctl_say("'%s' is no time for an invitation: write 1s to 7d, for example 15m", valid_text);
		return CTL_USAGE;
	}
	if (!cancel)
		return invite(conf_path, name, valid, &endpoints, !no_wait);
	snprintf(request, sizeof(request), "uninvite %s", name);
	if (!ask_daemon(conf_path, request, CALL_MS))
		return CTL_NO;
	printf("The invitation for %s is withdrawn.\n", name);
	return CTL_DONE;
}

/* ---- accept ---- */

/* The text out of the words of the command line, or of standard input for "-"; what stood there is wiped, for it is shown to who lists processes. */
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
	if (!own_pin(c, own))
		return false;
	if (memcmp(own, inv->pin, PKI_PIN_LEN) == 0) {
		pki_pin_text(pin, own);
		ctl_say("the invitation is our own:\n  in the text  %s\n  ours         %s\nGive it to the admin of the other site, who runs `availbridge peer accept` there.", pin, pin);
		return false;
	}
	if (inv->expires <= now) {
		put_time(until, inv->expires);
		put_time(here, now);
		ctl_say("the invitation ran out at %s; by the clock of this machine it is %s. If that is not the time (`timedatectl`), set the clock; else ask for a new invitation",
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
		fprintf(stderr, "  %s may have written this site down all the same: its admin runs `availbridge peer remove` there before a new try\n", inv->offer.site);
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
	switch (ctl_daemon_call(conf_path, "reload", RELOAD_MS, &code, &reply)) {
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
	struct ctl_new_peer p = {.name = name, .unconfirmed = code, .endpoints = endpoints, .domains = domains, .n_endpoints = inv->offer.n_endpoints,
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
		ctl_say("%s has written this site down, and this site could not write %s: its admin runs `availbridge peer remove` there before a new try", inv->offer.site, name);
		return CTL_NO;
	}
	if (show_paired(conf_path, name) != CTL_DONE)
		return CTL_NO;
	if (!yes)
		return CTL_DONE;
	printf("\nBoth screens show these six words:\n\n    %s\n\nIf the other side reads others, somebody stands in between: availbridge peer remove %s\n", v.code, name);
	return switch_on(conf_path, name);
}

int ctl_peer_accept(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL, *resolver = NULL;
	bool yes = false;
	struct ctl_words words, endpoints = {0};
	const struct ctl_option options[] = {{"name", .value = &name}, {"yes", .flag = &yes}, {"endpoint", .many = &endpoints}, {"resolver", .value = &resolver}, {0}};
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
	if (c && is_good(c, buf_cstr(&text), &inv) && make_offer(c, &endpoints, &offer)) {
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
