#ifndef BRIDGE_CTL_LOOK_UP_H
#define BRIDGE_CTL_LOOK_UP_H
#include "bridge/directory/directory.h"

/* What ${d} knows of ${address} (normal). NULL when out of memory. Caller releases. */
const struct fb_entry *ctl_look_up(struct directory *d, const char *address);
#endif
