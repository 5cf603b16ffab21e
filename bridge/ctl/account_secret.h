#ifndef BRIDGE_CTL_ACCOUNT_SECRET_H
#define BRIDGE_CTL_ACCOUNT_SECRET_H
#include <stdbool.h>
#include "bridge/ctl/edit.h"
#include "bridge/login/nt_hashes.h"

/* What `account` reads and writes of passwords. */
enum { ACCOUNT_PASSWORD_MAX = 1024 };

/*
 * Reads a password: the first line of ${path}, or (NULL) of standard input, asked for twice on a terminal. False after a
 * sentence. The caller wipes it.
 */
bool account_read_password(const char *path, char password[ACCOUNT_PASSWORD_MAX]);

/* The line of the account ${name} in accounts.conf or the file of NT hashes, or SIZE_MAX. */
size_t account_line(const struct lines *l, const char *name);

struct account_nt_hash {
	bool given;
	uint8_t hash[PKI_MD];
};
/* The NT hash of ${password}. False after a sentence. */
bool account_make_nt_hash(const char *password, struct account_nt_hash *out);
/* Notes in ${edit} that the account ${name} has this NT hash, or, if none is given, none. False after a sentence. */
bool account_edit_nt_hash(struct ctl_edit *edit, const char *name, const struct account_nt_hash *nt);
/* The NT hashes of ${c}, what is wrong with their file printed on standard error; NULL = there are none. Caller frees. */
struct nt_hashes *account_nt_hashes(const struct conf *c);
#endif
