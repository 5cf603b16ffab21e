/* links: base availability pki audit */
#include "tests/unit/audit_help.h"

/* Somebody who can write to the folder, and knows how a chain is made: every hash fits, and what stands elsewhere does not. */

/* ${n} records of their own in ${file}, chained to ${link} as ours were. */
static void forge(const char *file, const uint8_t link[AUDIT_HASH], int n)
{
	static struct audit_chain c;
	int fd = openat(audit_dir, file, O_WRONLY | O_TRUNC | O_APPEND);
	bool half;

	CHECK(fd >= 0);
	audit_chain_start(&c, fd, link);
	for (int i = 0; i < n; i++)
		CHECK_INT(audit_chain_add(&c, "query", A_FIELDS(A_STR("id", "forged"))), 0);
	CHECK_INT(audit_chain_write(&c, &half), n);
	audit_chain_end(&c);
	close(fd);
}

static void finds(const char *file, uint64_t line, const char *text)
{
	CHECK_INT(audit_look(), 1);
	CHECK_STR(found.file, file);
	CHECK_INT(found.line, line);
	CHECK_STR(found.text, text);
}

static void test_segments(void)
{
	static const uint8_t other[AUDIT_HASH] = {1};
	struct audit_segment closed, live;
	char file[64];

	audit_new();
	audit_small(&closed, &live);
	/* the closed one had four records, and a last one that the spine knows */
	snprintf(file, sizeof file, "%s.jsonl", closed.name);
	forge(file, closed.link, 4);
	finds(file, 0, "its last record is another than when it was closed");
	forge(file, closed.link, 3);
	finds(file, 0, "records 4 to 4 are missing at its end");
	forge(file, closed.link, 5);
	finds(file, 0, "it has 5 records, but had 4 when it was closed: lines were added");
	audit_drop();

	audit_new();
	audit_small(&closed, &live);
	/* the open one had three when the spine looked last, and may have got more since */
	snprintf(file, sizeof file, "%s.live", live.name);
	forge(file, live.link, 3);
	finds(file, 3, "record 3 is another than the spine's checkpoint says");
	forge(file, live.link, 9);
	finds(file, 3, "record 3 is another than the spine's checkpoint says");
	forge(file, live.link, 2);
	finds(file, 0, "records 3 to 3 are missing at its end");
	audit_drop();

	audit_new();
	audit_small(&closed, &live);
	/* as if it began a day of its own */
	snprintf(file, sizeof file, "%s.live", live.name);
	forge(file, other, 2);
	CHECK(audit_look() > 0);
	CHECK_STR(found.text, "record 1 does not follow what opened this file: its beginning was replaced");
	CHECK_INT(found.line, 1);
	/* and one that the spine never opened */
	audit_spit("20260302T080000Z-0123abcd.jsonl", "", 0);
	forge("20260302T080000Z-0123abcd.jsonl", other, 1);
	CHECK(audit_look() > 0);
	CHECK_STR(found.file, "20260302T080000Z-0123abcd.jsonl");
	CHECK_STR(found.text, "no record of the spine opens this file: it was put here, or the spine was changed");
	audit_drop();
}

/* A whole audit that is right in itself, in place of ours. */
static void test_all_of_it(void)
{
	struct audit_segment closed, live;
	uint8_t anchor[AUDIT_HASH];
	size_t n, len;
	char **names, *head;

	audit_new();
	audit_small(&closed, &live);
	CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", "rule remove")), anchor, &audit_error), 0);
	head = audit_slurp("head", &len);
	names = audit_names(audit_dir, audit_any_name, &n);
	for (size_t i = 0; i < n; i++)
		unlinkat(audit_dir, names[i], 0);
	audit_names_free(names, n);
	audit_small(&closed, &live);
	audit_put("change", "nothing");
	CHECK_INT(audit_look(), 0);
	/* what was kept elsewhere tells */
	memset(&found, 0, sizeof found);
	CHECK_INT(audit_verify(audit_dir, anchor, audit_found, NULL, &counted), 0);
	CHECK_INT(found.problems, 1);
	CHECK_STR(found.text, "no record of the spine has the hash that was given: it was replaced, or records are missing");
	audit_spit("head", head, len);
	finds("head", 0, "the spine does not hold the record that stood at its end: records are missing there");
	free(head);
	audit_drop();
}

/* Whole files of the spine that are gone, of which no record says that they were removed. */
static void test_spine_files(void)
{
	audit_new();
	audit_fill_spine();
	CHECK_INT(audit_look(), 0);
	CHECK_INT(unlinkat(audit_dir, "spine-000002.jsonl", 0), 0);
	CHECK(audit_look() > 0);
	CHECK_STR(found.file, "spine-000003.jsonl");
	CHECK_STR(found.text, "the spine file before this one is missing");
	CHECK_INT(unlinkat(audit_dir, "spine-000001.jsonl", 0), 0);
	finds("spine-000003.jsonl", 1, "the spine begins here, but no record says that spine-000002.jsonl was removed for its age");
	audit_drop();
}

int main(void)
{
	buf_init(&audit_error, 4096);
	test_segments();
	test_all_of_it();
	test_spine_files();
	CHECK_STR(buf_cstr(&audit_error), "");
	buf_free(&audit_error);
	return check_done();
}
