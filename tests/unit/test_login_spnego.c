/* links: base availability conf pki login */
#include "bridge/base/text.h"
#include "bridge/login/spnego.h"
#include "tests/unit/check.h"

/* What curl 7.88 with gss-ntlmssp 1.2 sends first. */
static const char real[] = "YEgGBisGAQUFAqA+MDygDjAMBgorBgEEAYI3AgIKoioEKE5UTE1TU1AAAQAAABeCCOIAAAAAAAAAAAAAAAAAAAAABgIAAAAAAA8=";
static struct buf token;

static const char *hex(struct login_bytes b)
{
	static char out[1000];

	text_hex(out, b.p, b.n);
	return out;
}

static void first_token(void)
{
	struct spnego_init init;
	uint8_t *copy;

	buf_init(&token, 1000);
	CHECK_INT(text_unbase64(&token, real, strlen(real)), 0);
	CHECK_INT(spnego_kind(buf_ptr(&token), token.len), SPNEGO_KIND_INIT);
	CHECK(spnego_read_init(buf_ptr(&token), token.len, &init));
	CHECK_INT(init.n, 1);
	CHECK_INT(init.mechs[0], SPNEGO_NTLM);
	CHECK_STR(hex(init.list), "300c060a2b06010401823702020a");
	CHECK_INT(init.token.n, 40);
	CHECK(memcmp(init.token.p, "NTLMSSP", 8) == 0);
	CHECK(init.mic.p == NULL);
	for (size_t n = 0; n < token.len; n++) {
		copy = malloc(n + 1);
		memcpy(copy, buf_ptr(&token), n);
		CHECK(!spnego_read_init(copy, n, &init));
		free(copy);
	}
	for (size_t bit = 0; bit < 8 * token.len; bit++) {
		buf_ptr(&token)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		spnego_read_init(buf_ptr(&token), token.len, &init);
		buf_ptr(&token)[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_free(&token);
}

/* Windows' list: its own name for Kerberos first, then Kerberos, something else, NTLM. Written out by hand from RFC 4178 4.2.1. */
static void many_mechs(void)
{
	static const char text[] = "6048" "06062b0601050502" "a03e" "303c"
	                           "a030" "302e" "06092a864882f712010202" "06092a864886f712010202" "060a2b06010401823702021e" "060a2b06010401823702020a"
	                           "a203" "0401" "61" "a303" "0401" "62";
	static const uint8_t mics[] = {SPNEGO_MS_KERBEROS, SPNEGO_KERBEROS, SPNEGO_OTHER, SPNEGO_NTLM};
	uint8_t raw[sizeof(text) / 2];
	struct spnego_init init;

	CHECK(text_unhex(raw, sizeof(raw), text));
	CHECK(spnego_read_init(raw, sizeof(raw), &init));
	CHECK_INT(init.n, 4);
	for (size_t i = 0; i < init.n; i++)
		CHECK_INT(init.mechs[i], mics[i]);
	CHECK_STR(hex(init.token), "61");
	CHECK_STR(hex(init.mic), "62");
	CHECK_INT(init.list.n, 48);
}

static void responses(void)
{
	static const uint8_t a[] = {0xaa}, large[300];
	struct spnego_response r;
	struct buf out;

	buf_init(&out, 1000);
	CHECK_INT(spnego_put_response(&out, SPNEGO_INCOMPLETE, SPNEGO_NTLM, (struct login_bytes){a, 1}, (struct login_bytes){NULL, 0}), 0);
	/* RFC 4178 4.2.2: [1] { SEQUENCE { [0] ENUMERATED 1, [1] OID, [2] OCTET STRING } } */
	CHECK_STR(hex((struct login_bytes){buf_ptr(&out), out.len}), "a11a3018a0030a0101a10c060a2b06010401823702020aa2030401aa");
	CHECK(spnego_read_response(buf_ptr(&out), out.len, &r));
	CHECK_INT(r.state, SPNEGO_INCOMPLETE);
	CHECK_STR(hex(r.token), "aa");
	CHECK(r.mic.p == NULL);
	CHECK_INT(spnego_kind(buf_ptr(&out), out.len), SPNEGO_KIND_RESPONSE);
	buf_reset(&out);
	CHECK_INT(spnego_put_response(&out, SPNEGO_COMPLETED, SPNEGO_OTHER, (struct login_bytes){NULL, 0}, (struct login_bytes){large, 300}), 0);
	CHECK(spnego_read_response(buf_ptr(&out), out.len, &r));
	CHECK_INT(r.mic.n, 300);
	CHECK(r.token.p == NULL);
	for (size_t n = 0; n < out.len; n++)
		CHECK(!spnego_read_response(buf_ptr(&out), n, &r));
	/* .NET and Windows leave the state out of what they send; one that is none is refused */
	CHECK(spnego_read_response((const uint8_t *)"\xa1\x07\x30\x05\xa2\x03\x04\x01x", 9, &r));
	CHECK_INT(r.state, SPNEGO_NOT_SAID);
	CHECK(!spnego_read_response((const uint8_t *)"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x04", 9, &r));
	CHECK(!spnego_read_response((const uint8_t *)"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x01z", 10, &r));
	buf_free(&out);
}

static void kinds(void)
{
	CHECK_INT(spnego_kind((const uint8_t *)"NTLMSSP\0\3\0\0\0", 12), SPNEGO_KIND_NTLM);
	CHECK_INT(spnego_kind((const uint8_t *)"\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00", 15), SPNEGO_KIND_KERBEROS);
	CHECK_INT(spnego_kind((const uint8_t *)"\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x03", 13), SPNEGO_KIND_UNKNOWN);
	CHECK_INT(spnego_kind((const uint8_t *)"", 0), SPNEGO_KIND_UNKNOWN);
	CHECK_INT(spnego_kind((const uint8_t *)"\x60\x80", 2), SPNEGO_KIND_UNKNOWN);
	CHECK_INT(spnego_kind((const uint8_t *)"\x60\x84\x7f\xff\xff\xff", 6), SPNEGO_KIND_UNKNOWN);
}

int main(void)
{
	first_token();
	many_mechs();
	responses();
	kinds();
	return check_done();
}
