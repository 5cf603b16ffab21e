#ifndef BRIDGE_ADDRESS_SPACE_TABLE_H
#define BRIDGE_ADDRESS_SPACE_TABLE_H
#include <stdbool.h>
#include "bridge/conf/conf.h"

/*
 * The table SMTP domain -> local, peer or nobody. Exact domains, no inheritance by sub-domains. Hash: 100,000 rows cost what ten
 * do.
 */
struct address_space;

enum as_route { AS_NO_ROW = 0, AS_NOBODY, AS_LOCAL, AS_PEER };

/* Builds the table from ${c} (borrowed for its life). NULL when out of memory. Caller frees. */
struct address_space *address_space_new(const struct conf *c);
/* Frees it. NULL is allowed. */
void address_space_free(struct address_space *t);
/* Where ${domain} (normal) goes. With AS_PEER and AS_LOCAL ${row} (may be NULL) is the row, borrowed. */
enum as_route address_space_route(const struct address_space *t, const char *domain, const struct conf_address_space **row);
/* True if the row of ${domain} points to the peer ${name}: it may speak for and answer for that domain. */
bool address_space_is_of(const struct address_space *t, const char *domain, const char *name);
#endif
