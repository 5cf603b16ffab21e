#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/directory/look_up.h"
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

/* ---- those who have no account: the directory knows them, by a session of this worker's own ---- */

static enum fb_fact bind_as(void *arg, const char *user, const char *password, char address[FB_ADDRESS_MAX + 1], struct buf *why)
{
	return arg ? directory_login(arg, user, password, address, why) : FB_COULD_NOT_TELL;
}

static enum fb_fact of_principal(void *arg, const char *principal, char address[FB_ADDRESS_MAX + 1])
{
	static enum fb_fact groups[DIRECTORY_GROUPS_MAX];
	struct directory_answer a = {.groups = groups};

	if (!arg)
		return FB_COULD_NOT_TELL;
	directory_session_look_up(arg, DIRECTORY_PRINCIPAL, principal, &a);
	if (a.exists == FB_YES && (a.disabled || !*a.address))
		return FB_NO;
	if (a.exists == FB_YES)
		strcpy(address, a.address);
	return a.exists;
}

/* NULL if the settings want nothing of it, or after a line in the log why it cannot be asked: then it could not tell of anybody. */
static struct directory_session *open_directory(const struct conf *c, struct login_directory *d)
{
	struct directory_session *s = NULL;
	struct buf error;

	if (!c->directory || (!c->directory->login && !*c->keytab))
		return NULL;
	buf_init(&error, MESSAGE_TEXT_MAX);
	s = directory_session_new(c, &error);
	if (!s)
		log_error("%s", buf_cstr(&error));
	buf_free(&error);
	*d = (struct login_directory){c->directory->login ? bind_as : NULL, *c->keytab ? of_principal : NULL, s};
	return s;
}

/* ---- the role ---- */

/* What is missing for a scheme is said, and the others work. */
static struct login_acceptor *prepare(const struct conf *c, const struct login_directory *d)
{
	struct conf_problems problems = {0};
	struct login_acceptor *a = login_acceptor_new(c, d, &problems);

	for (size_t i = 0; i < problems.n; i++)
		log_event(LOG_LEVEL_WARN, "login-scheme-off", LS("file", problems.list[i].file), LI("line", problems.list[i].line),
		          LS("why", problems.list[i].what), LS("fix", problems.list[i].fix));
	conf_problems_free(&problems);
	login_rehearse(a);
	return a;
}

static int give_up_rights(const struct conf *c, const struct directory_session *s)
{
	int r = s ? sandbox_network_worker((const char *const[]){c->directory->ca_file, c->directory->keytab}, 2) : sandbox_login_worker();

	if (r != 0)
		log_error("the login worker cannot give up its rights: %s", strerror(errno));
	return r;
}

int login_worker_role(int argc, char **argv)
{
	struct directory_session *session;
	struct login_directory directory = {0};
	struct login_acceptor *a;
	struct buf error;
	struct conf *c;
	int r = 1;

	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (!c) {
		log_error("%s", buf_cstr(&error));
		return 1;
	}
	log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "login-worker");
	session = open_directory(c, &directory);
	a = prepare(c, &directory);
	if (give_up_rights(c, session) == 0)
		r = worker_loop(&(struct worker_limits){LOGIN_QUESTION_MAX, LOGIN_REPLY_MAX, able(a)}, work, a);
	login_acceptor_free(a);
	directory_session_free(session);
	conf_free(c);
	return r;
}
