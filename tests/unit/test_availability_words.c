/* links: base availability */
#include "bridge/availability/address.h"
#include "bridge/availability/query.h"
#include "bridge/availability/reason.h"
#include "tests/unit/check.h"

/* The contract with clients: reason, word and code, as documented for administrators. */
static void reasons(void)
{
	static const struct {
		enum fb_reason reason;
		const char *code;
	} want[] = {
		{FB_NOT_COMPUTED, "ErrorInternalServerError"}, {FB_OK, "NoError"},
		{FB_NO_ACCESS, "ErrorNoFreeBusyAccess"}, {FB_NO_ADDRESS_SPACE, "ErrorAddressSpaceNotFound"},
		{FB_NOT_ALLOWED, "ErrorProxyRequestNotAllowed"}, {FB_PEER_FAILED, "ErrorProxyRequestProcessingFailed"},
		{FB_TIMEOUT, "ErrorTimeoutExpired"}, {FB_CALENDAR_FAILED, "ErrorFreeBusyGenerationFailed"},
		{FB_TOO_BIG, "ErrorResultSetTooBig"}, {FB_DIRECTORY_FAILED, "ErrorADUnavailable"},
		{FB_BUSY, "ErrorServerBusy"}, {FB_BAD_ADDRESS, "ErrorAddressSpaceNotFound"},
	};

	CHECK_INT(sizeof want / sizeof *want, FB_REASONS);
	for (size_t i = 0; i < FB_REASONS; i++) {
		const struct fb_reason_row *row = fb_reason_row(want[i].reason);
		CHECK_STR(row->response_code, want[i].code);
		CHECK(row->word && row->sentence && strlen(row->sentence) > 20);
		CHECK(row->sentence[strlen(row->sentence) - 1] == '.');
		CHECK(row->word[strspn(row->word, "abcdefghijklmnopqrstuvwxyz-")] == '\0');
		CHECK_INT(fb_reason_named(row->word), want[i].reason);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(row->word, fb_reason_row(want[k].reason)->word) != 0);
	}
	CHECK_STR(fb_reason_row(FB_NO_ACCESS)->exception, "NoFreeBusyAccessException");
	CHECK_INT(fb_reason_row(FB_NO_ACCESS)->exception_code, 5037);
	CHECK_STR(fb_reason_row(FB_PEER_FAILED)->exception, "ProxyWebRequestProcessingException");
	CHECK_STR(fb_reason_row(FB_TIMEOUT)->exception, "TimeoutExpiredException");
	CHECK_INT(fb_reason_row(FB_TIMEOUT)->exception_code, 0);
	CHECK_STR(fb_reason_row((enum fb_reason)77)->word, "not-computed");
	CHECK_STR(fb_reason_row((enum fb_reason)-1)->word, "not-computed");
	CHECK_INT(fb_reason_named("free"), FB_NOT_COMPUTED);
	CHECK_INT(fb_reason_of_code("NoError"), FB_OK);
	CHECK_INT(fb_reason_of_code("ErrorNoFreeBusyAccess"), FB_NO_ACCESS);
	CHECK_INT(fb_reason_of_code("ErrorAddressSpaceNotFound"), FB_NO_ADDRESS_SPACE);
	CHECK_INT(fb_reason_of_code("ErrorMailboxStoreUnavailable"), FB_CALENDAR_FAILED);
	CHECK_INT(fb_reason_of_code(""), FB_CALENDAR_FAILED);
	CHECK_INT(fb_reason_of_code(NULL), FB_CALENDAR_FAILED);
}

static void levels_and_views(void)
{
	static const char *const names[] = {"MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged", "None"};
	enum fb_level l;
	unsigned v;

	CHECK_STR(fb_level_name(FB_LEVEL_NONE), "None");
	CHECK_STR(fb_level_name((enum fb_level)9), "None");
	CHECK(fb_level_named("AVAILABILITYonly", &l) && l == FB_LEVEL_AVAILABILITY_ONLY);
	CHECK(fb_level_named("Reviewer", &l) && l == FB_LEVEL_LIMITED_DETAILS);
	CHECK(fb_level_named("none", &l) && l == FB_LEVEL_NONE);
	CHECK(!fb_level_named("Editor", &l) && !fb_level_named("", &l) && !fb_level_named("None ", &l));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		CHECK(fb_view_named(names[i], &v));
		CHECK_STR(fb_view_name(v), names[i]);
	}
	CHECK(!fb_view_named("freebusy", &v) && !fb_view_named("", &v) && !fb_view_named("Detailed Merged", &v));
	CHECK_STR(fb_view_name(FB_VIEW_DETAILS), "Detailed");
	CHECK_STR(fb_view_name(FB_VIEW_DETAILS | FB_VIEW_MERGED), "DetailedMerged");
	CHECK_INT(fb_view_cut(FB_VIEW_DETAILS | FB_VIEW_EVENTS | FB_VIEW_MERGED, FB_LEVEL_NONE), FB_VIEW_NONE);
	CHECK_INT(fb_view_cut(FB_VIEW_DETAILS, FB_LEVEL_AVAILABILITY_ONLY), FB_VIEW_EVENTS);
	CHECK_INT(fb_view_cut(FB_VIEW_MERGED, FB_LEVEL_LIMITED_DETAILS), FB_VIEW_MERGED);
	CHECK_INT(fb_view_cut(FB_VIEW_DETAILS, FB_LEVEL_LIMITED_DETAILS), FB_VIEW_EVENTS | FB_VIEW_DETAILS);
	CHECK_INT(fb_view_cut(~0u, (enum fb_level)7), FB_VIEW_NONE);
}

static void request_ids(void)
{
	char a[FB_REQUEST_ID_LEN + 1], b[FB_REQUEST_ID_LEN + 1];

	fb_request_id_new(a);
	fb_request_id_new(b);
	CHECK(strcmp(a, b) != 0);
	CHECK(fb_request_id_valid(a) && strlen(a) == FB_REQUEST_ID_LEN);
	CHECK(!fb_request_id_valid("") && !fb_request_id_valid("0123456789abcdef0123456789abcde"));
	CHECK(!fb_request_id_valid("0123456789abcdef0123456789abcdef0"));
	CHECK(!fb_request_id_valid("0123456789abcdef0123456789abcdeg"));
	CHECK(!fb_request_id_valid("0123456789ABCDEF0123456789ABCDEF"));
}

static void domains(void)
{
	static const char *const same[][2] = {
		{"B.Example", "b.example"}, {"b.example.", "b.example"}, {"a-b.c1.example", "a-b.c1.example"}, {"localhost", "localhost"},
		{"B\xc3\xbc" "cher.example", "xn--bcher-kva.example"}, {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"b\xc3\x9c" "CHER.example.", "xn--bcher-kva.example"}, {"bu\xcc\x88" "cher.example", "xn--bcher-kva.example"},
		/* non-transitional: the sharp s stays itself, and a full-width dot is a dot */
		{"fa\xc3\x9f.de", "xn--fa-hia.de"}, {"b\xe3\x80\x82" "example", "b.example"},
		{"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84", "xn--e1afmkfd.xn--p1ai"},
	};
	static const char *const bad[] = {
		"", ".", "..", "a..b", ".a", "a/b.example", "a b", "-a.example", "a-.example", "a_b.example", "1.2.3.4", "[1.2.3.4]",
		"a.example..", "a\x01.example", "a\xff.example", "xn--\xc3\xbc.example", "xn--a.example", "*", "*.example", "a@b",
		"a\xe2\x80\x8c" "b.example", "\xd7\x90" "a.example", "xn--ab-j1t.example", "\xe2\x80\x8b.example", "\xc3\xbc..example", "\xc3\xbc/x.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	};
	char out[FB_DOMAIN_MAX + 1], lng[400] = "";

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		CHECK(fb_domain_normal(same[i][0], out));
		CHECK_STR(out, same[i][1]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(!fb_domain_normal(bad[i], out)))
			fprintf(stderr, "\ttaken: %s\n", bad[i]);
	CHECK(!fb_domain_normal(NULL, out));
	for (int i = 0; i < 126; i++)
		strcat(lng, "a.");
	strcat(lng, "b");
	CHECK_INT(strlen(lng), FB_DOMAIN_MAX);
	CHECK(fb_domain_normal(lng, out));
	strcat(lng, ".");
	CHECK(fb_domain_normal(lng, out));
	strcat(lng, "c");
	CHECK(!fb_domain_normal(lng, out));
}

static void unicode_addresses(void)
{
	static const char *const same[][2] = {
		{"j@xn--bcher-kva.example", "j@b\xc3\xbc" "cher.example"}, {"j\xc3\xb6rg@a.xn--fa-hia.de", "j\xc3\xb6rg@a.fa\xc3\x9f.de"},
		{"a@xn--e1afmkfd.xn--p1ai", "a@\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84"},
	};
	char out[FB_ADDRESS_UNICODE_MAX + 1], back[FB_ADDRESS_MAX + 1];

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		if (CHECK(fb_address_unicode(same[i][0], out)))
			CHECK_STR(out, same[i][1]);
		if (CHECK(fb_address_normal(out, back)))
			CHECK_STR(back, same[i][0]);
	}
	CHECK(!fb_address_unicode("xn--a@b.example", out));
	CHECK(!fb_address_unicode("j\xc3\xb6rg@b.example", out));
}

static void addresses(void)
{
	static const char *const same[][2] = {
		{"Alice@A.Example", "alice@a.example"}, {"SMTP:alice@a.example",
		"alice@a.example"}, {"smtp:a.b+c@x.example", "a.b+c@x.example"},
		{"o'hara_{1}@x.example", "o'hara_{1}@x.example"}, {"j@b\xc3\xbc" "cher.example.", "j@xn--bcher-kva.example"},
		{"J\xc3\x96RG@x.example", "j\xc3\xb6rg@x.example"}, {"jo\xcc\x88rg@x.example", "j\xc3\xb6rg@x.example"},
	};
	static const char *const bad[] = {
		"", "@", "alice", "@a.example", "alice@", "a@b@c.example", ".a@x.example",
		"a.@x.example", "a..b@x.example", "..@x.example", ".@x.example",
		"a/b@x.example", "../a@x.example", "a\\b@x.example", "\"a b\"@x.example",
		"a b@x.example", " a@x.example", "a@x.example ", "a\n@x.example",
		"a\x7f@x.example", "a\x01@x.example", "a\xff@x.example", "a\xc0\xaf@x.example",
		"a\xed\xa0\x80@x.example", "a\xc2\x85@x.example", "a\xc2\xa0@x.example",
		"a\xe2\x80\xae@x.example", "a\xe2\x80\x8b@x.example", "a<b@x.example",
		"<a@x.example>", "a,b@x.example", "a;b@x.example", "a:b@x.example",
		"(a)@x.example", "/o=Org/ou=Group/cn=Recipients/cn=alice", "a@[10.0.0.1]", "a@x_y.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example",
	};
	char out[FB_ADDRESS_MAX + 1];

	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		CHECK(fb_address_normal(same[i][0], out));
		CHECK_STR(out, same[i][1]);
		CHECK(fb_address_normal(same[i][1], out));
		CHECK_STR(out, same[i][1]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(!fb_address_normal(bad[i], out)))
			fprintf(stderr, "\ttaken: %s\n", bad[i]);
	CHECK(!fb_address_normal(NULL, out));
	CHECK_STR(fb_address_domain("alice@a.example"), "a.example");
}

int main(void)
{
	reasons();
	levels_and_views();
	request_ids();
	domains();
	addresses();
	unicode_addresses();
	return check_done();
}
