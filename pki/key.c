#include "pki/key.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include "bridge/base/file.h"
#include "pki/parts.h"

enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 1, KEY_FILE_MAX = 64 << 10 };

static struct {
	char *text; /* NULL = none */
	size_t n;
} passphrase;

void pki_key_passphrase(const char *text, size_t n)
{
	if (passphrase.text)
		OPENSSL_clear_free(passphrase.text, passphrase.n);
	passphrase.text = text ? OPENSSL_memdup(text, n) : NULL;
	passphrase.n = text ? n : 0;
	if (text && !passphrase.text)
		abort();
}

/* OpenSSL's question for a passphrase, which is never put to a terminal. ${arg}: whether it was asked at all. */
static int give(char *out, int size, int writing, void *arg)
{
	*(bool *)arg = true;
	if (!passphrase.text || passphrase.n > (size_t)size)
		return -1;
	memcpy(out, passphrase.text, passphrase.n);
	return (int)passphrase.n;
}

/* ${encrypted} (may be NULL) says whether the file is. */
static EVP_PKEY *read_key(const char *path, bool *encrypted, struct buf *error)
{
	bool asked = false;
	BIO *in;
	EVP_PKEY *key;

	errno = 0;
	in = BIO_new_file(path, "r");
	key = in ? PEM_read_bio_PrivateKey(in, NULL, give, &asked) : NULL;
	if (encrypted)
		*encrypted = asked;
	if (!key) {
		buf_printf(error, "The key %s cannot be used: ", path);
		if (!in && errno)
			buf_printf(error, "%s.", strerror(errno));
		else if (asked && !passphrase.text)
			buf_puts(error, "it is encrypted, and the settings name no passphrase; set key_passphrase_file or key_passphrase_credential.");
		else if (asked)
			buf_puts(error, "its passphrase is another one than key_passphrase_file or key_passphrase_credential gives.");
		else {
			pki_errors_put(error);
			buf_putc(error, '.');
		}
	}
	ERR_clear_error();
	BIO_free(in);
	return key;
}

EVP_PKEY *pki_key_read(const char *path, struct buf *error)
{
	return read_key(path, NULL, error);
}

static bool put_encrypted(BIO *pem, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	X509_ALGOR *how = info ? PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P) : NULL;
	X509_SIG *sealed = how ? PKCS8_set0_pbe(passphrase.text, (int)passphrase.n, info, how) : NULL;
	bool ok = sealed && PEM_write_bio_PKCS8(pem, sealed);

	if (how && !sealed)
		X509_ALGOR_free(how);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(info);
	return ok;
}

BIO *pki_key_pem(EVP_PKEY *key, bool plain)
{
	BIO *pem = BIO_new(BIO_s_secmem());

	if (pem && (plain || !passphrase.text ? PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) : put_encrypted(pem, key)))
		return pem;
	ERR_clear_error();
	BIO_free(pem);
	return NULL;
}

int pki_key_check(const char *path, struct buf *error)
{
	EVP_PKEY *key = pki_key_read(path, error);

	EVP_PKEY_free(key);
	return key ? 0 : -1;
}

int pki_key_rewrite(const char *path, bool plain, struct buf *error)
{
	bool encrypted = false;
	EVP_PKEY *key = read_key(path, &encrypted, error);
	BIO *pem = NULL;
	char *data;
	long n;
	int r = -1;

	if (!key)
		return -1;
	if (encrypted == !plain) {
		r = 1;
	} else if (!(pem = pki_key_pem(key, plain)) || (n = BIO_get_mem_data(pem, &data)) <= 0 || n > KEY_FILE_MAX) {
		buf_printf(error, "The key %s cannot be encoded: out of memory.", path);
	} else if ((r = file_write(path, data, (size_t)n, 0600)) != 0) {
		buf_printf(error, "%s cannot be written: %s.", path, strerror(errno));
	}
	BIO_free(pem);
	EVP_PKEY_free(key);
	return r;
}
