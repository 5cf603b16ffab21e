#ifndef BRIDGE_BASE_ALARM_H
#define BRIDGE_BASE_ALARM_H
#include "bridge/base/loop.h"

enum { ALARM_STEP_MS = 10 };

/*
 * One timer for the earliest of many moments. Its owner keeps them and looks at all of them when it runs: where thousands are waited for and
 * nearly all are over before their time, a timer for each costs more than they do.
 */
struct alarm {
	struct loop *loop;
	struct loop_timer *timer; /* NULL before it is first needed */
	int64_t at;               /* loop_ms(); INT64_MAX = it does not run */
	loop_cb *cb;
	void *arg;
};

/* None is waited for yet. ${cb} is called when the earliest has come; it does what is due, and calls alarm_by() for what is not. */
void alarm_init(struct alarm *a, struct loop *l, loop_cb *cb, void *arg);
/* It runs by ${when} of loop_ms(), or less than ALARM_STEP_MS behind it, but not before this returns. */
void alarm_by(struct alarm *a, int64_t when);
/* It does not run any more. */
void alarm_end(struct alarm *a);
#endif
