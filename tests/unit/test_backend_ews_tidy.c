/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/ews_own.h"
#include "bridge/base/arena.h"
#include "tests/unit/check.h"

/* An Exchange's events held against its own digits: an array with less in it than they tell of is never shown as if it were all. */

static const struct fb_window day = {1772409600, 1772409600 + 86400};
enum { HOUR = 3600 };

int main(void)
{
	static const struct {
		enum fb_busy busy; /* of the one event, from 9 to 17 */
		const char *merged;
		unsigned view;
		bool events_short;
	} cases[] = {
		{FB_BUSY_TIME, "000000000222222220000000", FB_VIEW_MERGED | FB_VIEW_EVENTS, false},
		{FB_BUSY_TIME, "000000000222222222000000", FB_VIEW_MERGED | FB_VIEW_EVENTS, true},
		/* nothing takes time that is free or works elsewhere, so what the digits tell of is left out */
		{FB_FREE, "000000000020000000000000", FB_VIEW_MERGED, false},
		{FB_ELSEWHERE, "000000000020000000000000", FB_VIEW_MERGED, false},
		{FB_ELSEWHERE, "000000000000000000000000", FB_VIEW_MERGED | FB_VIEW_EVENTS, false},
		{FB_TENTATIVE, "000000000111111110000000", FB_VIEW_MERGED | FB_VIEW_EVENTS, false},
		{FB_BUSY_TIME, "000000000222222224000000", FB_VIEW_MERGED, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fb_answer *a = fb_answer_new(FB_OK);

		a->view = FB_VIEW_MERGED | FB_VIEW_EVENTS;
		a->merged = arena_strdup(a->arena, cases[i].merged);
		fb_answer_add(a, &(struct fb_event){.start = day.start + 9 * HOUR, .end = day.start + 17 * HOUR, .busy = cases[i].busy});
		ews_tidy(&a, day, 60);
		CHECK_INT(a->reason, FB_OK);
		if (!CHECK_INT(a->view, cases[i].view) || !CHECK_INT(a->events_short, cases[i].events_short))
			fprintf(stderr, "\tcase %zu\n", i);
		CHECK_STR(a->merged, cases[i].merged);
		fb_answer_free(a);
	}
	return check_done();
}
