#ifndef BRIDGE_DIRECTORY_SESSION_INSIDE_H
#define BRIDGE_DIRECTORY_SESSION_INSIDE_H
#include "bridge/directory/connection.h"
#include "bridge/directory/groups.h"
#include "bridge/directory/job.h"
#include "bridge/directory/servers.h"
#include "bridge/directory/session.h"

/* Inside the worker's side: what look-ups see of a session. */
struct directory_session {
	const struct conf *c;
	const struct conf_directory *d;
	struct buf password;
	int64_t ticket_until;
	struct servers servers;
	struct connection *connection; /* bound; NULL = none yet, or it broke */
	size_t server;                 /* of connection */
	bool fresh;                    /* connected in this job: what fails now is not a connection that grew old */
	bool active_directory;         /* as its rootDSE says */
	bool has_domains;              /* and it is a domain controller, not a directory without domains (AD LDS) */
	bool told_oddity;              /* in the log */
	bool is_catalog;               /* and it is asked as a Global Catalog, which shows other domains' groups without most of their members */
	char *configuration, *root;    /* the naming contexts of the forest's configuration and of the server's domain, "" = none */
	char *groups_base;             /* below it groups are looked for where chains are not followed by the server; NULL where they are */
	struct directory_groups groups;
	struct groups_here here;       /* the groups as this directory has them */
	int64_t deadline;              /* of the job, loop_ms() */
	struct buf why;                /* the sentence of what could not be told */
	char said[DIRECTORY_WHY_MAX];  /* the last one in the log, */
	int64_t say_again;             /* which hears it again only after this */
	directory_trace_cb *trace;
	void *trace_arg;
};

/* Begins a job: sets its deadline, forgets the last sentence. */
void session_begin(struct directory_session *s);
/* The attribute's name, "" if the directory has none. */
const char *session_attribute(const struct directory_session *s, enum conf_attribute which);
/* Sees that there is a bound connection to a server. -1 with a sentence in s->why. */
int session_connect(struct directory_session *s);
/*
 * Searches at the present server or, if that fails, at the next; ${step} says for a trace what it is for. As
 * connection_search(), with the sentence in s->why; ${out} is made anew and the caller ends with found_free(), whatever came.
 */
enum search_result session_search(struct directory_session *s, const char *step, const struct directory_query *q, struct found *out);
/* Tells the trace of a ${step} that ${began} (session_us()). */
void session_step(struct directory_session *s, const char *step, int64_t began, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Microseconds of the monotonic clock. */
int64_t session_us(void);
#endif
