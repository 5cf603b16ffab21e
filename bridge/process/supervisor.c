#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/budget/budget.h"
#include "bridge/process/control_server.h"
#include "bridge/process/generation.h"
#include "bridge/process/invitations.h"
#include "bridge/process/messages.h"
#include "bridge/process/process.h"
#include "bridge/process/rotation.h"
#include "bridge/process/segments.h"
#include "bridge/process/sandbox.h"

enum { GENERATIONS_MAX = 16, SHUT_MS = 1000, DAY_MS = 24 * 3600 * 1000 };

/* Somebody waits until a peer or a key is cut off everywhere. */
struct shutting {
	struct shutting *next;
	struct supervisor *s;
	struct loop_timer *timer;
	uint32_t number;
	int fd;
};

struct supervisor {
	struct loop *loop;
	char *conf_path;
	int64_t started_ms;
	unsigned number; /* of the newest generation */
	struct plan_check *check;
	struct plan *plan, *next_plan;         /* in force; being tried */
	struct listening *sockets, *next_sockets; /* front and link */
	struct generation *current, *starting;
	struct generation *all[GENERATIONS_MAX]; /* these two and those that wind down */
	size_t n;
	struct control_server *control, *next_control;
	int asker;                             /* who waits for the reload, or -1 */
	struct invitations *invitations;
	struct rotation *rotation;
	struct shutting *shutting;
	uint32_t shuts;
	int budgets;                           /* the memory of what was asked: every bridge gets it */
	struct buf late;                       /* what was cut off while settings were being read that may not know it: a line each */
	bool stopping;
	int exit_code;
	struct loop_signal *signals[4];
	struct loop_timer *daily;
};

static void shutting_check(struct supervisor *s);
static void shut_late(struct supervisor *s);

/* ---- sockets ---- */

static void sockets_free(struct listening *l)
{
	if (!l)
		return;
	listen_close(&l[0]);
	listen_close(&l[1]);
	free(l);
}

/* The sockets for ${p}: an address that is open already is not opened again, so that no connection is lost. */
static struct listening *sockets_open(const struct supervisor *s, const struct plan *p, struct buf *error)
{
	const char *const want[2] = {p->front_listen, p->link_listen};
	struct listening *out = calloc(2, sizeof *out);
	const struct listening *old;
	size_t i, k;

	if (!out)
		abort();
	for (k = 0; k < 2; k++) {
		old = s->sockets && strcmp(s->sockets[k].address, want[k]) == 0 ? &s->sockets[k] : NULL;
		if (!old && listen_open(&out[k], want[k], error) != 0) {
			sockets_free(out);
			return NULL;
		}
		if (old)
			out[k].address = strdup(want[k]);
		for (i = 0; old && i < old->n; i++)
			if ((out[k].fds[out[k].n] = fcntl(old->fds[i], F_DUPFD_CLOEXEC, 3)) >= 0)
				out[k].n++;
	}
	return out;
}

/* ---- rights ---- */

/* Root's rights but for one: opening low ports at a later reload. exec() by a user drops that from the children. */
static int keep_low_ports(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = 1 << CAP_NET_BIND_SERVICE, .permitted = 1 << CAP_NET_BIND_SERVICE}};

	return (int)syscall(SYS_capset, &header, data);
}

static int user_of(const char *name, uid_t *uid, gid_t *gid, struct buf *error)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw) {
		buf_printf(error, "user = \"%s\": there is no such user; make it, or set user = \"\"", name);
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

static int drop_root(const char *name, uid_t uid, gid_t gid, struct buf *error)
{
	if (uid == 0)
		return 0;
	if (initgroups(name, gid) != 0 || prctl(PR_SET_KEEPCAPS, 1) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || keep_low_ports() != 0) {
		buf_printf(error, "cannot become the user \"%s\": %s", name, strerror(errno));
		return -1;
	}
	return 0;
}

/* ---- a new generation: at the start, and at each reload ---- */

static void answer(struct supervisor *s, int code, const char *text)
{
	if (s->asker >= 0)
		control_say(s->loop, s->asker, code, text);
	s->asker = -1;
}

static void stop_if_done(struct supervisor *s)
{
	if (s->stopping && s->n == 0)
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
	if (s->next_control)
		unlink(s->next_plan->control_socket);
	control_server_free(s->next_control);
	s->next_control = NULL;
	plan_free(s->next_plan);
	s->next_plan = NULL;
	sockets_free(s->next_sockets);
	s->next_sockets = NULL;
	if (s->current) {
		log_event(LOG_LEVEL_ERROR, "reload-failed", LI("running", generation_number(s->current)), LS("why", why));
		buf_init(&text, MESSAGE_TEXT_MAX * 2);
		buf_printf(&text, "%s%sNothing was changed: generation %u runs on.\n", why, line_end(why), generation_number(s->current));
		answer(s, 1, buf_cstr(&text));
		buf_free(&text);
		rotation_reloaded(s->rotation, NULL, why);
		return;
	}
	fprintf(stderr, "%s%s", why, line_end(why));
	s->exit_code = 1;
	s->stopping = true;
	stop_if_done(s);
}

static void every_day(void *arg)
{
	struct supervisor *s = arg;

	segments_prune(s->plan->audit, (int)s->plan->audit_keep_days);
	loop_timer_again(s->daily, DAY_MS);
}

static void on_ready(void *arg, struct generation *g)
{
	struct supervisor *s = arg;
	struct generation *old = s->current;
	char text[80];

	s->current = g;
	s->starting = NULL;
	if (old)
		generation_drain(old);
	sockets_free(s->sockets);
	s->sockets = s->next_sockets;
	s->next_sockets = NULL;
	if (s->next_control) {
		if (s->control)
			unlink(s->plan->control_socket);
		control_server_free(s->control);
		s->control = s->next_control;
		s->next_control = NULL;
	}
	plan_free(s->plan);
	s->plan = s->next_plan;
	s->next_plan = NULL;
	log_setup(2, s->plan->log_json, (enum log_level)log_level_named(s->plan->log_level), "supervisor");
	log_event(LOG_LEVEL_INFO, "serving", LI("generation", generation_number(g)), LS("front", s->plan->front_listen),
	          LS("link", s->plan->link_listen), LS("version", VERSION));
	segments_note(s->plan->audit, generation_number(g), s->plan->snapshot);
	if (!s->daily)
		s->daily = loop_timer_new(s->loop, 0, every_day, s);
	rotation_reloaded(s->rotation, s->plan, NULL);
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
	size_t i;

	log_event(LOG_LEVEL_INFO, "generation-gone", LI("generation", generation_number(g)));
	for (i = 0; i < s->n; i++)
		if (s->all[i] == g)
			s->all[i] = s->all[--s->n];
	if (s->current == g)
		s->current = NULL;
	generation_free(g);
	stop_if_done(s);
}

static void on_begins(void *arg, struct channel *bridge)
{
	struct supervisor *s = arg;

	channel_send(bridge, MSG_BUDGETS, NULL, 0, s->budgets);
	invitations_begin(s->invitations, bridge);
	rotation_begin(s->rotation, bridge);
}

static void on_said(void *arg, uint16_t type, const uint8_t *data, size_t len)
{
	struct supervisor *s = arg;

	if (type == MSG_SHUT_DONE) {
		shutting_check(s);
		return;
	}
	invitations_said(s->invitations, type, data, len);
	rotation_said(s->rotation, type, data, len);
}

static size_t count_told(void *arg, uint16_t type, const void *data, size_t len)
{
	struct supervisor *s = arg;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += generation_tell(s->all[i], type, data, len);
	return n;
}

static void tell_all(void *arg, uint16_t type, const void *data, size_t len)
{
	struct supervisor *s = arg;

	for (size_t i = 0; i < s->n; i++)
		generation_tell(s->all[i], type, data, len);
}

static void on_request(void *arg, int fd, const char *line, const void *rest, size_t n);

/* Opens what ${p} wants to have open and is not. -1 with a sentence. */
static int open_all(struct supervisor *s, struct plan *p, struct buf *error)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int fd;

	if (uid == 0 && p->user[0] && user_of(p->user, &uid, &gid, error) != 0)
		return -1;
	/* The control socket first: it knows best whether these settings are served already. */
	if (!s->plan || strcmp(s->plan->control_socket, p->control_socket) != 0) {
		fd = listen_control(p->control_socket, uid, gid, error);
		if (fd < 0)
			return -1;
		s->next_control = control_server_new(s->loop, fd, on_request, s);
	}
	/* In a folder that is served already some segments are open and must stay so. */
	if (s->plan && strcmp(s->plan->state_dir, p->state_dir) == 0)
		p->audit = fcntl(s->plan->audit, F_DUPFD_CLOEXEC, 3);
	else
		p->audit = segments_folder(p->state_dir, uid, gid, error);
	if (p->audit < 0)
		return -1;
	s->next_sockets = sockets_open(s, p, error);
	if (!s->next_sockets)
		return -1;
	return getuid() == 0 && p->user[0] ? drop_root(p->user, uid, gid, error) : 0;
}

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
	s->next_plan = plan;
	buf_init(&error, MESSAGE_TEXT_MAX);
	if (s->n == GENERATIONS_MAX)
		buf_puts(&error, "too many generations are still finishing their work; try again in a while");
	else if (open_all(s, plan, &error) == 0)
		s->starting = generation_new(s->loop, ++s->number, s->conf_path, plan, s->next_sockets, &events, s, &error);
	if (s->starting)
		s->all[s->n++] = s->starting;
	else
		reload_failed(s, buf_cstr(&error));
	shut_late(s);
	buf_free(&error);
}

static void reload(struct supervisor *s)
{
	rotation_reloads(s->rotation);
	buf_reset(&s->late);
	s->check = plan_check_new(s->loop, s->conf_path, on_checked, s);
	if (!s->check)
		reload_failed(s, "cannot start a process to check the settings");
}

static bool reloading(const struct supervisor *s)
{
	return s->check || s->starting;
}

/* ---- cutting off ---- */

static void shutting_free(struct shutting *w)
{
	struct shutting **at = &w->s->shutting;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_free(w->timer);
	free(w);
}

/* Tells those who wait for what is done now. */
static void shutting_check(struct supervisor *s)
{
	struct shutting *w, *next;

	for (w = s->shutting; w; w = next) {
		size_t open = 0;

		next = w->next;
		for (size_t i = 0; i < s->n; i++)
			open += generation_shut_open(s->all[i], w->number);
		if (open)
			continue;
		control_say(s->loop, w->fd, 0, "");
		shutting_free(w);
	}
}

static void shutting_slow(void *arg)
{
	struct shutting *w = arg;

	for (size_t i = 0; i < w->s->n; i++)
		generation_shut_force(w->s->all[i], w->number);
}

/* ${line} is "peer-shut NAME" or "pin-shut PIN..."; ${fd} hears of it when no link is left in any process. */
static void shut_off(struct supervisor *s, int fd, const char *line)
{
	struct shutting *w = calloc(1, sizeof *w);
	char what[CONTROL_LINE_MAX];

	if (!w)
		abort();
	rotation_forget(s->rotation, line);
	snprintf(what, sizeof what, "%s%s", strncmp(line, "peer", 4) == 0 ? "peer" : "pin", strchr(line, ' '));
	*w = (struct shutting){.next = s->shutting, .s = s, .fd = fd, .number = ++s->shuts};
	s->shutting = w;
	for (size_t i = 0; i < s->n; i++)
		generation_shut(s->all[i], w->number, what);
	if (s->check)
		buf_printf(&s->late, "%s\n", what);
	w->timer = loop_timer_new(s->loop, SHUT_MS, shutting_slow, w);
	shutting_check(s);
}

/* The settings of the newest generation may have been read before these were written. */
static void shut_late(struct supervisor *s)
{
	char *line, *rest = s->late.len ? strdup(buf_cstr(&s->late)) : NULL, *all = rest;

	while (s->starting && (line = strsep(&rest, "\n")))
		if (*line)
			generation_shut(s->starting, ++s->shuts, line);
	free(all);
	buf_reset(&s->late);
}

static bool reload_for_rotation(void *arg)
{
	struct supervisor *s = arg;

	if (s->stopping || reloading(s))
		return false;
	reload(s);
	return true;
}

static const struct rotation_doors rotation_doors = {count_told, reload_for_rotation};

/* ---- the control socket ---- */

static void pack_known(const struct supervisor *s, struct buf *out)
{
	size_t i;

	pack_u64(out, (uint64_t)(loop_ms() - s->started_ms));
	pack_u64(out, (uint64_t)getpid());
	pack_u32(out, (uint32_t)s->n);
	for (i = 0; i < s->n; i++)
		generation_pack(s->all[i], out);
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
		shut_off(s, fd, line);
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
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; !invitations_reaped(s->invitations, pid, status) && !rotation_reaped(s->rotation, pid, status) && i < s->n; i++)
			if (generation_reaped(s->all[i], pid, status))
				break;
	shutting_check(s);
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
		log_event(LOG_LEVEL_INFO, "stopping", LI("generations", s->n));
	s->stopping = true;
	plan_check_free(s->check);
	s->check = NULL;
	for (i = 0; i < s->n; i++)
		if (again || s->all[i] == s->starting)
			generation_end(s->all[i]);
		else
			generation_drain(s->all[i]);
	s->starting = NULL;
	answer(s, 1, "The daemon is ending.\n");
	stop_if_done(s);
}

static void finish(struct supervisor *s)
{
	size_t i;

	if (s->plan)
		segments_note(s->plan->audit, 0, -1);
	loop_timer_free(s->daily);
	if (s->control && s->plan)
		unlink(s->plan->control_socket);
	for (i = 0; i < 4; i++)
		loop_signal_free(s->signals[i]);
	control_server_free(s->control);
	control_server_free(s->next_control);
	sockets_free(s->sockets);
	sockets_free(s->next_sockets);
	plan_free(s->plan);
	plan_free(s->next_plan);
	while (s->shutting) {
		close(s->shutting->fd);
		shutting_free(s->shutting);
	}
	buf_free(&s->late);
	invitations_free(s->invitations);
	rotation_free(s->rotation);
	free(s->conf_path);
	loop_free(s->loop);
}

/* max_connections may be far above what a shell or systemd gives at first (1,024); what is allowed is taken. */
static void raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int process_supervise(const char *conf_path)
{
	struct supervisor s = {.asker = -1, .started_ms = loop_ms()};
	struct rlimit none = {0, 0};

	s.conf_path = realpath(conf_path, NULL);
	if (!s.conf_path) {
		fprintf(stderr, "%s: %s. Make the settings with `availbridge init`, or name the file with -c.\n", conf_path,
		        strerror(errno));
		return 1;
	}
	log_setup(2, false, LOG_LEVEL_INFO, "supervisor");
	setrlimit(RLIMIT_CORE, &none);
	raise_descriptors();
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sandbox_hide(); /* the snapshot of the settings has the accounts' hashes */
	buf_init(&s.late, MESSAGE_TEXT_MAX);
	s.budgets = budget_make();
	if (s.budgets < 0) {
		fprintf(stderr, "There is no memory for the budgets: %s\n", strerror(errno));
		return 1;
	}
	s.loop = loop_new();
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
