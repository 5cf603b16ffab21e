#include "bridge/directory/network.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/loop.h"

/* 0, or the errno of what went wrong. */
static int connect_one(int fd, const struct addrinfo *a, int64_t deadline)
{
	struct pollfd p = {fd, POLLOUT, 0};
	int error = 0;
	socklen_t len = sizeof error;

	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	for (;;) {
		int64_t left = deadline - loop_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r == 0)
			return ETIMEDOUT;
		if (r > 0)
			break;
		if (errno != EINTR)
			return errno;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* Small questions leave at once; and no firewall on the way forgets a connection that nobody used for a while. */
static void keep_alive(int fd)
{
	const int on = 1, idle_s = 60, again_s = 10, times = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &again_s, sizeof again_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

/* A connected, blocking descriptor to one of the host's addresses; -1 with the errno in ${why}. */
static int try_address(const struct addrinfo *a, int64_t deadline, int *why)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*why = fd < 0 ? errno : connect_one(fd, a, deadline);
	if (*why == 0) {
		keep_alive(fd);
		if (fcntl(fd, F_SETFL, 0) == 0)
			return fd;
		*why = errno;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int network_connect(const char *host, int port, int64_t deadline, struct buf *error)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct addrinfo *list = NULL, *a;
	int fd = -1, why = EHOSTUNREACH, r;
	size_t n = 0, k = 0;
	char service[16];

	snprintf(service, sizeof service, "%d", port);
	if ((r = getaddrinfo(host, service, &hints, &list)) != 0) {
		buf_printf(error, "the host name %s cannot be resolved: %s", host, r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -1;
	}
	for (a = list; a; a = a->ai_next)
		n++;
	/* An address that does not answer leaves the others their share of the time. */
	for (a = list; a && fd < 0; a = a->ai_next, k++)
		fd = try_address(a, loop_ms() + (deadline - loop_ms()) / (int64_t)(n - k), &why);
	freeaddrinfo(list);
	if (fd < 0)
		buf_printf(error, "cannot connect to port %d: %s", port, strerror(why));
	return fd;
}
