#ifndef BRIDGE_DIRECTORY_CONNECTION_INSIDE_H
#define BRIDGE_DIRECTORY_CONNECTION_INSIDE_H
#include <ldap.h>
#include "bridge/directory/connection.h"

/* Inside connection.c and search.c, the two files that know libldap. */
struct connection {
	LDAP *ld;
	int fd; /* its, for watch_descriptor() */
	const char *url;
};

/*
 * libldap waits for the first byte of a message with a time limit and for the rest without: that much later its connection is
 * cut.
 */
enum { CONNECTION_SPARE_MS = 100 };
/* What is left until ${deadline}, at least a millisecond. */
struct timeval connection_left(int64_t deadline);
/* Appends "URL: WHAT: what libldap, the TLS library and the server say of ${code}". */
void connection_say(struct connection *c, const char *what, int code, struct buf *error);
/*
 * Waits for one message of the operation ${id} until ${deadline}. NULL with a sentence: the operation is then abandoned.
 * Caller frees with ldap_msgfree().
 */
LDAPMessage *connection_wait(struct connection *c, int id, const char *what, int64_t deadline, struct buf *error);
#endif
