#ifndef BRIDGE_DIRECTORY_GROUPS_H
#define BRIDGE_DIRECTORY_GROUPS_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/facts.h"
#include "bridge/base/arena.h"
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

struct directory_session;

/*
 * The groups of the directory that any rule or any backend's `serves` mentions, each once, as written there (borrowed from
 * the settings).
 */
struct directory_groups {
	const char **list;
	size_t n;
};
/*
 * Collects them, at most DIRECTORY_GROUPS_MAX: the same list in the same order in every process that has the same settings.
 * Aborts when out of memory. Caller frees with directory_groups_free().
 */
void directory_groups_collect(const struct conf *c, struct directory_groups *out);
/* Frees the list. */
void directory_groups_free(struct directory_groups *g);

/* Worker side: the same groups as the directory has them. */
struct groups_here {
	struct arena *arena;
	const char **dns; /* as the server spells them; NULL = it has no such group */
	bool *universal;  /* Active Directory: every Global Catalog has its members */
	const char ***lacking; /* of each the domains (the last is NULL) some of whose groups are in it without that the server has their members */
	int64_t until;    /* loop_ms(); looked up anew after that */
	struct buf sid;   /* of the primary group that was looked up last: most people have the same */
	struct buf primary; /* its DN; empty = there is none that we see */
};
/* Forgets them. */
void groups_forget(struct groups_here *g);

/* Does the groupType ${type}, a signed number of 32 bits in decimal, say that the group is universal (MS-ADTS 2.2.12)? */
bool groups_type_is_universal(const char *type);
/*
 * Has a server of the domain ${domain} (its defaultNamingContext, "" = unknown) all members of the group ${dn}, which it shows? A
 * Global Catalog shows the groups of other domains too, and of those the members of ${universal} ones alone.
 */
bool groups_all_members_are_at(const char *domain, const char *dn, bool universal);

/* What the groups of an entry are found by. */
struct groups_entry {
	struct buf dn;      /* empty: there is no such entry */
	struct buf primary; /* SID of its primary group, which Active Directory does not keep among the group's members; empty = none */
};
/* Makes ${e} empty. The caller ends with groups_entry_free(). */
void groups_entry_init(struct groups_entry *e);
/* Frees what it holds. */
void groups_entry_free(struct groups_entry *e);
/*
 * Is ${e} in each of the session's groups, directly, by its primary group, or through other groups? Fills ${facts}, one for
 * each, in the order of s->groups. A group that the directory does not have is could-not-tell,
 * and so is one that would be a no where the server does not have its members, with a sentence in s->why. An entry that does not exist
 * is in none. -1: all of them could not be told, the sentence is in s->why.
 */
int groups_of(struct directory_session *s, struct groups_entry *e, enum fb_fact *facts);
#endif
