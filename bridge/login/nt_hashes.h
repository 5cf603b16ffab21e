#ifndef BRIDGE_LOGIN_NT_HASHES_H
#define BRIDGE_LOGIN_NT_HASHES_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/conf/conf.h"
#include "pki/legacy.h"

/*
 * The file of NT hashes (setting nt_hashes): one account a line, NAME nt=32HEX. Such a hash is as good as the password, for NTLM,
 * so the file is read by login workers, `check` and `account` alone, and refused if group or others may read it.
 */
struct nt_hashes;
/*
 * Reads c->nt_hashes. What is wrong is added to ${problems}; lines that are right count. NULL if the file is missing or cannot be
 * used at all. Caller frees.
 */
struct nt_hashes *nt_hashes_read(const struct conf *c, struct conf_problems *problems);
/* Wipes and frees. NULL is allowed. */
void nt_hashes_free(struct nt_hashes *h);
/* The hash of the account called ${name}, NULL if it has none. Borrowed. The same work whether it has one or not. */
const uint8_t *nt_hashes_of(const struct nt_hashes *h, const char *name);
/* How many of the accounts of ${c} have one. */
size_t nt_hashes_usable(const struct nt_hashes *h, const struct conf *c);
/* Appends the account's line for the file. */
void nt_hashes_put_line(struct buf *out, const char *name, const uint8_t hash[PKI_MD]);
#endif
