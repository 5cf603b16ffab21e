#ifndef BRIDGE_CONF_SECRET_H
#define BRIDGE_CONF_SECRET_H
#include "bridge/base/buf.h"

/* Passwords by reference: they never stand in the settings. Part of conf.h. */
struct conf;
struct conf_problems;

/* Where a password stands; at most one of the two is set. It is read by conf_secret_read() alone. */
struct conf_secret {
	char *file;       /* a path */
	char *credential; /* a name in systemd's $CREDENTIALS_DIRECTORY */
};

/*
 * Appends the password of ${s} to ${out}, whose ceiling is the limit; the caller wipes it. One newline at its end is not counted. -1 with a
 * sentence in ${error}: there is none, it cannot be read, others than its owner have a right to it, its owner is neither root nor whom
 * we run as, or it is empty or more than one line.
 */
int conf_secret_read(const struct conf *c, const struct conf_secret *s, struct buf *out, struct buf *error);
/*
 * Reads the passphrase of private keys, if there is one, and has pki/ use it in this process (pki/key.h). -1 with a sentence in
 * ${error}.
 */
int conf_key_passphrase(const struct conf *c, struct buf *error);
/* Reads the passwords of all backends and of the directory, and forgets them: what is wrong with one is added to ${problems}. */
void conf_secrets_check(const struct conf *c, struct conf_problems *problems);
/*
 * Whose the files of private keys are, of the front, the link and the backends, and who has a right to them: what is wrong is added to
 * ${problems}.
 */
void conf_keys_check(const struct conf *c, struct conf_problems *problems);
#endif
