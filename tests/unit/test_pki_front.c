/* links: base pki */
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/pki_world.h"

/* The recipe of the front's door. */

/* A client of the front with ${ciphers} on TLS 1.2 (NULL = TLS 1.3), asking for ${host}. */
static void front_case(struct pki_tls *st, const char *ciphers, const char *host, const char *expect)
{
	struct pki_tls *ct = pki_tls_client(in("f", "ca"), &error);
	struct end s = {.send = 1, .want = 1}, c = s;

	if (ciphers) {
		SSL_CTX_set_max_proto_version(ct->ctx, TLS1_2_VERSION);
		CHECK(SSL_CTX_set_cipher_list(ct->ctx, ciphers) == 1);
	}
	meet(st, &s, ct, &c, host, NULL, 65536);
	if (expect) {
		CHECK(s.up && c.up && c.got == 1 && !pki_stream_peer(s.s));
		CHECK_STR(s.protocol, expect);
	} else {
		CHECK(!c.up && c.down && c.has_why);
	}
	part(&s, &c);
	pki_tls_free(ct);
}

static void front_alpn(struct pki_tls *st, const char *protocols, size_t n, bool expect)
{
	struct pki_tls *ct = pki_tls_client(in("f", "ca"), &error);
	struct end s = {.send = 1, .want = 1}, c = s;

	SSL_CTX_set_alpn_protos(ct->ctx, (const uint8_t *)protocols, (unsigned)n);
	meet(st, &s, ct, &c, "localhost", NULL, 65536);
	CHECK(c.up == expect && c.got == (expect ? 1 : 0));
	part(&s, &c);
	pki_tls_free(ct);
}

/* A certificate and a key as Windows exports them. */
static void exported(void)
{
	FILE *pem = fopen(in("f", "cert"), "r"), *key = fopen(in("f", "key"), "r"), *to[2] = {fopen(in("f", "der"), "w"), fopen(in("f", "derkey"), "w")};
	X509 *x = PEM_read_X509(pem, NULL, NULL, NULL);
	EVP_PKEY *k = PEM_read_PrivateKey(key, NULL, NULL, NULL);

	CHECK(i2d_X509_fp(to[0], x) == 1 && i2d_PrivateKey_fp(to[1], k) == 1 && chmod(in("f", "derkey"), 0600) == 0);
	for (size_t i = 0; i < 2; i++)
		fclose(to[i]);
	fclose(pem);
	fclose(key);
	X509_free(x);
	EVP_PKEY_free(k);
	for (size_t i = 0; i < 2; i++) {
		buf_reset(&error);
		CHECK(!pki_tls_front(in("f", i ? "cert" : "der"), in("f", i ? "derkey" : "key"), &error) && strstr(buf_cstr(&error), "-inform der"));
	}
	buf_reset(&error);
	unlink(in("f", "der"));
	unlink(in("f", "derkey"));
}

static void fronts(void)
{
	const char *names[] = {"localhost", "127.0.0.1"};
	struct pki_tls *st;

	CHECK_INT(pki_front_create(names, 2, in("f", "key"), in("f", "cert"), in("f", "ca"), &error), 0);
	st = pki_tls_front(in("f", "cert"), in("f", "key"), &error);
	front_case(st, NULL, "localhost", "TLSv1.3 TLS_AES_128_GCM_SHA256");
	front_case(st, NULL, "127.0.0.1", "TLSv1.3 TLS_AES_128_GCM_SHA256");
	front_case(st, NULL, NULL, "TLSv1.3 TLS_AES_128_GCM_SHA256"); /* no SNI */
	front_case(st, "ECDHE-RSA-AES128-SHA256", "localhost", "TLSv1.2 ECDHE-RSA-AES128-SHA256");
	front_case(st, "ECDHE-RSA-AES256-SHA384", "localhost", "TLSv1.2 ECDHE-RSA-AES256-SHA384");
	front_case(st, "ECDHE-RSA-AES128-GCM-SHA256", "localhost", "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256");
	front_case(st, "AES128-SHA", "localhost", NULL); /* no forward secrecy */
	front_case(st, "DHE-RSA-AES128-GCM-SHA256", "localhost", NULL);
	front_case(st, NULL, "other.example", NULL);
	front_alpn(st, "\x02h2\x08http/1.1", 12, true);
	front_alpn(st, "\x02h2", 3, false);
	pki_tls_free(st);
	exported();
	/* The front's certificate is good for the front's clients only: a link has no use for it. */
	CHECK(!pki_tls_client(in("none", "ca"), &error));
}

int main(void)
{
	pki_world_begin();
	fronts();
	return pki_world_end();
}
