/* links: base pki */
#include "bridge/base/text.h"
#include "pki/legacy.h"
#include "tests/unit/check.h"

static const char *hex(const uint8_t *p)
{
	static char out[2 * PKI_MD + 1];

	text_hex(out, p, PKI_MD);
	return out;
}

static void digests(const struct pki_legacy *l)
{
	uint8_t out[PKI_MD], key[PKI_MD];

	/* RFC 1320 A.5, RFC 1321 A.5 */
	CHECK_INT(pki_legacy_md4(l, "abc", 3, out), 0);
	CHECK_STR(hex(out), "a448017aaf21d8525fc10ae87aa6729d");
	CHECK_INT(pki_legacy_md4(l, "", 0, out), 0);
	CHECK_STR(hex(out), "31d6cfe0d16ae931b73c59d7e0c089c0");
	CHECK_INT(pki_legacy_md5(l, "message", 7, " digest", 7, out), 0);
	CHECK_STR(hex(out), "f96b697d7cb7938d525a2f31aaf161d0");
	/* RFC 2202 section 2, test 1 */
	memset(key, 0x0b, sizeof(key));
	CHECK_INT(pki_legacy_hmac_md5(l, key, "Hi ", 3, "There", 5, out), 0);
	CHECK_STR(hex(out), "9294727a3638bb1c13f48ef8158bfc9d");
}

/* RFC 6229 section 2, 128 bits: the first 16 bytes of the key stream. */
static void rc4(const struct pki_legacy *l)
{
	uint8_t key[PKI_MD], text[PKI_MD] = {0};

	for (uint8_t i = 0; i < PKI_MD; i++)
		key[i] = (uint8_t)(i + 1);
	CHECK_INT(pki_legacy_rc4(l, key, text, sizeof(text), text), 0);
	CHECK_STR(hex(text), "9ac7cc9a609d1ef7b2932899cde41b97");
	CHECK_INT(pki_legacy_rc4(l, key, text, sizeof(text), text), 0);
	CHECK_STR(hex(text), "00000000000000000000000000000000");
}

/* Without the provider's file there is a sentence that says what to do. */
static void absent(void)
{
	struct buf error;

	buf_init(&error, 2000);
	setenv("OPENSSL_MODULES", "/nonexistent", 1);
	CHECK(pki_legacy_new(&error) == NULL);
	CHECK(strstr(buf_cstr(&error), "legacy.so") != NULL);
	unsetenv("OPENSSL_MODULES");
	buf_free(&error);
}

int main(void)
{
	struct pki_legacy *l;
	struct buf error;

	absent();
	buf_init(&error, 2000);
	l = pki_legacy_new(&error);
	if (CHECK(l != NULL)) {
		digests(l);
		rc4(l);
	}
	pki_legacy_free(l);
	buf_free(&error);
	return check_done();
}
