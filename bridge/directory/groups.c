#include "bridge/directory/groups.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/loop.h"
#include "bridge/base/text.h"
#include "bridge/directory/climb.h"
#include "bridge/directory/dn.h"
#include "bridge/directory/filter.h"
#include "bridge/directory/session_inside.h"
#include "bridge/directory/sid.h"

enum {
	HERE_MS = 60000,
	HERE_BYTES = 1 << 20,
	FILTER_MAX = 1 << 20,
	DN_MAX = 16384,
	CHAINS = 50 /* groups asked about in one search */
};
enum { UNIVERSAL = 8 }; /* GROUP_TYPE_UNIVERSAL_GROUP, MS-ADTS 2.2.12 */

static const char nobody_dn[] = "CN=availbridge-nobody";

/* ---- which groups ---- */

static void add_word(struct directory_groups *g, const char *word)
{
	const char *name = word + 6;

	if (strncmp(word, "group:", 6) != 0 || !conf_group_is_dn(name) || g->n == DIRECTORY_GROUPS_MAX)
		return;
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->list[i], name) == 0)
			return;
	g->list = realloc(g->list, (g->n + 1) * sizeof *g->list);
	if (!g->list)
		abort();
	g->list[g->n++] = name;
}

void directory_groups_collect(const struct conf *c, struct directory_groups *out)
{
	*out = (struct directory_groups){0};
	for (size_t i = 0; i < c->n_peers; i++)
		for (size_t k = 0; k < c->peers[i].n_rules; k++) {
			add_word(out, c->peers[i].rules[k].requester);
			add_word(out, c->peers[i].rules[k].target);
		}
	for (size_t i = 0; i < c->n_backends; i++)
		for (size_t k = 0; k < c->backends[i].n_serves; k++)
			add_word(out, c->backends[i].serves[k]);
}

void directory_groups_free(struct directory_groups *g)
{
	free(g->list);
	*g = (struct directory_groups){0};
}

void groups_forget(struct groups_here *g)
{
	arena_free(g->arena);
	buf_free(&g->sid);
	buf_free(&g->primary);
	*g = (struct groups_here){0};
	buf_init(&g->sid, SID_MAX);
	buf_init(&g->primary, DN_MAX);
}

void groups_entry_init(struct groups_entry *e)
{
	buf_init(&e->dn, DN_MAX);
	buf_init(&e->primary, SID_MAX);
}

void groups_entry_free(struct groups_entry *e)
{
	buf_free(&e->dn);
	buf_free(&e->primary);
}

bool groups_type_is_universal(const char *type)
{
	int64_t flags;

	return text_int(type, INT32_MIN, UINT32_MAX, &flags) && flags & UNIVERSAL;
}

bool groups_all_members_are_at(const char *domain, const char *dn, bool universal)
{
	return universal || (*domain && dn_is_within(dn, domain) && !dn_is_of_child(dn, domain));
}

static void no_room(struct directory_session *s)
{
	buf_puts(&s->why, "the rules mention more groups of the directory than there is room for");
}

/* One group as the server spells it, whatever the spelling of its DN in the rules; NULL in ${out} if there is none. */
static int find_one(struct directory_session *s, const char *dn, struct arena *a, const char **out, bool *universal)
{
	static const char *const type[] = {"groupType", NULL};
	const struct directory_query q = {dn, dn, false, "(objectClass=*)", type, 1};
	struct found f;
	enum search_result r = session_search(s, "group", &q, &f);
	bool full = false;

	if (r == SEARCH_DONE && f.first) {
		full = !(*out = arena_strdup(a, f.first->dn));
		*universal = f.first->values[0].n == 1 && groups_type_is_universal(f.first->values[0].list[0].p);
	}
	found_free(&f);
	if (full)
		no_room(s);
	return r == SEARCH_FAILED || full ? -1 : 0;
}

/* Puts into *${domains} those of which groups lie in the groups from ${from} to before ${to}, and hold members whom this server does not have. */
static int look_down(struct directory_session *s, struct groups_here *here, size_t from, size_t to, const char ***domains)
{
	struct climb *k = climb_new();
	int r;

	for (size_t i = from; i < to; i++)
		if (here->dns[i])
			climb_add(k, here->dns[i]);
	r = climb_all(s, k, CLIMB_DOWN);
	if (r == 0 && !climb_lacking(k, here->arena, domains)) {
		no_room(s);
		r = -1;
	}
	climb_free(k);
	return r;
}

/* Most groups hold no such group: one look for all of them. */
static int find_lacking(struct directory_session *s, struct groups_here *here)
{
	const char **any = NULL;
	int r = s->is_catalog ? look_down(s, here, 0, s->groups.n, &any) : 0;

	for (size_t i = 0; i < s->groups.n && r == 0 && any; i++)
		r = look_down(s, here, i, i + 1, &here->lacking[i]);
	return r;
}

/* The groups themselves are looked up once a minute. */
static int find_groups(struct directory_session *s)
{
	struct groups_here here = {.arena = arena_new(HERE_BYTES), .until = loop_ms() + HERE_MS};
	int r = 0;

	if (s->here.arena && loop_ms() < s->here.until) {
		arena_free(here.arena);
		return 0;
	}
	buf_init(&here.sid, SID_MAX);
	buf_init(&here.primary, DN_MAX);
	groups_forget(&s->here);
	if (!here.arena || !(here.dns = arena_alloc(here.arena, (s->groups.n + 1) * sizeof *here.dns)) ||
	    !(here.universal = arena_alloc(here.arena, s->groups.n + 1)) ||
	    !(here.lacking = arena_alloc(here.arena, (s->groups.n + 1) * sizeof *here.lacking)))
		abort();
	for (size_t i = 0; i < s->groups.n && r == 0; i++)
		r = find_one(s, s->groups.list[i], here.arena, &here.dns[i], &here.universal[i]);
	if (r == 0 && (r = find_lacking(s, &here)) == 0)
		s->here = here;
	else
		groups_forget(&here);
	return r;
}

/*
 * ---- where the server follows chains of links: upwards, by the few groups that somebody is in, and never down through the
 * many who are in a group ----
 */

/* Is the entry ${dn} in any of the groups from ${from} to before ${to}? */
static enum fb_fact in_any_of(struct directory_session *s, const char *dn, size_t from, size_t to)
{
	static const char *const nothing[] = {"", NULL};
	enum fb_fact fact = FB_COULD_NOT_TELL;
	const char *about = NULL; /* the group, or that it is about several */
	struct found f;
	struct buf filter;

	buf_init(&filter, FILTER_MAX);
	buf_puts(&filter, "(|");
	for (size_t i = from; i < to; i++)
		if (s->here.dns[i]) {
			about = about ? "any" : s->groups.list[i];
			filter_in_chain(&filter, "memberOf", s->here.dns[i]);
		}
	buf_putc(&filter, ')');
	if (!about) {
		buf_free(&filter);
		return FB_NO;
	}
	switch (session_search(s, "in groups", &(struct directory_query){about, dn, false, buf_cstr(&filter), nothing, 1}, &f)) {
	case SEARCH_DONE:
		fact = f.n ? FB_YES : FB_NO;
		break;
	case SEARCH_NO_BASE:
		if (strcmp(dn, nobody_dn) == 0)
			fact = FB_NO;
		else
			buf_printf(&s->why, "%s went away while it was looked up", dn);
		break;
	case SEARCH_REFUSED:
	case SEARCH_FAILED:
		break;
	}
	found_free(&f);
	buf_free(&filter);
	return fact;
}

/* Could the entry ${dn} be in the group ${i} without that the server knows? By way of a global group only in that of its own domain. */
static bool may_be_hidden(const struct directory_session *s, size_t i, const char *dn)
{
	const char *const *domain = s->here.lacking[i];

	while (domain && *domain && !text_ieq(*domain, dn_domain(dn)))
		domain++;
	return (domain && *domain) || !groups_all_members_are_at(s->root, s->here.dns[i], s->here.universal[i]);
}

/* The server that has just answered no may not have all members of some groups: of those it did not know. */
static void doubt(struct directory_session *s, const char *dn, size_t from, size_t to, enum fb_fact *facts)
{
	for (size_t i = from; i < to && s->has_domains; i++)
		if (s->here.dns[i] && facts[i] == FB_NO && may_be_hidden(s, i, dn))
			facts[i] = FB_COULD_NOT_TELL;
}

/* Most people are in none: one question. Whoever is in some is looked for in either half. */
static int in_chains_of(struct directory_session *s, const char *dn, size_t from, size_t to, enum fb_fact *facts)
{
	size_t middle = from + (to - from) / 2;
	enum fb_fact any = in_any_of(s, dn, from, to);

	if (any == FB_COULD_NOT_TELL)
		return -1;
	if (any == FB_NO) {
		doubt(s, dn, from, to, facts);
		return 0;
	}
	if (to - from == 1) {
		facts[from] = FB_YES;
		return 0;
	}
	return in_chains_of(s, dn, from, middle, facts) == 0 ? in_chains_of(s, dn, middle, to, facts) : -1;
}

static int in_chains(struct directory_session *s, const char *dn, enum fb_fact *facts)
{
	int r = 0;

	for (size_t i = 0; i < s->groups.n && r == 0; i += CHAINS)
		r = in_chains_of(s, dn, i, s->groups.n < i + CHAINS ? s->groups.n : i + CHAINS, facts);
	return r;
}

/* The DN of the group whose SID is ${sid}, in s->here.primary. */
static int find_primary(struct directory_session *s, const struct buf *sid)
{
	static const char *const nothing[] = {"", NULL};
	struct groups_here *here = &s->here;
	struct found f;
	struct buf filter;
	enum search_result r;

	if (here->sid.len == sid->len && memcmp(buf_ptr(&here->sid), buf_ptr(sid), sid->len) == 0)
		return 0;
	buf_reset(&here->sid);
	buf_reset(&here->primary);
	buf_init(&filter, FILTER_MAX);
	filter_equal_bytes(&filter, session_attribute(s, CONF_ATTRIBUTE_SID), buf_ptr(sid), sid->len);
	const struct directory_query q = {NULL, *s->d->base ? s->root : "", true, buf_cstr(&filter), nothing, 1};

	r = session_search(s, "primary group", &q, &f);
	if (r == SEARCH_DONE) {
		buf_add(&here->sid, buf_ptr(sid), sid->len);
		buf_puts(&here->primary, f.first ? f.first->dn : "");
	}
	found_free(&f);
	buf_free(&filter);
	return r == SEARCH_DONE && !here->primary.failed ? 0 : -1;
}

/* By the primary group, and by what that is in. */
static int in_primary(struct directory_session *s, const struct buf *sid, enum fb_fact *facts)
{
	const char *dn;

	if (sid->len == 0 || !*session_attribute(s, CONF_ATTRIBUTE_SID))
		return 0;
	if (find_primary(s, sid) != 0)
		return -1;
	dn = buf_cstr(&s->here.primary);
	for (size_t i = 0; i < s->groups.n && *dn; i++)
		if (s->here.dns[i] && text_ieq(s->here.dns[i], dn))
			facts[i] = FB_YES;
	return *dn ? in_chains(s, dn, facts) : 0;
}

/* ---- where it does not: upwards from the entry, from each group to the groups that it is a member of ---- */

static int climb(struct directory_session *s, const char *dn, enum fb_fact *facts)
{
	struct climb *k = climb_new();
	int r;

	climb_add(k, dn);
	r = climb_all(s, k, CLIMB_UP);
	for (size_t i = 0; i < s->groups.n && r == 0; i++)
		if (s->here.dns[i])
			facts[i] = climb_has(k, s->here.dns[i]) ? FB_YES : dn_is_within(s->here.dns[i], s->groups_base) ? FB_NO : FB_COULD_NOT_TELL;
	climb_free(k);
	return r;
}

/* A group that is not there, or that the server keeps to itself: only the rules that name it cannot be judged. */
static void say_missing(struct directory_session *s, const char *group)
{
	if (!s->why.len)
		buf_printf(&s->why, "%s does not show the group %s, which the rules name", s->d->servers[s->server], group);
}

/* Outside of where groups are looked for; or through a Global Catalog, which has the groups of other domains without their members. */
static void say_elsewhere(struct directory_session *s, const char *group)
{
	if (!s->why.len && !s->active_directory)
		buf_printf(&s->why, "the group %s, which the rules name, is not below \"%s\", where groups are looked for: see `base`", group, s->groups_base);
	else if (!s->why.len)
		buf_printf(&s->why, "%s does not have all members of the group %s, which the rules name: it is, or holds, a group of another "
		           "domain that is not universal; make that universal, or name a server of its domain", s->d->servers[s->server], group);
}

static int in_any(struct directory_session *s, struct groups_entry *e, enum fb_fact *facts)
{
	/* whoever does not exist takes the same questions, and as long */
	const char *dn = e->dn.len ? buf_cstr(&e->dn) : nobody_dn;
	const struct buf *primary = e->dn.len ? &e->primary : &s->here.sid;

	if (!s->active_directory)
		return climb(s, dn, facts);
	return in_chains(s, dn, facts) == 0 ? in_primary(s, primary, facts) : -1;
}

int groups_of(struct directory_session *s, struct groups_entry *e, enum fb_fact *facts)
{
	int r = s->groups.n ? find_groups(s) : 0;

	for (size_t i = 0; i < s->groups.n && r == 0; i++)
		facts[i] = s->here.dns[i] ? FB_NO : FB_COULD_NOT_TELL;
	if (r == 0 && s->groups.n)
		r = in_any(s, e, facts);
	for (size_t i = 0; i < s->groups.n; i++)
		if (r != 0)
			facts[i] = FB_COULD_NOT_TELL;
		else if (!s->here.dns[i])
			say_missing(s, s->groups.list[i]);
		else if (!e->dn.len)
			facts[i] = FB_NO;
		else if (facts[i] == FB_COULD_NOT_TELL)
			say_elsewhere(s, s->groups.list[i]);
	return r;
}
