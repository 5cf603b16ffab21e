#include "bridge/process/opened.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "bridge/process/rights.h"
#include "bridge/process/segments.h"

int opened_new(struct opened *o, struct loop *l, struct plan *plan, const struct opened *before, control_request_cb *cb, void *arg,
               struct buf *error)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int fd;

	*o = (struct opened){.plan = plan};
	if (uid == 0 && plan->user[0] && rights_user(plan->user, &uid, &gid, error) != 0)
		return -1;
	/* In a folder that is served already some segments are open and must stay so. */
	if (before->plan && segments_are_in(before->plan->audit, plan->state_dir)) {
		plan->audit = fcntl(before->plan->audit, F_DUPFD_CLOEXEC, 3);
		if (plan->audit < 0)
			buf_printf(error, "the audit's folder cannot be kept open: %s", strerror(errno));
	} else
		plan->audit = segments_folder(plan->state_dir, uid, gid, error);
	if (plan->audit < 0)
		return -1;
	/* Behind that, which one daemon can have: two that start at once would take each other's. */
	if (!before->control || !control_server_is_at(before->control, plan->control_socket)) {
		fd = listen_control(plan->control_socket, uid, gid, error);
		if (fd < 0)
			return -1;
		o->control = control_server_new(l, fd, plan->control_socket, cb, arg);
	}
	o->sockets = listen_pair_open(plan->front_listen, plan->link_listen, before->sockets, error);
	if (!o->sockets)
		return -1;
	return getuid() == 0 && plan->user[0] ? rights_drop_root(plan->user, uid, gid, error) : 0;
}

void opened_replace(struct opened *now, struct opened *next)
{
	struct control_server *control = now->control;

	if (!next->control) {
		now->control = NULL;
		next->control = control;
	}
	opened_drop(now);
	*now = *next;
	*next = (struct opened){0};
}

void opened_drop(struct opened *o)
{
	if (o->control && control_server_is_at(o->control, o->plan->control_socket))
		unlink(o->plan->control_socket);
	control_server_free(o->control);
	listen_pair_free(o->sockets);
	plan_free(o->plan);
	*o = (struct opened){0};
}
