/* links: base */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/loop.h"
#include "bridge/base/watch.h"
#include "tests/unit/check.h"

/* Does a reader of ${fd} hear of an end within ${ms}? */
static bool is_shut(int fd, int ms)
{
	const int64_t until = loop_ms() + ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, 5) <= 0 && loop_ms() < until)
		; /* each signal ends the wait */
	return p.revents != 0;
}

static void pair(int fds[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

/* What the call opens is shut down, then and later; what was open before is not. */
static void what_is_new(void)
{
	int before[2], first[2], second[2];

	pair(before);
	watch_kerberos(-1, loop_ms() + 20);
	pair(first);
	CHECK(is_shut(first[0], 5000));
	pair(second);
	CHECK(is_shut(second[0], 5000));
	CHECK(watch_end());
	CHECK(!is_shut(before[0], 50));
	for (int i = 0; i < 2; i++)
		close(before[i]), close(first[i]), close(second[i]);
}

/* Behind the end nothing is, though a signal comes that was under way: to another thread of curl's, say. */
static void behind_the_end(void)
{
	int fds[2];

	watch_kerberos(-1, loop_ms() + 60000);
	CHECK(!watch_end());
	pair(fds);
	raise(SIGALRM);
	CHECK(!is_shut(fds[0], 50));
	close(fds[0]);
	close(fds[1]);
}

static void the_one(void)
{
	int watched[2], beside[2];

	pair(watched);
	watch_descriptor(watched[0], loop_ms() + 20);
	pair(beside);
	CHECK(is_shut(watched[0], 5000));
	CHECK(watch_end());
	CHECK(!is_shut(beside[0], 50));
	for (int i = 0; i < 2; i++)
		close(watched[i]), close(beside[i]);
}

int main(void)
{
	what_is_new();
	behind_the_end();
	the_one();
	return check_done();
}
