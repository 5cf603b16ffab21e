#ifndef BRIDGE_LOGIN_KERBEROS_H
#define BRIDGE_LOGIN_KERBEROS_H
#include <stdbool.h>
#include "bridge/availability/facts.h"
#include "bridge/base/buf.h"
#include "bridge/login/bytes.h"

/* The acceptor of Kerberos tickets (RFC 4121) over GSSAPI, with keys that are in memory before the sandbox. */
struct kerberos;
enum { KERBEROS_PRINCIPAL_MAX = 400 };

/*
 * Copies the keytab ${path} into memory; tickets for any principal in it will be taken. Without a replay cache: a ticket travels
 * inside our TLS, and what others captured elsewhere is for other services. ${without_pac}: tickets of
 * its realms may lack a PAC. NULL with a sentence in ${error}. Caller frees. One in a process.
 */
struct kerberos *kerberos_new(const char *path, bool without_pac, struct buf *error);
/* Frees it. NULL is allowed. */
void kerberos_free(struct kerberos *k);
/*
 * Is ${token} a good ticket for us? FB_YES writes who came to ${principal}, whether in a realm of our keys to ${ours}, and
 * appends what the client wants to see to ${answer}. ${end_point} (p NULL = none) is checked if the client named a channel
 * binding. A computer's ticket by another name than its own is none, as its PAC ([MS-PAC]) tells, nor is one of a realm of our keys without
 * a PAC, unless kerberos_new() was told otherwise. FB_COULD_NOT_TELL: the library could not do it at all.
 */
enum fb_fact kerberos_accept(struct kerberos *k, struct login_bytes token, struct login_bytes end_point, struct buf *answer,
                             char principal[KERBEROS_PRINCIPAL_MAX + 1], bool *ours);
#endif
