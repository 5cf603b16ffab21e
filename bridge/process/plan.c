#include "bridge/process/plan.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/conf/conf.h"
#include "bridge/process/messages.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/spawn.h"
#include "pki/rotation.h"

enum { CHECK_MS = 15000, CHECK_CPU_SECONDS = 10 };

struct plan_check {
	struct channel *channel;
	struct loop_timer *timer;
	pid_t pid;
	int snapshot; /* -1 once it went with the plan */
	plan_cb *cb;
	void *arg;
};

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->front_listen);
	free(p->link_listen);
	free(p->control_socket);
	free(p->user);
	free(p->log_level);
	free(p->state_dir);
	free(p->front_certificate);
	free(p->front_key);
	free(p->calendars);
	if (p->snapshot >= 0)
		close(p->snapshot);
	if (p->audit >= 0)
		close(p->audit);
	free(p);
}

static int64_t front_expires(const struct conf *c)
{
	int64_t from, until;
	struct buf why;
	int r;

	buf_init(&why, 1024);
	r = pki_cert_dates(c->front_certificate, &from, &until, &why); /* what is wrong with it is the TLS recipe's complaint */
	buf_free(&why);
	return r == 0 ? until : 0;
}

static void pack_plan(struct buf *b, const struct conf *c)
{
	pack_str(b, c->front_listen);
	pack_str(b, c->link_listen);
	pack_str(b, c->control_socket);
	pack_str(b, c->user ? c->user : "");
	pack_str(b, c->log_level);
	pack_str(b, c->state_dir);
	pack_str(b, c->front_certificate);
	pack_str(b, c->front_key);
	pack_str(b, c->calendars);
	pack_u64(b, (uint64_t)front_expires(c));
	pack_u8(b, strcmp(c->log_format, "json") == 0);
	pack_u32(b, (uint32_t)c->bridges);
	pack_u32(b, (uint32_t)c->calendar_workers);
	pack_u32(b, (uint32_t)c->login_workers);
	pack_u32(b, c->directory ? (uint32_t)c->directory_workers : 0);
	pack_u32(b, (uint32_t)c->n_backends);
	pack_u32(b, (uint32_t)c->hard_stop_ms);
	pack_u32(b, (uint32_t)c->audit_keep_days);
}

static char *unpack_copy(struct unpack *u)
{
	const char *s = unpack_str(u);

	if (!s)
		u->bad = true;
	return s ? strdup(s) : NULL;
}

static struct plan *unpack_plan(const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	struct plan *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->snapshot = p->audit = -1;
	p->front_listen = unpack_copy(&u);
	p->link_listen = unpack_copy(&u);
	p->control_socket = unpack_copy(&u);
	p->user = unpack_copy(&u);
	p->log_level = unpack_copy(&u);
	p->state_dir = unpack_copy(&u);
	p->front_certificate = unpack_copy(&u);
	p->front_key = unpack_copy(&u);
	p->calendars = unpack_copy(&u);
	p->front_expires = (int64_t)unpack_u64(&u);
	p->log_json = unpack_u8(&u);
	p->bridges = unpack_u32(&u);
	p->calendar_workers = unpack_u32(&u);
	p->login_workers = unpack_u32(&u);
	p->directory_workers = unpack_u32(&u);
	p->backends = unpack_u32(&u);
	p->hard_stop_ms = unpack_u32(&u);
	p->audit_keep_days = unpack_u32(&u);
	if (!unpack_done(&u) || p->bridges < 1 || p->bridges > 64 || p->calendar_workers > 256 || p->login_workers > 256 ||
	    p->directory_workers > 256 ||
	    p->backends > 256) {
		plan_free(p);
		return NULL;
	}
	return p;
}

/* The first word from the child is the last: the callback may start the next check. */
static void finish(struct plan_check *c, struct plan *plan, const char *problems)
{
	plan_cb *cb = c->cb;

	c->cb = NULL;
	loop_timer_free(c->timer);
	c->timer = NULL;
	if (cb)
		cb(c->arg, plan, problems);
	else
		plan_free(plan);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct plan *plan = type == MSG_PLAN ? unpack_plan(data, len) : NULL;
	struct plan_check *c = arg;
	struct buf text;

	if (plan && snapshot_seal(c->snapshot) == 0) {
		plan->snapshot = c->snapshot;
		c->snapshot = -1;
	}

	buf_init(&text, MESSAGE_TEXT_MAX + 1);
	if (type == MSG_PROBLEMS)
		buf_add(&text, data, len);
	else
		buf_puts(&text, "the settings are out of range\n");
	finish(arg, plan, plan ? NULL : buf_cstr(&text));
	buf_free(&text);
}

static void on_end(void *arg, const char *why)
{
	finish(arg, NULL,
	       "the settings could not be read: the reader gave up on them. Look for @include, a very long list or a string that is "
	       "never closed; the log may say more.\n");
}

static void too_long(void *arg)
{
	struct plan_check *c = arg;

	kill(c->pid, SIGKILL);
	finish(c, NULL, "the settings could not be checked in time. Look for a very long list.\n");
}

struct plan_check *plan_check_new(struct loop *l, const char *conf_path, plan_cb *cb, void *arg)
{
	struct plan_check *c = calloc(1, sizeof *c);
	char parent[24], *argv[] = {"availbridge", "@check", (char *)conf_path, parent, NULL};
	int pair[2];

	snprintf(parent, sizeof parent, "%ld", (long)getpid());
	if (!c || spawn_socketpair(pair) != 0) {
		free(c);
		return NULL;
	}
	c->snapshot = snapshot_new();
	c->pid = c->snapshot < 0 ? -1 : spawn(argv, (int[]){pair[1], c->snapshot}, 2);
	close(pair[1]);
	if (c->pid < 0) {
		if (c->snapshot >= 0)
			close(c->snapshot);
		close(pair[0]);
		free(c);
		return NULL;
	}
	c->cb = cb;
	c->arg = arg;
	c->channel = channel_new(l, pair[0], MESSAGES(messages_from_check), on_message, on_end, c);
	c->timer = loop_timer_new(l, CHECK_MS, too_long, c);
	return c;
}

void plan_check_free(struct plan_check *c)
{
	if (!c)
		return;
	channel_free(c->channel);
	loop_timer_free(c->timer);
	if (c->snapshot >= 0)
		close(c->snapshot);
	free(c);
}

int plan_check_role(const char *conf_path)
{
	struct rlimit cpu = {CHECK_CPU_SECONDS, CHECK_CPU_SECONDS};
	struct conf_problems problems = {0};
	struct conf *c;
	struct buf out;
	size_t i;
	int r;

	setrlimit(RLIMIT_CPU, &cpu);
	buf_init(&out, MESSAGE_TEXT_MAX);
	c = conf_load(conf_path, &problems); /* with all that is checked of files as files */
	if (c) { /* then what will be used is what has been checked */
		conf_free(c);
		c = NULL;
		if (snapshot_take(SNAPSHOT_FD, conf_path) == 0)
			c = snapshot_load(SNAPSHOT_FD, conf_path, &problems);
		else
			conf_problem_add(&problems, conf_path, 0, "Try again.", "the files changed while they were read");
	}
	if (c) {
		conf_keys_check(c, &problems);
		conf_secrets_check(c, &problems);
	}
	for (i = 0; i < problems.n && out.len < MESSAGE_TEXT_MAX / 2; i++) {
		const struct conf_problem *p = &problems.list[i];

		buf_puts(&out, p->file);
		if (p->line)
			buf_printf(&out, ":%d", p->line);
		buf_printf(&out, ": %s.%s%s\n", p->what, p->fix[0] ? " " : "", p->fix);
	}
	if (problems.n == 0 && c)
		pack_plan(&out, c);
	r = channel_write_blocking(SPAWN_FIRST_FD, problems.n == 0 && c ? MSG_PLAN : MSG_PROBLEMS, buf_ptr(&out), out.len);
	conf_problems_free(&problems);
	conf_free(c);
	buf_free(&out);
	return r == 0 ? 0 : 1;
}
