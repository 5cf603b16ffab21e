#include "bridge/backend/calendars.h"
#include "bridge/backend/calendars_job.h"
#include "bridge/backend/defaults.h"
#include "bridge/base/log.h"

/* The wide window is only for the cache: if it is too much, the one asked may still do. */
static void do_job(int dir_fd, const struct calendars_job *j, const struct ics_options *o, struct calendars_result *r, struct buf *error)
{
	r->window = j->wide;
	r->answer = ics_fetch(dir_fd, j->address, j->wide, o, &r->stamps, error);
	if (!r->answer || r->answer->reason != FB_CALENDAR_FAILED)
		return;
	fb_answer_free(r->answer);
	ics_stamps_free(&r->stamps);
	buf_reset(error);
	r->window = j->asked;
	r->answer = ics_fetch(dir_fd, j->address, j->asked, o, &r->stamps, error);
}

void calendars_work(const struct conf *c, int dir_fd, const uint8_t *job, size_t len, struct buf *reply)
{
	struct calendars_job j;
	struct calendars_result r = {0};
	struct fb_working_hours hours;
	struct ics_options options;
	struct buf error;
	buf_init(&error, 4096);
	if (!calendars_job_unpack(job, len, &j)) {
		log_error("a calendar job could not be read; the bridge and its worker differ in version");
		return;
	}
	ics_default_options(c, j.asked.start, &hours, &options);
	do_job(dir_fd, &j, &options, &r, &error);
	if (r.answer) {
		if (r.answer->reason == FB_CALENDAR_FAILED)
			log_event(LOG_LEVEL_ERROR, "calendar-failed", LS("mailbox", j.address), LS("why", buf_cstr(&error)));
		r.keep = r.stamps.settled && r.answer->reason != FB_NO_ACCESS;
		calendars_result_pack(reply, &r);
	}
	fb_answer_free(r.answer);
	ics_stamps_free(&r.stamps);
	buf_free(&error);
}
