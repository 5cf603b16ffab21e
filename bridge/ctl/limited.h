#ifndef BRIDGE_CTL_LIMITED_H
#define BRIDGE_CTL_LIMITED_H
#include <stdbool.h>
#include <sys/types.h>
#include "bridge/base/buf.h"

/*
 * Work on input that may be hostile, in a child process under limits of CPU time, wall time and memory. One child serves many jobs; one
 * that dies or overruns is replaced, and costs only the job that it was at.
 */
enum { LIMITED_CPU_SECONDS = 5, LIMITED_WALL_MS = 15000, LIMITED_REPLY_MAX = 128 << 20 };

/* Does one ${job} (a string, its own to change) and fills ${reply}, which is empty at first. Runs in the child. */
typedef void limited_fn(void *arg, char *job, struct buf *reply);
struct limited {
	limited_fn *run;
	void *arg;
	pid_t pid; /* 0 = no child yet */
	int sock;
};

/*
 * Has a child do ${job} and appends what it replied to ${reply}. False if no child could be had (errno) or if it did not live through
 * the job (errno = 0).
 */
bool limited_do(struct limited *l, const char *job, struct buf *reply);
/* Ends the child, if there is one. */
void limited_end(struct limited *l);
#endif
