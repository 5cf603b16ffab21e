/* links: base availability pki audit */
#include "bridge/audit/writer.h"
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "bridge/base/log.h"
#include "tests/unit/audit_help.h"

static struct buf error;
static size_t folder_syncs; /* how often the folder was written to the disk */
static bool has_spine;      /* when that was done last, there was a spine */

/* In the place of libc's. */
int fsync(int fd)
{
	if (fd == audit_dir) {
		folder_syncs++;
		has_spine = faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0) == 0;
	}
	return (int)syscall(SYS_fsync, fd);
}

static const struct audit_query query = {.id = "00112233",
                                         .requester = "anna@a.example",
                                         .target = "bob@b.example",
                                         .peer = "site-b",
                                         .direction = "out",
                                         .rule = "1",
                                         .level = "LimitedDetails",
                                         .result = "ok"};

/* ---- kill -9: what was acknowledged is there ---- */

/* Writes without end and counts every record that it may answer for in memory that outlives it. */
static void write_until_killed(int fd, const uint8_t *link, volatile uint64_t *said)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, true);

	audit_writer_turn(w, fd, link);
	while (audit_writer_say(w, &query, NULL, NULL) == AUDIT_SAID)
		++*said;
	_exit(1);
}

static void test_kill(void)
{
	volatile uint64_t *said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct audit_segment s;
	char file[64];
	size_t closed;

	audit_new();
	for (int round = 0; round < 50; round++) {
		struct audit_tail tail;
		uint64_t want = (uint64_t)(rand() % 300) + 1;
		int fd = audit_segment_open(audit_dir, 1, &s, &error), status;
		pid_t pid;

		*said = 0;
		fflush(NULL);
		if ((pid = fork()) == 0)
			write_until_killed(fd, s.link, said);
		close(fd);
		while (*said < want)
			sched_yield();
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		CHECK(WIFSIGNALED(status));
		snprintf(file, sizeof file, "%s.live", s.name);
		fd = openat(audit_dir, file, O_RDONLY);
		CHECK_INT(audit_tail_read(fd, &tail), 0);
		close(fd);
		CHECK(tail.n == *said || tail.n == *said + 1);
		CHECK_INT(audit_segments_close(audit_dir, &closed, &error), 0);
		CHECK_INT(closed, 1);
	}
	CHECK_INT(audit_look(), 0);
	/* the kill may cut the write that was under way, which nobody was told of; nothing else is amiss */
	CHECK_STR(found.text, found.notes ? "a crash cut this line short; it was so when the file was closed" : "");
	CHECK_INT(counted.segments, 50);
	CHECK_STR(buf_cstr(&error), "");
	audit_drop();
	munmap((void *)said, 4096);
}

/* ---- no room: a limit on the file's size stands for a full disk ---- */

static void allow_size(rlim_t n)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = n;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text++;
	}
	return n;
}

static void test_full(bool refuse)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, refuse);
	struct audit_segment s;
	char file[64], *data, log[4096];
	int fd, pipes[2], said = 0, refused = 0;
	size_t n;

	audit_new();
	CHECK_INT(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	log_setup(pipes[1], false, LOG_LEVEL_INFO, "test");
	fd = audit_segment_open(audit_dir, 1, &s, &error);
	audit_writer_turn(w, fd, s.link);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	allow_size(2000); /* within the fifth record */
	for (int i = 0; i < 20; i++)
		*(audit_writer_say(w, &query, NULL, NULL) == AUDIT_SAID ? &said : &refused) += 1;
	allow_size(RLIM_INFINITY);
	if (refuse)
		CHECK(said > 0 && said < 6 && refused == 20 - said);
	else
		CHECK_INT(said, 20);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	snprintf(file, sizeof file, "%s.live", s.name);
	data = audit_slurp(file, &n);
	CHECK_INT(count(data, "\"kind\":\"gap\""), 1);
	CHECK_INT(count(data, refuse ? "\"answers\":\"refused\"" : "\"answers\":\"unrecorded\""), 1);
	CHECK_INT(count(data, "\"kind\":\"query\""), 2 + 20 - audit_writer_lost(w) + 1); /* one came late, with its end */
	CHECK(strstr(data, "\"late\":1") != NULL);
	free(data);
	CHECK_INT(audit_segment_check(audit_dir, &s, &error), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	n = (size_t)read(pipes[0], log, sizeof log - 1);
	log[n < sizeof log ? n : 0] = 0;
	CHECK_INT(count(log, "event=audit-failed"), 1);
	CHECK_INT(count(log, "event=audit-again"), 1);
	log_setup(2, false, LOG_LEVEL_INFO, "test");
	close(pipes[0]);
	close(pipes[1]);
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
}

/* No descriptor at all: the same rule. */
static void test_none(void)
{
	struct loop *l = loop_new();
	struct audit_writer *w;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	w = audit_writer_new(l, false, true);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_REFUSED);
	CHECK_INT(audit_writer_lost(w), 1);
	audit_writer_free(w);
	w = audit_writer_new(l, true, false);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	audit_writer_free(w);
	log_setup(2, false, LOG_LEVEL_INFO, "test");
	loop_free(l);
}

/* ---- waiting for the disk ---- */

struct waits {
	struct audit_writer *w;
	int called, good, more;
};

static void written(void *arg, bool ok)
{
	struct waits *k = arg;

	k->called++;
	k->good += ok;
	if (k->more && k->more--)
		CHECK_INT(audit_writer_say(k->w, &query, written, k), AUDIT_WAITS);
}

static void test_sync(void)
{
	struct loop *l = loop_new();
	struct waits k = {.w = audit_writer_new(l, true, true), .more = 5};
	struct audit_segment a, b;

	audit_new();
	audit_writer_turn(k.w, audit_segment_open(audit_dir, 1, &a, &error), a.link);
	for (int i = 0; i < 100; i++)
		CHECK_INT(audit_writer_say(k.w, &query, written, &k), AUDIT_WAITS);
	CHECK_INT(audit_writer_say(k.w, &query, NULL, NULL), AUDIT_SAID);
	CHECK_INT(k.called, 0);
	loop_run(l); /* ends when nothing waits any more */
	CHECK_INT(k.called, 105);
	CHECK_INT(k.good, 105);
	/* turning to another segment settles the old one first */
	CHECK_INT(audit_writer_say(k.w, &query, written, &k), AUDIT_WAITS);
	audit_writer_turn(k.w, audit_segment_open(audit_dir, 1, &b, &error), b.link);
	CHECK_INT(k.good, 106);
	CHECK_INT(audit_segment_close(audit_dir, a.name, &error), 0);
	CHECK_INT(audit_writer_say(k.w, &query, NULL, NULL), AUDIT_SAID);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(counted.records, 108);
	/* and so it does with what is said while those who waited hear of it */
	k.more = 3;
	CHECK_INT(audit_writer_say(k.w, &query, written, &k), AUDIT_WAITS);
	audit_writer_turn(k.w, audit_segment_open(audit_dir, 1, &a, &error), a.link);
	CHECK_INT(k.good, 110);
	CHECK_INT(audit_segment_close(audit_dir, b.name, &error), 0);
	CHECK_INT(audit_writer_say(k.w, &query, NULL, NULL), AUDIT_SAID);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(counted.records, 113);
	audit_writer_free(k.w);
	CHECK_STR(buf_cstr(&error), "");
	audit_drop();
	loop_free(l);
}

/* ---- all records of a turn in one write ---- */

struct told {
	int yes, no;
};

static void tell(void *arg, bool ok)
{
	struct told *t = arg;

	*(ok ? &t->yes : &t->no) += 1;
}

/* The file takes the first records of a turn and half of the next: each of those who wait is told the truth about its own. */
static void test_turn(bool refuse)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, refuse);
	struct audit_segment s;
	struct told told = {0};
	char file[64], *data;
	size_t n, one;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	audit_new();
	audit_writer_turn(w, audit_segment_open(audit_dir, 1, &s, &error), s.link);
	snprintf(file, sizeof file, "%s.live", s.name);
	for (int i = 0; i < 9; i++)
		CHECK_INT(audit_writer_say(w, &query, tell, &told), AUDIT_WAITS);
	free(audit_slurp(file, &n));
	CHECK(n == 0 && told.yes == 0); /* nobody is told before it is written, and it is written once */
	loop_run(l);
	CHECK(told.yes == 9 && told.no == 0);
	free(audit_slurp(file, &n));
	one = n / 9;
	allow_size(n + 3 * one + one / 2);
	for (int i = 0; i < 9; i++)
		CHECK_INT(audit_writer_say(w, &query, tell, &told), AUDIT_WAITS);
	loop_run(l);
	allow_size(RLIM_INFINITY);
	CHECK(told.yes >= 9 + (refuse ? 3 : 9) && told.no <= (refuse ? 6 : 0) && told.yes + told.no == 18);
	CHECK(audit_writer_lost(w) == 6 || audit_writer_lost(w) == 5); /* numbers of more digits make longer lines */
	CHECK_INT(audit_writer_say(w, &query, tell, &told), AUDIT_WAITS);
	loop_run(l);
	CHECK_INT(told.yes + told.no, 19);
	data = audit_slurp(file, &n);
	CHECK_INT(count(data, "\"kind\":\"gap\""), 1);
	CHECK(strstr(data, "\"late\":1") != NULL);
	CHECK_INT(count(data, "\"kind\":\"query\""), 19 - audit_writer_lost(w) + 1); /* one came late, with its end */
	free(data);
	CHECK_INT(audit_segment_check(audit_dir, &s, &error), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	log_setup(2, false, LOG_LEVEL_INFO, "test");
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
}

/* A record that the old segment took half of has no end there, ever: what is lacking is told in the new one, and none of it came late. */
static void test_half_left(void)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, false);
	struct audit_segment a, b;
	char file[64], *data;
	size_t n;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	audit_new();
	audit_writer_turn(w, audit_segment_open(audit_dir, 1, &a, &error), a.link);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	snprintf(file, sizeof file, "%s.live", a.name);
	free(audit_slurp(file, &n));
	allow_size(n + n / 2);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	allow_size(RLIM_INFINITY);
	CHECK_INT(audit_writer_lost(w), 1);
	audit_writer_turn(w, audit_segment_open(audit_dir, 1, &b, &error), b.link);
	CHECK_INT(audit_segment_close(audit_dir, a.name, &error), 0);
	CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
	snprintf(file, sizeof file, "%s.live", b.name);
	data = audit_slurp(file, &n);
	CHECK(strstr(data, "\"lost\":1,\"late\":0") != NULL);
	free(data);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(buf_cstr(&error), "");
	log_setup(2, false, LOG_LEVEL_INFO, "test");
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
}

/* What the spine tells of is there, whenever the power is cut: a new file's name is on the disk before any record is. */
static void test_names_are_kept(void)
{
	struct audit_segment s;
	int fd;

	audit_new();
	folder_syncs = 0;
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("verb", "rule add")), NULL, &error), 0);
	CHECK(folder_syncs == 1 && has_spine);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("verb", "rule add")), NULL, &error), 0);
	CHECK_INT(folder_syncs, 1); /* no new name, no need */
	CHECK((fd = audit_segment_open(audit_dir, 1, &s, &error)) >= 0);
	CHECK_INT(folder_syncs, 2);
	close(fd);
	audit_drop();
}

/* Gives the folder and the three files of a spine to ${uid}. */
static void give_spine(uid_t uid)
{
	static const char *const names[] = {".", "spine-000001.jsonl", "head", "lock"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (fchownat(audit_dir, names[i], uid, (gid_t)-1, 0) != 0)
			abort();
}

/* What ${what} gives to somebody who may go through the folder and write in it, but not list it; root may always, so it becomes another. */
static int while_blind(int (*what)(void))
{
	pid_t pid;
	int status;

	if (geteuid() == 0)
		give_spine(65534);
	fchmod(audit_dir, 0300);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(geteuid() == 0 && setresuid(65534, 65534, 65534) != 0 ? 99 : what() == -1);
	waitpid(pid, &status, 0);
	fchmod(audit_dir, 0700);
	if (geteuid() == 0)
		give_spine(0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int put_one(void)
{
	return audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("verb", "rule add")), NULL, &error);
}

static int close_all(void)
{
	size_t closed;

	return audit_segments_close(audit_dir, &closed, &error);
}

static int verify_all(void)
{
	return audit_verify(audit_dir, NULL, audit_found, NULL, &counted);
}

/* A folder that cannot be listed, for want of rights, memory or descriptors, is not an empty one: a spine that began anew in it would be broken. */
static void test_blind(void)
{
	audit_new();
	for (int i = 0; i < 3; i++)
		CHECK_INT(put_one(), 0);
	CHECK_INT(while_blind(put_one), 1);
	CHECK_INT(while_blind(close_all), 1);
	CHECK_INT(while_blind(verify_all), 1);
	CHECK_INT(put_one(), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	CHECK_INT(counted.head_n, 4);
	audit_drop();
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	buf_init(&error, 4096);
	test_kill();
	test_full(true);
	test_full(false);
	test_none();
	test_sync();
	test_turn(true);
	test_turn(false);
	test_half_left();
	test_names_are_kept();
	test_blind();
	buf_free(&error);
	return check_done();
}
