#include <errno.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/directory/job.h"
#include "bridge/directory/session.h"
#include "bridge/process/messages.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/worker.h"

static int work(void *arg, const uint8_t *job, size_t len, struct buf *reply)
{
	return directory_work(arg, job, len, reply);
}

int directory_worker_role(int argc, char **argv)
{
	struct directory_session *session;
	struct buf error;
	struct conf *c;
	int r;

	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (!c || !c->directory) {
		log_error("%s", c ? "the settings have no directory" : buf_cstr(&error));
		return 1;
	}
	conf_forget_passwords(c);
	log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "directory-worker");
	session = directory_session_new(c, &error);
	if (!session) {
		log_error("%s", buf_cstr(&error));
		return 1;
	}
	if (sandbox_network_worker((const char *const[]){c->directory->ca_file, c->directory->keytab}, 2) != 0) {
		log_error("the directory worker cannot give up its rights: %s", strerror(errno));
		return 1;
	}
	r = worker_loop(&(struct worker_limits){.job_max = DIRECTORY_JOB_MAX, .reply_max = DIRECTORY_REPLY_MAX}, work, session);
	directory_session_free(session);
	conf_free(c);
	return r;
}
