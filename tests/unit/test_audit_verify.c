/* links: base availability pki audit */
#include <time.h>
#include "tests/unit/audit_help.h"

static struct buf error;

static void put(const char *kind, const char *what)
{
	CHECK_INT(audit_spine_put(audit_dir, kind, A_FIELDS(A_INT("uid", 1000), A_STR("what", what)), NULL, &error), 0);
}

static void fill(struct audit_chain *c, int n)
{
	bool half;

	for (int i = 0; i < n; i++)
		CHECK_INT(audit_chain_add(
					  c, "query",
					  A_FIELDS(A_STR("id", "00112233"), A_STR("target", "b\"\\\x01\xc3\xa9@b.example"), A_STR("level", NULL))),
		          0);
	CHECK_INT(audit_chain_write(c, &half), n);
	CHECK(!half);
}

/* Two segments, one of them closed, and changes between. The open one's checkpoint is as far as it goes. */
static void small_audit(struct audit_segment *closed, struct audit_segment *live)
{
	static struct audit_chain c;
	int fd = audit_segment_open(audit_dir, 1, closed, &error);

	CHECK(fd >= 0);
	put("change", "rule add");
	audit_chain_start(&c, fd, closed->link);
	fill(&c, 4);
	close(fd);
	fd = audit_segment_open(audit_dir, 1, live, &error);
	CHECK_INT(audit_segment_close(audit_dir, closed->name, &error), 0);
	audit_chain_start(&c, fd, live->link);
	fill(&c, 3);
	audit_chain_end(&c);
	close(fd);
	CHECK_INT(audit_segment_check(audit_dir, live, &error), 0);
	CHECK_INT(audit_segment_check(audit_dir, live, &error), 0);
	put("change", "account add");
	CHECK_STR(buf_cstr(&error), "");
}

static bool is_data(const char *name)
{
	return name[0] != '.' && strcmp(name, "lock") != 0;
}

/* Where the ${i}th line of ${data} starts; its end, newline included, goes to ${end}. SIZE_MAX past the last. */
static size_t line_at(const char *data, size_t n, size_t i, size_t *end)
{
	size_t at = 0;

	for (;; i--) {
		const char *newline = at < n ? memchr(data + at, '\n', n - at) : NULL;

		if (!newline)
			return SIZE_MAX;
		*end = (size_t)(newline - data) + 1;
		if (i == 0)
			return at;
		at = *end;
	}
}

static void spoil_bytes(const char *name, const char *data, size_t n)
{
	char *copy = malloc(n + 1);
	size_t missed = 0;

	for (size_t i = 0; i < n; i++)
		for (int how = 0; how < 2; how++) {
			memcpy(copy, data, n);
			copy[i] ^= how ? 0x20 : 1;
			audit_spit(name, copy, n);
			missed += audit_look() == 0;
		}
	CHECK_INT(missed, 0);
	for (missed = 0, n--; n > 0; n--) {
		audit_spit(name, data, n);
		missed += audit_look() == 0;
	}
	CHECK_INT(missed, 0);
	free(copy);
}

static void spoil_lines(const char *name, const char *data, size_t n)
{
	char *copy = malloc(2 * n);
	size_t start, end, end2;

	for (size_t i = 0; (start = line_at(data, n, i, &end)) != SIZE_MAX; i++) {
		/* one line less */
		memcpy(copy, data, start);
		memcpy(copy + start, data + end, n - end);
		audit_spit(name, copy, n - (end - start));
		CHECK(audit_look() > 0);
		/* one twice */
		memcpy(copy, data, end);
		memcpy(copy + end, data + start, n - start);
		audit_spit(name, copy, n + end - start);
		CHECK(audit_look() > 0);
		/* two that changed places */
		if (line_at(data, n, i + 1, &end2) == SIZE_MAX)
			continue;
		memcpy(copy, data, n);
		memcpy(copy + start, data + end, end2 - end);
		memcpy(copy + start + (end2 - end), data + start, end - start);
		audit_spit(name, copy, n);
		CHECK(audit_look() > 0);
	}
	free(copy);
}

static void test_everything_is_found(void)
{
	struct audit_segment closed, live;
	size_t n, len;
	char **names;

	audit_new();
	small_audit(&closed, &live);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	CHECK_INT(counted.records, 7);
	CHECK_INT(counted.segments, 2);
	CHECK_INT(counted.live, 1);
	CHECK_INT(counted.changes, 6);
	names = audit_names(audit_dir, is_data, &n);
	CHECK_INT(n, 4);
	for (size_t i = 0; i < n; i++) {
		char *data = audit_slurp(names[i], &len);

		spoil_bytes(names[i], data, len);
		if (strcmp(names[i], "head") != 0)
			spoil_lines(names[i], data, len);
		unlinkat(audit_dir, names[i], 0);
		CHECK(audit_look() > 0);
		audit_spit(names[i], data, len);
		CHECK_INT(audit_look(), 0);
		free(data);
	}
	audit_names_free(names, n);
	audit_drop();
}

/* The place is named: file and line. */
static void test_where(void)
{
	struct audit_segment closed, live;
	char file[64];
	size_t len, start, end = 0;
	char *data, *at;

	audit_new();
	small_audit(&closed, &live);
	snprintf(file, sizeof file, "%s.jsonl", closed.name);
	data = audit_slurp(file, &len);
	start = line_at(data, len, 2, &end);
	at = strstr(data + start, "00112233");
	*at = '9';
	audit_spit(file, data, len);
	CHECK_INT(audit_look(), 1);
	CHECK_STR(found.file, file);
	CHECK_INT(found.line, 3);
	CHECK_STR(found.text, "record 3 was changed: its hash does not fit what it says");
	*at = '0';
	memmove(data + start, data + end, len - end);
	audit_spit(file, data, len - (end - start));
	CHECK_INT(audit_look(), 1);
	CHECK_INT(found.line, 3);
	CHECK_STR(found.text, "records 3 to 3 are missing before this line");
	free(data);
	audit_drop();
}

/* A segment of a process that was killed within a write: closed as it is, said and not complained of; but not one byte more. */
static void test_torn_segment(void)
{
	struct audit_segment closed, live;
	char file[64];
	size_t len, n;
	char *data;

	audit_new();
	small_audit(&closed, &live);
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
	CHECK_INT(audit_segments_close(audit_dir, &n, &error), 0);
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
	small_audit(&closed, &live);
	data = audit_slurp("spine-000001.jsonl", &whole);
	{
		int fd = openat(audit_dir, "spine-000001.jsonl", O_WRONLY | O_APPEND);

		CHECK_INT(write(fd, data, 70), 70);
		close(fd);
	}
	free(data);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	put("change", "after the crash");
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	CHECK_STR(found.text, "a crash cut this line short; the record behind it says so");
	put("change", "and another");
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
	small_audit(&closed, &live);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 1);
	audit_spit("spine-000002.jsonl", piece, sizeof piece - 1);
	CHECK_INT(audit_look(), 0);
	put("change", "after the crash");
	put("change", "and another");
	CHECK_INT(audit_look(), 0);
	CHECK_INT(found.notes, 2);
	/* what no crash leaves is not gone over: several lines, or a whole one that is no record */
	audit_spit("spine-000002.jsonl", lines, sizeof lines - 1);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "more")), NULL, &error), -1);
	CHECK(strstr(buf_cstr(&error), "Its end is no record any more") != NULL);
	buf_reset(&error);
	audit_spit("spine-000002.jsonl", "x\n", 2);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "more")), NULL, &error), -1);
	buf_reset(&error);
	CHECK(audit_look() > 0);
	audit_drop();
}

/* What somebody put in a file's place is neither written to, nor given to anybody, nor waited for. */
static void test_planted(void)
{
	static const char *const places[] = {"lock", "head", "spine-000001.jsonl"};
	static const char content[] = "root:x:0:0";
	char target[80], text[32] = "";
	struct stat st;
	int fd;

	for (int kind = 0; kind < 3; kind++)
		for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
			audit_new();
			snprintf(target, sizeof target, "%s/elsewhere", audit_state);
			fd = open(target, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
			CHECK_INT(write(fd, content, sizeof content), sizeof content);
			CHECK_INT(kind == 0   ? linkat(AT_FDCWD, target, audit_dir, places[i], 0)
			          : kind == 1 ? symlinkat(target, audit_dir, places[i])
			                      : mkfifoat(audit_dir, places[i], 0600), 0);
			/* the head is only a help: without it records are written, and verifying says that it is not theirs */
			if (geteuid() != 0 && kind == 0) { /* it could do no harm */
				close(fd);
				unlink(target);
				audit_drop();
				continue;
			}
			CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "x")), NULL, &error), i == 1 ? 0 : -1);
			CHECK(i == 1 || strstr(buf_cstr(&error), "find out who put it there") != NULL);
			buf_reset(&error);
			CHECK(i != 1 || audit_look() > 0);
			CHECK_INT(pread(fd, text, sizeof text, 0), sizeof content);
			CHECK_STR(text, content);
			if (kind == 0) {
				CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &error), -1);
				CHECK(strstr(buf_cstr(&error), places[i]) && strstr(buf_cstr(&error), "find out who put it there"));
				buf_reset(&error);
				CHECK(fstat(fd, &st) == 0 && st.st_uid == 0);
			}
			close(fd);
			unlink(target);
			audit_drop();
		}
}

/* Root gives what it made to the service; what can stand beside that in order does not keep the daemon from starting. */
static void test_given(void)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	audit_new();
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "x")), NULL, &error), 0);
	CHECK_INT(mkdirat(audit_dir, "lost+found", 0700), 0); /* of a file system that begins here */
	CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &error), 0);
	CHECK(fstatat(audit_dir, "spine-000001.jsonl", &st, 0) == 0 && st.st_uid == 65534);
	CHECK(fstatat(audit_dir, "lost+found", &st, 0) == 0 && st.st_uid == 0);
	CHECK(fstat(audit_dir, &st) == 0 && st.st_uid == 65534);
	CHECK_INT(linkat(audit_dir, "spine-000001.jsonl", audit_dir, "copy", 0), 0); /* as an archive may have of what is closed */
	CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &error), 0);
	CHECK_STR(buf_cstr(&error), "");
	CHECK_INT(unlinkat(audit_dir, "lost+found", AT_REMOVEDIR), 0);
	audit_drop();
}

static void make_old(const char *name, int days)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - (time_t)days * 86400}, {.tv_sec = time(NULL) - (time_t)days * 86400}};

	CHECK_INT(utimensat(audit_dir, name, times, 0), 0);
}

/* The spine goes on in a second file; what is too old goes, and the rest still verifies. */
static void test_roll_and_prune(void)
{
	static char big[50001];
	struct audit_segment closed, live;
	uint8_t anchor[AUDIT_HASH];
	size_t doubted;
	char file[64];

	audit_new();
	small_audit(&closed, &live);
	memset(big, 'x', sizeof big - 1);
	for (int i = 0; i < 340; i++)
		CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", big)), i == 10 ? anchor : NULL, &error), 0);
	CHECK_INT(faccessat(audit_dir, "spine-000002.jsonl", F_OK, 0), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(audit_verify(audit_dir, anchor, audit_found, NULL, &counted), 0);
	CHECK_INT(counted.problems, 0);
	anchor[5] ^= 1;
	CHECK_INT(audit_verify(audit_dir, anchor, audit_found, NULL, &counted), 0);
	CHECK_INT(counted.problems, 1);
	snprintf(file, sizeof file, "%s.jsonl", closed.name);
	make_old(file, 401);
	make_old("spine-000001.jsonl", 400);
	CHECK_INT(audit_prune(audit_dir, 402, audit_now(), &doubted, &error), 0);
	CHECK_INT(faccessat(audit_dir, file, F_OK, 0), 0);
	CHECK_INT(audit_prune(audit_dir, 401, audit_now(), &doubted, &error), 0);
	CHECK(faccessat(audit_dir, file, F_OK, 0) != 0);
	CHECK_INT(faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(audit_segments_close(audit_dir, &(size_t){0}, &error), 0);
	CHECK_INT(audit_prune(audit_dir, 400, audit_now(), &doubted, &error), 0);
	CHECK(faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0) != 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	put("change", "goes on");
	CHECK_INT(audit_look(), 0);
	unlinkat(audit_dir, "spine-000002.jsonl", 0);
	CHECK(audit_look() > 0);
	CHECK_STR(buf_cstr(&error), "");
	audit_drop();
}

static bool is_there(int day)
{
	char name[64];

	snprintf(name, sizeof name, "20200101T000000Z-%08x.jsonl", (unsigned)day);
	return faccessat(audit_dir, name, F_OK, 0) == 0;
}

/* A closed segment into which something was written last ${day} days ago, and ${minutes} for each of those days besides. */
static void write_day(int day, int minutes)
{
	time_t then = time(NULL) - (time_t)day * (86400 + 60 * minutes);
	struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};
	char name[64];

	snprintf(name, sizeof name, "20200101T000000Z-%08x.jsonl", (unsigned)day);
	close(openat(audit_dir, name, O_WRONLY | O_CREAT, 0600));
	CHECK_INT(utimensat(audit_dir, name, times, 0), 0);
}

static size_t prune(int days, int64_t ahead_days)
{
	size_t doubted;

	CHECK_INT(audit_prune(audit_dir, days, audit_now() + ahead_days * 86400000, &doubted, &error), 0);
	return doubted;
}

/* A clock that is far ahead takes away one day's worth a time and not the whole, however few days are to be kept; days that the files show count at once. */
static void test_prune_with_a_wrong_clock(void)
{
	int days = 0;

	audit_new();
	for (int day = 1; day <= 30; day++)
		write_day(day, 1);
	CHECK_INT(prune(31, 0), 0);
	CHECK(is_there(30));
	CHECK_INT(prune(40, 4000), 29);
	CHECK(!is_there(30) && is_there(29));
	CHECK_INT(prune(30, 4000), 28);
	CHECK(!is_there(29) && is_there(28));
	CHECK_INT(prune(10, 0), 0); /* fewer are to be kept now: all of those that ran out go */
	for (int day = 1; day <= 28; day++)
		days += is_there(day) == (day < 10);
	CHECK_INT(days, 28);
	CHECK_INT(prune(10, 9), 8); /* nothing ran for a week and more: the clock alone says so */
	CHECK(!is_there(9) && is_there(8));
	CHECK_STR(buf_cstr(&error), "");
	audit_drop();
}

/* A file of the spine that was written with a clock ahead is kept for long; those behind it are kept with it, for else the spine had a gap. */
static void test_prune_what_is_of_the_future(void)
{
	static char big[50001];

	audit_new();
	memset(big, 'x', sizeof big - 1);
	while (faccessat(audit_dir, "spine-000003.jsonl", F_OK, 0) != 0)
		if (audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", big)), NULL, &error) != 0)
			break;
	write_day(401, 0);
	make_old("spine-000001.jsonl", -4000);
	make_old("spine-000002.jsonl", 400);
	CHECK_INT(prune(400, 0), 0);
	CHECK(!is_there(401));
	CHECK_INT(faccessat(audit_dir, "spine-000002.jsonl", F_OK, 0), 0);
	make_old("spine-000001.jsonl", 401);
	CHECK_INT(prune(400, 0), 1); /* the second is a day younger */
	CHECK(faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0) != 0);
	CHECK_INT(prune(400, 0), 0);
	CHECK(faccessat(audit_dir, "spine-000002.jsonl", F_OK, 0) != 0);
	CHECK_STR(buf_cstr(&error), "");
	audit_drop();
}

static void test_records(void)
{
	static char line[AUDIT_LINE_MAX];
	uint8_t prev[AUDIT_HASH] = {1}, hash[AUDIT_HASH];
	const char *const words[] = {"rule", "add", "a b", NULL};
	struct audit_record r;
	struct buf b;
	size_t n;

	buf_init(&b, AUDIT_LINE_MAX);
	CHECK_INT(audit_line_put(&b, 7, 1772438400123, "change",
	                         A_FIELDS(A_INT("uid", -5), A_STR("user", "\"\\\n\x7f\xc3\xa9"), A_STR("none", NULL),
	                                  A_LIST("verb", words), A_INT("last", 12)),
	                         prev, hash),
	          0);
	CHECK(strncmp(buf_cstr(&b), "{\"n\":7,\"time\":\"2026-03-02T08:00:00.123Z\",\"kind\":\"change\",\"uid\":-5,", 66) == 0);
	n = b.len - 1;
	memcpy(line, buf_ptr(&b), n);
	CHECK_INT(audit_record_read(line, n, &r), AUDIT_WHOLE);
	CHECK_INT(r.n, 7);
	CHECK_INT(r.seconds, 1772438400);
	CHECK_STR(r.kind, "change");
	CHECK_STR(audit_record_get(&r, "uid"), "-5");
	CHECK_STR(audit_record_get(&r, "user"), "\"\\\n\x7f\xc3\xa9");
	CHECK_STR(audit_record_get(&r, "none"), NULL);
	CHECK_STR(audit_record_get(&r, "verb"), "rule add a b");
	CHECK_INT(audit_record_number(&r, "last"), 12);
	CHECK_INT(audit_record_number(&r, "user"), -1);
	CHECK(memcmp(r.prev, prev, AUDIT_HASH) == 0 && memcmp(r.hash, hash, AUDIT_HASH) == 0);
	/* whatever stands in a file, reading it ends */
	for (size_t i = 0; i <= n; i++) {
		memcpy(line, buf_ptr(&b), n);
		CHECK(audit_record_read(line, i, &r) == (i == n ? AUDIT_WHOLE : AUDIT_NO_RECORD));
		if (i == n)
			break;
		memcpy(line, buf_ptr(&b), n);
		line[i] = line[i] == '"' ? '\\' : '"';
		CHECK(audit_record_read(line, n, &r) != AUDIT_WHOLE);
	}
	buf_free(&b);
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
	CHECK_INT(audit_segments_close(audit_dir, &closed, &error), 0);
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
	fd = audit_segment_open(audit_dir, 1, &a, &error);
	CHECK(fd >= 0 && strcmp(a.name, "20260302T080000Z-0123abcd") > 0);
	close(fd);
	CHECK_INT(audit_segments_close(audit_dir, &closed, &error), -1);
	CHECK_INT(closed, 1);
	CHECK(strstr(buf_cstr(&error), "20260302T080000Z-0123abcd.live") && strstr(buf_cstr(&error), "move"));
	buf_reset(&error);
	audit_drop();
}

int main(void)
{
	buf_init(&error, 4096);
	test_records();
	test_everything_is_found();
	test_where();
	test_torn_segment();
	test_torn_spine();
	test_torn_first();
	test_planted();
	test_given();
	test_roll_and_prune();
	test_prune_with_a_wrong_clock();
	test_prune_what_is_of_the_future();
	test_never_opened();
	test_broken_end();
	buf_free(&error);
	return check_done();
}
