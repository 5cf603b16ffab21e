/* links: base pki */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "pki/identity.h"
#include "pki/parts.h"
#include "pki/pin.h"
#include "pki/tls.h"
#include "tests/unit/check.h"

static char dir[] = "/tmp/pki-pin-XXXXXX";

static const char *in(const char *name)
{
	static char paths[8][128];
	static int i;
	char *p = paths[i++ % 8];

	snprintf(p, 128, "%s/%s", dir, name);
	return p;
}

/* What a shell command prints, without its line end. */
static const char *run(const char *fmt, const char *a, const char *b)
{
	static char out[4096];
	char command[1024];
	FILE *f;
	size_t n;

	snprintf(command, sizeof(command), fmt, a, b);
	f = popen(command, "r");
	n = f ? fread(out, 1, sizeof(out) - 1, f) : 0;
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	if (f)
		pclose(f);
	return out;
}

static void texts(void)
{
	uint8_t pin[PKI_PIN_LEN], back[PKI_PIN_LEN];
	char text[PKI_PIN_TEXT + 2], colons[200] = "SHA256:", endless[2000] = "";

	for (int i = 0; i < PKI_PIN_LEN; i++)
		pin[i] = (uint8_t)(i * 7 + 3);
	pki_pin_text(text, pin);
	CHECK_INT(strlen(text), 71);
	CHECK(pki_pin_parse(text, back) && memcmp(pin, back, sizeof(pin)) == 0);
	for (int i = 0; i < PKI_PIN_LEN; i++)
		sprintf(colons + strlen(colons), "%s%02X", i ? ":" : "", pin[i]);
	memset(back, 0, sizeof(back));
	CHECK(pki_pin_parse(colons, back) && memcmp(pin, back, sizeof(pin)) == 0);
	memset(pin, 0, sizeof(pin));
	CHECK(pki_pin_parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", back) && memcmp(pin, back, sizeof(pin)) == 0);
	CHECK(!pki_pin_parse("", back));
	CHECK(!pki_pin_parse("sha256:", back));
	memset(endless, '0', sizeof endless - 1);
	memcpy(endless, "sha256:", 7);
	CHECK(!pki_pin_parse(endless, back));
	CHECK(!pki_pin_parse("sha1:00", back));
	text[70] = 0;
	CHECK(!pki_pin_parse(text, back));
	strcat(text, "00");
	CHECK(!pki_pin_parse(text, back));
	text[70] = 'g';
	text[71] = 0;
	CHECK(!pki_pin_parse(text, back));
	strcat(colons, ":");
	CHECK(!pki_pin_parse(colons, back));
	CHECK(!pki_pin_parse("sha256:00::00000000000000000000000000000000000000000000000000000000000000", back));
	CHECK(pki_pin_parse("sha256:00:00000000000000000000000000000000000000000000000000000000000000", back));
	CHECK(!pki_pin_parse("sha256:0:000000000000000000000000000000000000000000000000000000000000000", back));
	CHECK(!pki_pin_parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", back)); /* 33 bytes */
}

static void sets(void)
{
	struct pki_pinset *s = pki_pinset_new();
	uint8_t a[PKI_PIN_LEN] = {1}, b[PKI_PIN_LEN] = {2}, c[PKI_PIN_LEN] = {3}, d[PKI_PIN_LEN] = {4}, e[PKI_PIN_LEN] = {5};

	CHECK_INT(pki_pinset_add(s, "site-a", a), 0);
	CHECK_INT(pki_pinset_add(s, "site-a", b), 0);
	CHECK_INT(pki_pinset_add(s, "site-a", b), 0); /* said twice is said once */
	CHECK_INT(pki_pinset_add(s, "site-b", a), -1);
	CHECK_INT(pki_pinset_add(s, "site-b", c), 0);
	CHECK_INT(pki_pinset_revoke(s, b), 0);
	CHECK_INT(pki_pinset_revoke(s, b), 0);
	CHECK(pki_pinset_has(s, "site-a", a) && !pki_pinset_has(s, "site-a", b));
	CHECK_INT(pki_pinset_add(s, "site-a", b), -1); /* for good, and for whomever */
	CHECK_INT(pki_pinset_add(s, "site-c", b), -1);
	/* of several any may go, and the others stay */
	CHECK_INT(pki_pinset_add(s, "site-b", d), 0);
	CHECK_INT(pki_pinset_add(s, "site-b", e), 0);
	pki_pinset_drop(s, "site-b", c);
	CHECK(!pki_pinset_has(s, "site-b", c) && pki_pinset_has(s, "site-b", d) && pki_pinset_has(s, "site-b", e));
	pki_pinset_drop(s, "site-b", e);
	CHECK(pki_pinset_has(s, "site-b", d) && !pki_pinset_has(s, "site-b", e));
	pki_pinset_drop(s, "site-b", a); /* another's */
	CHECK(pki_pinset_has(s, "site-a", a));
	/* who is shut is nobody, and gets no key */
	CHECK_STR(pki_pinset_knows(s, "site-a"), "site-a");
	pki_pinset_shut(s, "site-a");
	CHECK_STR(pki_pinset_knows(s, "site-a"), NULL);
	CHECK(!pki_pinset_has(s, "site-a", a) && !pki_pinset_find(s, NULL, a));
	CHECK_INT(pki_pinset_add(s, "site-a", c), -1);
	CHECK_INT(pki_pinset_add(s, "site-b", c), 0); /* which was free */
	pki_pinset_shut(s, "nobody");
	pki_pinset_free(s);
	pki_pinset_free(NULL);
}

static void identities(void)
{
	struct buf error;
	uint8_t pin[PKI_PIN_LEN];
	char text[PKI_PIN_TEXT];
	struct stat st;

	buf_init(&error, 1024);
	CHECK_INT(pki_identity_create("site-a", in("key"), in("cert"), &error), 0);
	CHECK_INT(error.len, 0);
	CHECK(stat(in("key"), &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK_INT(pki_identity_pin(in("cert"), pin, &error), 0);
	pki_pin_text(text, pin);
	CHECK_STR(run("openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1", in("cert"), ""), text + 7);
	CHECK(strstr(run("openssl x509 -in %s -noout -text | grep -A1 'Alternative' | tail -1", in("cert"), ""), "DNS:site-a"));
	CHECK(strstr(run("openssl verify -CAfile %s %s 2>&1", in("cert"), in("cert")), ": OK"));
	CHECK(strstr(run("openssl verify -purpose sslclient -CAfile %s %s 2>&1", in("cert"), in("cert")), ": OK"));
	CHECK(strstr(run("openssl pkey -in %s -noout -text", in("key"), ""), "256 bit"));

	CHECK_INT(pki_identity_create("site-a", in("key"), in("cert2"), &error), -1);
	CHECK(strstr(buf_cstr(&error), "exists already"));
	CHECK(access(in("cert2"), F_OK) != 0);
	CHECK_INT(pki_identity_create("site-a", in("key2"), in("cert"), &error), -1);
	CHECK(access(in("key2"), F_OK) != 0);
	CHECK_INT(pki_identity_create("site a,DNS:other", in("key3"), in("cert3"), &error), -1);
	CHECK_INT(pki_identity_create("", in("key3"), in("cert3"), &error), -1);
	buf_reset(&error);
	CHECK_INT(pki_identity_create("site-a", in("no/key"), in("no/cert"), &error), -1);
	CHECK(strstr(buf_cstr(&error), "No such file"));
	buf_reset(&error);
	CHECK_INT(pki_identity_pin(in("key"), pin, &error), -1);
	CHECK(error.len > 0);
	CHECK_INT(pki_identity_pin(in("absent"), pin, &error), -1);
	buf_free(&error);
}

static void fronts(void)
{
	const char *names[] = {"localhost", "127.0.0.1", "::1"}, *bad[] = {"a,DNS:evil.example"};
	struct buf error;
	struct stat st;

	buf_init(&error, 1024);
	CHECK_INT(pki_front_create(names, 3, in("fkey"), in("fchain"), in("fca"), &error), 0);
	CHECK(stat(in("fkey"), &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(strstr(run("openssl pkey -in %s -noout -text", in("fkey"), ""), "2048 bit"));
	CHECK(strstr(run("openssl verify -purpose sslserver -verify_hostname localhost -CAfile %s %s 2>&1", in("fca"), in("fchain")), ": OK"));
	CHECK(strstr(run("openssl verify -x509_strict -verify_ip 127.0.0.1 -CAfile %s %s 2>&1", in("fca"), in("fchain")), ": OK"));
	CHECK(strstr(run("openssl verify -verify_ip ::1 -CAfile %s %s 2>&1", in("fca"), in("fchain")), ": OK"));
	CHECK_STR(run("openssl verify -verify_hostname other.example -CAfile %s %s >/dev/null 2>&1; echo $?", in("fca"), in("fchain")), "2");
	CHECK_STR(run("grep -c BEGIN %s%s", in("fchain"), ""), "2");
	CHECK_STR(run("grep -l PRIVATE %s/* | wc -l%s", dir, ""), "2"); /* link key and front key; none of the CA */
	CHECK_INT(pki_front_create(names, 3, in("fkey2"), in("fchain"), in("fca2"), &error), -1);
	CHECK(access(in("fkey2"), F_OK) != 0 && access(in("fca2"), F_OK) != 0);
	CHECK_INT(pki_front_create(bad, 1, in("fkey2"), in("fchain2"), in("fca2"), &error), -1);
	CHECK(access(in("fkey2"), F_OK) != 0);
	buf_free(&error);
}

/* What names a front in channel bindings (RFC 5929 4.1), beside what openssl says of the same certificate. */
static void end_points(void)
{
	static const struct {
		const char *key, *sign, *hash;
	} kinds[] = {{"rsa:2048", "-sha256", "-sha256"}, {"rsa:2048", "-sha384", "-sha384"}, {"ec -pkeyopt ec_paramgen_curve:P-256", "-sha512", "-sha512"},
	             {"ed25519", "", NULL}};
	uint8_t got[PKI_END_POINT_MAX];
	char make[200], text[2 * PKI_END_POINT_MAX + 1];
	struct pki_tls *t;
	struct buf error;
	size_t n;

	buf_init(&error, 1024);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(make, sizeof(make), "umask 077; openssl req -x509 -nodes -subj /CN=a -newkey %s %s -keyout %%s -out %%s 2>&1", kinds[i].key, kinds[i].sign);
		run(make, in("ekey"), in("ecert"));
		t = pki_tls_front(in("ecert"), in("ekey"), &error);
		if (!CHECK(t != NULL))
			continue;
		n = pki_tls_end_point(t, got);
		text_hex(text, got, n);
		pki_tls_free(t);
		CHECK_STR(text, kinds[i].hash ? run("openssl x509 -in %s -outform DER | openssl dgst %s -r | cut -d' ' -f1", in("ecert"), kinds[i].hash) : "");
	}
	CHECK_STR(buf_cstr(&error), "");
	buf_free(&error);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	texts();
	sets();
	identities();
	fronts();
	end_points();
	run("rm -rf %s%s", dir, "");
	return check_done();
}
