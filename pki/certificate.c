#include "pki/certificate.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void put_names(X509 *cert, struct buf *out)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool any = false;

	for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(list, i);

		if (g->type != GEN_DNS)
			continue;
		buf_printf(out, "%s%.*s", any ? ", " : "", ASN1_STRING_length(g->d.dNSName), (const char *)ASN1_STRING_get0_data(g->d.dNSName));
		any = true;
	}
	if (!any)
		buf_puts(out, "no DNS name");
	GENERAL_NAMES_free(list);
}

int pki_cert_covers(const char *path, const char *host, struct buf *names)
{
	FILE *f = fopen(path, "re");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	int result = -1;

	if (f)
		fclose(f);
	if (cert)
		result = X509_check_host(cert, host, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, host, 0) == 1;
	if (result < 0)
		buf_printf(names, "%s gives no certificate.", path);
	else if (!result)
		put_names(cert, names);
	X509_free(cert);
	return result;
}

int pki_authorities_check(const char *path, struct buf *error)
{
	FILE *f = fopen(path, "re");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL, *der = NULL;
	bool pem = cert != NULL;

	if (!f)
		buf_printf(error, "ca-file %s cannot be read: %s", path, strerror(errno));
	else if (!pem) {
		rewind(f);
		der = d2i_X509_fp(f, NULL);
		buf_printf(error, der ? "ca-file %s is a certificate in DER, as Windows exports it, and not in PEM: run "
		                        "openssl x509 -inform der -in FILE -out FILE.pem, and name that" :
		                        "ca-file %s holds no certificate in PEM", path);
	}
	ERR_clear_error();
	X509_free(cert);
	X509_free(der);
	if (f)
		fclose(f);
	return pem ? 0 : -1;
}
