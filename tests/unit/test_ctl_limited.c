/* links: base */
#include "bridge/ctl/limited.c"
#include "tests/unit/check.h"

static void run(void *arg, char *job, struct buf *reply)
{
	volatile bool spins = !strcmp(job, "spin");

	if (!strcmp(job, "die"))
		raise(SIGKILL);
	while (spins)
		;
	if (!strcmp(job, "pid"))
		buf_printf(reply, "%d", (int)getpid());
	else
		buf_printf(reply, "%s %s", (const char *)arg, job);
}

static const char *ask(struct limited *l, const char *job)
{
	static struct buf reply = {.max = 4096};
	buf_reset(&reply);
	return limited_do(l, job, &reply) ? buf_cstr(&reply) : errno ? "no child" : "not lived through";
}

int main(void)
{
	struct limited l = {.run = run, .arg = (void *)"did"};
	char pid[32], other[32];
	CHECK_STR(ask(&l, "one"), "did one");
	CHECK_STR(ask(&l, ""), "did ");
	snprintf(pid, sizeof pid, "%s", ask(&l, "pid"));
	CHECK_STR(ask(&l, "pid"), pid); /* one child for all of it */
	CHECK_STR(ask(&l, "die"), "not lived through");
	CHECK_STR(ask(&l, "two"), "did two");
	snprintf(other, sizeof other, "%s", ask(&l, "pid"));
	CHECK(strcmp(pid, other) != 0);
	/* one that dies idle is replaced, and no job is lost: wait until it is gone, without reaping it */
	siginfo_t gone;
	CHECK(!kill(l.pid, SIGKILL) && !waitid(P_PID, (id_t)l.pid, &gone, WEXITED | WNOWAIT));
	CHECK_STR(ask(&l, "three"), "did three");
	CHECK_STR(ask(&l, "spin"), "not lived through");
	CHECK_STR(ask(&l, "four"), "did four");
	limited_end(&l);
	limited_end(&l);
	CHECK_INT(l.pid, 0);
	return check_done();
}
