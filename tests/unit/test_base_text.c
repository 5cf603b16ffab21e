/* links: base */
#include "bridge/base/json.h"
#include "bridge/base/text.h"
#include "tests/unit/check.h"

static const char *unbase64(struct buf *b, const char *s)
{
	buf_reset(b);
	return text_unbase64(b, s, strlen(s)) == 0 ? buf_cstr(b) : NULL;
}

static void test_base64(void)
{
	/* RFC 4648 section 10 */
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	                                       {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm 9v", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v"};
	struct buf b;
	size_t i;

	buf_init(&b, 100);
	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		buf_reset(&b);
		CHECK_INT(text_base64(&b, pairs[i][0], strlen(pairs[i][0])), 0);
		CHECK_STR(buf_cstr(&b), pairs[i][1]);
		CHECK_STR(unbase64(&b, pairs[i][1]), pairs[i][0]);
	}
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_STR(unbase64(&b, bad[i]), NULL);
	buf_free(&b);
}

static void test_utf8(void)
{
	static const char *const good[] = {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
	                                   "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2" "a", "\xe0\x9f\xbf", "\xed\xa0\x80",
	                                  "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xfe"};
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(text_utf8_valid(good[i], strlen(good[i])));
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!text_utf8_valid(bad[i], strlen(bad[i])));
	CHECK_INT(text_utf8_step("\xe2\x82\xac", 2), 0);
	CHECK_INT(text_utf8_step("\xe2\x82\xac!", 4), 3);
	/* cut behind 0 to 5 bytes: what is left of it; and what was no UTF-8 before is not made shorter for it */
	static const size_t whole[] = {0, 1, 1, 1, 1, 5};

	for (i = 0; i < sizeof whole / sizeof *whole; i++)
		CHECK_INT(text_utf8_whole("a\xf0\x9f\x98\x80", i), whole[i]);
	CHECK_INT(text_utf8_whole("\xc3\xa4\xe2\x82", 4), 2);
	CHECK_INT(text_utf8_whole("\xc3\xa4", 1), 0);
	CHECK_INT(text_utf8_whole("\x80\x80\x80\x80\x80", 5), 5);
}

static void test_escapes(void)
{
	struct buf b;

	buf_init(&b, 1000);
	CHECK_INT(text_json(&b, "a\"\\/\n\x01\x7f\xff\xc3\xa9"), 0);
	CHECK_STR(buf_cstr(&b), "\"a\\\"\\\\/\\u000a\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\"");
	buf_reset(&b);
	CHECK_INT(text_xml(&b, "<a b=\"c\">&'\t\r\x02\xff\xef\xbf\xbf\xc3\xa9]]>"), 0);
	CHECK_STR(buf_cstr(&b), "&lt;a b=&quot;c&quot;&gt;&amp;'\t&#13;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9]]&gt;");
	buf_free(&b);
	buf_init(&b, 3);
	CHECK_INT(text_xml(&b, "&"), -1);
	buf_free(&b);
}

static void test_small(void)
{
	static const char *const names[] = {"listen", "domains", "certificate", "key"};
	unsigned char bytes[3], other[3];
	char s[] = "AbZ\xc3\x84";
	char hex[7];
	int64_t v = 0;

	text_lower(s);
	CHECK_STR(s, "abz\xc3\x84");
	CHECK(text_ieq("Abc", "aBC") && !text_ieq("abc", "abcd") && !text_ieq("abcd", "abc") && !text_ieq("[", "{"));
	CHECK(text_istarts("Basic xyz", "basic ") && !text_istarts("Bas", "basic"));
	CHECK(text_int("-5", -5, 5, &v) && v == -5);
	CHECK(!text_int("6", -5, 5, &v) && !text_int("", 0, 5, &v) && !text_int(" 1", 0, 5, &v) && !text_int("+1", 0, 5, &v));
	CHECK(!text_int("1x", 0, 5, &v) && !text_int("-", -5, 5, &v) && !text_int("99999999999999999999", INT64_MIN, INT64_MAX, &v));
	CHECK(text_unhex(bytes, 3, "00fFa1") && bytes[0] == 0 && bytes[1] == 255 && bytes[2] == 161);
	CHECK(!text_unhex(bytes, 3, "00ff") && !text_unhex(bytes, 3, "00ffa1a") && !text_unhex(bytes, 3, "00ffg1"));
	text_hex(hex, bytes, 3);
	CHECK_STR(hex, "00ffa1");
	CHECK_STR(text_nearest("domain", names, 4), "domains");
	CHECK_STR(text_nearest("Listne", names, 4), "listen");
	CHECK_STR(text_nearest("banana", names, 4), NULL);
	CHECK_STR(text_nearest("x", names, 4), NULL);
	memset(bytes, 0, 3);
	memset(other, 0, 3);
	for (int i = 0; i < 8 && memcmp(bytes, other, 3) == 0; i++)
		text_random(bytes, 3);
	CHECK(memcmp(bytes, other, 3) != 0);
}

static void test_numbers(void)
{
	static const int64_t some[] = {0, 7, -7, 10, 999, INT64_MAX, INT64_MIN, -10};
	char ours[TEXT_INT_MAX + 1], theirs[32];
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		snprintf(theirs, sizeof theirs, "%lld", (long long)some[i]);
		ours[text_int_put(ours, some[i])] = 0;
		CHECK_STR(ours, theirs);
		buf_reset(&b);
		buf_puti(&b, some[i]);
		CHECK_STR(buf_cstr(&b), theirs);
	}
	text_digits(ours, 4, 12);
	ours[4] = 0;
	CHECK_STR(ours, "0012");
	buf_free(&b);
}

static void test_json(void)
{
	struct buf b;

	buf_init(&b, 1000);
	json_open(&b, NULL, '[');
	json_open(&b, NULL, '{');
	json_str(&b, "a", "q\"[");
	json_str(&b, "b", NULL);
	json_open(&b, "c", '[');
	json_int(&b, NULL, -1);
	json_int(&b, NULL, 2);
	json_close(&b, ']');
	json_bool(&b, "d", true);
	json_close(&b, '}');
	json_open(&b, NULL, '{');
	json_close(&b, '}');
	json_close(&b, ']');
	CHECK_STR(buf_cstr(&b), "[{\"a\":\"q\\\"[\",\"b\":null,\"c\":[-1,2],\"d\":true},{}]");
	buf_free(&b);
}

/* Unicode's Bidi_Control and the line separators, each with its neighbours. */
static void test_controls(void)
{
	static const char *const controls[] = {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xae",
	                                       "\xe2\x81\xa6", "\xe2\x81\xa9", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f"};
	static const char *const others[] = {"\xd8\x9b", "\xd8\x9d", "\xe2\x80\x8d", "\xe2\x80\x90", "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\xa5", "\xe2\x81\xaa",
	                                     "\xe1\x80\xae", "\xf0\x9f\x98\x80", " ", "~", "\xc2\xa0"};

	for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
		CHECK(text_is_control(controls[i], strlen(controls[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		CHECK(!text_is_control(others[i], strlen(others[i])));
}

static void test_safe(void)
{
	struct buf b;

	buf_init(&b, 64);
	CHECK_INT(text_safe(&b, "a\x1b[2J\n\x7f\xc2\x9b" "1m \xc3\xa4 \x9b\xff \xe2\x82\xac"), 0);
	CHECK_STR(buf_cstr(&b), "a?[2J???1m \xc3\xa4 ?? \xe2\x82\xac");
	buf_reset(&b);
	CHECK_INT(text_safe(&b, "\xe2\x80\xae" "ko\xe2\x81\xa9"), 0);
	CHECK_STR(buf_cstr(&b), "?ko?");
	buf_free(&b);
}

int main(void)
{
	test_controls();
	test_safe();
	test_numbers();
	test_base64();
	test_utf8();
	test_escapes();
	test_json();
	test_small();
	return check_done();
}
