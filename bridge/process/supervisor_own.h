#ifndef BRIDGE_PROCESS_SUPERVISOR_OWN_H
#define BRIDGE_PROCESS_SUPERVISOR_OWN_H
#include "bridge/process/folder_watch.h"
#include "bridge/process/generations.h"
#include "bridge/process/invitations.h"
#include "bridge/process/name_watch.h"
#include "bridge/process/opened.h"
#include "bridge/process/recording.h"
#include "bridge/process/rotation.h"
#include "bridge/process/shutting.h"

/* Inside supervisor*.c: all that the supervisor has. */

struct supervisor {
	struct loop *loop;
	char *conf_path;
	int64_t started_ms;
	unsigned number; /* of the newest generation */
	struct plan_check *check;
	struct opened now, next;               /* in force; being tried */
	struct generation *current, *starting; /* with these two */
	struct generations all;                /* they and those that wind down */
	int asker;                             /* who waits for the reload, or -1 */
	struct invitations *invitations;
	struct rotation *rotation;
	struct folder_watch *folder;
	struct name_watch names;
	struct shutting *shutting;
	int budgets;                           /* the memory of what was asked: every bridge gets it */
	struct recording recording;            /* and this */
	bool again; /* somebody asked for a reload while one was under way, which may have read what was before */
	bool stopping;
	int exit_code;
	struct loop_signal *signals[4];
	struct loop_timer *daily;
};

/* supervisor.c: a request of the control socket: ${line}, and ${n} bytes behind it; ${fd} is taken over. ${arg} is the supervisor. */
void supervisor_request(void *arg, int fd, const char *line, const void *rest, size_t n);

/* supervisor_reload.c: the settings are read anew, and a generation is started with them; what comes of it is told to the asker. */
void supervisor_reload(struct supervisor *s);
/* supervisor_reload.c: true while that is under way. */
bool supervisor_reloading(const struct supervisor *s);
/* supervisor_reload.c: says to who waits for the reload, if anybody does, how it ended: an exit code and a sentence. */
void supervisor_answer(struct supervisor *s, int code, const char *text);
/* supervisor_reload.c: ends the loop if it is to stop and no generation is left. */
void supervisor_stop_if_done(struct supervisor *s);
#endif
