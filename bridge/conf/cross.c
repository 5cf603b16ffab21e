#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
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

const struct conf_address_space **conf_rows_sorted(const struct conf *c)
{
	const struct conf_address_space **list = calloc(c->n_spaces + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < c->n_spaces; i++)
		list[i] = &c->spaces[i];
	qsort(list, c->n_spaces, sizeof(*list), by_domain);
	return list;
}

const struct conf_address_space *conf_row_of(const struct conf *c, const struct conf_address_space **list, const char *domain)
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

bool conf_is_of(const struct conf *c, const struct conf_address_space **list, const char *domain, const char *peer)
{
	const struct conf_address_space *row = conf_row_of(c, list, domain);

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
	if (*c->primary_domain && !conf_is_of(c, list, c->primary_domain, "local"))
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
		if (a[i]->address && !conf_is_of(c, list, fb_address_domain(a[i]->address), "local"))
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
	else if (access(c->calendars, R_OK | X_OK) < 0 && !(geteuid() == 0 && *c->user)) /* a file server may shut out root, who will be another then */
		MAIN(l, "calendars", "Give the user that the daemon runs as the right to read and enter it.", "the calendars folder %s cannot be used: %s",
		     c->calendars, strerror(errno));
	if (strlen(c->control_socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		MAIN(l, "control_socket", "Choose a shorter path, for example /run/availbridge/control.sock.",
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
	const struct conf_address_space **list = conf_rows_sorted(l->c);

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
