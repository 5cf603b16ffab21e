/* links: base pki */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include "pki/identity.h"
#include "pki/rotation.h"
#include "tests/unit/check.h"

static char dir[] = "/tmp/rotation-XXXXXX", cert[64], key[64];
static struct pki_identity_files files = {cert, key};
static struct buf why;

static int writes_left; /* the process ends at this one, if it is not 0 */
static int look;        /* the look at a file that brings it to zero fails, as on a disk that does */

int lstat(const char *path, struct stat *st)
{
	if (look && --look == 0) {
		errno = EIO;
		return -1;
	}
	return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

/* In the place of libc's. */
ssize_t write(int fd, const void *p, size_t n)
{
	if (writes_left && --writes_left == 0)
		_exit(9);
	return syscall(SYS_write, fd, p, n);
}

static void fresh(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s && mkdir %s", dir, dir);
	CHECK_INT(system(command), 0);
	CHECK_INT(pki_identity_create("site-a", key, cert, &why), 0);
}

static bool there(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* A bridge that starts now finds a certificate with its key, and it is ${a} or ${b}. */
static void usable(const uint8_t *a, const uint8_t *b)
{
	struct pki_signer *s;
	char path[128];

	buf_reset(&why);
	CHECK_INT(pki_rotation_key(&files, path, sizeof path), 0);
	s = pki_signer_new(cert, path, &why);
	CHECK(s != NULL);
	if (s)
		CHECK(memcmp(pki_signer_pin(s), a, PKI_PIN_LEN) == 0 || memcmp(pki_signer_pin(s), b, PKI_PIN_LEN) == 0);
	pki_signer_free(s);
}

static void test_course(void)
{
	uint8_t first[PKI_PIN_LEN], next[PKI_PIN_LEN], pin[PKI_PIN_LEN];

	fresh();
	CHECK_INT(pki_identity_pin(cert, first, &why), 0);
	CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, pin, &why), 0);
	CHECK_INT(pki_rotation_promote(&files, &why), -1);
	CHECK(strstr(buf_cstr(&why), "identity next") != NULL);
	CHECK_INT(pki_rotation_retire(&files, pin, &why), 0);
	CHECK_INT(pki_rotation_next(&files, "site-a", &why), 0);
	CHECK_INT(pki_rotation_next(&files, "site-a", &why), -1);
	CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, next, &why), 1);
	CHECK(memcmp(first, next, PKI_PIN_LEN) != 0);
	CHECK_INT(pki_rotation_promote(&files, &why), 0);
	CHECK_INT(pki_identity_pin(cert, pin, &why), 0);
	CHECK(memcmp(pin, next, PKI_PIN_LEN) == 0);
	CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, pin, &why), 0);
	CHECK_INT(pki_rotation_pin(&files, PKI_OLD, pin, &why), 1);
	CHECK(memcmp(pin, first, PKI_PIN_LEN) == 0);
	/* a second one waits for the retirement of the first */
	CHECK_INT(pki_rotation_next(&files, "site-a", &why), 0);
	buf_reset(&why);
	CHECK_INT(pki_rotation_promote(&files, &why), -1);
	CHECK(strstr(buf_cstr(&why), "identity retire") != NULL);
	usable(next, next);
	CHECK_INT(pki_rotation_retire(&files, pin, &why), 1);
	CHECK(memcmp(pin, first, PKI_PIN_LEN) == 0);
	CHECK(!there("identity-old.key") && !there("identity-old.pem"));
	CHECK_INT(pki_rotation_promote(&files, &why), 0);
}

/* Killed at whatever write, the making of a next identity leaves one that is whole or none, and the next call makes it. */
static void test_cut_next(void)
{
	uint8_t pin[PKI_PIN_LEN];
	int status = 1;

	for (int n = 1; n < 10 && status != 0; n++) {
		pid_t pid;

		fresh();
		buf_reset(&why);
		if ((pid = fork()) == 0) {
			writes_left = n;
			_exit(pki_rotation_next(&files, "site-a", &why) == 0 ? 0 : 1);
		}
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && (status == 0 || WEXITSTATUS(status) == 9));
		CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, pin, &why), status == 0);
		if (status != 0)
			CHECK_INT(pki_rotation_next(&files, "site-a", &why), 0);
		CHECK_INT(pki_rotation_promote(&files, &why), 0);
		CHECK_STR(buf_cstr(&why), "");
	}
	CHECK_INT(status, 0);
}

/* Killed after each step, a promotion leaves a usable pair, and the next call ends it. */
static void test_cut_promotion(void)
{
	uint8_t first[PKI_PIN_LEN], next[PKI_PIN_LEN], pin[PKI_PIN_LEN];
	struct stat st;
	char path[128];

	for (int cut = 0; cut <= 4; cut++) {
		int r = 1;

		fresh();
		CHECK_INT(pki_identity_pin(cert, first, &why), 0);
		CHECK_INT(pki_rotation_next(&files, "site-a", &why), 0);
		CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, next, &why), 1);
		for (int i = 0; i < cut; i++) {
			CHECK_INT(r, 1);
			r = pki_rotation_promote_step(&files, &why);
			usable(first, next);
		}
		CHECK_INT(r, cut == 4 ? 0 : 1);
		CHECK_INT(pki_identity_pin(cert, pin, &why), 0);
		usable(pin, pin);
		/* what is promoted half is not mistaken for a key that was retired */
		if (cut == 1 || cut == 2)
			CHECK_INT(pki_rotation_pin(&files, PKI_OLD, pin, &why), 0);
		if (cut == 3) {
			CHECK_INT(pki_rotation_retire(&files, pin, &why), -1);
			CHECK_INT(pki_rotation_next(&files, "site-a", &why), -1);
		}
		if (cut < 4)
			CHECK_INT(pki_rotation_promote(&files, &why), 0);
		CHECK_INT(pki_identity_pin(cert, pin, &why), 0);
		CHECK(memcmp(pin, next, PKI_PIN_LEN) == 0);
		CHECK_INT(pki_rotation_key(&files, path, sizeof path), 0);
		CHECK_STR(path, key);
		CHECK_INT(stat(key, &st), 0);
		CHECK_INT(st.st_mode & 0777, 0600);
		CHECK_INT(pki_rotation_retire(&files, pin, &why), 1);
		CHECK(memcmp(pin, first, PKI_PIN_LEN) == 0);
	}
}

static bool holds(struct pki_statement st, const struct buf *spki, const struct buf *sig, uint8_t pin[PKI_PIN_LEN])
{
	const char *text;

	return pki_statement_verify(&st, buf_ptr(spki), spki->len, buf_ptr(sig), sig->len, pin, &text);
}

/* The key in use vouches for another, and that can be shown to who was not there: of no other key, pin or purpose, and not with a byte changed. */
static void test_proof(const struct pki_signer *s, const struct pki_statement *like, const struct buf *spki)
{
	struct pki_statement st = *like, other;
	struct buf sig, proof;
	char changed[PKI_PROOF_TEXT];

	buf_init(&sig, 512);
	buf_init(&proof, PKI_PROOF_TEXT);
	st.vouches = true;
	memcpy(st.from, pki_signer_pin(s), PKI_PIN_LEN);
	memset(st.pin, 9, PKI_PIN_LEN);
	CHECK_INT(pki_signer_sign(s, &st, &sig), 0);
	pki_proof_put(&proof, &st, buf_ptr(spki), spki->len, buf_ptr(&sig), sig.len);
	CHECK(!proof.failed);
	other = (struct pki_statement){.vouches = true};
	memcpy(other.from, st.from, PKI_PIN_LEN);
	memcpy(other.pin, st.pin, PKI_PIN_LEN);
	CHECK(pki_proof_holds(buf_cstr(&proof), &other));
	other.pin[0] ^= 1;
	CHECK(!pki_proof_holds(buf_cstr(&proof), &other));
	other.pin[0] ^= 1;
	other.from[0] ^= 1;
	CHECK(!pki_proof_holds(buf_cstr(&proof), &other));
	other.from[0] ^= 1;
	other.vouches = false;
	CHECK(!pki_proof_holds(buf_cstr(&proof), &other));
	other.retires = true;
	CHECK(!pki_proof_holds(buf_cstr(&proof), &other));
	other = (struct pki_statement){.vouches = true, .retires = false};
	memcpy(other.from, st.from, PKI_PIN_LEN);
	memcpy(other.pin, st.pin, PKI_PIN_LEN);
	for (size_t i = 0; i < proof.len; i++) {
		snprintf(changed, sizeof changed, "%s", buf_cstr(&proof));
		changed[i] = changed[i] == '.' ? '0' : changed[i] == '0' ? '1' : '0';
		CHECK(!pki_proof_holds(changed, &other));
		changed[i] = 0;
		CHECK(!pki_proof_holds(changed, &other));
	}
	snprintf(changed, sizeof changed, "%s0", buf_cstr(&proof));
	CHECK(!pki_proof_holds(changed, &other) && !pki_proof_holds("", &other) && !pki_proof_holds(".", &other));
	buf_free(&sig);
	buf_free(&proof);
}

/* A key on another curve is told what is wrong with it, whatever its signature is. */
static void test_other_curve(const struct pki_statement *like)
{
	EVP_PKEY *other = EVP_EC_gen("P-384");
	struct pki_statement st = *like;
	uint8_t spki[256], *end = spki, pin[PKI_PIN_LEN];
	const char *text;
	int n = i2d_PUBKEY(other, &end);

	CHECK(n > 0 && n <= (int)sizeof spki);
	CHECK(!pki_statement_verify(&st, spki, (size_t)n, (const uint8_t *)"x", 1, pin, &text));
	CHECK_STR(text, "the key is not one on the curve P-256");
	EVP_PKEY_free(other);
}

/* The signature is about one connection, one pair of keys, one purpose. */
static void test_statement(void)
{
	struct pki_statement st = {.retires = false}, other;
	struct pki_signer *s;
	struct buf spki, sig;
	uint8_t pin[PKI_PIN_LEN];
	uint8_t *const parts[] = {other.exporter, other.from, other.to};

	fresh();
	s = pki_signer_new(cert, key, &why);
	CHECK(s != NULL);
	buf_init(&spki, 512);
	buf_init(&sig, 512);
	memset(st.exporter, 1, sizeof st.exporter);
	memset(st.from, 2, sizeof st.from);
	memset(st.to, 3, sizeof st.to);
	memcpy(st.pin, pki_signer_pin(s), PKI_PIN_LEN);
	pki_signer_spki(s, &spki);
	CHECK_INT(pki_signer_sign(s, &st, &sig), 0);
	CHECK(holds(st, &spki, &sig, pin));
	CHECK(memcmp(pin, pki_signer_pin(s), PKI_PIN_LEN) == 0);
	for (size_t i = 0; i < 3; i++) {
		other = st;
		parts[i][i] ^= 1;
		CHECK(!holds(other, &spki, &sig, pin));
	}
	other = st;
	other.retires = true;
	CHECK(!holds(other, &spki, &sig, pin));
	other = st;
	memset(other.pin, 9, PKI_PIN_LEN); /* of a next pin the key itself decides, whatever was put there */
	CHECK(holds(other, &spki, &sig, pin));
	for (size_t i = 0; i < spki.len; i++) {
		((uint8_t *)buf_ptr(&spki))[i] ^= 0x20;
		CHECK(!holds(st, &spki, &sig, pin));
		((uint8_t *)buf_ptr(&spki))[i] ^= 0x20;
	}
	spki.len--;
	CHECK(!holds(st, &spki, &sig, pin));
	spki.len++;
	test_proof(s, &st, &spki);
	test_other_curve(&st);
	sig.len = 0;
	CHECK(!holds(st, &spki, &sig, pin));
	buf_free(&spki);
	buf_free(&sig);
	pki_signer_free(s);
}

static void test_dates(void)
{
	int64_t from = 0, until = 0, now = time(NULL);
	char path[128];

	fresh();
	CHECK_INT(pki_cert_dates(cert, &from, &until, &why), 0);
	CHECK(from <= time(NULL) - 3600 && from >= now - 3700); /* it was made between the two */
	CHECK(until > now + 99LL * 365 * 86400 && until < now + 101LL * 366 * 86400);
	CHECK_INT(pki_cert_dates(key, &from, &until, &why), -1);
	CHECK_INT(pki_rotation_path("/a.b/identity", PKI_NEXT, path, sizeof path), 0);
	CHECK_STR(path, "/a.b/identity-next");
	CHECK_INT(pki_rotation_path("identity.pem", PKI_OLD, path, sizeof path), 0);
	CHECK_STR(path, "identity-old.pem");
	CHECK_INT(pki_rotation_path("identity.pem", PKI_OLD, path, 5), -1);
}

/* Whatever cannot be looked at: the next key, which peers may know already, is not made anew, nor is the old one kept by a retirement that says it is gone. */
static void test_unseen(void)
{
	uint8_t next[PKI_PIN_LEN], old[PKI_PIN_LEN], pin[PKI_PIN_LEN];
	int at, seen = 0, r;

	fresh();
	CHECK_INT(pki_rotation_next(&files, "site-a", &why), 0);
	CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, next, &why), 1);
	for (at = 1; look == 0; at++, seen++) {
		look = at;
		CHECK_INT(pki_rotation_next(&files, "site-a", &why), -1);
		CHECK_INT(pki_rotation_pin(&files, PKI_NEXT, pin, &why), 1);
		CHECK(memcmp(pin, next, PKI_PIN_LEN) == 0 && there("identity-next.key"));
	}
	look = 0;
	CHECK_INT(pki_rotation_promote(&files, &why), 0);
	CHECK_INT(pki_rotation_pin(&files, PKI_OLD, old, &why), 1);
	for (r = 0, at = 1; r == 0 && look == 0; at++) {
		look = at;
		r = pki_rotation_retire(&files, pin, &why);
		CHECK(r != 0 && (r < 0 || !there("identity-old.key")));
	}
	look = 0;
	CHECK(seen > 1);
}

int main(void)
{
	char command[64];

	buf_init(&why, 8192);
	if (!mkdtemp(dir))
		return 1;
	snprintf(cert, sizeof cert, "%s/identity.pem", dir);
	snprintf(key, sizeof key, "%s/identity.key", dir);
	test_course();
	test_cut_next();
	test_cut_promotion();
	test_statement();
	test_dates();
	test_unseen();
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
	buf_free(&why);
	return check_done();
}
