/* links: base availability conf dns pki ews acl budget trace backend */
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/caldav_own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char address[] = "anna@a.example";

static void take_freebusy(const char *text, struct buf *why)
{
	struct conf c = {.working_zone = (char *)"Europe/Berlin", .working_days = 62, .working_start = 480, .working_end = 1020};
	struct caldav d = {.site.conf = &c};
	struct caldav_ask a = {.d = &d, .window = {1772323200, 1772323200 + 62 * 86400}};

	memcpy(a.address, address, sizeof address);
	a.answer = fb_answer_new(FB_OK);
	buf_reset(why);
	caldav_take_freebusy(&a, text, strlen(text), why);
	fb_answer_free(a.answer);
}

/* What a CalDAV server says. The first byte says what it is meant to be: m(ultistatus), s(chedule-response), f(ree/busy) or an h(ref). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(16 << 20);
	struct dav_multistatus m;
	struct dav_schedule s;
	struct buf why;
	char *text = size ? strndup((const char *)data + 1, size - 1) : NULL, *url;

	buf_init(&why, 4096);
	if (size && data[0] == 'm')
		dav_multistatus_read(data + 1, size - 1, arena, &m, &why);
	else if (size && data[0] == 's' && dav_schedule_read(data + 1, size - 1, arena, &s, &why)) {
		for (size_t i = 0; i < s.n; i++)
			if (s.list[i].data)
				take_freebusy(s.list[i].data, &why);
	} else if (size && data[0] == 'f')
		take_freebusy(text, &why);
	else if (size && (url = caldav_resolve(arena, text, "https://dav.a.example:8443")) && strncmp(url, "https://dav.a.example:8443/", 27) != 0)
		abort(); /* nothing leads away */
	free(text);
	buf_free(&why);
	arena_free(arena);
	return 0;
}
