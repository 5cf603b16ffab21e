#include "bridge/ctl/serving.h"
#include <fcntl.h>
#include <unistd.h>
#include "bridge/backend/backends.h"

void ctl_serving_find(const struct conf *c, const struct fb_entry *whom, struct ctl_serving *out)
{
	int folder = open(c->calendars, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct calendars *calendars = folder < 0 ? NULL : calendars_new(c, folder, NULL, NULL);
	struct backends *backends = backends_new(c, calendars, NULL, NULL);

	*out = (struct ctl_serving){.exists = whom && c->directory ? whom->exists : FB_COULD_NOT_TELL};
	if (whom)
		out->served = backends_serving(backends, whom, whom->address, &out->backend);
	if (whom && !c->directory && (calendars || out->served != FB_NO))
		out->exists = backends_exists(backends, whom, whom->address);
	backends_free(backends);
	calendars_free(calendars);
	if (folder >= 0)
		close(folder);
}

const char *ctl_serving_name(const struct ctl_serving *s)
{
	return s->served == FB_YES ? s->backend->name : s->served == FB_NO ? "calendars" : NULL;
}
