#include "bridge/availability/facts.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct fb_entry *fb_entry_new(const char *address, size_t n_groups)
{
	struct fb_entry *e = malloc(sizeof(*e) + n_groups * sizeof(e->groups[0]));
	size_t n = strnlen(address, sizeof(e->address) - 1);

	if (!e)
		return NULL;
	/* One for each mailbox of each query: the room for long names is not touched. */
	memset(e, 0, offsetof(struct fb_entry, address));
	memcpy(e->address, address, n);
	e->address[n] = '\0';
	e->moved_to[0] = '\0';
	e->refs = 1;
	e->n_groups = n_groups;
	memset(e->groups, 0, n_groups * sizeof(e->groups[0]));
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
