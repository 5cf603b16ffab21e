#ifndef BRIDGE_PROCESS_PLAN_H
#define BRIDGE_PROCESS_PLAN_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "bridge/base/loop.h"

/*
 * What the supervisor needs of the settings. It never reads a configuration itself (the parser may end its process, or take its
 * time): a throwaway child does, under limits, and sends this.
 */
struct plan {
	char *front_listen, *link_listen, *control_socket, *user, *log_level, *state_dir;
	char *front_certificate, *front_key, *calendars;
	int64_t front_expires; /* seconds since 1970; 0 = not known */
	bool log_json;
	uint32_t bridges, calendar_workers, login_workers, directory_workers, backends, hard_stop_ms, audit_keep_days;
	/* directory_workers is 0 without a directory, backends how many are configured */
	int snapshot; /* of all files, as they were checked (snapshot.h); closed with the plan */
	int audit;    /* the audit's folder, -1 until the supervisor opens it; closed with the plan */
};

/* Frees it. NULL is allowed. */
void plan_free(struct plan *p);

/* The check's result: ${plan} is the receiver's to free; or NULL and ${problems}, sentences with a newline each. */
typedef void plan_cb(void *arg, struct plan *plan, const char *problems);
struct plan_check;
/* Starts the child that checks the settings in ${conf_path}; exactly one ${cb}, within 15 s. NULL with errno if it cannot start. */
struct plan_check *plan_check_new(struct loop *l, const char *conf_path, plan_cb *cb, void *arg);
/* Ends it without the callback, or after it. NULL is allowed. */
void plan_check_free(struct plan_check *c);

/* The role @check: checks ${conf_path} fills the snapshot and sends the result over descriptor 3. Returns an exit code. */
int plan_check_role(const char *conf_path);
#endif
