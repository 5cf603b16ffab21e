/* links: base availability pki audit */
#include <stdlib.h>
#include <string.h>
#include "bridge/audit/record.h"

/* A line of the other site's export. Whatever it holds, its strings stay within it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct audit_record r;
	char *line = malloc(size + 1);

	memcpy(line, data, size);
	if (audit_record_read(line, size, &r) != AUDIT_NO_RECORD)
		for (size_t i = 0; i < r.n_fields; i++)
			if (r.fields[i].value && strlen(r.fields[i].value) + strlen(r.fields[i].key) > size)
				abort();
	free(line);
	return 0;
}
