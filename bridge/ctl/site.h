#ifndef BRIDGE_CTL_SITE_H
#define BRIDGE_CTL_SITE_H
#include <stdio.h>
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/* The site that a verb works on: its settings and its daemon. */

/* The settings of ${conf_path}, or NULL after every problem was printed on standard error. Caller frees. */
struct conf *ctl_load(const char *conf_path);
/*
 * The same for the form of ${verb} that lists all there is: it takes no word and no option but --json. NULL after sentences; then
 * ${*code} is the exit code. Caller frees.
 */
struct conf *ctl_load_list(int argc, char **argv, const char *conf_path, const char *verb, bool *json, int *code);
/*
 * For a child that looks at files: where root runs the verb it becomes the user that the daemon runs as by ${c} (setting user), for good, since root
 * may read what that user may not. -1 with a sentence.
 */
int ctl_become_daemon(const struct conf *c, struct buf *error);
/* The settings as that user sees them, with this process become it. NULL with problems added. Caller frees. */
struct conf *ctl_load_as_daemon(const char *conf_path, struct conf_problems *problems);
/* Prints each problem as FILE:LINE: what. fix */
void ctl_problems_print(FILE *out, const struct conf_problems *p);
/* The normal form of ${s}, an address or a domain, goes to ${out}. False if it is neither. */
bool ctl_who(const char *s, char out[FB_ADDRESS_MAX + 1]);

/* Bytes of a list of all rules or rows, which may be a million of each: as much as 16 MiB of lines can come to. */
#define CTL_LIST_MAX ((size_t)1 << 30)

/* A reload: the check of the settings, and the new processes until they are ready. */
enum { CTL_RELOAD_MS = 60000 };
enum ctl_daemon { CTL_DAEMON_SILENT = 0, CTL_DAEMON_ABSENT, CTL_DAEMON_ANSWERED };
/*
 * Sends ${request} to the daemon of ${conf_path} (its socket by the settings, or the usual one if those cannot be read). With
 * CTL_DAEMON_ANSWERED ${code} is its exit code and ${reply} its text; with CTL_DAEMON_SILENT it is there, or might be, and
 * ${reply} says in a sentence why it did not answer.
 */
enum ctl_daemon ctl_daemon_call(const char *conf_path, const char *request, int timeout_ms, int *code, struct buf *reply);
/*
 * Has the daemon take the files as they are now; ${code} and ${reply} as above. A reload that is under way, which the daemon may have begun by
 * itself, may have read them as they were: ours comes after it, for which it waits up to a minute.
 */
enum ctl_daemon ctl_daemon_reload(const char *conf_path, int *code, struct buf *reply);
/*
 * Puts the EWS ${request} of ${who}, an address or domain of ours in normal form, to the daemon. 0 with the EWS reply, which may be a fault, appended
 * to ${reply}; -1 with a sentence in ${error} if there is none within ${timeout_ms}, or the daemon does not take the question.
 */
int ctl_ask_ews(const struct conf *c, const char *who, struct buf *request, int timeout_ms, struct buf *reply, struct buf *error);
#endif
