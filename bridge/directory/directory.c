#include "bridge/directory/directory.h"
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
struct directory {
	const struct conf *c;
	struct sorted hidden, ours; /* ours: our domains */
	struct mentioned *groups;
	size_t n_groups;
	bool any_dn;
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

static int sort_domains(struct directory *d)
{
	char **domains = calloc(d->c->n_spaces + 1, sizeof(*domains));
	size_t n = 0;
	int r = -1;

	for (size_t i = 0; domains && i < d->c->n_spaces; i++)
		if (strcmp(d->c->spaces[i].peer, "local") == 0)
			domains[n++] = d->c->spaces[i].forest_name;
	if (domains)
		r = sort(&d->ours, domains, n);
	free(domains);
	return r;
}

/* ---- the groups that rules mention ---- */

/* ${word} of a rule or a `serves`: if it is a group, it is wanted once. -1 when out of memory. */
static int mention(struct directory *d, const char *word)
{
	const char *name = word + 6;
	struct mentioned *more;

	if (strncmp(word, "group:", 6) != 0)
		return 0;
	for (size_t i = 0; i < d->n_groups; i++)
		if (strcmp(d->groups[i].name, name) == 0)
			return 0;
	more = reallocarray(d->groups, d->n_groups + 1, sizeof(*more));
	if (!more)
		return -1;
	d->groups = more;
	more += d->n_groups++;
	*more = (struct mentioned){.name = name, .is_dn = conf_group_is_dn(name)};
	d->any_dn |= more->is_dn;
	const struct conf_group *g = more->is_dn ? NULL : conf_group_named(d->c, name);

	return g ? sort(&more->members, g->members, g->n) : 0;
}

static int mention_all(struct directory *d)
{
	int failed = 0;

	for (size_t i = 0; i < d->c->n_peers; i++)
		for (size_t k = 0; k < d->c->peers[i].n_rules; k++) {
			failed |= mention(d, d->c->peers[i].rules[k].requester);
			failed |= mention(d, d->c->peers[i].rules[k].target);
		}
	for (size_t i = 0; i < d->c->n_backends; i++)
		for (size_t k = 0; k < d->c->backends[i].n_serves; k++)
			failed |= mention(d, d->c->backends[i].serves[k]);
	return failed;
}

struct directory *directory_new(struct loop *l, const struct conf *c, directory_submit_fn *submit, void *pool)
{
	struct directory *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->c = c;
	if (sort(&d->hidden, c->hidden, c->n_hidden) < 0 || sort_domains(d) < 0 || mention_all(d) < 0) {
		directory_free(d);
		return NULL;
	}
	return d;
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_groups; i++)
		free(d->groups[i].members.list);
	free(d->groups);
	free(d->hidden.list);
	free(d->ours.list);
	free(d);
}

/* ---- what the settings say ---- */

static enum fb_fact in_configured(const struct mentioned *g, const char *address)
{
	return has(&g->members, address) || has(&g->members, fb_address_domain(address)) ? FB_YES : FB_NO;
}

/* An entry of ${address} with all that the settings say; what only the server knows could not be told yet. */
static struct fb_entry *from_settings(const struct directory *d, const char *address)
{
	struct fb_entry *e = fb_entry_new(address, d->n_groups);

	if (!e)
		return NULL;
	e->hidden = has(&d->hidden, address) ? FB_YES : d->c->directory ? FB_COULD_NOT_TELL : FB_NO;
	for (size_t i = 0; i < d->n_groups; i++) {
		const struct mentioned *g = &d->groups[i];

		e->groups[i].group = g->name;
		if (!g->is_dn && conf_group_named(d->c, g->name))
			e->groups[i].member = in_configured(g, address);
	}
	return e;
}

void directory_look_up(struct directory *d, const char *address, directory_found_cb *cb, void *arg)
{
	cb(arg, from_settings(d, address));
}
