/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "bridge/link/session_own.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include <sys/mman.h>

/* A connection on which nothing is asked gives back the memory that it sends from, and works as before when something is asked again. */
static struct loop *loop;
static struct link_session *ends[2]; /* who is asked, who asks */
static struct link_stream asking, asked;
static int ups, answers, gone;

static void on_up(void *arg)
{
	if (++ups == 2)
		loop_stop(loop);
}

static struct link_stream *on_open(void *arg)
{
	link_stream_init(&asked, 1 << 20);
	return &asked;
}

static void on_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
}

static void on_headers(void *arg, struct link_stream *st)
{
}

/* The question comes back as the answer. */
static void on_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	CHECK_INT(what, GRPC_READ_MESSAGE);
	CHECK_INT((long)n, 30000);
	for (size_t i = 0; i < n; i++)
		if (p[i] != (uint8_t)(i * 7))
			CHECK(!"the message as it was sent");
	if (st == &asking) {
		answers++;
		return;
	}
	memcpy(link_stream_put(st, n), p, n);
	st->out_last = true;
	link_stream_send(st);
}

static void on_ended(void *arg, struct link_stream *st, bool midway)
{
}

static void on_closed(void *arg, struct link_stream *st, uint32_t code)
{
	link_stream_release(st);
	if (++gone % 2 == 0)
		loop_stop(loop);
}

static void on_down(void *arg, const char *why)
{
	CHECK(!"the connection holds");
}

static const struct link_session_events events = {
	.up = on_up, .open = on_open, .header = on_header, .headers = on_headers, .message = on_message, .ended = on_ended, .closed = on_closed, .down = on_down,
};

/* Pages of a session's frame that are in memory. */
static int resident(const struct link_session *s)
{
	unsigned char pages[4] = {0};
	int n = 0;

	CHECK(s->frame && mincore(s->frame, sizeof pages * 4096, pages) == 0);
	for (size_t i = 0; i < sizeof pages; i++)
		n += pages[i] & 1;
	return n;
}

static void ask(void)
{
	const nghttp2_nv nv[] = {{(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0}, {(uint8_t *)":scheme", (uint8_t *)"https", 7, 5, 0},
	                         {(uint8_t *)":path", (uint8_t *)"/", 5, 1, 0}, {(uint8_t *)":authority", (uint8_t *)"x", 10, 1, 0}};
	uint8_t *p;

	link_stream_init(&asking, 1 << 20);
	p = link_stream_put(&asking, 30000);
	for (size_t i = 0; i < 30000; i++)
		p[i] = (uint8_t)(i * 7);
	asking.out_last = true;
	CHECK_INT(link_stream_request(ends[1], &asking, nv, 4), 0);
	loop_run(loop);
}

static void look(void *arg)
{
	struct loop_timer **t = arg;

	if (!ends[0]->ping && !ends[1]->ping)
		loop_stop(loop);
	else
		loop_timer_again(*t, 50);
}

static void until_at_rest(void)
{
	struct loop_timer *t = loop_timer_new(loop, 50, look, &t);

	loop_run(loop);
	loop_timer_free(t);
}

int main(void)
{
	int fds[2];

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	loop = loop_new();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	ends[0] = link_session_accept(loop, NULL, fds[0], &events, NULL);
	ends[1] = link_session_connect(loop, NULL, fds[1], "x", "x", &events, NULL);
	loop_run(loop);
	for (int i = 1; i <= 2; i++) {
		ask();
		CHECK_INT(answers, i);
		CHECK(resident(ends[0]) >= 4 && resident(ends[1]) >= 4);
		until_at_rest();
		CHECK_INT(resident(ends[0]), 0);
		CHECK_INT(resident(ends[1]), 0);
	}
	link_session_free(ends[0]);
	link_session_free(ends[1]);
	loop_free(loop);
	return check_done();
}
