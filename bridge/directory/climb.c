#include "bridge/directory/climb.h"
#include <stdlib.h>
#include "bridge/base/text.h"
#include "bridge/directory/dn.h"
#include "bridge/directory/filter.h"
#include "bridge/directory/session_inside.h"

enum {
	MET_MAX = 5000, /* groups that one entry may be in */
	STEP = 50,      /* groups asked about in one search */
	FILTER_MAX = 1 << 20,
	BYTES = 4 << 20
};

/* All that was met, in the order found; what stands behind `next` has not been asked about yet. */
struct climb {
	struct arena *arena;
	const char *base; /* where groups are looked for */
	const char *met[MET_MAX];
	size_t n, next;
	const char *domains[MET_MAX]; /* of groups that lack members */
	size_t n_domains;
};

struct climb *climb_new(void)
{
	struct climb *k = calloc(1, sizeof *k);

	if (!k || !(k->arena = arena_new(BYTES)))
		abort();
	return k;
}

void climb_free(struct climb *k)
{
	arena_free(k->arena);
	free(k);
}

static bool is_among(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (text_ieq(list[i], text))
			return true;
	return false;
}

bool climb_has(const struct climb *k, const char *dn)
{
	return is_among(k->met, k->n, dn);
}

/* What was seen before is a loop, or a second way to it: not gone through again. False if there is no more room. */
static bool add(struct climb *k, const char **list, size_t *n, const char *text)
{
	if (is_among(list, *n, text))
		return true;
	if (*n == MET_MAX || !(list[*n] = arena_strdup(k->arena, text)))
		return false;
	++*n;
	return true;
}

void climb_add(struct climb *k, const char *dn)
{
	if (!add(k, k->met, &k->n, dn))
		abort(); /* one entry, or the few groups that rules name */
}

/* A group whose members are not here is not looked into. */
static bool meet(struct directory_session *s, struct climb *k, enum climb_way way, const struct found_entry *e)
{
	bool universal = e->values[0].n == 1 && groups_type_is_universal(e->values[0].list[0].p);

	if (way == CLIMB_DOWN && !groups_all_members_are_at(s->root, e->dn, universal))
		return add(k, k->domains, &k->n_domains, dn_domain(e->dn));
	return add(k, k->met, &k->n, e->dn);
}

/* The groups that hold, or are held by, any of the next few. */
static void put_filter(struct directory_session *s, struct climb *k, const char *link, struct buf *filter)
{
	size_t end = k->n < k->next + STEP ? k->n : k->next + STEP;

	buf_puts(filter, "(&");
	filter_equal(filter, "objectClass", "", session_attribute(s, CONF_CLASS_GROUP));
	buf_puts(filter, "(|");
	for (; k->next < end; k->next++)
		filter_equal(filter, link, "", k->met[k->next]);
	buf_puts(filter, "))");
}

static int step(struct directory_session *s, struct climb *k, enum climb_way way)
{
	static const char *const nothing[] = {"", NULL}, *const type[] = {"groupType", NULL};
	struct found f;
	struct buf filter;
	enum search_result r;
	bool room = true;

	buf_init(&filter, FILTER_MAX);
	put_filter(s, k, way == CLIMB_UP ? session_attribute(s, CONF_ATTRIBUTE_MEMBER) : "memberOf", &filter);
	const struct directory_query q = {NULL, k->base, true, buf_cstr(&filter), way == CLIMB_UP ? nothing : type, MET_MAX};

	r = session_search(s, way == CLIMB_UP ? "groups above" : "groups below", &q, &f);
	for (struct found_entry *e = r == SEARCH_DONE ? f.first : NULL; e && room; e = e->next)
		room = meet(s, k, way, e);
	room = room && !(r == SEARCH_DONE && f.more);
	found_free(&f);
	buf_free(&filter);
	if (r == SEARCH_NO_BASE)
		buf_printf(&s->why, "%s: the base \"%s\" is not there", s->d->servers[s->server], k->base);
	else if (r == SEARCH_DONE && !room)
		buf_printf(&s->why, "%s %s more than %d groups, which is more than are looked through", k->met[0], way == CLIMB_UP ? "is in" : "holds", MET_MAX);
	return r == SEARCH_DONE && room ? 0 : -1;
}

int climb_all(struct directory_session *s, struct climb *k, enum climb_way way)
{
	int r = session_connect(s);

	if (r == 0 && !(k->base = arena_strdup(k->arena, way == CLIMB_UP ? s->groups_base : s->d->base)))
		abort(); /* the first of 4 MiB */
	while (r == 0 && k->next < k->n)
		r = step(s, k, way);
	return r;
}

bool climb_lacking(const struct climb *k, struct arena *a, const char ***domains)
{
	*domains = NULL;
	if (k->n_domains && !(*domains = arena_alloc(a, (k->n_domains + 1) * sizeof **domains)))
		return false;
	for (size_t i = 0; i < k->n_domains; i++)
		if (!((*domains)[i] = arena_strdup(a, k->domains[i])))
			return false;
	return true;
}
