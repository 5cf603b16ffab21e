#include <string.h>
#include "bridge/backend/job.h"

/* FBTYPE (RFC 5545 3.2.9): a word that we do not know counts as BUSY. */
static enum fb_busy busy_of(const struct ics_property *p)
{
	static const struct {
		const char *word;
		enum fb_busy busy;
	} types[] = {{"FREE", FB_FREE}, {"BUSY-TENTATIVE", FB_TENTATIVE}, {"BUSY-UNAVAILABLE", FB_OOF}};
	const char *v;
	size_t n;
	if (ics_parameter(p, "FBTYPE", &v, &n))
		for (size_t i = 0; i < sizeof types / sizeof *types; i++)
			if (strlen(types[i].word) == n && !strncasecmp(types[i].word, v, n))
				return types[i].busy;
	return FB_BUSY_TIME;
}

/* DTSTART and DTEND: of which time it speaks at all. */
static int narrow(struct ics_job *j, const struct ics_property *p)
{
	struct ics_time t;
	if (ics_job_time(j, p, p->value, p->value_len, &t))
		return -1;
	int64_t at = ics_instant(&t, j->options->floating);
	if (p->name == ICS_DTSTART)
		j->covered.start = at > j->covered.start ? at : j->covered.start;
	else
		j->covered.end = at < j->covered.end ? at : j->covered.end;
	return 0;
}

int ics_freebusy_read(struct ics_job *j, const struct ics_component *c)
{
	for (const struct ics_property *p = c->first; p; p = p->next) {
		const char *s;
		size_t n, pos = 0;
		if ((p->name == ICS_DTSTART || p->name == ICS_DTEND) && narrow(j, p))
			return -1;
		while (p->name == ICS_FREEBUSY && ics_next_item(p, &pos, &s, &n)) {
			struct ics_time start;
			int64_t seconds;
			if (ics_job_period(j, p, s, n, j->options->floating, &start, &seconds))
				return -1;
			int64_t at = ics_instant(&start, j->options->floating);
			if (ics_job_emit(j, &(struct fb_event){.start = at, .end = at + seconds, .busy = busy_of(p)}))
				return ics_fail(j->error, p->line, "the calendar has more busy times in this window than one answer may hold");
		}
	}
	return 0;
}
