#include "bridge/address_space/table.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing at most half full; the rows themselves stay in the settings. */
struct address_space {
	size_t mask;
	const struct conf_address_space **slots;
};

/* FNV-1a; the domains in the table are the admin's own, so nobody outside can choose what collides. */
static size_t hash(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

/* The slot of ${domain}: its row's, or the free one where it would go. */
static const struct conf_address_space **find(const struct address_space *t, const char *domain)
{
	size_t i = hash(domain) & t->mask;

	while (t->slots[i] && strcmp(t->slots[i]->forest_name, domain) != 0)
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

struct address_space *address_space_new(const struct conf *c)
{
	struct address_space *t = calloc(1, sizeof(*t));
	size_t size = 16;

	while (size / 2 < c->n_spaces)
		size *= 2;
	if (!t || !(t->slots = calloc(size, sizeof(*t->slots)))) {
		free(t);
		return NULL;
	}
	t->mask = size - 1;
	for (size_t i = 0; i < c->n_spaces; i++)
		*find(t, c->spaces[i].forest_name) = &c->spaces[i];
	return t;
}

void address_space_free(struct address_space *t)
{
	if (t)
		free(t->slots);
	free(t);
}

enum as_route address_space_route(const struct address_space *t, const char *domain, const struct conf_address_space **row)
{
	const struct conf_address_space *found = *find(t, domain);

	if (!found)
		return AS_NO_ROW;
	if (strcmp(found->peer, "nobody") == 0)
		return AS_NOBODY;
	if (row)
		*row = found;
	return strcmp(found->peer, "local") == 0 ? AS_LOCAL : AS_PEER;
}

bool address_space_is_of(const struct address_space *t, const char *domain, const char *name)
{
	const struct conf_address_space *found = *find(t, domain);

	return found && strcmp(found->peer, name) == 0;
}
