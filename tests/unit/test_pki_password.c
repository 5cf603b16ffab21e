/* links: base pki */
#include <openssl/evp.h>
#include "bridge/base/text.h"
#include "pki/password.h"
#include "tests/unit/check.h"

enum { MINUTE = 60 * 1000 };

/* RFC 7914 section 12, third vector: N=16384 r=8 p=1, "pleaseletmein", "SodiumChloride". */
static const char RFC_HASH[] = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                               "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";

static void vector(void)
{
	struct buf b;
	uint8_t raw[64];

	buf_init(&b, 400);
	buf_puts(&b, "scrypt:16384:8:1:");
	text_base64(&b, "SodiumChloride", 14);
	buf_putc(&b, ':');
	CHECK(text_unhex(raw, 64, RFC_HASH));
	text_base64(&b, raw, 64);
	CHECK(pki_password_hash_valid(buf_cstr(&b)));
	CHECK_INT(pki_password_verify(buf_cstr(&b), "pleaseletmein"), 1);
	CHECK_INT(pki_password_verify(buf_cstr(&b), "pleaseletmeIn"), 0);
	CHECK_INT(pki_password_verify(buf_cstr(&b), ""), 0);
	buf_free(&b);
}

static void round_trip(void)
{
	struct buf a, b;

	buf_init(&a, 400);
	buf_init(&b, 400);
	CHECK_INT(pki_password_hash(&a, "p\xc3\xa4ss:w\xc3\xb6rd"), 0);
	CHECK_INT(pki_password_hash(&b, "p\xc3\xa4ss:w\xc3\xb6rd"), 0);
	CHECK(strcmp(buf_cstr(&a), buf_cstr(&b)) != 0); /* each has its own salt */
	CHECK(pki_password_hash_valid(buf_cstr(&a)));
	CHECK_INT(pki_password_verify(buf_cstr(&a), "p\xc3\xa4ss:w\xc3\xb6rd"), 1);
	CHECK_INT(pki_password_verify(buf_cstr(&b), "p\xc3\xa4ss:w\xc3\xb6rD"), 0);
	CHECK_INT(pki_password_verify_nobody("x"), 0);
	buf_free(&a);
	buf_free(&b);
}

static void malformed(void)
{
	static const char *const bad[] = {
		"", "scrypt", "plain", "scrypt:16384:8:1:c2FsdHNhbHQ=", "scrypt:16384:8:1:c2FsdHNhbHQ=:", "bcrypt:16384:8:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==",
		"scrypt:16383:8:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==", /* no power of two */
		"scrypt:1048576:8:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==", /* 1 GiB */
		"scrypt:16384:0:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==", "scrypt:16384:8:99:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==",
		"scrypt:16384:8:1:c2E=:MDEyMzQ1Njc4OWFiY2RlZg==", "scrypt:16384:8:1:c2FsdHNhbHQ=:MDE=", "scrypt:16384:8:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg==:x",
		"scrypt:16384:8:1:c2FsdHNhbHQ=:!!!!"};

	CHECK(pki_password_hash_valid("scrypt:16384:8:1:c2FsdHNhbHQ=:MDEyMzQ1Njc4OWFiY2RlZg=="));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!CHECK(!pki_password_hash_valid(bad[i])))
			fprintf(stderr, "\t%s\n", bad[i]);
		CHECK_INT(pki_password_verify(bad[i], "x"), -1);
	}
}

static void remembering(void)
{
	struct pki_remembered *r = pki_remembered_new(3);

	CHECK(!pki_remembered_who(r, "YTpi", 1000));
	pki_remembered_add(r, "YTpi", "anna", 1000);
	CHECK_STR(pki_remembered_who(r, "YTpi", 1000), "anna");
	CHECK(!pki_remembered_who(r, "YTpj", 1000));
	CHECK(pki_remembered_who(r, "YTpi", 1000 + 5 * MINUTE - 1));
	CHECK(!pki_remembered_who(r, "YTpi", 1000 + 5 * MINUTE));
	CHECK(!pki_remembered_who(r, "YTpi", 1000)); /* once too old, gone */
	pki_remembered_add(r, "1", "anna", 2000);
	pki_remembered_add(r, "2", "anna", 2001);
	pki_remembered_add(r, "3", "anna", 2002);
	pki_remembered_add(r, "4", "anna", 2003);
	CHECK(!pki_remembered_who(r, "1", 2004));
	CHECK(pki_remembered_who(r, "2", 2004) && pki_remembered_who(r, "3", 2004) && pki_remembered_who(r, "4", 2004));
	pki_remembered_free(r);
	pki_remembered_free(NULL);
}

int main(void)
{
	vector();
	round_trip();
	malformed();
	remembering();
	return check_done();
}
