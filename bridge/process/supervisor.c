#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/budget/budget.h"
#include "bridge/process/control_server.h"
#include "bridge/process/generations.h"
#include "bridge/process/invitations.h"
#include "bridge/process/messages.h"
#include "bridge/process/opened.h"
#include "bridge/process/process.h"
#include "bridge/process/recording.h"
#include "bridge/process/rights.h"
#include "bridge/process/rotation.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/segments.h"
#include "bridge/process/shutting.h"

enum { DAY_MS = 24 * 3600 * 1000 };

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
	struct shutting *shutting;
	int budgets;                           /* the memory of what was asked: every bridge gets it */
	struct recording recording;            /* and this */
	bool stopping;
	int exit_code;
	struct loop_signal *signals[4];
	struct loop_timer *daily;
};

/* ---- a new generation: at the start, and at each reload ---- */

static void answer(struct supervisor *s, int code, const char *text)
{
	if (s->asker >= 0)
		control_say(s->loop, s->asker, code, text);
	s->asker = -1;
}

static void stop_if_done(struct supervisor *s)
{
	if (s->stopping && s->all.n == 0)
		loop_stop(s->loop);
}

/* What ${s} lacks to be whole lines. */
static const char *line_end(const char *s)
{
	return s[0] && s[strlen(s) - 1] == '\n' ? "" : "\n";
}

/* The running generation, if there is one, is left as it is; at the start there is none, and that is the end. */
static void reload_failed(struct supervisor *s, const char *why)
{
	struct buf text;

	plan_check_free(s->check);
	s->check = NULL;
	opened_drop(&s->next);
	if (s->current) {
		log_event(LOG_LEVEL_ERROR, "reload-failed", LI("running", generation_number(s->current)), LS("why", why));
		buf_init(&text, MESSAGE_TEXT_MAX * 2);
		buf_printf(&text, "%s%sNothing was changed: generation %u runs on.\n", why, line_end(why), generation_number(s->current));
		answer(s, 1, buf_cstr(&text));
		buf_free(&text);
		rotation_reloaded(s->rotation, NULL, why);
		return;
	}
	rotation_starts(s->rotation, NULL);
	fprintf(stderr, "%s%s", why, line_end(why));
	s->exit_code = 1;
	s->stopping = true;
	stop_if_done(s);
}

static void every_day(void *arg)
{
	struct supervisor *s = arg;

	segments_prune(s->now.plan->audit, (int)s->now.plan->audit_keep_days);
	loop_timer_again(s->daily, DAY_MS);
}

static void on_ready(void *arg, struct generation *g)
{
	struct supervisor *s = arg;
	struct generation *old = s->current;
	const struct plan *plan;
	char text[80];

	s->current = g;
	s->starting = NULL;
	if (old)
		generation_drain(old);
	opened_replace(&s->now, &s->next);
	plan = s->now.plan;
	log_setup(2, plan->log_json, (enum log_level)log_level_named(plan->log_level), "supervisor");
	log_event(LOG_LEVEL_INFO, "serving", LI("generation", generation_number(g)), LS("front", plan->front_listen),
	          LS("link", plan->link_listen), LS("version", VERSION));
	segments_note(plan->audit, generation_number(g), plan->snapshot);
	if (!s->daily)
		s->daily = loop_timer_new(s->loop, 0, every_day, s);
	rotation_reloaded(s->rotation, plan, NULL);
	snprintf(text, sizeof text, "Generation %u runs.\n", generation_number(g));
	answer(s, 0, text);
}

static void on_failed(void *arg, struct generation *g, const char *why)
{
	struct supervisor *s = arg;

	s->starting = NULL;
	generation_end(g);
	reload_failed(s, why);
}

static void on_gone(void *arg, struct generation *g)
{
	struct supervisor *s = arg;

	log_event(LOG_LEVEL_INFO, "generation-gone", LI("generation", generation_number(g)));
	generations_remove(&s->all, g);
	if (s->current == g)
		s->current = NULL;
	generation_free(g);
	stop_if_done(s);
}

static void on_begins(void *arg, struct channel *bridge)
{
	struct supervisor *s = arg;

	channel_send(bridge, MSG_BUDGETS, NULL, 0, s->budgets);
	recording_begin(&s->recording, bridge);
	invitations_begin(s->invitations, bridge);
	rotation_begin(s->rotation, bridge);
}

static void on_said(void *arg, uint16_t type, const uint8_t *data, size_t len)
{
	struct supervisor *s = arg;

	if (type == MSG_SHUT_DONE) {
		shutting_check(s->shutting);
		return;
	}
	invitations_said(s->invitations, type, data, len);
	rotation_said(s->rotation, type, data, len);
}

static size_t tell_all(void *arg, uint16_t type, const void *data, size_t len)
{
	return generations_tell(&((struct supervisor *)arg)->all, type, data, len);
}

static void on_request(void *arg, int fd, const char *line, const void *rest, size_t n);

static void on_checked(void *arg, struct plan *plan, const char *problems)
{
	static const struct generation_events events = {on_ready, on_failed, on_gone, on_begins, on_said};
	struct supervisor *s = arg;
	struct buf error;

	plan_check_free(s->check);
	s->check = NULL;
	if (!plan) {
		reload_failed(s, problems);
		return;
	}
	buf_init(&error, MESSAGE_TEXT_MAX);
	if (s->all.n == GENERATIONS_MAX) {
		plan_free(plan);
		buf_puts(&error, "too many generations are still finishing their work; try again in a while");
	} else if (opened_new(&s->next, s->loop, plan, &s->now, on_request, s, &error) == 0) {
		s->starting = generation_new(s->loop, ++s->number, s->conf_path, plan, s->next.sockets, &events, s, &error);
	}
	if (s->starting && !s->current)
		rotation_starts(s->rotation, plan);
	if (s->starting)
		generations_add(&s->all, s->starting);
	else
		reload_failed(s, buf_cstr(&error));
	shutting_late(s->shutting, s->starting);
	buf_free(&error);
}

static void reload(struct supervisor *s)
{
	rotation_reloads(s->rotation);
	shutting_reads(s->shutting);
	s->check = plan_check_new(s->loop, s->conf_path, on_checked, s);
	if (!s->check)
		reload_failed(s, "cannot start a process to check the settings");
}

static bool reloading(const struct supervisor *s)
{
	return s->check || s->starting;
}

static bool reload_for_rotation(void *arg)
{
	struct supervisor *s = arg;

	if (s->stopping || reloading(s))
		return false;
	reload(s);
	return true;
}

static const struct rotation_doors rotation_doors = {tell_all, reload_for_rotation};

/* ---- the control socket ---- */

static void pack_known(const struct supervisor *s, struct buf *out)
{
	pack_u64(out, (uint64_t)(loop_ms() - s->started_ms));
	pack_u64(out, (uint64_t)getpid());
	generations_pack(&s->all, out);
	invitations_pack(s->invitations, out);
	rotation_pack(s->rotation, out);
}

static void hand_on(struct supervisor *s, int fd, const char *line, const void *rest, size_t n)
{
	struct buf known;

	buf_init(&known, MESSAGE_TEXT_MAX / 2);
	pack_known(s, &known);
	if (s->current && !known.failed && generation_control(s->current, line, buf_ptr(&known), known.len, rest, n, fd) == 0)
		close(fd);
	else
		control_say(s->loop, fd, 1, "The bridge is starting again. Ask once more in a moment.\n");
	buf_free(&known);
}

static void on_request(void *arg, int fd, const char *line, const void *rest, size_t n)
{
	struct supervisor *s = arg;

	if (strcmp(line, "reload") == 0) {
		if (s->stopping || reloading(s)) {
			control_say(s->loop, fd, 1,
			            s->stopping ? "The daemon is ending.\n" : "A reload is under way already. Try again when it has ended.\n");
			return;
		}
		s->asker = fd;
		reload(s);
		return;
	}
	if (invitations_request(s->invitations, fd, line))
		return;
	if (strncmp(line, "peer-shut ", 10) == 0 || strncmp(line, "pin-shut ", 9) == 0) {
		rotation_forget(s->rotation, line);
		shutting_ask(s->shutting, fd, line, s->check != NULL);
		return;
	}
	hand_on(s, fd, line, rest, n);
}

/* ---- signals ---- */

static void on_child(void *arg)
{
	struct supervisor *s = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!invitations_reaped(s->invitations, pid, status) && !rotation_reaped(s->rotation, pid, status))
			generations_reaped(&s->all, pid, status);
	shutting_check(s->shutting);
}

static void on_hangup(void *arg)
{
	struct supervisor *s = arg;

	if (!s->stopping && !reloading(s))
		reload(s);
}

/* The first time everything may finish what it does; the second time it may not. */
static void on_stop(void *arg)
{
	struct supervisor *s = arg;
	bool again = s->stopping;
	size_t i;

	invitations_free(s->invitations);
	s->invitations = invitations_new(s->loop, s->conf_path, tell_all, s);
	rotation_free(s->rotation);
	s->rotation = rotation_new(s->loop, s->conf_path, &rotation_doors, s);
	if (!again)
		log_event(LOG_LEVEL_INFO, "stopping", LI("generations", s->all.n));
	s->stopping = true;
	plan_check_free(s->check);
	s->check = NULL;
	for (i = 0; i < s->all.n; i++)
		if (again || s->all.list[i] == s->starting)
			generation_end(s->all.list[i]);
		else
			generation_drain(s->all.list[i]);
	s->starting = NULL;
	answer(s, 1, "The daemon is ending.\n");
	stop_if_done(s);
}

static void finish(struct supervisor *s)
{
	size_t i;

	if (s->now.plan)
		segments_note(s->now.plan->audit, 0, -1);
	loop_timer_free(s->daily);
	for (i = 0; i < 4; i++)
		loop_signal_free(s->signals[i]);
	opened_drop(&s->now);
	opened_drop(&s->next);
	shutting_free(s->shutting);
	invitations_free(s->invitations);
	rotation_free(s->rotation);
	recording_close(&s->recording);
	free(s->conf_path);
	loop_free(s->loop);
}

/* What can be wrong before anything runs. -1 after a sentence. */
static int open_all(struct supervisor *s, const char *conf_path, const char *trace)
{
	struct buf error;
	int r;

	s->conf_path = realpath(conf_path, NULL);
	if (!s->conf_path) {
		fprintf(stderr, "%s: %s. Make the settings with `availbridge init`, or name the file with -c.\n", conf_path, strerror(errno));
		return -1;
	}
	s->budgets = budget_make();
	if (s->budgets < 0) {
		fprintf(stderr, "There is no memory for the budgets: %s\n", strerror(errno));
		return -1;
	}
	buf_init(&error, 2 * PATH_MAX);
	r = recording_open(&s->recording, trace, &error);
	if (r != 0)
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_free(&error);
	return r;
}

int process_supervise(const char *conf_path, const char *trace)
{
	struct supervisor s = {.asker = -1, .started_ms = loop_ms()};
	struct rlimit none = {0, 0};

	log_setup(2, false, LOG_LEVEL_INFO, "supervisor");
	setrlimit(RLIMIT_CORE, &none);
	rights_raise_descriptors();
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sandbox_hide(); /* the snapshot of the settings has the accounts' hashes */
	if (open_all(&s, conf_path, trace) != 0) {
		free(s.conf_path);
		return 1;
	}
	s.loop = loop_new();
	s.shutting = shutting_new(s.loop, &s.all);
	s.invitations = invitations_new(s.loop, s.conf_path, tell_all, &s);
	s.rotation = rotation_new(s.loop, s.conf_path, &rotation_doors, &s);
	s.signals[0] = loop_signal_new(s.loop, SIGCHLD, on_child, &s);
	s.signals[1] = loop_signal_new(s.loop, SIGHUP, on_hangup, &s);
	s.signals[2] = loop_signal_new(s.loop, SIGTERM, on_stop, &s);
	s.signals[3] = loop_signal_new(s.loop, SIGINT, on_stop, &s);
	reload(&s);
	if (!s.stopping)
		loop_run(s.loop);
	finish(&s);
	return s.exit_code;
}
