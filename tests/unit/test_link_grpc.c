/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/grpc.h"

static int64_t timeout(const char *s)
{
	int64_t ms = -7;

	return grpc_timeout_parse(s, &ms) ? ms : -1;
}

static void timeouts(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {{0, "0m"}, {-5, "0m"}, {1500, "1500m"}, {99999999, "99999999m"}, {100000000, "100000S"}, {360000000000, "100000H"}};
	char out[16];

	CHECK_INT(timeout("1500m"), 1500);
	CHECK_INT(timeout("2S"), 2000);
	CHECK_INT(timeout("3M"), 180000);
	CHECK_INT(timeout("99999999H"), 99999999LL * 3600000);
	CHECK_INT(timeout("1u"), 1);
	CHECK_INT(timeout("1001u"), 2);
	CHECK_INT(timeout("1000000n"), 1);
	CHECK_INT(timeout("0n"), 0);
	CHECK_INT(timeout(""), -1);
	CHECK_INT(timeout("S"), -1);
	CHECK_INT(timeout("5"), -1);
	CHECK_INT(timeout("5s"), -1);
	CHECK_INT(timeout("-5S"), -1);
	CHECK_INT(timeout(" 5S"), -1);
	CHECK_INT(timeout("5SS"), -1);
	CHECK_INT(timeout("123456789m"), -1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		grpc_timeout_print(out, rows[i].ms);
		CHECK_STR(out, rows[i].text);
	}
}

static void messages(void)
{
	const char *text = "50% of \"B\xc3\xbcro\"\n";
	struct buf a, b;

	buf_init(&a, 1000);
	buf_init(&b, 1000);
	CHECK(grpc_message_encode(&a, text) == 0);
	CHECK_STR(buf_cstr(&a), "50%25 of \"B%C3%BCro\"%0A");
	CHECK(grpc_message_decode(&b, buf_cstr(&a), a.len) == 0);
	CHECK_STR(buf_cstr(&b), text);
	buf_reset(&b);
	grpc_message_decode(&b, "a%zz%4", 6);
	CHECK_STR(buf_cstr(&b), "a%zz%4");
	buf_free(&a);
	buf_free(&b);
}

static void statuses(void)
{
	CHECK_STR(grpc_status_name(7), "PERMISSION_DENIED");
	CHECK_STR(grpc_status_name(14), "UNAVAILABLE");
	CHECK_STR(grpc_status_name(-1), "UNKNOWN");
	CHECK_STR(grpc_status_name(17), "UNKNOWN");
	CHECK_INT(grpc_status_parse("8"), GRPC_RESOURCE_EXHAUSTED);
	CHECK_INT(grpc_status_parse("99"), GRPC_UNKNOWN);
	CHECK_INT(grpc_status_parse("x"), GRPC_UNKNOWN);
	CHECK_INT(grpc_status_of_http(503), GRPC_UNAVAILABLE);
	CHECK_INT(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
}

/* Three messages, "one", "" and "three", in pieces of ${step} bytes, come out as they went in. */
static void pieces(size_t step)
{
	static const uint8_t bytes[] = "\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three";
	static const char *const want[] = {"one", "", "three"};
	size_t total = sizeof bytes - 1, seen = 0;
	struct grpc_reader r;

	grpc_reader_init(&r, 100);
	for (size_t at = 0; at < total; at += step) {
		const uint8_t *p = bytes + at;
		size_t n = total - at < step ? total - at : step;

		while (grpc_reader_feed(&r, &p, &n) == GRPC_READ_MESSAGE && seen < 3) {
			CHECK_STR(buf_cstr(&r.body), want[seen++]);
			if (!n)
				break;
		}
	}
	CHECK_INT(seen, 3);
	CHECK(!grpc_reader_midway(&r));
	grpc_reader_free(&r);
}

static enum grpc_read feed(size_t max, const void *bytes, size_t n)
{
	struct grpc_reader r;
	const uint8_t *p = bytes;
	enum grpc_read what;

	grpc_reader_init(&r, max);
	what = grpc_reader_feed(&r, &p, &n);
	CHECK(r.body.cap <= 64); /* nothing was allocated for what was only announced */
	grpc_reader_free(&r);
	return what;
}

int main(void)
{
	timeouts();
	messages();
	statuses();
	for (size_t step = 1; step < 24; step++)
		pieces(step);
	CHECK_INT(feed(100, "\0\xff\xff\xff\xff", 5), GRPC_READ_TOO_BIG);
	CHECK_INT(feed(100, "\0\0\0\0\x65", 5), GRPC_READ_TOO_BIG);
	CHECK_INT(feed(100, "\0\0\0\0\x64", 5), GRPC_READ_MORE);
	CHECK_INT(feed(100, "\1\0\0\0\1x", 6), GRPC_READ_COMPRESSED);
	CHECK_INT(feed(100, "\0\0\0", 3), GRPC_READ_MORE);
	return check_done();
}
