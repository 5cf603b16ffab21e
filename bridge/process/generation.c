#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/generation_own.h"
#include "bridge/process/spawn.h"

enum { READY_MS = 30000, LINGER_MS = 2000, MINUTE_MS = 60000, SOON_MS = 1000 };
/* So long a bridge may still write down, behind its hard stop, all who wait then: that they asked is in no file yet, and the disk may be slow. */
enum { LAST_WORDS_MS = 15000 };

static void fail(struct generation *g, const char *why)
{
	if (g->state != STARTING)
		return;
	g->state = ENDING;
	g->ev->failed(g->arg, g, why);
}

/* Only a worker of that very bridge: no other process can be ended by asking. */
static void of_worker(struct slot *bridge, uint16_t type, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t pid = unpack_u64(&u);
	struct slot *s;

	for (s = bridge->g->slots; s < bridge->g->slots + bridge->g->n; s++) {
		if (!unpack_done(&u) || s->bridge != bridge || s->pid <= 0 || (uint64_t)s->pid != pid)
			continue;
		if (type == MSG_WORKS)
			s->ready = true;
		else
			slot_kill(s);
	}
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

/* A word about its audit, which is taken. */
static bool is_of_audit(struct segments *s, uint16_t type, const uint8_t *data, size_t len)
{
	if (type == MSG_AUDIT_LOST)
		segments_lost(s, data, len);
	else if (type == MSG_AUDIT_GROWN)
		segments_grown(s);
	else if (type == MSG_AUDIT_TURNED)
		segments_turned(s);
	else
		return false;
	return true;
}

void generation_heard(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct slot *s = arg;
	struct generation *g = s->g;
	char text[1024];
	size_t i;

	if (type == MSG_SHUT_DONE)
		generation_shut_done(s, data, len);
	if (type == MSG_ANNOUNCED || type == MSG_TOOK || type == MSG_SEEN || type == MSG_PIN_DONE || type == MSG_TRIED ||
	    type == MSG_PAIRED || type == MSG_UNREACHED || type == MSG_SHUT_DONE) {
		g->ev->said(g->arg, type, data, len);
		return;
	}
	if (type == MSG_HAND_ON) {
		hand_on(g, data, len, fd);
		return;
	}
	if (type == MSG_LOST || type == MSG_WORKS) {
		of_worker(s, type, data, len);
		return;
	}
	if (is_of_audit(&s->audit, type, data, len))
		return;
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

static void lose_channel(struct slot *s)
{
	if (!s->channel)
		return;
	channel_free(s->channel);
	s->channel = NULL;
	s->g->ev->cut(s->g->arg);
}

/* A bridge that closed its channel has ended or will be ended: it cannot be reached any more. */
void generation_cut(void *arg, const char *why)
{
	struct slot *s = arg;

	lose_channel(s);
	if (strcmp(why, "closed") != 0) {
		log_event(LOG_LEVEL_ERROR, "bridge-cut", LI("pid", s->pid), LS("why", why));
		slot_kill(s);
	}
}

static void not_ready_in_time(void *arg)
{
	const struct generation *g = arg;
	char why[400];
	size_t n = 0;

	for (size_t i = 0; i < g->bridges; i++)
		n += !g->slots[i].ready;
	snprintf(why, sizeof why,
	         "%zu of %zu new bridge processes were not ready within %d seconds. The machine may be too busy, or no resolver answers for the names of "
	         "endpoints; their lines in the log come before this one. Try again when that is over",
	         n, g->bridges, READY_MS / 1000);
	fail(arg, why);
}

/* The next ${count} slots are workers of ${kind}, dealt out among the bridges. */
static void add_workers(struct generation *g, unsigned kind, unsigned index, size_t count)
{
	for (size_t i = 0; i < count; i++)
		g->slots[g->n++] = (struct slot){.g = g, .kind = kind, .index = index, .bridge = &g->slots[i % g->bridges]};
}

static void lay_out(struct generation *g, const struct plan *p)
{
	size_t counts[] = {
		[WORKER_CALENDAR] = p->calendar_workers, [WORKER_LOGIN] = p->login_workers, [WORKER_DIRECTORY] = p->directory_workers};
	size_t total = p->bridges + (size_t)p->backends * p->bridges;

	g->bridges = p->bridges;
	for (unsigned k = 0; k < WORKER_BACKEND; k++) {
		if (counts[k] && counts[k] < g->bridges) /* each bridge needs one of each kind */
			counts[k] = g->bridges;
		total += counts[k];
	}
	g->slots = calloc(total, sizeof *g->slots);
	if (!g->slots)
		abort();
	for (; g->n < g->bridges; g->n++)
		g->slots[g->n] = (struct slot){.g = g, .kind = KIND_BRIDGE, .audit = {.dir = g->audit, .generation = g->number}};
	for (unsigned k = 0; k < WORKER_BACKEND; k++)
		add_workers(g, k, 0, counts[k]);
	for (unsigned i = 0; i < p->backends; i++)
		add_workers(g, WORKER_BACKEND, i, g->bridges);
}

void generation_audit_soon(struct generation *g)
{
	g->audit_ms = SOON_MS;
	if (g->minute)
		loop_timer_again(g->minute, g->audit_ms);
}

static void on_minute(void *arg)
{
	struct generation *g = arg;
	bool without = false;
	size_t i;

	for (i = 0; i < g->bridges; i++) {
		segments_minute(&g->slots[i].audit, g->slots[i].channel);
		without = without || (g->slots[i].channel && !g->slots[i].audit.given);
	}
	g->audit_ms = without && 2 * g->audit_ms < MINUTE_MS ? 2 * g->audit_ms : MINUTE_MS;
	loop_timer_again(g->minute, g->audit_ms);
}

struct generation *generation_new(struct loop *l, unsigned number, const char *conf_path, const struct plan *plan,
                                  const struct listening *sockets,
                                  const struct generation_events *ev, void *arg, struct buf *error)
{
	struct generation *g = calloc(1, sizeof *g);
	char why[200];
	size_t i;

	if (!g)
		abort();
	*g = (struct generation){.loop = l, .number = number, .hard_stop_ms = plan->hard_stop_ms, .snapshot = plan->snapshot,
	                         .sockets = sockets, .ev = ev, .arg = arg, .audit_ms = MINUTE_MS};
	g->conf_path = strdup(conf_path);
	g->audit = fcntl(plan->audit, F_DUPFD_CLOEXEC, 3); /* it outlives the plan */
	lay_out(g, plan);
	for (i = 0; i < g->bridges; i++)
		if (g->audit < 0 || slot_start(&g->slots[i]) != 0) {
			spawn_why(why, sizeof why);
			buf_printf(error, "cannot start a process: %s", why);
			g->state = ENDING;
			for (i = 0; i < g->n; i++)
				slot_kill(&g->slots[i]);
			generation_free(g);
			return NULL;
		}
	g->timer = loop_timer_new(l, READY_MS, not_ready_in_time, g);
	g->minute = loop_timer_new(l, g->audit_ms, on_minute, g);
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
	generation_shut_free(g);
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
	lose_channel(s);
	segments_end(&s->audit);
	describe_end(how, sizeof how, status);
	log_event(g->state == RUNNING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "process-ended", LS("process", slot_role(s) + 1),
	          LI("pid", pid), LI("generation", g->number), LS("how", how));
	if (g->state == RUNNING)
		slot_replace(s, status);
	else if (g->state == STARTING) {
		snprintf(why, sizeof why, "a %s of the new generation %s before it was ready; the log says more", slot_role(s) + 1, how);
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
		slot_kill(&g->slots[i]);
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
	wind_down(g, (int64_t)g->hard_stop_ms + LAST_WORDS_MS);
	for (i = 0; i < g->bridges; i++)
		if (g->slots[i].channel)
			channel_send(g->slots[i].channel, MSG_DRAIN, NULL, 0, -1);
	for (i = g->bridges; i < g->n; i++) /* a worker ends when its bridge closes its socket; without a bridge it has none */
		if (!g->slots[i].bridge->channel)
			slot_kill(&g->slots[i]);
}

void generation_end(struct generation *g)
{
	size_t i;

	g->state = ENDING;
	for (i = 0; i < g->n; i++)
		slot_kill(&g->slots[i]);
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

void generation_pack(const struct generation *g, struct buf *out)
{
	static const char *const states[] = {"starting", "running", "draining", "ending"};
	const struct slot *s;

	pack_u32(out, g->number);
	pack_str(out, states[g->state]);
	pack_u32(out, (uint32_t)g->n);
	for (s = g->slots; s < g->slots + g->n; s++) {
		pack_str(out, slot_role(s) + 1);
		pack_u64(out, (uint64_t)s->pid);
		pack_u64(out, s->pid ? (uint64_t)(loop_ms() - s->since_ms) : 0);
		pack_u32(out, s->restarts);
		pack_u64(out, s->audit.lost_before + s->audit.lost);
		pack_u8(out, s->audit.failing);
	}
}

unsigned generation_number(const struct generation *g)
{
	return g->number;
}
