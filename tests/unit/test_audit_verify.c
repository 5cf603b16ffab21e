/* links: base availability pki audit */
#include "tests/unit/audit_help.h"

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
	audit_small(&closed, &live);
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
	audit_small(&closed, &live);
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
			CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "x")), NULL, &audit_error), i == 1 ? 0 : -1);
			CHECK(i == 1 || strstr(buf_cstr(&audit_error), "find out who put it there") != NULL);
			buf_reset(&audit_error);
			CHECK(i != 1 || audit_look() > 0);
			CHECK_INT(pread(fd, text, sizeof text, 0), sizeof content);
			CHECK_STR(text, content);
			if (kind == 0) {
				CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &audit_error), -1);
				CHECK(strstr(buf_cstr(&audit_error), places[i]) && strstr(buf_cstr(&audit_error), "find out who put it there"));
				buf_reset(&audit_error);
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
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "x")), NULL, &audit_error), 0);
	CHECK_INT(mkdirat(audit_dir, "lost+found", 0700), 0); /* of a file system that begins here */
	CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &audit_error), 0);
	CHECK(fstatat(audit_dir, "spine-000001.jsonl", &st, 0) == 0 && st.st_uid == 65534);
	CHECK(fstatat(audit_dir, "lost+found", &st, 0) == 0 && st.st_uid == 0);
	CHECK(fstat(audit_dir, &st) == 0 && st.st_uid == 65534);
	CHECK_INT(linkat(audit_dir, "spine-000001.jsonl", audit_dir, "copy", 0), 0); /* as an archive may have of what is closed */
	CHECK_INT(audit_folder_give(audit_dir, 65534, 65534, &audit_error), 0);
	CHECK_STR(buf_cstr(&audit_error), "");
	CHECK_INT(unlinkat(audit_dir, "lost+found", AT_REMOVEDIR), 0);
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

int main(void)
{
	buf_init(&audit_error, 4096);
	test_records();
	test_everything_is_found();
	test_where();
	test_planted();
	test_given();
	buf_free(&audit_error);
	return check_done();
}
