/* links: all */
#include "bridge/process/pool.h"
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/process/messages.h"
#include "tests/unit/check.h"

/* The workers here are the other ends of socketpairs, played by the test itself. */
struct seen {
	struct loop *loop;
	struct pool *pool;
	int worker;      /* the end that the test plays */
	char order[16];  /* first byte of each reply, '!' for a failure */
	size_t n, stop_after;
	char why[80];
	size_t len;
	int answer_more; /* from within a reply, submit this many more */
	int64_t deadline; /* of each job */
};

static int add_worker(struct seen *s)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0)
		abort();
	pool_add(s->pool, p[0], 1);
	return p[1];
}

static void on_reply(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct seen *s = arg;

	if (s->n < sizeof s->order - 1)
		s->order[s->n] = data ? (char)(len ? data[0] : '0') : '!';
	s->n++;
	s->len = len;
	if (why)
		snprintf(s->why, sizeof s->why, "%s", why);
	if (s->answer_more-- > 0)
		pool_submit(s->pool, "m", 1, s->deadline, on_reply, s);
	if (s->n == s->stop_after)
		loop_stop(s->loop);
}

static void stop_turn(void *arg)
{
	loop_stop(arg);
}

/* Lets what is there be seen to. */
static void turn(struct loop *l, int64_t ms)
{
	struct loop_timer *t = loop_timer_new(l, ms, stop_turn, l);

	loop_run(l);
	loop_timer_free(t);
}

#define UNTIL(l, cond) \
	for (int turns = 0; turns < 5000 && !(cond); turns++) \
	turn((l), 1)

static int64_t let_go; /* the pid that the pool wants to be killed */

static void on_changed(void *arg, int64_t pid, bool ready)
{
	if (!ready)
		let_go = pid;
}

static struct seen open_pool(int64_t deadline, int64_t job_ms, size_t depth)
{
	const struct pool_kind kind = {"test", MESSAGES(messages_from_calendar_worker), 10, depth, job_ms};
	struct seen s = {.loop = loop_new(), .deadline = deadline};

	s.pool = pool_new(s.loop, &kind, on_changed, NULL);
	return s;
}

static void close_pool(struct seen *s)
{
	pool_free(s->pool);
	loop_free(s->loop);
}

static const struct channel_type job_types[] = {{MSG_JOB, "job", JOB_MAX + MESSAGE_HANDLE, 0}};

/* What the worker does when a job comes: echo, or end. */
struct player {
	int fd, jobs, die_at;
	struct loop_fd *watch;
};

static void play(int fd, int events, void *arg)
{
	struct player *p = arg;
	struct buf job;
	uint16_t type;

	buf_init(&job, JOB_MAX);
	if (channel_read_blocking(fd, MESSAGES(job_types), &type, &job) != 1 || ++p->jobs == p->die_at) {
		loop_fd_free(p->watch);
		p->watch = NULL;
		close(fd);
	} else
		channel_write_blocking(fd, MSG_REPLY, buf_ptr(&job), job.len);
	buf_free(&job);
}

static void start_player(struct seen *s, struct player *p, int die_at)
{
	*p = (struct player){.fd = add_worker(s), .die_at = die_at};
	p->watch = loop_fd_new(s->loop, p->fd, LOOP_READ, play, p);
	channel_write_blocking(p->fd, MSG_WORKER_READY, NULL, 0);
}

static void test_order(void)
{
	struct seen s = open_pool(5000, 5000, 1);
	struct player p;
	struct pool_status st;

	s.stop_after = 4;
	s.answer_more = 1;
	pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s);
	pool_submit(s.pool, "b", 1, s.deadline, on_reply, &s);
	pool_submit(s.pool, "c", 1, s.deadline, on_reply, &s);
	pool_status(s.pool, &st);
	CHECK(st.waiting == 3 && st.workers == 0 && s.n == 0);
	start_player(&s, &p, 0);
	loop_run(s.loop);
	CHECK_STR(s.order, "abcm");
	CHECK_INT(p.jobs, 4);
	pool_status(s.pool, &st);
	CHECK(st.waiting == 0 && st.workers == 1 && st.ready == 1 && st.busy == 0);
	loop_fd_free(p.watch);
	close(p.fd);
	close_pool(&s);
}

static void test_death(void)
{
	struct seen s = open_pool(5000, 5000, 1);
	struct player p, next;

	s.stop_after = 2;
	pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s);
	pool_submit(s.pool, "b", 1, s.deadline, on_reply, &s);
	start_player(&s, &p, 2); /* it dies over the second job */
	loop_run(s.loop);
	CHECK_STR(s.order, "a!");
	CHECK(s.why[0] != 0 && !p.watch);
	CHECK_INT(s.len, 0);
	s.stop_after = 3;
	pool_submit(s.pool, "c", 1, s.deadline, on_reply, &s);
	start_player(&s, &next, 0); /* its successor goes on */
	loop_run(s.loop);
	CHECK_STR(s.order, "a!c");
	loop_fd_free(next.watch);
	close(next.fd);
	close_pool(&s);
}

/* Workers that end before they are ready, one after the other: nobody waits for the next, until one is ready after all. */
static void test_stillborn(void)
{
	struct seen s = open_pool(60000, 5000, 1);
	struct pool_status st;
	struct player p;

	for (int i = 0; i < 3; i++) {
		let_go = 0;
		if (i == 2) {
			s.stop_after = 1;
			pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s);
		}
		close(add_worker(&s));
		if (i == 2)
			loop_run(s.loop);
		UNTIL(s.loop, let_go);
	}
	CHECK_STR(s.order, "!");
	CHECK(strstr(s.why, "before they are ready") != NULL);
	CHECK_INT(s.len, 0);
	s.stop_after = 2;
	pool_submit(s.pool, "b", 1, s.deadline, on_reply, &s);
	CHECK_INT(s.n, 1); /* never before it returns */
	loop_run(s.loop);
	CHECK_STR(s.order, "!!");
	start_player(&s, &p, 0);
	do {
		turn(s.loop, 1);
		pool_status(s.pool, &st);
	} while (!st.ready);
	s.stop_after = 3;
	pool_submit(s.pool, "c", 1, s.deadline, on_reply, &s);
	loop_run(s.loop);
	CHECK_STR(s.order, "!!c");
	loop_fd_free(p.watch);
	close(p.fd);
	close_pool(&s);
}

/* More than may wait: each one more is refused at once, also whoever asks anew then; those that wait keep their time. */
static void test_full(void)
{
	enum { MOST = 10000 };
	struct seen waits = open_pool(300, 5000, 1), s = waits;
	struct pool_status st;

	for (int i = 0; i < MOST; i++)
		pool_submit(s.pool, "w", 1, waits.deadline, on_reply, &waits);
	s.deadline = 60000;
	s.answer_more = 3;
	s.stop_after = 4;
	pool_submit(s.pool, "r", 1, s.deadline, on_reply, &s);
	CHECK_INT(s.n, 0); /* never before it returns */
	loop_run(s.loop);
	CHECK_STR(s.order, "!!!!");
	CHECK(strstr(s.why, "too many") != NULL);
	CHECK_INT(s.len, POOL_NO_WORKER);
	pool_status(s.pool, &st);
	CHECK_INT(st.waiting + waits.n, MOST);
	waits.stop_after = MOST;
	if (waits.n < MOST)
		loop_run(s.loop);
	CHECK_INT(waits.n, MOST);
	CHECK(strstr(waits.why, "no worker became free") != NULL);
	CHECK_INT(s.n, 4);
	close_pool(&waits);
}

static void test_time(void)
{
	struct seen s = open_pool(400, 100, 1);
	struct pool_status st;
	int silent;

	s.stop_after = 1;
	pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s); /* no worker at all */
	loop_run(s.loop);
	CHECK_STR(s.order, "!");
	CHECK(strstr(s.why, "free") != NULL);
	CHECK_INT(s.len, POOL_NO_WORKER);
	CHECK_INT(let_go, 1); /* the one that died in the test before */
	let_go = 0;
	silent = add_worker(&s);
	channel_write_blocking(silent, MSG_WORKER_READY, NULL, 0);
	s.stop_after = 2;
	pool_submit(s.pool, "b", 1, s.deadline, on_reply, &s); /* one that never replies */
	loop_run(s.loop);
	CHECK_STR(s.order, "!!");
	CHECK_INT(let_go, 1);
	pool_status(s.pool, &st);
	CHECK(st.workers == 0 && st.waiting == 0);
	CHECK_INT(recv(silent, (char[64]){0}, 64, 0), 13); /* the job, */
	CHECK_INT(recv(silent, (char[64]){0}, 64, 0), 0); /* then it was let go of */
	close(silent);
	close_pool(&s);
}

static void test_refusals(void)
{
	enum { MANY = 10000 };
	struct seen s = open_pool(5000, 5000, 1);
	struct pool_status st;
	int liar = add_worker(&s), i;

	s.stop_after = 1;
	pool_submit(s.pool, "12345678901", 11, s.deadline, on_reply, &s);
	CHECK_INT(s.n, 0); /* never before it returns */
	loop_run(s.loop);
	CHECK(s.n == 1 && strstr(s.why, "large") && s.len == 0);
	channel_write_blocking(liar, MSG_REPLY, "xxxxx", 5); /* nobody asked it */
	for (i = 0; i < MANY; i++)
		pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s);
	s.stop_after = 2;
	pool_submit(s.pool, "a", 1, s.deadline, on_reply, &s);
	loop_run(s.loop);
	turn(s.loop, 1);
	CHECK(s.n == 2 && strstr(s.why, "too many") && s.len == POOL_NO_WORKER);
	pool_status(s.pool, &st);
	CHECK(st.workers == 0 && st.waiting == MANY);
	close(liar);
	close_pool(&s); /* all those jobs without a callback */
	CHECK_INT(s.n, 2);
}

/* One worker that has several jobs at once, which it answers in any order. */
static int take_job(int fd, struct buf *job)
{
	uint16_t type;

	return channel_read_blocking(fd, MESSAGES(job_types), &type, job);
}

static void test_depth(void)
{
	struct seen s = open_pool(5000, 5000, 3);
	int fd = add_worker(&s);
	struct pool_status st;
	struct buf jobs[4];
	size_t i;

	for (i = 0; i < 4; i++)
		buf_init(&jobs[i], 64);
	for (i = 0; i < 4; i++)
		pool_submit(s.pool, &"abcd"[i], 1, 5000, on_reply, &s);
	channel_write_blocking(fd, MSG_WORKER_READY, NULL, 0);
	UNTIL(s.loop, (pool_status(s.pool, &st), st.jobs > 0));
	CHECK(st.jobs == 3 && st.busy == 1 && st.waiting == 1 && st.workers == 1);
	for (i = 0; i < 3; i++) {
		CHECK_INT(take_job(fd, &jobs[i]), 1);
		CHECK_INT(buf_ptr(&jobs[i])[4], "abc"[i]);
	}
	channel_write_blocking(fd, MSG_REPLY, buf_ptr(&jobs[1]), jobs[1].len);
	UNTIL(s.loop, s.n == 1);
	CHECK_STR(s.order, "b");
	CHECK_INT(take_job(fd, &jobs[3]), 1); /* there is room for the fourth now */
	for (i = 4; i-- > 0;)
		if (i != 1)
			channel_write_blocking(fd, MSG_REPLY, buf_ptr(&jobs[i]), jobs[i].len);
	UNTIL(s.loop, s.n == 4);
	CHECK_STR(s.order, "bdca");
	channel_write_blocking(fd, MSG_REPLY, buf_ptr(&jobs[1]), jobs[1].len); /* a second reply to the same */
	let_go = 0;
	UNTIL(s.loop, let_go);
	CHECK_INT(let_go, 1);
	for (i = 0; i < 4; i++)
		buf_free(&jobs[i]);
	close(fd);
	close_pool(&s);
}

/* A job that is late is over for its asker; the worker may still reply to it, and has its other jobs. */
static void test_late(void)
{
	struct seen s = open_pool(5000, 5000, 2);
	int fd = add_worker(&s);
	struct pool_status st;
	struct buf late, job;

	buf_init(&late, 64);
	buf_init(&job, 64);
	let_go = 0;
	channel_write_blocking(fd, MSG_WORKER_READY, NULL, 0);
	pool_submit(s.pool, "a", 1, 200, on_reply, &s);
	pool_submit(s.pool, "b", 1, 5000, on_reply, &s);
	s.stop_after = 1;
	loop_run(s.loop);
	CHECK_STR(s.order, "!");
	CHECK(strstr(s.why, "in time") != NULL);
	CHECK_INT(s.len, 0);
	pool_status(s.pool, &st);
	CHECK(st.jobs == 2 && st.workers == 1);
	CHECK_INT(take_job(fd, &late), 1);
	CHECK_INT(take_job(fd, &job), 1);
	channel_write_blocking(fd, MSG_REPLY, buf_ptr(&late), late.len);
	channel_write_blocking(fd, MSG_REPLY, buf_ptr(&job), job.len);
	s.stop_after = 2;
	loop_run(s.loop);
	CHECK_STR(s.order, "!b");
	CHECK_INT(let_go, 0);
	pool_status(s.pool, &st);
	CHECK(st.jobs == 0 && st.busy == 0);
	/* the worker dies: all that it has has failed, each once */
	s.stop_after = 5;
	pool_submit(s.pool, "c", 1, 5000, on_reply, &s);
	pool_submit(s.pool, "d", 1, 5000, on_reply, &s);
	pool_submit(s.pool, "e", 1, 20, on_reply, &s); /* it finds no worker any more */
	pool_status(s.pool, &st);
	CHECK(st.jobs == 2 && st.waiting == 1);
	close(fd);
	loop_run(s.loop);
	CHECK_STR(s.order, "!b!!!");
	CHECK_INT(s.len, POOL_NO_WORKER);
	buf_free(&late);
	buf_free(&job);
	close_pool(&s);
}

/* A worker is given its whole time for each job, however short the one before was. */
static void test_stuck(void)
{
	enum { JOB_MS = 900 }; /* the machine may stand still for half of it */
	struct seen s = open_pool(5000, JOB_MS, 2);
	int fd = add_worker(&s);
	struct buf job;
	int64_t begun;

	buf_init(&job, 64);
	channel_write_blocking(fd, MSG_WORKER_READY, NULL, 0);
	pool_submit(s.pool, "a", 1, 5000, on_reply, &s);
	turn(s.loop, JOB_MS / 3);
	CHECK_INT(take_job(fd, &job), 1);
	channel_write_blocking(fd, MSG_REPLY, buf_ptr(&job), job.len);
	UNTIL(s.loop, s.n == 1);
	begun = loop_ms();
	pool_submit(s.pool, "b", 1, 5000, on_reply, &s);
	let_go = 0;
	s.stop_after = 2;
	loop_run(s.loop);
	CHECK_STR(s.order, "a!");
	CHECK(loop_ms() - begun >= JOB_MS);
	CHECK_INT(let_go, 1);
	buf_free(&job);
	close(fd);
	close_pool(&s);
}

int main(void)
{
	test_order();
	test_death();
	test_stillborn();
	test_full();
	test_time();
	test_refusals();
	test_depth();
	test_late();
	test_stuck();
	return check_done();
}
