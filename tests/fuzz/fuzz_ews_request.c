/* links: base availability ews acl conf pki */
#include "bridge/ews/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes are a request or a fault, and either has an answer; no mailbox without a computed one is shown as free. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ews_request *r = ews_read(data, size);
	struct acl_released *none[FB_MAX_MAILBOXES] = {0};
	struct buf out;

	buf_init(&out, 64 << 20);
	if (r->fault.code)
		ews_write_fault(&out, &r->fault);
	else if (r->operation == EWS_GET_USER_AVAILABILITY)
		ews_write_availability(&out, r, none, "x");
	else
		ews_write_other(&out, r, "");
	buf_free(&out);
	ews_request_free(r);
	return 0;
}
