/* links: base */
#include "bridge/base/loop.h"
#include <signal.h>
#include <unistd.h>
#include "tests/unit/check.h"

struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_fd *watch;
	struct loop_signal *sig;
	int order[8], n;
};

static void at(struct seen *s, int what)
{
	if (s->n < 8)
		s->order[s->n++] = what;
}

static void late(void *arg)
{
	struct seen *s = arg;

	at(s, 3);
	loop_timer_free(s->timer);
	s->timer = NULL;
}

static void soon(void *arg)
{
	at(arg, 1);
}

static void readable(int fd, int events, void *arg)
{
	struct seen *s = arg;
	char c = 0;

	at(s, events == LOOP_READ && read(fd, &c, 1) == 1 ? c : -1);
	if (c == 'b') {
		loop_fd_free(s->watch);
		s->watch = NULL;
	}
}

static void hup(void *arg)
{
	struct seen *s = arg;

	at(s, 9);
	loop_signal_free(s->sig);
	s->sig = NULL;
}

/* ---- what runs at the end of a turn ---- */

static int turns;

static void turned(void)
{
	turns++;
}

struct chain {
	struct loop *loop;
	struct loop_timer *one, *two, *again;
	int order[8], n, left;
};

static void one(void *arg)
{
	struct chain *c = arg;

	c->order[c->n++] = 1;
	loop_timer_again(c->again, 0);
}

static void two(void *arg)
{
	struct chain *c = arg;

	c->order[c->n++] = 2;
}

static void again(void *arg)
{
	struct chain *c = arg;

	if (c->n < 8)
		c->order[c->n++] = 3;
	if (--c->left > 0)
		loop_timer_again(c->again, 0);
}

/* Those of now come before those that they start; whoever starts itself without end lets the loop turn all the same. */
static void test_soon(void)
{
	struct chain c = {.loop = loop_new(), .left = 1};

	c.again = loop_timer_new(c.loop, 100000, again, &c);
	c.one = loop_timer_new(c.loop, 0, one, &c);
	c.two = loop_timer_new(c.loop, 0, two, &c);
	loop_each_turn(c.loop, turned);
	loop_run(c.loop);
	CHECK(c.n == 3 && c.order[0] == 1 && c.order[1] == 2 && c.order[2] == 3);
	CHECK_INT(turns, 2); /* all of it in one; in the next nothing is left to wait for */
	c.left = 1000;
	loop_timer_again(c.again, 0);
	loop_run(c.loop);
	CHECK(c.left == 0 && turns > 10);
	c.n = 0;
	loop_timer_again(c.two, 0); /* stopped and started anew it runs once, freed it does not */
	loop_timer_again(c.two, 0);
	loop_timer_again(c.one, 0);
	loop_timer_free(c.one);
	loop_run(c.loop);
	CHECK(c.n == 1 && c.order[0] == 2);
	loop_timer_free(c.two);
	loop_timer_free(c.again);
	loop_free(c.loop);
}

struct beginning {
	struct loop *loop;
	struct loop_timer *timer;
	bool ran;
};

static void begun(void *arg)
{
	((struct beginning *)arg)->ran = true;
}

static void begin(void *arg)
{
	struct beginning *b = arg;

	loop_timer_free(b->timer);
	b->timer = loop_timer_new(b->loop, 5, begun, b);
}

/* What a timer of this turn begins to wait for counts, though nothing else was waited for before it. */
static void test_begins(void)
{
	struct beginning b = {.loop = loop_new()};

	b.timer = loop_timer_new(b.loop, 0, begin, &b);
	loop_run(b.loop);
	CHECK(b.ran);
	loop_timer_free(b.timer);
	loop_free(b.loop);
}

/* Stopped, a timer does not run, whether it was due at the end of the turn or later; started anew it does. */
static void test_stopped(void)
{
	struct seen s = {.loop = loop_new()};
	struct loop_timer *now = loop_timer_new(s.loop, 0, soon, &s), *later = loop_timer_new(s.loop, 1, soon, &s);

	loop_timer_stop(now);
	loop_timer_stop(later);
	loop_run(s.loop); /* nothing is left to wait for */
	CHECK_INT(s.n, 0);
	loop_timer_again(now, 1);
	loop_timer_again(later, 0);
	loop_run(s.loop);
	CHECK_INT(s.n, 2);
	loop_timer_free(now);
	loop_timer_free(later);
	loop_free(s.loop);
}

int main(void)
{
	struct seen s = {.loop = loop_new()};
	struct loop_timer *first;
	int64_t start = loop_ms();
	int p[2];

	if (pipe(p) != 0)
		return 1;
	/* Timers run in the order of their time, and the loop ends when nothing is left. */
	s.timer = loop_timer_new(s.loop, 30, late, &s);
	first = loop_timer_new(s.loop, 0, soon, &s);
	loop_run(s.loop);
	CHECK(s.n == 2 && s.order[0] == 1 && s.order[1] == 3);
	CHECK(loop_ms() - start >= 25);
	s.n = 0;
	loop_timer_again(first, 0);
	loop_run(s.loop);
	CHECK(s.n == 1 && s.order[0] == 1);
	loop_timer_free(first);
	/* Level-triggered: two bytes are two calls; a watcher may free itself. */
	s.n = 0;
	s.watch = loop_fd_new(s.loop, p[0], LOOP_READ, readable, &s);
	CHECK_INT(write(p[1], "ab", 2), 2);
	loop_run(s.loop);
	CHECK(s.n == 2 && s.order[0] == 'a' && s.order[1] == 'b' && !s.watch);
	/* Waiting for nothing is allowed: the byte is not seen. */
	s.n = 0;
	s.watch = loop_fd_new(s.loop, p[0], LOOP_READ, readable, &s);
	loop_fd_set(s.watch, 0);
	CHECK_INT(write(p[1], "b", 1), 1);
	loop_run(s.loop);
	CHECK_INT(s.n, 0);
	loop_fd_set(s.watch, LOOP_READ);
	loop_run(s.loop);
	CHECK_INT(s.n, 1);
	s.n = 0;
	s.sig = loop_signal_new(s.loop, SIGHUP, hup, &s);
	raise(SIGHUP);
	loop_run(s.loop);
	CHECK(s.n == 1 && s.order[0] == 9 && !s.sig);
	close(p[0]);
	close(p[1]);
	loop_free(s.loop);
	loop_free(NULL);
	test_soon();
	test_begins();
	test_stopped();
	return check_done();
}
