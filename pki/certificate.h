#ifndef PKI_CERTIFICATE_H
#define PKI_CERTIFICATE_H
#include "bridge/base/buf.h"

/*
 * Does the first certificate in ${path} (PEM) name ${host}, a DNS name or an IP literal (RFC 9525)? 1, or 0 with the names that it
 * has in ${names};
 * -1 with a sentence in ${names} if it cannot be read.
 */
int pki_cert_covers(const char *path, const char *host, struct buf *names);
/*
 * Holds ${path} certificates in PEM, to trust others by? -1 with a sentence, which calls it ca-file as the settings do and says what it is
 * instead.
 */
int pki_authorities_check(const char *path, struct buf *error);
#endif
