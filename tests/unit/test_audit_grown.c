/* links: base availability pki audit */
#include "bridge/audit/writer.h"
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include "bridge/base/file.h"
#include "tests/unit/audit_help.h"

/* An audit that grows says so, piece by piece, and can be taken out of the page cache. */

static const struct audit_query query = {
	.id = "00112233", .requester = "anna@a.example", .target = "bob@b.example", .peer = "site-b", .direction = "out", .rule = "1", .result = "ok"};

static void one_more(void *arg)
{
	++*(int *)arg;
}

/* How much of the segment is in the page cache, in pages. */
static size_t cached(const struct audit_segment *s)
{
	static unsigned char pages[1 << 16];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char file[AUDIT_NAME + 8];
	struct stat st;
	size_t n = 0;
	void *p;
	int fd;

	snprintf(file, sizeof file, "%s.live", s->name);
	fd = file_open_own(audit_dir, file, O_RDONLY);
	CHECK_INT(fstat(fd, &st), 0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && mincore(p, (size_t)st.st_size, pages) == 0);
	for (size_t i = 0; i * page < (size_t)st.st_size; i++)
		n += pages[i] & 1;
	munmap(p, (size_t)st.st_size);
	close(fd);
	return n;
}

/* Written to the disk it leaves the page cache, but where there is no disk. */
static void leaves_cache(int fd, const struct audit_segment *s)
{
	size_t before = cached(s);
	struct statfs fs;

	CHECK_INT(fdatasync(fd), 0);
	audit_segment_drop_cache(audit_dir, s);
	CHECK_INT(fstatfs(fd, &fs), 0);
	CHECK(before > 0 && (fs.f_type == TMPFS_MAGIC || cached(s) < before / 2));
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
	leaves_cache(fd, &s);
	CHECK_INT(audit_look(), 0);
	audit_writer_free(w);
	loop_free(l);
	audit_drop();
	buf_free(&error);
	return check_done();
}
