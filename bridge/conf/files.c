#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/lines.h"
#include "bridge/conf/parts.h"
#include "pki/password.h"
#include "pki/pin.h"

/* The files that verbs own. Each complaint names its line; the reading goes on behind it. */

#define NEAREST(s, names) text_nearest((s), (names), sizeof(names) / sizeof((names)[0]))

static void read_space(struct conf_loading *l, const char *path, const struct line *line)
{
	struct conf_address_space row = {.line = line->number};
	char domain[FB_DOMAIN_MAX + 1];

	if (line->n < 2 || line->n > 3) {
		conf_problem_add(l->problems, path, line->number, "Write FOREST-NAME PEER [OrgWideFB|PerUserFB].",
		                 "an address space has two or three words, not %zu", line->n);
		return;
	}
	if (!fb_domain_normal(line->words[0], domain)) {
		conf_problem_add(l->problems, path, line->number, "Write a domain such as b.example.", "'%s' is no domain", line->words[0]);
		return;
	}
	if (line->n == 3 && text_ieq(line->words[2], "PerUserFB"))
		row.method = CONF_PER_USER_FB;
	else if (line->n == 3 && !text_ieq(line->words[2], "OrgWideFB"))
		conf_problem_add(l->problems, path, line->number, "Write OrgWideFB or PerUserFB.", "'%s' is no access method", line->words[2]);
	row.forest_name = conf_dup(domain);
	row.peer = conf_dup(line->words[1]);
	l->c->spaces = conf_grow(l->c->spaces, l->c->n_spaces, sizeof(row));
	l->c->spaces[l->c->n_spaces++] = row;
}

void conf_read_spaces(struct conf_loading *l)
{
	char path[4096];
	struct lines *lines;

	if (conf_file_path(path, sizeof(path), l->c->file, "address-spaces.conf") < 0)
		return; /* the main file's own path is longer still and was refused */
	lines = conf_read_lines(l, path);
	for (size_t i = 0; lines && i < lines->n; i++)
		if (lines->list[i].n)
			read_space(l, path, &lines->list[i]);
	lines_free(lines);
}

/* user:ADDRESS, organisation or server. */
static bool read_stands_for(const char *s, struct conf_account *a)
{
	char address[FB_ADDRESS_MAX + 1];

	if (strcmp(s, "organisation") == 0)
		a->kind = CONF_FOR_ORGANISATION;
	else if (strcmp(s, "server") == 0)
		a->kind = CONF_FOR_SERVER;
	else if (strncmp(s, "user:", 5) == 0 && fb_address_normal(s + 5, address))
		a->address = conf_dup(address);
	else
		return false;
	return true;
}

static void read_account(struct conf_loading *l, const char *path, const struct line *line)
{
	struct conf_account a = {.line = line->number, .kind = CONF_FOR_USER};
	char **w = (char **)line->words;

	if (line->n != 3 || strncmp(w[1], "stands-for=", 11) != 0 || strncmp(w[2], "password=", 9) != 0) {
		conf_problem_add(l->problems, path, line->number,
		                 "Write NAME stands-for=user:ADDRESS password=HASH, or use `availbridge account add`.",
		                 "this is no account");
		return;
	}
	if (!*w[0] || strlen(w[0]) > 256 || strchr(w[0], ':')) {
		conf_problem_add(l->problems, path, line->number, "Choose 1 to 256 characters without ':'.",
		                 "the account's name cannot be used to log in");
		return;
	}
	if (!pki_password_hash_valid(w[2] + 9)) {
		conf_problem_add(l->problems, path, line->number, "Set it with `availbridge account add`.",
		                 "the password of %s is no hash", w[0]);
		return;
	}
	if (!read_stands_for(w[1] + 11, &a)) {
		conf_problem_add(l->problems, path, line->number, "Write user:ADDRESS, organisation or server.",
		                 "%s stands for nobody: '%s'", w[0], w[1] + 11);
		return;
	}
	a.name = conf_dup(w[0]);
	a.password = conf_dup(w[2] + 9);
	l->c->accounts = conf_grow(l->c->accounts, l->c->n_accounts, sizeof(a));
	l->c->accounts[l->c->n_accounts++] = a;
}

void conf_read_accounts(struct conf_loading *l)
{
	char path[4096];
	struct lines *lines;

	if (conf_file_path(path, sizeof(path), l->c->file, "accounts.conf") < 0)
		return;
	if (!conf_change_of(l, path) && file_is_loose(path)) {
		conf_problem_add(l->problems, path, 0, "Run: chmod 600 accounts.conf",
		                 "others than its owner may read or write this file, which holds password hashes");
		return;
	}
	lines = conf_read_lines(l, path);
	for (size_t i = 0; lines && i < lines->n; i++)
		if (lines->list[i].n)
			read_account(l, path, &lines->list[i]);
	lines_free(lines);
}

/* One peer's file while it is read. */
struct peer_reading {
	struct conf_loading *l;
	struct conf_peer *p;
	const struct line *line;
	bool local;
};

#define COMPLAIN(r, fix, ...) conf_problem_add((r)->l->problems, (r)->p->file, (r)->line->number, (fix), __VA_ARGS__)

static void read_yes_no(struct peer_reading *r, bool *out)
{
	if (strcmp(r->line->words[1], "yes") == 0)
		*out = true;
	else if (strcmp(r->line->words[1], "no") == 0)
		*out = false;
	else
		COMPLAIN(r, "Write yes or no.", "%s is neither yes nor no", r->line->words[0]);
}

static void read_enabled(struct peer_reading *r)
{
	read_yes_no(r, &r->p->enabled);
}

static void read_unconfirmed(struct peer_reading *r)
{
	if (!*r->line->words[1] || strlen(r->line->words[1]) > 100) {
		COMPLAIN(r, "Pair again: `availbridge peer remove` it, then `peer invite` or `peer accept`.", "unconfirmed gives no code of six words");
		return;
	}
	free(r->p->unconfirmed);
	r->p->unconfirmed = conf_dup(r->line->words[1]);
	r->p->unconfirmed_line = r->line->number;
}

static void read_endpoint(struct peer_reading *r)
{
	if (!conf_host_port_valid(r->line->words[1], false)) {
		COMPLAIN(r, "Write HOST:PORT, for example bridge.b.example:7443.", "'%s' is no endpoint", r->line->words[1]);
		return;
	}
	r->p->endpoints = conf_grow(r->p->endpoints, r->p->n_endpoints, sizeof(char *));
	r->p->endpoints[r->p->n_endpoints++] = conf_dup(r->line->words[1]);
}

static void read_dial(struct peer_reading *r)
{
	const char *word = r->line->words[1];

	if (strcmp(word, "both") == 0)
		r->p->dial = CONF_DIAL_BOTH;
	else if (strcmp(word, "out") == 0)
		r->p->dial = CONF_DIAL_OUT;
	else if (strcmp(word, "in") == 0)
		r->p->dial = CONF_DIAL_IN;
	else
		COMPLAIN(r, "Write both, out (it cannot connect to us) or in (we cannot connect to it).", "'%s' does not say who dials", word);
}

/* "from=PIN,PIN...". Not more than are ever written. */
static bool read_from(struct peer_reading *r, size_t slot, const char *word)
{
	uint8_t pins[CONF_FROM_MAX][PKI_PIN_LEN];
	char *list = strdup(word), *rest = list, *pin;
	size_t n = 0;
	bool ok = list && strncmp(word, "from=", 5) == 0;

	rest += ok ? 5 : 0;
	while (ok && (pin = strsep(&rest, ",")))
		ok = n < CONF_FROM_MAX && pki_pin_parse(pin, pins[n++]);
	free(list);
	if (!ok)
		return false;
	r->p->from[slot] = conf_grow(NULL, 0, n * sizeof(pins[0]));
	memcpy(r->p->from[slot], pins, n * sizeof(pins[0]));
	r->p->n_from[slot] = n;
	return true;
}

static void read_pin(struct peer_reading *r)
{
	size_t slot = r->p->n_pins;

	if ((strcmp(r->line->words[0], "next-pin") == 0) != (slot == 1)) {
		COMPLAIN(r, "Write one line `pin`, and behind it at most one `next-pin`.", "%s stands out of order", r->line->words[0]);
		return;
	}
	if (!pki_pin_parse(r->line->words[1], r->p->pins[slot])) {
		COMPLAIN(r, "Write sha256: and 64 hex digits, as `availbridge identity show` prints them at the peer.", "'%s' is no pin",
		         r->line->words[1]);
		return;
	}
	if (r->line->n == 3 && !read_from(r, slot, r->line->words[2])) {
		COMPLAIN(r, "Write from= and the pins that it comes from, the newest first, with commas between them; or nothing.",
		         "'%s' does not say where the pin comes from", r->line->words[2]);
		return;
	}
	r->p->pin_lines[r->p->n_pins++] = r->line->number;
}

static void read_access(struct peer_reading *r)
{
	read_yes_no(r, &r->p->access_enabled);
}

static void read_access_level(struct peer_reading *r)
{
	if (!fb_level_named(r->line->words[1], &r->p->access_level))
		COMPLAIN(r, "Write None, AvailabilityOnly or LimitedDetails.", "'%s' is no level", r->line->words[1]);
}

static void read_rule(struct peer_reading *r)
{
	char **w = (char **)r->line->words;
	struct conf_rule rule = {.in = strcmp(w[1], "in") == 0, .line = r->line->number};

	if (!rule.in && strcmp(w[1], "out") != 0)
		COMPLAIN(r, "Write rule in or rule out.", "'%s' is no direction", w[1]);
	else if (r->local && !rule.in)
		COMPLAIN(r, "Write rule in.", "rules about our own people have the direction in");
	else if (!fb_level_named(w[4], &rule.level))
		COMPLAIN(r, "Write None, AvailabilityOnly or LimitedDetails.", "'%s' is no level", w[4]);
	else if (!(rule.requester = conf_rule_word(w[2])))
		COMPLAIN(r, "Write an address, a domain, *, group:NAME or group:DN.", "'%s' is no requester", w[2]);
	else if (!(rule.target = conf_rule_word(w[3])))
		COMPLAIN(r, "Write an address, a domain, *, group:NAME or group:DN.", "'%s' is no target", w[3]);
	if (!rule.target) {
		free(rule.requester);
		return;
	}
	r->p->rules = conf_grow(r->p->rules, r->p->n_rules, sizeof(rule));
	r->p->rules[r->p->n_rules++] = rule;
}

static const struct keyword {
	const char *name;
	size_t words;
	bool once, local;
	void (*read)(struct peer_reading *r);
	const char *form;
} keywords[] = {
	{"enabled", 2, true, false, read_enabled, "Write enabled yes|no."},
	{"unconfirmed", 2, true, false, read_unconfirmed, "Write unconfirmed \"SIX WORDS\"."},
	{"endpoint", 2, false, false, read_endpoint, "Write endpoint HOST:PORT."},
	{"dial", 2, true, false, read_dial, "Write dial both|out|in."},
	{"pin", 2, true, false, read_pin, "Write pin sha256:HEX [from=sha256:HEX,...]."},
	{"next-pin", 2, true, false, read_pin, "Write next-pin sha256:HEX [from=sha256:HEX,...]."},
	{"free-busy-access-enabled", 2, true, false, read_access, "Write free-busy-access-enabled yes|no."},
	{"free-busy-access-level", 2, true, false, read_access_level, "Write free-busy-access-level LEVEL."},
	{"rule", 5, false, true, read_rule, "Write rule in|out REQUESTER TARGET LEVEL."},
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static void read_peer_line(struct peer_reading *r, unsigned *seen)
{
	const char *names[KEYWORDS], *near;
	char fix[128];

	for (size_t i = 0; i < KEYWORDS; i++) {
		const struct keyword *k = &keywords[i];

		names[i] = k->name;
		if (strcmp(k->name, r->line->words[0]) != 0)
			continue;
		if (r->local && !k->local)
			COMPLAIN(r, "Remove the line.", "%s has no meaning for our own people", k->name);
		else if (r->line->n != k->words && !(k->read == read_pin && r->line->n == 3))
			COMPLAIN(r, k->form, "%s has %zu words, not %zu", k->name, k->words, r->line->n);
		else if (k->once && *seen & 1u << i)
			COMPLAIN(r, "Remove one of the lines.", "%s is given twice", k->name);
		else
			k->read(r);
		*seen |= 1u << i;
		return;
	}
	near = NEAREST(r->line->words[0], names);
	if (near)
		snprintf(fix, sizeof(fix), "Did you mean %s?", near);
	else
		snprintf(fix, sizeof(fix), "See availbridge.conf(5) for the settings of a peer.");
	COMPLAIN(r, fix, "'%s' is no setting of a peer", r->line->words[0]);
}

static void read_peer(struct conf_loading *l, const char *name)
{
	struct peer_reading r = {.l = l, .local = strcmp(name, "local") == 0};
	char path[4096], file[80];
	unsigned seen = 0;
	struct lines *lines;

	snprintf(file, sizeof(file), "peers.d/%s.conf", name);
	if (conf_file_path(path, sizeof(path), l->c->file, file) < 0)
		return;
	l->c->peers = conf_grow(l->c->peers, l->c->n_peers, sizeof(*r.p));
	r.p = &l->c->peers[l->c->n_peers++];
	/* what a file does not say is off; our own people have no switch and no cap */
	*r.p = (struct conf_peer){.name = conf_dup(name), .file = conf_dup(path), .enabled = r.local, .access_enabled = r.local,
	                          .access_level = r.local ? FB_LEVEL_LIMITED_DETAILS : FB_LEVEL_NONE};
	lines = conf_read_lines(l, path);
	for (size_t i = 0; lines && i < lines->n; i++) {
		r.line = &lines->list[i];
		if (r.line->n)
			read_peer_line(&r, &seen);
	}
	lines_free(lines);
}

void conf_read_peers(struct conf_loading *l)
{
	struct conf_names names = conf_folder_names(l, "peers.d", "peer", CONF_PEERS_MAX);
	char dir[4096] = "";

	conf_file_path(dir, sizeof(dir), l->c->file, "peers.d");
	read_peer(l, "local");
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(names.list[i], "nobody") == 0)
			conf_problem_add(l->problems, dir, 0, "Rename the file.", "'nobody' cannot be the name of a peer");
		else if (strcmp(names.list[i], "local") != 0)
			read_peer(l, names.list[i]);
	free(names.list);
}
