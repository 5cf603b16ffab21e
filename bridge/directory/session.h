#ifndef BRIDGE_DIRECTORY_SESSION_H
#define BRIDGE_DIRECTORY_SESSION_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/address.h"
#include "bridge/availability/facts.h"
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/*
 * The worker's side of the directory: blocking look-ups at the servers of directory.conf, one at a time. Whatever goes wrong
 * with a server is "could not tell" with a sentence, never "no": the next server is tried, one that failed is passed over for
 * a while, and after all have failed nobody is asked for two seconds.
 */
struct directory_session;

/*
 * For the settings ${c} (borrowed for its life), which have a directory. Reads the password; connects at the first use. To be
 * called before the sandbox; it ignores SIGPIPE, uses SIGALRM while it works, and sets LDAPNOINIT, RES_OPTIONS and, for
 * Kerberos, KRB5CCNAME in the environment. NULL with a sentence. Caller frees.
 */
struct directory_session *directory_session_new(const struct conf *c, struct buf *error);
/* Closes the connection and wipes the password. NULL is allowed. */
void directory_session_free(struct directory_session *s);
/*
 * How long one job may take, in milliseconds, with the `timeout` of ${c}: what a pool should wait for before it gives a
 * worker up.
 */
int64_t directory_job_ms(const struct conf *c);

/*
 * What of the settings does not fit to the server that was asked last: a sentence, or NULL. directory_work() logs it once.
 */
const char *directory_session_oddity(const struct directory_session *s);
/*
 * Does the packed ${job} (made by directory.c) and appends the packed reply. 0, or -1 if the job cannot be read or the reply
 * did not fit: the worker should end. Why something could not be told is logged here, once in a while for each sentence.
 */
int directory_work(struct directory_session *s, const uint8_t *job, size_t len, struct buf *reply);

/*
 * Is ${password} that of ${user}, who types DOMAIN\NAME, a UPN, an address or a bare account name? By a bind of its own over
 * TLS. FB_YES: the person's canonical address is in ${address}. FB_NO: no such person, disabled, without an address of ours,
 * a wrong or an empty password (which is never sent); the same work is done for a name that nobody has, and each no comes at
 * a full fifth of a second; why is appended to ${why}. FB_COULD_NOT_TELL: no server answered, or the name has two owners; the sentence is in
 * the log.
 */
enum fb_fact directory_login(struct directory_session *s, const char *user, const char *password, char address[FB_ADDRESS_MAX + 1],
                             struct buf *why);

/* Called for each step of a look-up: what was done, how long it took, what came of it. For `directory test`. */
typedef void directory_trace_cb(void *arg, const char *step, int64_t us, const char *outcome);
/* Has every step of ${s} told to ${cb} from now on. */
void directory_session_trace(struct directory_session *s, directory_trace_cb *cb, void *arg);
#endif
