/* links: base availability pki audit */
#include <time.h>
#include "tests/unit/audit_help.h"

/* What is removed for its age, and when the spine goes on in another file. */

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
	audit_small(&closed, &live);
	memset(big, 'x', sizeof big - 1);
	for (int i = 0; i < 340; i++)
		CHECK_INT(audit_spine_put(audit_dir, "change", A_FIELDS(A_STR("what", big)), i == 10 ? anchor : NULL, &audit_error), 0);
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
	CHECK_INT(audit_prune(audit_dir, 402, audit_now(), &doubted, &audit_error), 0);
	CHECK_INT(faccessat(audit_dir, file, F_OK, 0), 0);
	CHECK_INT(audit_prune(audit_dir, 401, audit_now(), &doubted, &audit_error), 0);
	CHECK(faccessat(audit_dir, file, F_OK, 0) != 0);
	CHECK_INT(faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0), 0);
	CHECK_INT(audit_look(), 0);
	CHECK_INT(audit_segments_close(audit_dir, &(size_t){0}, &audit_error), 0);
	CHECK_INT(audit_prune(audit_dir, 400, audit_now(), &doubted, &audit_error), 0);
	CHECK(faccessat(audit_dir, "spine-000001.jsonl", F_OK, 0) != 0);
	CHECK_INT(audit_look(), 0);
	CHECK_STR(found.text, "");
	audit_put("change", "goes on");
	CHECK_INT(audit_look(), 0);
	unlinkat(audit_dir, "spine-000002.jsonl", 0);
	CHECK(audit_look() > 0);
	CHECK_STR(buf_cstr(&audit_error), "");
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

	CHECK_INT(audit_prune(audit_dir, days, audit_now() + ahead_days * 86400000, &doubted, &audit_error), 0);
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
	CHECK_STR(buf_cstr(&audit_error), "");
	audit_drop();
}

/* A file of the spine that was written with a clock ahead is kept for long; those behind it are kept with it, for else the spine had a gap. */
static void test_prune_what_is_of_the_future(void)
{
	audit_new();
	audit_fill_spine();
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
	CHECK_STR(buf_cstr(&audit_error), "");
	audit_drop();
}

int main(void)
{
	buf_init(&audit_error, 4096);
	test_roll_and_prune();
	test_prune_with_a_wrong_clock();
	test_prune_what_is_of_the_future();
	buf_free(&audit_error);
	return check_done();
}
