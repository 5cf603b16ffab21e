/* links: base pki */
#include "pki/pairing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[32];
	struct pki_invitation inv = {0};
	struct pki_pairing p;
	const char *why;
	struct buf in, body;

	buf_init(&in, 64 << 10);
	buf_init(&body, PKI_PAIRING_FRAME_MAX);
	if (buf_add(&in, data, size) == 0) {
		pki_invitation_parse(buf_cstr(&in), &inv, &why);
		pki_offer_read(data, size, &inv.offer);
		pki_pairing_start(&p, &inv, zero, zero);
		pki_pairing_take(&p, &in, PKI_PAIRING_ACCEPT, &body);
	}
	pki_pairing_end(&p);
	buf_free(&in);
	buf_free(&body);
	return 0;
}
