#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "bridge/availability/zone.h"
#include "bridge/backend/calendars.h"
#include "bridge/base/log.h"
#include "bridge/process/messages.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/worker.h"

/* From now on ${seconds} of wall time (0 = no limit); then SIGALRM ends the process, whatever it is at. */
static void limit_time(int seconds)
{
	struct itimerval it = {.it_value.tv_sec = seconds};

	setitimer(ITIMER_REAL, &it, NULL);
}

struct calendar_worker {
	const struct conf *c;
	int dir_fd;
};

static int work(void *arg, const uint8_t *job, size_t len, struct buf *reply)
{
	const struct calendar_worker *w = arg;

	limit_time(w->c->worker_seconds);
	calendars_work(w->c, w->dir_fd, job, len, reply);
	limit_time(0);
	return 0;
}

int calendar_worker_role(int argc, char **argv)
{
	struct buf error;
	struct conf *c;
	int dir_fd, r;

	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (!c) {
		log_error("%s", buf_cstr(&error));
		return 1;
	}
	conf_forget_passwords(c);
	log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "calendar-worker");
	dir_fd = open(c->calendars, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0) {
		log_error("calendars = \"%s\": %s. Make the folder, readable for the user that availbridge runs as, or name another.",
		          c->calendars, strerror(errno));
		return 1;
	}
	fb_zone_preload(false);
	if (sandbox_calendar_worker(c->calendars, c->worker_memory_mib) != 0) {
		log_error("the calendar worker cannot give up its rights: %s", strerror(errno));
		return 1;
	}
	struct calendar_worker w = {c, dir_fd};

	r = worker_loop(&(struct worker_limits){.job_max = JOB_MAX, .reply_max = REPLY_MAX}, work, &w);
	close(dir_fd);
	conf_free(c);
	return r;
}
