#include "bridge/process/supervisor_own.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "bridge/process/messages.h"
#include "bridge/process/process.h"
#include "bridge/process/rights.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/segments.h"

/* The supervisor from its start to its end: signals and the control socket. */

static size_t tell_all(void *arg, uint16_t type, const void *data, size_t len)
{
	return generations_tell(&((struct supervisor *)arg)->all, type, data, len);
}

/* For those who look for changes. */
static bool reload_if_idle(void *arg)
{
	struct supervisor *s = arg;

	if (s->stopping || supervisor_reloading(s))
		return false;
	supervisor_reload(s);
	return true;
}

static const struct rotation_doors rotation_doors = {tell_all, reload_if_idle};

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

void supervisor_request(void *arg, int fd, const char *line, const void *rest, size_t n)
{
	struct supervisor *s = arg;

	if (strcmp(line, "reload") == 0) {
		if (s->stopping || supervisor_reloading(s)) {
			control_say(s->loop, fd, 1,
			            s->stopping ? "The daemon is ending.\n" : "A reload is under way already. Try again when it has ended.\n");
			return;
		}
		s->asker = fd;
		supervisor_reload(s);
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
		if (!invitations_reaped(s->invitations, pid, status) && !rotation_reaped(s->rotation, pid, status) &&
		    !name_watch_reaped(&s->names, pid, status))
			generations_reaped(&s->all, pid, status);
	shutting_check(s->shutting);
}

static void on_hangup(void *arg)
{
	struct supervisor *s = arg;

	if (supervisor_reloading(s))
		s->again = true;
	else if (!s->stopping)
		supervisor_reload(s);
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
	supervisor_answer(s, 1, "The daemon is ending.\n");
	supervisor_stop_if_done(s);
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
	folder_watch_free(s->folder);
	name_watch_end(&s->names);
	recording_close(&s->recording);
	free(s->conf_path);
	loop_free(s->loop);
}

/*
 * The whole path of ${path}, malloc'd; NULL with errno if nothing is there. No link on the way is followed here: where one is turned to
 * another folder, the next reload takes what it leads to, as each verb does.
 */
static char *whole_path(const char *path)
{
	char here[PATH_MAX], *whole = NULL;

	if (access(path, F_OK) != 0 || (path[0] != '/' && !getcwd(here, sizeof here)))
		return NULL;
	if (asprintf(&whole, "%s%s%s", path[0] == '/' ? "" : here, path[0] == '/' ? "" : "/", path) < 0)
		abort();
	return whole;
}

/* What can be wrong before anything runs. -1 after a sentence. */
static int open_all(struct supervisor *s, const char *conf_path, const char *trace)
{
	struct buf error;
	int r;

	s->conf_path = whole_path(conf_path);
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

/* What is typed where the daemon was started is for none of its processes to read. */
static void leave_input(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, 0);
		close(null);
	}
}

int process_supervise(const char *conf_path, const char *trace)
{
	struct supervisor s = {.asker = -1, .started_ms = loop_ms()};
	struct rlimit none = {0, 0};

	leave_input();
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
	s.folder = folder_watch_new(s.loop, reload_if_idle, &s);
	s.names = (struct name_watch){.loop = s.loop, .conf_path = s.conf_path, .reload = reload_if_idle, .arg = &s};
	s.signals[0] = loop_signal_new(s.loop, SIGCHLD, on_child, &s);
	s.signals[1] = loop_signal_new(s.loop, SIGHUP, on_hangup, &s);
	s.signals[2] = loop_signal_new(s.loop, SIGTERM, on_stop, &s);
	s.signals[3] = loop_signal_new(s.loop, SIGINT, on_stop, &s);
	supervisor_reload(&s);
	if (!s.stopping)
		loop_run(s.loop);
	finish(&s);
	return s.exit_code;
}
