#include "bridge/availability/facts.h"
#include <stdlib.h>
#include <string.h>

struct fb_entry *fb_entry_new(const char *address, size_t n_groups)
{
	struct fb_entry *e = calloc(1, sizeof(*e) + n_groups * sizeof(e->groups[0]));

	if (!e)
		return NULL;
	e->refs = 1;
	e->n_groups = n_groups;
	memcpy(e->address, address, strnlen(address, sizeof(e->address) - 1));
	return e;
}

/* The count is the one thing of an entry that changes. */
static unsigned *refs(const struct fb_entry *e)
{
	return (unsigned *)&e->refs;
}

const struct fb_entry *fb_entry_hold(const struct fb_entry *e)
{
	++*refs(e);
	return e;
}

void fb_entry_release(const struct fb_entry *e)
{
	if (e && --*refs(e) == 0)
		free((void *)e);
}

static int by_name(const void *name, const void *membership)
{
	return strcmp(name, ((const struct fb_membership *)membership)->group);
}

enum fb_fact fb_entry_member(const struct fb_entry *e, const char *group)
{
	const struct fb_membership *m = e && e->n_groups ? bsearch(group, e->groups, e->n_groups, sizeof(e->groups[0]), by_name) : NULL;

	return m ? m->member : FB_COULD_NOT_TELL;
}
