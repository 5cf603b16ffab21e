#ifndef BRIDGE_DIRECTORY_REQUESTER_H
#define BRIDGE_DIRECTORY_REQUESTER_H
#include "bridge/directory/person.h"

/* From what a login or a SOAP header calls somebody to the one entry of that person. Worker side. */

/*
 * Finds the person whose ${kind} of name is ${text}, as person_find(). A name that is none, or of a domain that this
 * directory does not know, is nobody. A bare account name or DOMAIN\NAME is looked for where the domain's accounts are; a
 * name with an '@' among UPNs, addresses, and accounts of the domain behind the '@'.
 * A principal is the account of that name in the realm's domain, else whose UPN it is, as for the KDC (MS-KILE 3.3.5.6.1);
 * never an address.
 */
void requester_find(struct directory_session *s, enum directory_kind kind, const char *text, struct directory_answer *a,
                    struct groups_entry *e);
#endif
