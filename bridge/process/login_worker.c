#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/login/login.h"
#include "bridge/process/messages.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/worker.h"

/* What it can answer with yes, for the bridge to offer. */
static uint8_t able(const struct login_acceptor *a)
{
	uint8_t schemes = 0;

	for (unsigned i = 0; i < LOGIN_SCHEMES; i++)
		if (login_acceptor_can(a, (enum login_scheme)i))
			schemes |= (uint8_t)(1u << i);
	return schemes;
}

static int work(void *arg, const uint8_t *job, size_t len, struct buf *reply)
{
	struct login_question q;
	struct login_reply r;

	login_reply_init(&r);
	if (login_question_unpack(job, len, &q))
		login_answer(arg, &q, &r);
	else
		r.result = LOGIN_COULD_NOT_TELL;
	login_reply_pack(reply, &r);
	login_reply_wipe(&r);
	return 0;
}

/* What is missing for a scheme is said, and the others work. */
static struct login_acceptor *prepare(const struct conf *c)
{
	struct conf_problems problems = {0};
	struct login_acceptor *a = login_acceptor_new(c, NULL, &problems);

	for (size_t i = 0; i < problems.n; i++)
		log_event(LOG_LEVEL_WARN, "login-scheme-off", LS("file", problems.list[i].file), LI("line", problems.list[i].line),
		          LS("why", problems.list[i].what), LS("fix", problems.list[i].fix));
	conf_problems_free(&problems);
	login_rehearse(a);
	return a;
}

int login_worker_role(int argc, char **argv)
{
	struct login_acceptor *a;
	struct buf error;
	struct conf *c;
	int r;

	sandbox_hide();
	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (!c) {
		log_error("%s", buf_cstr(&error));
		return 1;
	}
	log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "login-worker");
	a = prepare(c);
	if (sandbox_login_worker() != 0) {
		log_error("the login worker cannot give up its rights: %s", strerror(errno));
		return 1;
	}
	r = worker_loop(&(struct worker_limits){LOGIN_QUESTION_MAX, LOGIN_REPLY_MAX, able(a)}, work, a);
	login_acceptor_free(a);
	conf_free(c);
	return r;
}
