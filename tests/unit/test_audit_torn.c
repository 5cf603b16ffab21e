/* links: base availability pki audit */
#include "tests/unit/audit_help.h"

/* What a crash leaves: said, gone on behind, and not one byte more is forgiven. */

/* A segment of a process that was killed within a write: closed as it is, said and not complained of; but not one byte more. */
static void test_torn_segment(void)
{
	struct audit_segment closed, live;
	char file[64];
	size_t len, n;
	char *data;

	audit_new();
	audit_small(&closed, &live);
	snprintf(file, sizeof file, "%s.live", live.name);
	data = audit_slurp(file, &len);
	memcpy(data + len - 1, "\n", 1);
	audit_spit(file, data, len - 50);
	CHECK_INT(audit_look(), 1); /* the checkpoint knew the third */
	audit_spit(file, data, len);
	{
		int fd = openat(audit_dir, file, O_WRONLY | O_APPEND);

		CHECK_INT(write(fd, data, 100), 100);
		close(fd);
	}
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	CHECK_INT(audit_segments_close(audit_dir, &n, &audit_error), 0);
	CHECK_INT(n, 1);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	CHECK_STR(found.text, "a crash cut this line short; it was so when the file was closed");
	free(data);
	snprintf(file, sizeof file, "%s.jsonl", live.name);
	data = audit_slurp(file, &len);
	for (size_t cut = 1; cut <= 100; cut++) {
		audit_spit(file, data, len - cut);
		CHECK(audit_look() > 0);
	}
	data[len - 7] ^= 1;
	audit_spit(file, data, len);
	CHECK(audit_look() > 0);
	free(data);
	audit_drop();
}

static void test_torn_spine(void)
{
	struct audit_segment closed, live;
	size_t len, whole;
	char *data;

	audit_new();
	audit_small(&closed, &live);
	data = audit_slurp("spine-000001.jsonl", &whole);
	{
		int fd = openat(audit_dir, "spine-000001.jsonl", O_WRONLY | O_APPEND);

		CHECK_INT(write(fd, data, 70), 70);
		close(fd);
	}
	free(data);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	audit_put("change", "after the crash");
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	CHECK_STR(found.text, "a crash cut this line short; the record behind it says so");
	audit_put("change", "and another");
	CHECK_INT(audit_look(), 0);
	data = audit_slurp("spine-000001.jsonl", &len);
	data[whole + 3] ^= 1; /* within the torn line */
	audit_spit("spine-000001.jsonl", data, len);
	CHECK_INT(audit_look(), 1);
	CHECK_STR(found.file, "spine-000001.jsonl");
	CHECK_INT(found.line, 7);
	free(data);
	audit_drop();
}

/* The first record of the spine, or of its next file, was cut short. */
static void test_torn_first(void)
{
	struct audit_segment closed, live;
	static const char piece[] = "{\"n\":7,\"time\":\"2026-03-02T08:00:00.123Z\",\"kind\":\"cha";
	static const char lines[] = "{\"n\":7}\n{\"n\":8}";

	audit_new();
	audit_spit("spine-000001.jsonl", piece, sizeof piece - 1);
	audit_small(&closed, &live);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	audit_spit("spine-000002.jsonl", piece, sizeof piece - 1);
	CHECK_INT(audit_look(), 0);
	audit_put("change", "after the crash");
	audit_put("change", "and another");
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 2);
	/* what no crash leaves is not gone over: several lines, or a whole one that is no record */
	audit_spit("spine-000002.jsonl", lines, sizeof lines - 1);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "more")), NULL, &audit_error), -1);
	CHECK(strstr(buf_cstr(&audit_error), "Its end is no record any more") != NULL);
	buf_reset(&audit_error);
	audit_spit("spine-000002.jsonl", "x\n", 2);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "more")), NULL, &audit_error), -1);
	buf_reset(&audit_error);
	CHECK(audit_look() > 0);
	audit_drop();
}

/* The supervisor was killed between making a segment and writing down that it is there. */
static void test_never_opened(void)
{
	size_t closed;
	int fd;

	audit_new();
	fd = openat(audit_dir, "20260302T080000Z-0123abcd.live", O_WRONLY | O_CREAT | O_APPEND, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(audit_segments_close(audit_dir, &closed, &audit_error), 0);
	CHECK_INT(closed, 1);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	CHECK(strstr(found.text, "before anything was written") != NULL);
	/* what came into it later was not written by us */
	fd = openat(audit_dir, "20260302T080000Z-0123abcd.jsonl", O_WRONLY | O_APPEND);
	CHECK(write(fd, "x\n", 2) == 2);
	close(fd);
	CHECK(audit_look() > 0);
	audit_drop();
}

/* One segment whose end cannot be read does not keep the others open. */
static void test_broken_end(void)
{
	static char junk[300 << 10];
	struct audit_segment a;
	size_t closed;
	int fd;

	audit_new();
	fd = openat(audit_dir, "20260302T080000Z-0123abcd.live", O_WRONLY | O_CREAT | O_APPEND, 0600);
	CHECK(write(fd, junk, sizeof junk) == sizeof junk);
	close(fd);
	fd = audit_segment_open(audit_dir, 1, &a, &audit_error);
	CHECK(fd >= 0 && strcmp(a.name, "20260302T080000Z-0123abcd") > 0);
	close(fd);
	CHECK_INT(audit_segments_close(audit_dir, &closed, &audit_error), -1);
	CHECK_INT(closed, 1);
	CHECK(strstr(buf_cstr(&audit_error), "20260302T080000Z-0123abcd.live") && strstr(buf_cstr(&audit_error), "move"));
	buf_reset(&audit_error);
	audit_drop();
}

int main(void)
{
	buf_init(&audit_error, 4096);
	test_torn_segment();
	test_torn_spine();
	test_torn_first();
	test_never_opened();
	test_broken_end();
	buf_free(&audit_error);
	return check_done();
}
