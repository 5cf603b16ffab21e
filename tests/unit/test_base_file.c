/* links: base */
#include "bridge/base/file.h"
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/check.h"

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2; /* "." and ".." */
}

static void test_write_and_read(const char *dir, const char *path)
{
	struct buf b;
	struct stat st;

	buf_init(&b, 5);
	CHECK_INT(file_read(path, &b), FILE_ABSENT);
	CHECK_INT(file_write(path, "hello", 5, 0600), 0);
	CHECK_INT(file_read(path, &b), FILE_OK);
	CHECK_STR(buf_cstr(&b), "hello");
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(!file_is_loose(path));
	CHECK_INT(file_write(path, "longer", 6, 0640), 0);
	buf_reset(&b);
	CHECK_INT(file_read(path, &b), FILE_TOO_BIG);
	CHECK(file_is_loose(path));
	CHECK_INT(files_in(dir), 1);
	buf_free(&b);
}

static void test_refusals(const char *dir, const char *path)
{
	char other[300], fifo[300], inside[300];
	struct buf b;

	buf_init(&b, 100);
	CHECK_INT(file_read(dir, &b), FILE_COULD_NOT);
	CHECK_INT(errno, EISDIR);
	CHECK_INT(file_join(fifo, sizeof fifo, dir, "fifo"), 0);
	CHECK_INT(mkfifo(fifo, 0600), 0);
	CHECK_INT(file_read(fifo, &b), FILE_COULD_NOT);
	CHECK_INT(unlink(fifo), 0);
	CHECK_INT(file_join(inside, sizeof inside, path, "x"), 0);
	CHECK_INT(file_read(inside, &b), FILE_ABSENT);
	CHECK_INT(file_write(inside, "x", 1, 0600), -1);
	/* What cannot be replaced stays as it was, and nothing is left lying about. */
	CHECK_INT(file_join(other, sizeof other, dir, "folder"), 0);
	CHECK_INT(mkdir(other, 0700), 0);
	CHECK_INT(file_write(other, "x", 1, 0600), -1);
	CHECK_INT(rmdir(other), 0);
	CHECK_INT(files_in(dir), 1);
	CHECK(!file_is_loose(other));
	buf_free(&b);
}

/* Root edits for the daemon's user: the file, or a new one in its folder, stays readable to that user. */
static void test_owner(const char *dir, const char *path)
{
	char fresh[300];
	struct stat st;

	if (geteuid() != 0)
		return;
	CHECK_INT(file_join(fresh, sizeof fresh, dir, "fresh"), 0);
	CHECK_INT(file_write(path, "x", 1, 0600), 0);
	CHECK(chown(path, 65534, 65534) == 0 && chown(dir, 65533, 65533) == 0);
	CHECK_INT(file_write(path, "y", 1, 0600), 0);
	CHECK(stat(path, &st) == 0 && st.st_uid == 65534 && st.st_gid == 65534 && (st.st_mode & 07777) == 0600);
	CHECK_INT(file_write(fresh, "z", 1, 0600), 0);
	CHECK(stat(fresh, &st) == 0 && st.st_uid == 65533 && st.st_gid == 65533);
	unlink(fresh);
}

int main(void)
{
	char dir[] = "/tmp/test_base_file.XXXXXX", path[300], small[8];

	if (!mkdtemp(dir))
		return 1;
	CHECK_INT(file_join(path, sizeof path, dir, "file"), 0);
	test_write_and_read(dir, path);
	test_refusals(dir, path);
	test_owner(dir, path);
	CHECK(file_join(small, sizeof small, "/a/", "b") == 0 && strcmp(small, "/a/b") == 0);
	CHECK(file_join(small, sizeof small, "/a", "/b") == 0 && strcmp(small, "/b") == 0);
	CHECK_INT(file_join(small, sizeof small, "/abcde", "b"), -1);
	unlink(path);
	CHECK_INT(rmdir(dir), 0);
	return check_done();
}
