/* links: base pki */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pki/identity.h"
#include "pki/parts.h"
#include "tests/unit/check.h"

static char dir[] = "/tmp/pki-tls-XXXXXX";
static struct loop *loop;
static struct buf error;

static const char *in(const char *name, const char *ext)
{
	static char paths[16][128];
	static int i;
	char *p = paths[i++ % 16];

	snprintf(p, 128, "%s/%s.%s", dir, name, ext);
	return p;
}

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

static struct pki_pinset *set_of(const char *peer, const char *cert)
{
	struct pki_pinset *s = pki_pinset_new();
	uint8_t pin[PKI_PIN_LEN];

	CHECK_INT(pki_identity_pin(in(cert, "cert"), pin, &error), 0);
	CHECK_INT(pki_pinset_add(s, peer, pin), 0);
	return s;
}

static struct pki_tls *link_tls(const char *name, struct pki_pinset *pins)
{
	struct pki_tls *t = pki_tls_link(in(name, "cert"), in(name, "key"), pins, &error);

	if (!CHECK(t != NULL))
		fprintf(stderr, "\t%s\n", buf_cstr(&error));
	return t;
}

/* One end of a pair. Each byte that travels is a function of its place, so that both ends can check. */
struct end {
	struct pki_stream *s;
	bool up, down, has_why, keep_data;
	char why[800], peer[64], protocol[80];
	size_t send, sent, want, got;
	bool wrong;
	const char *free_in;
	struct end *other;
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 17);
}

static bool freed(struct end *e, const char *where)
{
	if (!e->free_in || strcmp(e->free_in, where) != 0)
		return false;
	pki_stream_free(e->s);
	e->s = NULL;
	e->down = true;
	return true;
}

static void maybe_stop(struct end *e)
{
	bool done = (e->down || (e->up && e->sent == e->send && e->got >= e->want)) &&
	            (e->other->down || (e->other->up && e->other->sent == e->other->send && e->other->got >= e->other->want));

	if (done)
		loop_stop(loop);
}

static void fill(struct end *e)
{
	uint8_t chunk[50000];

	while (e->sent < e->send && pki_stream_pending(e->s) < 300000) {
		size_t n = e->send - e->sent < sizeof(chunk) ? e->send - e->sent : sizeof(chunk);

		for (size_t i = 0; i < n; i++)
			chunk[i] = pattern(e->sent + i);
		CHECK_INT(pki_stream_write(e->s, chunk, n), 0);
		e->sent += n;
	}
}

static void on_up(void *arg)
{
	struct end *e = arg;

	CHECK(!e->up && !e->down);
	e->up = true;
	if (pki_stream_peer(e->s))
		snprintf(e->peer, sizeof(e->peer), "%s", pki_peer_name(pki_stream_peer(e->s)));
	snprintf(e->protocol, sizeof(e->protocol), "%s", pki_stream_protocol(e->s));
	if (freed(e, "up"))
		return;
	fill(e);
	maybe_stop(e);
}

static void on_data(void *arg, struct buf *b)
{
	struct end *e = arg;

	if (freed(e, "data"))
		return;
	if (e->keep_data) {
		loop_stop(loop);
		return;
	}
	for (size_t i = 0; i < b->len; i++)
		e->wrong |= buf_ptr(b)[i] != pattern(e->got + i);
	e->got += b->len;
	buf_consume(b, b->len);
	maybe_stop(e);
}

static void on_drained(void *arg)
{
	struct end *e = arg;

	if (freed(e, "drained"))
		return;
	fill(e);
	maybe_stop(e);
}

static void on_down(void *arg, const char *why)
{
	struct end *e = arg;

	CHECK(!e->down);
	e->down = true;
	e->has_why = why != NULL;
	snprintf(e->why, sizeof(e->why), "%s", why ? why : "");
	if (freed(e, "down"))
		loop_stop(loop);
	maybe_stop(e);
}

static const struct pki_stream_events events = {on_up, on_data, on_drained, on_down};
static bool timed_out;

static void on_guard(void *arg)
{
	timed_out = true;
	loop_stop(loop);
}

static void spin(void)
{
	struct loop_timer *guard = loop_timer_new(loop, 20000, on_guard, NULL);

	timed_out = false;
	loop_run(loop);
	CHECK(!timed_out);
	loop_timer_free(guard);
}

/* Connects ${c} to ${s} and runs until both have what they want or are down. */
static void meet(struct pki_tls *st, struct end *s, struct pki_tls *ct, struct end *c, const char *host, const char *pin_of, size_t max_in)
{
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	s->other = c;
	c->other = s;
	s->s = pki_stream_accept(loop, st, fd[0], max_in, &events, s);
	c->s = pki_stream_connect(loop, ct, fd[1], host, pin_of, max_in, &events, c);
	spin();
}

static void part(struct end *s, struct end *c)
{
	pki_stream_free(s->s);
	pki_stream_free(c->s);
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

static void weak_ok(struct pki_tls *t)
{
	SSL_CTX_set_security_level(t->ctx, 0);
	SSL_CTX_use_certificate_file(t->ctx, in("weak", "cert"), SSL_FILETYPE_PEM);
	SSL_CTX_use_PrivateKey_file(t->ctx, in("weak", "key"), SSL_FILETYPE_PEM);
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
	CHECK(!s.up && s.down && c.got == 0);

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

static void much_both_ways(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 24 << 20, .want = 9 << 20}, c = {.send = 9 << 20, .want = 24 << 20};

	meet(st, &s, ct, &c, "server", "server", 20000);
	CHECK_INT(s.got, s.want);
	CHECK_INT(c.got, c.want);
	CHECK(!s.wrong && !c.wrong && !s.down && !c.down);
	part(&s, &c);
}

static void finishing(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 1}, c = {.want = 1};
	uint8_t *rest = malloc(5 << 20);

	meet(st, &s, ct, &c, "server", "server", 20000);
	for (size_t i = 0; i < 5 << 20; i++)
		rest[i] = pattern(1 + i);
	CHECK_INT(pki_stream_write(s.s, rest, 5 << 20), 0);
	CHECK(pki_stream_pending(s.s) >= 5 << 20);
	pki_stream_finish(s.s, 10000);
	c.want = SIZE_MAX;
	s.want = SIZE_MAX;
	while (!timed_out && !(s.down && c.down)) {
		if (c.down)
			part(&(struct end){0}, &c), c.s = NULL;
		spin();
	}
	CHECK_INT(c.got, 1 + (5 << 20));
	CHECK(!c.wrong && c.down && !c.has_why);
	part(&s, &c);
	free(rest);
}

static void holding(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.keep_data = true, .want = SIZE_MAX}, c = {.send = 2 << 20};

	/* The receiver takes nothing: at most max_in bytes leave the socket; then it takes all. */
	meet(st, &s, ct, &c, "server", "server", 4096);
	for (int i = 0; i < 20 && !timed_out; i++) {
		struct loop_timer *t = loop_timer_new(loop, 5, on_guard, NULL);

		loop_run(loop);
		timed_out = false;
		loop_timer_free(t);
	}
	CHECK(c.sent < c.send && !s.down && !c.down);
	s.keep_data = false;
	s.want = c.send;
	pki_stream_hold(s.s, false);
	spin();
	CHECK_INT(s.got, c.send);
	CHECK(!s.wrong);
	part(&s, &c);
}

static void freeing_inside(struct pki_tls *st, struct pki_tls *ct)
{
	static const char *const where[] = {"up", "data", "drained", "down"};

	for (size_t i = 0; i < 4; i++) {
		struct end s = {.send = 100000, .want = SIZE_MAX, .free_in = where[i]}, c = {.send = 100000, .want = SIZE_MAX};

		if (i == 3)
			c.free_in = "data"; /* makes the server's end go down */
		meet(st, &s, ct, &c, "server", "server", 65536);
		CHECK(s.s == NULL);
		part(&s, &c);
	}
}

static void cut_off(struct pki_tls *st, struct pki_tls *ct)
{
	struct end s = {.send = 1, .want = 1}, c = {.send = 1, .want = 1};

	meet(st, &s, ct, &c, "server", "server", 65536);
	pki_stream_free(s.s);
	s.s = NULL;
	s.down = true;
	c.want = SIZE_MAX;
	spin();
	if (!CHECK(c.down && c.has_why && strstr(c.why, "cut off")))
		fprintf(stderr, "\t%s\n", c.why);
	part(&s, &c);
}

/* What comes is not TLS at all, or breaks off in the middle of it. */
static void garbage(struct pki_tls *st)
{
	static const char *const said[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02", "\x15\x03\x01\x00\x02\x02\x28", "", "xxxxxxxxxxxxxxxxxxxxxxxxx"};

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		struct end s = {.want = SIZE_MAX}, none = {.down = true};
		int fd[2];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
		s.other = &none;
		s.s = pki_stream_accept(loop, st, fd[0], 65536, &events, &s);
		CHECK(send(fd[1], said[i], i == 3 ? 7 : i == 2 ? 4 : strlen(said[i]), 0) >= 0);
		shutdown(fd[1], SHUT_WR);
		spin();
		if (!CHECK(s.down && !s.up && s.has_why && strlen(s.why) > 10))
			fprintf(stderr, "\tcase %zu: %s\n", i, s.why);
		pki_stream_free(s.s);
		close(fd[1]);
	}
}

static void streams(void)
{
	struct pki_pinset *sp = set_of("client", "c"), *cp = set_of("server", "s");
	struct pki_tls *st = link_tls("s", sp), *ct = link_tls("c", cp);

	much_both_ways(st, ct);
	finishing(st, ct);
	holding(st, ct);
	freeing_inside(st, ct);
	cut_off(st, ct);
	garbage(st);
	pki_tls_free(st);
	pki_tls_free(ct);
	pki_pinset_free(sp);
	pki_pinset_free(cp);
}

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
	/* The front's certificate is good for the front's clients only: a link has no use for it. */
	CHECK(!pki_tls_client(in("none", "ca"), &error));
}

int main(void)
{
	char command[200];

	if (!mkdtemp(dir))
		return 1;
	buf_init(&error, 1 << 16);
	loop = loop_new();
	CHECK_INT(pki_identity_create("server", in("s", "key"), in("s", "cert"), &error), 0);
	CHECK_INT(pki_identity_create("client", in("c", "key"), in("c", "cert"), &error), 0);
	the_pin_alone_counts();
	the_recipe();
	pins_of_another_peer();
	streams();
	fronts();
	loop_free(loop);
	buf_free(&error);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
