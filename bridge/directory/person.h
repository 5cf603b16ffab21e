#ifndef BRIDGE_DIRECTORY_PERSON_H
#define BRIDGE_DIRECTORY_PERSON_H
#include "bridge/directory/job.h"
#include "bridge/directory/session_inside.h"

/* Finding the one entry of a mailbox, a person or a contact, and reading what it says. Worker side. */

enum { PERSON_FILTER_MAX = 32768, PERSON_CANDIDATES = 10 };

/* Whom to look for: made by requester.c or look_up.c. */
struct person_search {
	const char *step;      /* for the trace */
	const char *base;      /* where */
	const char *filter;    /* a part in parentheses; the class of a person is added */
	const char *address;   /* if not NULL: only entries that bear this address count, whatever the server thought a match was */
	const char *domain;    /* if not NULL: only entries with a mail or an alias in this domain (normal) count */
	const char *asked;     /* how the sentences call it */
	bool one_domain;       /* base is a domain of Active Directory: nobody counts of a domain below it, which a Global Catalog has there */
};
/*
 * Finds exactly one entry and reads it into ${a} (exists, hidden, disabled, address, moved_to, dn, server); what its groups
 * are found by goes to ${e}. Two entries are could-not-tell. The sentence goes to s->why.
 */
void person_find(struct directory_session *s, const struct person_search *what, struct directory_answer *a, struct groups_entry *e);
/*
 * Appends the parts of a filter that find ${address}: one of ours by its mail and aliases, another's by the target of a
 * contact as well.
 */
void person_address_filter(const struct directory_session *s, const char *address, struct buf *filter);
/* Is ${domain} one of our own? */
bool person_domain_is_ours(const struct conf *c, const char *domain);
/*
 * What ${value} (of the attribute ${name}) says of being disabled: userAccountControl by its bit, what ppolicy locked for
 * ever, or a truth value.
 */
enum fb_fact person_disabled_value(const char *name, const char *value);
#endif
