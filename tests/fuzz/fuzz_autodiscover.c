/* links: base availability ews acl conf pki */
#include "bridge/ews/autodiscover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool published(void *arg, const char *address)
{
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ews_autodiscover a = {.public_url = "https://a.example", .host = "a.example", .published = published};
	struct buf out, text;

	buf_init(&out, 1 << 20);
	buf_init(&text, 1 << 20);
	buf_add(&text, data, size);
	ews_autodiscover_pox(&out, &a, data, size);
	ews_autodiscover_soap(&out, &a, data, size);
	ews_autodiscover_json(&out, &a, buf_cstr(&text), buf_cstr(&text));
	buf_free(&text);
	buf_free(&out);
	return 0;
}
