#include "bridge/process/generation.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/channel.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/messages.h"
#include "bridge/process/segments.h"
#include "bridge/process/spawn.h"

enum { READY_MS = 10000, STEADY_MS = 1000, BACKOFF_MS = 100, BACKOFF_MAX_MS = 10000, LINGER_MS = 2000, MINUTE_MS = 60000 };

enum kind { KIND_CALENDAR = WORKER_CALENDAR, KIND_LOGIN = WORKER_LOGIN, KIND_BRIDGE };
static const char *const role_of[] = {"@calendar-worker", "@login-worker", "@bridge"};

/* A place that one process fills, and its successor when it dies. */
struct slot {
	struct generation *g;
	enum kind kind;
	struct slot *bridge;   /* a worker's */
	struct channel *channel; /* a bridge's; NULL while it does not run */
	pid_t pid;             /* 0 = nobody */
	int64_t since_ms;
	unsigned restarts, hasty; /* in all; one after the other within a second */
	bool ready;
	uint32_t shut_asked, shut_done; /* a bridge's: the last MSG_SHUT */
	struct segments audit; /* a bridge's */
	struct loop_timer *again;
};

enum state { STARTING, RUNNING, DRAINING, ENDING };

struct generation {
	struct loop *loop;
	unsigned number;
	char *conf_path;
	uint32_t hard_stop_ms;
	int snapshot, audit;
	const struct listening *sockets;
	const struct generation_events *ev;
	void *arg;
	enum state state;
	struct slot *slots; /* bridges first */
	size_t n, bridges;
	char **shut; /* what was cut off: the settings that a bridge reads when it is started again do not know that */
	size_t n_shut;
	uint32_t shut_number;
	struct loop_timer *timer; /* for READY, then for the end by force */
	struct loop_timer *minute;
};

static void fail(struct generation *g, const char *why)
{
	if (g->state != STARTING)
		return;
	g->state = ENDING;
	g->ev->failed(g->arg, g, why);
}

static void kill_slot(struct slot *s, int signo)
{
	if (s->pid > 0)
		kill(s->pid, signo);
}

/* Only a worker of that very bridge: no other process can be ended by asking. */
static void kill_lost(struct slot *bridge, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t pid = unpack_u64(&u);
	struct slot *s;

	for (s = bridge->g->slots; s < bridge->g->slots + bridge->g->n; s++)
		if (unpack_done(&u) && s->bridge == bridge && s->pid > 0 && (uint64_t)s->pid == pid)
			kill_slot(s, SIGKILL);
}

/* To that bridge alone: if it is just being started again, the peer dials once more. */
static void hand_on(const struct generation *g, const uint8_t *data, size_t len, int fd)
{
	struct unpack u = unpack_start(data, len);
	const struct slot *to = &g->slots[unpack_u32(&u) % g->bridges];

	if (to->channel)
		channel_send(to->channel, MSG_LINK, NULL, 0, fd);
	close(fd);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct slot *s = arg;
	struct generation *g = s->g;
	char text[1024];
	size_t i;

	if (type == MSG_SHUT_DONE) {
		struct unpack u = unpack_start(data, len);

		s->shut_done = unpack_u32(&u);
	}
	if (type == MSG_ANNOUNCED || type == MSG_TOOK || type == MSG_SEEN || type == MSG_PIN_DONE || type == MSG_TRIED || type == MSG_PAIRED || type == MSG_SHUT_DONE) {
		g->ev->said(g->arg, type, data, len);
		return;
	}
	if (type == MSG_HAND_ON) {
		hand_on(g, data, len, fd);
		return;
	}
	if (type == MSG_LOST) {
		kill_lost(s, data, len);
		return;
	}
	if (type == MSG_AUDIT_TURNED) {
		segments_turned(&s->audit);
		return;
	}
	if (type == MSG_FAILED) {
		snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), (const char *)data);
		log_error("%s", text);
		fail(g, text);
		return;
	}
	s->ready = true;
	if (g->state != STARTING)
		return;
	for (i = 0; i < g->bridges; i++)
		if (!g->slots[i].ready)
			return;
	g->state = RUNNING;
	loop_timer_free(g->timer);
	g->timer = NULL;
	g->ev->ready(g->arg, g);
}

/* A bridge that closed its channel has ended or will be ended: it cannot be reached any more. */
static void on_end(void *arg, const char *why)
{
	struct slot *s = arg;

	channel_free(s->channel);
	s->channel = NULL;
	if (strcmp(why, "closed") != 0) {
		log_event(LOG_LEVEL_ERROR, "bridge-cut", LI("pid", s->pid), LS("why", why));
		kill_slot(s, SIGKILL);
	}
}

static void send_shut(struct slot *s, uint32_t number, const char *what)
{
	struct buf b;

	s->shut_asked = number; /* who cannot be told owes it as well */
	if (!s->channel)
		return;
	buf_init(&b, CONTROL_LINE_MAX + 8);
	pack_u32(&b, number);
	pack_str(&b, what);
	channel_send(s->channel, MSG_SHUT, buf_ptr(&b), b.len, -1);
	buf_free(&b);
}

static pid_t spawn_slot(struct slot *s, const int *fds, size_t n)
{
	struct generation *g = s->g;
	char parent[24], number[24], front[24], link[24];
	char *argv[] = {"availbridge", (char *)role_of[s->kind], g->conf_path, parent, number, front, link, NULL};

	snprintf(parent, sizeof parent, "%ld", (long)getpid());
	snprintf(number, sizeof number, "%u", g->number);
	snprintf(front, sizeof front, "%zu", g->sockets[0].n);
	snprintf(link, sizeof link, "%zu", g->sockets[1].n);
	s->pid = spawn(argv, fds, n);
	s->shut_asked = s->shut_done = 0;
	s->since_ms = loop_ms();
	s->ready = false;
	if (s->pid < 0)
		s->pid = 0;
	return s->pid;
}

/* Starts a worker and gives the other end of its socket to its bridge. Without a bridge to work for there is nothing to start. */
static int start_worker(struct slot *s)
{
	struct buf b;
	int pair[2], r;

	if (!s->bridge->channel || s->pid)
		return 0;
	if (spawn_socketpair(pair) != 0)
		return -1;
	r = spawn_slot(s, (int[]){pair[1], s->g->snapshot}, 2) ? 0 : -1;
	close(pair[1]);
	if (r == 0) {
		buf_init(&b, 16);
		pack_u8(&b, (uint8_t)s->kind);
		pack_u64(&b, (uint64_t)s->pid);
		channel_send(s->bridge->channel, MSG_WORKER, buf_ptr(&b), b.len, pair[0]);
		buf_free(&b);
	}
	close(pair[0]);
	return r;
}

static int start_bridge(struct slot *s)
{
	struct generation *g = s->g;
	int pair[2], fds[SPAWN_FDS_MAX];
	size_t n = 2, i, k;

	if (spawn_socketpair(pair) != 0)
		return -1;
	fds[0] = pair[1];
	fds[1] = g->snapshot;
	for (k = 0; k < 2; k++)
		for (i = 0; i < g->sockets[k].n; i++)
			fds[n++] = g->sockets[k].fds[i];
	if (!spawn_slot(s, fds, n)) {
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	close(pair[1]);
	s->channel = channel_new(g->loop, pair[0], MESSAGES(messages_from_bridge), on_message, on_end, s);
	segments_next(&s->audit, s->channel); /* before it can be asked anything */
	for (i = g->bridges; i < g->n; i++)
		if (g->slots[i].bridge == s && !g->slots[i].again)
			start_worker(&g->slots[i]);
	g->ev->begins(g->arg, s->channel);
	for (i = 0; i < g->n_shut; i++) /* last: what was cut off comes back by nothing that is said before */
		send_shut(s, g->shut_number, g->shut[i]);
	channel_send(s->channel, MSG_BEGIN, NULL, 0, -1);
	return 0;
}

static void start_again(void *arg)
{
	struct slot *s = arg;
	int r;

	loop_timer_free(s->again);
	s->again = NULL;
	r = s->kind == KIND_BRIDGE ? start_bridge(s) : start_worker(s);
	if (r != 0) {
		log_error("cannot start a process: %s", strerror(errno));
		s->again = loop_timer_new(s->g->loop, BACKOFF_MAX_MS, start_again, s);
	}
}

static void not_ready_in_time(void *arg)
{
	fail(arg, "the new processes were not ready within 10 seconds");
}

static void lay_out(struct generation *g, const struct plan *p)
{
	size_t counts[] = {[KIND_CALENDAR] = p->calendar_workers, [KIND_LOGIN] = p->login_workers}, i, k;
	struct slot *s;

	g->bridges = p->bridges;
	for (k = 0; k < 2; k++) /* each bridge needs one of each kind */
		if (counts[k] < g->bridges)
			counts[k] = g->bridges;
	g->slots = calloc(g->bridges + counts[0] + counts[1], sizeof *g->slots);
	if (!g->slots)
		abort();
	for (; g->n < g->bridges; g->n++)
		g->slots[g->n] = (struct slot){.g = g, .kind = KIND_BRIDGE, .audit = {.dir = g->audit, .generation = g->number}};
	for (k = 0; k < 2; k++)
		for (i = 0; i < counts[k]; i++) {
			s = &g->slots[g->n++];
			*s = (struct slot){.g = g, .kind = (enum kind)k, .bridge = &g->slots[i % g->bridges]};
		}
}

static void on_minute(void *arg)
{
	struct generation *g = arg;
	size_t i;

	for (i = 0; i < g->bridges; i++)
		segments_minute(&g->slots[i].audit, g->slots[i].channel);
	loop_timer_again(g->minute, MINUTE_MS);
}

struct generation *generation_new(struct loop *l, unsigned number, const char *conf_path, const struct plan *plan,
                                  const struct listening *sockets,
                                  const struct generation_events *ev, void *arg, struct buf *error)
{
	struct generation *g = calloc(1, sizeof *g);
	size_t i;

	if (!g)
		abort();
	*g = (struct generation){.loop = l, .number = number, .hard_stop_ms = plan->hard_stop_ms, .snapshot = plan->snapshot, .sockets = sockets, .ev = ev, .arg = arg};
	g->conf_path = strdup(conf_path);
	g->audit = fcntl(plan->audit, F_DUPFD_CLOEXEC, 3); /* it outlives the plan */
	lay_out(g, plan);
	for (i = 0; i < g->bridges; i++)
		if (start_bridge(&g->slots[i]) != 0) {
			buf_printf(error, "cannot start a process: %s", strerror(errno));
			g->state = ENDING;
			for (i = 0; i < g->n; i++)
				kill_slot(&g->slots[i], SIGKILL);
			generation_free(g);
			return NULL;
		}
	g->timer = loop_timer_new(l, READY_MS, not_ready_in_time, g);
	g->minute = loop_timer_new(l, MINUTE_MS, on_minute, g);
	return g;
}

void generation_free(struct generation *g)
{
	size_t i;

	if (!g)
		return;
	for (i = 0; i < g->n; i++) {
		channel_free(g->slots[i].channel);
		loop_timer_free(g->slots[i].again);
		segments_end(&g->slots[i].audit);
	}
	loop_timer_free(g->timer);
	loop_timer_free(g->minute);
	if (g->audit >= 0)
		close(g->audit);
	for (i = 0; i < g->n_shut; i++)
		free(g->shut[i]);
	free(g->shut);
	free(g->slots);
	free(g->conf_path);
	free(g);
}

/* How a child ended, in words. */
static void describe_end(char *out, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "ended with code %d", WEXITSTATUS(status));
}

static bool all_gone(const struct generation *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->slots[i].pid)
			return false;
	return true;
}

/* Puts a successor in the slot of a process that ended. */
static void replace(struct slot *s)
{
	int64_t lived = loop_ms() - s->since_ms, delay = 0;
	unsigned i;

	s->restarts++;
	s->hasty = lived < STEADY_MS ? s->hasty + 1 : 0;
	if (s->hasty > 1)
		for (delay = BACKOFF_MS, i = 2; i < s->hasty && delay < BACKOFF_MAX_MS; i++)
			delay *= 2;
	s->again = loop_timer_new(s->g->loop, delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS, start_again, s);
}

bool generation_reaped(struct generation *g, pid_t pid, int status)
{
	char how[80], why[200];
	struct slot *s;
	size_t i;

	for (i = 0; i < g->n && g->slots[i].pid != pid; i++)
		;
	if (i == g->n)
		return false;
	s = &g->slots[i];
	s->pid = 0;
	channel_free(s->channel);
	s->channel = NULL;
	segments_end(&s->audit);
	describe_end(how, sizeof how, status);
	log_event(g->state == RUNNING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "process-ended", LS("process", role_of[s->kind] + 1),
	          LI("pid", pid), LI("generation", g->number), LS("how", how));
	if (g->state == RUNNING)
		replace(s);
	else if (g->state == STARTING) {
		snprintf(why, sizeof why, "a %s of the new generation %s before it was ready", role_of[s->kind] + 1, how);
		fail(g, why);
	} else if (all_gone(g))
		g->ev->gone(g->arg, g);
	return true;
}

static void end_by_force(void *arg)
{
	struct generation *g = arg;
	size_t i;

	log_event(LOG_LEVEL_WARN, "ended-by-force", LI("generation", g->number));
	for (i = 0; i < g->n; i++)
		kill_slot(&g->slots[i], SIGKILL);
}

static void nobody_left(void *arg)
{
	struct generation *g = arg;

	g->ev->gone(g->arg, g);
}

/* No successors any more; and a generation without a process must still say so, though nobody is left to be reaped. */
static void wind_down(struct generation *g, int64_t force_ms)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		loop_timer_free(g->slots[i].again);
		g->slots[i].again = NULL;
	}
	loop_timer_free(g->timer);
	g->timer = all_gone(g) ? loop_timer_new(g->loop, 0, nobody_left, g) : loop_timer_new(g->loop, force_ms, end_by_force, g);
}

void generation_drain(struct generation *g)
{
	size_t i;

	if (g->state == DRAINING)
		return;
	g->state = DRAINING;
	wind_down(g, (int64_t)g->hard_stop_ms + LINGER_MS);
	for (i = 0; i < g->bridges; i++)
		if (g->slots[i].channel)
			channel_send(g->slots[i].channel, MSG_DRAIN, NULL, 0, -1);
	for (i = g->bridges; i < g->n; i++) /* a worker ends when its bridge closes its socket; without a bridge it has none */
		if (!g->slots[i].bridge->channel)
			kill_slot(&g->slots[i], SIGTERM);
}

void generation_end(struct generation *g)
{
	size_t i;

	g->state = ENDING;
	for (i = 0; i < g->n; i++)
		kill_slot(&g->slots[i], SIGKILL);
	wind_down(g, LINGER_MS);
}

int generation_control(struct generation *g, const char *line, const void *known, size_t known_len, const void *rest,
                       size_t rest_len, int fd)
{
	struct buf b;
	size_t i;
	int r = -1;

	buf_init(&b, MESSAGE_TEXT_MAX);
	pack_str(&b, line);
	pack_u32(&b, (uint32_t)known_len);
	buf_add(&b, known, known_len);
	buf_add(&b, rest, rest_len);
	for (i = 0; i < g->bridges && r != 0 && !b.failed; i++)
		if (g->slots[i].channel && g->slots[i].ready)
			r = channel_send(g->slots[i].channel, MSG_CONTROL, buf_ptr(&b), b.len, fd);
	buf_free(&b);
	return r;
}

size_t generation_tell(struct generation *g, uint16_t type, const void *data, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < g->bridges; i++)
		if (g->slots[i].channel)
			n += channel_send(g->slots[i].channel, type, data, len, -1) == 0;
	return n;
}

static void remember_shut(struct generation *g, const char *what)
{
	for (size_t i = 0; i < g->n_shut; i++)
		if (strcmp(g->shut[i], what) == 0)
			return;
	g->shut = realloc(g->shut, (g->n_shut + 1) * sizeof *g->shut);
	if (!g->shut || !(g->shut[g->n_shut++] = strdup(what)))
		abort();
}

void generation_shut(struct generation *g, uint32_t number, const char *what)
{
	remember_shut(g, what);
	g->shut_number = number;
	for (size_t i = 0; i < g->bridges; i++)
		send_shut(&g->slots[i], number, what);
}

static bool owes_shut(const struct slot *s, uint32_t number)
{
	return s->pid && s->shut_asked >= number && s->shut_done < number;
}

size_t generation_shut_open(const struct generation *g, uint32_t number)
{
	size_t n = 0;

	for (size_t i = 0; i < g->bridges; i++)
		n += owes_shut(&g->slots[i], number);
	return n;
}

void generation_shut_force(struct generation *g, uint32_t number)
{
	for (size_t i = 0; i < g->bridges; i++)
		if (owes_shut(&g->slots[i], number)) {
			log_event(LOG_LEVEL_ERROR, "bridge-cut", LI("pid", g->slots[i].pid), LS("why", "it did not cut off a peer within a second"));
			kill_slot(&g->slots[i], SIGKILL);
		}
}

void generation_pack(const struct generation *g, struct buf *out)
{
	static const char *const states[] = {"starting", "running", "draining", "ending"};
	const struct slot *s;

	pack_u32(out, g->number);
	pack_str(out, states[g->state]);
	pack_u32(out, (uint32_t)g->n);
	for (s = g->slots; s < g->slots + g->n; s++) {
		pack_str(out, role_of[s->kind] + 1);
		pack_u64(out, (uint64_t)s->pid);
		pack_u64(out, s->pid ? (uint64_t)(loop_ms() - s->since_ms) : 0);
		pack_u32(out, s->restarts);
	}
}

unsigned generation_number(const struct generation *g)
{
	return g->number;
}
