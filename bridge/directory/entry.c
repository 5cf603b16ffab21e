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
	bool is_dn;
};
struct entry_maker {
	const struct conf *c;
	struct sorted hidden, ours; /* ours: our domains */
	struct mentioned *groups;
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

/* ${word} of a rule or a `serves`: if it is a group, it is wanted once. -1 when out of memory. */
static int mention(struct entry_maker *m, const char *word)
{
	const char *name = word + 6;
	struct mentioned *more;

	if (strncmp(word, "group:", 6) != 0)
		return 0;
	for (size_t i = 0; i < m->n_groups; i++)
		if (strcmp(m->groups[i].name, name) == 0)
			return 0;
	more = reallocarray(m->groups, m->n_groups + 1, sizeof(*more));
	if (!more)
		return -1;
	m->groups = more;
	more += m->n_groups++;
	*more = (struct mentioned){.name = name, .is_dn = conf_group_is_dn(name)};
	const struct conf_group *g = more->is_dn ? NULL : conf_group_named(m->c, name);

	return g ? sort(&more->members, g->members, g->n) : 0;
}

static int mention_all(struct entry_maker *m)
{
	int failed = 0;

	for (size_t i = 0; i < m->c->n_peers; i++)
		for (size_t k = 0; k < m->c->peers[i].n_rules; k++) {
			failed |= mention(m, m->c->peers[i].rules[k].requester);
			failed |= mention(m, m->c->peers[i].rules[k].target);
		}
	for (size_t i = 0; i < m->c->n_backends; i++)
		for (size_t k = 0; k < m->c->backends[i].n_serves; k++)
			failed |= mention(m, m->c->backends[i].serves[k]);
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
		if (!g->is_dn && conf_group_named(m->c, g->name))
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

static enum fb_fact group_of(const struct entry_maker *m, const struct directory_answer *a, const char *dn)
{
	for (size_t i = 0; i < m->dns.n; i++)
		if (strcmp(m->dns.list[i], dn) == 0)
			return a->groups[i];
	return FB_COULD_NOT_TELL;
}

struct fb_entry *entry_from_answer(const struct entry_maker *m, const struct directory_answer *a, enum directory_kind kind, const char *asked)
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
		if (m->groups[i].is_dn)
			e->groups[i].member = group_of(m, a, m->groups[i].name);
	return e;
}
