/* links: base availability conf dns pki login address_space acl audit budget ews trace front link pairing backend directory proxy process gen */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/name_watch.h"
#include "tests/unit/check.h"

/* When the supervisor reloads because a peer's names lead elsewhere; this very program plays the verb that looks them up, and hours pass at once. */

enum { MINUTE = 60, HOUR = 3600 };

static time_t later;
static int reloads;

/* In libc's place. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += later;
	return (int)r;
}

static bool reload(void *arg)
{
	reloads++;
	return true;
}

/* A bridge cannot reach ${peer}: is that a reload? The names of "still" lead where they led. */
static bool reloads_for(struct name_watch *w, const char *peer)
{
	int before = reloads, status;
	struct buf b;
	pid_t pid;

	buf_init(&b, 256);
	pack_str(&b, peer);
	pack_str(&b, "192.0.2.1");
	name_watch_said(w, buf_ptr(&b), b.len);
	buf_free(&b);
	if (!w->verb.pid)
		return false;
	CHECK((pid = waitpid(-1, &status, 0)) > 0);
	CHECK(name_watch_reaped(w, pid, status));
	return reloads > before;
}

/* What the verb does. It says nothing if it would outlive its daemon. */
static int look_up(const char *peer)
{
	int at_the_end = 0;

	prctl(PR_GET_PDEATHSIG, &at_the_end);
	return strcmp(peer, "still") != 0 && at_the_end == SIGKILL && puts("192.0.2.2") < 0;
}

int main(int argc, char **argv)
{
	struct name_watch w = {.conf_path = "/nowhere", .reload = reload};

	if (argc > 5 && strcmp(argv[4], "moved") == 0)
		return look_up(argv[5]);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	w.loop = loop_new();
	CHECK(!reloads_for(&w, "still"));
	CHECK(reloads_for(&w, "odd"));
	CHECK(!reloads_for(&w, "other")); /* within the minute there is no other one */
	/* One whose names lead elsewhere each time has a reload ever more seldom... */
	for (int wait = MINUTE; wait < HOUR / 2; wait *= 2) {
		later += wait - 5;
		CHECK(!reloads_for(&w, "odd"));
		later += 6;
		CHECK(reloads_for(&w, "odd"));
	}
	/* ...and another one waits for that no longer than its minute. */
	later += MINUTE + 1;
	CHECK(!reloads_for(&w, "odd"));
	CHECK(reloads_for(&w, "other"));
	later += 2 * HOUR;
	CHECK(reloads_for(&w, "odd"));
	later += MINUTE + 1; /* it was quiet for so long that it begins anew */
	CHECK(reloads_for(&w, "odd"));
	name_watch_end(&w);
	loop_free(w.loop);
	return check_done();
}
