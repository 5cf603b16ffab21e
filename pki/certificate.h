#ifndef PKI_CERTIFICATE_H
#define PKI_CERTIFICATE_H
#include "bridge/base/buf.h"

/*
 * Does the first certificate in ${path} (PEM) name ${host}, a DNS name or an IP literal (RFC 9525)? 1, or 0 with the names that it
 * has in ${names};
 * -1 with a sentence in ${names} if it cannot be read.
 */
int pki_cert_covers(const char *path, const char *host, struct buf *names);
#endif
