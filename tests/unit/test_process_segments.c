/* links: all */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bridge/process/segments.h"
#include "bridge/audit/writer.h"
#include "bridge/process/messages.h"
#include "bridge/process/spawn.h"
#include "bridge/base/log.h"
#include "tests/unit/audit_help.h"

/* The supervisor's half against a bridge's half over a real channel: a segment is handed over, grows old, and another takes its place. */

static struct {
	struct loop *l;
	struct channel *supervisor, *bridge;
	struct segments s;
	struct audit_writer *w;
	int came;
} t;

static bool no_more; /* no descriptor can be duplicated */

/* In the place of libc's. */
int fcntl(int fd, int what, ...)
{
	va_list args;
	long arg;

	va_start(args, what);
	arg = va_arg(args, long);
	va_end(args);
	if (no_more && what == F_DUPFD_CLOEXEC) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_fcntl, fd, what, arg);
}

static void end(void *arg, const char *why)
{
	CHECK_STR(why, "");
}

static void at_bridge(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	CHECK_INT(type, MSG_AUDIT);
	CHECK_INT(len, AUDIT_HASH);
	audit_writer_turn(t.w, fd, data);
	CHECK_INT(channel_send(t.bridge, MSG_AUDIT_TURNED, NULL, 0, -1), 0);
}

static void at_supervisor(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	CHECK_INT(type, MSG_AUDIT_TURNED);
	segments_turned(&t.s);
	t.came++;
	loop_stop(t.l);
}

static bool exists(const char *name, const char *suffix)
{
	char file[80];

	snprintf(file, sizeof file, "%s%s", name, suffix);
	return faccessat(audit_dir, file, F_OK, 0) == 0;
}

static void say(int n)
{
	const struct audit_query q = {.id = "00112233", .requester = "anna@a.example", .target = "bob@b.example", .direction = "in", .rule = "1", .result = "ok"};

	while (n--)
		CHECK_INT(audit_writer_say(t.w, &q, NULL, NULL), AUDIT_SAID);
}

/* So large may a file become. */
static void disk(rlim_t most)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = most;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &r), 0);
}

int main(void)
{
	char first[AUDIT_NAME], second[AUDIT_NAME];
	int pair[2];

	audit_new();
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	signal(SIGXFSZ, SIG_IGN);
	CHECK_INT(spawn_socketpair(pair), 0);
	t.l = loop_new();
	t.w = audit_writer_new(t.l, false, true);
	t.s = (struct segments){.dir = audit_dir, .generation = 1};
	t.supervisor = channel_new(t.l, pair[0], MESSAGES(messages_from_bridge), at_supervisor, end, NULL);
	t.bridge = channel_new(t.l, pair[1], MESSAGES(messages_from_supervisor), at_bridge, end, NULL);
	no_more = true; /* then the bridge has none, and gets one later */
	segments_next(&t.s, t.supervisor);
	CHECK(!t.s.given && channel_missed(t.supervisor));
	no_more = false;
	segments_minute(&t.s, t.supervisor);
	if (t.s.given)
		loop_run(t.l);
	CHECK_INT(t.came, 1);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(counted.live, 1);
	memcpy(first, t.s.now.name, sizeof first);
	say(3);
	/* young: a checkpoint and no more */
	segments_minute(&t.s, t.supervisor);
	CHECK_STR(t.s.now.name, first);
	CHECK_INT(t.s.now.checked, 3);
	say(2);
	segments_grown(&t.s); /* which changes nothing of it */
	/* a day old: the next one, and the old one is closed when the bridge has left it */
	t.s.now.opened_ms -= 25 * 3600 * 1000;
	segments_minute(&t.s, t.supervisor);
	memcpy(second, t.s.now.name, sizeof second);
	CHECK(strcmp(first, second) != 0);
	CHECK(exists(first, ".live"));
	say(1); /* before the bridge knows */
	segments_next(&t.s, t.supervisor); /* one at a time */
	CHECK_STR(t.s.now.name, second);
	loop_run(t.l);
	CHECK_INT(t.came, 2);
	CHECK(exists(first, ".jsonl"));
	CHECK(exists(second, ".live"));
	say(4);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(counted.records, 10);
	CHECK_INT(counted.live, 1);
	/* the bridge dies and another is started while nothing can be written: it has a segment as soon as there is room */
	t.came = 0;
	disk(1);
	segments_end(&t.s);
	CHECK(exists(second, ".live"));
	segments_next(&t.s, t.supervisor);
	segments_minute(&t.s, t.supervisor);
	CHECK(exists(second, ".live"));
	disk(RLIM_INFINITY);
	segments_minute(&t.s, t.supervisor);
	CHECK(strcmp(t.s.now.name, second) != 0);
	if (t.s.given)
		loop_run(t.l);
	CHECK_INT(t.came, 1);
	CHECK(exists(second, ".jsonl"));
	say(1);
	memcpy(second, t.s.now.name, sizeof second);
	CHECK_INT(audit_look(), 0);
	segments_end(&t.s);
	segments_end(&t.s);
	CHECK(exists(second, ".jsonl"));
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	channel_free(t.supervisor);
	channel_free(t.bridge);
	audit_writer_free(t.w);
	loop_free(t.l);
	audit_drop();
	return check_done();
}
