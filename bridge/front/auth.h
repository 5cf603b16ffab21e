#ifndef BRIDGE_FRONT_AUTH_H
#define BRIDGE_FRONT_AUTH_H
#include "bridge/base/buf.h"
#include "bridge/login/login.h"

/* The login schemes as HTTP's fields write them (RFC 9110 11, RFC 7617, RFC 4559, [MS-NTHT]), one row each in auth.c. */
enum { AUTH_USER_MAX = 320 };
#define AUTH_OFFER(scheme) (1u << (scheme)) /* of a set of schemes that are offered */

enum auth_result {
	AUTH_ABSENT = 0, /* no Authorization */
	AUTH_UNKNOWN,    /* a scheme that is not offered */
	AUTH_MALFORMED,
	AUTH_CLAIM       /* to be checked by a login worker */
};
struct auth_claim {
	enum login_scheme scheme;
	char user[AUTH_USER_MAX + 1];          /* Basic, UTF-8; else "" */
	char password[LOGIN_PASSWORD_MAX + 1];
	struct buf token;                      /* the others: what the client sent */
	const char *credential;                /* what to remember it by: the token as text, borrowed */
};

/*
 * Reads an Authorization field (NULL = absent) into ${claim}, by the schemes of ${offered}; auth_wipe() it after use, whatever
 * came out.
 */
enum auth_result auth_read(const char *field, unsigned offered, struct auth_claim *claim);
/* Forgets what was claimed. */
void auth_wipe(struct auth_claim *claim);
/*
 * Appends the WWW-Authenticate lines of ${offered} with their CRLF, the strongest scheme first. ${realm} is printable ASCII
 * without quotes.
 */
void auth_challenges(struct buf *out, unsigned offered, const char *realm);
/* Appends the names of ${offered} in the same order, with ", " between them. */
void auth_put_names(struct buf *out, unsigned offered);
/* Appends the one line by which ${scheme} goes on with ${token}. */
void auth_challenge(struct buf *out, enum login_scheme scheme, const struct buf *token);
/* The scheme's name. */
const char *auth_name(enum login_scheme scheme);
/*
 * How POX Autodiscover calls what ${offered} has (AuthPackage, [MS-OXDSCLI] 2.2.4.1.1.2.6.4); NULL where Basic is all, or would
 * be left out by a word.
 */
const char *auth_package(unsigned offered);
#endif
