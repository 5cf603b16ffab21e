/* links: base availability conf acl address_space ews login pki budget trace front */
#include "bridge/front/auth.h"
#include "bridge/front/http_parse.h"
#include "tests/unit/check.h"

static char copy[HTTP_HEAD_MAX + 100];
static struct http_head h;

/* The status for one head; 0 = accepted, -1 = more is wanted. */
static int head_n(const char *text, size_t len)
{
	size_t scanned = 0, n = http_head_find((const uint8_t *)text, len, &scanned), drip = 0;

	/* Byte by byte the end is found at the same place. */
	for (size_t i = 0; i <= len; i++) {
		size_t found = http_head_find((const uint8_t *)text, i, &drip);

		if (found) {
			CHECK_INT(found, n);
			break;
		}
	}
	if (n == 0)
		return -1;
	memcpy(copy, text, n);
	return http_head_parse(copy, n, &h);
}

static int head(const char *text)
{
	return head_n(text, strlen(text));
}

static void status(const char *text, int expected)
{
	int got = head(text);

	if (!CHECK_INT(got, expected))
		fprintf(stderr, "\t%s\n", text);
	if (got > 0)
		CHECK(h.problem && strlen(h.problem) > 10);
}

#define P "POST /x HTTP/1.1\r\nHost: a\r\n"

static void good_heads(void)
{
	CHECK_INT(head("\r\nPOST /EWS/Exchange.asmx?a=b HTTP/1.1\r\nHost: a.example:443\r\nContent-Length:  12 \r\nExpect: 100-Continue\r\n"
	               "authorization: Basic eDp5\r\nCLIENT-REQUEST-ID: {12}\r\nX-Empty:\r\n\r\n"), 0);
	CHECK_INT(h.method, HTTP_POST);
	CHECK_STR(h.path, "/EWS/Exchange.asmx");
	CHECK_STR(h.query, "a=b");
	CHECK_STR(h.host, "a.example:443");
	CHECK_INT(h.length, 12);
	CHECK(h.expect_continue && h.keep && !h.chunked && !h.encoded);
	CHECK_STR(h.authorization, "Basic eDp5");
	CHECK_STR(h.client_request_id, "{12}");
	CHECK_INT(head("HEAD / HTTP/1.0\r\n\r\n"), 0);
	CHECK(h.method == HTTP_HEAD && !h.keep && h.minor == 0 && !h.query && !h.host);
	CHECK_INT(head("GET / HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n"), 0);
	CHECK(h.method == HTTP_GET && h.keep);
	CHECK_INT(head("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo ,close\r\n\r\n"), 0);
	CHECK(!h.keep);
	CHECK_INT(head("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n"), 0);
	CHECK(h.keep);
	CHECK_INT(head("GET https://b.example:8443/p/q?r HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	CHECK_STR(h.host, "b.example:8443");
	CHECK_STR(h.path, "/p/q");
	CHECK_STR(h.query, "r");
	CHECK_INT(head("GET / HTTP/1.7\r\nHost:\r\n\r\n"), 0); /* a later minor is read as ours; an empty Host is a Host */
	CHECK_INT(h.minor, 1);
	CHECK_INT(head("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	CHECK_INT(h.method, HTTP_OTHER);
	CHECK_INT(head(P "Content-Encoding: gzip\r\n\r\n"), 0);
	CHECK(h.encoded);
	CHECK_INT(head(P "Content-Encoding: identity\r\n\r\n"), 0);
	CHECK(!h.encoded);
	CHECK_INT(head(P "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"), 0);
	CHECK(!h.expect_continue);
	CHECK_INT(head(P "Transfer-Encoding: Chunked\r\n\r\n"), 0);
	CHECK(h.chunked);
}

static void bad_request_lines(void)
{
	status("GET / HTTP/1.1\r\nHost: a\r\n", -1);
	status("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400);
	status("GET /\r\nHost: a\r\n\r\n", 400);
	status(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET / http/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET / HTTP/11\r\nHost: a\r\n\r\n", 400);
	status("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
	status("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
	status("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
	status("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET https:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET https://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET https://a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	status("GET / HTTP/1.1\nHost: a\r\n\r\n", 400);
	status("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400);
	CHECK_INT(head_n("GET /\0x HTTP/1.1\r\nHost: a\r\n\r\n", 31), 400);
}

static void bad_fields(void)
{
	status("GET / HTTP/1.1\r\n\r\n", 400);
	status(P "Host: a\r\n\r\n", 400);
	status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400);
	status("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
	status("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
	status(P "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400);
	status(P "Content-Length: 1, 1\r\n\r\n", 400);
	status(P "Content-Length: +1\r\n\r\n", 400);
	status(P "Content-Length: -1\r\n\r\n", 400);
	status(P "Content-Length: 1 2\r\n\r\n", 400);
	status(P "Content-Length: 0x10\r\n\r\n", 400);
	status(P "Content-Length:\r\n\r\n", 400);
	status(P "Content-Length: 9999999999999999999\r\n\r\n", 400);
	status(P "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	status(P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	status(P "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
	status(P "Transfer-Encoding: chunked, identity\r\n\r\n", 501);
	status(P "Transfer-Encoding: identity\r\n\r\n", 400);
	status(P "Transfer-Encoding: xchunked\r\n\r\n", 400);
	status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	status(P "Transfer-Encoding : chunked\r\n\r\n", 400);
	status(P "X: a\r\n b\r\n\r\n", 400);
	status("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
	status(P "novalue\r\n\r\n", 400);
	status(P ": x\r\n\r\n", 400);
	status(P "X: a\nY: b\r\n\r\n", 400);
	status(P "X: a\rY: b\r\n\r\n", 400);
	status(P "X: a\x01\r\n\r\n", 400);
	status(P "Expect: 200-ok\r\n\r\n", 417);
	status(P "Authorization: a\r\nAuthorization: b\r\n\r\n", 400);
	CHECK_INT(head(P "X: a\xc3\xa4\t.\r\n\r\n"), 0);
}

static void many_fields(void)
{
	char text[4096] = P;

	for (int i = 1; i < HTTP_FIELDS_MAX; i++)
		strcat(text, "X: y\r\n");
	strcat(text, "\r\n");
	CHECK_INT(head(text), 0);
	strcpy(text + strlen(text) - 2, "X: y\r\n\r\n");
	CHECK_INT(head(text), 431);
	snprintf(text, sizeof(text), "GET /%02000d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	CHECK_INT(head(text), 0);
	snprintf(text, sizeof(text), "GET /%03000d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
	CHECK_INT(head(text), 414);
}

/* The result for one chunked body, given whole or byte by byte. */
static int chunks(const char *text, bool drip, size_t most, struct buf *out, size_t *rest)
{
	struct http_chunks c = {0};
	struct buf in;
	size_t n = strlen(text), left = most;
	int r = 0;

	buf_init(&in, 1 << 20);
	if (!drip) {
		buf_add(&in, text, n);
		r = http_chunks_feed(&c, &in, out, &left);
	}
	for (size_t i = 0; drip && r == 0 && i < n; i++) {
		buf_add(&in, text + i, 1);
		r = http_chunks_feed(&c, &in, out, &left);
		*rest = n - i - 1;
	}
	if (!drip)
		*rest = in.len;
	buf_free(&in);
	return r;
}

static void body(const char *text, int expected, const char *content, size_t behind)
{
	struct buf out;
	size_t rest;

	for (int drip = 0; drip < 2; drip++) {
		buf_init(&out, 100);
		if (!CHECK_INT(chunks(text, drip, 100, &out, &rest), expected))
			fprintf(stderr, "\t%s\n", text);
		if (expected == 1) {
			CHECK_STR(buf_cstr(&out), content);
			CHECK_INT(rest, behind);
			CHECK_INT(chunks(text, drip, 100, NULL, &rest), 1);
		}
		buf_free(&out);
	}
}

static void bodies(void)
{
	struct buf out;
	size_t rest;
	char *trailer = malloc(3 * HTTP_TRAILER_MAX);

	body("0\r\n\r\n", 1, "", 0);
	body("5\r\nhello\r\n0\r\n\r\nGET", 1, "hello", 3);
	body("5\r\nhello\r\n00B \t;a=\"b\";c\r\n, you there\r\n0\r\nA: b\r\nC-d:\r\n\r\n", 1, "hello, you there", 0);
	body("5\r\nhello\r\n", 0, NULL, 0);
	body("5\r\nhello0\r\n\r\n", -400, NULL, 0);
	body("5\nhello\r\n0\r\n\r\n", -400, NULL, 0);
	body("\r\n0\r\n\r\n", -400, NULL, 0);
	body(";a\r\n", -400, NULL, 0);
	body("-1\r\n", -400, NULL, 0);
	body("0x5\r\nhello", -400, NULL, 0);
	body("5 5\r\nhello", -400, NULL, 0);
	body("000000005\r\nhello", -400, NULL, 0);
	body("FFFFFFFFF\r\n", -400, NULL, 0);
	body("5;a\nb\r\nhello", -400, NULL, 0);
	body("5\r\nhello\n0\r\n\r\n", -400, NULL, 0);
	body("0\r\nA: b\n\r\n", -400, NULL, 0);
	body("0\r\n A: b\r\n\r\n", -400, NULL, 0);
	body("0\r\nnocolon\r\n\r\n", -400, NULL, 0);
	body("0\r\n: x\r\n\r\n", -400, NULL, 0);
	body("FFFFFFFF\r", 0, NULL, 0);
	body("FFFFFFFF\r\n", -413, NULL, 0);
	body("65\r\n", -413, NULL, 0); /* 101 bytes announced: refused before they come */
	buf_init(&out, 100);
	CHECK_INT(chunks("33\r\n0123456789012345678901234567890123456789012345678901\r\n", false, 50, &out, &rest), -413);
	buf_free(&out);

	strcpy(trailer, "0\r\nA: ");
	memset(trailer + 6, 'x', HTTP_TRAILER_MAX);
	strcpy(trailer + 6 + HTTP_TRAILER_MAX, "\r\n\r\n");
	CHECK_INT(chunks(trailer, false, 100, NULL, &rest), -400);
	strcpy(trailer, "1;");
	memset(trailer + 2, 'x', HTTP_TRAILER_MAX);
	strcpy(trailer + 2 + HTTP_TRAILER_MAX, "\r\n");
	CHECK_INT(chunks(trailer, false, 100, NULL, &rest), -400);
	free(trailer);
}

static void logins(void)
{
	static const char *const malformed[] = {"Basic ", "Basic !", "Basic YTpi=", "Basic YQ==" /* a */, "Basic OmI=" /* :b */, "Basic YQA6Yg==" /* a NUL :b */,
	                                        "Basic YTpiCg==" /* line end */, "Basic YTpi YTpi"};
	const unsigned basic = AUTH_OFFER(LOGIN_BASIC), all = basic | AUTH_OFFER(LOGIN_NTLM) | AUTH_OFFER(LOGIN_NEGOTIATE);
	struct auth_claim c;
	struct buf b;
	char huge[3000] = "Basic ";

	CHECK_INT(auth_read(NULL, basic, &c), AUTH_ABSENT);
	CHECK_INT(auth_read("", basic, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("Basic", basic, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("Bearer x", basic, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("Basically YTpi", basic, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("bASIC  YTpi", basic, &c), AUTH_CLAIM);
	CHECK_STR(c.user, "a");
	CHECK_STR(c.password, "b");
	CHECK_STR(c.credential, "YTpi");
	CHECK_INT(auth_read("Basic YTpiOmM=", basic, &c), AUTH_CLAIM);
	CHECK_STR(c.password, "b:c");
	CHECK_INT(auth_read("Basic YTo=", basic, &c), AUTH_CLAIM);
	CHECK_STR(c.password, "");
	CHECK_INT(auth_read("Basic w6Q6w7Y=", basic, &c), AUTH_CLAIM); /* UTF-8 */
	CHECK_STR(c.user, "\xc3\xa4");
	CHECK_STR(c.password, "\xc3\xb6");
	CHECK_INT(auth_read("Basic 5Dr2", basic, &c), AUTH_CLAIM); /* Latin-1 */
	CHECK_STR(c.user, "\xc3\xa4");
	CHECK_STR(c.password, "\xc3\xb6");
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++)
		if (!CHECK_INT(auth_read(malformed[i], basic, &c), AUTH_MALFORMED))
			fprintf(stderr, "\t%s\n", malformed[i]);
	memset(huge + 6, 'Y', 2000);
	CHECK_INT(auth_read(huge, basic, &c), AUTH_MALFORMED);
	auth_read("Basic YTpi", basic, &c);
	auth_wipe(&c);
	CHECK(!*c.user && !*c.password);
	buf_init(&b, 1000);
	auth_challenges(&b, basic, "a.example");
	CHECK_STR(buf_cstr(&b), "WWW-Authenticate: Basic realm=\"a.example\"\r\n");
	buf_reset(&b);
	auth_challenges(&b, all, "a.example"); /* each in a line of its own, the strongest first */
	CHECK_STR(buf_cstr(&b), "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"a.example\"\r\n");
	CHECK_INT(auth_read("ntlm YWJj", basic, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("ntlm YWJj", all, &c), AUTH_CLAIM);
	CHECK(c.scheme == LOGIN_NTLM && c.token.len == 3 && memcmp(buf_ptr(&c.token), "abc", 3) == 0);
	auth_wipe(&c);
	CHECK_INT(auth_read("Negotiate YWJj", all, &c), AUTH_CLAIM);
	CHECK_INT(c.scheme, LOGIN_NEGOTIATE);
	buf_reset(&b);
	auth_challenge(&b, c.scheme, &c.token);
	CHECK_STR(buf_cstr(&b), "WWW-Authenticate: Negotiate YWJj\r\n");
	auth_wipe(&c);
	CHECK_INT(auth_read("NTLM", all, &c), AUTH_UNKNOWN);
	CHECK_INT(auth_read("NTLM !", all, &c), AUTH_MALFORMED);
	auth_wipe(&c);
	CHECK_STR(auth_package(basic), NULL);
	CHECK_STR(auth_package(all), "Ntlm");
	CHECK_STR(auth_package(basic | AUTH_OFFER(LOGIN_NEGOTIATE)), NULL);
	CHECK_STR(auth_package(AUTH_OFFER(LOGIN_NEGOTIATE)), "Negotiate");
	buf_free(&b);
}

int main(void)
{
	good_heads();
	bad_request_lines();
	bad_fields();
	many_fields();
	bodies();
	logins();
	return check_done();
}
