#include "bridge/backend/ics.h"
#include "bridge/backend/job.h"

int ics_expand(const char *text, size_t len, struct fb_window w, const struct ics_options *o, struct fb_answer *into, struct buf *error)
{
	struct ics_job j;
	int err = ics_job_start(&j, w, o, into, error);
	if (!err)
		err = ics_job_read(&j, text, len);
	if (!err)
		err = ics_job_finish(&j, NULL);
	ics_job_free(&j);
	return err;
}
