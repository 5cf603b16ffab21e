/* links: base availability conf dns pki ews acl budget trace backend */
#include <stdlib.h>
#include "bridge/availability/spans.h"
#include "bridge/backend/ics.h"

/* Whatever a worker makes of a calendar its bridge takes. */
static void hand_over(const struct fb_answer *a)
{
	struct buf packed;
	buf_init(&packed, 64 << 20);
	fb_answer_pack(&packed, a);
	struct unpack u = unpack_start(buf_ptr(&packed), packed.len);
	struct fb_answer *b = fb_answer_unpack(&u);
	if (!b || b->n_events != a->n_events)
		abort();
	fb_answer_free(b);
	buf_free(&packed);
}

/* Any text: within its limits it is a calendar or a sentence, and no event lies outside the window. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	struct ics_options o = {.floating = fb_zone_named("Europe/Berlin")};
	struct fb_window w = {1772323200, 1775001600}; /* March 2026 */
	struct buf error;
	buf_init(&error, 4096);
	if (ics_expand((const char *)data, size, w, &o, a, &error) == 0) {
		for (size_t i = 0; i < a->n_events; i++)
			if (a->events[i].start > a->events[i].end || a->events[i].start >= w.end || a->events[i].end < w.start)
				abort();
		hand_over(a);
	} else if (!error.len) {
		abort();
	}
	fb_answer_free(a);
	buf_free(&error);
	return 0;
}
