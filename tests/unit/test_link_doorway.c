/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/server.h"

/* Which process a ClientHello wants, and what becomes of the connection it came on. */

enum { GIVEN_MAX = 8 };
static struct {
	struct loop *loop;
	struct link_server *server;
	unsigned process[GIVEN_MAX];
	int fd[GIVEN_MAX];
	size_t n;
} world;

#define WANTED(s) link_process_wanted((const uint8_t *)(s), sizeof(s) - 1)

static void wishes(void)
{
	CHECK_INT(WANTED("\0\x2c\x15" "availbridge-reverse/1" "\x15" "availbridge-process/0"), 0);
	CHECK_INT(WANTED("\x15" "availbridge-process/7 and what stands behind it"), 7);
	CHECK_INT(WANTED("\x16" "availbridge-process/63"), 63);
	CHECK_INT(WANTED("\x16" "availbridge-process/64"), -1);
	CHECK_INT(WANTED("\x17" "availbridge-process/123"), -1);
	CHECK_INT(WANTED("\x14" "availbridge-process/"), -1);
	CHECK_INT(WANTED("\x15" "availbridge-process/x"), -1);
	CHECK_INT(WANTED("\x16" "availbridge-process/6"), -1); /* cut, or no name of that length */
	CHECK_INT(WANTED("availbridge-process/6"), -1);
	CHECK_INT(WANTED("\x02h2"), -1);
	CHECK_INT(link_process_wanted(NULL, 0), -1);
}

static void give(void *arg, unsigned process, int fd)
{
	if (world.n < GIVEN_MAX) {
		world.process[world.n] = process;
		world.fd[world.n++] = fd;
	}
}

static void stop(void *arg)
{
	loop_stop(world.loop);
}

/* Lets the loop run for a moment: until nothing is left to do, or ${n} connections were given away. */
static void run_until(size_t n)
{
	struct loop_timer *end = loop_timer_new(world.loop, 50, stop, NULL);

	for (int i = 0; i < 100 && world.n < n; i++) {
		loop_timer_again(end, 20);
		loop_run(world.loop);
	}
	loop_timer_free(end);
}

static int came(const char *first, size_t len)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	link_server_accept(world.server, pair[1]);
	if (len && write(pair[0], first, len) != (ssize_t)len)
		abort();
	return pair[0];
}

static void handed_on(void)
{
	static const char hello[] = "\x16\x03\x01 hello \x15" "availbridge-process/4";
	char back[sizeof hello];
	int near = came(hello, sizeof hello), plain, silent;

	run_until(1);
	CHECK_INT(world.n, 1);
	CHECK_INT(world.process[0], 1); /* the fourth of three */
	CHECK_INT(recv(world.fd[0], back, sizeof back, 0), (ssize_t)sizeof hello);
	CHECK(memcmp(back, hello, sizeof hello) == 0); /* nothing of it was taken away */
	CHECK_INT(world.server->n_conns, 0);
	CHECK_INT(world.server->n_doorways, 0);
	close(near);
	close(world.fd[0]);
	world.n = 0;
	plain = came("PRI * HTTP/2.0", 14);
	silent = came(NULL, 0);
	run_until(1); /* nothing comes */
	CHECK_INT(world.n, 0);
	CHECK_INT(world.server->n_conns, 1);
	CHECK_INT(world.server->n_doorways, 1);
	link_server_drain(world.server);
	CHECK_INT(world.server->n_doorways, 0);
	CHECK_INT(recv(silent, back, sizeof back, 0), 0);
	close(plain);
	close(silent);
}

int main(void)
{
	struct conf_address_space own;
	struct conf_peer peers[2];
	struct conf conf;

	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_DEBUG, "test");
	world_conf(&conf, peers, &own, "site-a", "a.example", "site-b", NULL);
	world.loop = loop_new();
	world.server = link_server_new(world.loop, &conf, NULL, &(struct link_server_events){0}, NULL);
	link_server_siblings(world.server, 3, give, NULL);
	wishes();
	handed_on();
	link_server_free(world.server);
	loop_free(world.loop);
	return check_done();
}
