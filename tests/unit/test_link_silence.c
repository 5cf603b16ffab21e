/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"

/* A peer that says hello in HTTP/2 and nothing ever after, on an open connection: its questions end in time, and the connection is given up. Takes 13 s. */
static struct loop *loop;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static char endpoint[32], *endpoints[1] = {endpoint};
static struct fb_mailbox boxes[1];
static struct fb_query q;
static struct link_clients *clients;
static int listener, peer = -1, accepted;
static enum fb_reason reason;
static int64_t began;

static void on_accept(int fd, int events, void *arg)
{
	int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (++accepted > 1) { /* the second one is not even greeted */
		close(one);
		return;
	}
	peer = one;
	CHECK(send(peer, "\0\0\0\4\0\0\0\0\0", 9, MSG_NOSIGNAL) == 9);
}

static void on_answer(void *arg, size_t i, const struct fb_answer *raw)
{
	CHECK(!"an answer");
}

static void on_done(void *arg, enum fb_reason r, const char *why)
{
	reason = r;
	loop_stop(loop);
}

static void look(void *arg)
{
	struct loop_timer **t = arg;

	if (accepted > 1 || loop_ms() - began > 90000)
		loop_stop(loop);
	else
		loop_timer_again(*t, 50);
}

int main(void)
{
	static const struct link_client_events events = {on_answer, on_done};
	struct loop_timer *t;
	struct loop_fd *w;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	loop = loop_new();
	listener = world_listen(endpoint);
	w = loop_fd_new(loop, listener, LOOP_READ, on_accept, NULL);
	world_conf(&conf, peers, &own, "site-a", "a.example", "site-b", endpoints);
	world_query(&q, boxes, 1);
	clients = link_clients_new(loop, &conf, NULL);
	began = loop_ms();
	link_ask(clients, "site-b", &q, 2500, &events, NULL);
	loop_run(loop);
	CHECK_INT(reason, FB_TIMEOUT);
	CHECK_INT(accepted, 1); /* long before the connection is given up */
	t = loop_timer_new(loop, 50, look, &t);
	loop_run(loop);
	CHECK_INT(accepted, 2); /* it was given up and another one was tried, without another question */
	CHECK(loop_ms() - began > 12000 && loop_ms() - began < 90000);
	loop_timer_free(t);
	link_clients_free(clients);
	loop_fd_free(w);
	close(peer);
	close(listener);
	loop_free(loop);
	return check_done();
}
