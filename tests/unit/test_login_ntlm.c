/* links: base availability conf pki login */
#include <stdlib.h>
#include "bridge/base/text.h"
#include "bridge/base/utf16.h"
#include "bridge/login/ntlm_verify.h"
#include "tests/unit/check.h"

/* [MS-NLMP] 4.2.4: User, Domain, Password, both nonces and the messages of its worked example of NTLMv2. */
static const char proof[] = "68cd0ab851e51c96aabc927bebef6a1c";
static const char blob[] = "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e00"
                           "01000c005300650072007600650072000000000000000000";
static const char type3[] = "4e544c4d5353500003000000180018006c00000054005400840000000c000c00480000000800080054000000"
                            "100010005c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e0055007300"
                            "650072004300"
                            "4f004d005000550054004500520086c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa";
static const char sent_key[] = "c5dad2544fc9799094ce1ce90bc9d03e";
static struct pki_legacy *legacy;

static const char *hex(const uint8_t *p, size_t n)
{
	static char out[2 * NTLM_MESSAGE_MAX + 1];

	text_hex(out, p, n);
	return out;
}

static size_t unhex(uint8_t *out, const char *a, const char *b, const char *c, const char *d)
{
	char all[4000];

	snprintf(all, sizeof(all), "%s%s%s%s", a, b, c, d);
	if (!text_unhex(out, strlen(all) / 2, all))
		abort();
	return strlen(all) / 2;
}

/* The example's exchange; its Type 2 is cut down to what counts: the challenge. */
struct example {
	uint8_t first[16], second[48], third[1000], hash[PKI_MD];
	struct ntlm_exchange x;
	struct ntlm_authenticate m;
	struct ntlm_session s;
};

static void example(struct example *e)
{
	memset(e, 0, sizeof(*e));
	unhex(e->second + 24, "0123456789abcdef", "", "", "");
	CHECK_INT(ntlm_nt_hash(legacy, "Password", e->hash), 0);
	e->x = (struct ntlm_exchange){{e->first, sizeof(e->first)}, {e->second, sizeof(e->second)}, {e->third, unhex(e->third, type3, proof, blob, sent_key)}, NULL};
	CHECK(ntlm_read_authenticate(e->x.authenticate.p, e->x.authenticate.n, &e->m));
}

static enum fb_fact verify(struct example *e)
{
	return ntlm_verify(legacy, &e->m, &e->x, e->hash, &e->s);
}

static void worked_example(void)
{
	static const uint8_t words[] = "P\0l\0a\0i\0n\0t\0e\0x\0t";
	uint8_t text[26], sealed[26], key[PKI_MD], out[PKI_MD];
	struct example e;

	example(&e);
	CHECK_STR(hex(e.hash, PKI_MD), "a4f49c406510bdcab6824ee7c30fd852");
	CHECK_STR(e.m.user, "User");
	CHECK_STR(e.m.domain, "Domain");
	CHECK_INT(e.m.flags, 0xe2888235);
	CHECK(!e.m.has_mic);
	CHECK_INT(verify(&e), FB_YES);
	CHECK_STR(hex(e.s.key, PKI_MD), "55555555555555555555555555555555");
	/* 4.2.4.4 seals 18 bytes first: their key stream lies before that of the checksum 7fb38ec5c55d4976. */
	memcpy(text, words, 18);
	unhex(text + 18, "70352851f2564309", "", "", "");
	unhex(key, "59f600973cc4960a25480a7c196e4c58", "", "", "");
	CHECK_INT(pki_legacy_rc4(legacy, key, text, sizeof(text), sealed), 0);
	CHECK_STR(hex(sealed, sizeof(sealed)), "54e50165bf1936dc996020c1811b0f06fb5f7fb38ec5c55d4976");
	/* What ntlm_sign() gives is the same checksum under the first bytes of that stream. */
	memset(sealed, 0, sizeof(sealed));
	CHECK_INT(pki_legacy_rc4(legacy, key, sealed, 8, sealed), 0);
	CHECK_INT(ntlm_sign(legacy, &e.s, true, words, 18, out), 0);
	for (size_t i = 0; i < 8; i++)
		sealed[i] ^= out[4 + i];
	CHECK_STR(hex(sealed, 8), "70352851f2564309");
	CHECK_STR(hex(out, 4), "01000000");
	CHECK_STR(hex(out + 12, 4), "00000000");
	e.s.flags &= ~(uint32_t)NTLM_KEY_EXCHANGE;
	CHECK_INT(ntlm_sign(legacy, &e.s, true, words, 18, out), 0);
	CHECK_STR(hex(out + 4, 8), "70352851f2564309");
	CHECK_INT(ntlm_sign(legacy, &e.s, false, words, 18, out), 0);
	CHECK(strcmp(hex(out + 4, 8), "70352851f2564309") != 0);
	e.s.flags = 0;
	CHECK(ntlm_sign(legacy, &e.s, true, words, 18, out) < 0);
}

/* Each bit of what is proven, turned over. */
static void turned_over(void)
{
	struct example e;
	size_t yes = 0;

	example(&e);
	e.second[24] ^= 1;
	CHECK_INT(verify(&e), FB_NO); /* another connection's challenge */
	example(&e);
	e.hash[3] ^= 1;
	CHECK_INT(verify(&e), FB_NO);
	example(&e);
	strcpy(e.m.user, "uSER");
	CHECK_INT(verify(&e), FB_YES);
	strcpy(e.m.domain, "DOMAIN");
	CHECK_INT(verify(&e), FB_NO);
	example(&e);
	for (size_t bit = 0; bit < 8 * e.m.nt.n; bit++) {
		uint8_t *byte = &e.third[e.m.nt.p - e.third + bit / 8];

		*byte ^= (uint8_t)(1 << bit % 8);
		yes += verify(&e) == FB_YES;
		*byte ^= (uint8_t)(1 << bit % 8);
	}
	CHECK_INT(yes, 0);
	CHECK_INT(verify(&e), FB_YES);
}

/* A message cut off anywhere, or with any bit turned over, is no crash, and says yes only where nothing that counts was touched. */
static void damaged(void)
{
	struct ntlm_authenticate m;
	struct example e;
	uint8_t *copy;

	example(&e);
	for (size_t n = 0; n < e.x.authenticate.n; n++) {
		copy = malloc(n + 1);
		memcpy(copy, e.third, n);
		CHECK(!ntlm_read_authenticate(copy, n, &m) || n >= 0xd8 + 16);
		free(copy);
	}
	for (size_t bit = 0; bit < 8 * e.x.authenticate.n; bit++) {
		e.third[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (ntlm_read_authenticate(e.third, e.x.authenticate.n, &e.m))
			verify(&e);
		e.third[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void older_responses(void)
{
	struct ntlm_response r;
	struct example e;
	uint8_t nt[60] = {0};

	example(&e);
	e.m.nt.n = 24; /* NTLMv1, and NTLM2 session */
	CHECK_INT(verify(&e), FB_NO);
	e.m.nt.n = 0; /* anonymous, or LM alone */
	CHECK_INT(verify(&e), FB_NO);
	CHECK(!ntlm_read_response((struct login_bytes){nt, sizeof(nt)}, &r));
	nt[16] = nt[17] = 1;
	CHECK(ntlm_read_response((struct login_bytes){nt, sizeof(nt)}, &r));
	CHECK(!ntlm_read_response((struct login_bytes){nt, 44}, &r)); /* no list of pairs */
	CHECK(!ntlm_read_response((struct login_bytes){nt, 43}, &r));
	nt[44] = NTLM_AV_FLAGS; /* a pair that reaches out, one of a wrong size, a list without an end */
	nt[46] = 13;
	CHECK(!ntlm_read_response((struct login_bytes){nt, sizeof(nt)}, &r));
	nt[46] = 2;
	CHECK(!ntlm_read_response((struct login_bytes){nt, sizeof(nt)}, &r));
	nt[46] = 4;
	CHECK(ntlm_read_response((struct login_bytes){nt, 56}, &r));
	CHECK(!ntlm_read_response((struct login_bytes){nt, 52}, &r));
}

static void negotiate(void)
{
	static const uint8_t curl[] = "NTLMSSP\0\1\0\0\0\6\x82\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	uint32_t flags;

	CHECK(ntlm_read_negotiate(curl, 32, &flags));
	CHECK_INT(flags, 0x00088206);
	CHECK(ntlm_read_negotiate(curl, 16, &flags));
	CHECK(!ntlm_read_negotiate(curl, 15, &flags));
	CHECK(!ntlm_read_negotiate((const uint8_t *)"NTLMSSP\0\3\0\0\0\6\x82\x08\0", 16, &flags));
	CHECK_INT(ntlm_type((const uint8_t *)"NTLMSSP\0\4\0\0\0", 12), NTLM_NEITHER);
	CHECK_INT(ntlm_type((const uint8_t *)"NTLMSSX\0\1\0\0\0", 12), NTLM_NEITHER);
	CHECK_INT(ntlm_type(curl, 11), NTLM_NEITHER);
}

static void challenge(void)
{
	static const struct ntlm_names names = {"Server", "Domain", "server.a.example", "a.example"};
	uint8_t nonce[NTLM_CHALLENGE];
	struct buf out;

	unhex(nonce, "0123456789abcdef", "", "", "");
	buf_init(&out, NTLM_MESSAGE_MAX);
	CHECK_INT(ntlm_put_challenge(&out, 0xe2088297, nonce, &names, 0x0102030405060708), 0);
	/* header; then its parts where the header says, as [MS-NLMP] 2.2.1.2 draws it */
	CHECK_STR(hex(buf_ptr(&out), 32), "4e544c4d53535000020000000c000c003800000015828ae20123456789abcdef");
	CHECK_STR(hex(buf_ptr(&out) + 40, 8), "6a006a0044000000");
	CHECK_STR(hex(buf_ptr(&out) + 56, 12), "530065007200760065007200");
	CHECK_STR(hex(buf_ptr(&out) + out.len - 16, 16), "07000800080706050403020100000000");
	CHECK_INT(out.len, 0x44 + 16 + 16 + 22 + 36 + 12 + 4);
	buf_reset(&out);
	CHECK_INT(ntlm_put_challenge(&out, 0x00088206, nonce, &names, 0), 0);
	CHECK_STR(hex(buf_ptr(&out) + 12, 12), "060006003800000006828a00"); /* OEM for who knows nothing else */
	CHECK_STR(hex(buf_ptr(&out) + 56, 6), "536572766572");
	buf_free(&out);
}

/* The MIC and the binding, over a message that has them: made by hand here, by real clients in tests/e2e/windows_logins.py. */
static void mic_and_binding(void)
{
	static const char flagged[] = "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000006000400020000000a001000";
	uint8_t key[PKI_MD], all[3000], hash[32], *nt;
	struct example e;
	size_t n;

	example(&e);
	memset(hash, 7, sizeof(hash));
	CHECK_INT(ntlm_channel_binding(legacy, hash, sizeof(hash), key), 0);
	e.x.binding = key;
	/* room for the MIC, then user, domain and response */
	memmove(e.third + 88, "U\0s\0e\0r\0", 8);
	memmove(e.third + 96, "D\0o\0m\0a\0i\0n\0", 12);
	nt = e.third + 108;
	n = unhex(nt + 16, flagged, hex(key, PKI_MD), "0000000000000000", "");
	memset(e.third + 12, 0, 48);
	e.third[20] = e.third[22] = (uint8_t)(16 + n);
	e.third[24] = 108;
	e.third[28] = e.third[30] = 12, e.third[32] = 96;
	e.third[36] = e.third[38] = 8, e.third[40] = 88;
	e.x.authenticate.n = 108 + 16 + n;
	CHECK(ntlm_read_authenticate(e.third, e.x.authenticate.n, &e.m));
	CHECK(e.m.has_mic);
	/* NTOWFv2 of the example, 4.2.4.1.1 */
	uint8_t owf[PKI_MD], base[PKI_MD];

	unhex(owf, "0c868a403bfd7a93a3001ef22ef02e3f", "", "", "");
	CHECK_INT(pki_legacy_hmac_md5(legacy, owf, e.second + 24, 8, nt + 16, n, nt), 0);
	CHECK_INT(pki_legacy_hmac_md5(legacy, owf, nt, 16, NULL, 0, base), 0);
	memset(e.third + 72, 0, 16);
	CHECK_INT(verify(&e), FB_NO); /* the MIC that is promised is missing */
	memcpy(all, e.first, 16);
	memcpy(all + 16, e.second, 48);
	CHECK_INT(pki_legacy_hmac_md5(legacy, base, all, 64, e.third, e.x.authenticate.n, e.third + 72), 0);
	CHECK_INT(verify(&e), FB_YES);
	e.first[13] ^= 4;
	CHECK_INT(verify(&e), FB_NO); /* somebody changed what was asked for */
	e.first[13] ^= 4;
	e.x.binding = NULL;
	CHECK_INT(verify(&e), FB_NO);
	e.x.binding = key;
	key[0] ^= 1;
	CHECK_INT(verify(&e), FB_NO); /* another certificate's */
}

static void utf16(void)
{
	static const char words[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
	struct buf wide, back;

	buf_init(&wide, 100);
	buf_init(&back, 100);
	CHECK_INT(utf16_put(&wide, words, strlen(words)), 0);
	CHECK_STR(hex(buf_ptr(&wide), wide.len), "6100fc00ac203dd800de");
	CHECK_INT(utf16_get(&back, buf_ptr(&wide), wide.len), 0);
	CHECK_STR(buf_cstr(&back), words);
	buf_reset(&wide);
	CHECK(utf16_put(&wide, "\xc3", 1) < 0);
	CHECK(utf16_get(&back, (const uint8_t *)"\x3d\xd8", 2) < 0);
	CHECK(utf16_get(&back, (const uint8_t *)"\x00\xde", 2) < 0);
	CHECK(utf16_get(&back, (const uint8_t *)"\x3d\xd8\x41\x00", 4) < 0);
	CHECK(utf16_get(&back, (const uint8_t *)"a\0b", 3) < 0);
	CHECK(utf16_get(&back, (const uint8_t *)"a\0\0\0", 4) < 0);
	buf_free(&wide);
	buf_free(&back);
}

int main(void)
{
	struct buf error;

	buf_init(&error, 1000);
	legacy = pki_legacy_new(&error);
	if (CHECK(legacy != NULL)) {
		worked_example();
		turned_over();
		damaged();
		older_responses();
		negotiate();
		challenge();
		mic_and_binding();
		utf16();
	}
	pki_legacy_free(legacy);
	buf_free(&error);
	return check_done();
}
