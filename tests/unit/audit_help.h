#ifndef TESTS_UNIT_AUDIT_HELP_H
#define TESTS_UNIT_AUDIT_HELP_H
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/audit/verify.h"
#include "tests/unit/check.h"

/* A folder with an audit in it, and what verifying finds there. */
static char audit_state[64];
static int audit_dir = -1;
static struct buf audit_error;

static inline void audit_new(void)
{
	struct buf error;

	buf_init(&error, 4096);
	strcpy(audit_state, "/tmp/test-audit-XXXXXX");
	CHECK(mkdtemp(audit_state) != NULL);
	audit_dir = audit_folder_make(audit_state, getuid(), getgid(), &error);
	CHECK(audit_dir >= 0);
	CHECK_STR(buf_cstr(&error), "");
	buf_free(&error);
}

static inline bool audit_any_name(const char *name)
{
	return name[0] != '.';
}

static inline void audit_drop(void)
{
	char path[128];
	size_t n;
	char **names = audit_names(audit_dir, audit_any_name, &n);

	for (size_t i = 0; i < n; i++)
		unlinkat(audit_dir, names[i], 0);
	audit_names_free(names, n);
	close(audit_dir);
	snprintf(path, sizeof path, "%s/audit", audit_state);
	rmdir(path);
	CHECK_INT(rmdir(audit_state), 0);
}

/* Large records, until the spine has three files. */
static inline void audit_fill_spine(void)
{
	static char big[50001];

	memset(big, 'x', sizeof big - 1);
	while (faccessat(audit_dir, "spine-000003.jsonl", F_OK, 0) != 0)
		if (!CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", big)), NULL, &audit_error), 0))
			break;
}

static struct {
	uint64_t problems, notes, line;
	char file[64], text[512]; /* of the first problem, or of the first note if there is none */
} found;
static struct audit_counts counted;

static inline void audit_found(void *arg, const struct audit_finding *f)
{
	if (f->is_problem ? found.problems == 0 : found.problems + found.notes == 0) {
		found.line = f->line;
		snprintf(found.file, sizeof found.file, "%s", f->file);
		snprintf(found.text, sizeof found.text, "%s", f->text);
	}
	*(f->is_problem ? &found.problems : &found.notes) += 1;
}

static inline uint64_t audit_look(void)
{
	memset(&found, 0, sizeof found);
	CHECK_INT(audit_verify(audit_dir, NULL, audit_found, NULL, &counted), 0);
	return found.problems;
}

/* A whole file in memory; caller frees. */
static inline char *audit_slurp(const char *name, size_t *n)
{
	int fd = openat(audit_dir, name, O_RDONLY);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	*n = (size_t)st.st_size;
	data = malloc(*n + 1);
	if (read(fd, data, *n) != (ssize_t)*n)
		abort();
	data[*n] = 0;
	close(fd);
	return data;
}

static inline void audit_spit(const char *name, const char *data, size_t n)
{
	int fd = openat(audit_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
}

static inline void audit_put(const char *kind, const char *what)
{
	CHECK_INT(audit_spine_put(audit_dir, kind, A_FIELDS(A_INT("uid", 1000), A_STR("what", what)), NULL, &audit_error), 0);
}

static inline void audit_fill(struct audit_chain *c, int n)
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
static inline void audit_small(struct audit_segment *closed, struct audit_segment *live)
{
	static struct audit_chain c;
	int fd = audit_segment_open(audit_dir, 1, closed, &audit_error);

	CHECK(fd >= 0);
	audit_put("change", "rule add");
	audit_chain_start(&c, fd, closed->link);
	audit_fill(&c, 4);
	close(fd);
	fd = audit_segment_open(audit_dir, 1, live, &audit_error);
	CHECK_INT(audit_segment_close(audit_dir, closed->name, &audit_error), 0);
	audit_chain_start(&c, fd, live->link);
	audit_fill(&c, 3);
	audit_chain_end(&c);
	close(fd);
	CHECK_INT(audit_segment_check(audit_dir, live, &audit_error), 0);
	CHECK_INT(audit_segment_check(audit_dir, live, &audit_error), 0);
	audit_put("change", "account add");
	CHECK_STR(buf_cstr(&audit_error), "");
}
#endif
