/* links: base availability conf pki */
#include <stdlib.h>
#include "bridge/conf/lines.h"

/* Goal: any file of lines is refused or read; copied line by line it reads the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems p = {0};
	struct lines *l = lines_parse("f", (const char *)data, size, &p), *again;
	struct buf b;

	buf_init(&b, 1 << 22);
	if (l && lines_compose(l, SIZE_MAX, NULL, SIZE_MAX, NULL, &b) == 0) {
		again = lines_parse("f", buf_cstr(&b), b.len, &p);
		if (!again || again->n != l->n)
			abort();
		lines_free(again);
	}
	buf_free(&b);
	lines_free(l);
	conf_problems_free(&p);
	return 0;
}
