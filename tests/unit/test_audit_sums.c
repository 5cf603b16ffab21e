/* links: base availability pki audit */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "bridge/audit/writer.h"
#include "bridge/base/log.h"
#include "tests/unit/audit_help.h"

/* A sum of what was refused is in the audit once, however much room the disk had for it when it was said first. */

static struct buf error;

static void allow_size(rlim_t n)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = n;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static bool say(struct audit_writer *w, uint64_t mailboxes)
{
	return audit_writer_say_refused(w, &(struct audit_refused){"anna@a.example", "local", "in", "busy", mailboxes, 60});
}

/* There is room for ${more} bytes behind the first; what that takes. */
static bool take(rlim_t more)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, true);
	struct audit_segment s;
	char file[64], *data;
	struct stat st;
	bool taken;
	size_t n;
	int fd;

	audit_new();
	fd = audit_segment_open(audit_dir, 1, &s, &error);
	audit_writer_turn(w, fd, s.link);
	CHECK(say(w, 1));
	fstat(fd, &st);
	allow_size((rlim_t)st.st_size + more);
	taken = say(w, 77);
	allow_size(RLIM_INFINITY);
	if (!taken)
		CHECK(say(w, 77));
	CHECK(say(w, 2));
	snprintf(file, sizeof file, "%s.live", s.name);
	data = audit_slurp(file, &n);
	CHECK(strstr(data, "\"mailboxes\":77,") != NULL);
	CHECK(!strstr(strstr(data, "\"mailboxes\":77,") + 1, "\"mailboxes\":77,"));
	CHECK(strstr(data, "\"mailboxes\":2,") != NULL);
	free(data);
	CHECK_INT(audit_segment_check(audit_dir, &s, &error), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
	return taken;
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	buf_init(&error, 4096);
	CHECK(!take(0)); /* none of it */
	CHECK(take(1));  /* its end comes with the next record */
	CHECK(take(100));
	CHECK(take(1000));
	buf_free(&error);
	return check_done();
}
