#ifndef BRIDGE_DIRECTORY_SERVERS_H
#define BRIDGE_DIRECTORY_SERVERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/conf/directory.h"

/* Which server is tried next: in the order of the settings, those that failed not long ago last. Pure; times are loop_ms(). */
enum { SERVERS_MAX = CONF_DIRECTORY_SERVERS, SERVER_SKIP_MS = 30000, SERVERS_REST_MS = 2000, SERVERS_TICKET_MS = 10000, SERVERS_REFUSED_MS = 30000,
       SERVERS_REFUSED_MOST_MS = 900000 };
struct servers {
	size_t n;
	int64_t skip_until[SERVERS_MAX]; /* 0 = it has not failed */
	int64_t rest_until;              /* all have failed: nobody is asked before this */
	int64_t refused_ms;              /* the last pause after a login that was refused; 0 = the last one worked */
	bool tried[SERVERS_MAX];         /* in this job */
};

/* A new job: every server may be tried once more. */
void servers_begin(struct servers *s);
/* The server to try now, or -1: all were tried in this job, or all failed within the last two seconds. */
int servers_next(struct servers *s, int64_t now);
/* Server ${i} failed. */
void servers_failed(struct servers *s, size_t i, int64_t now);
/* Server ${i} works. */
void servers_work(struct servers *s, size_t i);
/*
 * Our login was refused, as every server would refuse it: nobody is asked for as many ms as this returns, four times the last pause, so that
 * the account is not locked out again and again.
 */
int64_t servers_refused(struct servers *s, int64_t now);
/*
 * There is no ticket to log in with, at any server: nobody is asked for ten seconds, since asking a KDC that is silent takes as long as a
 * look-up may.
 */
void servers_without_ticket(struct servers *s, int64_t now);
#endif
