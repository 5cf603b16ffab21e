#include "bridge/backend/calendars.h"
#include "bridge/backend/calendars_job.h"
#include "bridge/base/log.h"

/* The working hours that the settings give everybody. */
static void default_hours(const struct conf *c, const struct fb_zone *z, int64_t at, struct fb_working_hours *h)
{
	*h = (struct fb_working_hours){.known = true, .n = 1};
	h->periods[0] = (struct fb_working_period){c->working_days, c->working_start, c->working_end};
	fb_zone_rule_at(z, at, &h->zone);
}

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
	const struct fb_zone *zone = fb_zone_named(c->working_zone);
	struct calendars_job j;
	struct calendars_result r = {0};
	struct fb_working_hours hours;
	struct buf error;
	buf_init(&error, 4096);
	if (!calendars_job_unpack(job, len, &j)) {
		log_error("a calendar job could not be read; the bridge and its worker differ in version");
		return;
	}
	if (!zone)
		zone = fb_zone_utc();
	default_hours(c, zone, j.asked.start, &hours);
	do_job(dir_fd, &j, &(struct ics_options){zone, &hours}, &r, &error);
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
