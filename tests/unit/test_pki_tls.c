/* links: base pki */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include "tests/unit/pki_world.h"

/* Who is let in on the link: whose pin it is, and by which recipe of TLS. */

static void extend(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = value ? X509V3_EXT_conf_nid(NULL, ctx, nid, value) : NULL;

	CHECK(!value || (e && X509_add_ext(x, e, -1)));
	X509_EXTENSION_free(e);
}

/* Writes NAME.key and NAME.cert: ${key} (consumed) in a self-signed certificate with these dates (days from now) and that extended usage. */
static void forge(const char *name, EVP_PKEY *key, const char *cn, int from, int to, const char *usage, const char *ku)
{
	X509 *x = X509_new();
	X509V3_CTX ctx;
	FILE *f;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_time_adj_ex(X509_getm_notBefore(x), from, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), to, 0, NULL);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	extend(x, &ctx, NID_ext_key_usage, usage);
	extend(x, &ctx, NID_key_usage, ku);
	CHECK(X509_sign(x, key, EVP_sha256()) > 0);
	umask(077);
	f = fopen(in(name, "key"), "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = fopen(in(name, "cert"), "w");
	PEM_write_X509(f, x);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

static EVP_PKEY *key_of(const char *name)
{
	FILE *f = fopen(in(name, "key"), "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

	fclose(f);
	return key;
}

/* A link between two names; ${s_knows} and ${c_knows} are whose pins the ends hold. Each sends a byte, so that a refusal is heard. */
static void link_case(const char *server, const char *client, const char *s_knows, const char *c_knows, struct end *s, struct end *c,
                      void (*tamper)(struct pki_tls *client))
{
	struct pki_pinset *sp = set_of("client", s_knows), *cp = set_of("server", c_knows);
	struct pki_tls *st = link_tls(server, sp), *ct = link_tls(client, cp);

	*s = *c = (struct end){.send = 1, .want = 1};
	if (tamper)
		tamper(ct);
	meet(st, s, ct, c, "server", "server", 65536);
	part(s, c);
	pki_tls_free(st);
	pki_tls_free(ct);
	pki_pinset_free(sp);
	pki_pinset_free(cp);
}

static void pin_of(const char *name, char text[PKI_PIN_TEXT])
{
	uint8_t pin[PKI_PIN_LEN];

	pki_identity_pin(in(name, "cert"), pin, &error);
	pki_pin_text(text, pin);
}

static void opens(const char *server, const char *client, const char *s_knows, const char *c_knows)
{
	struct end s, c;

	link_case(server, client, s_knows, c_knows, &s, &c, NULL);
	CHECK(s.up && c.up && s.got == 1 && c.got == 1 && !s.down && !c.down);
	CHECK_STR(s.peer, "client");
	CHECK_STR(c.peer, "server");
	CHECK(strncmp(s.protocol, "TLSv1.3 TLS_", 12) == 0);
}

static void the_pin_alone_counts(void)
{
	struct end s, c;
	char a[PKI_PIN_TEXT], b[PKI_PIN_TEXT];

	opens("s", "c", "c", "s");
	/* The pinned key in any certificate. */
	forge("expired", key_of("c"), "c", -20, -10, NULL, NULL);
	opens("s", "expired", "c", "s");
	opens("expired", "s", "s", "c");
	forge("future", key_of("c"), "c", 10, 20, NULL, NULL);
	opens("s", "future", "c", "s");
	opens("future", "s", "s", "c");
	forge("usage", key_of("c"), "other.example", -1, 1, "emailProtection", "critical,keyEncipherment");
	opens("s", "usage", "c", "s");
	opens("usage", "s", "s", "c");

	/* Another key, under the very same name and dates. */
	forge("twin", EVP_EC_gen("P-256"), "c", -1, 1, NULL, NULL);
	link_case("s", "twin", "c", "s", &s, &c, NULL);
	pin_of("twin", a);
	CHECK(!s.up && s.down && s.got == 0 && c.got == 0 && c.down);
	CHECK(strstr(s.why, a) && strstr(s.why, "no enabled peer"));
	CHECK(strstr(c.why, a) && strstr(c.why, "does not know our key"));
	forge("twin", EVP_EC_gen("P-256"), "s", -1, 1, NULL, NULL);
	link_case("twin", "c", "c", "s", &s, &c, NULL);
	pin_of("twin", a);
	pin_of("s", b);
	CHECK(!c.up && c.down && s.down && s.got == 0);
	CHECK(strstr(c.why, a) && strstr(c.why, b));
	pin_of("twin", a);
	CHECK(strstr(s.why, a) && strstr(s.why, "does not know our key"));
}

/* Who shows our own key is this site itself, or a copy of its key: never a peer, unless it was pinned as one. */
static void our_own_key(void)
{
	struct end s, c;

	link_case("s", "s", "c", "s", &s, &c, NULL);
	CHECK(!s.up && s.down && c.got == 0 && strstr(s.why, "our own"));
}

static void old_protocol(struct pki_tls *t)
{
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(t->ctx, TLS1_2_VERSION);
}

static void no_certificate(struct pki_tls *t)
{
	SSL_CTX_free(t->ctx);
	t->ctx = SSL_CTX_new(TLS_method());
	SSL_CTX_set_alpn_protos(t->ctx, (const uint8_t *)"\x02h2", 3);
}

static void no_alpn(struct pki_tls *t)
{
	SSL_CTX_set_alpn_protos(t->ctx, NULL, 0);
}

static void other_alpn(struct pki_tls *t)
{
	SSL_CTX_set_alpn_protos(t->ctx, (const uint8_t *)"\x08http/1.1", 9);
}

static int sessions;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	sessions++;
	return 0;
}

static void count_sessions(struct pki_tls *t)
{
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(t->ctx, on_session);
}

/* Beside its own key OpenSSL would not choose the weak one. */
static void weak_ok(struct pki_tls *t)
{
	no_certificate(t);
	SSL_CTX_set_security_level(t->ctx, 0);
	CHECK(SSL_CTX_use_certificate_file(t->ctx, in("weak", "cert"), SSL_FILETYPE_PEM) == 1);
	CHECK(SSL_CTX_use_PrivateKey_file(t->ctx, in("weak", "key"), SSL_FILETYPE_PEM) == 1);
}

static void the_recipe(void)
{
	struct end s, c;
	struct pki_pinset *pins = pki_pinset_new();
	struct pki_tls *t;

	link_case("s", "c", "c", "s", &s, &c, old_protocol);
	CHECK(!s.up && !c.up && s.down && c.down);
	CHECK(strstr(c.why, "protocol version"));
	link_case("s", "c", "c", "s", &s, &c, no_certificate);
	CHECK(!s.up && s.down && c.down && c.got == 0);
	CHECK(strstr(s.why, "no certificate"));
	CHECK(strstr(c.why, "does not know our key"));
	link_case("s", "c", "c", "s", &s, &c, no_alpn);
	CHECK(!s.up && s.down && strstr(s.why, "ALPN"));
	link_case("s", "c", "c", "s", &s, &c, other_alpn);
	CHECK(!s.up && s.down && c.down && strstr(c.why, "no application protocol"));
	sessions = 0;
	link_case("s", "c", "c", "s", &s, &c, count_sessions);
	CHECK(s.up && c.up && c.got == 1);
	CHECK_INT(sessions, 0);

	/* Too weak a key is refused although it is pinned, at both ends of its way. */
	forge("weak", EVP_RSA_gen(1024), "c", -1, 1, NULL, NULL);
	t = pki_tls_link(in("weak", "cert"), in("weak", "key"), pins, &error);
	CHECK(!t);
	link_case("s", "c", "weak", "s", &s, &c, weak_ok);
	CHECK(!s.up && s.down && c.got == 0 && strstr(s.why, "is pinned but too weak"));

	chmod(in("c", "key"), 0640);
	buf_reset(&error);
	CHECK(!pki_tls_link(in("c", "cert"), in("c", "key"), pins, &error));
	CHECK(strstr(buf_cstr(&error), "chmod 600"));
	chmod(in("c", "key"), 0600);
	buf_reset(&error);
	CHECK(!pki_tls_link(in("s", "cert"), in("c", "key"), pins, &error));
	CHECK(error.len > 0);
	CHECK(!pki_tls_link(in("none", "cert"), in("c", "key"), pins, &error));
	pki_pinset_free(pins);
}

/* Two peers known: the client asked for one, the other one answers with its own good key. */
static void pins_of_another_peer(void)
{
	struct pki_pinset *sp = set_of("client", "c"), *cp = set_of("server", "s");
	uint8_t pin[PKI_PIN_LEN];
	struct pki_tls *st = link_tls("s", sp), *ct = link_tls("c", cp);
	struct end s = {.send = 1, .want = 1}, c = s;

	forge("third", EVP_EC_gen("P-256"), "third", -1, 1, NULL, NULL);
	pki_identity_pin(in("third", "cert"), pin, &error);
	pki_pinset_add(cp, "third", pin);
	meet(st, &s, ct, &c, "third", "third", 65536);
	CHECK(!c.up && c.down && strstr(c.why, "third answered"));
	part(&s, &c);
	/* A peer shut while the process runs opens no more. */
	s = c = (struct end){.send = 1, .want = 1};
	pki_pinset_shut(sp, "client");
	meet(st, &s, ct, &c, "server", "server", 65536);
	CHECK(!s.up && s.down && c.got == 0);
	part(&s, &c);
	pki_tls_free(st);
	pki_tls_free(ct);
	pki_pinset_free(sp);
	pki_pinset_free(cp);
}

int main(void)
{
	pki_world_begin();
	the_pin_alone_counts();
	our_own_key();
	the_recipe();
	pins_of_another_peer();
	return pki_world_end();
}
