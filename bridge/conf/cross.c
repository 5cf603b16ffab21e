#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"
#include "pki/identity.h"

/* What no file can know alone: rows and rules that point to something, pins, folders. */

#define MAIN(l, name, fix, ...)                                                                                                  \
	conf_problem_add((l)->problems, (l)->c->file, conf_setting_line((l)->c, (name)), (fix), __VA_ARGS__)

static int by_domain(const void *a, const void *b)
{
	const struct conf_address_space *x = *(struct conf_address_space *const *)a, *y = *(struct conf_address_space *const *)b;
	int order = strcmp(x->forest_name, y->forest_name);

	return order ? order : x->line - y->line;
}

/* The rows sorted by domain (malloc'd). */
static const struct conf_address_space **sorted(const struct conf *c)
{
	const struct conf_address_space **list = calloc(c->n_spaces + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < c->n_spaces; i++)
		list[i] = &c->spaces[i];
	qsort(list, c->n_spaces, sizeof(*list), by_domain);
	return list;
}

/* The row of ${domain} in a ${list} of sorted(), or NULL. */
static const struct conf_address_space *row_of(const struct conf *c, const struct conf_address_space **list, const char *domain)
{
	size_t low = 0, high = c->n_spaces;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(list[mid]->forest_name, domain);

		if (order == 0)
			return list[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool is_of(const struct conf *c, const struct conf_address_space **list, const char *domain, const char *peer)
{
	const struct conf_address_space *row = row_of(c, list, domain);

	return row && strcmp(row->peer, peer) == 0;
}

static void check_spaces(struct conf_loading *l, const struct conf_address_space **list)
{
	const struct conf *c = l->c;
	char path[4096];
	bool local = false;

	conf_file_path(path, sizeof(path), c->file, "address-spaces.conf");
	for (size_t i = 0; i < c->n_spaces; i++) {
		const struct conf_address_space *row = &c->spaces[i];

		local |= strcmp(row->peer, "local") == 0;
		if (strcmp(row->peer, "nobody") != 0 && !conf_peer_named(c, row->peer))
			conf_problem_add(l->problems, path, row->line, "Add the peer with `availbridge peer add`, or name another.",
			                 "%s points to '%s', which is no peer", row->forest_name, row->peer);
	}
	for (size_t i = 1; i < c->n_spaces; i++)
		if (strcmp(list[i]->forest_name, list[i - 1]->forest_name) == 0)
			conf_problem_add(l->problems, path, list[i]->line, "Remove one of the two: a domain belongs to exactly one.",
			                 "%s is %s's already in line %d", list[i]->forest_name, list[i - 1]->peer, list[i - 1]->line);
	if (!local)
		conf_problem_add(l->problems, path, 0, "Run: availbridge address-space add --forest-name OUR-DOMAIN --peer local",
		                 "no domain is our own");
}

static void check_primary(struct conf_loading *l, const struct conf_address_space **list)
{
	struct conf *c = l->c;

	for (size_t i = 0; i < c->n_spaces && !*c->primary_domain; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0) {
			free(c->primary_domain);
			c->primary_domain = conf_dup(c->spaces[i].forest_name);
		}
	if (*c->primary_domain && !is_of(c, list, c->primary_domain, "local"))
		MAIN(l, "primary_domain", "Name a domain that address-spaces.conf gives to local.",
		     "primary_domain %s is not one of our own domains", c->primary_domain);
}

static int by_account(const void *a, const void *b)
{
	return strcasecmp((*(struct conf_account *const *)a)->name, (*(struct conf_account *const *)b)->name);
}

static void check_accounts(struct conf_loading *l, const struct conf_address_space **list)
{
	const struct conf *c = l->c;
	const struct conf_account **a = calloc(c->n_accounts + 1, sizeof(*a));
	char path[4096];

	if (!a)
		abort();
	conf_file_path(path, sizeof(path), c->file, "accounts.conf");
	for (size_t i = 0; i < c->n_accounts; i++) {
		a[i] = &c->accounts[i];
		if (a[i]->address && !is_of(c, list, fb_address_domain(a[i]->address), "local"))
			conf_problem_add(l->problems, path, a[i]->line, "An account stands for one of our own people.",
			                 "%s is in none of our domains", a[i]->address);
	}
	qsort(a, c->n_accounts, sizeof(*a), by_account);
	for (size_t i = 1; i < c->n_accounts; i++)
		if (strcasecmp(a[i]->name, a[i - 1]->name) == 0)
			conf_problem_add(l->problems, path, a[i]->line > a[i - 1]->line ? a[i]->line : a[i - 1]->line, "Remove one of the lines.",
			                 "the account %s is there twice", a[i]->name);
	free(a);
}

static void check_word_group(struct conf_loading *l, const char *file, int line, const char *word)
{
	if (strncmp(word, "group:", 6) != 0)
		return;
	if (!conf_group_is_dn(word + 6) && !conf_group_named(l->c, word + 6))
		conf_problem_add(l->problems, file, line, "Add it to `groups` in the main file, or mend its name.", "there is no group %s", word + 6);
	if (conf_group_is_dn(word + 6) && !l->c->directory)
		conf_problem_add(l->problems, file, line, "Name the directory in directory.conf, or use a group of the main file.",
		                 "there is no directory to ask about the group %s", word + 6);
}

static void check_peer(struct conf_loading *l, const struct conf_peer *p)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		check_word_group(l, p->file, p->rules[i].line, p->rules[i].requester);
		check_word_group(l, p->file, p->rules[i].line, p->rules[i].target);
	}
	if (p == &l->c->peers[0])
		return;
	if (p->enabled && p->unconfirmed)
		conf_problem_add(l->problems, p->file, p->unconfirmed_line, "Run `availbridge peer confirm` for it, which removes the line.",
		                 "the peer is enabled before its six words were compared");
	if (p->n_pins == 0 && p->enabled) /* without a pin it can wait for a new key, switched off */
		conf_problem_add(l->problems, p->file, 0,
		                 "Add a line `pin sha256:HEX` with what `availbridge identity show` prints at the peer.",
		                 "the peer has no pin");
	if (p->n_endpoints == 0 && p->dial != CONF_DIAL_IN)
		conf_problem_add(l->problems, p->file, 0, "Add a line `endpoint HOST:PORT`, or `dial in` if it connects to us.",
		                 "the peer has no endpoint");
}

/* One pin, and whose it is. */
struct owner {
	const uint8_t *pin;
	const struct conf_peer *peer; /* NULL = ourselves */
	int line;
};

static int by_pin(const void *a, const void *b)
{
	return memcmp(((const struct owner *)a)->pin, ((const struct owner *)b)->pin, PKI_PIN_LEN);
}

/* The same pins in the order of the files, so that a complaint names the later one. */
static int by_pin_and_place(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = by_pin(a, b);

	if (order == 0 && x->peer && y->peer && x->peer != y->peer)
		order = strcmp(x->peer->name, y->peer->name);
	return order ? order : x->line - y->line;
}

static void check_same_pin(struct conf_loading *l, const struct owner *a, const struct owner *b)
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, a->pin);
	if (!a->peer || !b->peer)
		conf_problem_add(l->problems, a->peer ? a->peer->file : b->peer->file, a->peer ? a->line : b->line,
		                 "Run `availbridge identity show` at the peer, not here, and use what it prints.",
		                 "%s is our own pin, not the peer's", text);
	else if (a->peer == b->peer)
		conf_problem_add(l->problems, a->peer->file, a->line > b->line ? a->line : b->line, "Remove the line next-pin.",
		                 "pin and next-pin are the same: %s", text);
	else
		conf_problem_add(l->problems, b->peer->file, b->line,
		                 "Ask both for what `availbridge identity show` prints; a key belongs to one site.",
		                 "%s has the same pin as %s: %s", b->peer->name, a->peer->name, text);
}

static void check_pins(struct conf_loading *l)
{
	const struct conf *c = l->c;
	struct owner *list = calloc(c->n_peers * 2 + 1, sizeof(*list));
	uint8_t own[PKI_PIN_LEN];
	struct buf error;
	size_t n = 0;

	if (!list)
		abort();
	buf_init(&error, 1024);
	/* an identity that cannot be read is the TLS recipe's complaint */
	if (pki_identity_pin(c->identity_certificate, own, &error) == 0)
		list[n++] = (struct owner){own, NULL, 0};
	buf_free(&error);
	for (size_t i = 1; i < c->n_peers; i++)
		for (size_t k = 0; k < c->peers[i].n_pins; k++)
			list[n++] = (struct owner){c->peers[i].pins[k], &c->peers[i], c->peers[i].pin_lines[k]};
	qsort(list, n, sizeof(*list), by_pin_and_place);
	for (size_t i = 1; i < n; i++)
		if (by_pin(&list[i - 1], &list[i]) == 0)
			check_same_pin(l, &list[i - 1], &list[i]);
	free(list);
}

/* One word of a `serves`, and whose it is. */
struct served {
	const struct conf_backend *backend;
	const char *word;
	int line;
};

static int by_word(const void *a, const void *b)
{
	const struct served *x = a, *y = b;
	int order = strcmp(x->word, y->word);

	if (order == 0)
		order = strcmp(x->backend->name, y->backend->name);
	return order ? order : x->line - y->line;
}

static void check_backends(struct conf_loading *l)
{
	struct served *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_backends; i++) {
		const struct conf_backend *b = &l->c->backends[i];

		if (b->concurrency < l->c->bridges)
			conf_problem_add(l->problems, b->file, 0, "Write a greater number, or run fewer bridges.",
			                 "concurrency %d cannot be divided among %d bridges", b->concurrency, l->c->bridges);
		for (size_t k = 0; k < b->n_serves; k++) {
			check_word_group(l, b->file, b->serves_lines[k], b->serves[k]);
			list = conf_grow(list, n, sizeof(*list));
			list[n++] = (struct served){b, b->serves[k], b->serves_lines[k]};
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), by_word);
	for (size_t i = 1; i < n; i++)
		if (strcmp(list[i].word, list[i - 1].word) == 0)
			conf_problem_add(l->problems, list[i].backend->file, list[i].line, "Remove one of the two lines.",
			                 "%s is served by %s already, in line %d", list[i].word, list[i - 1].backend->name, list[i - 1].line);
	free(list);
}

static void check_main(struct conf_loading *l)
{
	const struct conf *c = l->c;
	struct stat st;

	if (stat(c->calendars, &st) < 0)
		MAIN(l, "calendars", "Make the folder, or name another.", "the calendars folder %s cannot be used: %s", c->calendars,
		     strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		MAIN(l, "calendars", "Name a folder.", "calendars names %s, which is no folder", c->calendars);
	if (strlen(c->control_socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		MAIN(l, "control_socket", "Choose a shorter path, for example below /run.",
		     "control_socket is longer than a socket's path can be: %s", c->control_socket);
	if (c->working_start >= c->working_end)
		MAIN(l, conf_setting_line(c, "working_start") ? "working_start" : "working_end", "Put working_end behind working_start.",
		     "the working day ends before it starts");
	if (c->query_deadline_ms > c->hard_stop_ms)
		MAIN(l, conf_setting_line(c, "hard_stop") ? "hard_stop" : "query_deadline", "Make hard_stop the longer one.",
		     "hard_stop comes before query_deadline");
}

void conf_cross_check(struct conf_loading *l)
{
	const struct conf_address_space **list = sorted(l->c);

	check_main(l);
	check_spaces(l, list);
	check_primary(l, list);
	check_accounts(l, list);
	for (size_t i = 0; i < l->c->n_peers; i++)
		check_peer(l, &l->c->peers[i]);
	check_pins(l);
	check_backends(l);
	free(list);
}

/* The domain of a rule's word, or NULL for * and groups. */
static const char *domain_of(const char *word)
{
	if (strcmp(word, "*") == 0 || strncmp(word, "group:", 6) == 0)
		return NULL;
	return strchr(word, '@') ? fb_address_domain(word) : word;
}

static void warn_rule(const struct conf *c, const struct conf_address_space **list, const struct conf_peer *p,
                      const struct conf_rule *r, struct conf_problems *w)
{
	const char *asker = r->in ? p->name : "local", *asked = r->in ? "local" : p->name;
	const char *from = domain_of(r->requester), *to = domain_of(r->target);

	if (from && !is_of(c, list, from, asker))
		conf_problem_add(w, p->file, r->line, "Give the domain its row with `availbridge address-space add`, or remove the rule.",
		                 "the rule can never match: %s is no domain of %s", from, asker);
	if (to && !is_of(c, list, to, asked))
		conf_problem_add(w, p->file, r->line, "Give the domain its row with `availbridge address-space add`, or remove the rule.",
		                 "the rule can never match: %s is no domain of %s", to, asked);
}

static bool serves_domain(const struct conf_backend *b, const char *domain)
{
	for (size_t k = 0; k < b->n_serves; k++)
		if (strcmp(b->serves[k], "*") == 0 || strcmp(b->serves[k], domain) == 0)
			return true;
	return false;
}

/* Two people who are called alike, in two of our domains, would be one at a place that takes the name alone. */
static void warn_places(const struct conf *c, const struct conf_backend *b, struct conf_problems *w)
{
	const char *const places[] = {b->url, b->calendar, b->principal, b->freebusy_url};
	const char *first = NULL, *second = NULL;

	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0 && serves_domain(b, c->spaces[i].forest_name)) {
			second = first;
			first = c->spaces[i].forest_name;
		}
	for (size_t i = 0; second && i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i] && strstr(places[i], "{user}") && !strstr(places[i], "{domain}") && !strstr(places[i], "{address}"))
			conf_problem_add(w, b->file, 0, "Write {domain} or {address} into it, unless such two are always one person.",
			                 "%s is the same place for NAME@%s and NAME@%s", places[i], second, first);
}

static void warn_backends(const struct conf *c, const struct conf_address_space **list, struct conf_problems *w)
{
	for (size_t i = 0; i < c->n_backends; i++) {
		warn_places(c, &c->backends[i], w);
		for (size_t k = 0; k < c->backends[i].n_serves; k++) {
			const struct conf_backend *b = &c->backends[i];
			const char *domain = domain_of(b->serves[k]);

			if (domain && !is_of(c, list, domain, "local"))
				conf_problem_add(w, b->file, b->serves_lines[k],
				                 "Give the domain to local with `availbridge address-space add`, or remove the line.",
				                 "the backend is never asked about it: %s is none of our domains", domain);
		}
	}
}

void conf_warnings(const struct conf *c, struct conf_problems *warnings)
{
	const struct conf_address_space **list = sorted(c);

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *p = &c->peers[i];
		const struct conf_rule *all[2] = {NULL, NULL};
		bool domain = i == 0;

		for (size_t k = 0; k < c->n_spaces && !domain; k++)
			domain = strcmp(c->spaces[k].peer, p->name) == 0;
		if (!domain)
			conf_problem_add(warnings, p->file, 0, "Run `availbridge address-space add --forest-name THEIR-DOMAIN --peer NAME`.",
			                 "no domain points to the peer %s, so it can neither ask nor answer", p->name);
		for (size_t k = 0; k < p->n_rules; k++) {
			const struct conf_rule *r = &p->rules[k];

			warn_rule(c, list, p, r, warnings);
			if (all[r->in])
				conf_problem_add(warnings, p->file, r->line, "Move it up or remove it.",
				                 "the rule can never match: line %d already matches all", all[r->in]->line);
			else if (strcmp(r->requester, "*") == 0 && strcmp(r->target, "*") == 0)
				all[r->in] = r;
		}
	}
	warn_backends(c, list, warnings);
	free(list);
}
