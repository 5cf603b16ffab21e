#include "bridge/base/watch.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "bridge/base/loop.h"

/* A worker has a few descriptors open, and a library that asks somebody takes the lowest that are free. */
enum { DESCRIPTORS = 256, AGAIN_US = 20000 };
static volatile sig_atomic_t watched = -1, shut, others, open_before[DESCRIPTORS];

/* What is no socket, or not open, only sets errno. */
static void too_late(int signo)
{
	int before = errno;

	if (watched >= 0)
		shutdown(watched, SHUT_RDWR);
	for (int fd = 0; others && fd < DESCRIPTORS; fd++)
		if (!open_before[fd])
			shutdown(fd, SHUT_RDWR);
	shut = 1;
	errno = before;
}

static void begin(int fd, bool all, int64_t deadline)
{
	int64_t ms = deadline - loop_ms();
	struct sigaction action = {.sa_handler = too_late, .sa_flags = SA_RESTART};
	struct itimerval timer = {.it_interval = {0, AGAIN_US}, .it_value = {ms > 0 ? ms / 1000 : 0, ms > 0 ? ms % 1000 * 1000 + 1 : 1}};

	shut = 0;
	watched = fd;
	others = all;
	for (int i = 0; all && i < DESCRIPTORS; i++)
		open_before[i] = fcntl(i, F_GETFD) >= 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void watch_descriptor(int fd, int64_t deadline)
{
	begin(fd, false, deadline);
}

void watch_kerberos(int fd, int64_t deadline)
{
	begin(fd, true, deadline);
}

bool watch_end(void)
{
	const struct itimerval none = {0};

	setitimer(ITIMER_REAL, &none, NULL);
	watched = -1;
	others = 0;
	return shut;
}
