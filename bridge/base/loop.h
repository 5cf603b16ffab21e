#ifndef BRIDGE_BASE_LOOP_H
#define BRIDGE_BASE_LOOP_H
#include <stdbool.h>
#include <stdint.h>

/* The event loop of a process (libevent core beneath; nobody else includes it). One thread, no locks. */
struct loop;
struct loop_fd;
struct loop_timer;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* Called when ${fd} is ready for ${events} (LOOP_READ|LOOP_WRITE). It may free its own watcher. */
typedef void loop_fd_cb(int fd, int events, void *arg);
/* Called once when a timer runs out, or for each arrival of a signal. It may free its own watcher. */
typedef void loop_cb(void *arg);

/* A new loop; aborts when out of memory. Caller frees. */
struct loop *loop_new(void);
/* Frees the loop; its watchers must be gone. NULL is allowed. */
void loop_free(struct loop *l);
/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *l);
/* Makes loop_run() return after the present callback. */
void loop_stop(struct loop *l);
/* Has ${turned} called at the end of each turn, before the loop waits again; NULL = nobody. */
void loop_each_turn(struct loop *l, void (*turned)(void));
/* Milliseconds of the monotonic clock, as of now. */
int64_t loop_ms(void);

/* Watches ${fd} for ${events} until freed; level-triggered. Does not own the descriptor. Caller frees. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, int events, loop_fd_cb *cb, void *arg);
/* Changes what is waited for (0 = nothing for now). */
void loop_fd_set(struct loop_fd *w, int events);
/* Ends the watch. The descriptor stays open. NULL is allowed. */
void loop_fd_free(struct loop_fd *w);

/*
 * A one-shot timer in ${ms} milliseconds (0 = at the end of this turn, after pending events and in the order of starting). Caller
 * frees, before or after it ran.
 */
struct loop_timer *loop_timer_new(struct loop *l, int64_t ms, loop_cb *cb, void *arg);
/* Starts it anew with ${ms}. */
void loop_timer_again(struct loop_timer *t, int64_t ms);
/* It does not run any more, unless it is started anew. */
void loop_timer_stop(struct loop_timer *t);
/* Stops and frees it. NULL is allowed. */
void loop_timer_free(struct loop_timer *t);

/* Calls ${cb} on each ${signo}. Caller frees. */
struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_cb *cb, void *arg);
/* Ends it. NULL is allowed. */
void loop_signal_free(struct loop_signal *s);
#endif
