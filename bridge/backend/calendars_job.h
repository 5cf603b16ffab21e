#ifndef BRIDGE_BACKEND_CALENDARS_JOB_H
#define BRIDGE_BACKEND_CALENDARS_JOB_H
#include "bridge/backend/ics.h"

/* What travels between the two halves of the backend. Strings are borrowed from the message. */

struct calendars_job {
	const char *address;
	struct fb_window wide;  /* worth keeping */
	struct fb_window asked; /* enough, if the wide one is too much */
};
struct calendars_result {
	struct fb_window window; /* what the answer is complete for */
	bool keep;               /* it may be given again while the stamps hold */
	struct ics_stamps stamps;
	struct fb_answer *answer;
};

/* Appends ${j}. */
void calendars_job_pack(struct buf *b, const struct calendars_job *j);
/* False if ${data} is no job. */
bool calendars_job_unpack(const uint8_t *data, size_t len, struct calendars_job *j);
/* Appends ${r}. */
void calendars_result_pack(struct buf *b, const struct calendars_result *r);
/* False if ${data} is no result; else the caller owns what is in ${r}. */
bool calendars_result_unpack(const uint8_t *data, size_t len, struct calendars_result *r);
#endif
