#include "bridge/base/alarm.h"
#include <stddef.h>

void alarm_init(struct alarm *a, struct loop *l, loop_cb *cb, void *arg)
{
	*a = (struct alarm){.loop = l, .at = INT64_MAX, .cb = cb, .arg = arg};
}

static void ran(void *arg)
{
	struct alarm *a = arg;

	a->at = INT64_MAX;
	a->cb(a->arg);
}

void alarm_by(struct alarm *a, int64_t when)
{
	int64_t left;

	if (when >= a->at)
		return;
	a->at = when;
	left = when - loop_ms();
	/* Where many are over their time, one look is for all whose moment came meanwhile. */
	left = left <= 0 ? 0 : (left + ALARM_STEP_MS - 1) / ALARM_STEP_MS * ALARM_STEP_MS;
	if (a->timer)
		loop_timer_again(a->timer, left);
	else
		a->timer = loop_timer_new(a->loop, left, ran, a);
}

void alarm_end(struct alarm *a)
{
	loop_timer_free(a->timer);
	a->timer = NULL;
	a->at = INT64_MAX;
}
