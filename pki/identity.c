#include "pki/identity.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "pki/parts.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
enum { IDENTITY_DAYS = 36500, FRONT_DAYS = 825, CN_MAX = 64 };

/* What goes into one certificate. */
struct wish {
	const char *cn, *alt; /* alt: the subjectAltName in OpenSSL's words, or NULL */
	long days;
	bool ca, client;      /* client: usable for both ends of a link */
	X509 *issuer;         /* NULL = self-signed */
	EVP_PKEY *issuer_key;
};

/* Is it that a file is not in PEM? Of a certificate and of a key that is said in two ways. */
static bool is_no_pem(unsigned long e)
{
	return (ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE) ||
	       (ERR_GET_LIB(e) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(e) == ERR_R_UNSUPPORTED);
}

void pki_errors_put(struct buf *out)
{
	unsigned long e = ERR_peek_error();
	const char *why = !e ? NULL : is_no_pem(e) ? "it is not in PEM, which has a line -----BEGIN. What Windows exports becomes PEM by `openssl x509 "
	                                             "-inform der -in FILE` or `openssl pkcs12 -nodes -in FILE`" : ERR_reason_error_string(e);

	buf_puts(out, why ? why : e ? "an error of the TLS library without a name" : "no reason given");
	ERR_clear_error();
}

static bool extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool ok = e && X509_add_ext(cert, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

static bool serial(X509 *cert)
{
	uint8_t raw[16];
	BIGNUM *n;
	bool ok;

	text_random(raw, sizeof(raw));
	raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40); /* positive, and never shorter than the rest (RFC 5280 4.1.2.2) */
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok;
}

static bool extensions(X509 *cert, const struct wish *w)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, w->issuer ? w->issuer : cert, cert, NULL, NULL, 0);
	if (!extension(cert, &ctx, NID_basic_constraints, w->ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") ||
	    !extension(cert, &ctx, NID_subject_key_identifier, "hash"))
		return false;
	if (w->ca)
		return extension(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
	/* An identity has no key usage: some libraries want keyCertSign in a trust anchor, others refuse a leaf that has it. */
	if (!w->client && !extension(cert, &ctx, NID_key_usage, "critical,digitalSignature,keyEncipherment"))
		return false;
	if (w->issuer && !extension(cert, &ctx, NID_authority_key_identifier, "keyid"))
		return false;
	return extension(cert, &ctx, NID_ext_key_usage, w->client ? "serverAuth,clientAuth" : "serverAuth") &&
	       (!w->alt || extension(cert, &ctx, NID_subject_alt_name, w->alt));
}

static X509 *certificate(EVP_PKEY *key, const struct wish *w)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
	bool ok = cert && X509_set_version(cert, X509_VERSION_3) && serial(cert) &&
	          X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	          X509_time_adj_ex(X509_getm_notAfter(cert), (int)w->days, -3600, NULL) && X509_set_pubkey(cert, key) &&
	          X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)w->cn, -1, -1, 0) &&
	          X509_set_issuer_name(cert, w->issuer ? X509_get_subject_name(w->issuer) : name) && extensions(cert, w) &&
	          X509_sign(cert, w->issuer_key ? w->issuer_key : key, EVP_sha256());

	if (!ok) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

/* Writes a file that must not be there yet. */
static int write_new(const char *path, BIO *pem, mode_t mode, struct buf *error)
{
	char *data;
	long n = BIO_get_mem_data(pem, &data);

	if (n > 0 && file_write_new(path, data, (size_t)n, mode) == 0)
		return 0;
	if (errno == EEXIST)
		buf_printf(error, "%s cannot be made: it exists, and is kept; remove it first if it shall be replaced.", path);
	else
		buf_printf(error, "%s cannot be written: %s.", path, strerror(errno));
	return -1;
}

/* Refuses early, so that a second file that exists does not leave the first one behind. */
static bool all_absent(const char *const *paths, size_t n, struct buf *error)
{
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (lstat(paths[i], &st) == 0) {
			buf_printf(error, "%s exists already and is kept; remove it first if it shall be replaced.", paths[i]);
			return false;
		}
	return true;
}

static int write_key(const char *path, EVP_PKEY *key, struct buf *error)
{
	BIO *pem = pki_key_pem(key, false);
	int r = -1;

	if (pem)
		r = write_new(path, pem, 0600, error);
	else
		buf_printf(error, "The key for %s cannot be encoded: out of memory.", path);
	BIO_free(pem);
	return r;
}

static int write_certs(const char *path, X509 *a, X509 *b, struct buf *error)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int r = -1;

	if (pem && PEM_write_bio_X509(pem, a) && (!b || PEM_write_bio_X509(pem, b)))
		r = write_new(path, pem, 0644, error);
	else
		buf_printf(error, "The certificate for %s cannot be encoded: out of memory.", path);
	BIO_free(pem);
	return r;
}

int pki_identity_create(const char *site, const char *key_path, const char *cert_path, struct buf *error)
{
	char alt[CN_MAX + 8];
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int r = -1;

	if (!*site || strlen(site) > CN_MAX || strspn(site, NAME_BYTES) != strlen(site)) {
		buf_printf(error, "A site's name has 1 to %d letters, digits, dots, hyphens or underscores.", CN_MAX);
		return -1;
	}
	if (!all_absent((const char *[]){key_path, cert_path}, 2, error))
		return -1;
	snprintf(alt, sizeof(alt), "DNS:%s", site);
	key = EVP_EC_gen("P-256");
	cert = key ? certificate(key, &(struct wish){.cn = site, .alt = alt, .days = IDENTITY_DAYS, .client = true}) : NULL;
	if (!cert) {
		buf_puts(error, "The identity cannot be made: ");
		pki_errors_put(error);
		buf_putc(error, '.');
	} else if (write_key(key_path, key, error) == 0) {
		r = write_certs(cert_path, cert, NULL, error);
		if (r < 0)
			unlink(key_path);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

int pki_identity_pin(const char *cert_path, uint8_t pin[PKI_PIN_LEN], struct buf *error)
{
	BIO *in = BIO_new_file(cert_path, "r");
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	int r = cert ? pki_pin_of_cert(cert, pin) : -1;

	if (r < 0) {
		buf_printf(error, "%s gives no certificate: ", cert_path);
		pki_errors_put(error);
		buf_putc(error, '.');
	}
	ERR_clear_error();
	X509_free(cert);
	BIO_free(in);
	return r;
}

/* The subjectAltName of ${names} in OpenSSL's words. False with a sentence if one of them is no host name. */
static bool alt_names(struct buf *out, const char *const *names, size_t n, struct buf *error)
{
	struct in6_addr any;

	for (size_t i = 0; i < n; i++) {
		bool ip = inet_pton(AF_INET, names[i], &any) == 1 || inet_pton(AF_INET6, names[i], &any) == 1;

		if (!ip && (!*names[i] || strlen(names[i]) > 253 || strspn(names[i], NAME_BYTES "*") != strlen(names[i]))) {
			buf_printf(error, "%s is no host name and no address, so no certificate can be made for it.",
			           *names[i] ? names[i] : "(nothing)");
			return false;
		}
		buf_printf(out, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", names[i]);
	}
	return n > 0 && !out->failed;
}

static int front_write(EVP_PKEY *key, X509 *cert, X509 *ca, const char *const paths[3], struct buf *error)
{
	if (write_key(paths[0], key, error) < 0)
		return -1;
	if (write_certs(paths[1], cert, ca, error) < 0)
		goto no_cert;
	if (write_certs(paths[2], ca, NULL, error) < 0)
		goto no_ca;
	return 0;
no_ca:
	unlink(paths[1]);
no_cert:
	unlink(paths[0]);
	return -1;
}

int pki_front_create(const char *const *names, size_t n, const char *key_path, const char *cert_path, const char *ca_path,
                     struct buf *error)
{
	const char *const paths[3] = {key_path, cert_path, ca_path};
	char ca_name[CN_MAX + 1], cn[CN_MAX + 1];
	EVP_PKEY *ca_key = NULL, *key = NULL;
	X509 *ca = NULL, *cert = NULL;
	struct buf alt;
	int r = -1;

	buf_init(&alt, 64 << 10);
	if (!all_absent(paths, 3, error) || !alt_names(&alt, names, n, error))
		goto out;
	snprintf(ca_name, sizeof(ca_name), "availbridge CA of %s", names[0]);
	snprintf(cn, sizeof(cn), "%s", names[0]);
	if ((ca_key = EVP_RSA_gen(2048)) && (key = EVP_RSA_gen(2048)) &&
	    (ca = certificate(ca_key, &(struct wish){.cn = ca_name, .days = FRONT_DAYS, .ca = true})))
		cert = certificate(key, &(struct wish){.cn = cn, .alt = buf_cstr(&alt), .days = FRONT_DAYS,
		                                       .issuer = ca, .issuer_key = ca_key});
	if (cert) {
		r = front_write(key, cert, ca, paths, error);
	} else {
		buf_puts(error, "The front certificate cannot be made: ");
		pki_errors_put(error);
		buf_putc(error, '.');
	}
out:
	buf_free(&alt);
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return r;
}
