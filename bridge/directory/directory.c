#include "bridge/directory/directory.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"

/* A sorted list of texts that belong to the settings. */
struct sorted {
	const char **list;
	size_t n;
};
struct directory {
	const struct conf *c;
	struct sorted hidden;
	struct sorted *groups; /* in the order of c->groups */
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

struct directory *directory_new(const struct conf *c)
{
	struct directory *d = calloc(1, sizeof(*d));
	int failed = 0;

	if (!d)
		return NULL;
	d->c = c;
	d->groups = calloc(c->n_groups + 1, sizeof(*d->groups));
	failed |= sort(&d->hidden, c->hidden, c->n_hidden);
	for (size_t i = 0; i < c->n_groups && d->groups; i++)
		failed |= sort(&d->groups[i], c->groups[i].members, c->groups[i].n);
	if (!d->groups || failed) {
		directory_free(d);
		return NULL;
	}
	return d;
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	for (size_t i = 0; d->groups && i < d->c->n_groups; i++)
		free(d->groups[i].list);
	free(d->groups);
	free(d->hidden.list);
	free(d);
}

enum fb_fact directory_member(void *directory, const char *group, const char *address)
{
	const struct directory *d = directory;
	const struct conf_group *g = conf_group_named(d->c, group);

	if (!g)
		return FB_COULD_NOT_TELL;
	const struct sorted *members = &d->groups[g - d->c->groups];

	return has(members, address) || has(members, fb_address_domain(address)) ? FB_YES : FB_NO;
}

enum fb_fact directory_hidden(const struct directory *d, const char *address)
{
	return has(&d->hidden, address) ? FB_YES : FB_NO;
}
