/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/breaker.h"
#include "bridge/backend/fetch_job.h"
#include "tests/unit/check.h"

static void test_opens(void)
{
	struct breaker b = {0};

	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
	CHECK_INT(breaker_heard(&b, FETCH_WORKS, 0), -1); /* in a row only */
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
	CHECK(!b.open);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), BREAKER_PAUSE_MS);
	CHECK(b.open);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1); /* one that was under way */
	int64_t expected = BREAKER_PAUSE_MS;
	for (int i = 0; i < 10; i++) {
		expected = 2 * expected < BREAKER_LONGEST_PAUSE_MS ? 2 * expected : BREAKER_LONGEST_PAUSE_MS;
		breaker_probe(&b);
		CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), expected);
		CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
	}
	breaker_probe(&b);
	CHECK_INT(breaker_heard(&b, FETCH_WORKS, 0), -1);
	CHECK(!b.open);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), -1);
}

static void test_at_once(void)
{
	struct breaker b = {0};

	CHECK_INT(breaker_heard(&b, FETCH_REFUSED, 0), BREAKER_REFUSED_PAUSE_MS);
	CHECK(b.open);
	int64_t all = 0, probes = 0;
	while (all < 3600000) { /* an hour with a wrong password */
		breaker_probe(&b);
		all += breaker_heard(&b, FETCH_REFUSED, 0);
		probes++;
	}
	CHECK(probes <= 6);
	b = (struct breaker){0};
	CHECK_INT(breaker_heard(&b, FETCH_BUSY, 0), BREAKER_PAUSE_MS);
	b = (struct breaker){0};
	CHECK_INT(breaker_heard(&b, FETCH_BUSY, 20000), 20000);
	breaker_probe(&b);
	CHECK_INT(breaker_heard(&b, FETCH_BUSY, 100000000), BREAKER_BUSY_PAUSE_MAX_MS);
	CHECK_INT(b.why, FETCH_BUSY);
	breaker_probe(&b);
	CHECK_INT(breaker_heard(&b, FETCH_DOWN, 0), BREAKER_LONGEST_PAUSE_MS); /* what a server asked for does not bind us once it is gone */
}

/* A server that is out of order now and then does not make a wrong password tried more often. */
static void test_refused_and_down(void)
{
	static const enum fetch_health between[] = {FETCH_DOWN, FETCH_BUSY};
	struct breaker b = {0};
	int64_t all = 0, tried = 0;

	for (int i = 0; all < 3600000; i++) {
		all += breaker_heard(&b, i % 2 ? between[i / 2 % 2] : FETCH_REFUSED, 0);
		tried += i % 2 == 0;
		breaker_probe(&b);
		CHECK_INT(b.why, FETCH_REFUSED);
	}
	CHECK(tried < 10);
	CHECK_INT(breaker_heard(&b, FETCH_WORKS, 0), -1);
	CHECK(!b.open);
}

/* Calls that were under way when it opened: none of them takes back that the login was refused, or that a pause was asked for. */
static void test_under_way(void)
{
	struct breaker b = {0};

	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_heard(&b, FETCH_DOWN, 0);
	CHECK(b.open);
	breaker_heard(&b, FETCH_WORKS, 0);
	CHECK(!b.open); /* it was not reached, and now it is */
	const enum fetch_health final[] = {FETCH_REFUSED, FETCH_BUSY};
	for (int i = 0; i < 2; i++) {
		b = (struct breaker){0};
		CHECK(breaker_heard(&b, final[i], 20000) >= 20000);
		CHECK_INT(breaker_heard(&b, FETCH_WORKS, 0), -1);
		CHECK(b.open);
		breaker_probe(&b);
		CHECK_INT(breaker_heard(&b, FETCH_WORKS, 0), -1);
		CHECK(!b.open);
	}
}

static void test_job(void)
{
	const struct fetch_job good = {"anna@b.example", {1000, 1000 + 62 * 86400}, 30, 2, 9000};
	struct fetch_job got;
	struct buf b;

	buf_init(&b, FETCH_JOB_MAX);
	fetch_job_pack(&b, &good);
	CHECK(fetch_job_unpack(buf_ptr(&b), b.len, &got));
	CHECK_STR(got.address, good.address);
	CHECK_INT(got.window.start, good.window.start);
	CHECK_INT(got.window.end, good.window.end);
	CHECK_INT(got.interval, 30);
	CHECK_INT(got.hops, 2);
	CHECK(got.left_ms > 0 && got.left_ms <= 9000);
	for (int64_t packed = loop_ms(); loop_ms() - packed < 5;)
		;
	CHECK(fetch_job_unpack(buf_ptr(&b), b.len, &got));
	CHECK(got.left_ms <= 8995); /* while it waited for its worker, its time ran */
	for (size_t n = 0; n < b.len; n++)
		CHECK(!fetch_job_unpack(buf_ptr(&b), n, &got));
	const struct fetch_job bad[] = {
		{NULL, {0, 100}, 30, 0, 1}, {"", {0, 100}, 30, 0, 1}, {"a@b", {100, 100}, 30, 0, 1}, {"a@b", {0, 64 * 86400}, 30, 0, 1},
		{"a@b", {0, 100}, 4, 0, 1}, {"a@b", {0, 100}, 1441, 0, 1}, {"a@b", {0, 100}, 30, FB_HOPS_MAX + 1, 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_reset(&b);
		fetch_job_pack(&b, &bad[i]);
		CHECK(!fetch_job_unpack(buf_ptr(&b), b.len, &got));
	}
	buf_free(&b);
}

/* Digits of another window than the one asked for do not pass. */
static void test_reply(void)
{
	const struct fetch_job j = {"anna@b.example", {0, 4 * 3600}, 60, 0, 9000};
	const char *const digits[] = {"0123", "012", "01234", "0125", NULL};
	const bool passes[] = {true, false, false, false, true};

	for (int i = 0; i < 5; i++) {
		struct fb_answer *a = fb_answer_new(FB_OK), *got;
		struct buf b;

		a->view = FB_VIEW_EVENTS;
		a->merged = (char *)digits[i];
		buf_init(&b, 4096);
		fetch_reply_pack(&b, a);
		got = fetch_reply_unpack(buf_ptr(&b), b.len, &j);
		CHECK_INT(got != NULL, passes[i]);
		if (got)
			CHECK_STR(got->merged, digits[i]);
		fb_answer_free(got);
		CHECK(fetch_reply_unpack(buf_ptr(&b), b.len - 1, &j) == NULL);
		fb_answer_free(a);
		buf_free(&b);
	}
}

int main(void)
{
	test_opens();
	test_at_once();
	test_refused_and_down();
	test_under_way();
	test_job();
	test_reply();
	return check_done();
}
