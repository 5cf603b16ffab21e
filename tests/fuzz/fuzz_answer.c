/* links: base availability */
#include "bridge/availability/answer.h"

/* Goal: whatever a broken worker sends is refused or is an answer that we can work with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack u = unpack_start(data, size);
	struct fb_answer *a = fb_answer_unpack(&u);
	struct buf b;

	buf_init(&b, 1 << 20);
	if (a) {
		fb_answer_sort(a);
		fb_merged_put(&b, a, (struct fb_window){1772438400, 1772438400 + 62 * 86400}, 5);
		fb_zone_free(fb_zone_from_rule(&a->hours.zone));
	}
	buf_free(&b);
	fb_answer_free(a);
	return 0;
}
