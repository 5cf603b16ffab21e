#include "bridge/directory/entry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"

/* A sorted list of texts that belong to the settings. */
struct sorted {
	const char **list;
	size_t n;
};
/* A group that rules mention. */
struct mentioned {
	const char *name;
	struct sorted members; /* of a configured one */
	bool is_dn, is_known;  /* known: the settings have it */
	size_t dn;             /* its place among those of the directory */
};
struct entry_maker {
	const struct conf *c;
	struct sorted hidden, ours; /* ours: our domains */
	struct mentioned *groups; /* by name, each once */
	size_t n_groups;
	struct directory_groups dns;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort(struct sorted *s, char *const *list, size_t n)
{
	s->list = calloc(n + 1, sizeof(*s->list));
	if (!s->list)
		return -1;
	s->n = n;
	if (n) {
		memcpy(s->list, list, n * sizeof(*list));
		qsort(s->list, n, sizeof(*s->list), by_text);
	}
	return 0;
}

static bool has(const struct sorted *s, const char *text)
{
	return bsearch(&text, s->list, s->n, sizeof(*s->list), by_text) != NULL;
}

static int sort_domains(struct entry_maker *m)
{
	char **domains = calloc(m->c->n_spaces + 1, sizeof(*domains));
	size_t n = 0;
	int r = -1;

	for (size_t i = 0; domains && i < m->c->n_spaces; i++)
		if (strcmp(m->c->spaces[i].peer, "local") == 0)
			domains[n++] = m->c->spaces[i].forest_name;
	if (domains)
		r = sort(&m->ours, domains, n);
	free(domains);
	return r;
}

/* ---- the groups that rules mention ---- */

static void put_group(const char *word, const char **list, size_t *n)
{
	if (strncmp(word, "group:", 6) != 0)
		return;
	if (list)
		list[*n] = word + 6;
	++*n;
}

/* Puts the groups of all rules and `serves` into ${list} as they come (NULL: only counts them). How many. */
static size_t list_groups(const struct conf *c, const char **list)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_peers; i++)
		for (size_t k = 0; k < c->peers[i].n_rules; k++) {
			put_group(c->peers[i].rules[k].requester, list, &n);
			put_group(c->peers[i].rules[k].target, list, &n);
		}
	for (size_t i = 0; i < c->n_backends; i++)
		for (size_t k = 0; k < c->backends[i].n_serves; k++)
			put_group(c->backends[i].serves[k], list, &n);
	return n;
}

/* -1 when out of memory. */
static int mention(struct entry_maker *m, const char *name)
{
	struct mentioned *g = &m->groups[m->n_groups++];
	const struct conf_group *configured = conf_group_is_dn(name) ? NULL : conf_group_named(m->c, name);

	*g = (struct mentioned){.name = name, .is_dn = conf_group_is_dn(name), .is_known = configured != NULL, .dn = m->dns.n};
	for (size_t i = 0; g->is_dn && i < m->dns.n; i++)
		if (strcmp(m->dns.list[i], name) == 0)
			g->dn = i;
	return configured ? sort(&g->members, configured->members, configured->n) : 0;
}

static int mention_all(struct entry_maker *m)
{
	size_t n = list_groups(m->c, NULL);
	const char **list = calloc(n + 1, sizeof(*list));
	int failed = -1;

	m->groups = calloc(n + 1, sizeof(*m->groups));
	if (list && m->groups) {
		failed = 0;
		list_groups(m->c, list);
		if (n)
			qsort(list, n, sizeof(*list), by_text);
		for (size_t i = 0; i < n; i++)
			if (i == 0 || strcmp(list[i], list[i - 1]) != 0)
				failed |= mention(m, list[i]);
	}
	free(list);
	return failed;
}

struct entry_maker *entry_maker_new(const struct conf *c)
{
	struct entry_maker *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->c = c;
	directory_groups_collect(c, &m->dns);
	if (sort(&m->hidden, c->hidden, c->n_hidden) < 0 || sort_domains(m) < 0 || mention_all(m) < 0) {
		entry_maker_free(m);
		return NULL;
	}
	return m;
}

void entry_maker_free(struct entry_maker *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_groups; i++)
		free(m->groups[i].members.list);
	directory_groups_free(&m->dns);
	free(m->groups);
	free(m->hidden.list);
	free(m->ours.list);
	free(m);
}

const struct directory_groups *entry_maker_dns(const struct entry_maker *m)
{
	return &m->dns;
}

bool entry_needs_server(const struct entry_maker *m, const char *address)
{
	return m->c->directory && (has(&m->ours, fb_address_domain(address)) || m->dns.n > 0);
}

/* ---- what the settings say ---- */

static enum fb_fact in_configured(const struct mentioned *g, const char *address)
{
	return has(&g->members, address) || has(&g->members, fb_address_domain(address)) ? FB_YES : FB_NO;
}

/* The groups of the settings are by the canonical address, as rules are. */
static void put_configured(const struct entry_maker *m, struct fb_entry *e)
{
	for (size_t i = 0; i < m->n_groups; i++) {
		const struct mentioned *g = &m->groups[i];

		e->groups[i].group = g->name;
		if (g->is_known)
			e->groups[i].member = in_configured(g, e->address);
	}
}

struct fb_entry *entry_from_settings(const struct entry_maker *m, const char *address)
{
	struct fb_entry *e = fb_entry_new(address, m->n_groups);

	if (!e)
		return NULL;
	e->hidden = has(&m->hidden, address) ? FB_YES : m->c->directory ? FB_COULD_NOT_TELL : FB_NO;
	put_configured(m, e);
	return e;
}

/* ---- what a worker says ---- */

struct fb_entry *entry_from_answer(const struct entry_maker *m, const struct directory_answer *a, enum directory_kind kind,
                                   const char *asked)
{
	bool somebody = a->exists == FB_YES && *a->address;
	struct fb_entry *e = fb_entry_new(somebody ? a->address : kind == DIRECTORY_ADDRESS ? asked : "", m->n_groups);

	if (!e)
		return NULL;
	e->exists = a->exists == FB_YES && (a->disabled || !somebody) ? FB_NO : a->exists;
	e->disabled = a->disabled;
	if (has(&m->hidden, e->address) || has(&m->hidden, asked))
		e->hidden = FB_YES;
	else
		e->hidden = a->exists == FB_COULD_NOT_TELL ? FB_COULD_NOT_TELL : a->hidden ? FB_YES : FB_NO;
	snprintf(e->moved_to, sizeof(e->moved_to), "%s", a->moved_to);
	put_configured(m, e);
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].dn < m->dns.n)
			e->groups[i].member = a->groups[m->groups[i].dn];
	return e;
}
