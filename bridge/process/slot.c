#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/generation_own.h"
#include "bridge/process/spawn.h"

/* Filling a slot: what each kind of process is started with, and what it is told first. */

enum { STEADY_MS = 1000, BACKOFF_MS = 100, BACKOFF_MAX_MS = 1000, AGAIN_MS = 10000, IN_VAIN = 5, IN_VAIN_MAX_MS = 30000 };

static const char *const roles[] = {
	[WORKER_CALENDAR] = "@calendar-worker", [WORKER_LOGIN] = "@login-worker", [WORKER_DIRECTORY] = "@directory-worker",
	[WORKER_BACKEND] = "@backend-worker",   [KIND_BRIDGE] = "@bridge",
};

const char *slot_role(const struct slot *s)
{
	return roles[s->kind];
}

void slot_kill(struct slot *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
}

/* Its role's own arguments: ${a}, then ${b} and ${c} or NULL. The pid, or 0 with errno. */
static pid_t spawn_slot(struct slot *s, unsigned a, unsigned b, unsigned c, const int *fds, size_t n)
{
	char parent[24], own[3][24];
	char *argv[] = {"availbridge", (char *)slot_role(s), s->g->conf_path, parent, own[0], own[1], own[2], NULL};
	pid_t pid;

	snprintf(parent, sizeof parent, "%ld", (long)getpid());
	snprintf(own[0], sizeof own[0], "%u", a);
	snprintf(own[1], sizeof own[1], "%u", b);
	snprintf(own[2], sizeof own[2], "%u", c);
	pid = spawn(argv, fds, n);
	s->pid = pid < 0 ? 0 : pid;
	s->shut_asked = s->shut_done = 0;
	s->since_ms = loop_ms();
	s->ready = false;
	return s->pid;
}

/* The other end of a worker's socket goes to its bridge. */
static void hand_over(struct slot *s, int fd)
{
	struct buf b;

	buf_init(&b, 16);
	pack_u8(&b, (uint8_t)s->kind);
	pack_u32(&b, s->index);
	pack_u64(&b, (uint64_t)s->pid);
	channel_send(s->bridge->channel, MSG_WORKER, buf_ptr(&b), b.len, fd);
	buf_free(&b);
}

/* Without a bridge to work for there is nothing to start. */
static int start_worker(struct slot *s)
{
	int pair[2], r;

	if (!s->bridge->channel || s->pid)
		return 0;
	if (spawn_socketpair(pair) != 0)
		return -1;
	s->works_for = s->bridge->pid;
	r = spawn_slot(s, s->index, (unsigned)(s->bridge - s->g->slots), 0, (int[]){pair[1], s->g->snapshot}, 2) ? 0 : -1;
	close(pair[1]);
	if (r == 0)
		hand_over(s, pair[0]);
	close(pair[0]);
	return r;
}

static int spawn_bridge(struct slot *s)
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
	spawn_slot(s, g->number, (unsigned)g->sockets[0].n, (unsigned)g->sockets[1].n, fds, n);
	close(pair[1]);
	if (!s->pid) {
		close(pair[0]);
		return -1;
	}
	s->channel = channel_new(g->loop, pair[0], MESSAGES(messages_from_bridge), generation_heard, generation_cut, s);
	return 0;
}

static void start_again(void *arg);

/* It could not be started, for want of processes, memory or descriptors: that may be over soon. */
static void try_later(struct slot *s)
{
	char why[200];

	spawn_why(why, sizeof why);
	log_error("cannot start a process (%s), and tries again in %d seconds: %s", slot_role(s) + 1, AGAIN_MS / 1000, why);
	s->again = loop_timer_new(s->g->loop, AGAIN_MS, start_again, s);
}

static int start_bridge(struct slot *s)
{
	struct generation *g = s->g;

	if (spawn_bridge(s) != 0)
		return -1;
	segments_next(&s->audit, s->channel); /* before it can be asked anything */
	if (!s->audit.given)
		generation_audit_soon(g);
	for (size_t i = g->bridges; i < g->n; i++)
		if (g->slots[i].bridge == s && !g->slots[i].again && start_worker(&g->slots[i]) != 0)
			try_later(&g->slots[i]);
	g->ev->begins(g->arg, g, s->channel);
	generation_shut_again(s); /* last: what was cut off comes back by nothing that is said before */
	channel_send(s->channel, MSG_BEGIN, NULL, 0, -1);
	if (channel_missed(s->channel)) { /* it must not work without its budgets, its audit, or knowing what was cut off */
		log_error("a bridge could not be told all that it must know, and is started anew");
		slot_kill(s);
	}
	return 0;
}

int slot_start(struct slot *s)
{
	return s->kind == KIND_BRIDGE ? start_bridge(s) : start_worker(s);
}

static void start_again(void *arg)
{
	struct slot *s = arg;

	loop_timer_free(s->again);
	s->again = NULL;
	if (slot_start(s) != 0)
		try_later(s);
}

/* ${first} ms, twice as long for each one more than ${free}, at most ${most}; 0 up to then. */
static int64_t longer(unsigned n, unsigned free, int64_t first, int64_t most)
{
	int64_t ms = n > free ? first : 0;

	for (; n > free + 1 && ms < most; n--)
		ms *= 2;
	return ms < most ? ms : most;
}

/* Did it end by itself? Whoever was killed, or has lost its bridge, says nothing about the next one. */
static bool ended_by_itself(const struct slot *s, int status)
{
	if (s->bridge && (!s->bridge->channel || s->bridge->pid != s->works_for))
		return false;
	return WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status) != 0;
}

void slot_replace(struct slot *s, int status)
{
	int64_t delay, vain;

	s->restarts++;
	s->hasty = loop_ms() - s->since_ms < STEADY_MS ? s->hasty + 1 : 0;
	s->in_vain = s->ready ? 0 : s->in_vain + ended_by_itself(s, status);
	delay = longer(s->hasty, 1, BACKOFF_MS, BACKOFF_MAX_MS);
	vain = longer(s->in_vain, IN_VAIN, 2 * BACKOFF_MAX_MS, IN_VAIN_MAX_MS);
	if (vain)
		log_event(LOG_LEVEL_ERROR, "starts-in-vain", LS("process", slot_role(s) + 1), LI("times", s->in_vain), LI("next_ms", vain),
		          LS("text", "one after the other ended before it was ready; lines of their own before this one say why. The next comes later and later; "
		                     "when the cause is mended, `availbridge reload` starts it at once"));
	s->again = loop_timer_new(s->g->loop, vain ? vain : delay, start_again, s);
}
