#ifndef BRIDGE_FRONT_AUTH_H
#define BRIDGE_FRONT_AUTH_H
#include "bridge/base/buf.h"

/*
 * The login schemes, one row each in auth.c. Basic is the only row so far; a scheme of several steps (NTLM, Negotiate)
 * gets its row there and its memory in the connection, since such a login belongs to the connection.
 */
enum { AUTH_USER_MAX = 320, AUTH_PASSWORD_MAX = 512 };

enum auth_result {
	AUTH_ABSENT = 0, /* no Authorization, or a scheme that is not offered */
	AUTH_MALFORMED,
	AUTH_PASSWORD    /* user and password are to be checked by a login worker */
};
struct auth_claim {
	char user[AUTH_USER_MAX + 1];         /* UTF-8 */
	char password[AUTH_PASSWORD_MAX + 1];
	const char *credential;               /* what to remember it by: the token itself, borrowed */
};

/* Reads an Authorization field (NULL = absent) into ${claim}; auth_wipe() it after use, whatever came out. */
enum auth_result auth_read(const char *field, struct auth_claim *claim);
/* Forgets the password. */
void auth_wipe(struct auth_claim *claim);
/* Appends the WWW-Authenticate lines with their CRLF, the strongest scheme first. ${realm} is printable ASCII without quotes. */
void auth_challenges(struct buf *out, const char *realm);
/* The strongest scheme offered as POX Autodiscover names it; NULL for Basic, which AuthPackage leaves out. */
const char *auth_package(void);
#endif
