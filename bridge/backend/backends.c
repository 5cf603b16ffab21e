#include "bridge/backend/backends.h"
#include <stdlib.h>

struct backends {
	struct calendars *folder;
};

struct backends *backends_new(const struct conf *c, struct calendars *folder)
{
	struct backends *b = calloc(1, sizeof *b);

	if (b)
		*b = (struct backends){folder};
	return b;
}

void backends_free(struct backends *b)
{
	free(b);
}

void backends_fetch(struct backends *b, const struct fb_entry *who, const char *address, struct fb_window w, int interval,
                    int64_t deadline_ms, backends_done_cb *cb, void *arg)
{
	calendars_fetch(b->folder, address, w, cb, arg);
}

enum fb_fact backends_exists(struct backends *b, const struct fb_entry *who, const char *address)
{
	return calendars_exists(b->folder, address);
}
