#ifndef BRIDGE_DIRECTORY_DN_H
#define BRIDGE_DIRECTORY_DN_H
#include <stdbool.h>

/* Where names of entries (RFC 4514) stand to each other. */

/* Is the DN ${below} ${above} itself or below it? Both may be written with blanks behind their commas; below "" is everything. */
bool dn_is_within(const char *below, const char *above);
/* The part of ${dn} that names its domain: from its first DC= on, "" if it has none. Borrowed from it. */
const char *dn_domain(const char *dn);
/* Is the entry ${dn} in a domain of Active Directory below the domain ${base}, both as the same server spells them? */
bool dn_is_of_child(const char *dn, const char *base);
#endif
