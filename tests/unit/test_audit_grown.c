/* links: base availability pki audit */
#include "bridge/audit/writer.h"
#include "tests/unit/audit_help.h"

/* An audit that grows says so, piece by piece. */

static const struct audit_query query = {
	.id = "00112233", .requester = "anna@a.example", .target = "bob@b.example", .peer = "site-b", .direction = "out", .rule = "1", .result = "ok"};

static void one_more(void *arg)
{
	++*(int *)arg;
}

int main(void)
{
	struct loop *l = loop_new();
	struct audit_writer *w = audit_writer_new(l, false, true);
	struct audit_segment s;
	struct stat st = {0};
	struct buf error;
	int told = 0, fd;

	audit_new();
	buf_init(&error, 4096);
	fd = audit_segment_open(audit_dir, 1, &s, &error);
	audit_writer_turn(w, fd, s.link);
	audit_writer_watch(w, NULL, one_more, &told);
	while (st.st_size < 5 * AUDIT_GROWN_BYTES / 2) {
		CHECK_INT(told, st.st_size / AUDIT_GROWN_BYTES);
		CHECK_INT(audit_writer_say(w, &query, NULL, NULL), AUDIT_SAID);
		CHECK_INT(fstat(fd, &st), 0);
	}
	CHECK_INT(told, 2);
	audit_segment_rest(audit_dir, &s);
	CHECK_INT(audit_look(), 0);
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
	buf_free(&error);
	return check_done();
}
