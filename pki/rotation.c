#include "pki/rotation.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include "pki/identity.h"
#include "pki/parts.h"

enum { PATH_SIZE = 4096 };

/* The four files beside the current two. */
struct beside {
	char next_cert[PATH_SIZE], next_key[PATH_SIZE], old_cert[PATH_SIZE], old_key[PATH_SIZE];
};

int pki_rotation_path(const char *current, enum pki_which which, char *out, size_t size)
{
	const char *slash = strrchr(current, '/'), *dot = strrchr(current, '.'), *word = which == PKI_NEXT ? "-next" : "-old";
	int stem = dot && (!slash || dot > slash + 1) ? (int)(dot - current) : (int)strlen(current);
	int n = snprintf(out, size, "%.*s%s%s", stem, current, word, current + stem);

	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static int paths(const struct pki_identity_files *f, struct beside *b, struct buf *error)
{
	if (pki_rotation_path(f->cert, PKI_NEXT, b->next_cert, PATH_SIZE) == 0 &&
	    pki_rotation_path(f->key, PKI_NEXT, b->next_key, PATH_SIZE) == 0 &&
	    pki_rotation_path(f->cert, PKI_OLD, b->old_cert, PATH_SIZE) == 0 && pki_rotation_path(f->key, PKI_OLD, b->old_key,
	                      PATH_SIZE) == 0)
		return 0;
	buf_printf(error, "%s: the path is too long.", f->cert);
	return -1;
}

/* 1 if it is there, 0 if not, -1 if that cannot be told. */
static int there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? 1 : errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

static X509 *read_cert(const char *path)
{
	BIO *in = BIO_new_file(path, "r");
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	BIO_free(in);
	ERR_clear_error();
	return cert;
}

static bool belong(const char *cert_path, const char *key_path)
{
	X509 *cert = read_cert(cert_path);
	EVP_PKEY *key;
	struct buf why;
	bool ok;

	buf_init(&why, 8192);
	key = cert ? pki_key_read(key_path, &why) : NULL;
	ok = key && X509_check_private_key(cert, key) == 1;
	ERR_clear_error();
	buf_free(&why);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

int pki_rotation_key(const struct pki_identity_files *f, char *out, size_t size)
{
	char next[PATH_SIZE];
	const char *key = f->key;

	if (!belong(f->cert, f->key) && pki_rotation_path(f->key, PKI_NEXT, next, sizeof(next)) == 0 && belong(f->cert, next))
		key = next;
	return snprintf(out, size, "%s", key) >= (int)size ? -1 : 0;
}

int pki_rotation_pin(const struct pki_identity_files *f, enum pki_which which, uint8_t pin[PKI_PIN_LEN], struct buf *error)
{
	uint8_t current[PKI_PIN_LEN];
	char path[PATH_SIZE];

	if (pki_rotation_path(f->cert, which, path, sizeof(path)) < 0 || there(path) == 0)
		return 0;
	if (pki_identity_pin(path, pin, error) < 0 || pki_identity_pin(f->cert, current, error) < 0)
		return -1;
	/* a promotion that has only given the current one its second name */
	return memcmp(pin, current, PKI_PIN_LEN) != 0;
}

/* A name is only safe on the disk once its folder is. */
static int sync_folder_of(const char *path)
{
	char dir[PATH_SIZE];
	const char *slash = strrchr(path, '/');
	int fd, r;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	if (r != 0 && (errno == EINVAL || errno == ENOTSUP))
		r = 0;
	close(fd);
	return r;
}

/* What root makes must stay readable for whom the current key belongs to. */
static int give(const char *path, const char *like)
{
	struct stat st;

	return geteuid() != 0 ? 0 : stat(like, &st) == 0 ? lchown(path, st.st_uid, st.st_gid) : -1;
}

int pki_rotation_next(const struct pki_identity_files *f, const char *site, struct buf *error)
{
	struct beside b;

	if (paths(f, &b, error) < 0)
		return -1;
	if (there(b.next_cert) != 0) {
		buf_printf(error, "There is a next identity already (%s): `availbridge identity promote` puts it into use.", b.next_cert);
		return -1;
	}
	if (there(b.next_key) != 0 && !belong(f->cert, f->key)) {
		buf_puts(error, "A promotion was cut short: `availbridge identity promote` ends it.");
		return -1;
	}
	unlink(b.next_key); /* a key that never got its certificate was told to nobody */
	if (pki_identity_create(site, b.next_key, b.next_cert, error) < 0)
		return -1;
	if (give(b.next_key, f->key) == 0 && give(b.next_cert, f->cert) == 0 && sync_folder_of(f->key) == 0 &&
	    sync_folder_of(f->cert) == 0)
		return 0;
	buf_printf(error, "%s cannot be kept: %s.", b.next_key, strerror(errno));
	unlink(b.next_cert);
	unlink(b.next_key);
	return -1;
}

static int done(int r, const char *path, int more, struct buf *error)
{
	if (r == 0 && sync_folder_of(path) == 0)
		return more;
	buf_printf(error, "%s cannot be made or replaced: %s.", path, strerror(errno));
	return -1;
}

/* What stands under the name -old is the current identity itself, or nothing. */
static bool old_is_free(const struct pki_identity_files *f, struct buf *error)
{
	uint8_t pin[PKI_PIN_LEN];
	int r = pki_rotation_pin(f, PKI_OLD, pin, error);

	if (r > 0)
		buf_puts(error, "There is an old identity still: `availbridge identity retire` first removes it, here and at the peers.");
	return r == 0;
}

int pki_rotation_promote_step(const struct pki_identity_files *f, struct buf *error)
{
	struct beside b;

	if (paths(f, &b, error) < 0)
		return -1;
	if (!belong(f->cert, f->key)) {
		if (belong(f->cert, b.next_key))
			return done(rename(b.next_key, f->key), f->key, 0, error);
		buf_printf(error, "The key %s does not belong to the certificate %s; nothing is promoted.", f->key, f->cert);
		return -1;
	}
	if (there(b.next_cert) == 0 || !belong(b.next_cert, b.next_key)) {
		buf_printf(error, there(b.next_cert) != 0 ? "The next identity is broken: remove %s and make it anew with `availbridge identity next`."
		                                          : "There is no next identity (%s): make it with `availbridge identity next`.",
			b.next_cert);
		return -1;
	}
	if (!old_is_free(f, error))
		return -1;
	if (there(b.old_cert) != 1)
		return done(link(f->cert, b.old_cert), b.old_cert, 1, error);
	if (there(b.old_key) != 1 || !belong(f->cert, b.old_key)) { /* a key left by a retirement that was cut short is nobody's */
		unlink(b.old_key);
		return done(link(f->key, b.old_key), b.old_key, 1, error);
	}
	return done(rename(b.next_cert, f->cert), f->cert, 1, error);
}

int pki_rotation_promote(const struct pki_identity_files *f, struct buf *error)
{
	int r;

	while ((r = pki_rotation_promote_step(f, error)) > 0)
		;
	return r;
}

int pki_rotation_retire(const struct pki_identity_files *f, uint8_t pin[PKI_PIN_LEN], struct buf *error)
{
	struct beside b;
	int r;

	if (paths(f, &b, error) < 0)
		return -1;
	if (!belong(f->cert, f->key)) {
		buf_puts(error, "A promotion was cut short: `availbridge identity promote` ends it first.");
		return -1;
	}
	r = pki_rotation_pin(f, PKI_OLD, pin, error);
	/* the certificate last: as long as it is there, it is known what was retired */
	if (r > 0 && ((unlink(b.old_key) < 0 && errno != ENOENT) || sync_folder_of(b.old_key) < 0 ||
	              unlink(b.old_cert) < 0 || sync_folder_of(b.old_cert) < 0)) {
		buf_printf(error, "%s cannot be removed: %s.", b.old_key, strerror(errno));
		return -1;
	}
	return r;
}

static bool seconds_of(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

int pki_cert_dates(const char *path, int64_t *from, int64_t *until, struct buf *error)
{
	X509 *cert = read_cert(path);
	bool ok = cert && seconds_of(X509_get0_notBefore(cert), from) && seconds_of(X509_get0_notAfter(cert), until);

	if (!ok)
		buf_printf(error, "%s gives no certificate with dates.", path);
	X509_free(cert);
	return ok ? 0 : -1;
}
