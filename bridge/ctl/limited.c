#include "bridge/ctl/limited.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const rlim_t child_memory = 1 << 30;
/* Present only in a build with AddressSanitizer, whose shadow memory is beyond any limit. */
extern void __asan_init(void) __attribute__((weak));

static bool read_all(int fd, void *p, size_t n)
{
	for (char *at = p; n; ) {
		ssize_t got = read(fd, at, n);
		if (got <= 0 && !(got < 0 && errno == EINTR))
			return false;
		at += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool write_all(int fd, const void *p, size_t n)
{
	for (const char *at = p; n; ) {
		ssize_t put = send(fd, at, n, MSG_NOSIGNAL);
		if (put < 0 && errno != EINTR)
			return false;
		at += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

static void limit_self(void)
{
	struct rlimit memory = {child_memory, child_memory}, none = {0, 0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	if (!__asan_init)
		setrlimit(RLIMIT_AS, &memory);
	signal(SIGPROF, SIG_DFL); /* what the timer below sends ends the child */
}

/* The child's life: a length and a job in, a length and a reply out. */
static void child_run(const struct limited *l, int sock)
{
	struct itimerval cpu = {.it_value.tv_sec = LIMITED_CPU_SECONDS};
	struct buf reply;
	uint32_t n;
	limit_self();
	buf_init(&reply, LIMITED_REPLY_MAX);
	while (read_all(sock, &n, sizeof n)) {
		char *job = malloc((size_t)n + 1);
		if (!job || !read_all(sock, job, n))
			break;
		job[n] = 0;
		setitimer(ITIMER_PROF, &cpu, NULL);
		buf_reset(&reply);
		l->run(l->arg, job, &reply);
		free(job);
		n = (uint32_t)reply.len;
		if (!write_all(sock, &n, sizeof n) || !write_all(sock, buf_ptr(&reply), reply.len))
			break;
	}
	_exit(0);
}

void limited_end(struct limited *l)
{
	if (!l->pid)
		return;
	kill(l->pid, SIGKILL);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(l->sock);
	l->pid = 0;
}

static bool child_start(struct limited *l)
{
	int sock[2];
	if (l->pid)
		return true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return false;
	fflush(stdout);
	l->pid = fork();
	if (l->pid == 0) {
		close(sock[0]);
		child_run(l, sock[1]);
	}
	close(sock[1]);
	l->sock = sock[0];
	if (l->pid > 0)
		return true;
	close(sock[0]);
	l->pid = 0;
	return false;
}

/* False if the child died or gave no answer in time. */
static bool take_reply(const struct limited *l, struct buf *reply)
{
	struct pollfd p = {.fd = l->sock, .events = POLLIN};
	uint32_t n;
	uint8_t *to;
	int ready;
	while ((ready = poll(&p, 1, LIMITED_WALL_MS)) < 0 && errno == EINTR)
		;
	if (ready != 1 || !read_all(l->sock, &n, sizeof n) || !(to = buf_reserve(reply, n)) || !read_all(l->sock, to, n))
		return false;
	buf_commit(reply, n);
	return true;
}

bool limited_do(struct limited *l, const char *job, struct buf *reply)
{
	uint32_t n = (uint32_t)strlen(job);
	bool sent = false;
	for (int i = 0; i < 2 && !sent; i++) { /* one that died while it had nothing to do is replaced without a word */
		if (!child_start(l))
			return false;
		sent = write_all(l->sock, &n, sizeof n) && write_all(l->sock, job, n);
		if (!sent)
			limited_end(l);
	}
	if (sent && take_reply(l, reply))
		return true;
	limited_end(l);
	errno = 0;
	return false;
}
