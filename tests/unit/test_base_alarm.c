/* links: base */
#include "bridge/base/alarm.h"
#include "tests/unit/check.h"

enum { MOMENTS = 5 };

static struct {
	struct loop *loop;
	struct alarm alarm;
	int64_t due[MOMENTS]; /* INT64_MAX: over */
	size_t n, over, looks;
	bool early;
} w;

/* Does what is due, and waits for the rest. */
static void look(void *arg)
{
	int64_t now = loop_ms();

	w.looks++;
	for (size_t i = 0; i < w.n; i++) {
		if (w.due[i] == INT64_MAX)
			continue;
		if (w.due[i] > now) {
			alarm_by(&w.alarm, w.due[i]);
			continue;
		}
		w.due[i] = INT64_MAX;
		w.over++;
	}
	w.early |= w.over == 0;
	if (w.over == w.n)
		loop_stop(w.loop);
}

static void begin(const int *ms, size_t n)
{
	int64_t now = loop_ms();

	w.loop = loop_new();
	w.n = n;
	w.over = w.looks = 0;
	w.early = false;
	alarm_init(&w.alarm, w.loop, look, NULL);
	for (size_t i = 0; i < n; i++) {
		w.due[i] = now + ms[i];
		alarm_by(&w.alarm, w.due[i]);
	}
}

static void end(void)
{
	alarm_end(&w.alarm);
	loop_free(w.loop);
}

/* In whatever order they are told, the earliest is not missed, and none is forgotten behind it. */
static void in_any_order(void)
{
	static const int ms[] = {40, 5, 60, 20, 0};
	int64_t began = loop_ms();

	begin(ms, MOMENTS);
	CHECK_INT(w.looks, 0); /* not before alarm_by() returns, were it due long ago */
	loop_run(w.loop);
	CHECK_INT(w.over, MOMENTS);
	CHECK(loop_ms() - began >= 60);
	CHECK(!w.early);
	end();
}

/* A thousand moments within a step are one look or two. */
static void one_look(void)
{
	static const int ms[] = {11, 12, 13, 14, 15};

	begin(ms, MOMENTS);
	loop_run(w.loop);
	CHECK_INT(w.over, MOMENTS);
	CHECK(w.looks <= 2);
	end();
}

static void stop(void *arg)
{
	loop_stop(w.loop);
}

/* Ended, it does not run, and can be set anew. */
static void ended(void)
{
	static const int ms[] = {0};
	struct loop_timer *later;

	begin(ms, 1);
	alarm_end(&w.alarm);
	later = loop_timer_new(w.loop, 2 * ALARM_STEP_MS, stop, NULL);
	loop_run(w.loop);
	CHECK_INT(w.looks, 0);
	alarm_by(&w.alarm, w.due[0]);
	loop_run(w.loop);
	CHECK_INT(w.over, 1);
	loop_timer_free(later);
	end();
}

int main(void)
{
	in_any_order();
	one_look();
	ended();
	return check_done();
}
