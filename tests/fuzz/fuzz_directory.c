/* links: base availability conf pki directory */
#include <string.h>
#include "bridge/directory/filter.h"
#include "bridge/directory/job.h"
#include "bridge/directory/sid.h"

/* Goal: what a broken worker sends is refused or is an answer; no text gets out of a filter's value; a SID is one or none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum fb_fact groups[4];
	struct directory_answer a = {.groups = groups};
	enum directory_kind kind;
	uint8_t sid[SID_MAX];
	const char *text;
	struct buf b;
	size_t n;

	buf_init(&b, 1 << 20);
	for (n = 0; n < 4; n++)
		directory_answer_unpack(data, size, &a, n);
	directory_job_unpack(data, size, &kind, &text);
	filter_value(&b, data, size);
	text = buf_cstr(&b);
	if (b.failed ? size < (1 << 18) : strcspn(text, "()*") != b.len)
		__builtin_trap();
	buf_reset(&b);
	buf_add(&b, data, size);
	if (sid_parse(buf_cstr(&b), sid, &n) && (n != 8 + 4 * (size_t)sid[1] || n > SID_MAX))
		__builtin_trap();
	buf_free(&b);
	return 0;
}
