#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/conf/keywords.h"
#include "pki/pin.h"

/* peers.d/NAME.conf: the peers, and `local`, the rules of our own people. What a file does not say is off. */

static char *normal_code(const char *word)
{
	return *word && strlen(word) <= 100 ? conf_dup(word) : NULL;
}

static char *normal_endpoint(const char *word)
{
	return conf_host_port_valid(word, false) ? conf_dup(word) : NULL;
}

/* "from=PIN,PIN...". Not more than are ever written. */
static bool read_from(struct conf_peer *p, size_t slot, const char *word)
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
	p->from[slot] = conf_grow(NULL, 0, n * sizeof(pins[0]));
	memcpy(p->from[slot], pins, n * sizeof(pins[0]));
	p->n_from[slot] = n;
	return true;
}

static bool read_pin(struct keyword_file *f, const struct keyword *k, const char *word)
{
	struct conf_peer *p = f->base;
	size_t slot = p->n_pins;

	if ((strcmp(k->name, "next-pin") == 0) != (slot == 1)) {
		KEYWORDS_COMPLAIN(f, f->line->number, "Write one line `pin`, and behind it at most one `next-pin`.",
		                  "%s stands out of order", k->name);
		return true;
	}
	if (!pki_pin_parse(word, p->pins[slot])) {
		KEYWORDS_COMPLAIN(f, f->line->number, "Write sha256: and 64 hex digits, as `availbridge identity show` prints them at the peer.",
		                  "'%s' is no pin", word);
		return true;
	}
	if (f->line->n == 3 && !read_from(p, slot, f->line->words[2])) {
		KEYWORDS_COMPLAIN(f, f->line->number,
		                  "Write from= and the pins that it comes from, the newest first, with commas between them; or nothing.",
		                  "'%s' does not say where the pin comes from", f->line->words[2]);
		return true;
	}
	p->pin_lines[p->n_pins++] = f->line->number;
	return true;
}

static bool read_level(struct keyword_file *f, const struct keyword *k, const char *word)
{
	return fb_level_named(word, &((struct conf_peer *)f->base)->access_level);
}

/* Direction, requester, target, level. Each fault has a sentence of its own. */
static bool read_rule(struct keyword_file *f, const struct keyword *k, const char *word)
{
	static const char who[] = "Write an address, a domain, *, group:NAME or group:DN.";
	char *const *w = f->line->words;
	struct conf_peer *p = f->base;
	struct conf_rule rule = {.in = strcmp(word, "in") == 0, .line = f->line->number};

	if (!rule.in && strcmp(word, "out") != 0)
		KEYWORDS_COMPLAIN(f, rule.line, "Write rule in or rule out.", "'%s' is no direction", word);
	else if (strcmp(p->name, "local") == 0 && !rule.in)
		KEYWORDS_COMPLAIN(f, rule.line, "Write rule in.", "rules about our own people have the direction in");
	else if (!fb_level_named(w[4], &rule.level))
		KEYWORDS_COMPLAIN(f, rule.line, "Write None, AvailabilityOnly or LimitedDetails.", "'%s' is no level", w[4]);
	else if (!(rule.requester = conf_rule_word(w[2])))
		KEYWORDS_COMPLAIN(f, rule.line, who, "'%s' is no requester", w[2]);
	else if (!(rule.target = conf_rule_word(w[3])))
		KEYWORDS_COMPLAIN(f, rule.line, who, "'%s' is no target", w[3]);
	if (!rule.target) {
		free(rule.requester);
		return true;
	}
	p->rules = conf_grow(p->rules, p->n_rules, sizeof(rule));
	p->rules[p->n_rules++] = rule;
	return true;
}

/* These files are never printed as a whole: the verbs that own them copy each line. */
static const struct keyword_kind keyword_peer_pin = {read_pin, NULL}, keyword_level = {read_level, NULL}, keyword_rule = {read_rule, NULL};

#define AT(field) offsetof(struct conf_peer, field)
#define PIN_FORM "sha256:HEX [from=sha256:HEX,...]"

/* A rule comes first: it is the one line that our own people have. */
static const struct keyword rows[] = {
	{"rule", &keyword_rule, 0, .form = "in|out REQUESTER TARGET LEVEL", .behind = 4, .repeat = true},
	{"enabled", &keyword_yes_no, AT(enabled), .form = "yes|no"},
	{"unconfirmed", &keyword_text, AT(unconfirmed), .form = "\"SIX WORDS\"", .normal = normal_code},
	{"endpoint", &keyword_list, AT(endpoints), .form = "HOST:PORT", .normal = normal_endpoint, .at_n = AT(n_endpoints), .repeat = true},
	{"dial", &keyword_choice, AT(dial), .form = "both, out (it cannot connect to us) or in (we cannot connect to it)",
	 .words = "both|out|in"},
	{"pin", &keyword_peer_pin, 0, .form = PIN_FORM, .more = 1},
	{"next-pin", &keyword_peer_pin, 0, .form = PIN_FORM, .more = 1},
	{"free-busy-access-enabled", &keyword_yes_no, AT(access_enabled), .form = "yes|no"},
	{"free-busy-access-level", &keyword_level, 0, .form = "None|AvailabilityOnly|LimitedDetails"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void read_peer(struct conf_loading *l, const char *name)
{
	bool local = strcmp(name, "local") == 0;
	/* our own people have no switch and no cap */
	struct conf_peer p = {.name = conf_dup(name), .enabled = local, .access_enabled = local,
	                      .access_level = local ? FB_LEVEL_LIMITED_DETAILS : FB_LEVEL_NONE};
	struct keyword_file f = {.l = l, .noun = local ? "our own people" : "a peer", .rows = rows, .n = local ? 1 : ROWS, .base = &p};
	char path[4096] = "", file[80];

	snprintf(file, sizeof(file), "peers.d/%s.conf", name);
	conf_file_path(path, sizeof(path), l->c->file, file);
	f.path = p.file = conf_dup(path);
	keywords_read(&f);
	if (!local)
		p.unconfirmed_line = keywords_line(&f, "unconfirmed");
	l->c->peers = conf_grow(l->c->peers, l->c->n_peers, sizeof(p));
	l->c->peers[l->c->n_peers++] = p;
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
