#include "bridge/process/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"

int spawn_socketpair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

/* Between fork and exec: puts the descriptors in their places. First out of the way, so that none overwrites another. */
static int place(const int *fds, size_t n)
{
	int high[SPAWN_FDS_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, SPAWN_FIRST_FD + (int)n)) < 0)
			return -1;
	for (i = 0; i < n; i++)
		if (dup2(high[i], SPAWN_FIRST_FD + (int)i) < 0)
			return -1;
	return close_range(SPAWN_FIRST_FD + (unsigned)n, ~0U, 0);
}

/*
 * What one query frees the next one wants again. The C library keeps 7 pieces of a size at hand; a query about many mailboxes takes
 * hundreds.
 */
static void keep_pieces(void)
{
	setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=256", 0); /* read when the child starts; an admin's own counts */
}

void spawn_why(char *out, size_t size)
{
	snprintf(out, size, "%s%s", strerror(errno),
	         errno == EMFILE || errno == ENFILE ? ". It has no descriptor left: raise LimitNOFILE (ulimit -n)" :
	         errno == EAGAIN                    ? ". There are too many processes: raise TasksMax or LimitNPROC (ulimit -u)" : "");
}

/* In the child: what its parent hears is that it ended. */
static void never_began(void)
{
	char why[200];

	spawn_why(why, sizeof why);
	log_error("a process could not begin: %s", why);
	_exit(126);
}

/* ${out}: where the output goes, -1 = where ours goes. */
static pid_t start(char *const argv[], const int *fds, size_t n, int out)
{
	sigset_t all, before;
	pid_t pid;

	if (n > SPAWN_FDS_MAX) {
		errno = EMFILE;
		return -1;
	}
	/* The loop's signal handlers must not run in the child: they would write to the parent's pipe. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		/* Ctrl-C, and what systemd sends to all processes of a service at its end, are the supervisor's to answer: it lets its children finish. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGCHLD, SIG_DFL);
		/* A verb may wait long for a resolver. Without its daemon it works for nobody, and systemd starts no other one before it has ended. */
		if (out >= 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((out >= 0 && (dup2(out, 1) < 0 || dup2(out, 2) < 0)) || place(fds, n) != 0)
			never_began();
		sigemptyset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		keep_pieces();
		execv("/proc/self/exe", argv); /* this very build, even if the file has been replaced since */
		never_began();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

pid_t spawn(char *const argv[], const int *fds, size_t n)
{
	return start(argv, fds, n, -1);
}

pid_t spawn_verb(char *const argv[], int out)
{
	return start(argv, NULL, 0, out);
}
