#include "bridge/process/opened.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
	/* The control socket first: it knows best whether these settings are served already. */
	if (!before->plan || strcmp(before->plan->control_socket, plan->control_socket) != 0) {
		fd = listen_control(plan->control_socket, uid, gid, error);
		if (fd < 0)
			return -1;
		o->control = control_server_new(l, fd, cb, arg);
	}
	/* In a folder that is served already some segments are open and must stay so. */
	if (before->plan && strcmp(before->plan->state_dir, plan->state_dir) == 0) {
		plan->audit = fcntl(before->plan->audit, F_DUPFD_CLOEXEC, 3);
		if (plan->audit < 0)
			buf_printf(error, "the audit's folder cannot be kept open: %s", strerror(errno));
	} else
		plan->audit = segments_folder(plan->state_dir, uid, gid, error);
	if (plan->audit < 0)
		return -1;
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
	if (o->control)
		unlink(o->plan->control_socket);
	control_server_free(o->control);
	listen_pair_free(o->sockets);
	plan_free(o->plan);
	*o = (struct opened){0};
}
