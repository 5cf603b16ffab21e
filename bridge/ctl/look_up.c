#include "bridge/ctl/look_up.h"

static void found(void *arg, const struct fb_entry *who)
{
	*(const struct fb_entry **)arg = who;
}

const struct fb_entry *ctl_look_up(struct directory *d, const char *address)
{
	const struct fb_entry *who = NULL;

	directory_look_up(d, address, found, &who);
	return who;
}
