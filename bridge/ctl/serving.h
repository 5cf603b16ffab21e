#ifndef BRIDGE_CTL_SERVING_H
#define BRIDGE_CTL_SERVING_H
#include "bridge/availability/facts.h"
#include "bridge/conf/conf.h"

/* Whose mailbox somebody of ours is, for verbs, and whether it is there. */
struct ctl_serving {
	enum fb_fact served;                /* yes: by backend; no: by the folder of calendars; or a group could not be asked about */
	const struct conf_backend *backend;
	enum fb_fact exists;                /* as the directory says; without one the folder is looked into, while servers are not asked */
};
/* Finds it out about ${whom} (NULL: nothing is known). */
void ctl_serving_find(const struct conf *c, const struct fb_entry *whom, struct ctl_serving *out);
/* What a person calls it: the backend's name, "calendars" for the folder, or NULL if it could not be told. */
const char *ctl_serving_name(const struct ctl_serving *s);
#endif
