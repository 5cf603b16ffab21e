/* links: base availability conf acl address_space ews login pki budget trace front */
#include <stdlib.h>
#include <string.h>
#include "bridge/front/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head h;
	struct http_chunks c = {0};
	struct buf in, out;
	size_t scanned = 0, n = http_head_find(data, size, &scanned), left = 4096;
	char *copy = malloc(n + 1);

	if (n && memcpy(copy, data, n) && http_head_parse(copy, n, &h) == 0 && (!h.path || *h.path != '/'))
		abort();
	buf_init(&in, 1 << 20);
	buf_init(&out, 4096);
	if (buf_add(&in, data + n, size - n) == 0 && http_chunks_feed(&c, &in, &out, &left) == 1 && out.len + left != 4096)
		abort();
	buf_free(&in), buf_free(&out), free(copy);
	return 0;
}
