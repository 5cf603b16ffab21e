#include "pki/digest.h"
#include <stdlib.h>
#include <openssl/evp.h>

void pki_sha256(uint8_t out[PKI_SHA256], const void *p, size_t n)
{
	if (!EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL))
		abort();
}
