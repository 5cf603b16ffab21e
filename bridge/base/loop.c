#include "bridge/base/loop.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <time.h>
#include "bridge/base/log.h"

/* How often in one turn those that run at its end may ask for more of it, before others are looked at. */
enum { ROUNDS = 16 };

struct loop_timer {
	struct event ev;
	struct loop *loop;
	struct loop_timer *next, **at; /* in the list of this turn; at is NULL while it is not */
	loop_cb *cb;
	void *arg;
};

struct loop {
	struct event_base *base;
	struct loop_timer *soon, **last; /* timers of this turn, in the order in which they were started */
	struct loop_timer mark;          /* the end of those that a round runs */
	bool stopped;
	void (*turned)(void);
};

struct loop_fd {
	struct event ev;
	struct loop *loop;
	int fd, events;
	loop_fd_cb *cb;
	void *arg;
};

struct loop_signal {
	struct event ev;
	loop_cb *cb;
	void *arg;
};

/* A loop that cannot wait for something would hang for ever: ending is the honest way out. */
static void must(int ok)
{
	if (!ok)
		abort();
}

/* What libevent has to say is a line like any other: by itself it writes one without time, level and role. */
static void libevent_says(int severity, const char *text)
{
	log_event(severity == EVENT_LOG_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "loop", LS("text", text));
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof *l);
	struct event_config *config = event_config_new();

	event_set_log_callback(libevent_says);
	must(l && config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	must(l->base != NULL);
	l->last = &l->soon;
	l->mark.loop = l;
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	event_base_free(l->base);
	free(l);
}

static void leave_turn(struct loop_timer *t)
{
	if (!t->at)
		return;
	*t->at = t->next;
	*(t->next ? &t->next->at : &t->loop->last) = t->at;
	t->at = NULL;
}

/* Those that stand in the list now; what they start comes in the next round. */
static void run_round(struct loop *l)
{
	struct loop_timer *mark = &l->mark, *t;

	mark->next = NULL;
	mark->at = l->last;
	*l->last = mark;
	l->last = &mark->next;
	while (!l->stopped && (t = l->soon) != mark) {
		leave_turn(t);
		t->cb(t->arg);
	}
	leave_turn(mark);
}

void loop_run(struct loop *l)
{
	int none = 0;

	for (l->stopped = false; !l->stopped && (l->soon || !none);) {
		none = event_base_loop(l->base, EVLOOP_ONCE | (l->soon ? EVLOOP_NONBLOCK : 0));
		for (int i = 0; i < ROUNDS && l->soon && !l->stopped; i++) {
			run_round(l);
			none = 0; /* it may have begun to wait for something */
		}
		if (l->turned)
			l->turned();
	}
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
	event_base_loopbreak(l->base);
}

void loop_each_turn(struct loop *l, void (*turned)(void))
{
	l->turned = turned;
}

int64_t loop_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void fd_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *w = arg;

	w->cb((int)fd, (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0), w->arg);
}

static void fd_arm(struct loop_fd *w, int events)
{
	short what = (short)(EV_PERSIST | (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0));

	w->events = events;
	must(event_assign(&w->ev, w->loop->base, w->fd, what, fd_ready, w) == 0);
	if (events)
		must(event_add(&w->ev, NULL) == 0);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, int events, loop_fd_cb *cb, void *arg)
{
	struct loop_fd *w = calloc(1, sizeof *w);

	must(w != NULL);
	w->loop = l;
	w->fd = fd;
	w->cb = cb;
	w->arg = arg;
	fd_arm(w, events);
	return w;
}

void loop_fd_set(struct loop_fd *w, int events)
{
	if (events == w->events)
		return;
	event_del(&w->ev);
	fd_arm(w, events);
}

void loop_fd_free(struct loop_fd *w)
{
	if (!w)
		return;
	event_del(&w->ev);
	free(w);
}

static void timer_ran(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	t->cb(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, int64_t ms, loop_cb *cb, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof *t);

	must(t != NULL);
	t->loop = l;
	t->cb = cb;
	t->arg = arg;
	must(evtimer_assign(&t->ev, l->base, timer_ran, t) == 0);
	loop_timer_again(t, ms);
	return t;
}

void loop_timer_again(struct loop_timer *t, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	struct loop *l = t->loop;

	leave_turn(t);
	if (ms > 0) {
		must(evtimer_add(&t->ev, &tv) == 0);
		return;
	}
	evtimer_del(&t->ev);
	t->next = NULL;
	t->at = l->last;
	*l->last = t;
	l->last = &t->next;
}

void loop_timer_stop(struct loop_timer *t)
{
	leave_turn(t);
	evtimer_del(&t->ev);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(t);
	free(t);
}

static void signal_came(evutil_socket_t fd, short what, void *arg)
{
	struct loop_signal *s = arg;

	s->cb(s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_cb *cb, void *arg)
{
	struct loop_signal *s = calloc(1, sizeof *s);

	must(s != NULL);
	s->cb = cb;
	s->arg = arg;
	must(evsignal_assign(&s->ev, l->base, signo, signal_came, s) == 0);
	must(evsignal_add(&s->ev, NULL) == 0);
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	evsignal_del(&s->ev);
	free(s);
}
